"""Funnels: who reached which step, in which order and time; who dropped out and who still can go on."""

import csv
import datetime as dt
import gzip
import random
from collections import defaultdict

import pytest
from pydantic import ValidationError

from jobs.config.journey.paths import Funnel
from jobs.journeys.paths.funnels import Days, funnel_steps
from tests.shared_data import folder

MARCH = Days.up_to(dt.date(2017, 3, 31), 31, "UTC")
ABC = [{"name": name, "when": f"subject = '{name}'"} for name in "abc"]


def funnel(**more):
    return Funnel.model_validate({"title": "A to C", "steps": ABC, "order": "ordered", **more})


@pytest.fixture
def counted(rows):
    """`counted(funnel, "x 01 09:00 a", ...)`: period to the numbers of each step; of x on 1 March at 9 subject a."""

    def count(one, *texts, days=MARCH):
        touches = []
        for number, text in enumerate(texts):
            customer, day, time, subject = text.split()
            touches.append(
                {
                    "touchpoint_id": f"t{number:04d}", "customer_id": customer, "subject": subject, "type": "visit",
                    "occurred_at": f"2017-03-{day} {time}",
                }
            )  # fmt: skip
        found = funnel_steps(rows("journeys/touchpoints", *touches), "f", one, days, ["touchpoint_id"])
        numbers = defaultdict(list)
        for row in found.orderBy("step").collect():
            numbers[row["period"], row["begins"].day].append((row["customers"], row["dropped"], row["waiting"]))
        return numbers

    return count


def whole(numbers):
    return numbers["window", 1]


def test_a_customer_is_at_the_last_step_taken_after_those_before_it(counted):
    found = counted(
        funnel(), "x 01 09:00 a", "x 02 09:00 b", "x 03 09:00 c", "y 01 09:00 a", "y 02 09:00 c", "z 05 09:00 b"
    )
    assert whole(found) == [(2, 1, 0), (1, 0, 0), (1, 0, 0)]


def test_the_same_step_twice_and_rows_between_do_no_harm_unless_the_funnel_is_strict(counted):
    rows = ("x 01 09:00 a", "x 01 10:00 a", "x 01 11:00 z", "x 01 12:00 b", "x 01 13:00 c")
    assert whole(counted(funnel(), *rows)) == [(1, 0, 0), (1, 0, 0), (1, 0, 0)]
    assert whole(counted(funnel(order="strict"), *rows)) == [(1, 1, 0), (0, 0, 0), (0, 0, 0)]
    looked_at = funnel(order="strict", where="subject <> 'z'")
    assert whole(counted(looked_at, *rows)) == [(1, 0, 0), (1, 0, 0), (1, 0, 0)]


def test_in_any_order_a_step_before_the_first_counts_too(counted):
    rows = ("x 03 09:00 a", "x 01 09:00 c", "x 02 09:00 b", "y 01 09:00 c", "y 02 09:00 a")
    assert whole(counted(funnel(order="any"), *rows)) == [(2, 1, 0), (1, 0, 0), (1, 0, 0)]
    assert whole(counted(funnel(), *rows)) == [(2, 2, 0), (0, 0, 0), (0, 0, 0)]


def test_all_steps_are_taken_within_the_days_after_the_first_to_the_second(counted):
    in_time = ("x 01 09:00 a", "x 02 09:00 b", "x 04 09:00:00 c")
    late = ("y 01 09:00 a", "y 02 09:00 b", "y 04 09:00:01 c")
    assert whole(counted(funnel(within_days=3), *in_time, *late)) == [(2, 0, 0), (2, 1, 0), (1, 0, 0)]


