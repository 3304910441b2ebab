"""Attribution: which channels and campaigns get credit for conversions, by seven models side by side.

Rules (first, last, linear, position, time decay) and the simplified Shapley value share each conversion among the
contacts of its path. Markov compares with the paths that did not convert. All counts are whole numbers, on which
engines agree, and what a model gives is rounded so that it adds up to all conversions exactly.

- Markov: E. Anderl, I. Becker, F. von Wangenheim, J. H. Schumann, "Mapping the customer journey: Lessons learned from
  graph-based online attribution modeling", International Journal of Research in Marketing 33 (2016): the removal effect
  in a chain of first order.
- Shapley: K. Zhao, S. H. Mahboobi, S. R. Bagheri, "Shapley Value Methods for Attribution Modeling in Online
  Advertising", arXiv:1804.05327 (2018), section 3.1: channels share a conversion equally with the others of its path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.config.journey.paths import Paths
from jobs.journeys.paths.funnels import DAY, Days
from jobs.journeys.paths.ways import CONVERSION, DROP_OFF, OPEN, PATH, START, credited

WHOLE = 1_000_000
"""The parts in which orders are told."""
NONE = "(none)"
PARTS = {
    "first": "1000000000 * is_first",
    "last": "1000000000 * is_last",
    "linear": "(1000000000 * times) div all_times",
    "position": """case when all_times = 1 then 1000000000 when all_times = 2 then 500000000 * times else
        400000000 * (is_first + is_last) + (200000000 * (times - is_first - is_last)) div (all_times - 2) end""",
    "time_decay": "(1000000000 * weight) div weights",
    "shapley": "1000000000 div different",
}
"""Of each rule, how many of a billion parts of a conversion a channel gets for its contacts of a path, rounded down."""
RULES = tuple(PARTS)
MODELS = (*RULES, "markov")
FINEST = 1 << 16
"""The weight of a contact on the day of the conversion, in time decay."""
CHANNEL = "c:"
"""Before the name of a channel, so that none is taken for the start or an end."""
Shares = dict[str, int]


def shared_out(contacts: DataFrame, name: str, paths: Paths) -> DataFrame:
    """What each rule gives to each channel, over all paths that ended in one outcome.

    `contacts` are rows of `jobs.journeys.paths.ways.path_contacts`; `name` is one of attribute_to. One row per
    outcome and `credited`: for each rule its parts of conversions, and `RULE_cents` of their value, whole numbers that
    say in which proportion all is shared; and how many paths `begun` with the channel and `ended` with it.
    """
    weight = F.element_at(F.array(*_weights(paths)), _days_before(paths) + 1)
    counted = F.col(credited(name)).isNotNull() & ~F.col("converts")
    in_path = (
        contacts.where(F.col("outcome") != OPEN)
        .groupBy(*PATH, F.col(credited(name)).alias("credited"))
        .agg(
            F.count_if(counted).alias("times"),
            F.sum(F.when(counted, weight)).alias("weight"),
            F.min("row").alias("first_row"),
            F.max("row").alias("last_row"),
            F.max((F.coalesce("value", F.lit(0)) * 100).cast("bigint")).alias("cents"),
        )
    )
    one = F.struct("credited", "times", "weight", "first_row", "last_row")
    some = F.col("times") > 0
    whole = in_path.groupBy(*PATH).agg(
        F.sum("times").alias("all_times"),
        F.sum("weight").alias("weights"),
        F.min(F.when(some, F.col("first_row"))).alias("begins"),
        F.max(F.when(some, F.col("last_row"))).alias("ends"),
        F.count_if(some).alias("different"),
        F.max("cents").alias("cents"),
        F.collect_list(F.when(some, one)).alias("taking"),
    )
    taking = whole.withColumn("taking", F.explode("taking")).select(
        "outcome", "cents", "all_times", "weights", "different", "taking.*",
        (F.col("taking.first_row") == F.col("begins")).cast("bigint").alias("is_first"),
        (F.col("taking.last_row") == F.col("ends")).cast("bigint").alias("is_last"),
    )  # fmt: skip
    parts = taking.withColumns({rule: F.expr(text).cast("bigint") for rule, text in PARTS.items()})
    in_cents = {f"{rule}_cents": F.sum(F.col(rule).cast("decimal(38,0)") * F.col("cents")) for rule in RULES}
    return parts.groupBy("outcome", "credited").agg(
        *[F.sum(rule).alias(rule) for rule in RULES],
        *[column.cast("string").alias(column_name) for column_name, column in in_cents.items()],
        F.sum("is_first").alias("begun"),
        F.sum("is_last").alias("ended"),
    )


def conversions_of(contacts: DataFrame, name: str) -> DataFrame:
    """One row: `conversions`, their worth in `cents`, and of those without a contact that gets credit `alone...`."""
    counted = F.count_if(F.col(credited(name)).isNotNull()).alias("counted")
    cents = F.sum(F.when(F.col("converts"), (F.coalesce("value", F.lit(0)) * 100).cast("bigint"))).alias("cents")
    paths = contacts.where(F.col("outcome") == CONVERSION).groupBy(*PATH).agg(counted, cents)
    alone = F.col("counted") == 0
    return paths.agg(
        F.count("*").alias("conversions"),
        F.coalesce(F.sum("cents"), F.lit(0)).alias("cents"),
        F.count_if(alone).alias("alone"),
        F.coalesce(F.sum(F.when(alone, F.col("cents"))), F.lit(0)).alias("alone_cents"),
    )


def steps_between(contacts: DataFrame, name: str) -> DataFrame:
    """How often each channel followed another on paths that have ended: `from`, `to`, `times`."""
    both = F.col(credited(name)).isNotNull() & F.col(f"previous_{credited(name)}").isNotNull()
    known = contacts.where((F.col("outcome") != OPEN) & both)
    pair = (F.col(f"previous_{credited(name)}").alias("from"), F.col(credited(name)).alias("to"))
    return known.groupBy(*pair).agg(F.count("*").alias("times"))


def _days_before(paths: Paths) -> Column:
    """Whole days from a contact to the conversion it led to; for contacts that led to none, any day."""
    days = F.floor((F.col("converted_at") - F.col("at")) / F.lit(DAY)).cast("int")
    return F.when(F.col("outcome") == CONVERSION, days).otherwise(F.lit(0))


def _weights(paths: Paths) -> list[Column]:
    """By age in days. Whole numbers, so that engines agree on every sum."""
    ages = range(paths.lookback_days + 1)
    return [F.lit(max(1, round(FINEST * 2 ** (-age / paths.half_life_days)))).cast("bigint") for age in ages]


def removal_effects(steps: Mapping[tuple[str, str], int]) -> dict[str, float]:
    """By how much the chance of a conversion falls, 0 to 1, if everybody who comes to a channel drops off there.

    `steps` are how often each step follows another, see `chain`; channels come out without their prefix.
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


