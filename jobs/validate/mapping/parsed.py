"""Raw rows with what expressions read of them: columns and fields of the record, and columns of its partners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.config.sources.formats import Format
from jobs.config.sources.source import Lookup
from jobs.ingest.expressions import Path, parse
from jobs.validate.mapping.inner_rows import EMPTY, ITEM
from jobs.validate.mapping.records import ABSENT, flattened
from jobs.validate.mapping.values import trimmed

ROW = "raw_"
"""Struct of the raw row, so that no source column can clash with it."""


def partner_column(lookup: str) -> str:
    """The column that holds what the partner of a row in a lookup has, as a JSON object."""
    return f"partner_{lookup}"


def parsed(
    raw: DataFrame,
    reads: Mapping[str, Path],
    form: Format,
    partners: Iterable[tuple[str, str, Path]] = (),
    lookups: Mapping[str, Lookup] | None = None,
    where: str = "",
    presence: bool = False,
    nested: bool | None = None,
) -> DataFrame:
    """The raw row as one struct, beside what is read of it, as text; `nulls` of a format mean no value.

    `reads` are columns with the way to each in the record, `partners` columns of lookups. Where a row has no partner,
    they are NULL. Only rows for which `where` holds are given; with `presence` ABSENT says which columns a record does
    not have. `nested` tells of records that have columns inside columns, by default those of formats that do. Raises
    ConfigError if `where` is no condition.
    """
    nested = not form.delimited if nested is None else nested
    condition = parse(where, nested, lookups=lookups or ()) if where.strip() else None
    reads = {**reads, **dict(condition.reads if condition else ())}
    partners = list(dict.fromkeys([*partners, *(condition.partners if condition else ())]))
    flat = presence or nested
    ways = reads if nested else {name: way[:1] for name, way in reads.items()}
    record = flattened(F.col("record"), ways) if flat else F.col("record")
    fields = {name: name if flat else str(way[0]) for name, way in reads.items()}
    fields |= {ABSENT: ABSENT} if presence else {}
    objects = {"row_": F.from_json(record, _ddl(dict.fromkeys(fields.values())))} if fields else {}
    columns = {name: _known("row_", field, form) for name, field in fields.items()}
    for name, lookup, _ in partners:
        held = partner_column(lookup)
        mine = dict.fromkeys(other for other, owner, _ in partners if owner == lookup)
        there = F.col(held) if held in raw.columns else F.lit(None).cast("string")
        objects[f"of_{lookup}"] = F.from_json(there, _ddl(mine))
        value = _known(f"of_{lookup}", name, (lookups or {})[lookup].format)
        columns[name] = F.nullif(value, F.lit(""))  # no value, so that coalesce goes on to the next
    whole = F.struct(*(quoted(column) for column in raw.columns)).alias(ROW)
    told = raw.select(whole, *(value.alias(name) for name, value in objects.items()))
    found = told.select(ROW, *(column.alias(name) for name, column in columns.items()))
    return found.where(_taken(F.expr(condition.sql), raw)) if condition else found


def _taken(condition: Column, raw: DataFrame) -> Column:
    """Rows for which the condition holds, and those that stand for a line whose list is none: it is about items.

    For a line without items the condition holds unless what is around them says otherwise.
    """
    if ITEM not in raw.columns:
        return condition
    item = F.col(f"{ROW}.{ITEM}")
    return condition | (item == 0) | ((item == EMPTY) & condition.isNull())


def quoted(name: str) -> str:
    """A column's name as the engine takes any."""
    return "`" + name.replace("`", "``") + "`"


def _known(held: str, name: str, form: Format) -> Column:
    value = F.col(f"{held}.{quoted(name)}")
    return F.when(~trimmed(value).isin(*form.nulls), value) if form.nulls else value


def _ddl(names: Iterable[str]) -> str:
    return ", ".join(f"{quoted(name)} string" for name in names)
