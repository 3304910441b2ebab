"""What is new since the last run of a step: rows that arrived, rows that waited for their day, customers that moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.identity.customer_of import identifiers_of, with_customer
from jobs.identity.over_time.moved import moved_customers, went_with
from jobs.lake.changes import Added
from jobs.lake.exchange import differing
from jobs.lake.files import DataFile
from jobs.lake.lake import Lake, Txn
from jobs.lake.scratch import Scratch
from jobs.lake.tables import catalogue
from jobs.lake.transactions import Before

MAP = "identity/map"
FEW = 100_000
"""Rows of valid/ below which a step does not go on from its last run: to find out what is new takes dozens of queries,
each of which takes the engine longer than so many rows do (`benchmarks.day`)."""
_LOST = "{name} lost rows, or its log does not tell what came"


class Unknown(Exception):
    """What is new cannot be said exactly: the step has to begin from everything."""


@dataclass(frozen=True)
class Fresh:
    """The difference between two runs of a step. `until` is the day the last run knew, `as_of` that of this one."""

    lake: Lake
    txn: Txn
    before: Before
    until: date
    as_of: date
    settings: Settings
    keep: Scratch

    @classmethod
    def since(
        cls, lake: Lake, txn: Txn, before: Before, as_of: date, settings: Settings, keep: Scratch, tables: list[str]
    ) -> Fresh:
        """Raises Unknown if there are few rows, if the day went back, or if rows of `tables` get a customer by an
        identifier that is new to the map but not to them: the last run was ahead of the map."""
        if sum(lake.rows(name) for name in txn.pins if name.startswith("valid/")) < FEW:
            raise Unknown("that is faster with so few rows")
        until = date.fromisoformat(before.state["as_of"])
        if as_of < until:
            raise Unknown(f"the last run was for {until}")
        if before.pins[MAP] is None:
            raise Unknown("the last run knew nobody")
        if not lake.readable(MAP, before.pins[MAP]):
            raise Unknown(f"vacuum deleted {MAP} as the last run read it")
        found = cls(lake, txn, before, until, as_of, settings, keep)
        if before.pins[MAP] != txn.pins[MAP] and found._knows_more(tables):
            raise Unknown("the last run read rows before identity knew them")
        return found

    @cached_property
    def moved(self) -> DataFrame:
        """Customers that merged, split or go by another id, see `moved_customers`."""
        nobody = self.lake.empty(MAP).select(F.col("customer_id").alias("before"), "customer_id")
        if self.before.pins[MAP] == self.txn.pins[MAP]:
            return nobody
        then, now = (rows.select("identifier", "customer_id") for rows in self._differing_identifiers)
        other = then.exceptAll(now).select("customer_id").distinct()
        return self.keep(moved_customers(self.map_then().join(other, "customer_id", "left_semi"), self.txn.read(MAP)))

    @cached_property
    def splits(self) -> bool:
        """Whether some of `moved` are no longer one customer."""
        return not self.moved.where(F.col("customer_id").isNull()).isEmpty()

    @cached_property
    def _differing_identifiers(self) -> tuple[DataFrame, DataFrame]:
        """Rows of identity/map at the last run and today; some that both have are left out."""
        files = self.lake.differing_files(MAP, self.before.pins[MAP], self.txn.pins[MAP])
        then, now = (self.lake.read_files(MAP, some) for some in files)
        return then, now

    def map_then(self) -> DataFrame:
        """The identity map of the last run."""
        return self.lake.read(MAP, version=self.before.pins[MAP])

    def rows(self, name: str, *moments: str) -> DataFrame:
        """`visible` rows with the customer of today."""
        return self.with_customer(self.visible(name, *moments), name)

    def visible(self, name: str, *moments: str) -> DataFrame:
        """Rows of a table of valid/ that this run knows and the last did not.

        A row is known from the day it arrived; one with a time (a column of `moments`) on a later day is new again on
        that day. Rows of customers that split are new too: they may belong to anybody now.
        """
        files = self._files(name)
        due = self._later(F.col("arrived"))
        for column in moments:
            due = due | self._later(F.to_date(F.from_utc_timestamp(column, self.settings.general.timezone)))
        waiting = [file for file in files.before if self._may_be_due(file, moments)]
        every = self.lake.read_files(name, files.new).unionByName(self.lake.read_files(name, waiting).where(due))
        if self.splits:
            known = self.lake.read_files(name, files.before).where(~due)
            parted = self.moved.where(F.col("customer_id").isNull()).select(F.col("before").alias("customer_id"))
            torn = self.with_customer_then(known, name).join(parted, "customer_id", "left_semi")
            every = every.unionByName(torn.select(*every.columns))
        return every.where(F.col("arrived") <= F.lit(self.as_of))

    def nothing_came(self, name: str, *moments: str) -> bool:
        """Whether the log of the table says that `rows` has none: no file is new, and none may hold what is due."""
        files = self._files(name)
        return not (files.new or self.splits or any(self._may_be_due(file, moments) for file in files.before))

    def nothing_arrived(self, name: str) -> bool:
        """Whether the log of the table says that `arrived` has none."""
        files = self._files(name)
        return not (files.new or any(self._may_be_due(file, ()) for file in files.before))

    def arrived(self, name: str) -> DataFrame:
        """Rows of a table of valid/ that had not arrived, or not been added, at the last run."""
        rows = self.lake.added(name, self.before.pins[name], self.txn.pins[name], self.until, self.as_of)
        if rows is None:
            raise Unknown(_LOST.format(name=name))
        found: DataFrame = rows
        return found

    def with_customer(self, rows: DataFrame, name: str) -> DataFrame:
        """Rows of a table, with the customer of today."""
        return with_customer(rows, self.txn.read(MAP), self.settings, self.txn.unfilled(name))

    def with_customer_then(self, rows: DataFrame, name: str) -> DataFrame:
        """Rows of a table, with the customer the last run gave them."""
        return with_customer(rows, self.map_then(), self.settings, self.txn.unfilled(name))

    def other_customers(self) -> DataFrame:
        """Customers of rows of identity/map in which that of today and that of the last run differ: `customer_id`.

        Raises Unknown if an identifier is gone: its rows may belong to anybody now.
        """
        then, now = self._differing_identifiers
        if not then.join(now.select("identifier"), on="identifier", how="left_anti").isEmpty():
            raise Unknown(f"{MAP} lost identifiers")
        return differing(then, now).select("customer_id")

    def ids_before(self, customers: DataFrame) -> DataFrame:
        """Ids under which rows of these customers, and of all that split, are stored: `customer_id`."""
        split = self.moved.where(F.col("customer_id").isNull()).select("before")
        return went_with(customers, self.moved).union(split).distinct().withColumnRenamed("before", "customer_id")

    def known_then(self, name: str) -> DataFrame:
        """The rows of a table of valid/ that the last run knew."""
        return self.lake.read_files(name, self._files(name).before).where(F.col("arrived") <= F.lit(self.until))

    def files(self, name: str) -> list[DataFile]:
        """The files of a table of valid/, with their statistics."""
        found = self._files(name)
        return [*found.before, *found.new]

    def _files(self, name: str) -> Added:
        found = self.lake.added_files(name, self.before.pins[name], self.txn.pins[name])
        if found is None:
            raise Unknown(_LOST.format(name=name))
        return found

    def _later(self, day: Column) -> Column:
        return F.coalesce(day > F.lit(self.until), F.lit(False))

    def _may_be_due(self, file: DataFile, moments: tuple[str, ...]) -> bool:
        # A later day begins, in any time zone, after midnight UTC of `until`.
        after = datetime(self.until.year, self.until.month, self.until.day, tzinfo=UTC)
        late = file.may_hold("arrived", self.until + timedelta(days=1), date.max)
        return late or any(file.may_hold(m, after, datetime.max.replace(tzinfo=UTC)) for m in moments)

    def _knows_more(self, tables: list[str]) -> bool:
        """Whether rows of the last run carry an identifier that its map did not have and today's has."""
        then, every = self._differing_identifiers
        now = every.where(F.col("first_seen") <= F.lit(self.until)).select("identifier", "first_seen")
        new = self.keep(now.join(then.select("identifier"), on="identifier", how="left_anti"))
        first = new.agg(F.min("first_seen")).collect()[0][0]
        if first is None:
            return False
        for name in tables:
            files = [file for file in self._files(name).before if file.may_hold("arrived", first, self.until)]
            rows = self.lake.read_files(name, files)
            some = rows.where(F.col("arrived") >= F.lit(first))
            carried = identifiers_of(some, self.settings, self.txn.unfilled(name))
            if not carried.join(new.select("identifier"), on="identifier", how="left_semi").isEmpty():
                return True
        return False


def moments_of(name: str) -> tuple[str, ...]:
    """The columns with a time of a table of valid/."""
    return tuple(column.name for column in catalogue.get(name).columns if column.type == "timestamp")
