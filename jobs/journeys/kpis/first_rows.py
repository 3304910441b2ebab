"""The first row of each customer that meets the condition of a KPI: who does it again is not new."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import holds
from jobs.config.journey.kpis import Kpi
from jobs.config.traits import ROWS
from jobs.lake.tables.known import BEFORE, KNOWN


def first_rows(rows: DataFrame, kpi: Kpi) -> DataFrame:
    """Of rows of a dataset that meet the condition of a KPI, the first of each customer, ever."""
    order = [F.col(name).asc_nulls_last() for name in order_of(kpi)]
    nth = F.row_number().over(Window.partitionBy("customer_id").orderBy(*order))
    met = rows.where(holds(kpi.where) & F.col("customer_id").isNotNull())
    return met.withColumn("_nth", nth).where("_nth = 1").drop("_nth")


def first_query(kpi: Kpi, table: str) -> str:
    """The same as SQL, to be read from."""
    order = ", ".join(f"{name} nulls last" for name in order_of(kpi))
    nth = f"row_number() over (partition by customer_id order by {order})"
    return (
        f"(\n  select * from (\n    select *, {nth} as nth_of_customer from {table}\n"
        f"    where ({kpi.where}) and customer_id is not null) where nth_of_customer = 1)"
    )


def order_of(kpi: Kpi) -> list[str]:
    """By what rows of its dataset are in order: their moment, and what names them."""
    dataset = kpi.table.removeprefix(BEFORE)
    return [str(ROWS[dataset].moment), *KNOWN[dataset].key]
