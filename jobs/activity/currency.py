"""Amounts in the company's currency: what was paid in another one, at the rate of the day it was paid.

A rate comes from `valid/rates` (the newest on or before the day), else from `rates` in config/settings.yaml. An amount
without any rate has no value in the company's currency: it is in no sum, and the step that met it says how many.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import day_of
from jobs.config.settings import Settings

RATES = "valid/rates"
AMOUNTS = {
    "orders": ("total", "discount"),
    "order_lines": ("amount", "discount"),
    "subscriptions": ("amount",),
    "payments": ("amount",),
    "campaign_stats": ("cost",),
}
"""Datasets whose rows say in which currency their amounts are; lines of an order are in that of the order."""
RATE = "decimal(20,10)"
"""Rates are counted as exact decimals, so that engines agree on every cent."""
PAID = "paid_"
"""Before the name of an amount: as it was paid, in the currency of its row."""


@dataclass(frozen=True)
class Exchange:
    """The company's currency, and what others are worth in it. `rates` are rows of valid/rates, if there are any."""

    own: str
    fixed: Mapping[str, float]
    rates: DataFrame | None
    timezone: str

    @classmethod
    def of(cls, settings: Settings, read: Callable[[str], DataFrame], delivered: bool) -> Exchange:
        """From the configuration, and from the table of rates if a source delivers them."""
        general = settings.general
        return cls(general.currency, general.rates, read(RATES) if delivered else None, general.timezone)

    def converted(self, rows: DataFrame, dataset: str, at: str) -> DataFrame:
        """Rows with their amounts in the company's currency, and beside each `paid_...`, what was paid.

        `at` is the column with the moment whose rate counts. Rows of datasets without amounts stay as they are.
        """
        names = AMOUNTS.get(dataset, ())
        if not names:
            return rows
        code = F.upper("currency")
        foreign = F.coalesce(code != self.own, F.lit(False))
        priced = self._with_rate(rows, code, at)
        worth = {
            name: F.when(foreign, F.round(F.col(name) * F.col("rate"), 2)).otherwise(F.col(name)).cast("decimal(18,2)")
            for name in names
        }
        paid = {f"{PAID}{name}": F.col(name) for name in names}
        return priced.withColumns(paid).withColumns(worth).drop("rate")

    def _with_rate(self, rows: DataFrame, code: Column, at: str) -> DataFrame:
        exact = [F.when(code == other, F.lit(str(rate)).cast(RATE)) for other, rate in sorted(self.fixed.items())]
        fixed = F.coalesce(*exact, F.lit(None).cast(RATE))
        if self.rates is None:
            return rows.withColumn("rate", fixed)
        day = day_of(at, self.timezone)
        told = F.broadcast(_periods(self.rates))
        held = (code == F.col("rate_currency")) & day.between(F.col("rate_from"), F.col("rate_to"))
        joined = rows.join(told, on=held, how="left")
        return joined.withColumn("rate", F.coalesce("rate", fixed)).drop("rate_currency", "rate_from", "rate_to")


def paid(rows: DataFrame, name: str) -> Column:
    """An amount as it was paid, of rows that `Exchange.converted` gave and of others."""
    return F.col(f"{PAID}{name}" if f"{PAID}{name}" in rows.columns else name)


def _periods(rates: DataFrame) -> DataFrame:
    """`rate_currency`, `rate_from`, `rate_to`, `rate`: the days on which each rate was the newest."""
    newest = Window.partitionBy("currency", "day").orderBy(
        F.desc("arrived"), F.desc("source"), F.desc("file_id"), F.desc("line")
    )
    one = rates.where(F.col("rate") > 0).withColumn("place", F.row_number().over(newest)).where("place = 1")
    following = F.lead("day").over(Window.partitionBy("currency").orderBy("day"))
    return one.select(
        F.col("currency").alias("rate_currency"),
        F.col("day").alias("rate_from"),
        F.coalesce(F.date_sub(following, 1), F.to_date(F.lit("9999-12-31"))).alias("rate_to"),
        F.col("rate").cast(RATE).alias("rate"),
    )


def repriced(rows: DataFrame, new_rates: DataFrame, own: str, at: str, timezone: str) -> DataFrame:
    """Rows in another currency whose amounts new rates may change: those of the first day with one, and later ones."""
    first = new_rates.groupBy("currency").agg(F.min("day").alias("since"))
    other = rows.where(F.upper("currency") != own)
    same = F.upper(other["currency"]) == first["currency"]
    return other.join(F.broadcast(first), on=same & (day_of(at, timezone) >= F.col("since")), how="left_semi")


def without_rate(touchpoints: ds.Dataset) -> dict[str, int]:
    """Currency to the number of contacts whose amount has no value in the company's currency."""
    lost = ds.field("amount").is_null() & ds.field("amount_paid").is_valid()
    found = touchpoints.to_table(columns=["currency"], filter=lost)["currency"]
    return {entry["values"]: entry["counts"] for entry in sorted(pc.value_counts(found).to_pylist(), key=str)}
