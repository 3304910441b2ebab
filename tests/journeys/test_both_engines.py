"""Stages, moves and moments are the same on both engines, with everything that can be declared."""

import datetime as dt

import pytest
from pyspark.sql import functions as F

from jobs.activity.sessions import with_session
from jobs.activity.timeline import timeline
from jobs.config.journey.journey import Journey
from jobs.config.journey.kpi_groups import group_of
from jobs.config.traits import Trait
from jobs.journeys.contracts import contracts, of_days_before
from jobs.journeys.kpis.groups import with_group
from jobs.journeys.kpis.histories import bought_before, is_question
from jobs.journeys.moments.in_visits import moments
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
        ("mobile", "1.0", "True", "2017-03-01 10:02:00", "e2", "120", "3", "['searched: 2 events from e0, 2 points']"),
    ]


def test_what_kpis_over_datasets_are_counted_over_is_the_same(here):
    line = {"source": "pos", "line_id": "1", "customer_id": "a", "department": "food", "category": "milk"}
    lines = here(
        "journeys/known_order_lines",
        *(
            {**line, "order_id": str(n), "ordered_at": f"2017-03-0{n} 12:00:00", "amount": f"{n}.00", "quantity": 3.0,
             "outcome": "returned" if n == 2 else "open"}
            for n in (1, 2, 3)
        ),
    ).drop("nth_order", "new_department", "price_before")  # fmt: skip
    assert texts(bought_before(lines), "order_id", "nth_order", "new_department", "price_before") == [
        ("1", "1", "True", "None"), ("2", "None", "None", "None"), ("3", "2", "False", "0.333333"),
    ]  # fmt: skip
    subscriptions = here(
        "valid/subscriptions",
        {
            "source": "crm",
            "subscription_id": "1",
            "started_at": "2017-01-01 12:00:00",
            "ends_at": "2017-01-31 23:00:00",
        },
        {"source": "crm", "subscription_id": "2", "started_at": "2017-02-05 12:00:00"},
    ).selectExpr("*", "'a' as customer_id")
    held = of_days_before(contracts(subscriptions, "Europe/Amsterdam"), 28)
    assert texts(held, "valid_from", "valid_to", "lost") == [
        ("2017-01-29", "2017-01-31", "False"), ("2017-02-01", "2017-02-04", "True"),
        ("2017-02-05", "2017-02-28", "False"), ("2017-03-05", "None", "False"),
    ]  # fmt: skip
    said = here("valid/reviews", {"review_id": "1", "text": "Is it good? I am"}, {"review_id": "2", "text": "/a?b=1"})
    assert texts(said.withColumn("asks", is_question(F.col("text"))), "review_id", "asks") == [
        ("1", "True"), ("2", "False")
    ]  # fmt: skip
    tables = {
        "stages": here("journeys/stages", {"customer_id": "a", "stage": "loyalty", "valid_from": "2017-03-02"}),
        "models/scores": here(
            "models/scores", {"day": "2017-03-01", "model": "seg", "customer_id": "a", "label": "big"}
        ),
        "audiences/members": here("audiences/members", {"day": "2017-03-02", "audience": "x", "customer_id": "b"}),
    }
    rows = here("journeys/touchpoints", *({"customer_id": "a", "day": f"2017-03-0{n}"} for n in (1, 2, 3)), {})
    parts = {
        name: texts(with_group(rows, group_of(name), tables), "day", "part")
        for name in ("customer.stage", "segment.seg", "audience.x")
    }
    days = ("2017-03-01", "2017-03-02", "2017-03-03", "None")
    expected = {
        "customer.stage": ("unknown", "unknown", "loyalty", "unknown"),
        "segment.seg": ("unknown", "big", "big", "unknown"),
        "audience.x": ("unknown", "unknown", "out", "unknown"),
    }
    assert parts == {name: list(zip(days, told, strict=True)) for name, told in expected.items()}
