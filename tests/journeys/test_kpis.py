"""KPIs: hand-computed values, empty denominators, and the query that gives each number again."""

import datetime as dt
import re

import duckdb
import pytest
from pyspark.sql import functions as F

from jobs.activity.timeline import timeline
from jobs.config.journey.journey import Journey
from jobs.config.journey.kpis import lake_table
from jobs.journeys.kpis.queries import query_for
from jobs.journeys.kpis.tables import kpis
from jobs.lake.queries import PERCENTILE

FIRST, AS_OF = dt.date(2017, 3, 1), dt.date(2017, 3, 3)


def touch(day, type_, customer, **more):
    usual = {"valence": "neutral", "touchpoint": "named", "nth": 1}
    return {"customer_id": customer, "day": f"2017-03-{day:02d}", "type": type_, **usual, **more}


TOUCHES = [
    {**touch(1, "registration", "a", channel="crm"), "day": "2016-01-01"},
    touch(1, "visit", "a", channel="web"),
    touch(1, "visit", "a", channel="web"),
    touch(1, "delivered", "a", channel="email", subject="spring", clicked=True),
    touch(1, "delivered", "b", channel="email", subject="spring", clicked=False),
    touch(1, "delivered", "d", channel="email", subject="autumn", clicked=False),
    touch(1, "order", "a", channel="store", subject="completed", amount="10.00", nth=1),
    touch(1, "order", "b", channel="web", subject="returned", amount="30.50", nth=3),
    touch(1, "nps", "a", channel="survey", subject="yearly", score="9", tone="positive"),
    touch(1, "nps", "b", channel="survey", subject="yearly", score="10"),
    touch(1, "nps", "d", channel="survey", subject="quick", score="6", tone="negative", theme="late, parcel"),
    touch(1, "csat", "a", channel="survey", score="4", touchpoint=None),
    touch(1, "resolution", "b", channel="chat", subject="refund", score="1", seconds=1800, valence="negative"),
    touch(1, "resolution", "b", channel="chat", subject="points", seconds=5400),
    touch(3, "return", "b", channel="web", subject="returned", amount="-30.50"),
    touch(3, "order", "a", channel="store", subject="completed", amount="5.00", nth=2),
    {**touch(1, "order", "c", channel="store", subject="completed", amount="1.00"), "day": "2016-11-15"},
    touch(3, "registration", "a", channel="shop", nth=2),
    touch(3, "registration", "e", channel="shop", nth=1),
    {**touch(1, "order", "f", channel="store", subject="completed", amount="4.00"), "day": "2016-11-15"},
    {**touch(1, "order", "f", channel="store", subject="completed", amount="6.00"), "day": "2016-11-15"},
    {**touch(1, "order", "f", channel="store", subject="completed", amount="7.00"), "day": "2017-02-20"},
    touch(3, "click", "a", channel="email", subject="spring", clicked=True),
    touch(3, "click", "b", channel="email", subject="spring", clicked=False),
    touch(3, "ces", "a", channel="survey", subject="quick", score="5"),
    touch(3, "ces", "b", channel="survey", subject="quick", score="2"),
    touch(3, "conversation", "a", channel="chat", subject="refund"),
    touch(3, "conversation", "a", channel="chat", subject="refund", nth=2),
    touch(3, "conversation", "b", channel="phone", subject="points"),
    touch(3, "resolution", "b", channel="phone", subject="points", seconds=60),
    touch(3, "review", "a", channel="web", score="4"),
    touch(3, "review", "b", channel="web", score="2"),
]
SESSIONS = [
    {"session_id": "1", "customer_id": "a", "day": "2017-03-01", "channel": "paid", "pages": 4, "product_views": 1},
    {"session_id": "2", "customer_id": "a", "day": "2017-03-01", "channel": "direct", "pages": 1, "product_views": 0},
    {"session_id": "3", "customer_id": "b", "day": "2017-03-01", "channel": "direct", "pages": 2, "product_views": 0},
]
CARTS = [
    {"cart_id": "1", "day": "2017-03-01", "status": "ordered"},
    {"cart_id": "2", "day": "2017-03-01", "status": "abandoned"},
    {"cart_id": "3", "day": "2017-03-01", "status": "abandoned"},
    {"cart_id": "4", "status": "open"},
]
MOMENTS = [
    {"moment_id": "1", "type": "buy", "day": "2017-03-01", "served": True, "steps": 3},
    {"moment_id": "2", "type": "go", "day": "2017-03-01", "served": False},
]
VITALS = [
    {"source": "web", "event_id": "1", "day": "2017-03-01", "lcp": 2.5, "inp": 0.3, "cls": 0.1, "moment": "buy"},
    {"source": "web", "event_id": "2", "day": "2017-03-01", "lcp": 2.6, "cls": 0.2},
    {"source": "web", "event_id": "3", "day": "2017-03-01", "lcp": 1.0},
]
STAGES = [
    {"kind": "customer", "state": "active", **stay}
    for stay in (
        {"customer_id": "a", "stage": "awareness", "valid_from": "2016-01-01", "valid_to": "2016-12-31"},
        {"customer_id": "a", "stage": "loyalty", "valid_from": "2017-01-01", "valid_to": "2017-03-02"},
        {"customer_id": "a", "stage": "service", "valid_from": "2017-03-03"},
        {"customer_id": "b", "stage": "service", "valid_from": "2017-03-02"},
        {"customer_id": "d", "stage": "loyalty", "state": "lapsed", "valid_from": "2017-01-01"},
        {"customer_id": "v", "stage": "awareness", "kind": "visitor", "valid_from": "2017-02-01"},
    )
]
STAGE_MOVES = [
    {"kind": "customer", "day": "2017-03-01", **move}
    for move in (
        {"customer_id": "a", "from_stage": "purchase", "to_stage": "loyalty", "value": "30"},
        {"customer_id": "b", "from_stage": "purchase", "to_stage": "loyalty"},
        {"customer_id": "d", "from_stage": "awareness", "to_stage": "purchase", "value": "5"},
        {"customer_id": "e", "to_stage": "awareness", "value": "1"},
        {"customer_id": "v", "from_stage": "awareness", "to_stage": "purchase", "kind": "visitor"},
    )
]
VALUES = [
    {"day": "2017-03-01", "model": model, "customer_id": customer, "value_365d": worth}
    for model, customer, worth in (("value", "a", "120.50"), ("value", "b", "80"), ("other", "a", "9"))
]
ON_FIRST = {"day": "2017-03-01", "source": "s"}
AT = "2017-03-01 12:00:00"
ROWS_OF = {  # as known today, with what is known beside them
    "campaign_stats": [
        {"campaign_id": "x", "channel": "ad", "impressions": 1000, "clicks": 10, "cost": "5.00"},
        {"campaign_id": "y", "channel": "social", "impressions": 500, "clicks": 20},
    ],
    "survey_responses": [
        {"question_id": "1", "kind": "awareness", "score": 1, "weight": 3.0},
        {"question_id": "2", "kind": "awareness", "score": 1},
        {"question_id": "3", "kind": "awareness", "score": 0, "weight": 4.0},
        {"question_id": "4", "kind": "nps", "score": 9},
    ],
    "social_posts": [
        {"post_id": "1", "network": "x", "likes": 3, "shares": 2, "comments": 1, "asks": True},
        {"post_id": "2", "network": "y", "likes": 4, "asks": False},
        {"post_id": "3", "network": "y", "shares": 4},
    ],
    "events": [
        {"event_id": "1", "customer_id": "a", "type": "newsletter_signup", "occurred_at": AT},
        {"event_id": "2", "customer_id": "a", "type": "download", "occurred_at": AT, "content_id": "guide"},
        {"event_id": "3", "customer_id": "b", "type": "download", "day": "2017-02-01", "occurred_at": AT},
        {"event_id": "4", "customer_id": "b", "type": "newsletter_signup", "occurred_at": AT},
        {"event_id": "5", "type": "page_view", "content_id": "guide", "content_kind": "article", "occurred_at": AT},
        {"event_id": "6", "type": "lead", "occurred_at": AT},
    ],
    "order_lines": [
        {"order_id": "1", "line_id": "1", "outcome": "completed", "quantity": 2.0, "amount": "6.00", "nth_order": 1},
        {"order_id": "2", "line_id": "1", "outcome": "completed", "quantity": 1.0, "amount": "4.00", "nth_order": 2,
         "new_department": False, "price_before": 3.0, "department": "food"},
        {"order_id": "2", "line_id": "2", "outcome": "completed", "quantity": 4.0, "amount": "8.00", "nth_order": 2,
         "new_department": True},
        {"order_id": "3", "line_id": "1", "outcome": "open", "quantity": 1.0, "amount": "3.00", "nth_order": 3,
         "new_department": False, "price_before": 4.0},
        {"order_id": "4", "line_id": "1", "outcome": "credit", "quantity": 1.0, "amount": "3.00"},
        {"order_id": "5", "line_id": "1", "outcome": "cancelled", "quantity": 9.0, "amount": "90.00"},
    ],
    "conversations": [
        {"conversation_id": "1", "status": "closed", "reopened": 0},
        {"conversation_id": "2", "status": "open", "reopened": 1},
        {"conversation_id": "3", "status": "open", "reopened": 0},
    ],
    "tickets": [{"ticket_id": "1", "status": "solved", "reopened": 2}, {"ticket_id": "2", "status": "pending"}],
    "usage": [{"usage_id": "1", "customer_id": "a"}, {"usage_id": "2", "customer_id": "a"}, {"usage_id": "3"}],
    "notes": [
        {"note_id": "1", "valence": "negative", "respondents": 30, "kind": "market_research"},
        {"note_id": "2", "valence": "positive", "kind": "interview"},
    ],
}  # fmt: skip
CONTRACTS = [
    {"owner": "a", "plan": "s", "valid_from": "2017-01-01"},
    {"owner": "b", "plan": "s", "valid_from": "2017-01-01", "valid_to": "2017-02-20"},
    {"owner": "c", "plan": "m", "valid_from": "2017-01-01", "valid_to": "2017-02-20", "back_on": "2017-03-02"},
    {"owner": "c", "plan": "m", "valid_from": "2017-03-02"},
    {"owner": "d", "plan": "m", "valid_from": "2017-01-01", "valid_to": "2017-01-20"},
    {"owner": "e", "plan": "m", "valid_from": "2017-02-15"},
]
EVENING = {"day": "2017-02-28", "customer_id": "b"}
SCORES = [
    {**EVENING, "model": "segmentation", "label": "loyal"},
    {**EVENING, "model": "segmentation", "label": "new", "day": "2017-02-20"},
    {**EVENING, "model": "segmentation", "label": "big", "day": "2017-03-01", "customer_id": "a"},
    {**EVENING, "model": "churn", "label": "high"},
]
MEMBERS = [{**EVENING, "audience": "winback_at_risk"}, {**EVENING, "audience": "other", "customer_id": "a"}]
GOLDEN = {  # value, numerator, denominator of the shipped KPIs on 1 March
    "reach": (3, 3, None),
    "impressions": (3, 3, None),
    "ad_impressions": (1500, 1500, None),
    "ad_click_rate": (0.02, 30, 1500),
    "cost_per_click": (0.5, 5, 10),
    "brand_awareness": (0.5, 4, 8),
    "promoters": (2, 2, None),
    "good_reviews": (None, 0, 0),
    "social_reactions": (14, 14, None),
    "first_leads": (1, 1, None),
    "key_content_views": (2, 2, None),
    "social_questions": (0.5, 1, 2),
    "shares_per_post": (3, 6, 2),
    "units_sold": (7, 7, None),
    "revenue_of_units": (18, 18, None),
    "price_per_unit": (2.625, 21, 8),
    "reopened_conversations": (0.5, 1, 2),
    "reopened_tickets": (1, 1, 1),
    "contract_churn_rate": (0.666667, 2, 3),
    "cross_sold_orders": (0.5, 1, 2),
    "upsold_lines": (0.5, 1, 2),
    "product_users": (1, 1, None),
    "heard_in_studies": (0.967742, 30, 31),
    "visits": (3, 3, None),
    "unique_visitors": (2, 2, None),
    "leads": (0, 0, None),
    "pages_per_visit": (2.333333, 7, 3),
    "product_interest": (0.333333, 1, 3),
    "email_click_rate": (0.333333, 1, 3),
    "fast_pages": (0.666667, 2, 3),
    "responsive_pages": (0, 0, 1),
    "stable_pages": (0.5, 1, 2),
    "scanner_clicks": (None, 0, 0),
    "moments_served": (0.5, 1, 2),
    "cart_conversion": (0.333333, 1, 3),
    "cart_abandonment": (0.666667, 2, 3),
    "orders": (2, 2, None),
    "revenue": (40.5, 40.5, None),
    "average_order_value": (20.25, 40.5, 2),
    "repeat_purchase_ratio": (0.5, 1, 2),
    "bought_again": (0.25, 1, 4),
    "new_buyers_who_return": (0, 0, 2),
    "return_rate": (0, 0, 2),
    "csat": (2.5, 5, 2),
    "nps": (33.333333, 100, 3),
    "service_contacts": (0, 0, None),
    "resolution_time": (60, 7200, 120),
    "slowest_solutions": (84, 84, None),
    "effort": (None, 0, 0),
    "contacts_per_solution": (0, 0, 2),
    "steps_to_answer": (3, 3, 1),
    "repeat_contacts": (None, 0, 0),
    "texts_that_complain": (0.5, 1, 2),
    "negative_contacts": (0.076923, 1, 13),
    "unnamed_contacts": (0.076923, 1, 13),
    "lost_customers": (0.5, 2, 4),
    "churn_rate": (0.5, 1, 2),
    "bigger_baskets": (1, 1, 1),
    "referred_visits": (0, 0, 3),
    "customer_lifetime_value": (100.25, 200.5, 2),
    "active_repeat_share": (0, 0, 2),
    "loyal_customers": (0.5, 1, 2),
    "customers_per_stage": (2, 2, None),
    "lapsed_customers": (0.5, 1, 2),
    "visitors_per_stage": (1, 1, None),
    "moves_to_stages": (3, 3, None),
    "value_after_moves": (17.5, 35, 2),
}
TWO_DAYS_LATER = {
    "promoters": (0, 0, None),
    "good_reviews": (0.5, 1, 2),
    "scanner_clicks": (0.5, 1, 2),
    "effort": (3.5, 7, 2),
    "contacts_per_solution": (3, 3, 1),
    "repeat_contacts": (0.5, 1, 2),
    "bought_again": (0.5, 2, 4),
    "leads": (1, 1, None),
    "new_buyers_who_return": (0.5, 1, 2),
    "slowest_solutions": (1, 1, None),
    "contract_churn_rate": (0.333333, 1, 3),  # who came back on the 2nd is lost no more
    "social_reactions": (0, 0, None),
    "reopened_tickets": (None, 0, 0),
}
STAYS = ("loyalty", "service")
PARTS = {  # value by part of a dimension, on 1 March
    ("visits", "channel"): {"paid": 1, "direct": 2},
    ("visits", "device"): {"unknown": 3},
    ("unique_visitors", "channel"): {"paid": 1, "direct": 2},
    ("email_click_rate", "subject"): {"spring": 0.5, "autumn": 0},
    ("promoters", "subject"): {"yearly": 2},
    ("nps", "subject"): {"yearly": 100, "quick": -100},
    ("texts_that_complain", "theme"): {"late, parcel": 1, "unknown": 0},
    ("csat", "channel"): {"survey": 4, "chat": 1},
    ("resolution_time", "subject"): {"refund": 30, "points": 90},
    ("customers_per_stage", "stage"): {"awareness": 0, "loyalty": 2, "service": 0},
    ("customers_per_stage", "state"): {"active": 1, "lapsed": 1},
    ("visitors_per_stage", "stage"): {"awareness": 1},
    ("moves_to_stages", "concat(from_stage, ' to ', to_stage)"): {"purchase to loyalty": 2, "awareness to purchase": 1},
    ("orders", "customer.stage"): {"loyalty": 1, "unknown": 1},  # b came into service the day after
    ("orders", "segment.segmentation"): {"loyal": 1, "unknown": 1},
    ("orders", "audience.winback_at_risk"): {"in": 1, "out": 1},
    ("revenue", "segment.segmentation"): {"loyal": 30.5, "unknown": 10},
    ("ad_impressions", "channel"): {"ad": 1000, "social": 500},
    ("first_leads", "type"): {"newsletter_signup": 1},
    ("key_content_views", "content_kind"): {"article": 1, "unknown": 1},
    ("contract_churn_rate", "plan"): {"s": 0.5, "m": 1},
    ("value_after_moves", "concat(from_stage, ' to ', to_stage)"): {
        "purchase to loyalty": 30,
        "awareness to purchase": 5,
    },
}


