"""Connected components carry a proof."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.identity.components import NotComponents, certify, components, spanning

LEFT, RIGHT = np.array([1, 4, 2]), np.array([3, 5, 3])


def naive(size, links):
    """Components by spreading the smallest label until nothing changes."""
    labels = list(range(size))
    while True:
        before = list(labels)
        for left, right in links:
            labels[left] = labels[right] = min(labels[left], labels[right])
        if labels == before:
            return labels


def test_a_component_is_named_after_its_smallest_node():
    assert components(6, LEFT, RIGHT).tolist() == [0, 1, 1, 1, 4, 4]


def test_without_links_every_node_stands_alone():
    assert components(3, np.array([], int), np.array([], int)).tolist() == [0, 1, 2]
    assert components(0, np.array([], int), np.array([], int)).tolist() == []


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20))
def test_components_are_those_found_by_spreading_labels(links):
    left, right = np.array([a for a, _ in links], int), np.array([b for _, b in links], int)
    assert components(12, left, right).tolist() == naive(12, links)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([0, 1, 1, 2, 4, 4], "different customers"),
        ([0, 3, 3, 3, 4, 4], "oldest identifier"),
        ([0, 0, 0, 0, 4, 4], "nothing links"),
    ],
    ids=["torn apart", "wrong name", "joined without a link"],
)
def test_wrong_components_are_refused(labels, reason):
    with pytest.raises(NotComponents, match=reason):
        certify(np.array(labels), LEFT, RIGHT)


@given(st.dictionaries(st.tuples(st.integers(0, 7), st.integers(0, 7)), st.integers(0, 3), max_size=12))
def test_spanning_links_tie_together_up_to_each_day_what_all_links_do(links):
    once = {(one, other): day for (one, other), day in links.items() if one < other}
    ends = np.array(sorted(once), int).reshape(-1, 2)
    days = np.array([once[one, other] for one, other in ends.tolist()], int)
    _, tied = spanning(8, ends[:, 0], ends[:, 1], days)
    for day in range(4):
        upto = ends[days <= day]
        assert (tied <= day).sum() == 8 - len(set(naive(8, upto.tolist()))), day
