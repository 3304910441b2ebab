"""Groups of records from scored pairs."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from jobs.identity.matching.clusters import group

SIX = 6


def pairs(*rows):
    """(left, right, weight) or (left, right, weight, "differ" or "conflict")."""
    told = [
        {
            "l": r[0],
            "r": r[1],
            "weight": float(r[2]),
            "differ": r[3:] == ("differ",),
            "conflict": r[3:] == ("conflict",),
        }
        for r in rows
    ]
    return pd.DataFrame(told, columns=["l", "r", "weight", "differ", "conflict"]).astype({"l": int, "r": int})


def labels(size, *rows, **options):
    return group(size, pairs(*rows), 0.0, **options).labels.tolist()


def test_likely_pairs_are_groups_named_after_their_first_record():
    assert labels(4, (0, 2, 5), (1, 3, -5)) == [0, 1, 0, 3]


def test_a_lucky_pair_does_not_join_two_groups_that_the_others_speak_against():
    two = [(0, 1, 9), (1, 2, 9), (0, 2, 9), (3, 4, 9), (4, 5, 9), (3, 5, 9)]
    doubts = [(a, b, -3) for a in (0, 1, 2) for b in (3, 4, 5) if (a, b) != (2, 3)]
    made = group(SIX, pairs(*two, *doubts, (2, 3, 4)), 0.0)
    assert made.labels.tolist() == [0, 0, 0, 3, 3, 3]
    assert made.cut.to_dict("records") == [{"l": 2, "r": 3, "weight": 4.0, "reason": "outweighed"}]


def test_a_pair_that_no_rule_found_counts_a_little_against():
    chain = [(0, 1, 9), (1, 2, 9), (0, 2, 9), (3, 4, 9), (4, 5, 9), (3, 5, 9)]
    assert labels(SIX, *chain, (2, 3, 1)) == [0, 0, 0, 3, 3, 3]


def test_a_conflict_is_never_joined_not_even_by_way_of_another():
    made = group(3, pairs((0, 1, 9), (1, 2, 8), (0, 2, 20, "conflict")), 0.0)
    assert made.labels.tolist() == [0, 0, 2]
    assert dict(zip(made.cut["r"], made.cut["reason"], strict=True)) == {2: "conflict"} or len(made.cut) == 2


def test_records_of_a_source_without_duplicates_are_linked_to_the_best_one():
    exclusive = np.array([0, 0, 1])
    assert labels(3, (0, 2, 5), (1, 2, 7), exclusive=exclusive) == [0, 1, 1]


def test_a_record_that_fits_two_that_differ_joins_neither():
    assert labels(3, (0, 2, 5), (1, 2, 5.5), (0, 1, -6, "differ")) == [0, 1, 2]


def test_a_group_does_not_grow_beyond_the_largest():
    every = [(a, b, 9) for a in range(5) for b in range(a + 1, 5)]
    made = group(5, pairs(*every), 0.0, largest=3)
    assert max(np.bincount(made.labels)) <= 3
    assert set(made.cut["reason"]) == {"group too large"}


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(-9, 9), st.booleans()), max_size=30),
)
def test_whatever_the_pairs_conflicts_are_apart_and_every_group_hangs_together(rows):
    once = {(min(a, b), max(a, b)): (w, c) for a, b, w, c in rows if a != b}
    told = pairs(*[(a, b, w, "conflict" if c else "") for (a, b), (w, c) in once.items()])
    made = group(9, told, 0.5)
    assert (made.labels <= np.arange(9)).all()
    assert (made.labels[made.labels] == made.labels).all()
    left, right = made.labels[told["l"]], made.labels[told["r"]]
    assert not (told["conflict"] & (left == right)).any()
    likely = told["weight"] >= 0.5
    assert set(map(tuple, made.cut[["l", "r"]].to_numpy())) == set(
        map(tuple, told.loc[likely & (left != right), ["l", "r"]].to_numpy())
    )
    assert len(set(made.labels)) >= 9 - int((likely & ~told["conflict"]).sum())
