"""Links by probability have a history: what was linked on a day is what the records of that day said."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.config_identity import Matching
from jobs.profiles import probable as step
from jobs.profiles.links import LINK_COLUMNS, NEVER
from tests.profiles.matching import people

MATCHING = Matching(match=0.9)
COLUMNS = ["first_name", "last_name", "birth_date", "gender", "street", "postcode", "city", "email", "phone"]


def versions(*records):
    """Versions of contacts: `contact`, `day`, and any of the columns that tell something."""
    frame = pd.DataFrame(records).rename(columns={"day": "first_seen"})
    frame = frame.reindex(columns=["contact", "source", *COLUMNS, "first_seen"]).assign(name=lambda v: v["contact"])
    frame["source"] = frame["source"].fillna("crm")
    ordered = frame.sort_values(["first_seen", "contact", *COLUMNS], na_position="first", ignore_index=True)
    return ordered.astype({"first_seen": np.int32})


def population(days):
    """Contacts of made-up households in two systems, spread over days by their place."""
    systems = people.four_systems(17, 120)
    crm = systems["crm"].rename(
        columns={
            "FirstName": "first_name",
            "LastName": "last_name",
            "Birthdate": "birth_date",
            "MailingStreet": "street",
            "MailingPostalCode": "postcode",
            "MailingCity": "city",
            "Phone": "phone",
            "Email": "email",
        }
    )
    shop = systems["shop"].assign(
        first_name=lambda rows: rows["name"].str.split().str[0], last_name=lambda rows: rows["name"].str.split().str[-1]
    )
    shop = shop.rename(columns={"address": "street", "mobile": "phone"})
    both = pd.concat([crm.assign(source="crm"), shop.assign(source="shop")], ignore_index=True)
    told = both.drop(columns=["person", "name"]).astype(object).where(both.notna(), None)
    return versions(
        *[
            {**row, "contact": f"{row['source']}:{place}", "day": days[place % len(days)]}
            for place, row in enumerate(told.to_dict("records"))
        ]
    )


@pytest.fixture(scope="module")
def model():
    everyone = population([1])
    return step.probable(everyone, step.prepared(everyone), MATCHING, None)[1]


def links(found, model, as_of=NEVER, matching=MATCHING):
    """The links on a day: {(left, right)}."""
    some = found[found["first_seen"] <= as_of].reset_index(drop=True)
    made, _ = step.probable(some, step.prepared(some), matching, model)
    standing = made.links[(made.links["first_seen"] <= as_of) & (made.links["until"] > as_of)]
    return {tuple(sorted(pair)) for pair in zip(standing["left"], standing["right"], strict=True)}


@settings(max_examples=4, deadline=None)
@given(days=st.lists(st.integers(1, 6), min_size=5, max_size=11))
def test_history_of_all_days_at_once_holds_what_each_day_would_have_found(model, days):
    found = population(days)
    at_once, _ = step.probable(found, step.prepared(found), MATCHING, model)
    for day in sorted(set(days)):
        made = at_once.links[(at_once.links["first_seen"] <= day) & (at_once.links["until"] > day)]
        then = {tuple(sorted(pair)) for pair in zip(made["left"], made["right"], strict=True)}
        assert then == links(found, model, day)


ANN = {"first_name": "Annetta", "last_name": "Zuiderwijk", "street": "Dorpsstraat 1", "postcode": "2611 AB"}


def test_a_link_ends_the_day_a_record_shows_that_there_are_two(model):
    born = [
        {**ANN, "contact": f"crm:{n}", "birth_date": day, "email": f"{n}@x.nl"}
        for n, day in enumerate(("1950-03-04", "1981-11-27"))
    ]
    unsure = {**ANN, "contact": "crm:unsure", "day": 1}
    found = versions(unsure, {**born[0], "day": 1}, {**born[1], "day": 3})
    assert links(found, model, 1) == {("crm:0", "crm:unsure")}
    assert links(found, model, 3) == set()
    made, _ = step.probable(found, step.prepared(found), MATCHING, model)
    (link,) = made.links[made.links["first_seen"] < made.links["until"]].to_dict("records")
    assert (link["first_seen"], link["until"], link["rule"]) == (1, 3, "probabilistic")
    assert "cut: ambiguous" in set(made.review["status"]) or "cut: outweighed" in set(made.review["status"])


def test_pairs_in_doubt_are_for_a_person_to_look_at(model):
    found = versions(
        {**ANN, "contact": "crm:1", "day": 1},
        {**ANN, "contact": "shop:1", "day": 2, "street": None, "first_name": "A."},
    )
    made, _ = step.probable(found, step.prepared(found), Matching(match=0.9999999, review=1e-12), model)
    (pair,) = made.review.to_dict("records")
    assert (pair["left"], pair["right"], pair["status"], pair["first_seen"]) == ("crm:1", "shop:1", "review", 2)
    assert pair["agrees"] == "postcode: equal, given: initial, family: equal"
    assert made.links.empty


def test_versions_of_one_contact_are_no_link(model):
    found = versions(
        {**ANN, "contact": "crm:1", "day": 1}, {**ANN, "contact": "crm:1", "day": 2, "postcode": "9999 ZZ"}
    )
    assert links(found, model) == set()


def test_few_records_are_not_linked_by_probability_until_a_model_is_there():
    found = versions({**ANN, "contact": "crm:1", "day": 1}, {**ANN, "contact": "shop:1", "day": 2})
    made, trained = step.probable(found, step.prepared(found), MATCHING, None)
    assert (list(made.links.columns), len(made.links), trained) == (LINK_COLUMNS, 0, None)


def test_a_model_is_kept_until_records_have_doubled(model):
    everyone = population([1])
    assert step.probable(everyone, step.prepared(everyone), MATCHING, model)[1] is None
    twice = versions(
        *[{**row, "contact": f"{row['contact']}{n}"} for row in everyone.to_dict("records") for n in (1, 2)]
    )
    assert step.probable(twice, step.prepared(twice), MATCHING, model)[1].records == len(twice)


def test_matching_can_be_switched_off(model):
    everyone = population([1])
    assert links(everyone, model, matching=Matching(enabled=False)) == set()
