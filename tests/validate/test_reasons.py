"""What a list says of one rule that a row broke, of all that its reason tells."""

import pytest

from jobs.validate.told.reasons import WHAT_TO_DO, reason_of

TYPE = "ordered_at (from at) is no moment in ISO 8601; say in `dates` how it is written"
NUMBER = "total is no number such as 1234.56; say in `decimal` which mark it has"
EMPTY = "ordered_at is empty or unreadable"
BROKEN = ["ordered_at:type", "total:type", "ordered_at:not_null", "total:not_null"]
REASON = (
    f"a value does not have the type of its column: {TYPE}; {NUMBER}; {EMPTY}; total is empty or unreadable{WHAT_TO_DO}"
)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("ordered_at:type", TYPE),
        ("total:type", NUMBER),
        ("ordered_at:not_null", EMPTY),
        ("total:not_null", "total is empty or unreadable"),
    ],
)
def test_of_several_faults_the_one_that_is_asked_for_is_told(rule, said):
    assert reason_of(rule, BROKEN, REASON) == said + WHAT_TO_DO


def test_a_reason_of_one_fault_or_of_a_file_is_told_whole():
    missing = "required column 'mail' is missing: send the file with the columns it had"
    assert reason_of("file:columns", ["file:columns"], missing) == missing
    only = f"a value does not have the type of its column: {TYPE}{WHAT_TO_DO}"
    assert reason_of("ordered_at:type", ["ordered_at:type"], only) == TYPE + WHAT_TO_DO


def test_a_rule_whose_part_cannot_be_told_has_the_whole_reason():
    assert reason_of("no_double_orders", ["no_double_orders", "total:type"], REASON) == REASON
