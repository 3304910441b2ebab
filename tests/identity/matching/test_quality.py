"""Precision and recall over all pairs of records."""

import pandas as pd

from jobs.identity.matching.quality import quality


def measured(groups, truth):
    return quality(pd.Series(groups), pd.Series(truth, dtype=object))


def test_pairs_are_counted_not_records():
    # joined: 3 pairs of a (1 right) and 1 of b (right); true: 3 pairs of x, 1 of y
    found = measured(["a", "a", "a", "b", "b"], ["x", "x", "y", "y", "x"])
    assert (found.precision, found.recall) == (1 / 4, 1 / 4)
    assert (found.found, found.true, found.records) == (2, 2, 5)
    assert found.f1 == 1 / 4


def test_all_right_is_one_and_nothing_joined_finds_nothing():
    assert measured([1, 1, 2], ["x", "x", "y"]).f1 == 1
    apart = measured([1, 2, 3], ["x", "x", "y"])
    assert (apart.precision, apart.recall, apart.f1) == (1, 0, 0)


def test_records_nobody_knows_the_truth_of_are_left_out():
    found = measured(["a", "a", "a"], ["x", "x", None])
    assert (found.precision, found.recall, found.records) == (1, 1, 2)