def test_who_is_late_by_one_try_can_be_in_time_by_another(counted):
    rows = ("x 01 09:00 a", "x 10 09:00 a", "x 11 09:00 b", "x 12 09:00 c")
    found = counted(funnel(within_days=3, per="day"), *rows)
    assert whole(found) == [(1, 0, 0), (1, 0, 0), (1, 0, 0)]
    assert found["day", 1] == [(1, 1, 0), (0, 0, 0), (0, 0, 0)]
    assert found["day", 10] == [(1, 0, 0), (1, 0, 0), (1, 0, 0)]


def test_two_tries_that_lead_to_the_same_step_both_came_there(counted):
    found = counted(funnel(per="day"), "x 01 09:00 a", "x 03 09:00 a", "x 04 09:00 b")
    assert found["day", 1] == found["day", 3] == [(1, 0, 0), (1, 1, 0), (0, 0, 0)]
    assert whole(found) == [(1, 0, 0), (1, 1, 0), (0, 0, 0)], "a customer counts once per period"


def test_who_still_has_time_waits_and_has_not_dropped(counted):
    found = counted(
        funnel(within_days=7), "x 30 09:00 a", "y 24 23:59 a", "z 25 00:00 a", "w 29 09:00 a", "w 30 09:00 b"
    )
    assert whole(found) == [(4, 1, 2), (1, 0, 1), (0, 0, 0)]


def test_a_week_begins_on_monday_and_the_first_one_with_the_window(counted):
    found = counted(funnel(per="week"), "x 01 09:00 a", "x 06 09:00 a", "x 31 09:00 a")
    assert sorted(key for key in found if key[0] == "week") == [("week", 1), ("week", 6), ("week", 27)]


def test_the_day_of_a_step_is_that_of_the_company(counted):
    amsterdam = Days.up_to(dt.date(2017, 3, 31), 31, "Europe/Amsterdam")
    found = counted(funnel(per="day"), "x 26 22:30 a", days=amsterdam)
    assert ("day", 27) in found, "summer time began that night"


def test_of_tries_that_began_at_one_moment_the_one_that_took_its_steps_soonest_counts_whatever_the_order_of_rows(rows):
    steps = [("1", "a", 9), ("2", "b", 9), ("3", "a", 9), ("4", "b", 11), ("5", "c", 12)]
    touches = [
        {"touchpoint_id": number, "customer_id": "x", "subject": step, "occurred_at": f"2017-03-01 {hour:02d}:00"}
        for number, step, hour in steps
    ]
    for order in (touches, touches[::-1]):
        found = funnel_steps(rows("journeys/touchpoints", *order), "f", funnel(), MARCH, ["touchpoint_id"])
        told = {row["step"]: row["median_seconds"] for row in found.where("period = 'window'").collect()}
        assert told == {1: None, 2: 0, 3: 3 * 3600}


def test_half_of_the_customers_took_less_time_than_the_median(rows):
    moments = {"x": (9, 10, 14), "y": (9, 12, 13), "z": (9, 15, None)}
    touches = [
        {
            "touchpoint_id": f"{customer}{step}", "customer_id": customer, "subject": step,
            "occurred_at": f"2017-03-01 {hour:02d}:00",
        }
        for customer, hours in moments.items()
        for step, hour in zip("abc", hours, strict=True)
        if hour
    ]  # fmt: skip
    found = funnel_steps(rows("journeys/touchpoints", *touches), "f", funnel(), MARCH, ["touchpoint_id"])
    medians = {row["step"]: row["median_seconds"] for row in found.where("period = 'window'").collect()}
    assert medians == {1: None, 2: 3 * 3600, 3: 2.5 * 3600}


@pytest.mark.parametrize("order", ["ordered", "strict", "any"])
def test_every_funnel_equals_one_counted_customer_by_customer(counted, order):
    chance = random.Random(order)
    rows = [
        f"{customer} {chance.randint(1, 31):02d} {chance.randint(0, 23):02d}:00 {chance.choice('abcd')}"
        for customer in chance.choices("stuvwxyz", k=150)
    ]
    one = funnel(order=order, within_days=5, per="day")
    numbers = counted(one, *rows)
    told = [tuple(text.split()) for text in rows]
    assert [step[0] for step in whole(numbers)] == by_hand(told, one)
    for day in range(1, 32):
        expected = by_hand(told, one, f"{day:02d}")
        assert [step[0] for step in numbers.get(("day", day), [(0, 0, 0)] * 3)] == expected, day
    for steps in numbers.values():
        assert steps[0][0] == steps[-1][0] + sum(dropped + waiting for _, dropped, waiting in steps)


