"""The step `map`: journeys/map_*, from config/journey_map.yaml and the tables, of the window up to the newest day."""

from __future__ import annotations

import logging
import re
from datetime import date, timedelta
from itertools import chain
from typing import Any

import pyarrow as pa
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError
from jobs.identity.customer_of import newest_day
from jobs.journeys.journey_map import contradictions
from jobs.journeys.journey_map import tables as journey_map
from jobs.journeys.journey_map.conditions import wrong_conditions
from jobs.journeys.journey_map.tables import MapQueries, Row
from jobs.lake.lake import Lake, Txn
from jobs.lake.queries import connect, views_of, with_dots
from jobs.lake.tables import catalogue

log = logging.getLogger(__name__)
ASKED = ("journeys/touchpoints", "journeys/transitions", "journeys/funnels", "journeys/kpis")
WRITES = tuple(
    f"journeys/map_{part}" for part in ("touchpoints", "insights", "opportunities", "solutions", "contradictions")
)


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Bring journeys/map_* to the newest day that journeys stand at, `day` or later. Returns their rows.

    Without config/journey_map.yaml and a catalogue of touchpoints there is nothing to do. An insight whose query gives
    no number is told and stays without one: `klantreis check` fails on it, a day does not. Raises ConfigError for a
    wrong condition of a conflict.
    """
    lake, found, journey = Lake.of(settings), settings.journey_map, settings.journey
    if not (journey.touchpoints or any(lake.exists(name) for name in WRITES)):
        return {}
    as_of = newest_day(lake, "identity/standing", day)
    config = [found, journey.touchpoints, journey.funnels, journey.kpis, settings.general.timezone]
    reads = sorted({*ASKED, *tables_in(settings)})
    txn = lake.transaction("journey_map", day, reads, config, state={"as_of": str(as_of)}, code=__name__)
    if not txn.done(*WRITES):
        if wrong := wrong_conditions(settings):
            raise ConfigError(wrong)
        for name, rows in zip(WRITES, _made(txn, as_of, settings), strict=True):
            lake.replace(name, pa.Table.from_pylist(rows, catalogue.get(name).arrow_schema()), txn)
    counts = {name.split("/")[1]: lake.rows(name) for name in WRITES}
    log.info("map: %s", counts)
    return counts


def tables_in(settings: Settings) -> set[str]:
    """The tables that queries of insights name."""
    queries = [insight.data.query for insight in settings.journey_map.insights.values() if insight.data]
    text = " ".join(with_dots(query, settings) for query in queries)
    return {
        name for name in settings.tables if re.search(rf"(?<![\w.]){re.escape(name.replace('/', '.'))}(?!\w)", text)
    }


def asked_on(as_of: date, settings: Settings) -> MapQueries:
    """The tables of the lake, with the window of the map that ends on that day."""
    names = {name.replace("/", ".") for name in (*ASKED, "valid/content", *tables_in(settings))}
    database = connect(settings, only=names)
    first = as_of - timedelta(days=settings.journey_map.days - 1)
    return MapQueries(database, views_of(database), (first, as_of))


def newest(settings: Settings) -> MapQueries | None:
    """The same for the newest day with contacts; None while there are none."""
    asked = asked_on(date.max, settings)
    day = asked.rows("select max(day) as day from journeys.touchpoints", "journeys.touchpoints")
    return asked_on(day[0]["day"], settings) if day and day[0]["day"] else None


def _made(txn: Txn, as_of: date, settings: Settings) -> list[list[Row]]:
    """The rows of each table of WRITES."""
    found, journey = settings.journey_map, settings.journey
    asked = asked_on(as_of, settings)
    touchpoints = journey_map.touchpoint_rows(asked, journey, found)
    insights = journey_map.insight_rows(asked, found, touchpoints)
    for row in insights:
        if row["state"] == "no data":
            log.warning("map: insight %s has no number: %s", row["insight"], row["reason"])
    told = chain(contradictions.of_insights(insights, touchpoints), contradictions.of_channels(asked))
    if found.conflicts:
        contacts = txn.read("journeys/touchpoints").where(F.col("day").between(*[F.lit(one) for one in asked.days]))
        told = chain(told, contradictions.of_messages(contacts, found.conflicts))
    return [
        touchpoints,
        insights,
        journey_map.opportunity_rows(asked, found, touchpoints),
        journey_map.solution_rows(asked, found, journey),
        contradictions.dated(told, asked.days),
    ]
