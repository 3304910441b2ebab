"""Records of several kinds in one file: by which column, or by which part of their ids, they are told apart."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from jobs.ingest.guess.samples import Sample

MOST = 12
"""Kinds of records that one file may hold."""
TYPED_ID = re.compile(r"\w+://[^/]+/(\w+)/[^/]+")
KINDS = ("type", "object", "kind", "record_type", "event_type", "soort", "art", "table", "_type", "resource")


@dataclass(frozen=True)
class Part:
    """Some records of a sample: those for which `where` holds, called `name`; all of them if it is empty."""

    sample: Sample
    where: str = ""
    name: str = ""


def parts_of(sample: Sample) -> list[Part]:
    """The kinds of records of a sample, if their fields differ; else all records as one part."""
    if not sample.nested or sample.each:
        return [Part(sample)]
    return _by_ids(sample) or _by_column(sample) or [Part(sample)]


def _by_ids(sample: Sample) -> list[Part]:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in sample.records:
        found = TYPED_ID.fullmatch(str(record.get("id", "")))
        if found is None:
            return []
        groups[str(record["id"])[: found.end(1)]].append(record)
    if len(groups) > MOST:
        return []
    return [
        Part(_with(sample, rows), f"id like '{start}/%'", start.rsplit("/", 1)[-1]) for start, rows in groups.items()
    ]


def _by_column(sample: Sample) -> list[Part]:
    for column in KINDS:
        groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for record in sample.records:
            value = record.get(column)
            if not isinstance(value, str) or not value:
                break
            groups[value].append(record)
        else:
            if 2 <= len(groups) <= MOST and _differ(list(groups.values())):
                return [
                    Part(_with(sample, rows), f"{column} = '{value.replace(chr(39), chr(39) * 2)}'", value)
                    for value, rows in groups.items()
                ]
    return []


def _differ(groups: list[list[dict[str, Any]]]) -> bool:
    """Whether records of one kind have objects that those of another kind lack."""
    shapes = []
    for rows in groups:
        names = {name for row in rows for name, value in row.items() if isinstance(value, dict) and value}
        shapes.append(frozenset(names))
    return len(set(shapes)) > 1


def _with(sample: Sample, rows: list[dict[str, Any]]) -> Sample:
    return Sample(sample.path, sample.form, rows, sample.whole, sample.each)
