"""What customers buy again and again at the same time: once a year, every so many months, or in a rhythm of their own.

Dates are those of the calendar: a year later is the same day of the month, in leap years and others; a month later than
the 31st is the last of a shorter month. Dates that move (a holiday by the moon) widen the window; a year or month that
was skipped lowers the confidence, and two years skipped end it.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from jobs.models.recommend.bought import wilson

COLUMNS = ("customer_id", "item", "every", "times", "next_from", "next_on", "next_until", "confidence")
"""`every` is `year`, `month`, `2 months`, ... or `17 days`; `confidence` the low end of the share of times it came."""
ONE_OCCASION = 3
"""Days within which purchases are one occasion."""
APART, WIDE = 45, 60
"""Days of the year that are farther apart are two occasions; one that is spread over more days is none."""
YEARLY, MONTHLY, OWN = 2, 4, 4
"""Occasions it takes at least."""
KEPT = 0.6
"""Share of the times at which it should have come that it came at least."""
MONTHS = (1, 2, 3, 4, 6)
NEAR = 5
"""Days a monthly purchase may be away from its day."""
STEADY = 0.35
"""Gaps of a rhythm are this share of their median away from it, in the median, at most."""
ENDED = 2
_MONTH_DAYS = 30.436875


def expected(purchases: pd.DataFrame, today: date) -> pd.DataFrame:
    """The columns COLUMNS, in the order of customers and items; dates are those of the next time from `today` on.

    `purchases` has customer_id, item and day (a date), in any order and as often as they happened. Days after today
    are not known yet and left out. An item may come back twice a year: then it has two rows.
    """
    rows = purchases[["customer_id", "item"]].assign(day=pd.to_datetime(purchases["day"]))
    rows = rows[rows["day"] <= pd.Timestamp(today)]
    rows = rows.drop_duplicates().sort_values(["customer_id", "item", "day"], ignore_index=True)
    pair = rows.groupby(["customer_id", "item"], sort=False).ngroup().to_numpy()
    day = rows["day"].to_numpy().astype("datetime64[D]").astype(np.int64)
    own = np.r_[True, (np.diff(pair) != 0) | (np.diff(day) > ONE_OCCASION)] if len(rows) else np.zeros(0, dtype=bool)
    rows, pair, day = rows[own].reset_index(drop=True), pair[own], day[own]
    now = int(np.datetime64(today, "D").astype(np.int64))
    found = _yearly(rows, pair, now)
    monthly = _monthly(pair, day, now, taken=found["pair"].unique())
    rhythm = _rhythm(pair, day, now, taken=np.union1d(found["pair"], monthly["pair"]))
    every = pd.concat([part for part in (found, monthly, rhythm) if len(part)] or [found], ignore_index=True)
    first = rows.groupby(pair, sort=True)[["customer_id", "item"]].first()
    told = every.join(first, on="pair").sort_values(["customer_id", "item", "next_on"], ignore_index=True)
    for name in ("next_from", "next_on", "next_until"):
        told[name] = told[name].to_numpy(dtype=np.int64).astype("datetime64[D]").astype(object)
    return told[list(COLUMNS)]


def _yearly(rows: pd.DataFrame, pair: np.ndarray, now: int) -> pd.DataFrame:
    place = _place_in_year(rows["day"])
    year = rows["day"].dt.year.to_numpy()
    order = np.lexsort((place, pair))
    pair, place, year = pair[order], place[order], year[order]
    if not len(pair):
        return _nothing()
    begins = np.r_[True, (np.diff(pair) != 0) | (np.diff(place) > APART)]
    cluster = np.cumsum(begins) - 1
    cluster, place, year = _joined_over_new_year(pair, cluster, place, year)
    found = (
        pd.DataFrame({"pair": pair, "cluster": cluster, "place": place, "year": year})
        .groupby("cluster")
        .agg(
            pair=("pair", "first"),
            low=("place", "min"),
            high=("place", "max"),
            middle=("place", "median"),
            first=("year", "min"),
            last=("year", "max"),
            times=("year", "nunique"),
        )
    )
    found = found[(found["times"] >= YEARLY) & (found["high"] - found["low"] <= WIDE)]
    middle = np.floor(found["middle"].to_numpy() + 0.5)
    away = np.maximum(found["high"] - middle, middle - found["low"]).to_numpy()
    half = np.clip(np.ceil(1.5 * away), 7, APART).astype(np.int64)
    target = found["last"].to_numpy() + 1
    for _ in range(ENDED):
        target = target + (_day_of(target, middle) + half < now)
    still = _day_of(target, middle) + half >= now
    should = target - found["first"].to_numpy()  # the year to come is not counted
    kept = (
        still
        & (target - found["last"].to_numpy() <= ENDED)
        & (found["times"].to_numpy() / np.maximum(should, 1) >= KEPT)
    )
    told = _rows(found["pair"].to_numpy(), "year", found["times"].to_numpy(), should, _day_of(target, middle), half)
    return told[kept]


def _monthly(pair: np.ndarray, day: np.ndarray, now: int, taken: np.ndarray) -> pd.DataFrame:
    when = day.astype("datetime64[D]")
    month = when.astype("datetime64[M]").astype(np.int64)
    in_month = (when - when.astype("datetime64[M]")).astype(np.int64)
    length = _month_length(month)
    position = month + in_month / length
    gaps = _gaps(pair, position)
    steps = np.round(gaps["gap"].to_numpy())
    away = np.abs(gaps["gap"].to_numpy() - steps) * _MONTH_DAYS
    gaps = gaps.assign(steps=steps, near=(steps >= 1) & (away <= NEAR), away=away)
    found = gaps.groupby("pair").agg(
        usual=("steps", "median"),
        good=("near", "mean"),
        all=("steps", "sum"),
        gaps=("steps", "size"),
        away=("away", "max"),
    )
    last = pd.Series(day).groupby(pair).max().reindex(found.index).to_numpy()
    months = found["usual"].to_numpy()
    should = found["all"].to_numpy() / np.maximum(months, 1)
    half = np.clip(np.ceil(found["away"].to_numpy()), 3, 2 * NEAR).astype(np.int64)
    told, passed = _next_month(last, months, half, now)
    regular = np.isin(months, MONTHS) & (found["good"] >= 0.75).to_numpy() & (found["gaps"] >= MONTHLY - 1).to_numpy()
    kept = regular & (passed < ENDED) & ~np.isin(found.index, taken)
    kept &= (found["gaps"].to_numpy() + 1) / (should + 1 + passed) >= KEPT
    every = np.array(["month" if n == 1 else f"{n:.0f} months" for n in months], dtype=object)
    return _rows(found.index.to_numpy(), every, found["gaps"].to_numpy() + 1, should + 1 + passed, told, half)[kept]


def _next_month(last: np.ndarray, months: np.ndarray, half: np.ndarray, now: int) -> tuple[np.ndarray, np.ndarray]:
    passed = np.zeros(len(last), dtype=np.int64)
    told = _months_later(last, months)
    for n in range(1, ENDED + 1):
        late = told + half < now
        passed = passed + late
        told = np.where(late, _months_later(last, months * (n + 1)), told)
    return told, passed


def _rhythm(pair: np.ndarray, day: np.ndarray, now: int, taken: np.ndarray) -> pd.DataFrame:
    gaps = _gaps(pair, day)
    usual = gaps.groupby("pair")["gap"].median()
    gaps["off"] = np.abs(gaps["gap"] - gaps["pair"].map(usual))
    found = gaps.groupby("pair").agg(off=("off", "median"), gaps=("gap", "size"))
    near = (gaps["off"] <= STEADY * gaps["pair"].map(usual)).groupby(gaps["pair"]).sum()
    median = usual.to_numpy()
    last = pd.Series(day).groupby(pair).max().reindex(found.index).to_numpy()
    half = np.clip(np.ceil(1.4826 * found["off"].to_numpy()), 1, np.maximum(median * STEADY, 1)).astype(np.int64)
    told = last + np.round(median).astype(np.int64)
    late = told + half < now  # of one time that passed without a purchase the next one is told, of more there is none
    told = np.where(late, last + np.round(2 * median).astype(np.int64), told)
    steady = (found["off"].to_numpy() <= STEADY * median) & (found["gaps"] >= OWN - 1).to_numpy()
    kept = steady & (told + half >= now) & ~np.isin(found.index, taken)
    every = np.array(["1 day" if n == 1 else f"{n:.0f} days" for n in np.round(median)], dtype=object)
    hits = near.reindex(found.index).to_numpy()
    told_rows = _rows(found.index.to_numpy(), every, hits, found["gaps"].to_numpy() + late, told, half)
    return told_rows.assign(times=found["gaps"].to_numpy() + 1)[kept]


def _rows(
    pair: np.ndarray, every: str | np.ndarray, times: np.ndarray, should: np.ndarray, on: np.ndarray, half: np.ndarray
) -> pd.DataFrame:
    sure = wilson(times.astype(float), np.maximum(should, times).astype(float))[0]
    return pd.DataFrame(
        {
            "pair": pair,
            "every": every,
            "times": times.astype(np.int64),
            "next_from": on - half,
            "next_on": on,
            "next_until": on + half,
            "confidence": np.round(sure, 4),
        }
    )


def _nothing() -> pd.DataFrame:
    none = np.zeros(0, dtype=np.int64)
    return _rows(none, none.astype(object), none, none, none, none)


def _gaps(pair: np.ndarray, position: np.ndarray) -> pd.DataFrame:
    same = np.diff(pair) == 0
    return pd.DataFrame({"pair": pair[1:][same], "gap": np.diff(position)[same].astype(float)})


def _place_in_year(days: pd.Series) -> np.ndarray:
    """The day of a year of 366, so that a day of the month has one place in all years."""
    leap = np.cumsum([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30])
    return np.asarray(leap[days.dt.month.to_numpy() - 1] + days.dt.day.to_numpy(), dtype=np.int64)


def _day_of(year: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The day at a place of a year of 366, as days since 1970; the 29th of February is the 28th in other years."""
    within = place.astype(np.int64)
    year = year.astype(np.int64) + np.where(within < 1, -1, np.where(within > 366, 1, 0))
    within = np.where(within < 1, within + 366, np.where(within > 366, within - 366, within))
    first = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    return first + within - 1 - (~leap & (within >= 60))


