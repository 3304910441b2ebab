"""Funnels: of those who take the first step, how many take the next ones, how fast, and where the others stop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import day_of, holds, midnight
from jobs.config.journey.paths import Funnel

SECOND = 1_000_000
DAY = 86_400 * SECOND
"""In microseconds, as moments are counted here."""
NEVER = 1 << 52
"""Later than any moment: when a step was taken that was not."""
LEVELS, DIGITS = 3, 16
"""Places of the number of a step, and of a moment plus NEVER, in a text that sorts as they do."""
WHOLE = "window"


@dataclass(frozen=True)
class Days:
    """A window of days in the company's time zone, and its instants in microseconds: `began`, and `ended` after it."""

    first: date
    last: date
    began: int
    ended: int
    timezone: str

    @classmethod
    def up_to(cls, last: date, days: int, timezone: str) -> Days:
        """So many days, of which `last` is the last."""
        first = last - timedelta(days=days - 1)
        begins = (midnight(day, timezone) for day in (first, last + timedelta(days=1)))
        began, ended = (int(instant.timestamp()) * SECOND for instant in begins)
        return cls(first, last, began, ended, timezone)


def in_seconds(median: Column) -> Column:
    """Seconds of a median of microseconds, cut to milliseconds: engines round halves of fractions differently."""
    return F.floor(median / F.lit(1000.0)).cast("double") / F.lit(1000.0)


def funnel_steps(rows: DataFrame, name: str, funnel: Funnel, days: Days, order: list[str]) -> DataFrame:
    """journeys/funnels of one funnel, from rows of the window that have customer_id and occurred_at.

    `order` are the columns after occurred_at that make the order of a customer's rows one. A customer counts once per
    period, by the try that came farthest; of tries that came as far, by the latest, of those that began at one moment
    by the one that took its steps soonest. Customers who came to the last step, who dropped and who still have time
    add up to those of the first step.
    """
    marks = {f"is_{n}": holds(step.when) for n, step in enumerate(funnel.steps, 1)}
    seen = rows.where(holds(funnel.where) & F.col("customer_id").isNotNull()).select(
        "customer_id",
        F.unix_micros("occurred_at").alias("at"),
        day_of("occurred_at", days.timezone).alias("day"),
        *order,
        *[mark.alias(column) for column, mark in marks.items()],
    )
    if funnel.order != "strict":
        seen = seen.where(reduce(Column.__or__, [F.col(mark) for mark in marks]))
    tries = _in_any_order(seen, funnel, order) if funnel.order == "any" else _in_order(seen, funnel, order)
    reached = [f"at_{n}" for n in range(1, len(funnel.steps) + 1)]
    tries = tries.select("customer_id", "day", *reached, _level(funnel).alias("level"), _in_time(funnel, days))
    both = [
        F.struct(F.lit(period).alias("period"), _first_day(period, days).alias("begins"))
        for period in (WHOLE, funnel.per)
    ]
    in_periods = tries.withColumn("of", F.explode(F.array(*both))).withColumns(
        {"period": F.col("of.period"), "begins": F.col("of.begins")}
    )
    # A maximum of whole tries, as texts: columns picked one by one could be of several tries that came as far at one
    # moment, and the largest text is several times as fast to find as the largest row.
    best = in_periods.groupBy("customer_id", "period", "begins").agg(F.max(_written(reached)).alias("best"))
    best = best.withColumns(_read(reached))
    return _counted(best, funnel, days).withColumns({"funnel": F.lit(name), "as_of": F.lit(days.last)})


def _in_order(seen: DataFrame, funnel: Funnel, order: list[str]) -> DataFrame:
    """Tries, one for each first step: `at_n`, when each step was taken after the one before it.

    From the last step backwards: for each row that is step k, the moments of the steps after it. The earliest next step
    leads to the earliest of all later ones, so the smallest of what follows is one and the same way.
    """
    backwards = Window.partitionBy("customer_id").orderBy(*[F.col(c).desc_nulls_first() for c in ("at", *order)])
    later = backwards.rowsBetween(Window.unboundedPreceding, -1)
    last = len(funnel.steps)
    found = seen
    for k in range(last, 0, -1):
        here = {f"at_{k}": F.col("at")}
        for j in range(k + 1, last + 1):
            at = f"at_{j}"
            here[at] = F.lag(at).over(backwards) if funnel.order == "strict" else F.min(at).over(later)
        found = found.withColumns({at: F.when(F.col(f"is_{k}"), column) for at, column in here.items()})
    return found.where("is_1")


def _in_any_order(seen: DataFrame, funnel: Funnel, order: list[str]) -> DataFrame:
    """Tries, one for each first step: `at_n`, when each other step was taken nearest to it, before or after."""
    in_time = Window.partitionBy("customer_id").orderBy(*[F.col(c).asc_nulls_last() for c in ("at", *order)])
    so_far = in_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    onwards = in_time.rowsBetween(Window.currentRow, Window.unboundedFollowing)
    nearest = {}
    for n in range(2, len(funnel.steps) + 1):
        at = F.when(F.col(f"is_{n}"), F.col("at"))
        before, after = F.max(at).over(so_far), F.min(at).over(onwards)
        sooner = F.col("at") - before <= after - F.col("at")
        nearest[f"at_{n}"] = F.when(sooner | after.isNull(), before).otherwise(after)
    return seen.withColumns({"at_1": F.col("at"), **nearest}).where("is_1")


