"""What we send ourselves is a contact like that of any campaign, known from the day after its plan on."""

import datetime as dt

import pytest

from jobs.activity import own_sends
from jobs.activity import touchpoints as contacts
from jobs.config.yaml_files import ConfigError
from jobs.identity.customer_of import named_after
from jobs.journeys import journeys
from jobs.lake.lake import Lake
from tests.company import MINIMAL
from tests.lived_company import FIRST, Company

ZONE = "Europe/Amsterdam"
CHANNELS = {"email": "email"}
DAY = dt.date(2017, 3, 1)


def state(state, at="2017-03-01 10:00", **more):
    return {"operation_id": "op", "attempt": 1, "destination": "email", "audience": "spring", "customer_id": "c",
            "day": "2017-03-01", "action": "send", "state": state, "updated_at": at, **more}  # fmt: skip


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (
            [state("claimed"), state("accepted", "2017-03-01 10:01")],
            [("sent", "2017-03-01 10:00:00"), ("delivered", "2017-03-01 10:01:00")],
        ),
        (
            [state("claimed"), state("rejected", "2017-03-01 10:01", reason="550 no such user")],
            [("sent", "2017-03-01 10:00:00"), ("bounce", "2017-03-01 10:01:00")],
        ),
        ([state("claimed"), state("unknown", "2017-03-01 10:01")], [("sent", "2017-03-01 10:00:00")]),
        ([state("claimed")], [("sent", "2017-03-01 10:00:00")]),
        ([state("claimed"), state("rejected", reason="temporary 421 later")], []),
        (
            [
                state("claimed"),
                state("rejected", reason="temporary 421 later"),
                state("claimed", "2017-03-01 11:00", attempt=2),
                state("accepted", "2017-03-01 11:01", attempt=2),
            ],
            [("sent", "2017-03-01 11:00:00"), ("delivered", "2017-03-01 11:01:00")],
        ),
        ([state("claimed", action="add"), state("accepted", action="add")], []),
        ([state("claimed", day="2017-03-02"), state("accepted", day="2017-03-02")], []),
        ([state("accepted", destination="of another time")], []),
    ],
)
def test_a_message_was_sent_delivered_or_refused_for_good(rows, expect, states, expected):
    ledger = own_sends.known_before(rows("activation/ledger", *states), dt.date(2017, 3, 2))
    found = contacts.touchpoints([own_sends.own_sends(ledger, CHANNELS, ZONE)], [])
    expect(found, "type occurred_at", *expected)
    for row in found.select("channel", "subject", "source", "reference", "customer_id").collect():
        assert tuple(row) == ("email", "spring", "email", "op", "c")


@pytest.mark.parametrize(
    ("written", "occurred"),
    [
        ("2017-02-28 22:59", "2017-02-28 23:00:00"),  # midnight in Amsterdam
        ("2017-03-01 12:00", "2017-03-01 12:00:00"),
        ("2017-03-02 01:00", "2017-03-01 22:59:59"),  # the run of the night
        ("2026-11-29 12:00", "2017-03-01 22:59:59"),  # a backfill
    ],
)
def test_a_message_is_a_contact_of_the_day_of_its_plan(rows, expect, written, occurred):
    found = own_sends.own_sends(rows("activation/ledger", state("claimed", written)), CHANNELS, ZONE)
    expect(found, "day occurred_at", ("2017-03-01", occurred))


def test_a_message_belongs_to_whoever_its_customer_is_today(rows, expect, spark):
    hashes = ["a" * 64, "b" * 64]
    identity_map = rows(
        "identity/map",
        {"identifier": hashes[0], "customer_id": "merged"},
        {"identifier": hashes[1], "customer_id": "other"},
    )
    names = {
        row[0]: row[1] for row in identity_map.select("identifier", named_after(identity_map.identifier)).collect()
    }
    ledger = rows(
        "activation/ledger",
        state("claimed", operation_id="1", customer_id=names[hashes[0]]),
        state("claimed", operation_id="2", customer_id="nobody knows"),
    )
    found = own_sends.with_customer_of_today(ledger, identity_map)
    expect(found, "operation_id customer_id", ("1", "merged"), ("2", "nobody knows"))


@pytest.fixture
def company(settings):
    """A company of one run, whose messages are given."""

    def build(**destination):
        email = MINIMAL["destinations.yaml"]["destinations"]["email"]
        found = settings({"destinations.yaml": {"destinations": {"email": {**email, **destination}}}, **SOURCES})
        company, lake = Company(4), Lake.of(found)
        company.deliver(lake, range(len(company.runs)))
        company.name_customers(lake, len(company.runs) - 1, found)
        return company, found, lake

    return build


SOURCES = {
    "sources/tool.yaml": {
        "source": "tool",
        "group": "crm",
        "datasets": {
            "campaign_events": {
                "files": "{day}/events*.csv",
                "columns": {"event_id": "id", "campaign_id": "c", "type": "t", "occurred_at": "at"},
            }
        },
    }
}


def own(lake):
    return sorted(
        (row["type"], row["day"], row["reference"])
        for row in lake.arrow("journeys/touchpoints").to_pylist()
        if row["source"] == "email"
    )


def test_what_was_sent_on_a_day_is_known_the_next_day_and_changes_no_run_of_its_own_day(company):
    drawn, settings, lake = company()
    day = FIRST + dt.timedelta(days=5)
    journeys.run(day, settings)
    before = lake.version("journeys/touchpoints")
    drawn.sends = [{**state("claimed"), "day": day, "updated_at": dt.datetime(2026, 1, 1), "run": 0}]
    drawn.send(lake, 0)
    journeys.run(day, settings)
    assert lake.version("journeys/touchpoints") == before
    journeys.run(day + dt.timedelta(days=1), settings)
    assert own(lake) == [("sent", day, "op")]


def test_what_a_source_reports_is_not_counted_from_the_ledger_too(company):
    drawn, settings, lake = company(reported_by="tool")
    drawn.sends = [{**state("claimed"), "day": FIRST, "updated_at": dt.datetime(2026, 1, 1), "run": 0}]
    drawn.send(lake, 0)
    journeys.run(FIRST + dt.timedelta(days=5), settings)
    assert own(lake) == []


@pytest.mark.parametrize("source", ["toll", "crm"])
def test_a_destination_is_reported_by_a_source_with_campaign_events(company, source):
    with pytest.raises(ConfigError, match=r"destinations.email.reported_by: no source .* with campaign_events"):
        company(reported_by=source)
