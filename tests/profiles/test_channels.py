"""By which channel a customer is best contacted, and what that rests on."""

import datetime as dt

import pytest

from jobs.identity.identifiers import identifier_hash
from jobs.profiles.channels import channels, engagement, met
from jobs.profiles.people import people

DAY = dt.date(2017, 6, 1)
IDENTITY = {"golden_record": {}, "purposes": {"news": {"channels": ["email", "sms", "mail"]}}}


@pytest.fixture
def found(rows, settings):
    """Rows of Ann per channel: `found(consented=[...], reached_by=[...], events=[...])`."""

    def build(consented=(), reached_by=(), events=()):
        loaded = settings({"identity.yaml": IDENTITY})
        answers = [{"customer_id": "ann", "purpose": "news", "channel": c, "status": "granted"} for c in consented]
        points = [{"customer_id": "ann", "kind": kind, "value": kind} for kind in reached_by if kind != "address"]
        places = [{"customer_id": "ann", "address": "x"}] if "address" in reached_by else []
        happened = [{"source": "mail", "login_id": "ann", "occurred_at": "2017-05-01", **event} for event in events]
        known = rows("identity/map", {"identifier": identifier_hash("login", "ann", loaded), "customer_id": "ann"})
        made = channels(
            rows("profiles/consent", *answers),
            rows("profiles/contact_points", *points),
            rows("profiles/addresses", *places),
            engagement(met(rows("valid/campaign_events", *happened), known, loaded), DAY),
            loaded,
        )
        return {row["channel"]: row.asDict() for row in made.collect()}

    return build


def preferences(found):
    return {channel: row["preference"] for channel, row in found.items()}


def test_a_channel_needs_consent_and_an_address(found):
    made = found(consented=["email", "sms"], reached_by=["email", "address"])
    assert preferences(made) == {"email": 1, "sms": None}
    assert (made["email"]["purposes"], made["email"]["reachable"], made["sms"]["reachable"]) == (["news"], True, False)


def test_of_usable_channels_the_one_with_most_responses_is_best(found):
    events = [{"channel": "sms", "type": "click"}, {"channel": "sms", "type": "delivered"}]
    made = found(consented=["email", "sms"], reached_by=["email", "phone"], events=events)
    assert preferences(made) == {"sms": 1, "email": 2}
    assert (made["sms"]["contacted"], made["sms"]["responded"]) == (1, 1)
    assert made["sms"]["last_responded"] == dt.date(2017, 5, 1)


def test_of_equal_channels_the_one_responded_to_last_is_best(found):
    events = [{"channel": "email", "type": "open"}, {"channel": "sms", "type": "open", "occurred_at": "2017-05-02"}]
    assert preferences(found(["email", "sms"], ["email", "phone"], events)) == {"sms": 1, "email": 2}


def test_responses_of_more_than_a_year_ago_or_after_the_day_do_not_count(found):
    moments = ("2016-05-31T12:00", "2016-06-01T12:00", "2016-06-02T12:00", "2017-06-01T21:59", "2017-06-01T22:01")
    events = [{"channel": "email", "type": "click", "occurred_at": at} for at in moments]
    assert found(["email"], ["email"], events)["email"]["responded"] == 2


def test_engagement_without_consent_is_shown_but_not_preferred(found):
    made = found(
        reached_by=["email"], events=[{"channel": "Email", "type": "Click"}, {"channel": "tv", "type": "click"}]
    )
    assert preferences(made) == {"email": None}
    assert made["email"]["responded"] == 1


def test_nobody_is_preferred_by_a_channel_no_purpose_has(found):
    assert "ads" not in found(["email"], ["email"], [{"channel": "ad", "type": "click"}])


def test_people_carry_age_household_and_preferred_channel_but_no_identifiers(rows):
    customers = rows(
        "profiles/customers",
        {"customer_id": "ann", "birth_date": "1987-06-01", "first_name": "Ann"},
        {"customer_id": "bob", "birth_date": "1987-06-02"},
        {"customer_id": "cas"},
    )
    housed = rows(
        "profiles/households",
        {"customer_id": "ann", "household": "h1", "size": 2},
        {"customer_id": "bob", "size": 40, "reason": "too_many"},
    )
    reached = rows(
        "profiles/channels",
        {"customer_id": "ann", "channel": "sms", "preference": 1},
        {"customer_id": "ann", "channel": "email", "preference": 2},
        {"customer_id": "bob", "channel": "email"},
    )
    made = people(customers, housed, reached, DAY)
    names = ("customer_id", "age", "household", "household_size", "preferred_channel")
    assert sorted(tuple(row[name] for name in names) for row in made.collect()) == [
        ("ann", 30, "h1", 2, "sms"),
        ("bob", 29, None, None, None),
        ("cas", None, None, None, None),
    ]
    assert "first_name" not in made.columns
