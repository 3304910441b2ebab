"""`kpis` of config/journey.yaml: what each number means, what it is counted from, who owns it, what is hoped for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from jobs.config.journey.kpi_groups import group_of
from jobs.config.traits import Rows
from jobs.config.yaml_files import ConfigError, Strict, line_of, nearest
from jobs.lake.tables.canonical import CANONICAL
from jobs.lake.tables.known import BEFORE, KNOWN, WITHOUT_MOMENT

Stage = Literal["awareness", "consideration", "purchase", "service", "loyalty"]
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
Period = Literal["day", "week", "month"]

CONTRACTS = "contracts"
PERIOD_TABLES = ("stages", "customers", CONTRACTS)
"""Tables whose rows hold from a day to a day, instead of having happened on one."""
VALUES = "values"
OF_JOURNEYS = (
    *("sessions", "carts", "touchpoints", "moments", "vitals", "stages", "stage_moves", "customers"),
    *(CONTRACTS, VALUES),
)
"""Tables that KPIs are counted over, beside datasets."""
COUNTED = (*OF_JOURNEYS, *KNOWN)
DATASETS = tuple(table.short_name for table in CANONICAL.values())
LEDGER = "ledger"
"""In `needs`: what was sent from here."""
SIGNED = ("currency", "points", "score")
"""Units in which a value can lie below 0, unless its `scale` says otherwise."""
OF_EVENTS = ("sessions", "carts", "moments", "vitals")
"""Tables that are made of web and app events alone."""


def lake_table(table: str) -> str:
    """The table of the lake that a KPI over `table` is counted over."""
    return "models/value" if table == VALUES else f"journeys/{table}"


class Alert(Strict):
    """When a person has to look: a value of a whole period, of a sample that is not small."""

    at: float | None = Field(None, description="a value as far from the target as this, or farther")
    unusual: bool = Field(False, description="a value outside of the interval that was forecast for it")
    shift: bool = Field(False, description="a level that broke for the worse, and lasts")


class Kpi(Strict):
    """A number per day, week and month: `numerator` out of `denominator`, aggregates over the rows of `table`.

    Over `customers`, `stages` and `contracts`, both are conditions instead, and count the customers for whom they hold
    that day; a week or month has the number of its last day.
    """

    stage: Stage
    title: str
    definition: str | None = Field(None, description="what it means, in a sentence; `klantreis check` asks for it")
    unit: Literal["count", "share", "currency", "points", "score", "minutes", "per visit", "per solution", "steps"]
    table: str = Field(
        description=f"{', '.join(OF_JOURNEYS)}; a dataset: {', '.join(KNOWN)}; or a name of `rows` in traits.yaml"
    )
    needs: list[str] = Field(
        [],
        description="datasets, or columns such as events.lcp: while none of them ever had a row, or a value, there is "
        "no value, instead of 0; `ledger` is what was sent from here; "
        "default: the dataset it is over, events for sessions, carts and moments, subscriptions for contracts",
    )
    where: str = "true"
    first: bool = Field(
        False,
        description="over a dataset: of the rows that meet `where` only the first of each customer, ever; nobody known "
        "is nobody's first",
    )
    days_before: int = Field(
        0,
        ge=0,
        description="over contracts: those of so many days before; `lost` says that the customer has none on the day",
    )
    numerator: str
    denominator: str | None = Field(None, description="default: the numerator is the value")
    dimensions: list[str] = Field(
        [],
        description="also a value for each part of each of these, such as channel; customer.stage, customer.state, "
        "segment.MODEL and audience.NAME are where the customer was the evening before",
    )
    owner: str | None = Field(None, description="who answers for it; `klantreis check` asks for it")
    target: float | None = Field(None, description="value hoped for; `klantreis check` asks for it")
    direction: Literal["up", "down"] | None = Field(None, description="which way is better; asked for as well")
    per: Period = Field("week", description="the period that target and alert are about")
    alert: Alert = Alert()
    origin: Literal["standard", "own"] | None = Field(
        None, description="whether it is a standard KPI of the field or your own choice; asked for as well"
    )
    scale: tuple[float, float] | None = Field(
        None,
        description="least and largest value there can be, such as [-100, 100]: no interval goes beyond it; "
        "default: shares and what is counted or lasts have none below 0",
    )
    smallest_sample: int | None = Field(
        None, ge=1, description="fewer observations make a value `small`; default: that of all KPIs"
    )

    @model_validator(mode="before")
    @classmethod
    def _one_form(cls, values: Any) -> Any:
        if isinstance(values, dict) and "dimension" in values:
            raise ValueError(f"dimension: is a list now; write dimensions: [{values['dimension']}]")
        return values

    @field_validator("needs")
    @classmethod
    def _known_datasets(cls, names: list[str]) -> list[str]:
        for name in names:
            dataset, _, column = name.partition(".")
            if dataset not in (*DATASETS, LEDGER) or (column and dataset == LEDGER):
                raise ValueError(f"unknown dataset {name!r}{nearest(dataset, [*DATASETS, LEDGER])}")
            columns = [] if dataset == LEDGER else CANONICAL[dataset].column_names
            if column and column not in columns:
                raise ValueError(f"{dataset} has no column {column!r}{nearest(column, columns)}")
        return names

    @model_validator(mode="after")
    def _alert_on_the_wrong_side(self) -> Kpi:
        at, target = self.alert.at, self.target
        if at is None:
            return self
        if target is None or self.direction is None:
            raise ValueError("alert.at is a value worse than the target: say target and direction, too")
        if (at > target) if self.direction == "up" else (at < target):
            raise ValueError(f"alert.at {at:g} is better than the target {target:g}, with direction {self.direction}")
        return self

    @model_validator(mode="after")
    def _upside_down(self) -> Kpi:
        if self.scale and self.scale[0] >= self.scale[1]:
            raise ValueError(f"scale: {self.scale[0]:g} is not below {self.scale[1]:g}; write the least value first")
        return self

    @property
    def possible(self) -> tuple[float | None, float | None]:
        """The least and the largest value there can be; None where nobody knows."""
        return self.scale or (None if self.unit in SIGNED else 0.0, None)

    @property
    def datasets(self) -> list[str]:
        """What it takes: it has no value while none of these ever delivered a row. Empty: always there."""
        if self.needs:
            return self.needs
        if self.table.removeprefix(BEFORE) in KNOWN:
            return [self.table.removeprefix(BEFORE)]
        return {CONTRACTS: ["subscriptions"]}.get(self.table, ["events"] if self.table in OF_EVENTS else [])

    def missing(self) -> Iterator[tuple[str, str]]:
        """What a KPI needs so that somebody can manage by it: each key that is not given, and what to write."""
        asked = {
            "definition": "say in a sentence what it means",
            "owner": "say who answers for it, such as owner: marketing",
            "target": "say which value is hoped for, such as target: 0.05",
            "direction": "say which way is better: up or down",
            "origin": "say whether it is a standard KPI of the field or your own choice: standard or own",
        }
        yield from ((key, what) for key, what in asked.items() if getattr(self, key) is None)


def over_tables(kpis: Mapping[str, Kpi], rows: Mapping[str, Rows], path: Path) -> dict[str, Kpi]:
    """The KPIs, each over a table: one over named rows has their condition beside its own.

    Raises ConfigError, naming the line, if there is no such table or name, or its rows are not of a day.
    """
    found, problems = {}, []
    for name, kpi in kpis.items():
        named = rows.get(kpi.table)
        table = named.over if named else kpi.table
        if table not in COUNTED:
            place = f"{path}:{line_of(path, 'kpis', name, 'table')}: kpis.{name}.table"
            if named:
                problems.append(f"{place}: {kpi.table!r} are rows of {table}; KPIs are over {', '.join(COUNTED)}")
            else:
                known = nearest(kpi.table, [*COUNTED, *rows])
                problems.append(f"{place}: unknown table or name of `rows` {kpi.table!r}{known}")
        problems += _out_of_place(name, kpi, table, path)
        both = [text for text in (named.where if named else "true", kpi.where) if text != "true"]
        where = " and ".join(f"({text})" for text in both) if len(both) > 1 else (both or ["true"])[0]
        counted = f"{BEFORE}{table}" if table in KNOWN else table
        found[name] = kpi.model_copy(update={"table": counted, "where": where})
    if problems:
        raise ConfigError(problems)
    return found


def _out_of_place(name: str, kpi: Kpi, table: str, path: Path) -> Iterator[str]:
    """Keys that say nothing of the rows the KPI is over."""
    for key, given, belongs, over in (
        ("first", kpi.first, table in KNOWN and table not in WITHOUT_MOMENT, "a dataset whose rows have a moment"),
        ("days_before", kpi.days_before, table == CONTRACTS, CONTRACTS),
    ):
        if given and not belongs:
            yield f"{path}:{line_of(path, 'kpis', name, key)}: kpis.{name}.{key}: is of KPIs over {over}, not {table}"
    for number, dimension in enumerate(kpi.dimensions):
        if group_of(dimension) and table in (*PERIOD_TABLES, *WITHOUT_MOMENT):
            place = f"{path}:{line_of(path, 'kpis', name, 'dimensions', number)}: kpis.{name}.dimensions.{number}"
            yield f"{place}: {dimension} is of rows of customers that happened on a day, not of {table}"
