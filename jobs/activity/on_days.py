"""Traits on any list of days: all over one kind of rows in one pass, whatever the aggregate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity.known_rows import Known
from jobs.activity.language import in_order
from jobs.activity.one_pass import Pass, derived, finished
from jobs.config.traits import Trait

KEYS = ["snapshot", "customer_id"]


def values_on(known: Known, traits: Mapping[str, Trait], customers: DataFrame | None = None) -> DataFrame:
    """`snapshot`, `customer_id` and every trait, on each of the days of `known`.

    One row for each of `customers` (customer_id) and day; without them, for everyone with a row in sight.
    """
    passes = [_pass(known, kind, traits) for kind in dict.fromkeys(t.over for t in traits.values() if t.over)]
    results = [one.results() for one in passes]
    if customers is None and not results:
        customers = known.identity_map.where("false")
    if customers is not None:
        days = F.array(*(F.lit(day) for day in known.days))
        everyone = customers.select("customer_id").distinct().withColumn("snapshot", F.explode(days))
        found = reduce(lambda left, right: left.join(right, on=KEYS, how="left"), results, everyone)
    else:
        found = reduce(lambda left, right: left.join(right, on=KEYS, how="outer"), results)
    own = [one.value(name).alias(name) for one in passes for name in one.traits]
    return with_derived(found.select(*KEYS, *own), traits).select(*KEYS, *traits)


def with_derived(found: DataFrame, traits: Mapping[str, Trait]) -> DataFrame:
    """Adds the traits that are computed from others."""
    for name in in_order(traits)[0]:
        found = found.withColumn(name, finished(derived(traits[name].value, traits), traits[name]))
    return found


def longest_window(traits: Iterable[Trait]) -> int | None:
    """Days before which none of the traits looks at anything; None if one of them looks at everything."""
    windows = [trait.days and trait.days + trait.ending_days_ago for trait in traits]
    return None if None in windows else max(window for window in windows if window)


def _pass(known: Known, kind: str, traits: Mapping[str, Trait]) -> Pass:
    own = {name: trait for name, trait in traits.items() if trait.over == kind}
    window = longest_window(own.values())
    return Pass(known.rows(kind, window), own, kind, lambda rows: known.on_each_day(rows, window), len(known.days) > 1)