def by_hand(rows, one, only_day=None):
    """Customers per step, trying every first step of every customer."""
    reached = [0, 0, 0]
    for customer in {row[0] for row in rows}:
        # Rows of one moment are in the order of their ids, which is that in which they are written.
        own = sorted(
            (
                (int(day) * 24 + int(time[:2]), n, subject)
                for n, (who, day, time, subject) in enumerate(rows)
                if who == customer
            )
        )
        tries = [
            _level(own, place, one)
            for place, (hour, _, subject) in enumerate(own)
            if subject == "a" and only_day in (None, f"{hour // 24:02d}")
        ]
        for step in range(max(tries, default=0)):
            reached[step] += 1
    return reached


def _level(own, place, one):
    began, level, at = own[place][0], 1, place
    for wanted in "bc":
        if one.order == "any":
            found = [other for other, row in enumerate(own) if row[2] == wanted and abs(row[0] - began) <= 5 * 24]
        else:
            found = [
                other
                for other in range(at + 1, len(own))
                if own[other][2] == wanted and own[other][0] - began <= 5 * 24
            ]
            found = [other for other in found if other == at + 1] if one.order == "strict" else found
        if not found:
            break
        level, at = level + 1, found[0]
    return level


def test_the_published_shop_has_exactly_its_published_funnel(spark):
    with gzip.open(folder("journey_retentioneering_ecom") / "ecom_events.csv.gz", "rt") as file:
        events = list(csv.DictReader(file))
    values = [
        (e["user_id"], dt.datetime.fromisoformat(e["timestamp"]).replace(tzinfo=dt.UTC), e["event"], f"{number:06d}")
        for number, e in enumerate(events)
    ]
    rows = spark.createDataFrame(values, "customer_id string, occurred_at timestamp, type string, event_id string")
    names = ("product_view", "add_to_cart", "cart", "shipping_details", "payment_details", "purchase")
    steps = [{"name": name, "when": f"type = '{name}'"} for name in names]
    days = Days.up_to(dt.date(2024, 6, 30), 200, "UTC")
    one = funnel(order="any", days=200, steps=steps)
    found = funnel_steps(rows, "shop", one, days, ["event_id"]).where("period = 'window'").orderBy("step").collect()
    assert [row["customers"] for row in found] == [598, 522, 489, 441, 390, 328]


def test_two_steps_of_one_name_are_refused():
    with pytest.raises(ValidationError, match="two steps are named 'a'"):
        funnel(steps=[ABC[0], ABC[0]])


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2017-03-25", 24), ("2017-03-26", 23), ("2017-10-29", 25), ("2024-02-29", 24)],
    ids=["the day before summer time", "its first day", "its last day", "a leap day"],
)
def test_a_day_is_as_long_as_the_clock_makes_it_and_the_next_begins_where_it_ends(day, hours):
    last = dt.date.fromisoformat(day)
    today, next_day = (Days.up_to(one, 1, "Europe/Amsterdam") for one in (last, last + dt.timedelta(days=1)))
    assert (today.ended - today.began) / 3_600_000_000 == hours
    assert next_day.began == today.ended


def test_a_window_of_a_year_that_has_a_leap_day_holds_it():
    year = Days.up_to(dt.date(2024, 12, 31), 366, "Europe/Amsterdam")
    assert (year.first, (year.ended - year.began) // 86_400_000_000) == (dt.date(2024, 1, 1), 366)
