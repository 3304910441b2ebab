"""The models that check where a source's records come from: a database, an API, or files, and when these are whole."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from jobs.config.yaml_files import Strict, nearest

JSON_PATH = r"^(\[\]|[^.\[\]]+(\[\])?)(\.[^.\[\]]+(\[\])?)*$|^$"


class Query(Strict):
    """Rows of a PostgreSQL database, those that changed since the last pull."""

    table: str | None = Field(
        None, description='name as in the database, such as orders or crm.orders; quote a dot: "odd.name"'
    )
    query: str | None = Field(None, description="a SELECT; give this or `table`")
    incremental: str = Field(
        description="column that only grows as rows change: a date, a timestamp such as updated_at, or a number"
    )
    overlap_minutes: int = Field(
        10, ge=0, description="pull so much again: rows committed late; repeats are recognised. Not for numbers"
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Query:
        if (self.table is None) == (self.query is None):
            raise ValueError("give either `table` or `query`")
        if self.query is not None and not re.match(r"\s*(select|with|values|table)\b", self.query, re.IGNORECASE):
            raise ValueError("`query` must be a SELECT; it runs read only")
        if self.table is not None and not table_names(self.table):
            raise ValueError(f'{self.table!r} is not a table name; write table, schema.table or "odd.name"')
        return self


class Paging(Strict):
    """How an HTTP API hands out its pages."""

    type: Literal["none", "next_url", "cursor", "page", "offset", "link_header"] = "none"
    next: str = Field(
        "", pattern=JSON_PATH, description="where in the answer the next address or cursor is, such as pages.next"
    )
    done: str = Field(
        "", pattern=JSON_PATH, description="where in the answer true means the last page, such as end_of_stream"
    )
    parameter: str = Field("", description="query parameter of the cursor, page number or offset")
    first: int = Field(1, ge=0, description="number of the first page")
    size: int = Field(100, gt=0, description="records a page")
    size_parameter: str = Field("", description="query parameter of the page size; default: not sent")

    @model_validator(mode="after")
    def _complete(self) -> Paging:
        needed = {"next_url": ["next"], "cursor": ["next", "parameter"], "page": ["parameter"], "offset": ["parameter"]}
        for name in needed.get(self.type, []):
            if not getattr(self, name):
                raise ValueError(f"paging by {self.type} needs `{name}`")
        return self


class Request(Strict):
    """Records of an HTTP(S) JSON API. `path` and `parameters` may hold {since} and {until}: pull between these."""

    path: str = Field(description="below the connection's address, such as /v3/surveys/1/responses/bulk")
    parameters: dict[str, str] = {}
    records: str = Field(
        "", pattern=JSON_PATH, description="where the records are in an answer, such as data[]; default: its top"
    )
    paging: Paging = Paging()
    moment: Literal["iso", "seconds", "milliseconds", "date"] = Field("iso", description="how {since} and {until} look")
    overlap_minutes: int = Field(10, ge=0, description="pull so much again; repeats are recognised")
    timeout_minutes: int = Field(60, gt=0, description="give up a pull that takes longer")

    @field_validator("path")
    @classmethod
    def _below_the_connection(cls, value: str) -> str:
        if "://" in value or value.startswith("//") or "?" in value:
            raise ValueError("give the path only: the server is in the connection, the query in `parameters`")
        return value

    @model_validator(mode="after")
    def _known_moments(self) -> Request:
        for text in (self.path, *self.parameters.values()):
            for name in re.findall(r"\{(\w*)\}", text):
                if name not in ("since", "until"):
                    raise ValueError(f"unknown {{{name}}}{nearest(name, ('since', 'until'))}")
        return self


class Ready(Strict):
    """When a landed file is complete. Names such as .x, x.part and x.tmp are never read."""

    marker: str = Field("", description="file that must be there too, such as {file}.done or {folder}/_SUCCESS")
    quiet_seconds: int = Field(0, ge=0, description="seconds since the file changed last")

    @field_validator("marker")
    @classmethod
    def _of_each_file(cls, value: str) -> str:
        for name in re.findall(r"\{(\w*)\}", value):
            if name not in ("file", "folder"):
                raise ValueError(f"unknown {{{name}}}{nearest(name, ('file', 'folder'))}")
        if value == "{file}":
            raise ValueError("the marker is the file itself; give another name, such as {file}.done")
        return value


def table_names(text: str) -> list[str]:
    """The parts of schema.table, of which each may be in double quotes; empty if it is no table name."""
    part = r'"(?:[^"]|"")+"|[^".]+'
    if not re.fullmatch(rf"(?:{part})(?:\.(?:{part}))?", text):
        return []
    return [name[1:-1].replace('""', '"') if name.startswith('"') else name for name in re.findall(part, text)]
