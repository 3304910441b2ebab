"""journeys/kpis from what was counted: the value, how sure it is, and why there is none where there is none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import reduce
from zoneinfo import ZoneInfo

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.config.journey.journey import Journey
from jobs.config.journey.kpis import Kpi
from jobs.journeys.kpis.counted import ALL, COUNTS

NO_ROWS, NO_SOURCE = "no_rows", "no_source"
Z = 1.959963984540054
"""Of a normal distribution, 95 % lies within so many standard deviations."""


def last_whole_day(as_of: date, now: datetime, timezone: str) -> date:
    """The last day up to `as_of` that has ended by the clock in that time zone: `as_of` itself if it is past."""
    return min(as_of, now.astimezone(ZoneInfo(timezone)).date() - timedelta(days=1))


def of_period(counted: DataFrame, period: str) -> DataFrame:
    """What was counted, marked as of a day, a week or a month."""
    return counted.withColumn("period", F.lit(period))


def values(
    counted: Sequence[DataFrame], journey: Journey, delivered: Collection[str], first_day: date, whole: date
) -> DataFrame:
    """Rows of journeys/kpis from what was counted `of_period`s. `delivered` are datasets with rows.

    `whole` is the last day that has ended: a period that ends later is not complete, however much of it is known.
    """
    every = reduce(DataFrame.unionByName, counted)
    told = every.join(F.broadcast(_told(every, journey, delivered)), on="kpi", how="inner")
    # Engines differ in the last digit of what lies between two rows, such as a percentile.
    numerator, denominator = F.round("numerator", 6), F.col("denominator")
    is_ratio, nothing = denominator.isNotNull(), F.col("no_source")
    ratio = F.round(numerator / F.nullif(denominator, F.lit(0.0)), 6)
    value = F.when(~nothing, F.when(is_ratio, ratio).otherwise(numerator))
    period = F.col("period")
    last = (
        F.when(period == "week", F.date_add("day", 6))
        .when(period == "month", F.last_day("day"))
        .otherwise(F.col("day"))
    )
    complete = (F.col("day") >= F.lit(first_day)) & (last <= F.lit(whole))
    reason = F.when(nothing, F.lit(NO_SOURCE)).when(value.isNull(), F.lit(NO_ROWS))
    found = told.withColumns(
        {
            "sample": F.when(is_ratio, F.coalesce("sample", "denominator")),
            "value": value,
            "numerator": numerator,
            "reason": reason,
            "complete": complete,
        }
    )
    low, high = _interval()
    measured = F.col("value").isNotNull()
    better = F.when(F.col("direction") == "up", F.col("value") >= F.col("target")).otherwise(
        F.col("value") <= F.col("target")
    )
    judged = (F.col("per") == period) & (F.col("dimension") == ALL) & F.col("complete") & F.col("target").isNotNull()
    return found.withColumns(
        {
            "low": F.when(measured, F.round(F.when(low < _bound("least"), _bound("least")).otherwise(low), 6)),
            "high": F.when(measured, F.round(F.when(high > _bound("most"), _bound("most")).otherwise(high), 6)),
            "small": F.when(measured & is_ratio, F.col("sample") < F.col("smallest")),
            "on_target": F.when(judged & measured, better),
        }
    ).select(
        *("period", "day", "stage", "kpi", "dimension", "part", "value", "low", "high", "numerator", "denominator"),
        *(F.col("sample").cast("bigint"), "small", "reason", "complete", "on_target", "unit"),
        *COUNTS[3:],
    )


def without_source(registry: Mapping[str, Kpi], delivered: Collection[str]) -> set[str]:
    """KPIs of which no dataset ever delivered a row."""
    return {name for name, kpi in registry.items() if kpi.datasets and not set(kpi.datasets) & set(delivered)}


def _told(rows: DataFrame, journey: Journey, delivered: Collection[str]) -> DataFrame:
    """What the registry says of each KPI."""
    missing = without_source(journey.kpis, delivered)
    every = [
        (name, kpi.stage, kpi.unit, float(kpi.smallest_sample or journey.smallest_sample), name in missing,
         kpi.direction, kpi.target, kpi.per, *kpi.possible)
        for name, kpi in journey.kpis.items()
    ]  # fmt: skip
    columns = "kpi string, stage string, unit string, smallest double, no_source boolean, direction string"
    return rows.sparkSession.createDataFrame(every, f"{columns}, target double, per string, least double, most double")


def _bound(name: str) -> Column:
    """The last value there can be; none for a value beyond it, which a wrong scale allows."""
    within = F.col("value") >= F.col(name) if name == "least" else F.col("value") <= F.col(name)
    return F.when(within, F.col(name))


def _interval() -> tuple[Column, Column]:
    """Where the value lies with 95 % confidence, were the rows a sample of all that could have been.

    Of a share of things each of which is counted or is not: Wilson's interval. Of another number out of rows: that of
    the ratio of two sums (`R +- t * s`, s by the delta method), which for a mean is the usual one of Student. None of a
    number that its rows do not add up to.
    """
    n, y, x = F.col("sample"), F.col("numerator"), F.col("denominator")
    p = y / F.nullif(x, F.lit(0.0))
    squares, products, others = F.col("squares"), F.col("products"), F.col("denominator_squares")
    each_or_not = squares.isNull() | ((squares == y) & (products == y) & (others == x))
    wilson = (F.col("unit") == "share") & each_or_not & (y >= 0) & (y <= x)
    middle, spread = (p + Z**2 / (2 * x)), Z * F.sqrt(p * (1 - p) / x + Z**2 / (4 * x * x))
    shrink = 1 + Z**2 / x
    left = F.when(squares.isNotNull(), F.greatest(squares - 2 * p * products + p * p * others, F.lit(0.0)))
    error = _student(n - 1) * F.sqrt(n / F.nullif(n - 1, F.lit(0.0)) * left) / F.abs(x)
    return (
        F.when(wilson, F.greatest((middle - spread) / shrink, F.lit(0.0))).when(n > 1, p - error),
        F.when(wilson, F.least((middle + spread) / shrink, F.lit(1.0))).when(n > 1, p + error),
    )


def _student(freedom: Column) -> Column:
    """The 97.5 % quantile of Student's t: of few degrees of freedom as tabled, of more by Cornish and Fisher."""
    from scipy.special import stdtrit

    tabled = F.array(*[F.lit(float(stdtrit(n, 0.975))) for n in range(1, 31)])
    terms = ((Z**3 + Z) / 4, (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96)
    many = F.lit(Z) + terms[0] / freedom + terms[1] / (freedom * freedom)
    place = F.least(F.greatest(freedom, F.lit(1.0)), F.lit(30.0)).cast("int")
    return F.when(freedom <= 30, F.element_at(tabled, place)).otherwise(many)
