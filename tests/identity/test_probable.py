"""Links by probability have a history: what was linked on a day is what the records of that day said."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from jobs.config.identity import Matching
from jobs.identity import probable as step
from jobs.identity.contact_rows import rows_of
from jobs.identity.links import NEVER
from jobs.identity.matching.scoring import Scorer
from tests.identity.matching import people

MATCHING = Matching(match=0.9)
COLUMNS = ["first_name", "last_name", "birth_date", "gender", "street", "postcode", "city", "email", "phone"]


def versions(*records):
    """Versions of contacts: `contact`, `day`, and any of the columns that tell something."""
    frame = pd.DataFrame(records).rename(columns={"day": "first_seen"})
    frame = frame.reindex(columns=["contact", "source", *COLUMNS, "first_seen"]).assign(name=lambda v: v["contact"])
    frame["source"] = frame["source"].fillna("crm")
    frame["row"] = ["|".join(map(str, values)) for values in frame[["contact", *COLUMNS]].to_numpy()]
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


def probable(found, matching=MATCHING, known=None):
    return step.probable(*rows_of(found), matching, known)


def standing(made, day):
    """The links of a day: {(left, right)}."""
    those = made.links[(made.links["first_seen"] <= day) & (made.links["until"] > day)]
    return {tuple(sorted(pair)) for pair in zip(those["left"], those["right"], strict=True)}


@pytest.fixture(scope="module")
def known():
    """What was learned on day 1 from a company's contacts."""
    return population([1])


def links(known, found, as_of=NEVER - 1, matching=MATCHING):
    """The links on a day among these versions, in a company that knows others too."""
    some = pd.concat([known, found[found["first_seen"] <= as_of]], ignore_index=True)
    made, _ = probable(some.sort_values("first_seen", kind="stable", ignore_index=True), matching)
    return {pair for pair in standing(made, as_of) if set(pair) <= set(found["contact"])}


@settings(max_examples=4, deadline=None)
@given(days=st.lists(st.integers(1, 6), min_size=5, max_size=11))
def test_history_of_all_days_at_once_holds_what_each_day_found(days):
    found = population(days)
    at_once, _ = probable(found)
    learned, before = None, None
    for day in sorted(set(days)):
        made, learned = probable(found[found["first_seen"] <= day].reset_index(drop=True), known=learned)
        assert standing(made, day) == standing(at_once, day)
        if before is not None:
            assert standing(made, day - 1) == standing(before, day - 1)
        before = made
    assert_frame_equal(made.links, at_once.links)
    assert_frame_equal(made.review, at_once.review)


def test_a_day_compares_only_the_records_it_brings(known, monkeypatch):
    _, learned = probable(known)
    compared = []
    original = Scorer.candidates
    monkeypatch.setattr(Scorer, "candidates", lambda *a: (original(*a), compared.append(a[0].compared))[0])
    new = versions({**ANN, "contact": "crm:new", "day": 2})
    made, _ = probable(pd.concat([known, new], ignore_index=True), known=learned)
    assert compared == [len(known)]  # with so few records every pair with the new one
    afresh, _ = probable(pd.concat([known, new], ignore_index=True))
    assert_frame_equal(made.links, afresh.links)


def test_what_a_model_decided_before_the_next_one_is_not_taken_back():
    first = population([1])
    later = population([5]).assign(contact=lambda v: v["contact"] + "b", row=lambda v: v["row"] + "b")
    both = pd.concat([first, later], ignore_index=True)
    alone, learned_once = probable(first)
    made, learned = probable(both)
    assert (learned_once.trained_on, learned.trained_on) == (1, 5)
    assert learned.compared.model.version != learned_once.compared.model.version
    assert standing(made, 4) == standing(alone, 4) != set()


def test_a_mailbox_of_too_many_people_ends_its_links_the_day_it_is_one(known):
    mailbox = {"email": "office@x.nl", "birth_date": "1990-05-06"}
    two = [{**mailbox, "contact": f"crm:q{n}", "first_name": "Quirijn", "last_name": "Zandbelt"} for n in (1, 2)]
    others = [
        {"contact": f"crm:x{letter}", "first_name": letter * 5, "last_name": f"Q{letter}orst", "email": "office@x.nl"}
        for letter in "abcd"
    ]
    found = versions({**two[0], "day": 2}, {**two[1], "birth_date": None, "day": 2}, *[{**o, "day": 4} for o in others])
    assert links(known, found, 3) == {("crm:q1", "crm:q2")}
    assert links(known, found, 4) == set()
    made, _ = probable(pd.concat([known, found], ignore_index=True))
    assert ("crm:q1", "crm:q2") in standing(made, 3)


ANN = {"first_name": "Annetta", "last_name": "Zuiderwijk", "street": "Dorpsstraat 1", "postcode": "2611 AB"}


def test_a_link_ends_the_day_a_record_shows_that_there_are_two(known):
    born = [
        {**ANN, "contact": f"crm:ann{n}", "birth_date": day, "email": f"{n}@x.nl"}
        for n, day in enumerate(("1950-03-04", "1981-11-27"))
    ]
    unsure = {**ANN, "contact": "crm:unsure", "day": 2}
    found = versions(unsure, {**born[0], "day": 2}, {**born[1], "day": 3})
    assert links(known, found, 2) == {("crm:ann0", "crm:unsure")}
    assert links(known, found, 3) == set()
    made, _ = probable(pd.concat([known, found], ignore_index=True))
    (link,) = made.links[made.links["right"] == "crm:unsure"].to_dict("records")
    assert (link["first_seen"], link["until"], link["rule"]) == (2, 3, "probabilistic")
    (_, told) = made.review.loc[made.review["right"] == "crm:unsure", "status"]
    assert told in ("cut: ambiguous", "cut: outweighed")


def test_pairs_in_doubt_are_for_a_person_to_look_at(known):
    found = versions(
        {**ANN, "contact": "crm:1a", "day": 2},
        {**ANN, "contact": "shop:1a", "day": 3, "street": None, "first_name": "A."},
    )
    made, _ = probable(pd.concat([known, found], ignore_index=True), Matching(match=0.9999999, review=1e-12))
    (pair,) = made.review[(made.review["left"] == "crm:1a") & (made.review["right"] == "shop:1a")].to_dict("records")
    assert (pair["left"], pair["status"], pair["first_seen"]) == ("crm:1a", "review", 3)
    assert pair["agrees"] == "postcode: equal, given: initial, family: equal"


def test_versions_of_one_contact_are_no_link(known):
    found = versions(
        {**ANN, "contact": "crm:1a", "day": 2}, {**ANN, "contact": "crm:1a", "day": 3, "postcode": "9999 ZZ"}
    )
    assert links(known, found) == set()


def test_few_records_are_not_linked_by_probability():
    found = versions({**ANN, "contact": "crm:1", "day": 1}, {**ANN, "contact": "shop:1", "day": 2})
    made, learned = probable(found)
    assert (list(made.links.columns), len(made.links), learned) == (step.LINKS, 0, None)


def test_a_model_is_trained_when_there_are_enough_records_and_when_they_have_doubled():
    arrived = pd.Series([1] * 150 + [2] * 60 + [3] * 100 + [4] * 110 + [5] * 500)
    assert step.training_days(arrived) == [2, 4, 5]


def test_matching_can_be_switched_off(known):
    assert probable(known, Matching(enabled=False))[1] is None