@pytest.fixture
def tables(rows, shipped_traits):
    touchpoints = [{"touchpoint_id": str(n), **contact} for n, contact in enumerate(TOUCHES)]
    found = {
        "touchpoints": rows("journeys/touchpoints", *touchpoints),
        "sessions": rows("journeys/sessions", *SESSIONS),
        "carts": rows("journeys/carts", *CARTS),
        "moments": rows("journeys/moments", *MOMENTS),
        "vitals": rows("journeys/vitals", *VITALS),
        "stages": rows("journeys/stages", *STAGES),
        "stage_moves": rows("journeys/stage_moves", *STAGE_MOVES),
        "values": rows("models/value", *VALUES),
        "contracts": rows("journeys/contracts", *CONTRACTS),
        "models/scores": rows("models/scores", *SCORES),
        "audiences/members": rows("audiences/members", *MEMBERS),
        **{
            f"known_{dataset}": rows(f"journeys/known_{dataset}", *[{**ON_FIRST, **row} for row in own])
            for dataset, own in ROWS_OF.items()
        },
    }
    return found | {"customers": timeline(found, shipped_traits, AS_OF)}


@pytest.fixture(scope="module")
def counted():
    """What the first test that needed it counted, for all others."""
    return []


@pytest.fixture
def found(tables, shipped, counted, lake):
    """Rows of journeys/kpis by period, day, KPI, dimension and part."""
    if not counted:
        every = {name for kpi in shipped.kpis.values() for name in kpi.datasets}
        with lake.scratch("journeys/kpis") as keep:  # as the step has its tables: in files
            stored = {name: keep(rows) for name, rows in tables.items()}
            counted += kpis(stored, shipped, every, FIRST, AS_OF, keep).collect()
    by_key = {(row["period"], row["day"], row["kpi"], row["dimension"], row["part"]): row for row in counted}
    assert len(by_key) == len(counted), "a KPI has one value per period and part"
    return by_key


