"""Households: who lives together, why, and what is too large to be one."""

import json

import pytest

from jobs.profiles.households import households

HOME = {"street": "Kerkstraat 12", "postcode": "1234 AB", "city": "Ede", "country": "NL", "last_name": "de Vries"}


@pytest.fixture
def found(rows, settings):
    """Household, size and reason per customer, from changes of HOME per customer: `found(ann={...}, bob={...})`."""

    def build(size_cap=10, **people):
        identity = {"golden_record": {}, "purposes": {}, "households": {"size_cap": size_cap}}
        loaded = settings({"identity.yaml": identity})
        customers = []
        for name, changes in people.items():
            person = HOME | {"customer_id": name} | changes
            origin = {"household_id": {"source": person.pop("told_by", "crm")}} if "household_id" in person else {}
            customers.append({**person, "provenance": json.dumps(origin)})
        made = households(rows("profiles/customers", *customers), loaded).collect()
        return {row["customer_id"]: (row["household"], row["size"], row["reason"]) for row in made}

    return build


def together(found, *names):
    return len({found[name][0] for name in names}) == 1 and {found[name][1] for name in names} == {len(names)}


@pytest.mark.parametrize(
    "changes",
    [
        {"street": "KERKSTR. 12"},
        {"street": "12 kerkstraat", "postcode": "1234ab"},
        {"last_name": "De  Vríes", "country": "nl"},
        {"city": "Ede (Gld)"},
    ],
)
def test_one_address_and_family_name_are_a_household_however_they_are_spelled(found, changes):
    made = found(ann={}, bob=changes)
    assert together(made, "ann", "bob")
    assert made["ann"][2] == "address_and_name"


@pytest.mark.parametrize(
    "changes",
    [
        {"last_name": "Bakker"},
        {"street": "Kerkstraat 12a"},
        {"street": "Kerkstraat 1"},
        {"postcode": "1234 AC"},
        {"street": "Dorpsweg 12"},
        {"country": "BE"},
    ],
)
def test_neighbours_and_other_names_are_other_households(found, changes):
    made = found(ann={}, bob=changes)
    assert made["ann"][0] != made["bob"][0]
    assert made["ann"][1] == made["bob"][1] == 1


@pytest.mark.parametrize("missing", ["street", "last_name"])
def test_without_address_or_name_nothing_is_assumed(found, missing):
    assert found(ann={missing: None}, bob={missing: " "}) == {}


def test_without_postcode_the_city_tells_addresses_apart(found):
    assert together(found(ann={"postcode": None}, bob={"postcode": None}), "ann", "bob")
    made = found(ann={"postcode": None}, bob={"postcode": None, "city": "Delft"})
    assert made["ann"][0] != made["bob"][0]


def test_what_a_source_declares_counts_wherever_people_live(found):
    declared = {"household_id": "7", "street": "Dorpsweg 1"}
    made = found(ann={"household_id": "7"}, bob=declared, cas={"household_id": "7", "told_by": "shop"})
    assert together(made, "ann", "bob")
    assert made["cas"][0] != made["ann"][0]
    assert made["ann"][2] == "declared"


def test_who_declares_nothing_joins_the_one_declared_household_of_that_address_and_name(found):
    made = found(ann={"household_id": "7"}, bob={})
    assert together(made, "ann", "bob")
    assert made["bob"][2] == "joined"


def test_who_could_join_two_declared_households_joins_neither(found):
    made = found(ann={"household_id": "7"}, bob={"household_id": "8"}, cas={})
    assert set(made) == {"ann", "bob"}
    assert made["ann"][0] != made["bob"][0]


def test_too_many_customers_at_one_address_are_no_household(found):
    people = {f"c{n}": {} for n in range(4)}
    assert together(found(size_cap=4, **people), *people)
    assert set(found(size_cap=3, **people).values()) == {(None, 4, "too_many")}


def test_an_id_stays_when_people_come_and_go(found):
    alone, together_ = found(ann={}), found(bob={}, cas={}, ann={})
    assert alone["ann"][0] == together_["ann"][0] == together_["cas"][0]
