"""Rows of datasets that KPIs are counted over, as known today: those that pass the gate traits are counted behind.

A row counts if it had happened and arrived by the end of the day and nothing newer about the same record had
(`activity/known_rows`); events of programs do not. Unlike traits, KPIs count rows of somebody nobody knows as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.activity.conditions import holds
from jobs.activity.known_rows import Known, tables_for
from jobs.config.journey.journey import Journey
from jobs.config.journey.kpis import CONTRACTS, Kpi, lake_table
from jobs.config.settings import Settings
from jobs.config.texts import TABLE as TEXTS
from jobs.journeys.contracts import contracts
from jobs.journeys.kpis.histories import bought_before, with_reopened, with_said
from jobs.journeys.moments.evidence import known_records
from jobs.lake.lake import Lake, Txn
from jobs.lake.scratch import Keep
from jobs.lake.tables.catalogue import get
from jobs.lake.tables.known import BEFORE, BESIDE, KNOWN, WITHOUT_MOMENT
from jobs.validate.versions.counting import PERIOD, newest_versions

RATES, PRODUCTS, CONTENT, SUBSCRIPTIONS = "valid/rates", "valid/products", "valid/content", "valid/subscriptions"
ITEM = {"content_id": "content_id", "content_kind": "kind", "content_topic": "topic", "content_stage": "stage"} | {
    "content_moment": "moment"
}
"""Columns of events to those of the item of content with the address of the page."""


def asked(journey: Journey) -> list[str]:
    """Tables of rows as known today, by their name in `tables`, that any KPI is counted over."""
    counted = {kpi.table for kpi in journey.kpis.values()}
    names = [f"{BEFORE}{dataset}" for dataset in KNOWN]
    return [name for name in (*names, CONTRACTS) if name in counted]


def reads(journey: Journey) -> list[str]:
    """The tables of the lake that these rows are made of."""
    found: dict[str, None] = {}
    for name in asked(journey):
        if name == CONTRACTS:
            found[SUBSCRIPTIONS] = None
            continue
        dataset = name.removeprefix(BEFORE)
        own = (f"valid/{dataset}", RATES) if dataset in WITHOUT_MOMENT else tables_for(dataset)
        beside = {"events": (CONTENT,)}.get(dataset, (TEXTS,) if "tone" in _beside(dataset) else ())
        found |= dict.fromkeys((*own, *beside))
    return list(found)


def written(lake: Lake, journey: Journey) -> list[str]:
    """Those of them that a source delivers: of others nothing is made."""
    return [name for name in asked(journey) if lake.exists(f"valid/{_dataset(name)}")]


def _dataset(name: str) -> str:
    return "subscriptions" if name == CONTRACTS else name.removeprefix(BEFORE)


def made(lake: Lake, txn: Txn, as_of: date, settings: Settings, keep: Keep) -> dict[str, DataFrame]:
    """The rows of each table that is written."""
    journey, found = settings.journey, {}
    for name in written(lake, journey):
        if name == CONTRACTS:
            held = known_records(txn, SUBSCRIPTIONS, as_of, settings)
            assert held is not None  # or it would not be written
            found[name] = contracts(held, settings.general.timezone)
        else:
            over = [kpi for kpi in journey.kpis.values() if kpi.table == name]
            found[name] = known_rows(txn, _dataset(name), as_of, settings, over, keep)
    return found


def known_rows(txn: Txn, dataset: str, as_of: date, settings: Settings, kpis: Iterable[Kpi], keep: Keep) -> DataFrame:
    """The rows of one dataset that any of the KPIs counts: a contact of nobody known is one of them."""
    known = replace(Known.of_step(txn, [as_of], settings, published=True), of_nobody=True, keep=keep)
    if dataset in WITHOUT_MOMENT:
        rows = _of_a_day(known, dataset)
    else:
        rows = known.on_each_day(known.rows(dataset, None), None).drop("snapshot", "days_ago")
    rows = _with_beside(rows, txn, known, dataset, as_of)
    any_of_them = reduce(Column.__or__, [holds(kpi.where) for kpi in kpis])
    columns = get(lake_table(f"{BEFORE}{dataset}")).columns
    return rows.where(any_of_them).select(*[F.col(c.name).cast(c.type).alias(c.name) for c in columns])


def _of_a_day(known: Known, dataset: str) -> DataFrame:
    """Rows that are of a day, and of nobody: with amounts at the rate of that day."""
    newest = newest_versions(known.of(dataset), *get(f"valid/{dataset}").record).drop(*PERIOD)
    noon = F.timestamp_seconds(F.unix_timestamp(F.col("day").cast("timestamp")) + 12 * 3600)
    there = newest.withColumn("noon", F.to_utc_timestamp(noon, known.settings.general.timezone))
    priced = known.in_own_currency(there, dataset, "noon").where(F.col("day") <= F.lit(known.days[0]))
    weekday = (F.dayofweek("day") + 5) % 7 + 1
    return priced.withColumns({"customer_id": F.lit(None), "hour": F.lit(None), "weekday": weekday})


def _beside(dataset: str) -> set[str]:
    return {column.name for column in BESIDE.get(dataset, ())}


def _with_beside(rows: DataFrame, txn: Txn, known: Known, dataset: str, as_of: date) -> DataFrame:
    """Rows with what is known of them beside what the dataset says."""
    if dataset == "order_lines":
        return bought_before(rows)
    if dataset in ("conversations", "tickets"):
        return with_reopened(rows, known.of(dataset), dataset)
    if dataset == "events":
        items = newest_versions(known.of("content"), "content_id") if txn.pins[CONTENT] is not None else None
        return with_item(rows, items)
    if "tone" in _beside(dataset):
        texts = txn.read(TEXTS).where(F.col("arrived") <= F.lit(as_of)) if txn.pins[TEXTS] is not None else None
        versions = txn.read(f"valid/{dataset}").where(F.col("arrived") <= F.lit(as_of))
        return with_said(rows, versions, texts, dataset)
    return rows


def with_item(events: DataFrame, items: DataFrame | None) -> DataFrame:
    """Events with the item of content that has the address of the page; of several items the first by id."""
    if items is None:
        return events.withColumns({name: F.lit(None).cast("string") for name in ITEM})
    told = F.min(F.struct("content_id", *(name for name in ITEM.values() if name != "content_id"))).alias("item")
    by_address = items.where(F.col("url").isNotNull()).groupBy("url").agg(told)
    named = by_address.select("url", *(F.col(f"item.{own}").alias(name) for name, own in ITEM.items()))
    return events.join(F.broadcast(named), on="url", how="left")