@pytest.fixture
def measured(found):
    """(day of March, KPI) to value, numerator, denominator of the whole."""
    return {
        (day.day, kpi): (row["value"], row["numerator"], row["denominator"])
        for (period, day, kpi, dimension, _), row in found.items()
        if (period, dimension) == ("day", "all")
    }


def test_every_shipped_kpi_has_the_value_counted_by_hand(measured, shipped):
    assert GOLDEN.keys() == shipped.kpis.keys(), "count a new KPI by hand here"
    assert {name: measured[1, name] for name in GOLDEN} == GOLDEN
    assert {name: measured[3, name] for name in TWO_DAYS_LATER} == TWO_DAYS_LATER


def test_each_part_of_each_dimension_has_its_own_value(found):
    parts = {
        (name, by): {
            part: row["value"]
            for (period, day, kpi, dimension, part), row in found.items()
            if (period, day, kpi, dimension) == ("day", FIRST, name, by)
        }
        for name, by in PARTS
    }
    assert parts == PARTS


def test_a_customer_is_where_it_was_the_evening_before(found):
    def parts(day, by):
        key = ("day", dt.date(2017, 3, day), "orders", by)
        return {part: row["value"] for (*of, part), row in found.items() if tuple(of) == key}

    assert parts(3, "customer.stage") == {"loyalty": 1}, "a came into service on the 3rd itself"
    assert parts(3, "segment.segmentation") == {"big": 1}, "as told on the newest evening"
    assert parts(3, "audience.winback_at_risk") == {"out": 1}


