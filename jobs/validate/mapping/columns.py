"""From raw records to the columns of a canonical dataset, by the expressions of `config/sources/`.

A record is parsed once. A value that is there but does not become the type of its column is never dropped in
silence: the column's name goes to `unreadable_columns`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from expectations.batch_columns import ROUNDED, UNREADABLE
from jobs.config.sources.source import SourceDataset, Value
from jobs.config.yaml_files import ConfigError
from jobs.ingest.complaints import complaint
from jobs.ingest.expressions import Expression, parse
from jobs.lake.tables.canonical import CANONICAL, LINEAGE_COLUMNS, PERSON_COLUMNS, UNMAPPED
from jobs.validate.mapping.attributes import with_typed
from jobs.validate.mapping.hashed_emails import hashes_apart
from jobs.validate.mapping.held import Held, made_of, with_values
from jobs.validate.mapping.inner_rows import ITEM, expanded
from jobs.validate.mapping.parsed import ROW, parsed, quoted
from jobs.validate.mapping.records import ABSENT, lacking
from jobs.validate.mapping.values import BLANKS

WAITS, AWAITED = "waits_", "lookups_awaited"
"""Before a lookup's name, in a raw row: whether its partner is awaited; and the names of those, in a mapped row."""
DELETED = "deleted_"
"""Whether the condition of `deleted_when` holds for a row."""


@dataclass(frozen=True)
class Mapping:
    """How one dataset of one source becomes canonical.

    `zone` is the time zone of timestamps that carry none, `place` where the mapping is written. Of `stopping` the
    expressions are not tried: their values are unreadable.
    """

    name: str
    dataset: SourceDataset
    zone: str
    place: str = "columns"
    stopping: frozenset[str] = frozenset()

    @property
    def nested(self) -> bool:
        return self.dataset.nested

    def held(self) -> list[Held]:
        """The mapped values, in the order of the dataset's columns, and then the attributes."""
        columns = CANONICAL[self.name].columns
        found = [
            self._held(c.name, c.name, c.type, self.dataset.columns[c.name])
            for c in columns
            if c.name in self.dataset.columns
        ]
        for name, value in self.dataset.attributes.items():
            found.append(self._held(name, f"attributes.{name}", value.type, value))
        return found

    @property
    def inner(self) -> bool:
        """Whether its rows are made of raw rows, see jobs/validate/mapping/inner_rows.py."""
        return self.dataset.each is not None or self.dataset.pairs is not None

    @property
    def presence(self) -> bool:
        """Whether it matters which columns a record has."""
        return self.dataset.keeps_absent and self.name in CANONICAL and "absent" in CANONICAL[self.name].column_names

    @property
    def deleted(self) -> Expression | None:
        """The condition by which a record ends; None if there is none."""
        if not self.dataset.deleted_when.strip():
            return None
        try:
            return parse(self.dataset.deleted_when, self.nested)
        except ConfigError as error:
            raise ConfigError(f"{self.place}.deleted_when: {problem}" for problem in error.problems) from None

    def without(self, labels: Iterable[str]) -> Mapping:
        """The same mapping where the expressions of `labels` are not tried."""
        return replace(self, stopping=frozenset(labels))

    def sources(self) -> dict[str, str]:
        """What each mapped column, or attributes.NAME, is made of: its source columns, separated by commas."""
        return {one.label: ", ".join(made_of(one.expression)) or one.label for one in self.held()}

    def _held(self, name: str, label: str, type_: str | None, value: Value) -> Held:
        conventions = self.dataset.conventions_of(value)
        zone = conventions.timezone or self.zone
        try:
            every = name in PERSON_COLUMNS and name.endswith("_id")
            expression = parse(value.expression, self.nested, lookups=self.dataset.lookups, every=every)
        except ConfigError as error:
            raise ConfigError(f"{self.place}.{label}: {problem}" for problem in error.problems) from None
        return Held(name, label, type_, expression, value.values, conventions, zone)


def mapped(raw: DataFrame, mapping: Mapping) -> DataFrame:
    """One row per raw row that the dataset takes: all columns of `valid/<name>`, `record`, and what is told of values.

    Raises ConfigError naming each expression that the engine does not understand.
    """
    held = [one for one in mapping.held() if one.label not in mapping.stopping]
    rows = taken(raw, mapping, held)
    valued = rows.transform(_valued, held, mapping)
    kinds = _kinds(rows, valued, held, mapping.place)
    read_here = [one for one in held if not one.plain]
    typed = {one.label: one.typed for one in read_here}
    valued = with_values(valued, [(one, kinds[f"value_{one.label}"]) for one in read_here])
    unreadable = [
        F.when(one.given(kinds[f"value_{one.label}"]) & one.typed.isNull(), F.lit(one.label))
        for one in read_here
        if one.type not in (None, "text", "string")
    ]
    unreadable += [F.lit(label) for label in sorted(mapping.stopping)]
    inner = [F.col(f"{ROW}.{ITEM}").alias(ITEM)] if mapping.inner else []
    if mapping.dataset.each:
        unreadable.append(F.when(F.col(f"{ROW}.{ITEM}") == 0, F.lit("each")))
    canonical = typed | hashes_apart(typed)
    columns = [
        (canonical[c.name] if c.name in canonical else F.lit(None).cast(c.type)).alias(c.name)
        for c in CANONICAL[mapping.name].columns
        if c.name not in UNMAPPED
    ]
    columns += _of_version(mapping, held)
    attributes = with_typed([(one.name, one.type, typed[one.label]) for one in read_here if one.attribute])
    lineage = [F.col(f"{ROW}.{name}").alias(name) for name in (*LINEAGE_COLUMNS, "record")]
    amounts = [one for one in read_here if one.type == "decimal(18,2)"]
    rounded = [F.when(one.rounded(kinds[f"value_{one.label}"]), F.lit(one.label)) for one in amounts]
    awaited = [name for name in mapping.dataset.lookups if f"{WAITS}{name}" in raw.columns]
    waiting = [F.when(F.col(f"{ROW}.{WAITS}{name}"), F.lit(name)) for name in awaited]
    told = [_listed(unreadable).alias(UNREADABLE), _listed(rounded).alias(ROUNDED), _listed(waiting).alias(AWAITED)]
    return valued.select(*columns, attributes.alias("attributes"), *lineage, *inner, *told)