def models(
    shared: Sequence[Mapping[str, Any]], between: Sequence[Mapping[str, Any]], conversions: Mapping[str, int]
) -> list[Credit]:
    """The credit of every model, from rows of `shared_out`, of `steps_between`, and that of `conversions_of`.

    Each adds up to all conversions, and to what they were worth. A channel that led to drop-off alone gets 0.
    """
    led = [row for row in shared if row["outcome"] == CONVERSION]
    effects = removal_effects(chain(shared, between))
    none = {NONE: conversions["alone"] * WHOLE} if conversions["alone"] else {}
    none_cents = {NONE: conversions["alone_cents"]} if conversions["alone"] else {}
    orders = (conversions["conversions"] - conversions["alone"]) * WHOLE
    cents = conversions["cents"] - conversions["alone_cents"]
    nothing = dict.fromkeys(effects, 0)
    found = []
    for model in MODELS:
        by_order = nothing | {row["credited"]: int(row[model]) for row in led} if model in PARTS else effects
        by_value = nothing | {row["credited"]: int(row[f"{model}_cents"]) for row in led} if model in PARTS else effects
        shares = apportioned(orders, by_order) | none, apportioned(cents, by_value) | none_cents
        found.append(Credit(model, *shares))
    return found


def chain(shared: Sequence[Mapping[str, Any]], between: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], int]:
    """How often each step follows another on paths with a contact, from the start to both ends."""
    steps: Counter[tuple[str, str]] = Counter()
    for row in shared:
        steps[START, CHANNEL + row["credited"]] += row["begun"]
        steps[CHANNEL + row["credited"], row["outcome"]] += row["ended"]
    for row in between:
        steps[CHANNEL + row["from"], CHANNEL + row["to"]] += row["times"]
    return {pair: times for pair, times in sorted(steps.items()) if times}


def attribution_rows(
    credit: Credit, dimension: str, costs: Mapping[str, Decimal | None], days: Days, conversions: int
) -> list[dict[str, Any]]:
    """Rows of journeys/attribution of one model. `costs` of the window by what gets credit, None if not known."""
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
                "share": round(orders / WHOLE / conversions, 6) if conversions else None,
                "cost": cost,
                "cost_per_order": round(float(cost) * WHOLE / orders, 6) if cost is not None and orders else None,
                "conversions": conversions,
                "first_day": days.first,
                "as_of": days.last,
            }
        )
    return rows
