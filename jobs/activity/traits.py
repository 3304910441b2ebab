"""Traits: numbers and facts per customer, declared in config/traits.yaml, as known at the end of a day.

All traits over the same rows are computed in one pass over them: conditions and windows become columns, aggregates look
only at rows for which theirs is true. `most_frequent` needs a second pass for each column it is asked about.
"""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity.checks import refuse_wrong_traits
from jobs.activity.known_rows import Read, known_rows, tables_for
from jobs.activity.language import in_order
from jobs.activity.on_days import aggregated, derived, finished
from jobs.config.settings import Settings
from jobs.config.traits import TABLE, Trait
from jobs.identity.customer_of import newest_day
from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake

log = logging.getLogger(__name__)


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Rebuild profiles/traits from everything that arrived up to `day`. Raises ConfigError for a wrong trait."""
    traits = settings.traits
    lake = Lake.of(settings)
    if not traits and not lake.exists(TABLE):
        return {"traits": 0, "customers": 0}
    as_of = max(newest_day(lake, name, day) for name in ("identity/standing", TABLE))
    reads = sorted({"identity/map", *(t for trait in traits.values() if trait.over for t in tables_for(trait.over))})
    config = [traits, list(traits), settings.general.country, settings.general.timezone, str(as_of)]
    txn = lake.transaction("traits", day, reads=reads, config=config, code=__name__)
    if not txn.done(TABLE):
        refuse_wrong_traits(get_spark(), settings)
        lake.replace(TABLE, traits_on(txn.read, txn.read("identity/map"), as_of, settings), txn)
    counts = {"traits": len(traits), "customers": lake.rows(TABLE)}
    log.info("traits: %s", counts)
    return counts


def traits_on(read: Read, identity_map: DataFrame, day: date, settings: Settings) -> DataFrame:
    """profiles/traits: one row per customer of the map, with all traits as known at the end of `day`."""
    traits = settings.traits
    found = identity_map.select("customer_id").distinct()
    for rows in dict.fromkeys(trait.over for trait in traits.values() if trait.over):
        own = {name: trait for name, trait in traits.items() if trait.over == rows}
        known = known_rows(rows, read, identity_map, day, settings, longest_window(own))
        found = aggregated(found, known, own, rows)
    return with_derived(found, traits).withColumn("as_of", F.lit(day))


def longest_window(traits: dict[str, Trait]) -> int | None:
    """Days before which none of the traits looks at anything; None if one of them looks at everything."""
    windows = [trait.days and trait.days + trait.ending_days_ago for trait in traits.values()]
    return None if None in windows else max(window for window in windows if window)


def with_derived(found: DataFrame, traits: dict[str, Trait]) -> DataFrame:
    """Adds the traits that are computed from others."""
    for name in in_order(traits)[0]:
        found = found.withColumn(name, finished(derived(traits[name].value, traits), traits[name]))
    return found
