"""Rows of datasets as KPIs count them: what the history says of each, and lived days equal to a rebuild. Costs 25 s."""

import datetime as dt

import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from jobs.config.journey.kpis import Kpi, over_tables
from jobs.config.traits import Rows
from jobs.config.yaml_files import ConfigError
from jobs.journeys import journeys
from jobs.journeys.contracts import contracts, of_days_before
from jobs.journeys.kpis.histories import bought_before, is_question, with_reopened
from jobs.journeys.kpis.rows import with_item
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue, known
from tests.lived_company import FIRST, Company, moment

ZONE = "Europe/Amsterdam"
KPI = {"stage": "purchase", "title": "t", "unit": "count", "numerator": "count(*)"}


def line(order, number, day, department, category, amount, quantity=1.0, outcome="completed", customer="a"):
    return {
        "source": "pos", "order_id": order, "line_id": str(number), "ordered_at": f"2017-03-{day:02d} 12:00:00",
        "department": department, "category": category, "amount": amount, "quantity": quantity, "outcome": outcome,
        "customer_id": customer,
    }  # fmt: skip


def test_a_department_is_new_once_and_a_price_is_compared_with_the_last_one_that_was_kept(rows, expect):
    lines = rows(
        "journeys/known_order_lines",
        line("1", 1, 1, "food", "milk", "2.00", 2.0),
        line("2", 1, 2, "food", "milk", "9.00", outcome="returned"),
        line("2", 2, 2, "home", "lamp", "9.00", outcome="returned"),
        line("3", 1, 3, "home", "lamp", "30.00"),
        line("3", 2, 3, "food", "milk", "3.00", 2.0),
        line("3", 3, 3, "food", "milk", "2.00"),
        line("4", 1, 4, "food", "milk", "1.00", -1.0),
        line("5", 1, 5, None, None, "1.00"),
        line("6", 1, 6, "food", "milk", "4.00", 2.0),
        line("9", 1, 1, "food", "milk", "2.00", customer=None),
    ).drop("nth_order", "new_department", "price_before")
    told = bought_before(lines)
    assert told.count() == 10
    expect(
        told, "order_id line_id nth_order new_department price_before",
        ("1", 1, 1, "true", None),
        ("2", 1, None, None, None),  # sent back: not sold, and no price to compare with
        ("2", 2, None, None, None),
        ("3", 1, 2, "true", None),  # the lamp that was sent back was no purchase of the department
        ("3", 2, 2, "false", 1.0),
        ("3", 3, 2, "false", 1.0),
        ("4", 1, None, None, None),  # a line that gives units back
        ("5", 1, 3, None, None),
        ("6", 1, 4, "false", 1.666667),  # 5.00 for three units in order 3
        ("9", 1, None, None, None),
    )  # fmt: skip


def test_what_was_solved_and_is_not_any_more_was_opened_again_each_time(rows, expect):
    def version(ticket, at, status):
        return {"source": "desk", "ticket_id": ticket, "updated_at": f"2017-03-01 {at:02d}:00:00", "status": status}

    versions = rows(
        "valid/tickets",
        *[version("1", at, status) for at, status in enumerate(("open", "solved", "open", "closed", "Closed", "open"))],
        *[version("2", at, status) for at, status in enumerate(("open", "pending", "solved"))],
        version("3", 1, None),
    )
    tickets = versions.select("source", "ticket_id").distinct()
    told = with_reopened(tickets, versions, "tickets")
    expect(told, "ticket_id reopened", ("1", 2), ("2", 0), ("3", 0))


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Wanneer is mijn bestelling er?", True),
        ("Hoe lang duurt het?! Ik wacht al weken", True),
        ("Does anyone know a good shop for tea", True),
        ("Mooi spul. Weet iemand waar je dit koopt", True),
        ('"Is it any good?" she said', True),
        ("See https://shop.example/tea?id=1 for more", False),
        ("Wat een geweldige winkel!", False),
        ("What a shop", False),
    ],
)
def test_a_text_asks_in_dutch_and_english_and_an_address_does_not(spark, text, asks):
    assert spark.range(1).select(is_question(F.lit(text))).collect()[0][0] is asks


def test_a_page_is_the_item_of_content_with_its_address(rows, expect):
    events = rows("valid/events", {"event_id": "1", "url": "/tea"}, {"event_id": "2", "url": "/x"}, {"event_id": "3"})
    items = rows(
        "valid/content",
        {"content_id": "b", "url": "/tea", "kind": "video"},
        {"content_id": "a", "url": "/tea", "kind": "article", "stage": "consideration"},
        {"content_id": "c"},
    )
    columns = "event_id content_id content_kind content_stage"
    expect(
        with_item(events, items), columns,
        ("1", "a", "article", "consideration"), ("2", None, None, None), ("3", None, None, None),
    )  # fmt: skip
    expect(with_item(events.limit(1), None), "event_id content_id", ("1", None))


