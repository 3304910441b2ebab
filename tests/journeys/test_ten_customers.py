"""Ten kinds of customers and visitors with the shipped configuration: what happened to them, and where they are when.

Each is a small history and, for some days, the stage, how the customer stands in it, and the rule that says so.
"""

import datetime as dt

import pytest

from jobs.activity.every_day import used_in
from jobs.activity.timeline import timeline
from jobs.journeys.stages import stages

NEW_YEAR = dt.date(2017, 1, 1)
AS_OF = dt.date(2017, 12, 31)


def day(text):
    month, number = map(int, text.split("-"))
    return dt.date(2017, month, number)


def contact(on, type_, **more):
    return {"day": str(day(on) if isinstance(on, str) else on), "type": type_, "valence": "neutral", **more}


def order(on):
    return contact(on, "order", subject="completed")


def orders(number, first, last):
    """So many orders, evenly from the first day to the last."""
    begin, end = day(first), day(last)
    return [order(begin + (end - begin) * n // (number - 1)) for n in range(number)]


def asked(on, answered=None):
    """A conversation, and the day on which it was solved."""
    rows = [contact(on, "conversation", open_days=(day(answered) - day(on)).days if answered else None)]
    return [*rows, contact(answered, "resolution")] if answered else rows


def visit(on, product_views=0, carts=0):
    return contact(on, "visit", product_views=product_views, carts=carts)


BAD = {"valence": "negative"}
TEN = {
    "bought 28 times and stopped in June": (
        orders(28, "01-02", "06-15"),
        ("02-01", "purchase", "active", "bought_lately"),
        ("06-20", "loyalty", "active", "buys_often"),
        ("09-01", "loyalty", "slowing", "buys_less_often"),
        ("12-31", "loyalty", "lapsed", "bought_often"),
    ),
    "buys every week and sent one order back": (
        [*orders(52, "01-01", "12-30"), contact("10-01", "return", **BAD)],
        ("10-01", "loyalty", "active", "buys_often"),
        ("12-31", "loyalty", "active", "buys_often"),
    ),
    "buys almost daily and asks something now and then": (
        [*orders(150, "06-01", "12-30"), *asked("10-01", "10-02"), *asked("11-20")],
        ("10-01", "service", "active", "waits_for_an_answer"),
        ("10-02", "loyalty", "active", "buys_often"),
        ("11-25", "service", "active", "waits_for_an_answer"),
        ("12-04", "loyalty", "active", "buys_often"),
        ("12-31", "loyalty", "active", "buys_often"),
    ),
    "bought for the first time seven weeks ago": (
        [visit("11-01", product_views=3), order("11-12")],
        ("11-01", "consideration", "active", "compares"),
        ("11-12", "purchase", "new", "first_order"),
        ("12-31", "purchase", "new", "first_order"),
    ),
    "bought a few times and is silent since spring": (
        orders(4, "01-10", "04-01"),
        ("05-01", "purchase", "active", "bought_lately"),
        ("12-31", "purchase", "lapsed", "bought_before"),
    ),
    "comes back to look after half a year": (
        [*orders(30, "01-02", "06-01"), visit("12-27", product_views=2), visit("12-29", product_views=2)],
        ("12-26", "loyalty", "lapsed", "bought_often"),
        ("12-27", "loyalty", "lapsed", "bought_often"),
        ("12-29", "consideration", "returning", "looks_again"),
    ),
    "sent the only order back and said so": (
        [order("10-01"), contact("10-05", "return", **BAD), contact("10-06", "nps", **BAD)],
        ("10-04", "purchase", "new", "first_order"),
        ("10-06", "service", "active", "disappointed"),
        ("11-04", "service", "active", "disappointed"),
        ("11-05", "purchase", "new", "first_order"),
    ),
    "asked something in spring and was never answered": (
        [*orders(3, "01-10", "11-20"), *asked("04-01")],
        ("04-01", "service", "active", "waits_for_an_answer"),
        ("04-14", "service", "active", "waits_for_an_answer"),
        ("04-15", "purchase", "lapsed", "bought_before"),
        ("12-31", "purchase", "active", "bought_lately"),
    ),
    "is an unknown visitor who put one thing into the basket": (
        [visit("12-20", product_views=1, carts=1)],
        ("12-20", "consideration", "active", "filled_a_basket"),
        ("12-31", "consideration", "active", "filled_a_basket"),
    ),
    "signed up, asked a question before buying, and was not seen since": (
        [contact("05-01", "registration"), *asked("05-02", "05-03"), visit("05-03", product_views=1)],
        ("05-01", "awareness", "active", "has_seen_us"),
        ("05-02", "consideration", "active", "asks"),
        ("05-16", "awareness", "active", "has_seen_us"),
        ("12-31", "awareness", "lapsed", "not_seen_lately"),
    ),
    "keeps buying although a lot goes wrong": (
        [*orders(20, "09-01", "12-30"), *(contact(f"12-{n}", "nps", **BAD) for n in (10, 12, 14, 16, 18))],
        ("12-09", "loyalty", "active", "buys_often"),
        ("12-18", "service", "active", "disappointed"),
    ),
    "asked twice, of which the first took long": (
        [*orders(30, "01-01", "12-30"), *asked("06-01", "06-12"), *asked("06-14")],
        ("06-11", "service", "active", "waits_for_an_answer"),
        ("06-13", "purchase", "active", "bought_lately"),
        ("06-14", "service", "active", "waits_for_an_answer"),
        ("06-28", "purchase", "active", "bought_lately"),
    ),
}


@pytest.mark.parametrize("kind", TEN)
def test_somebody_who(rows, shipped, shipped_traits, kind):
    history, *expected = TEN[kind]
    touches = [{"customer_id": "c", **one} for one in history]
    visits = [{**one, "customer_id": "c"} for one in history if one["type"] == "visit"]
    seen = [{name: one[name] for name in ("customer_id", "day", "product_views", "carts")} for one in visits]
    touches = [{name: value for name, value in one.items() if value is not None} for one in touches]
    tables = {"touchpoints": rows("journeys/touchpoints", *touches), "sessions": rows("journeys/sessions", *seen)}
    traits = used_in([rule.when for rule in shipped.stages], shipped_traits)
    stays = stages(timeline(tables, traits, AS_OF), shipped, traits, rows("identity/map")).collect()
    found = [
        (on, stay["stage"], stay["state"], stay["rule"])
        for on, *_ in expected
        for stay in stays
        if stay["valid_from"] <= day(on) <= (stay["valid_to"] or AS_OF)
    ]
    assert found == expected
