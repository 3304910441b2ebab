"""What a table is: its grain, key, columns and what they mean, as Spark and Arrow schemas."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql.types import StructType

Scope = Literal["append", "state", "day"]
"""How a table grows: `append` only adds keys, `state` is replaced as a whole, `day` is replaced day by day."""


@dataclass(frozen=True)
class Column:
    """One column. `type` is a Spark SQL type; `personal` marks data that identifies a person, `needed` what a source
    must map beside the key: a row without it is never valid."""

    name: str
    type: str
    meaning: str
    personal: bool = False
    needed: bool = False


@dataclass(frozen=True)
class Dataset:
    """One table: `grain` says what a row is, `key` the columns that make a row unique."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    scope: Scope = "append"
    day_column: str | None = None
    open: bool = False  # the configuration adds columns
    moment: str | None = None
    """The column that says when a row happened; None if its rows are no happenings."""
    id: str | None = None
    """The column that names a record, unique together with `source`."""
    versions: bool = False
    """Whether a record comes in versions, of which the newest by `version_at` counts."""
    whole: str | None = None
    """The column of `record` that names what records are parts of, which a source may deliver as a whole."""

    @property
    def zone(self) -> str:
        return self.name.split("/")[0]

    @property
    def short_name(self) -> str:
        return self.name.split("/")[1]

    @property
    def record(self) -> tuple[str, ...]:
        """The columns that name a record within its source: the key, without the moment of a version."""
        own = tuple(name for name in self.key if name != "source")
        return own[:-1] if self.versions else own

    @property
    def together(self) -> tuple[str, ...]:
        """The columns of records that are looked at together: a whole, or a record alone."""
        return (self.whole,) if self.whole else self.record

    @property
    def version_at(self) -> str:
        """Of records in versions, the column that says when a version was written: the last of the key."""
        return self.key[-1]

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that a source must map: those of the key, and those no row is valid without."""
        return (*(name for name in self.key if name != "source"), *(c.name for c in self.columns if c.needed))

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]

    def ddl(self) -> str:
        """The columns as a Spark SQL schema string."""
        return ", ".join(f"`{column.name}` {column.type}" for column in self.columns)

    def spark_schema(self) -> StructType:
        from pyspark.sql import types as T

        return T.StructType([T.StructField(c.name, _spark_type(c.type), True) for c in self.columns])

    def arrow_schema(self) -> pa.Schema:
        import pyarrow as pa

        return pa.schema([pa.field(c.name, _arrow_type(c.type), True) for c in self.columns])


def _spark_type(name: str):  # type: ignore[no-untyped-def]
    from pyspark.sql import types as T

    plain = {
        "string": T.StringType(),
        "int": T.IntegerType(),
        "bigint": T.LongType(),
        "double": T.DoubleType(),
        "boolean": T.BooleanType(),
        "date": T.DateType(),
        "timestamp": T.TimestampType(),
        "decimal(18,2)": T.DecimalType(18, 2),
    }
    if name.startswith("array<"):
        return T.ArrayType(_spark_type(name[6:-1]), True)
    return plain[name]


def _arrow_type(name: str) -> pa.DataType:
    import pyarrow as pa

    plain = {
        "string": pa.string(),
        "int": pa.int32(),
        "bigint": pa.int64(),
        "double": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "decimal(18,2)": pa.decimal128(18, 2),
    }
    if name.startswith("array<"):
        return pa.list_(_arrow_type(name[6:-1]))
    return plain[name]


def spark_type_name(type_: pa.DataType) -> str:
    """The Spark SQL type of an Arrow type that a table can have."""
    names = ("string", "int", "bigint", "double", "boolean", "date", "timestamp", "decimal(18,2)")
    return next(name for name in names if _arrow_type(name) == type_)


def columns(text: str) -> tuple[Column, ...]:
    """Parse one column a line: ``name type meaning``; after the name ``!`` marks a personal one, ``*`` a needed one."""
    parsed = []
    for line in text.strip().splitlines():
        name, type_, meaning = line.split(maxsplit=2)
        parsed.append(Column(name.rstrip("!*"), type_, meaning, personal="!" in name, needed=name.endswith("*")))
    return tuple(parsed)


def extended(dataset: Dataset, columns: tuple[Column, ...]) -> Dataset:
    """The dataset with further columns, each after those it has."""
    return replace(dataset, columns=(*dataset.columns, *columns))
