"""Decisions of a data steward about who is who: config/decisions.yaml, and CSV files in config/decisions/.

A decision is about two contact records, each given by its source and its id there. Decisions win over every rule and
every probability, from the day they were taken on. To take one back, remove it from its file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from jobs.config.sources.id_spaces import id_spaces
from jobs.config.sources.source import Source
from jobs.config.yaml_files import ConfigError, Strict, line_of, load, nearest

FILE, FOLDER, BY_COMMAND = "decisions.yaml", "decisions", "decisions/review.csv"
CSV_COLUMNS = (
    *("left_source", "left_record", "right_source", "right_record"),
    *("decision", "by", "on", "because"),
)
Verdict = Literal["same", "different"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Record(Strict):
    """A contact record: its source, and its id within that source."""

    source: Text
    record: Text

    @field_validator("record", mode="before")
    @classmethod
    def _as_written(cls, given: Any) -> Any:
        if isinstance(given, int | float | date):
            raise ValueError("write the id in quotes: as a number it can lose its leading zeros")
        return given

    def __str__(self) -> str:
        return f"{self.source}:{self.record}"


def record_of(text: str) -> Record:
    """The record written as source:id."""
    source, _, record = text.partition(":")
    return Record(source=source, record=record)


class Dated(Strict):
    """What has a key `on`, the day on which somebody said it."""

    @model_validator(mode="before")
    @classmethod
    def _on_is_a_word(cls, given: Any) -> Any:
        """YAML takes a bare `on` for true."""
        return {"on" if key is True else key: value for key, value in given.items()} if type(given) is dict else given


class Decision(Dated):
    """Whether two records are one person, who said so, when, and why."""

    left: Record
    right: Record
    decision: Verdict
    by: Text
    on: date
    because: Text

    @property
    def ends(self) -> tuple[str, str]:
        """Both records as source:record, in a fixed order."""
        first, second = sorted((str(self.left), str(self.right)))
        return first, second

    @property
    def id(self) -> str:
        """The same for the same verdict about the same two records by the same person on the same day."""
        told = "\x1f".join((*self.ends, self.decision, self.by, self.on.isoformat()))
        return sha256(told.encode()).hexdigest()[:16]


class Decisions(Strict):
    """What a data steward decided about who is who; CSV files in `decisions/` say it as well."""

    decisions: list[Decision] = Field([])


@dataclass(frozen=True)
class Placed:
    """A decision and where it stands: `config/decisions.yaml:12`, or `Airflow`."""

    decision: Decision
    place: str


def load_decisions(folder: Path) -> tuple[Placed, ...]:
    """All decisions below a configuration folder, in the order of the files; none if there are no files.

    Raises ConfigError with file, line and key of every problem.
    """
    found: list[Placed] = []
    problems: list[str] = []
    for path in [folder / FILE, *sorted((folder / FOLDER).glob("*.csv"))]:
        if path.exists():
            try:
                found += _from_yaml(path) if path.name == FILE else _from_csv(path)
            except ConfigError as error:
                problems += error.problems
    if problems:
        raise ConfigError(problems)
    return tuple(found)


def _from_yaml(path: Path) -> list[Placed]:
    decisions = load(path, Decisions).decisions
    return [Placed(one, f"{path}:{line_of(path, 'decisions', n)}") for n, one in enumerate(decisions)]


def _from_csv(path: Path) -> list[Placed]:
    problems, found = [], []
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines, strict=True)
            header = reader.fieldnames or []
            if sorted(header) != sorted(CSV_COLUMNS):
                raise ConfigError([f"{path}:1: the first line must name the columns {','.join(CSV_COLUMNS)}"])
            for row in reader:
                place = f"{path}:{reader.line_num}"
                if None in row or None in row.values():
                    problems.append(
                        f"{place}: {len(CSV_COLUMNS)} values are needed; put quotes around one with a comma"
                    )
                    continue
                try:
                    found.append(Placed(_of_row(row), place))
                except ValidationError as error:
                    problems += [f"{place}: {_csv_column(p['loc'])}: {p['msg']}" for p in error.errors()]
    except csv.Error as error:
        raise ConfigError([f"{path}: not a CSV file: {error}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8"]) from None
    if problems:
        raise ConfigError(problems)
    return found


def _of_row(row: Mapping[str, str]) -> Decision:
    sides = {side: {"source": row[f"{side}_source"], "record": row[f"{side}_record"]} for side in ("left", "right")}
    rest = {name: row[name].strip() for name in ("decision", "by", "on", "because")}
    return Decision.model_validate(sides | rest)


def _csv_column(keys: tuple[int | str, ...]) -> str:
    return "_".join(str(key) for key in keys)


def csv_row(decision: Decision) -> list[str]:
    """The values of a decision in the order of CSV_COLUMNS."""
    left, right = decision.left, decision.right
    told = [decision.decision, decision.by, decision.on.isoformat(), decision.because]
    return [left.source, left.record, right.source, right.record, *told]


def problems(placed: Sequence[Placed], sources: Mapping[str, Source]) -> list[str]:
    """One line per decision that cannot be carried out: unknown source, one record, or against the others."""
    found, spaces = [], id_spaces(sources)
    for one in placed:
        ends = (one.decision.left, one.decision.right)
        left, right = ((spaces.get(end.source, end.source), end.record) for end in ends)
        for side, record in zip(("left", "right"), ends, strict=True):
            if record.source not in sources:
                found.append(
                    f"{one.place}: {side}.source: unknown source {record.source!r}{nearest(record.source, sources)}"
                )
            elif "contacts" not in sources[record.source].datasets:
                telling = [name for name, source in sources.items() if "contacts" in source.datasets]
                found.append(
                    f"{one.place}: {side}.source: {record.source!r} has no dataset `contacts`, so no records to decide "
                    f"about{nearest(record.source, telling)}"
                )
        if one.decision.left == one.decision.right:
            found.append(f"{one.place}: left and right are the same record; name two records")
        elif left == right:
            found.append(
                f"{one.place}: left and right are one person by `ids_of` of config/sources; name records with "
                "different ids, or take `ids_of` out"
            )
    return found or [text for _, text in contradictions(placed)]


def contradictions(placed: Iterable[Placed]) -> Iterator[tuple[Placed, str]]:
    """Decisions that say of two records what others rule out, whatever their dates; each with the reason.

    Decisions count in the given order, so it is always the later one that contradicts.
    """
    group: dict[str, str] = {}
    why: dict[frozenset[str], str] = {}  # two groups to the place that keeps them apart

    def group_of(record: str) -> str:
        while group.setdefault(record, record) != record:
            record = group[record]
        return record

    for one in placed:
        left, right = (group_of(record) for record in one.decision.ends)
        both = frozenset((left, right))
        if one.decision.decision == "different":
            if left == right:
                yield one, f"{one.place}: decided different, but other decisions make both the same; keep one"
            else:
                why.setdefault(both, one.place)
        elif both in why:
            yield one, f"{one.place}: decided same, but {why[both]} keeps them apart; keep one"
        elif left != right:
            group[right] = left
            for pair in [pair for pair in why if right in pair]:
                why.setdefault(frozenset({left, *(pair - {right})}), why.pop(pair))
