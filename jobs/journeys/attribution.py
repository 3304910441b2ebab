"""Attribution: which channels and campaigns get credit for conversions, by seven models side by side.

Rules (first, last, linear, position, time decay) and the simplified Shapley value share each conversion among the
contacts of its path in whole millionths, which add up exactly. Markov compares with the paths that did not convert.

- Markov: E. Anderl, I. Becker, F. von Wangenheim, J. H. Schumann, "Mapping the customer journey: Lessons learned from
  graph-based online attribution modeling", International Journal of Research in Marketing 33 (2016): the removal effect
  in a chain of first order.
- Shapley: K. Zhao, S. H. Mahboobi, S. R. Bagheri, "Shapley Value Methods for Attribution Modeling in Online
  Advertising", arXiv:1804.05327 (2018), section 3.1: channels share a conversion equally with the others of its path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.config.paths import Paths
from jobs.journeys.funnels import DAY, Days
from jobs.journeys.paths import CONVERSION, DROP_OFF, OPEN, PATH, START, credited

WHOLE = 1_000_000
"""The parts that a conversion is shared in."""
NONE = "(none)"
RULES = ("first", "last", "linear", "position", "time_decay", "shapley")
MODELS = (*RULES, "markov")
ENDS = 400_000
"""What the first and the last contact get by position; those between share the rest."""
FINEST = 1 << 20
"""The weight of a contact on the day of the conversion, in time decay."""
CHANNEL = "c:"
"""Before the name of a channel, so that none is taken for the start or an end."""
Shares = dict[str, int]


def credits(contacts: DataFrame, name: str, paths: Paths) -> DataFrame:
    """The millionths of conversions, and of their value in cents, that rules give: `credited` and two columns a rule.

    `contacts` are rows of `jobs.journeys.paths.path_contacts`; `name` is one of attribute_to.
    """
    path = Window.partitionBy(*PATH)
    by_time = path.orderBy("at", "touchpoint_id")
    same = Window.partitionBy(*PATH, "credited")
    paid = F.max(F.when(F.col("converts"), F.coalesce("value", F.lit(0)))).over(path)
    known = contacts.where(F.col("outcome") == CONVERSION).withColumn("credited", F.col(credited(name)))
    counted = F.col("credited").isNotNull()
    alone = F.count_if(counted).over(path) == 0
    taking = (
        known.withColumns({"cents": (paid * 100).cast("bigint"), "alone": alone})
        .where(counted | (F.col("alone") & F.col("converts")))
        .withColumn("credited", F.coalesce("credited", F.lit(NONE)))
    )
    age = F.floor((F.col("converted_at") - F.col("at")) / F.lit(DAY)).cast("int")
    placed = taking.withColumns(
        {
            "place": F.row_number().over(by_time),
            "places": F.count("*").over(path),
            "is_new": (F.row_number().over(same.orderBy("at", "touchpoint_id")) == 1).cast("bigint"),
            "weight": F.element_at(F.array(*_weights(paths)), age + 1),
        }
    )
    placed = placed.withColumns({"different": F.sum("is_new").over(path), "weights": F.sum("weight").over(path)})
    shared = placed.withColumns(_parts())
    rest = {rule: F.lit(WHOLE) - F.sum(rule).over(path) for rule in RULES}
    exact = {rule: F.col(rule) + F.when(F.col("place") == 1, rest[rule]).otherwise(0) for rule in RULES}
    value = {f"{rule}_cents": F.sum(F.col(rule).cast("decimal(38,0)") * F.col("cents")) for rule in RULES}
    return (
        shared.withColumns(exact)
        .groupBy("credited")
        .agg(
            *[F.sum(rule).alias(rule) for rule in RULES],
            *[column.cast("string").alias(column_name) for column_name, column in value.items()],
        )
    )


def _weights(paths: Paths) -> list[Column]:
    """By age in days. Whole numbers, so that engines agree on every sum."""
    ages = range(paths.lookback_days + 1)
    return [F.lit(max(1, round(FINEST * 2 ** (-age / paths.half_life_days)))).cast("bigint") for age in ages]


def _parts() -> dict[str, Column]:
    """Millionths of one conversion for one contact by each rule, rounded down; the first contact gets what is left."""
    first, last, places = F.col("place") == 1, F.col("place") == F.col("places"), F.col("places")
    whole, nothing = F.lit(WHOLE).cast("bigint"), F.lit(0).cast("bigint")
    between = F.expr(f"{WHOLE - 2 * ENDS} div greatest(places - 2, 1)")
    position = F.when(places == 1, whole).when(places == 2, F.lit(WHOLE // 2)).when(first | last, F.lit(ENDS))
    return {
        "first": F.when(first, whole).otherwise(nothing),
        "last": F.when(last, whole).otherwise(nothing),
        "linear": F.expr(f"{WHOLE} div places"),
        "position": position.otherwise(between).cast("bigint"),
        "time_decay": F.expr(f"({WHOLE} * weight) div weights"),
        "shapley": F.expr(f"is_new * ({WHOLE} div different)"),
    }


def steps_between(contacts: DataFrame, name: str) -> DataFrame:
    """How often each channel follows another on paths that have ended: `from`, `to`, `times`, for `markov`.

    Paths begin at (start) and end at conversion or drop-off.
    """
    known = contacts.where((F.col("outcome") != OPEN) & (F.col("converts") | F.col(credited(name)).isNotNull()))
    by_time = Window.partitionBy(*PATH).orderBy("at", F.col("converts").cast("int"), "touchpoint_id")
    here = F.concat(F.lit(CHANNEL), credited(name))
    placed = known.select(*PATH, "at", "converts", "touchpoint_id", here.alias("here")).withColumns(
        {"before": F.lag("here").over(by_time), "is_last": F.lead("at").over(by_time).isNull()}
    )
    came = placed.select(
        F.coalesce("before", F.lit(START)).alias("from"),
        F.when(F.col("converts"), F.lit(CONVERSION)).otherwise(F.col("here")).alias("to"),
    )
    ended = placed.where(F.col("is_last") & ~F.col("converts"))
    ended = ended.select(F.col("here").alias("from"), F.lit(DROP_OFF).alias("to"))
    return came.unionByName(ended).groupBy("from", "to").agg(F.count("*").alias("times"))


def removal_effects(steps: Mapping[tuple[str, str], int]) -> dict[str, float]:
    """By how much the chance of a conversion falls, 0 to 1, if everybody who comes to a channel drops off there.

    `steps` are how often each channel follows another, see `steps_between`; channels come out without their prefix.
    What is lost are the journeys that come to the channel at all (of the fundamental matrix N: N[start, c] / N[c, c]),
    times the chance to convert from there.
    """
    states = sorted({place for pair in steps for place in pair} - {CONVERSION, DROP_OFF, START})
    if not states:
        return {}
    number = {state: n for n, state in enumerate([START, *states])}
    chances, converting = np.zeros((len(number), len(number))), np.zeros(len(number))
    for (before, after), times in steps.items():
        if after in number:
            chances[number[before], number[after]] = times
        elif after == CONVERSION:
            converting[number[before]] = times
    left = np.zeros(len(number))
    for (before, _), times in steps.items():
        left[number[before]] += times
    left[left == 0] = 1
    visits = np.linalg.inv(np.eye(len(number)) - chances / left[:, None])
    converts = visits @ (converting / left)
    arrives = visits[0] / np.diag(visits)
    lost = arrives * converts / (converts[0] or 1)
    return {state.removeprefix(CHANNEL): float(lost[n]) for state, n in number.items() if state != START}


def apportioned(total: int, weights: Mapping[str, float | int]) -> Shares:
    """`total` in whole parts by weight, adding up exactly: what rounding leaves goes to the largest remainders."""
    exact = {name: Fraction(weight) for name, weight in weights.items()}
    whole = sum(exact.values())
    if not whole:
        return dict.fromkeys(weights, 0)
    shares = {name: total * weight / whole for name, weight in exact.items()}
    parts = {name: int(share // 1) for name, share in shares.items()}
    by_remainder = sorted(shares, key=lambda name: (parts[name] - shares[name], name))
    for name in by_remainder[: total - sum(parts.values())]:
        parts[name] += 1
    return parts


@dataclass(frozen=True)
class Credit:
    """What one model gives: millionths of conversions, and cents, by channel."""

    model: str
    orders: Shares
    cents: Shares


def models(given: Sequence[Mapping[str, Any]], steps: Mapping[tuple[str, str], int]) -> list[Credit]:
    """The credit of every model, from the rows of `credits` and the counts of `steps_between`.

    Each adds up to all conversions, and to what they were worth. A channel that led to drop-off alone gets 0.
    """
    effects = removal_effects(steps)
    names = sorted({row["credited"] for row in given} | effects.keys())
    found = []
    for rule in RULES:
        orders = dict.fromkeys(names, 0) | {row["credited"]: int(row[rule]) for row in given}
        exact = dict.fromkeys(names, 0) | {row["credited"]: int(row[f"{rule}_cents"]) for row in given}
        found.append(Credit(rule, orders, apportioned(sum(exact.values()) // WHOLE, exact)))
    shares = []
    for every in (found[0].orders, found[0].cents):
        of_nobody = {NONE: every[NONE]} if NONE in every else {}
        to_share = sum(every.values()) - sum(of_nobody.values())
        shares.append(dict.fromkeys(names, 0) | of_nobody | apportioned(to_share, effects))
    return [*found, Credit("markov", *shares)]


def attribution_rows(credit: Credit, dimension: str, costs: Mapping[str, Decimal], days: Days) -> list[dict[str, Any]]:
    """Rows of journeys/attribution of one model. `costs` are those of the window, by what gets credit."""
    every = sum(credit.orders.values())
    names = sorted(credit.orders.keys() | costs.keys())
    rows = []
    for name in names:
        orders, cost = credit.orders.get(name, 0), costs.get(name)
        rows.append(
            {
                "model": credit.model,
                "dimension": dimension,
                "credited": name,
                "orders": orders / WHOLE,
                "revenue": Decimal(credit.cents.get(name, 0)) / 100,
                "share": round(orders / every, 6) if every else None,
                "cost": cost,
                "cost_per_order": round(float(cost) * WHOLE / orders, 6) if cost is not None and orders else None,
                "conversions": every // WHOLE,
                "first_day": days.first,
                "as_of": days.last,
            }
        )
    return rows