def test_a_day_without_anything_counts_zero_and_a_ratio_out_of_nothing_is_empty(measured):
    assert measured[2, "visits"] == (0, 0, None)
    assert measured[2, "csat"] == (None, 0, 0)
    assert measured[2, "cart_conversion"] == (None, 0, 0)
    assert measured[2, "slowest_solutions"] == (None, None, None), "no times have no percentile"


def test_what_was_bought_is_earned_that_day_and_what_comes_back_is_taken_off_the_day_it_does(measured):
    assert [measured[day, "revenue"][0] for day in (1, 2, 3)] == [40.5, 0, -25.5]
    assert measured[3, "return_rate"] == (1, 1, 1)


def test_customers_are_counted_on_every_day_of_their_stay_also_one_that_began_before_the_kpis(found, measured):
    key = ("customers_per_stage", "stage")
    stays = [[found["day", dt.date(2017, 3, day), *key, one]["value"] for day in (1, 2, 3)] for one in STAYS]
    assert stays == [[2, 2, 1], [0, 1, 2]]
    assert [measured[day, "loyal_customers"][1:] for day in (1, 2, 3)] == [(1, 2), (1, 3), (0, 3)]
    assert [measured[day, "visitors_per_stage"][0] for day in (1, 2, 3)] == [1, 1, 1]