def _level(funnel: Funnel) -> Column:
    """The last step of a try that was taken, with all before it, in time."""
    level, taken = F.lit(1), F.lit(True)
    for n in range(2, len(funnel.steps) + 1):
        here = F.col(f"at_{n}").isNotNull()
        if funnel.within_days:
            here = here & (F.abs(F.col(f"at_{n}") - F.col("at_1")) <= funnel.within_days * DAY)
        taken = taken & here
        level = F.when(taken, F.lit(n)).otherwise(level)
    return level


def _in_time(funnel: Funnel, days: Days) -> Column:
    """Whether a step can still be taken after the last day, with the name `in_time`."""
    if funnel.within_days is None:
        return F.lit(False).alias("in_time")
    return (F.col("at_1") + funnel.within_days * DAY >= days.ended).alias("in_time")


def _written(reached: list[str]) -> Column:
    """A try as a text that is larger the farther and the later it came, then the sooner it took its steps."""
    begun, *later = (F.col(name) for name in reached)
    sooner = [F.coalesce(-at, F.lit(-NEVER)) for at in later]
    digits = [F.lpad((number + F.lit(NEVER)).cast("string"), DIGITS, "0") for number in (begun, *sooner)]
    return F.concat(
        F.lpad(F.col("level").cast("string"), LEVELS, "0"), *digits, F.col("in_time").cast("int").cast("string")
    )


def _read(reached: list[str]) -> dict[str, Column]:
    """The columns of a try from its text."""

    def number(n: int) -> Column:
        return F.substring("best", LEVELS + n * DIGITS + 1, DIGITS).cast("bigint") - F.lit(NEVER)

    later = {name: F.nullif(-number(n), F.lit(NEVER)) for n, name in enumerate(reached) if n}
    level, in_time = F.substring("best", 1, LEVELS).cast("int"), F.substring("best", -1, 1) == "1"
    return {"level": level, reached[0]: number(0), "in_time": in_time, **later}


def _first_day(period: str, days: Days) -> Column:
    """The first day of the period of a try, also where that is before the window."""
    if period in (WHOLE, "day"):
        return F.lit(days.first) if period == WHOLE else F.col("day")
    return F.to_date(F.date_trunc(period, F.col("day").cast("timestamp")))


def _last_day(funnel: Funnel, days: Days) -> Column:
    ends = {"day": F.col("begins"), "week": F.date_add("begins", 6), "month": F.last_day("begins")}[funnel.per]
    return F.least(F.when(F.col("period") == WHOLE, F.lit(days.last)).otherwise(ends), F.lit(days.last))


def _counted(tries: DataFrame, funnel: Funnel, days: Days) -> DataFrame:
    """One row per period and step."""
    last, numbers = len(funnel.steps), []
    for n in range(1, last + 1):
        came = F.col("level") >= n
        numbers += [
            F.count_if(came).alias(f"customers_{n}"),
            F.count_if((F.col("level") == n) & F.col("in_time")).alias(f"waiting_{n}"),
        ]
        if n > 1 and funnel.order != "any":
            took = F.when(came, F.col(f"at_{n}") - F.col(f"at_{n - 1}"))
            numbers.append(F.median(took).alias(f"median_{n}"))
    counted = tries.groupBy("period", "begins").agg(*numbers)
    steps = F.array(*[_step(funnel, n) for n in range(1, last + 1)])
    found = counted.withColumn("of_step", F.explode(steps)).withColumn("ends", _last_day(funnel, days))
    return found.select("period", F.greatest("begins", F.lit(days.first)).alias("begins"), "ends", "of_step.*")


def _step(funnel: Funnel, n: int) -> Column:
    """The columns of one step."""
    last, none = len(funnel.steps), F.lit(None).cast("double")
    customers, zero = F.col(f"customers_{n}"), F.lit(0).cast("bigint")
    waiting = F.col(f"waiting_{n}") if n < last else zero
    return F.struct(
        F.lit(n).alias("step"),
        F.lit(funnel.steps[n - 1].name).alias("name"),
        customers.alias("customers"),
        (customers - F.col(f"customers_{n + 1}") - waiting if n < last else zero).alias("dropped"),
        waiting.alias("waiting"),
        _share(customers, F.col("customers_1")).alias("share_of_first"),
        (_share(customers, F.col(f"customers_{n - 1}")) if n > 1 else none).alias("share_of_previous"),
        (in_seconds(F.col(f"median_{n}")) if n > 1 and funnel.order != "any" else none).alias("median_seconds"),
    )


def _share(part: Column, whole: Column) -> Column:
    return F.round(part.cast("double") / F.nullif(whole, F.lit(0).cast("bigint")).cast("double"), 6)