def _joined_over_new_year(
    pair: np.ndarray, cluster: np.ndarray, place: np.ndarray, year: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Occasions at the end of December and at the beginning of January are one, of the year that begins."""
    starts = np.flatnonzero(np.r_[True, np.diff(pair) != 0])
    ends = np.r_[starts[1:], len(pair)] - 1
    near = (place[starts] + 366 - place[ends] <= APART) & (cluster[starts] != cluster[ends])
    first, last = cluster[starts][near], cluster[ends][near]
    moved = np.isin(cluster, last)
    renamed = np.arange(cluster.max() + 1)
    renamed[last] = first
    return renamed[cluster], np.where(moved, place - 366, place), np.where(moved, year + 1, year)


def _month_length(month: np.ndarray) -> np.ndarray:
    begin = month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return np.asarray((month + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - begin)


def _months_later(day: np.ndarray, months: np.ndarray) -> np.ndarray:
    """The same day so many months later, or the last of a shorter month; days since 1970."""
    when = day.astype("datetime64[D]")
    month = when.astype("datetime64[M]")
    in_month = (when - month).astype(np.int64)
    target = month.astype(np.int64) + np.maximum(months, 1).astype(np.int64)
    begin = target.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return np.asarray(begin + np.minimum(in_month, _month_length(target) - 1))
