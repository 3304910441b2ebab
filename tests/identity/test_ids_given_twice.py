"""A contact id that two people have joins nobody."""

import pytest

from tests.identity.identity_rows import customers, events, identity

ANN = {"contact": "c", "email": "ann", "name": "ann bos", "born": "1980-01-01", "day": 1}
PIET = {"contact": "c", "email": "piet", "name": "piet visser", "born": "1955-01-01", "day": 5}
APART = {frozenset({"ann"}), frozenset({"piet"}), frozenset({"c"})}
ONE = {frozenset({"c", "ann", "piet"})}


@pytest.mark.parametrize(
    ("ann", "piet"), [({}, {}), ({"born": None}, {"born": None}), ({}, {"born": None}), ({}, {"day": 1})]
)
def test_an_id_that_somebody_else_has_joins_neither_of_them(ann, piet):
    assert customers(identity({**ANN, **ann}, {**PIET, **piet})) == APART


def test_they_were_one_customer_until_the_second_had_it():
    known = identity(ANN, as_of=4)
    assert customers(known) == {frozenset({"c", "ann"})}
    found = identity(ANN, PIET)
    assert [(day, what) for day, what, *_ in events(found, "split")] == [(5, "split")]
    told = found.set_aside.to_pylist()
    assert [(row["kind"], row["identifier"], row["reason"]) for row in told] == [("contact", "c", "disputed")]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "ann visser"},
        {"name": "piet bos"},
        {"name": "bos ann"},
        {"name": "anna boss"},
        {"born": "1980-01-01"},
        {"name": " visser"},
    ],
)
def test_who_marries_is_misspelt_or_was_born_on_one_day_stays_one(change):
    assert customers(identity(ANN, {**PIET, **change})) == ONE


def test_who_keeps_an_address_or_a_number_stays_one_under_any_name():
    phone = {"phone": "p"}
    found = identity({**ANN, **phone}, {**PIET, **phone})
    assert customers(found) == {frozenset({"c", "ann", "piet", "p"})}


def test_only_the_first_versions_of_an_id_of_very_many_are_compared():
    many = [{**ANN, "name": f"ann{n:03} bos{n:03}", "email": f"e{n}", "day": 1 + n % 9} for n in range(300)]
    found = identity(*many, as_of=30)
    assert frozenset({"c"}) in customers(found)
