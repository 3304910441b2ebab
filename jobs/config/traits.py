"""config/traits.yaml: every number and fact computed per customer, whoever uses it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from jobs.config.sql.guard import words
from jobs.config.yaml_files import Strict, nearest
from jobs.lake.tables import catalogue
from jobs.lake.tables.contract import Column, Dataset, extended

ROWS: dict[str, Dataset] = {table.short_name: table for table in catalogue.DATASETS.values() if table.moment}
ROWS["contacts"] = replace(catalogue.get("valid/contacts"), moment="updated_at")
"""What traits can be computed over: every table whose rows happened at a moment; contacts, when they were written."""
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
Type = Literal["bigint", "double", "decimal(18,2)", "string", "boolean", "date", "timestamp"]
TABLE = "profiles/traits"
FEATURES = "models/features"
NUMBERS = ("bigint", "double", "decimal(18,2)")
LEARNABLE = (*NUMBERS, "boolean", "string")
"""Types of traits that models can learn from."""
_DEFAULTS: dict[str, tuple[type, ...]] = {
    "bigint": (int,),
    "double": (int, float),
    "decimal(18,2)": (int, float),
    "string": (str,),
    "boolean": (bool,),
    "date": (dt.date,),
    "timestamp": (dt.datetime,),
}


class Rows(Strict):
    """What the company means by a word, such as `placed`: rows of one table that meet a condition."""

    over: str
    where: str


class Trait(Strict):
    """One value per customer: an aggregate over rows of the customer, or an expression over other traits."""

    title: str
    type: Type
    value: str = Field(
        description="with `over`: an expression of aggregates such as sum(total) / nullif(count(*), 0), latest(topic), "
        "most_frequent(department); without: an expression of other traits"
    )
    over: str | None = Field(
        None,
        description="whose rows: a dataset, contacts, sessions, touchpoints, carts, moments, or a name of `rows`; "
        "default: computed from other traits",
    )
    where: str | None = Field(None, description="condition on the rows; default: all rows of the window")
    days: int | None = Field(None, gt=0, description="window, its last day included; default: ever")
    ending_days_ago: int = Field(0, ge=0, description="days between the end of the window and the day itself")
    while_open: bool = Field(
        False, description="over touchpoints: a conversation counts until the day it is solved, and no longer"
    )
    default: Any = Field(None, description="the value where there is none, of the type; default: empty")
    _among: str | None = PrivateAttr(None)

    @property
    def among(self) -> str | None:
        """The condition of the named rows it is over; None if it is over a table."""
        return self._among

    @model_validator(mode="after")
    def _rows_or_traits(self) -> Trait:
        if self.over is None and (self.where is not None or self.days or self.ending_days_ago or self.while_open):
            raise ValueError("`where`, `days`, `ending_days_ago` and `while_open` pick rows: say `over` which table")
        return self

    @model_validator(mode="after")
    def _default_of_the_type(self) -> Trait:
        fits = _DEFAULTS[self.type]
        given = self.default
        wrong_kind = (isinstance(given, bool) and bool not in fits) or (
            isinstance(given, dt.datetime) and self.type == "date"
        )
        if given is not None and (wrong_kind or not isinstance(given, fits)):
            raise ValueError(f"default {given!r} is no {self.type}")
        return self


class Traits(Strict):
    """config/traits.yaml: what is computed per customer, by name. A company without the file has no traits."""

    rows: dict[Name, Rows] = {}
    traits: dict[Name, Trait] = {}

    @model_validator(mode="after")
    def _over_what_there_is(self) -> Traits:
        for name, rows in self.rows.items():
            if name in ROWS:
                raise ValueError(f"rows.{name}: there is a table of that name; choose another")
            if rows.over not in ROWS:
                raise ValueError(f"rows.{name}.over: unknown table {rows.over!r}{nearest(rows.over, ROWS)}")
        for name, trait in self.traits.items():
            if trait.over is not None and trait.over not in ROWS and trait.over not in self.rows:
                known = nearest(trait.over, [*ROWS, *self.rows])
                raise ValueError(f"traits.{name}.over: unknown table or name of `rows` {trait.over!r}{known}")
            table = self.rows[trait.over].over if trait.over in self.rows else trait.over
            if trait.while_open and table != "touchpoints":
                raise ValueError(f"traits.{name}.while_open: conversations are rows of touchpoints, not of {table}")
        return self

    def over_tables(self) -> dict[str, Trait]:
        """The traits, each over a table: those over named rows have the condition of these as `among`."""
        found = {}
        for name, trait in self.traits.items():
            rows = self.rows.get(trait.over or "")
            found[name] = trait.model_copy(update={"over": rows.over}) if rows else trait
            found[name]._among = rows.where if rows else None
        return found


def trait_columns(traits: dict[str, Trait]) -> tuple[Column, ...]:
    """Traits as columns of a table, in the order of the file."""
    return tuple(Column(name, trait.type, trait.title) for name, trait in traits.items())


def trait_table(traits: dict[str, Trait]) -> Dataset:
    """profiles/traits of a company that has these traits."""
    return extended(catalogue.get(TABLE), trait_columns(traits))


def feature_table(traits: Mapping[str, Trait], features: Iterable[str]) -> Dataset:
    """models/features of a company whose models learn from these traits: numbers, and categories as text."""
    columns = tuple(Column(name, feature_type(traits[name]), traits[name].title) for name in features)
    return extended(catalogue.get(FEATURES), columns)


def feature_type(trait: Trait) -> str:
    """How models/features keeps a trait: text is a category, all else a number, of true and false 1 and 0."""
    return "string" if trait.type == "string" else "double"


def needed(names: Iterable[str], traits: Mapping[str, Trait]) -> list[str]:
    """These traits and all they are computed from, in the order of the file; unknown names are left out."""
    found: set[str] = set()
    waiting = [name for name in names if name in traits]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            if traits[name].over is None:
                waiting += [text for kind, text in words(traits[name].value) if kind == "word" and text in traits]
    return [name for name in traits if name in found]
