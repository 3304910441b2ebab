"""What is bought again at the same time of year or month, or in a rhythm. Costs half a second."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.models.habits import recurrence


def of(days, today, item="gift"):
    """(every, times, from, on, until) of what is expected of a customer who bought on these days."""
    rows = pd.DataFrame({"customer_id": "c", "item": item, "day": [date.fromisoformat(one) for one in days]})
    found = recurrence.expected(rows, date.fromisoformat(today))
    return [
        (row.every, row.times, str(row.next_from), str(row.next_on), str(row.next_until)) for row in found.itertuples()
    ]


def test_a_birthday_comes_back_on_its_day_and_two_purchases_in_its_week_are_one():
    days = ["2023-06-10", "2024-06-09", "2024-06-11", "2025-06-10"]
    assert of(days, "2026-01-15") == [("year", 3, "2026-06-03", "2026-06-10", "2026-06-17")]


def test_the_29th_of_february_is_the_28th_in_years_without_one():
    days = ["2020-02-29", "2021-02-28", "2022-02-28", "2023-02-28", "2024-02-29"]
    assert of(days, "2025-01-01")[0][3] == "2025-02-28"
    leap = ["2016-02-29", "2020-02-29", "2024-02-29"]
    assert of(leap, "2025-01-01") == [], "three times in nine years is not every year"
    assert recurrence._day_of(np.array([2028, 2025]), np.array([60, 60])).tolist() == [
        (one - date(1970, 1, 1)).days for one in (date(2028, 2, 29), date(2025, 2, 28))
    ]


def test_the_1st_of_march_stays_the_1st_of_march_after_a_leap_year():
    assert of(["2023-03-01", "2024-03-01"], "2025-01-01")[0][3] == "2025-03-01"


def test_a_date_that_moves_widens_the_window():
    easter = ["2022-04-15", "2023-04-07", "2024-03-29", "2025-04-18"]
    ((every, times, begin, on, until),) = of(easter, "2025-12-01")
    assert (every, times) == ("year", 4)
    assert begin <= "2026-04-03" <= until, "Good Friday of 2026"
    assert "2026-03-29" <= on <= "2026-04-18"


def test_around_new_year_december_and_january_are_one_occasion():
    assert of(["2023-12-30", "2025-01-02", "2025-12-29"], "2026-06-01") == [
        ("year", 3, "2026-12-23", "2026-12-30", "2027-01-06")
    ]


def test_a_skipped_year_lowers_the_confidence_and_two_end_it():
    def sure(days):
        rows = pd.DataFrame({"customer_id": "c", "item": "i", "day": [date.fromisoformat(one) for one in days]})
        return recurrence.expected(rows, date(2026, 1, 1))["confidence"].tolist()

    (kept,), (skipped,) = (
        sure(["2022-05-01", "2023-05-01", "2024-05-01", "2025-05-01"]),
        sure(["2022-05-01", "2024-05-01", "2025-05-01"]),
    )
    assert skipped < kept
    assert sure(["2021-05-01", "2022-05-01", "2023-05-01"]) == [], "nothing in 2024 and 2025"
    assert len(sure(["2021-05-01", "2022-05-01", "2023-05-01", "2024-05-01"])) == 1, "nothing in 2025 alone"


def test_twice_a_year_is_two_occasions():
    found = of(["2024-02-14", "2024-12-05", "2025-02-13", "2025-12-04"], "2026-01-10")
    assert [(every, on) for every, _, _, on, _ in found] == [("year", "2026-02-14"), ("year", "2026-12-05")]


def test_every_month_on_its_last_day():
    assert of(["2025-10-31", "2025-11-30", "2025-12-31", "2026-01-31"], "2026-02-10") == [
        ("month", 4, "2026-02-25", "2026-02-28", "2026-03-03")
    ]


def test_every_quarter_and_a_month_that_was_left_out():
    assert of(["2025-01-10", "2025-04-10", "2025-07-11", "2025-10-10"], "2025-12-01")[0][:2] == ("3 months", 4)
    left_out = ["2025-01-05", "2025-02-05", "2025-03-05", "2025-05-05", "2025-06-05"]
    assert [(every, on) for every, _, _, on, _ in of(left_out, "2025-06-20")] == [("month", "2025-07-05")]


def test_a_rhythm_of_ones_own():
    assert of(["2026-01-01", "2026-01-18", "2026-02-04", "2026-02-21"], "2026-03-01") == [
        ("17 days", 4, "2026-03-09", "2026-03-10", "2026-03-11")
    ]
    assert of(["2026-01-01", "2026-01-18", "2026-02-04", "2026-02-21"], "2026-06-01") == [], "it has ended"


def test_what_is_bought_at_any_time_comes_back_at_none():
    assert of(["2026-01-01", "2026-01-06", "2026-02-20", "2026-02-26", "2026-05-30"], "2026-06-01") == []
    assert of([], "2026-06-01") == []
    assert of(["2026-05-01"], "2026-06-01") == []
    assert of(["2026-07-01", "2027-07-01"], "2026-06-01") == [], "days to come are not known"


days = st.lists(st.integers(0, 1500), max_size=30).map(lambda n: [date(2022, 1, 1) + timedelta(days=d) for d in n])


@settings(max_examples=20)
@given(days, days, st.integers(0, 400))
def test_windows_hold_their_day_never_lie_behind_and_customers_do_not_touch_each_other(one, other, later):
    rows = [("a", "x", day) for day in one] + [("b", "x", day) for day in other]
    frame = pd.DataFrame(rows, columns=["customer_id", "item", "day"])
    today = date(2025, 6, 1) + timedelta(days=later)
    found = recurrence.expected(frame, today)
    assert ((found["next_from"] <= found["next_on"]) & (found["next_on"] <= found["next_until"])).all()
    assert (found["next_until"] >= today).all()
    assert found["confidence"].between(0, 1).all()
    alone = recurrence.expected(frame[frame["customer_id"] == "a"].sample(frac=1, random_state=1), today)
    assert alone.astype(str).equals(found[found["customer_id"] == "a"].reset_index(drop=True).astype(str))
