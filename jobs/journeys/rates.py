"""What currencies are worth on a day, and which rates a run knows that the last did not."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity.currency import RATES, Exchange
from jobs.config.settings import Settings
from jobs.identity.fresh import Fresh
from jobs.lake.lake import Txn


def exchange_on(txn: Txn, as_of: date, settings: Settings) -> Exchange:
    """What currencies are worth, by the rates that had arrived by the end of the day."""
    read = lambda name: txn.read(name).where(F.col("arrived") <= F.lit(as_of))  # noqa: E731
    return Exchange.of(settings, read, txn.pins[RATES] is not None)


def new_rates(fresh: Fresh) -> DataFrame | None:
    """Rates that this run knows and the last did not; None if the table is as it was."""
    if fresh.txn.pins[RATES] == fresh.before.pins[RATES] and fresh.as_of == fresh.until:
        return None
    return fresh.arrived(RATES) if fresh.txn.pins[RATES] is not None else None