def test_a_trait_can_be_a_kpi_of_customers(measured):
    assert [measured[day, "active_repeat_share"] for day in (1, 2, 3)] == [(0, 0, 2), (0, 0, 2), (0.5, 1, 2)]


@pytest.mark.parametrize("engine", ["duckdb", "engine"])
def test_the_printed_query_of_every_kpi_gives_the_same_numbers_again(
    spark, tables, found, shipped, shipped_traits, engine
):
    ask = _duckdb(tables) if engine == "duckdb" else _engine(spark, tables)
    asked = [("day", FIRST), ("day", AS_OF), ("week", dt.date(2017, 2, 27)), ("month", FIRST)]
    for name, kpi in shipped.kpis.items():
        for period, day in asked:
            numbers = ask(query_for(name, shipped, day, shipped_traits, None, period, AS_OF))
            row = found[period, day, name, "all", "all"]
            expected = [row["numerator"], *([row["denominator"]] if kpi.denominator else [])]
            told = [[float(number or 0) for number in row] for row in numbers]
            assert told == [[number or 0 for number in expected]], f"{name}, {period} {day}"
        for by in kpi.dimensions:
            given = ask(query_for(name, shipped, dt.date(2017, 2, 27), shipped_traits, by, "week", AS_OF))
            held = kpi.table in ("stages", "contracts")  # which tells of parts that are empty on the day, too
            parts = {part or "unknown": float(number or 0) for part, number, *_ in given if number or not held}
            assert parts == {
                part: row["numerator"]
                for (period, day, kpi_, dimension, part), row in found.items()
                if (period, day, kpi_, dimension) == ("week", dt.date(2017, 2, 27), name, by)
                and (row["numerator"] or not held)
            }


