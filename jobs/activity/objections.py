"""Who objects to profiling, or has their data restricted: asked by whoever learns, judges, decides or tells.

Fail-closed the other way round than consent: no answer is no objection, and of answers only a yes that lasts is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity.conditions import midnight
from jobs.activity.lasting_consent import says_yes, says_yes_in, through
from jobs.config.settings import Settings
from jobs.identity.customer_of import with_customer
from jobs.identity.fresh import MAP
from jobs.lake.lake import Txn
from jobs.lake.tables import catalogue

CONSENT = "profiles/consent"


def tables(settings: Settings) -> list[str]:
    """What a step reads that obeys objections; nothing where the company lets people object to nothing."""
    return [CONSENT] if settings.identity.objections.purposes else []


def objecting(consent: DataFrame, day: date, settings: Settings) -> DataFrame:
    """`customer_id` and `restricted`: of everybody who objects on a day to anything, whether that is to all."""
    objections = settings.identity.objections
    asked = consent.where(F.col("purpose").isin(*objections.purposes))
    noes = asked.where(~says_yes(through(day, settings.general.timezone)))
    return noes.groupBy("customer_id").agg(
        F.max(F.col("purpose") == F.lit(objections.restriction or "")).alias("restricted")
    )


def without(rows: DataFrame, txn: Txn, day: date, settings: Settings) -> DataFrame:
    """Rows with a `customer_id` of people who object to nothing; `txn` reads the `tables` of this module."""
    if not tables(settings):
        return rows
    return rows.join(objecting(txn.read(CONSENT), day, settings), on="customer_id", how="left_anti")


def respecting(txn: Txn, day: date, settings: Settings) -> Txn:
    """The transaction as one that reads nothing of who objects: rows of theirs in valid/ are nobody's."""
    if not tables(settings):
        return txn
    return Respecting(**{one.name: getattr(txn, one.name) for one in fields(Txn)}, until=day, settings=settings)


@dataclass(frozen=True)
class Respecting(Txn):
    """A transaction without the people who object, in every table that has a `customer_id`."""

    until: date = date.min
    settings: Settings | None = None

    def read(self, name: str, day: date | None = None) -> DataFrame:
        found = super().read(name, day)
        if not self._concerns(name):
            return found
        assert self.settings is not None
        return without(found, self, self.until, self.settings)

    def arrow(self, name: str, columns: Sequence[str] | None = None, day: date | None = None) -> pa.Table:
        if not self._concerns(name):
            return super().arrow(name, columns, day)
        asked = None if columns is None else list(dict.fromkeys([*columns, "customer_id"]))
        found = super().arrow(name, asked, day)
        theirs = pc.is_in(found["customer_id"], pa.array(sorted(self.people), pa.string()))
        kept = found.filter(pc.invert(theirs))
        return kept if columns is None else kept.select(list(columns))

    @cached_property
    def people(self) -> frozenset[str]:
        """Customers who object, to profiling or to everything."""
        assert self.settings is not None
        rows = super().arrow(CONSENT, ["customer_id", "purpose", "status", "expires_at"])
        return noes_in(rows, self.until, self.settings)

    def theirs(self, name: str) -> DataFrame:
        """The rows of a table of valid/ that concern people who object; the transaction reads identity/map."""
        assert self.settings is not None
        who = objecting(self.read(CONSENT), self.until, self.settings)
        known = super().read(MAP).join(who, "customer_id", "left_semi")
        return with_customer(self.read(name), known, self.settings).where("customer_id is not null")

    def _concerns(self, name: str) -> bool:
        return name != CONSENT and "customer_id" in catalogue.get(name).column_names and bool(self.people)


def noes_in(consent: pa.Table, day: date, settings: Settings) -> frozenset[str]:
    """The customers of `objecting`, without the engine."""
    asked = consent.filter(pc.is_in(consent["purpose"], pa.array(settings.identity.objections.purposes, pa.string())))
    until = midnight(day + timedelta(days=1), settings.general.timezone)
    return frozenset(asked.filter(pc.invert(says_yes_in(asked, until)))["customer_id"].to_pylist())