SUBSCRIPTIONS = [
    {"subscription_id": "1", "plan": "s", "started_at": "2017-01-01 00:00:00", "ends_at": "2017-01-31 23:00:00"},
    {"subscription_id": "2", "plan": "m", "started_at": "2017-02-01 08:00:00", "ends_at": "2017-02-09 23:00:00"},
    {"subscription_id": "3", "plan": "l", "started_at": "2017-02-20 08:00:00"},
    {"subscription_id": "4", "plan": "s", "started_at": "2017-01-01 00:00:00", "customer_id": "b"},
    {"subscription_id": "4", "plan": "s", "started_at": "2017-01-01 00:00:00", "customer_id": "b",
     "status": "cancelled", "updated_at": "2017-01-16 12:00:00"},
    {"subscription_id": "4", "plan": "s", "started_at": "2017-01-01 00:00:00", "customer_id": "b",
     "status": "cancelled", "updated_at": "2017-01-20 12:00:00"},
    {"subscription_id": "5", "plan": "s", "started_at": "2017-01-10 00:00:00", "customer_id": None},
]  # fmt: skip


def held(rows):
    records = [{"source": "crm", "status": "active", "updated_at": "2017-01-01 00:00:00", **s} for s in SUBSCRIPTIONS]
    versions = rows("valid/subscriptions", *[{k: v for k, v in r.items() if k != "customer_id"} for r in records])
    whose = F.when(F.col("subscription_id") < "4", "a").when(F.col("subscription_id") == "4", "b")
    return contracts(versions.withColumn("customer_id", whose), ZONE)


def test_who_renews_did_not_leave_and_who_comes_back_is_back(rows, expect):
    expect(
        held(rows), "owner plan subscriptions valid_from valid_to back_on back_until",
        ("a", "m", 2, "2017-01-01", "2017-02-09", "2017-02-20", None),
        ("a", "l", 1, "2017-02-20", None, None, None),
        ("b", "s", 1, "2017-01-01", "2017-01-16", None, None),
        ("crm:5", "s", 1, "2017-01-10", None, None, None),
    )  # fmt: skip


def test_those_of_days_before_tell_on_each_day_who_was_lost(rows):
    pieces = of_days_before(held(rows), 28).select("owner", "valid_from", "valid_to", "lost").collect()
    whole = [dt.date(2017, 1, 1) + dt.timedelta(days=n) for n in range(90)]
    told = {
        (piece["owner"], day): piece["lost"]
        for piece in pieces
        for day in whole
        if piece["valid_from"] <= day and (piece["valid_to"] is None or day <= piece["valid_to"])
    }
    spans = {"a": [("01-01", "02-09"), ("02-20", "12-31")], "b": [("01-01", "01-16")], "crm:5": [("01-10", "12-31")]}

    def has(owner, day):
        return any(f"2017-{begin}" <= str(day) <= f"2017-{end}" for begin, end in spans[owner])

    then = dt.timedelta(days=28)
    assert told == {(one, day): not has(one, day) for one in spans for day in whole if has(one, day - then)}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"table": "stages", "numerator": "true", "first": True}, "first: is of KPIs over a dataset whose rows have"),
        ({"table": "campaign_stats", "first": True}, "first: is of KPIs over a dataset whose rows have a moment"),
        ({"table": "orders", "days_before": 7}, "days_before: is of KPIs over contracts, not orders"),
        ({"table": "stages", "numerator": "true", "dimensions": ["segment.x"]}, "0: segment.x is of rows of customers"),
        ({"table": "contents"}, "unknown table or name of `rows` 'contents'"),
    ],
)
def test_keys_that_say_nothing_of_the_rows_are_refused(tmp_path, given, said):
    (tmp_path / "journey.yaml").write_text("kpis:\n  k: {}\n")
    with pytest.raises(ConfigError, match=said):
        over_tables({"k": Kpi(**KPI | given)}, {}, tmp_path / "journey.yaml")


def test_a_name_of_rows_over_a_dataset_is_that_dataset_with_both_conditions(tmp_path):
    named = {"sold": Rows(over="order_lines", where="quantity > 0")}
    kpi = over_tables({"k": Kpi(**KPI | {"table": "sold", "where": "amount > 1"})}, named, tmp_path)["k"]
    assert (kpi.table, kpi.where, kpi.datasets) == (
        "known_order_lines", "(quantity > 0) and (amount > 1)", ["order_lines"]
    )  # fmt: skip


