"""What `each` and `pairs` of a dataset in config/sources/ may say: rows inside a row of a file, and rows that are a
column of a record."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field, model_validator

from jobs.config.yaml_files import Strict

PLACEHOLDERS = {"n": r"(?P<n>\d+)", "field": "(?P<field>.+?)", "name": "(?P<name>.+)"}


class Each(Strict):
    """Several rows of a dataset inside one row of a file. In YAML a text alone is its `items`."""

    items: str = Field("", description="column, or field of a record, that holds a list: a row per item")
    separator: str = Field("", description="between the items of a text that is no JSON, such as ; in red;blue")
    fields: str = Field("", description="column, or field of a record, that holds an object: a row per field")
    columns: str = Field(
        "", description="columns side by side: a row each of q{n} or score_{name}, or of item_{n}_{field}"
    )

    @model_validator(mode="before")
    @classmethod
    def _text_is_items(cls, given: Any) -> Any:
        return {"items": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one_kind(self) -> Each:
        if [bool(self.items), bool(self.fields), bool(self.columns)].count(True) != 1:
            raise ValueError("give one of `items`, `fields` and `columns`")
        if self.separator and not self.items:
            raise ValueError("`separator` divides the text in `items`; name its column there")
        if self.columns:
            found = re.findall(r"\{(\w*)\}", self.columns)
            unknown = [name for name in found if name not in PLACEHOLDERS]
            if unknown or len(set(found)) < len(found):
                raise ValueError("columns: write each of {n} (a number), {name} and {field} once at most")
            if not {"n", "name"} & set(found):
                raise ValueError("columns: write {n} or {name} where their names differ, such as q{n}")
        return self

    @property
    def held_in(self) -> str:
        """The column or field that holds the rows; none for columns side by side."""
        return self.items or self.fields

    @property
    def pattern(self) -> str:
        """A regular expression for the names of `columns`."""
        parts = re.split(r"\{(\w+)\}", self.columns)
        return "".join(PLACEHOLDERS[part] if place % 2 else re.escape(part) for place, part in enumerate(parts))


class Pairs(Strict):
    """Rows that each tell one column of a record: its name, and its value from then on."""

    key: str = Field(min_length=1, description="column with the name of what is told")
    value: str = Field(min_length=1, description="column with its value; empty means that it has none any more")