def _duckdb(tables):
    database = duckdb.connect()
    database.execute("create schema journeys; create schema models; create schema audiences")
    database.execute(PERCENTILE)
    for name, table in tables.items():
        if name != "customers":
            rows = table.toArrow()
            database.register("rows", rows)
            table_name = (name if "/" in name else lake_table(name)).replace("/", ".")
            database.execute(f"create table {table_name} as select * from rows")
    return lambda query: database.execute(query).fetchall()


def _engine(spark, tables):
    for name, table in tables.items():
        table.createOrReplaceTempView((name if "/" in name else lake_table(name)).replace("/", "_"))
    return lambda query: [
        tuple(row) for row in spark.sql(re.sub("(journeys|models|audiences)[.]", r"\1_", query)).collect()
    ]


@pytest.mark.parametrize("kpi", ["visits", "orders", "revenue", "ad_impressions", "units_sold", "customers_per_stage"])
def test_parts_add_up_to_the_whole_where_rows_are_counted(found, shipped, kpi):
    wholes = {
        (row["period"], row["day"]): row["numerator"]
        for row in found.values()
        if (row["kpi"], row["part"]) == (kpi, "all")
    }
    for by in shipped.kpis[kpi].dimensions:
        sums = dict.fromkeys(wholes, 0)
        for (period, day, name, dimension, _), row in found.items():
            if (name, dimension) == (kpi, by):
                sums[period, day] += row["numerator"]
        assert sums == wholes


def test_a_kpi_is_one_entry_of_the_configuration(tables, expect):
    journey = Journey.model_validate(
        {
            "stages": [{"stage": "awareness", "name": "seen", "when": "true"}],
            "kpis": {
                "web_share": {
                    "stage": "purchase", "title": "Orders on the web", "unit": "share", "table": "touchpoints",
                    "where": "type = 'order'", "numerator": "count_if(channel = 'web')", "denominator": "count(*)",
                }
            },
        }
    )  # fmt: skip
    found = kpis(tables, journey, (), FIRST, AS_OF).where((F.col("day") == F.lit(FIRST)) & (F.col("period") == "day"))
    expect(found, "stage kpi dimension unit value", ("purchase", "web_share", "all", "share", 0.5))
