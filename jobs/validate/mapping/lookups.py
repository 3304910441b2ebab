"""Columns of other files of a source, joined to the rows of a dataset: `lookups` of config/sources/.

A raw row gets what its partner in each lookup has, as JSON text in a column of its own, before it is mapped. A row
whose partner is not there yet is mapped without it, and again when the partner arrives
(`jobs.validate.versions.completion`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.config.sources.source import Lookup, SourceDataset
from jobs.ingest.lookups import key_expression, key_way, ways_of
from jobs.validate.mapping.columns import WAITS
from jobs.validate.mapping.inner_rows import expanded
from jobs.validate.mapping.parsed import ROW, parsed, partner_column, quoted
from jobs.validate.mapping.values import trimmed

FRESH = "fresh_"
"""Before the name of a lookup: whether the partner came with one of the files that are asked about."""


@dataclass(frozen=True)
class Lookups:
    """The lookups of one dataset. `rows` gives the raw rows of one by its name, None while it has none."""

    dataset: SourceDataset
    rows: Callable[[str], DataFrame | None]
    fresh: Collection[str] = field(default=())
    without: Collection[str] = field(default=())

    def asking_about(self, file_ids: Collection[str]) -> Lookups:
        """The same, telling of each row whether a partner of it is in one of these files."""
        return replace(self, fresh=tuple(file_ids))

    def before(self, file_ids: Collection[str]) -> Lookups:
        """The same, as if these files had not arrived."""
        return replace(self, without=tuple(file_ids))

    def joined(self, raw: DataFrame) -> DataFrame:
        """The rows of the dataset with their partners, looked up one after the other.

        A later lookup may go by an earlier one.
        """
        raw = expanded(raw, self.dataset)
        for name, lookup in self.dataset.lookups.items():
            raw = self._with(raw, name, lookup)
        return raw

    def _with(self, raw: DataFrame, name: str, lookup: Lookup) -> DataFrame:
        keys = [f"key_{place}" for place in range(len(lookup.on))]
        expressions = [key_expression(self.dataset, lookup, column) for column in lookup.on]
        reads = dict(read for one in expressions for read in one.reads)
        partners = list(dict.fromkeys(partner for one in expressions for partner in one.partners))
        own = self.dataset
        rows = parsed(raw, reads, own.format, partners, own.lookups, nested=own.nested)
        values = [_key(F.expr(one.sql)).alias(key) for one, key in zip(expressions, keys, strict=True)]
        keyed = rows.select(f"{ROW}.*", *values)
        found = self._partners(name, lookup, keys)
        known = [F.col(key).isNotNull() for key in keys]
        asked = known[0]
        for one in known[1:]:
            asked = asked & one
        if found is None:
            none = F.lit(None).cast("string").alias(partner_column(name))
            new = [none, F.lit(False).alias(f"{FRESH}{name}"), asked.alias(f"{WAITS}{name}")]
            return keyed.select(*raw.columns, *new)
        both = keyed.join(found, on=keys, how="left")
        missing = asked & F.col(partner_column(name)).isNull()
        fresh = F.coalesce(f"{FRESH}{name}", F.lit(False)).alias(f"{FRESH}{name}")
        return both.select(*raw.columns, partner_column(name), fresh, missing.alias(f"{WAITS}{name}"))

    def _partners(self, name: str, lookup: Lookup, keys: list[str]) -> DataFrame | None:
        """One row per key: what the expressions use of its rows as a JSON object, and whether it is fresh."""
        raw = self.rows(name)
        if raw is None:
            return None
        raw = raw.where(~F.col("file_id").isin(list(self.without))) if self.without else raw
        ways = ways_of(self.dataset, name)
        reads = {column: key_way(lookup, column) for column in lookup.on} | ways
        rows = parsed(raw, reads, lookup.format, where=lookup.where)
        values = [F.col(quoted(way)).alias(way) for way in ways] or [F.lit("").alias("there")]
        lineage = [F.col(f"{ROW}.{column}").alias(column) for column in ("arrived", "file_id", "line")]
        named = [_key(F.col(quoted(column))).alias(key) for column, key in zip(lookup.on, keys, strict=True)]
        fresh = F.col("file_id").isin(list(self.fresh)) if self.fresh else F.lit(False)
        listed = rows.select(*named, *lineage, *values).dropna(subset=keys)
        names = [value for value in listed.columns if value not in (*keys, "arrived", "file_id", "line")]
        if lookup.keep == "all":
            plain = [F.col(quoted(value)).alias(f"value_{place}") for place, value in enumerate(names)]
            every = F.struct("arrived", "file_id", "line", *plain).alias(
                "row"
            )  # a dot in a field's name would be a path
            grouped = listed.select(*keys, every, fresh.alias("fresh")).groupBy(*keys)
            found = grouped.agg(F.array_sort(F.collect_list("row")).alias("rows"), F.max("fresh").alias("fresh"))
            columns = [F.col(f"rows.value_{place}").alias(value) for place, value in enumerate(names)]
        else:
            order = [F.desc(c) if lookup.keep == "newest" else F.asc(c) for c in ("arrived", "file_id", "line")]
            place = F.row_number().over(Window.partitionBy(*keys).orderBy(*order))
            found = listed.withColumns({"place": place, "fresh": fresh}).where("place = 1")
            columns = [F.col(quoted(value)).alias(value) for value in names]
        partner = F.to_json(F.struct(*columns)).alias(partner_column(name))
        return found.select(*keys, partner, F.col("fresh").alias(f"{FRESH}{name}"))


def _key(value: Column) -> Column:
    return F.nullif(trimmed(value.cast("string")), F.lit(""))
