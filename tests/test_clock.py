"""A day is the company's, wherever its machines are."""

import datetime as dt

from jobs import clock


def test_a_day_ends_at_midnight_of_the_company_in_summer_and_in_winter():
    late = [dt.datetime(2024, month, 3, 22, 30, tzinfo=dt.UTC) for month in (1, 7)]
    assert [clock.local_day(at, "Europe/Amsterdam") for at in late] == [dt.date(2024, 1, 3), dt.date(2024, 7, 4)]
    assert {clock.local_day(at, "UTC").day for at in late} == {3}


def test_today_is_asked_of_the_same_clock(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: dt.datetime(2024, 7, 3, 22, 30, tzinfo=dt.UTC))
    assert (clock.today("Europe/Amsterdam"), clock.today("America/New_York")) == (
        dt.date(2024, 7, 4),
        dt.date(2024, 7, 3),
    )
