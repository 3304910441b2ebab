"""Traits: numbers and facts per customer, declared in config/traits.yaml, as known at the end of a day."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.activity.analysis import refuse_wrong_traits
from jobs.activity.day import TOUCHED, update
from jobs.activity.known_rows import Known, tables_for
from jobs.activity.on_days import KEYS, values_on
from jobs.config.settings import Settings
from jobs.config.traits import FEATURES, TABLE, Trait, feature_type, needed
from jobs.identity.customer_of import newest_day
from jobs.identity.fresh import Fresh, Unknown
from jobs.lake.lake import Lake, Txn
from jobs.lake.tables import catalogue

log = logging.getLogger(__name__)


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Bring profiles/traits to everything that arrived up to `day`, and models/features of that day.

    profiles/traits stays that of the newest day; models/features of an older day are what was known then. Raises
    ConfigError for a wrong trait.
    """
    traits, features = settings.traits, settings.models.features
    lake = Lake.of(settings)
    as_of = max(newest_day(lake, name, day) for name in ("identity/standing", TABLE))
    read, state = [*reads(traits.values()), TOUCHED], {"as_of": str(as_of)}
    config = configuration(settings)
    txn = lake.transaction("traits", day, read, config, previous=[TABLE], state=state, code=__name__)
    if not txn.done(TABLE, FEATURES):
        refuse_wrong_traits(settings)
        found = _today(lake, txn, as_of, settings)
        if day != as_of:
            past = {name: traits[name] for name in needed(features, traits)}
            found = values_on(Known.of_step(txn, [day], settings), past)
        found = as_features(found, features, traits, ["customer_id"])
        lake.replace(FEATURES, found.withColumn("day", F.lit(day)), txn, day=day)
    counts = {"traits": len(traits), "customers": lake.rows(TABLE), "in_features": lake.rows(FEATURES, day=day)}
    log.info("traits: %s", counts)
    return counts


def _today(lake: Lake, txn: Txn, as_of: date, settings: Settings) -> DataFrame:
    """profiles/traits, brought to today."""
    try:
        before = txn.before(TABLE)
        if before is None:
            raise Unknown("no run before with this code and configuration")
        named = [name for name in reads(settings.traits.values()) if name.startswith("valid/")]
        tables = [name for name in named if "contact_id" in catalogue.get(name).column_names]
        with lake.scratch(TABLE) as keep:
            return update(Fresh.since(lake, txn, before, as_of, settings, keep, tables))
    except Unknown as reason:
        log.info("traits: all are computed anew: %s", reason)
        found = traits_on(Known.of_step(txn, [as_of], settings, published=True))
        return lake.read(TABLE, version=lake.replace(TABLE, found, txn).version)


def reads(traits: Iterable[Trait]) -> list[str]:
    """The tables that traits of the newest day and of days of the past are computed from, and who is who."""
    kinds = {trait.over for trait in traits if trait.over}
    return sorted({"identity/map", *(t for kind in kinds for new in (True, False) for t in tables_for(kind, new))})


def configuration(settings: Settings) -> list[Any]:
    """What of the configuration decides about traits."""
    general = settings.general
    features = [settings.models.features, settings.models.recency]
    named = [settings.rows, settings.traits, list(settings.traits)]
    own = [general.country, general.timezone, general.currency, general.rates, settings.whose_rows]
    return [*named, features, settings.journey, *own]


def traits_on(known: Known) -> DataFrame:
    """profiles/traits: one row per customer of the map, with all traits as known at the end of the day."""
    found = values_on(known, known.settings.traits, known.identity_map)
    return found.withColumnRenamed("snapshot", "as_of")


def as_features(
    found: DataFrame, features: Iterable[str], traits: Mapping[str, Trait], keys: Sequence[str] = KEYS
) -> DataFrame:
    """`keys` and the features, of customers of whom any of them tells more than of someone unknown."""
    tells = [_tells(name, traits[name]) for name in needed(features, traits) if traits[name].over]
    some = found.where(reduce(Column.__or__, tells, F.lit(False)))
    return some.select(*keys, *(F.col(name).cast(feature_type(traits[name])).alias(name) for name in features))


def _tells(name: str, trait: Trait) -> Column:
    """Whether the trait differs from that of a customer without any rows."""
    nothing = of_nobody(trait)
    told = F.col(name).isNotNull()
    return told if nothing is None else told & (F.col(name) != F.lit(nothing))


def of_nobody(trait: Trait) -> Any:
    """What a trait says of a customer without any rows."""
    return trait.default if trait.default is not None else 0 if trait.value.lower().startswith("count(") else None
