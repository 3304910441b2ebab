"""The step `paths`: funnels, transitions, paths, attribution and which moments matter, of days up to the newest.

Each run makes the windows anew from touchpoints (and events, for funnels over them), so a day costs what the windows
hold, not the history; `days` in config/journey.yaml sets their length. What is written depends on the tables and
the newest day alone: a rerun writes nothing, and day by day gives what one run for the last day gives.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import reduce
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity.currency import RATES, paid
from jobs.activity.sessions import bots_of, of_people
from jobs.config.journey.paths import Funnel, Paths
from jobs.config.settings import Settings
from jobs.config.sql.guard import engine_sql
from jobs.config.yaml_files import ConfigError
from jobs.identity.customer_of import newest_day, with_customer
from jobs.journeys.checks import wrong_ways
from jobs.journeys.moments import contrast as moment_contrast
from jobs.journeys.moments import effects as moment_effects
from jobs.journeys.paths import attribution
from jobs.journeys.paths.funnels import Days, funnel_steps
from jobs.journeys.paths.ways import frequent_paths, path_contacts, transitions, whole_paths
from jobs.journeys.rates import exchange_on
from jobs.lake.lake import Lake, Txn
from jobs.lake.scratch import Scratch
from jobs.lake.tables import catalogue
from jobs.validate.versions.counting import newest_versions

log = logging.getLogger(__name__)
FUNNELS, TRANSITIONS = "journeys/funnels", "journeys/transitions"
PATHS, ATTRIBUTION = "journeys/paths", "journeys/attribution"
EFFECTS, CONTRAST = "journeys/moment_effects", "journeys/moment_contrast"
WRITES = (FUNNELS, TRANSITIONS, PATHS, ATTRIBUTION, EFFECTS, CONTRAST)
OF_EFFECTS = ("journeys/sessions", "journeys/moments", "journeys/stages")
TOUCHPOINTS, EVENTS, STATS = "journeys/touchpoints", "valid/events", "valid/campaign_stats"
ORDER = {"touchpoints": ["touchpoint_id"], "events": ["sequence", "source", "event_id"]}
"""What makes the order of rows of one moment one."""


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Bring the six tables to the newest day that journeys stand at, `day` or later. Returns their rows.

    Without funnels, paths and moment_effects in journey.yaml there is nothing to do. Raises ConfigError for wrong SQL.
    """
    lake, journey = Lake.of(settings), settings.journey
    ways: list[Any] = [journey.paths, journey.funnels, journey.moment_effects]
    if not (any(ways) or any(lake.exists(name) for name in WRITES)):
        return {}
    as_of = newest_day(lake, "identity/standing", day)
    over_events = any(funnel.over == "events" for funnel in journey.funnels.values())
    reads = [TOUCHPOINTS, STATS, RATES, *([EVENTS, "identity/map"] if over_events else [])]
    if journey.moment_effects:
        reads += OF_EFFECTS
        ways += [list(journey.moments), journey.session_gap_minutes, journey.smallest_sample]
    general = settings.general
    own = [general.timezone, general.country, general.currency, general.rates, settings.whose_rows]
    config = [ways, *own]
    txn = lake.transaction("paths", day, reads, config, state={"as_of": str(as_of)}, code=__name__)
    if not txn.done(*WRITES):
        if wrong := wrong_ways(settings):
            raise ConfigError(wrong)
        with lake.scratch(TOUCHPOINTS) as keep:
            _write(lake, txn, as_of, settings, keep)
    counts = {name.split("/")[1]: lake.rows(name) for name in WRITES}
    log.info("paths: %s", counts)
    return counts


def _write(lake: Lake, txn: Txn, as_of: date, settings: Settings, keep: Scratch) -> None:
    journey, zone = settings.journey, settings.general.timezone
    steps = [
        funnel_steps(_rows(txn, funnel, as_of, settings), name, funnel, days, ORDER[funnel.over])
        for name, funnel in journey.funnels.items()
        for days in [Days.up_to(as_of, funnel.days, zone)]
    ]
    lake.replace(FUNNELS, reduce(DataFrame.unionByName, steps) if steps else lake.empty(FUNNELS), txn)
    _write_effects(lake, txn, as_of, settings, keep)
    if journey.paths is None:
        for name in (TRANSITIONS, PATHS, ATTRIBUTION):
            lake.replace(name, lake.empty(name), txn)
        return
    paths, days = journey.paths, Days.up_to(as_of, journey.paths.days, zone)
    since = days.first - timedelta(days=paths.lookback_days + 1)
    near = txn.read(TOUCHPOINTS).where(F.col("day").between(F.lit(since), F.lit(as_of)))
    contacts = keep(path_contacts(near, paths, days))
    lake.replace(TRANSITIONS, transitions(contacts, days), txn)
    lake.replace(PATHS, frequent_paths(keep(whole_paths(contacts, paths)), paths, days), txn)
    told = _told_costs(txn, as_of, settings)
    if told is not None:
        _tell_without_rate(told, days, settings)
    costs = {name: _costs(told, text, days) if told else {} for name, text in paths.cost_of.items()}
    lake.replace(ATTRIBUTION, _attribution(contacts, paths, days, costs), txn)