COUNTED = {
    "shown": {"table": "campaign_stats", "numerator": "sum(impressions)", "dimensions": ["channel"]},
    "cost": {"table": "campaign_stats", "numerator": "sum(cost)", "unit": "currency"},
    "liked": {"table": "social_posts", "numerator": "sum(likes)"},
    "first_sign_ups": {"table": "events", "where": "type = 'sign_up'", "first": True},
    "left": {"table": "contracts", "days_before": 1, "numerator": "lost", "denominator": "true"},
    "reopened": {"table": "tickets", "numerator": "sum(reopened)"},
    "units": {"table": "order_lines", "numerator": "sum(quantity)", "where": "outcome <> 'cancelled'"},
    "referred": {
        "table": "orders",
        "first": True,
        "where": "outcome in ('completed', 'open')",
        "numerator": "count_if(get_json_object(attributes, '$.referral_code') is not null)",
        "denominator": "count(*)",
    },
    "seen": {"table": "events", "where": "type = 'sign_up'", "dimensions": ["segment.seg", "audience.aud"]},
    "measured": {"table": "events", "where": "lcp is not null", "needs": ["events.lcp"]},
    "fast": {"table": "vitals", "denominator": "count(*)", "needs": ["events.inp"]},
    "sent": {"table": "touchpoints", "where": "type = 'sent'", "needs": ["ledger"]},
    "said": {"table": "notes", "denominator": "count(*)"},
}
WITHOUT_SOURCE = ("measured", "fast", "sent", "said")


def company():
    """Two runs: the second corrects a number, deletes a post, tells of an earlier sign-up, an end, and a merge."""
    lived = Company(4)
    lived.runs, lived.sends = [0, 1], []

    def row(run, **values):
        return {"run": run, "arrived": FIRST + dt.timedelta(days=run), "file_id": "f", "line": 1, **values}

    ads = {"source": "ads", "campaign_id": "x", "channel": "ad", "currency": "USD", "clicks": 1}
    signed = {"source": "web", "type": "sign_up"}
    post = {"source": "x", "post_id": "p", "posted_at": moment(0), "likes": 5}
    ticket = {"source": "desk", "ticket_id": "t", "opened_at": moment(0)}
    contract = {"source": "crm", "subscription_id": "s", "started_at": moment(-9000), "status": "active"}
    lived.rows = {
        "events": [
            row(0, event_id="1", cookie_id="cookie1", occurred_at=moment(60), **signed),
            row(1, event_id="2", cookie_id="cookie2", occurred_at=moment(10), lcp=1.0, **signed),
            row(1, event_id="3", cookie_id="cookie3", occurred_at=moment(900), **signed),
        ],
        "campaign_stats": [
            row(0, day=FIRST, updated_at=moment(0), impressions=100, cost=2, **ads),
            row(1, day=FIRST, updated_at=moment(900), impressions=120, cost=4, **ads),
            row(1, day=FIRST + dt.timedelta(days=1), updated_at=moment(900), impressions=7, cost=1, **ads),
        ],
        "rates": [row(0, source="ecb", currency="USD", day=FIRST, rate=0.5)],
        "social_posts": [row(0, updated_at=moment(1), **post), row(1, updated_at=moment(900), deleted=True, **post)],
        "tickets": [
            row(0, updated_at=moment(1), status="solved", **ticket),
            row(1, updated_at=moment(9), status="open", **ticket),
        ],
        "subscriptions": [
            row(0, updated_at=moment(0), **contract),
            row(1, updated_at=moment(900), **contract | {"status": "cancelled", "ends_at": moment(60)}),
        ],
        "orders": [
            row(0, source="pos", order_id="o", ordered_at=moment(0), updated_at=moment(0), total=3),
            *(  # a code at the first order, told twice, counts once; at the second order it brought nobody
                row(run, source="shop", order_id=order, cookie_id=cookie, ordered_at=moment(at), updated_at=moment(run),
                    status="completed", total=3, attributes='{"referral_code": "ANN"}' if coded else None)
                for run, order, cookie, at, coded in [
                    (0, "1", "cookie1", 5, True), (1, "1", "cookie1", 5, True), (1, "2", "cookie1", 30, True),
                    (1, "3", "cookie3", 5, False), (1, "4", "cookie3", 30, True),
                ]
            ),
        ],
        "order_lines": [
            row(n, source="pos", order_id="o", line_id=f"{n}", updated_at=moment(n), quantity=2.0) for n in (0, 1)
        ],
    }  # fmt: skip
    one, other = {("cookie", "cookie1"): "c1"}, {("cookie", "cookie2"): "c1", ("cookie", "cookie3"): "c3"}
    lived.who = [one, one | other]
    return lived


