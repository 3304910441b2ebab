"""Baskets over visits: what belongs to one, and how it ends."""

import datetime as dt

import pytest

from jobs.activity.sessions import with_session
from jobs.journeys.carts import basket_visits, carts

ZONE = "Europe/Amsterdam"
ADD, REMOVE, BUY = "add_to_cart", "remove_from_cart", "purchase"


@pytest.fixture
def baskets(known):
    """Baskets of events given as (moment, type) or (moment, type, further values)."""

    def build(*told, as_of="2017-03-31", days=3):
        events = [
            {"event_id": f"e{n}", "occurred_at": at, "type": type_, **(more[0] if more else {})}
            for n, (at, type_, *more) in enumerate(told)
        ]
        visits = basket_visits(with_session(known("valid/events", *events), 30), ZONE)
        return carts(visits, days, dt.date.fromisoformat(as_of), ZONE)

    return build


def test_a_basket_filled_on_two_days_and_then_ordered_is_one_converted_basket(baskets, expect):
    found = baskets(
        ("2017-03-01 10:00", ADD),
        ("2017-03-01 10:05", ADD),
        ("2017-03-02 09:00", ADD),
        ("2017-03-02 09:20", BUY),
        ("2017-03-02 09:25", "page_view"),
    )
    expect(
        found,
        "opened_at last_at visits items removed status day",
        ("2017-03-01 10:00:00", "2017-03-02 09:20:00", 2, 3, 0, "ordered", "2017-03-02"),
    )


def test_a_basket_untouched_for_longer_than_cart_days_is_abandoned_on_the_day_time_is_up(baskets, expect):
    found = baskets(("2017-03-01 10:00", ADD), ("2017-03-04 10:00:01", ADD), ("2017-03-04 10:05", BUY))
    expect(found, "status day", ("abandoned", "2017-03-04"), ("ordered", "2017-03-04"))


def test_a_basket_whose_time_is_not_up_is_open_and_has_no_day(baskets, expect):
    expect(baskets(("2017-03-01 10:00", ADD), as_of="2017-03-03"), "status day", ("open", None))


def test_what_is_put_in_after_an_order_is_another_basket_in_the_same_visit_too(baskets, expect):
    found = baskets(
        ("2017-03-01 10:00", ADD),
        ("2017-03-01 10:01", BUY),
        ("2017-03-01 10:02", ADD),
        ("2017-03-01 12:00", ADD),
        ("2017-03-01 12:01", BUY),
        ("2017-03-01 12:02", ADD),
    )
    expect(
        found.selectExpr("substring(cart_id, 22) as part", "items", "visits", "status"),
        "part items visits status",
        ("", 1, 1, "ordered"),
        (":1", 2, 2, "ordered"),
        (":1", 1, 1, "abandoned"),
    )


def test_an_order_reported_twice_ends_its_basket_once(baskets, expect):
    twice = {"order_id": "o1"}
    found = baskets(
        ("2017-03-01 10:00", ADD),
        ("2017-03-01 10:01", BUY, twice),
        ("2017-03-01 10:02", ADD),
        ("2017-03-01 10:03", BUY, twice),
    )
    expect(found, "items status", (1, "ordered"), (1, "abandoned"))


def test_a_basket_out_of_which_everything_was_taken_is_emptied_that_day(baskets, expect):
    found = baskets(
        ("2017-03-01 10:00", ADD), ("2017-03-01 10:01", ADD), ("2017-03-01 10:02", REMOVE), ("2017-03-02 10:00", REMOVE)
    )
    expect(found, "items removed status day", (2, 2, "emptied", "2017-03-02"))


def test_what_a_visit_takes_out_first_is_taken_out_of_a_basket_of_visits_before_or_of_none(baskets, expect):
    def days(*told):
        return [(f"2017-03-{day:02} 10:{minute:02}", type_) for day, minute, type_ in told]

    expect(baskets(*days((1, 0, REMOVE), (1, 1, ADD))), "visits items removed status", (1, 1, 0, "abandoned"))
    swapped = baskets(*days((1, 0, ADD), (2, 0, REMOVE), (2, 1, ADD)))
    expect(swapped, "visits items removed status", (2, 2, 1, "abandoned"))
    bought = baskets(*days((1, 0, REMOVE), (1, 1, ADD), (1, 2, REMOVE), (1, 3, ADD), (1, 4, BUY)))
    expect(bought, "visits items removed status", (1, 2, 1, "ordered"))


def test_a_basket_that_is_filled_again_after_it_was_emptied_goes_on(baskets, expect):
    found = baskets(
        ("2017-03-01 10:00", ADD), ("2017-03-01 10:01", REMOVE), ("2017-03-01 10:02", ADD), as_of="2017-03-01"
    )
    expect(found, "items removed status", (2, 1, "open"))


def test_what_is_taken_out_after_an_order_is_taken_out_of_nothing_in_that_visit_and_in_later_ones(baskets, expect):
    found = baskets(
        ("2017-03-01 10:00", ADD),
        ("2017-03-01 10:01", BUY),
        ("2017-03-01 10:02", REMOVE),
        ("2017-03-01 10:03", ADD),
        ("2017-03-01 10:04", BUY),
        ("2017-03-01 12:00", REMOVE),
        ("2017-03-01 14:00", ADD),
        as_of="2017-03-01",
    )
    expect(
        found,
        "opened_at items removed visits status",
        ("2017-03-01 10:00:00", 1, 0, 1, "ordered"),
        ("2017-03-01 10:03:00", 1, 0, 1, "ordered"),
        ("2017-03-01 14:00:00", 1, 0, 1, "open"),
    )


def test_an_order_without_a_basket_and_a_visit_without_either_are_no_basket(baskets):
    found = baskets(("2017-03-01 10:00", BUY), ("2017-03-01 12:00", "page_view"), ("2017-03-02 12:00", REMOVE))
    assert found.count() == 0


def test_baskets_of_two_customers_do_not_mix(baskets, expect):
    other = {"contact_id": "d"}
    found = baskets(("2017-03-01 10:00", ADD), ("2017-03-01 10:30", ADD, other), ("2017-03-01 10:31", BUY, other))
    expect(found, "customer_id status", ("c", "abandoned"), ("d", "ordered"))