def _write_effects(lake: Lake, txn: Txn, as_of: date, settings: Settings, keep: Scratch) -> None:
    journey, rules = settings.journey, settings.journey.moment_effects
    if rules is None or any(txn.pins[name] is None for name in OF_EFFECTS):
        for name in (EFFECTS, CONTRAST):
            lake.replace(name, lake.empty(name), txn)
        return
    today = Days.up_to(as_of, 1, settings.general.timezone)
    days = moment_effects.window(rules, today)
    since = days.first - timedelta(days=rules.lookback_days)
    near = txn.read(TOUCHPOINTS).where(F.col("day").between(F.lit(since), F.lit(as_of)))
    touched = moment_effects.followed(near, rules, journey.session_gap_minutes, days)
    sessions, moments, stages = (txn.read(name) for name in OF_EFFECTS)
    wanted = keep(moment_effects.wanted(touched, sessions, moments, journey))
    profiles = _collected(moment_effects.profiles(wanted, stages, rules, journey))
    kinds = keep(moment_contrast.of_kinds(wanted, moments))
    counted, hours = _collected(moment_contrast.counts(kinds)), moment_contrast.hours(kinds, today.timezone)
    found = {
        EFFECTS: moment_effects.effects(profiles, rules, journey, today),
        CONTRAST: moment_contrast.contrast(counted, _collected(hours), rules, today),
    }
    for name, rows in found.items():
        lake.replace(name, pa.Table.from_pylist(rows, catalogue.get(name).arrow_schema()), txn)


def _rows(txn: Txn, funnel: Funnel, as_of: date, settings: Settings) -> DataFrame:
    """The rows that a funnel is over, of its window, with their customers."""
    days = Days.up_to(as_of, funnel.days, settings.general.timezone)
    if funnel.over == "touchpoints":
        return txn.read(TOUCHPOINTS).where(F.col("day").between(F.lit(days.first), F.lit(as_of)))
    moment = F.unix_micros("occurred_at")
    known = txn.read(EVENTS).where((F.col("arrived") <= F.lit(as_of)) & (moment >= days.began) & (moment < days.ended))
    return of_people(
        with_customer(known, txn.read("identity/map"), settings, txn.unfilled(EVENTS)), bots_of(settings.journey)
    )


def _told_costs(txn: Txn, as_of: date, settings: Settings) -> DataFrame | None:
    """The newest numbers of ad platforms, in the company's currency; None if nobody delivers any."""
    if txn.pins[STATS] is None:
        return None
    known = txn.read(STATS).where(F.col("arrived") <= F.lit(as_of))
    newest = newest_versions(known, *catalogue.get(STATS).record)
    noon_there = F.timestamp_seconds(F.unix_timestamp(F.col("day").cast("timestamp")) + 12 * 3600)
    noon = F.to_utc_timestamp(noon_there, settings.general.timezone)
    return exchange_on(txn, as_of, settings).converted(newest.withColumn("noon", noon), "campaign_stats", "noon")


def _costs(told: DataFrame, name: str, days: Days) -> dict[str, Decimal | None]:
    """What each channel or campaign cost in the window; None if some of it has no rate."""
    named = F.expr(engine_sql(name)).cast("string").alias("credited")
    rows = _with_cost(told, days).select(named, "cost").where(F.col("credited").isNotNull()).groupBy("credited")
    found = rows.agg(F.sum("cost").alias("cost"), F.count_if(F.col("cost").isNull()).alias("unknown"))
    return {row["credited"]: None if row["unknown"] else row["cost"] for row in found.collect()}


def _with_cost(told: DataFrame, days: Days) -> DataFrame:
    """Rows of the window that say what something cost, in any currency."""
    return told.where(F.col("day").between(F.lit(days.first), F.lit(days.last)) & paid(told, "cost").isNotNull())


def _tell_without_rate(told: DataFrame, days: Days, settings: Settings) -> None:
    if number := _with_cost(told, days).where(F.col("cost").isNull()).count():
        log.warning(
            "paths: %d costs of campaign_stats have no rate to %s, so what they are of has no cost; add `rates` to %s,"
            " or load the dataset rates",
            number, settings.general.currency, settings.folder / "settings.yaml",
        )  # fmt: skip


def _attribution(
    contacts: DataFrame, paths: Paths, days: Days, costs: Mapping[str, Mapping[str, Decimal | None]]
) -> pa.Table:
    rows = []
    for name in paths.attribute_to:
        shared = _collected(attribution.shared_out(contacts, name, paths))
        between = _collected(attribution.steps_between(contacts, name))
        (conversions,) = _collected(attribution.conversions_of(contacts, name))
        for credit in attribution.models(shared, between, conversions):
            rows += attribution.attribution_rows(credit, name, costs.get(name, {}), days, conversions["conversions"])
    return pa.Table.from_pylist(rows, catalogue.get(ATTRIBUTION).arrow_schema())


def _collected(rows: DataFrame) -> list[dict[str, Any]]:
    return [row.asDict() for row in rows.collect()]
