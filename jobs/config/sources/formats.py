"""The models of how files are written, and of how much of one is read."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from jobs.config.yaml_files import Strict


class Format(Strict):
    """How a file is written. Compression (gzip, zip, zstd) is recognised by the end of its name."""

    type: Literal["csv", "tsv", "jsonl", "json", "parquet", "avro"] = "csv"
    delimiter: str = Field(",", min_length=1, max_length=1, description="between two fields; default for tsv: a tab")
    quote: str = Field('"', max_length=1, description="around a field; empty: fields are never quoted")
    escape: str = Field("", max_length=1, description="before a quote inside a quoted field; default: it is doubled")
    encoding: str = "utf-8"
    header: bool = Field(True, description="whether the first line names the columns")
    names: list[str] = Field([], description="names of the columns of a file without header, in order")
    skip_lines: int = Field(0, ge=0, description="lines before the header, such as a title")
    nulls: list[str] = Field([], description="texts that mean no value, such as NULL, N/A or \\N")
    records: str = Field(
        "", description="where the records of a JSON document are, such as data.items[] or [].turns[]; default: its top"
    )

    @property
    def delimited(self) -> bool:
        """Whether records are lines of fields: then every value is text, and no column has columns inside."""
        return self.type in ("csv", "tsv")

    @model_validator(mode="before")
    @classmethod
    def _tabs(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("type") == "tsv":
            return {"delimiter": "\t", **given}
        return given

    @field_validator("delimiter", "quote", "escape")
    @classmethod
    def _one_byte(cls, value: str) -> str:
        if not value.isascii() or value in ("\n", "\r", "\0"):
            raise ValueError(f"{value!r} cannot be told apart in a file; use an ASCII character")
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError:
            raise ValueError(f"unknown encoding {value!r}; use a name such as utf-8, latin-1, cp1252, utf-16") from None
        return value

    @field_validator("records")
    @classmethod
    def _a_path(cls, value: str) -> str:
        if not re.fullmatch(r"((\[\]|[^.\[\]]+(\[\])?)(\.[^.\[\]]+(\[\])?)*)?", value):
            raise ValueError(f"{value!r} is no path to records; write one such as data.items[] or [].turns[]")
        return value

    @model_validator(mode="after")
    def _signs_differ(self) -> Format:
        signs = [sign for sign in (self.delimiter, self.quote, self.escape) if sign]
        if len(set(signs)) < len(signs):
            raise ValueError("`delimiter`, `quote` and `escape` must differ")
        return self

    @model_validator(mode="after")
    def _columns_have_names(self) -> Format:
        if self.header == bool(self.names):
            raise ValueError(
                "a file without header needs `names` of its columns, and one with a header has them itself"
            )
        return self


class Limits(Strict):
    """How much of one file is read at most: what is larger is set aside with the reason, never half read."""

    file_mb: int = Field(20_000, gt=0, description="a file as it landed")
    expanded_mb: int = Field(100_000, gt=0, description="a compressed file, decompressed")
    expansion: int = Field(500, gt=1, description="times its size a compressed file may become, above 256 MB")
    archive_files: int = Field(10_000, gt=0, description="files in one archive")
    record_mb: int = Field(32, gt=0, le=1_024, description="one record")
    field_mb: int = Field(8, gt=0, description="one field of a record")
    columns: int = Field(10_000, gt=0, description="columns of a file, or fields of all records of one together")
    nesting: int = Field(100, gt=0, description="levels of a JSON record")