def evening(lake, day):
    """What models and audiences tell at the end of a day, after its journeys."""
    told = {"models/scores": {"model": "seg", "label": "loyal"}, "audiences/members": {"audience": "aud"}}
    for name, row in told.items():
        schema = catalogue.get(name).arrow_schema()
        rows = [{field.name: (row | {"day": day, "customer_id": "c3"}).get(field.name) for field in schema}]
        txn = lake.transaction(f"tell {name}", day)
        lake.replace(name, pa.Table.from_pylist(rows, schema), txn, day=day)


def numbers(lake, day):
    found = {row["kpi"]: row for row in lake.arrow("journeys/kpis").to_pylist() if row["dimension"] == "all"
             and row["period"] == "day" and row["day"] == day}  # fmt: skip
    told = {name: (found[name]["numerator"], found[name]["denominator"], found[name]["reason"]) for name in COUNTED}
    assert {found[name]["value"] for name in told if told[name][2]} == {None}
    return told


def test_days_lived_are_a_rebuild_and_late_rows_correct_what_was_counted(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("jobs.identity.fresh.FEW", 0)
    journey = {
        "stages": [{"stage": "awareness", "name": "seen", "when": "true"}],
        "kpis": {name: {**KPI, **kpi} for name, kpi in COUNTED.items()},
    }
    lakes = {}
    for name, runs in {"lived": [[0], [1]], "at once": [[0, 1]]}.items():
        general = {
            "company": "Test",
            "timezone": ZONE,
            "currency": "EUR",
            "landing": "in",
            "lake": str(tmp_path / name),
        }
        loaded, lived = settings({"settings.yaml": general, "journey.yaml": journey}), company()
        lake = lakes[name] = Lake.of(loaded)
        for some in runs:
            lived.deliver(lake, some)
            lived.name_customers(lake, some[-1], loaded)
            if some == [0, 1]:
                evening(lake, FIRST)
            journeys.run(FIRST + dt.timedelta(days=some[-1]), loaded)
            if some == [0]:
                assert numbers(lake, FIRST) == {
                    "shown": (100, None, None), "cost": (1, None, None), "liked": (5, None, None),
                    "first_sign_ups": (1, None, None), "left": (0, 1, None), "reopened": (0, None, None),
                    "units": (2, None, None), "seen": (1, None, None), "referred": (1, 1, None),
                    **dict.fromkeys(WITHOUT_SOURCE[:3:2], (0, None, "no_source")),
                    **dict.fromkeys(WITHOUT_SOURCE[1::2], (0, 0, "no_source")),
                }  # fmt: skip
                monkeypatch.setattr(journeys, "_rebuild", None)
                evening(lake, FIRST)
        monkeypatch.undo()
        monkeypatch.setenv("KLANTREIS_HASH_KEY", "test-key")
    lake, after = lakes["lived"], FIRST + dt.timedelta(days=1)
    assert numbers(lake, FIRST) == {
        "shown": (120, None, None), "cost": (2, None, None), "liked": (0, None, None),
        "first_sign_ups": (1, None, None), "left": (0, 1, None), "reopened": (1, None, None), "units": (4, None, None),
        "seen": (2, None, None), "referred": (1, 2, None),
        "measured": (1, None, None), "sent": (0, None, "no_source"), "fast": (0, 0, "no_source"),
        "said": (0, 0, "no_source"),
    }  # fmt: skip
    assert {name: one[0] for name, one in numbers(lake, after).items()} == {
        "shown": 7, "cost": 0.5, "liked": 0, "first_sign_ups": 1, "left": 1, "reopened": 0, "units": 0, "seen": 1,
        "referred": 0,
        **dict.fromkeys(WITHOUT_SOURCE, 0),
    }  # fmt: skip
    parts = {
        (row["day"], row["dimension"], row["part"]): row["value"] for row in lake.arrow("journeys/kpis").to_pylist()
        if (row["period"], row["kpi"]) == ("day", "seen") and row["dimension"] != "all"
    }  # fmt: skip
    by_segment, by_audience = "segment.seg", "audience.aud"
    assert parts == {
        (FIRST, by_segment, "unknown"): 2, (FIRST, by_audience, "unknown"): 2,
        (after, by_segment, "loyal"): 1, (after, by_audience, "in"): 1,
    }  # fmt: skip
    version = lake.version("journeys/kpis")
    evening(lake, after)
    own = {"settings.yaml": general | {"lake": str(tmp_path / "lived")}, "journey.yaml": journey}
    journeys.run(after, settings(own))
    assert lake.version("journeys/kpis") == version, "what is told at the end of a day is known the next day"
    for table in ("journeys/kpis", *(table.name for table in known.TABLES)):
        rows = [sorted(map(str, one.arrow(table).to_pylist())) for one in lakes.values()]
        assert rows[0] == rows[1], table
