"""The models that check config/sources/NAME.yaml: where a source's data is, how it is written, what it must keep to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from jobs.config.sources.date_patterns import EPOCHS, compiled
from jobs.config.sources.deliveries import Changes, History
from jobs.config.sources.formats import Format
from jobs.config.sources.full_names import with_full_names
from jobs.config.sources.inner_rows import Each, Pairs
from jobs.config.sources.merges import PUBLISHED, with_merges
from jobs.config.sources.places import Query, Ready, Request
from jobs.config.sources.row_rules import BuiltIn, Rule, Scalar
from jobs.config.sources.rows_of_files import refuse_parts, with_rows_by_key, with_wholes
from jobs.config.sources.trust_given import Trust
from jobs.config.yaml_files import Strict, nearest
from jobs.lake.tables.canonical import CANONICAL, UNMAPPED

ARRIVED = "_arrived"
"""Where each row tells one column of a record: the day its file arrived, as a column of the row."""
UPDATED = "updated_at"
"""The moment of a version. A source that tells none maps none: a version is as of its arrival then."""
LOOKUP = "__"
"""Between the names of a dataset and of its lookup, where files and tables are named."""


class Conventions(Strict):
    """How a dataset writes numbers, dates and nothing, where it differs from 1234.56 and ISO 8601."""

    decimal: Literal[".", ","] | None = Field(
        None, description="decimal mark; with it, separators of thousands and currency signs are understood too"
    )
    dates: list[str] = Field(
        [], description="date patterns such as dd-MM-yyyy HH:mm, or seconds since 1970; tried in order after ISO 8601"
    )
    timezone: str | None = Field(None, description="zone of timestamps without one; default: the source's")

    @field_validator("dates")
    @classmethod
    def _known_patterns(cls, value: list[str]) -> list[str]:
        for pattern in value:
            if pattern not in EPOCHS:
                compiled(pattern)
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return None if value is None else known_zone(value)


class Value(Conventions):
    """How one column gets its value. In YAML a text alone is its `from`. Conventions win over the dataset's."""

    expression: str = Field(alias="from", description="source column, or Spark SQL expression over source columns")
    values: dict[str, Scalar | None] = Field({}, description="source value to canonical value; others stay as they are")
    type: Literal["text", "number", "boolean", "date", "timestamp"] | None = Field(
        None, description="type of an attribute; a canonical column has its own"
    )

    @field_validator("values", mode="before")
    @classmethod
    def _keys_are_text(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        for key in given:
            if key is None or isinstance(key, bool):
                raise ValueError("put values such as yes, no, on, off and null in quotes")
        return {str(key): value for key, value in given.items()}


class Lookup(Strict):
    """Another file of the source, of which a dataset takes columns: NAME.column in its expressions."""

    files: str = Field(min_length=1, description="pattern of its files, as `files` of a dataset")
    format: Format = Format()
    ready: Ready = Ready()
    where: str = Field("", description="Spark SQL condition over its columns: the rows that count")
    on: dict[str, str] = Field(
        min_length=1, description="its column to the expression over the dataset's row, or an earlier lookup, it equals"
    )
    keep: Literal["newest", "first", "all"] = Field(
        "newest", description="of several rows the one that arrived last or first, or all: each column is a JSON list"
    )

    def as_dataset(self, columns: Iterable[str]) -> SourceDataset:
        """What ingest reads of it: its keys, and the columns that are used."""
        used = {column: {"from": column} for column in dict.fromkeys([*self.on, *columns])}
        given = {"files": self.files, "format": self.format, "ready": self.ready, "where": self.where}
        return SourceDataset.model_validate({**given, "columns": used})


class SourceDataset(Strict):
    """One dataset of a source: where its records are, and how their columns become canonical columns."""

    files: str = Field("", description="pattern of its files: * ? ** and {day}, such as {day}/contacts*.csv.gz")
    query: Query | None = Field(None, description="instead of `files`: rows of a PostgreSQL database")
    request: Request | None = Field(None, description="instead of `files`: records of an HTTP API")
    format: Format = Format()
    conventions: Conventions = Conventions()
    ready: Ready = Ready()
    each: Each | None = Field(None, description="a row per item of a list, per field of an object, or per column")
    pairs: Pairs | None = Field(None, description="each row tells one column of a record, by name and value")
    where: str = Field("", description="Spark SQL condition over source columns: the rows of its files that it takes")
    deleted_when: str = Field("", description="Spark SQL condition over source columns: the record ends here")
    absent: Literal["keep", "empty"] | None = Field(
        None, description="what a record lacks: keep the value of the version before (default in JSON), or empty"
    )
    changes_without_date: Literal["arrival", "ignore"] = Field(
        "arrival",
        description="a row of a known record with other values and no later date: a version as of its arrival, or told",
    )
    all_rows_of: str = Field(
        "", description="order_id or response_id: a delivery has all rows with one value of it; what it lacks has ended"
    )
    known: Literal["arrival", "event_time"] | None = Field(
        None,
        description="from when on a row counts as known on past days, which models learn from: the day it arrived, or "
        "its own time; default: its own time if it came on the first day of the dataset, else its arrival",
    )
    lookups: dict[str, Lookup] = Field({}, description="other files of the source, by the name they have here")
    columns: dict[str, Value]
    attributes: dict[str, Value] = {}
    required: list[str] = Field([], description="source columns a file must have; default: those `columns` names")
    changes: Changes = Changes()
    history: History = History()
    rules: list[Rule] = []
    built_in: dict[str, BuiltIn] = Field({}, description="rules of the dataset's suite by name, such as total:between")

    def conventions_of(self, value: Value) -> Conventions:
        """How one of its columns is written: what the column says itself, and for the rest the dataset."""
        own = {name: getattr(value, name) for name in Conventions.model_fields if name in value.model_fields_set}
        return self.conventions.model_copy(update=own)

    @field_validator("columns", "attributes", mode="before")
    @classmethod
    def _text_is_from(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: {"from": value} if isinstance(value, str) else value for name, value in given.items()}

    @field_validator("columns")
    @classmethod
    def _not_empty(cls, value: dict[str, Value]) -> dict[str, Value]:
        if not value:
            raise ValueError("map at least the key columns")
        for name, column in value.items():
            if column.type is not None:
                raise ValueError(f"{name}: leave out `type`, a canonical column has its own")
        return value

    @field_validator("lookups")
    @classmethod
    def _plain_names(cls, value: dict[str, Lookup]) -> dict[str, Lookup]:
        for name in value:
            if not re.fullmatch("[a-z][a-z0-9_]*", name) or LOOKUP in name:
                raise ValueError(f"{name}: name a lookup in lower-case letters, digits and single underscores")
        return value

    @model_validator(mode="before")
    @classmethod
    def _pairs_without_time(cls, given: Any) -> Any:
        """A pair without a time counts from the day it arrived."""
        columns = given.get("columns") if isinstance(given, dict) and given.get("pairs") else None
        return {**given, "columns": {"updated_at": ARRIVED, **columns}} if isinstance(columns, dict) else given

    @model_validator(mode="after")
    def _one_row_or_several(self) -> SourceDataset:
        if self.each and self.pairs:
            raise ValueError("give `each` or `pairs`: rows inside a row, or rows that are a column of a record")
        if self.pairs and self.absent == "empty":
            raise ValueError("leave out `absent: empty`: each of `pairs` tells one column, and would empty all others")
        return self

    @model_validator(mode="after")
    def _one_place(self) -> SourceDataset:
        if (self.query is not None) + (self.request is not None) + (bool(self.files) and not self.pulled) != 1:
            raise ValueError("give one of `files`, `query` and `request`")
        return self

    @property
    def nested(self) -> bool:
        """Whether `a.b` in its expressions is field b inside a; `_parent.b` is column b around an item."""
        return not self.format.delimited or self.each is not None

    @property
    def keeps_absent(self) -> bool:
        """Whether a later version that lacks a column says nothing of it: so it is, unless said, in JSON."""
        by_default = self.pairs is not None or self.format.type in ("jsonl", "json")
        return self.absent == "keep" or (self.absent is None and by_default)

    @property
    def merges_of_attributes(self) -> dict[str, str]:
        """The expressions that tell of merges and were written as attributes, and the canonical columns they fill."""
        attributes = {value.expression for value in self.attributes.values()}
        columns = {self.columns[name].expression: name for name in PUBLISHED if name in self.columns}
        return {expression: name for expression, name in columns.items() if expression in attributes}

    @property
    def patterns(self) -> list[str]:
        """The patterns of its files and of those of its lookups."""
        return [self.files, *(lookup.files for lookup in self.lookups.values())]

    @property
    def pulled(self) -> bool:
        """Whether the dataset is pulled from a database or an API; what was pulled lands as files."""
        return self.query is not None or self.request is not None


class Source(Strict):
    """config/sources/NAME.yaml: one system the company's data comes from."""

    source: str = Field(pattern="^[a-z][a-z0-9_]*$")
    group: str = Field(pattern="^[a-z][a-z0-9_]*$", description="sources loaded by one DAG, ingest_GROUP; any word")
    folder: str = Field(
        "", description="folder below the landing root, or s3://bucket/prefix; default: the source's name"
    )
    connection: str = Field("", description="Airflow connection of the S3 bucket, database or API")
    ids_of: str = Field(
        "", description="source whose contact ids its own are: id 7 of both is one person; default: ids are its own"
    )
    timezone: str | None = Field(None, description="zone of timestamps without one; default: the company's")
    trust: Trust = Trust()
    datasets: dict[str, SourceDataset]

    @property
    def inputs(self) -> list[str]:
        """Names of all that is read from its files: datasets, and the lookups of each."""
        of = self.datasets.items()
        return [*self.datasets, *(f"{name}{LOOKUP}{lookup}" for name, dataset in of for lookup in dataset.lookups)]

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return None if value is None else known_zone(value)

    @model_validator(mode="after")
    def _canonical_columns(self) -> Source:
        for name, dataset in self.datasets.items():
            if name not in CANONICAL:
                raise ValueError(f"datasets.{name}: unknown dataset{nearest(name, CANONICAL)}")
            target = CANONICAL[name]
            valid = set(target.column_names) - set(UNMAPPED)
            if dataset.deleted_when and not target.versions:
                raise ValueError(f"datasets.{name}: `deleted_when` is for records that come in versions; use `where`")
            if dataset.pairs and "updated_at" not in target.key:
                raise ValueError(f"datasets.{name}: `pairs` is for datasets with `updated_at`")
            if "changes_without_date" in dataset.model_fields_set and not target.versions:
                raise ValueError(f"datasets.{name}: `changes_without_date` is for records that come in versions")
            for column in dataset.columns:
                if column not in valid:
                    others = [one for one in valid if one not in dataset.columns]
                    raise ValueError(f"datasets.{name}.columns.{column}: unknown column{nearest(column, others)}")
            refuse_parts(name, dataset.all_rows_of)
            dated = {UPDATED} if dataset.changes_without_date == "arrival" else set()
            missing = [one for one in target.needed if one not in dated and one not in dataset.columns]
            if missing:
                told = "key column" if missing[0] in target.key else "no row is valid without it: column"
                raise ValueError(f"datasets.{name}.columns: {told} {missing[0]!r} is missing; map it")
        return self

    @field_validator("folder")
    @classmethod
    def _folder_or_bucket(cls, value: str) -> str:
        if "://" in value and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+(/.*)?", value):
            raise ValueError(f"{value!r} is not s3://bucket/prefix; other places are not read")
        if "://" not in value and (value.startswith("/") or ".." in value.split("/")):
            raise ValueError(f"{value!r} is not below the landing root; name a folder in it, or s3://bucket/prefix")
        return value

    @model_validator(mode="before")
    @classmethod
    def _pulls_land_as_files(cls, given: Any) -> Any:
        """A pulled dataset lands as JSON lines: from there on it is like any other."""
        given = with_full_names(with_merges(with_wholes(with_rows_by_key(given))))
        if not isinstance(given, dict) or not isinstance(given.get("datasets"), dict):
            return given
        datasets = dict(given["datasets"])
        for name, dataset in datasets.items():
            if isinstance(dataset, dict) and "ids_of" in dataset:
                raise ValueError(
                    f"datasets.{name}.ids_of: it is about a whole source, beside `source:`; if it is about this "
                    "dataset only, make a source of its own of it, on the same `folder`"
                )
            if isinstance(dataset, dict) and (dataset.get("query") or dataset.get("request")):
                own = {"files", "format", "ready"} & set(dataset)
                if own:
                    raise ValueError(f"datasets.{name}: leave out {min(own)!r}: what is pulled lands as JSON lines")
                landed = {"files": f"{{day}}/{name}-*.jsonl.gz", "format": {"type": "jsonl"}}
                datasets[name] = {**dataset, **landed}
        return {**given, "datasets": datasets}

    @model_validator(mode="after")
    def _pulls_have_a_connection(self) -> Source:
        pulled = {name: dataset for name, dataset in self.datasets.items() if dataset.pulled}
        for name in pulled:
            if not self.connection:
                raise ValueError(f"datasets.{name}: a query or request needs the source's `connection`")
            if "://" in self.folder:
                raise ValueError(f"datasets.{name}: `folder` is a place of files; pull in a source of its own")
        if len({dataset.query is None for dataset in pulled.values()}) > 1:
            raise ValueError("a source has one connection: make two sources of its queries and its requests")
        return self


def known_zone(value: str) -> str:
    """`value`; raises ValueError if no time zone has that name."""
    try:
        ZoneInfo(value)
    except Exception:
        raise ValueError(f"unknown time zone {value!r}; use a name such as Europe/Amsterdam") from None
    return value
