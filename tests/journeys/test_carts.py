"""Baskets over visits: what belongs to one, and how it ends."""

import datetime as dt

from jobs.journeys.carts import carts

DEFAULTS = {"customer_id": "c", "carts": 0, "orders": 0}


def visit(session_id, start, end=None, **more):
    return {**DEFAULTS, "session_id": session_id, "started_at": start, "ended_at": end or start, **more}


def baskets(rows, *visits, as_of="2017-03-31", days=3):
    return carts(rows("journeys/sessions", *visits), days, dt.date.fromisoformat(as_of), "Europe/Amsterdam")


def test_a_basket_filled_on_two_days_and_then_ordered_is_one_converted_basket(rows, expect):
    found = baskets(
        rows,
        visit("s1", "2017-03-01 10:00", carts=2),
        visit("s2", "2017-03-02 09:00", "2017-03-02 09:20", carts=1, orders=1),
    )
    expect(
        found,
        "cart_id opened_at last_at visits items status day",
        ("s1", "2017-03-01 10:00:00", "2017-03-02 09:20:00", 2, 3, "ordered", "2017-03-02"),
    )


def test_a_basket_untouched_for_longer_than_cart_days_is_abandoned_on_the_day_time_is_up(rows, expect):
    visits = [visit("s1", "2017-03-01 10:00", carts=1), visit("s2", "2017-03-04 10:00:01", carts=1, orders=1)]
    found = baskets(rows, *visits)
    expect(found, "cart_id status day", ("s1", "abandoned", "2017-03-04"), ("s2", "ordered", "2017-03-04"))


def test_a_basket_whose_time_is_not_up_is_open_and_has_no_day(rows, expect):
    found = baskets(rows, visit("s1", "2017-03-01 10:00", carts=1), as_of="2017-03-03")
    expect(found, "status day", ("open", None))


def test_after_an_order_a_new_basket_begins(rows, expect):
    found = baskets(
        rows, visit("s1", "2017-03-01 10:00", carts=1, orders=1), visit("s2", "2017-03-01 11:00", carts=1, orders=0)
    )
    expect(found, "cart_id status", ("s1", "ordered"), ("s2", "abandoned"))


def test_an_order_without_a_basket_and_a_visit_without_either_are_no_basket(rows):
    assert baskets(rows, visit("s1", "2017-03-01 10:00", orders=1), visit("s2", "2017-03-01 12:00")).count() == 0


def test_baskets_of_two_customers_do_not_mix(rows, expect):
    found = baskets(
        rows,
        visit("s1", "2017-03-01 10:00", carts=1),
        visit("s2", "2017-03-01 10:30", customer_id="d", carts=1, orders=1),
    )
    expect(found, "customer_id status", ("c", "abandoned"), ("d", "ordered"))
