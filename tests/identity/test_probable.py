"""Links by probability have a history: what was linked on a day is what the records of that day said."""

import pandas as pd
import pytest

from jobs.config.identity import Matching
from jobs.identity import probable as step
from jobs.identity.contact_rows import compared, hubs, prepared
from jobs.identity.links import NEVER
from jobs.identity.matching.model import Model
from jobs.identity.model_store import pair_table, pairs_of
from tests.identity.contact_people import ANN, MATCHING, population, versions


def probable(found, matching=MATCHING):
    told = prepared(found)
    return step.probable(*compared(told, hubs(told)), matching)


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


def test_pairs_are_kept_and_read_back_also_where_records_have_nothing_that_can_be_compared():
    """Contacts of whom no more than an id is known: a model that compares nothing, and no pair."""
    nothing = Model((), (), 0.001, 0.0, 84_534, pd.DataFrame(columns=["slot", "value", "frequency"]), {})
    some = pd.DataFrame({"left": ["a", "c"], "right": ["b", "d"], "weight": [1.0, 2.0], "probability": [0.5, 0.6]})
    some = some.assign(conflict=False, differ=0, unnamed=False)
    for pairs in (some, some.head(0)):
        read = pairs_of(pair_table(pairs, nothing), nothing)
        assert read[["left", "right", "weight"]].values.tolist() == pairs[["left", "right", "weight"]].values.tolist()