def _listed(names: list[Column]) -> Column:
    """Those that are there, comma-separated; NULL if none is."""
    return F.nullif(F.concat_ws(",", *names), F.lit("")) if names else F.lit(None).cast("string")


def _kinds(parsed: DataFrame, valued: DataFrame, held: list[Held], place: str) -> dict[str, T.DataType]:
    """The types that the expressions give."""
    try:
        return {field.name: field.dataType for field in valued.schema.fields}
    except PySparkException as error:
        problems = []
        for one in held:
            sql = one.expression.sql
            try:
                parsed.select(F.expr(sql)).schema  # noqa: B018  the engine looks at it when asked its type
            except PySparkException as problem:
                problems.append(
                    f"{place}.{one.label}: the engine does not understand {sql!r}: {complaint(problem, sql)}"
                )
        raise ConfigError(problems or [f"{place}: {error}"]) from None


def taken(raw: DataFrame, mapping: Mapping, held: list[Held]) -> DataFrame:
    """The rows that the dataset takes, parsed: the raw row, and what the values read of it and of its partners."""
    reads = dict(read for one in held for read in one.expression.reads)
    partners = list(dict.fromkeys(partner for one in held for partner in one.expression.partners))
    dataset = mapping.dataset
    try:
        if mapping.deleted:
            reads |= dict(mapping.deleted.reads)
        rows = parsed(
            expanded(raw, dataset),
            reads,
            dataset.format,
            partners,
            dataset.lookups,
            dataset.where,
            mapping.presence,
            dataset.nested,
        )
        rows.schema  # noqa: B018  the engine looks at the condition when asked
    except ConfigError as error:
        raise ConfigError(f"{mapping.place}.where: {problem}" for problem in error.problems) from None
    except PySparkException as error:
        problem = f"the engine does not understand {dataset.where!r}: {complaint(error, dataset.where)}"
        raise ConfigError([f"{mapping.place}.where: {problem}"]) from None
    return rows


def _of_version(mapping: Mapping, held: list[Held]) -> list[Column]:
    """The columns of records that come in versions."""
    if "deleted" not in CANONICAL[mapping.name].column_names:
        return []
    absent = F.lit(None).cast("string")
    if mapping.presence:
        apart = mapping.dataset.pairs is not None  # of attributes too, each is told by itself
        # What a partner in a lookup may tell is not absent, whatever the record lacks.
        own = [(one, () if one.expression.partners else one.expression.reads) for one in held]
        reads = [(one.label if apart or not one.attribute else "attributes", read) for one, read in own]
        reads += [("deleted", mapping.deleted.reads)] if apart and mapping.deleted else []
        absent = _listed([F.when(lacks, F.lit(name)) for name, lacks in lacking(reads).items()])
    deleted = F.lit(None).cast("boolean")
    if mapping.deleted:
        deleted = F.when(F.col(DELETED), F.lit(True))
    dated = [F.lit(None).cast("timestamp").alias("delivery"), F.lit(None).cast("boolean").alias("undated")]
    return [absent.alias("absent"), deleted.alias("deleted"), *dated]


def _valued(parsed: DataFrame, held: list[Held], mapping: Mapping) -> DataFrame:
    """What each expression gives, and whether a source column it reads is filled; plain attributes as JSON."""
    columns: list[Column] = [F.col(ROW)]
    columns += [F.col(ABSENT)] if mapping.presence else []
    columns += [F.expr(mapping.deleted.sql).cast("boolean").alias(DELETED)] if mapping.deleted else []
    plain = []
    for one in held:
        sql = one.expression.sql
        if one.plain:
            plain.append(
                F.expr(f"nullif(btrim({sql}, '{BLANKS}'), '')" if one.expression.bare else sql).alias(one.name)
            )
            continue
        columns.append(F.expr(sql).alias(f"value_{one.label}"))
        columns.append(F.expr(_any_filled(one.expression)).alias(f"given_{one.label}"))
    attributes = F.nullif(F.to_json(F.struct(*plain)), F.lit("{}")) if plain else F.lit(None).cast("string")
    return parsed.select(*columns, attributes.alias("attributes"))


def _any_filled(expression: Expression) -> str:
    names = [*(name for name, _ in expression.reads), *(name for name, _, _ in expression.partners)]
    filled = [f"coalesce(btrim({quoted(name)}, '{BLANKS}'), '') <> ''" for name in names]
    return " or ".join(filled) or "false"
