"""The models of the rules that config/sources/NAME.yaml adds to a dataset, or changes."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from jobs.config.yaml_files import Strict

Scalar = str | bool | int | float

RuleKind = Literal[
    "not_null", "in_set", "between", "regex", "length", "condition", "unique", "determined_by", "references"
]


class Rule(Strict):
    """One rule of your own about a dataset; it becomes an expectation of its suite."""

    column: str = Field("", description="canonical column, or attributes.NAME")
    rule: RuleKind
    severity: Literal["info", "warning", "critical"] = "warning"
    name: str | None = Field(None, pattern=r"^[^,;\s]+$", description="its name in reports; default: column:rule")
    reason: str | None = Field(None, description="what is wrong with a bad row, without its value")
    fate: Literal["quarantine", "report"] | None = Field(
        None, description="whether a bad row is set aside; default: quarantine, and report for references"
    )
    mostly: float = Field(1.0, gt=0, le=1, description="share of good rows below which the rule fails for the batch")
    when: str = Field("", description="Spark SQL condition: the rows the rule looks at")
    values: list[Scalar] = Field([], description="for in_set")
    min: Scalar | None = Field(None, description="for between and length; a date or moment in ISO 8601")
    max: Scalar | None = Field(None, description="for between and length; a date or moment in ISO 8601")
    pattern: str = Field("", description="for regex: is found somewhere in a good value; ^ and $ are its ends")
    condition: str = Field("", description="for condition: Spark SQL that is true for a good row, false for a bad one")
    by: list[str] = Field([], description="for determined_by: the columns that decide the value")
    columns: list[str] = Field([], description="for unique: the columns that are unique together; default: column")
    references: str = Field("", description="for references: dataset.column that must hold the value")
    any_source: bool = Field(False, description="for references: look at the dataset of all sources, not of this one")

    @field_validator("min", "max", mode="before")
    @classmethod
    def _dates_as_text(cls, given: Any) -> Any:
        return given.isoformat() if isinstance(given, date) else given

    @model_validator(mode="after")
    def _complete(self) -> Rule:
        needed = {
            "in_set": "values",
            "regex": "pattern",
            "condition": "condition",
            "determined_by": "by",
            "references": "references",
        }
        wanted = needed.get(self.rule)
        if wanted and not getattr(self, wanted):
            raise ValueError(f"rule {self.rule} needs `{wanted}`")
        if self.rule in ("between", "length") and self.min is None and self.max is None:
            raise ValueError(f"rule {self.rule} needs `min`, `max` or both")
        if not self.column and self.rule not in ("condition", "unique"):
            raise ValueError(f"rule {self.rule} needs `column`")
        if not self.column and not self.columns and self.rule == "unique":
            raise ValueError("rule unique needs `column` or `columns`")
        if not self.column and self.name is None:
            raise ValueError("a rule without `column` needs a `name`")
        return self


class BuiltIn(Strict):
    """What a dataset wants otherwise of a rule that it is held to anyway; what is left out stays as it is."""

    skip: bool = Field(False, description="do without the rule")
    fate: Literal["quarantine", "report"] | None = Field(None, description="whether a bad row is set aside")
    severity: Literal["info", "warning", "critical"] | None = Field(None, description="how bad a batch of many is")
    mostly: float | None = Field(None, gt=0, le=1, description="share of good rows below which it fails for a batch")
    min: Scalar | None = Field(None, description="for between; null for no limit")
    max: Scalar | None = Field(None, description="for between; null for no limit")

    @field_validator("min", "max", mode="before")
    @classmethod
    def _dates_as_text(cls, given: Any) -> Any:
        return given.isoformat() if isinstance(given, date) else given
