"""journeys/kpis and the registry beside it: everything anew, from the tables of the journey."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity import own_sends
from jobs.config.journey.journey import Journey
from jobs.config.journey.kpis import LEDGER
from jobs.journeys.kpis.counted import COUNTS, PERIODS, counted_again, counted_per_day, summed_up
from jobs.journeys.kpis.values import of_period, values, without_source
from jobs.lake.lake import Lake, Txn
from jobs.lake.scratch import Keep
from jobs.lake.tables import catalogue

NAME, REGISTRY = "journeys/kpis", "journeys/kpi_registry"


def kpis(
    tables: Mapping[str, DataFrame],
    journey: Journey,
    delivered: Collection[str],
    first_day: date,
    as_of: date,
    keep: Keep = lambda rows: rows,
    whole: date | None = None,
) -> DataFrame:
    """journeys/kpis: every KPI in every day, week and month from `first_day` to `as_of`, and for each part.

    `tables` are sessions, carts, touchpoints, moments and stages as in the lake, customers: the timeline of traits, and
    rows of datasets as known today. `delivered` are datasets that ever had a row: without them a KPI has no value. A
    ratio whose denominator is 0 has none either; a count of nothing is 0. Parts without rows have no row. `whole` is
    the last day that has ended, `as_of` unless told: later days, and what they are in, are not complete.
    """
    if not journey.kpis:
        return tables["touchpoints"].sparkSession.createDataFrame([], catalogue.get(NAME).spark_schema())
    registry, whole = journey.kpis, whole or as_of
    missing = without_source(registry, delivered)
    daily = keep(counted_per_day(tables, registry, first_day, as_of, missing=missing))
    counted = [of_period(daily, "day")]
    for period in PERIODS:
        again = counted_again(tables, registry, period, first_day, as_of, missing=missing)
        counted.append(of_period(summed_up(daily, registry, period).unionByName(again), period))
    return values(counted, journey, delivered, first_day, whole)


def counted_of(stored: DataFrame) -> DataFrame:
    """What was counted, of rows of journeys/kpis."""
    counted = F.when(F.col("squares").isNotNull(), F.col("sample"))  # else it repeats the denominator, see `values`
    sample = counted.cast("double").alias("sample")
    rest = [sample if name == "sample" else F.col(name) for name in COUNTS]
    return stored.select("day", "kpi", "dimension", "part", *rest)


def delivered(lake: Lake, txn: Txn, journey: Journey, as_of: date) -> set[str]:
    """What KPIs need of which there was anything by the end of the day: datasets with a row, columns with a value."""
    asked = dict.fromkeys(name for kpi in journey.kpis.values() for name in kpi.datasets)
    return {name for name in asked if _is_there(lake, txn, name, as_of)}


def _is_there(lake: Lake, txn: Txn, name: str, as_of: date) -> bool:
    if name == LEDGER:
        return own_sends.rows_before(lake, as_of) > 0
    dataset, _, column = name.partition(".")
    table = f"valid/{dataset}"
    if table not in txn.pins or txn.pins[table] is None:
        return False
    files = lake.added_files(table, None, txn.pins[table])
    some = [file for file in files.new if file.may_hold("arrived", date.min, as_of)] if files else []
    some = [file for file in some if not column or file.nulls.get(column) != file.rows]
    known = F.col("arrived") <= F.lit(as_of)
    known = known & F.col(column).isNotNull() if column else known
    return bool(some) and not lake.read_files(table, some).where(known).select("arrived").limit(1).isEmpty()


def registry(journey: Journey) -> pa.Table:
    """journeys/kpi_registry: the KPIs of config/journey.yaml as rows."""
    rows = [
        {
            "kpi": name,
            **{key: getattr(kpi, key) for key in ("stage", "title", "definition", "unit", "numerator", "denominator")},
            **{key: getattr(kpi, key) for key in ("dimensions", "owner", "target", "direction", "per", "origin")},
            "counted_over": kpi.table,
            "condition": kpi.where,
            "needs": kpi.datasets,
            "alert_at": kpi.alert.at,
            "alert_unusual": kpi.alert.unusual,
            "smallest_sample": kpi.smallest_sample or journey.smallest_sample,
        }
        for name, kpi in journey.kpis.items()
    ]
    return pa.Table.from_pylist(rows, catalogue.get(REGISTRY).arrow_schema())
