"""Stages, moves and moments are the same on both engines, with everything that can be declared."""

import datetime as dt

import pytest

from jobs.activity.sessions import with_session
from jobs.activity.timeline import timeline
from jobs.config.journey import Journey
from jobs.config.traits import Trait
from jobs.journeys.moments import moments
from jobs.journeys.stage_moves import stage_moves
from jobs.journeys.stages import stages
from jobs.lake.engine import get_spark

AS_OF = dt.date(2017, 3, 31)
TRAITS = {
    "orders_7d": Trait(title="t", over="touchpoints", where="type = 'order'", days=7, value="count(*)", type="bigint"),
    "spent_5d": Trait(
        title="t", over="touchpoints", days=5, value="sum(amount)", type="decimal(18,2)", default=0
    ),
    "open": Trait(
        title="t", over="touchpoints", where="type = 'conversation'", days=9, while_open=True, value="count(*)",
        type="bigint",
    ),
}  # fmt: skip
JOURNEY = Journey.model_validate(
    {
        "stages": [
            {"stage": "service", "name": "waits", "when": "open > 0"},
            {"stage": "purchase", "state": "new", "name": "bought", "when": "orders_7d > 0"},
            {"stage": "awareness", "state": "lapsed", "name": "seen", "when": "true"},
        ],
        "moves": {"purchase": ["service"], "service": ["purchase"]},
        "on_forbidden": "stay",
        "moments": {
            "know": {
                "signals": {"searched": {"when": "type = 'search'", "weight": 2}},
                "expires_after_minutes": 60,
                "served_when": "url like '/blog/%' and coalesce(seconds_looked, 15) >= 15"
                " and coalesce(next_type, '') <> 'search'",
            }
        },
    }
)  # fmt: skip


@pytest.fixture
def here(rows, on_engine):
    """`here("journeys/touchpoints", {...})`: rows of a table on the engine of the test."""

    def build(name, *records):
        made = rows(name, *records)
        return get_spark().createDataFrame(made.toArrow(), made.schema)

    return build


def texts(df, *columns):
    return sorted(tuple(str(row[name]) for name in columns) for row in df.collect())


def test_stays_and_moves_are_the_same(here):
    contacts = [
        {"day": "2017-03-01", "type": "visit"},
        {"day": "2017-03-03", "type": "order", "amount": "10.50"},
        {"day": "2017-03-05", "type": "conversation", "open_days": 2},
        {"day": "2017-03-20", "type": "conversation"},
    ]
    touches = here("journeys/touchpoints", *({"customer_id": "c", **one} for one in contacts))
    lines = timeline({"touchpoints": touches}, TRAITS, AS_OF)
    stays = stages(lines, JOURNEY, TRAITS, here("identity/map", {"customer_id": "c"}))
    assert texts(stays, "valid_from", "stage", "state", "rule", "allowed", "kind", "evidence_last") == [
        ("2017-03-01", "awareness", "lapsed", "seen", "True", "customer", seen(0, "0", 0)),
        ("2017-03-03", "purchase", "new", "bought", "True", "customer", seen(1, "10.50", 0)),
        ("2017-03-05", "service", "active", "waits", "True", "customer", seen(1, "10.50", 1)),
        ("2017-03-07", "purchase", "new", "bought", "True", "customer", seen(1, "0", 0)),
        ("2017-03-10", "purchase", "new", "seen", "False", "customer", seen(0, "0", 0)),
        ("2017-03-20", "service", "active", "waits", "True", "customer", seen(0, "0", 1)),
        ("2017-03-29", "service", "active", "seen", "False", "customer", seen(0, "0", 0)),
    ]
    moved = stage_moves(stays, lines, ("spent_5d", TRAITS["spent_5d"]), AS_OF)
    assert texts(moved, "day", "from_stage", "to_stage", "days_before", "next_stage", "days", "value") == [
        ("2017-03-01", "None", "awareness", "None", "purchase", "2", "10.50"),
        ("2017-03-03", "awareness", "purchase", "2", "service", "2", "10.50"),
        ("2017-03-05", "purchase", "service", "2", "purchase", "2", "0.00"),
        ("2017-03-07", "service", "purchase", "2", "service", "13", "0.00"),
        ("2017-03-20", "purchase", "service", "13", "None", "None", "0.00"),
    ]


def seen(orders, spent, waiting):
    return f'{{"orders_7d": {orders}, "spent_5d": {spent}, "open": {waiting}}}'


def test_moments_are_the_same(here):
    visit = [(0, "search", None), (1, "page_view", "/blog/a"), (1.2, "search", None), (2, "page_view", "/blog/b")]
    events = [
        {"source": "web", "event_id": f"e{minute}", "type": type_, "url": url, "cookie_id": "k", "device": "mobile",
         "occurred_at": f"2017-03-01 10:{int(minute):02d}:{round(minute % 1 * 60):02d}"}
        for minute, type_, url in visit
    ]  # fmt: skip
    known = here("valid/events", *events).selectExpr("*", "'c' as customer_id")
    found = moments(with_session(known, 30), JOURNEY, "Europe/Amsterdam")
    told = ("device", "confidence", "served", "served_at", "served_by", "seconds", "steps", "evidence")
    assert texts(found, *told) == [
        ("mobile", "1.0", "True", "2017-03-01 10:02:00", "e2", "120", "3", "['searched: 2 events from e0']"),
    ]
