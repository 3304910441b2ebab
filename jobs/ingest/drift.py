"""What happens when the columns of a file differ from those the dataset had before: `changes` in config/sources/.

A file is compared with the one before it, by arrival day and path, so files loaded one by one or all at once are
compared with the same ones. ops/columns has the columns of the first file and of each that differs from its
predecessor; a file without rows there looks like the one before it.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, get_args

import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.sources.deliveries import Policy
from jobs.config.sources.source import SourceDataset
from jobs.ingest.columns import Column, Seen, Shape
from jobs.ingest.expressions import source_columns, source_fields, steps
from jobs.ingest.inner_rows import file_columns
from jobs.ingest.ledger import Entry, NewFile
from jobs.ingest.renamed import new_name
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

POLICIES: tuple[str, ...] = get_args(Policy)
"""From the mildest to the strictest."""
BY_CHANCE = 1e-6
"""A field that JSON records may leave out counts as gone if its absence by chance is less likely than this."""
FEW, MANY = 3, 100
"""Values needed to say that a column holds another kind than before, and to say that it is no longer text."""


@dataclass(frozen=True)
class Change:
    """One difference: `name` is that of its policy, `twin` the column in the place of a missing one.

    `known` if the file before had it too: then it is no news, but a strict policy still holds.
    """

    name: str
    column: str
    what: str
    twin: str = ""
    known: bool = False


@dataclass(frozen=True)
class Expected:
    """The source columns a dataset relies on: those its values are made of, and those every file must have.

    `fields` are inside columns of JSON records, by their paths.
    """

    mapped: list[str]
    must: list[str]
    fields: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, dataset: SourceDataset) -> Expected:
        """JSON records may leave any field out, so of those only what `required` names must be there."""
        if dataset.each or dataset.pairs:
            return cls._of_inner_rows(name, dataset)
        nested = dataset.nested
        optional = dataset.format.type in ("jsonl", "json")
        lookups = dataset.lookups
        texts = [value.expression for value in dataset.columns.values()]
        texts += [text for lookup in lookups.values() for text in lookup.on.values()]
        texts += [text for text in (dataset.where, dataset.deleted_when) if text.strip()]
        columns = source_columns(texts, nested, lookups)
        attributes = source_columns((value.expression for value in dataset.attributes.values()), nested, lookups)
        read = source_columns((text for text in texts if text not in dataset.merges_of_attributes), nested, lookups)
        must = dataset.required or ([] if optional else read)
        values = [*dataset.columns.values(), *dataset.attributes.values()]
        fields = source_fields((value.expression for value in values), lookups) if optional else []
        return cls(list(dict.fromkeys([*columns, *attributes, *dataset.required])), must, fields)

    @classmethod
    def _of_inner_rows(cls, name: str, dataset: SourceDataset) -> Expected:
        columns = file_columns(name, dataset)
        optional = dataset.format.type in ("jsonl", "json")
        must = dataset.required or ([] if optional else columns)
        return cls(list(dict.fromkeys([*columns, *dataset.required])), must)


@dataclass(frozen=True)
class Judged:
    """What becomes of a file: the strictest policy of its changes, what to tell, and columns to read by other names."""

    policy: str
    changes: list[Change]
    detail: str
    names: dict[str, str]


@dataclass
class Drift:
    """The columns of the files of one dataset, in order of arrival, and the policies for a change."""

    source: str
    name: str
    dataset: SourceDataset
    loaded: list[tuple[date, str, str]]
    recorded: list[tuple[date, str, str]]
    shapes: dict[str, Shape]
    added: list[tuple[str, date, Shape]] = field(default_factory=list)

    @classmethod
    def of(cls, lake: Lake, source: str, name: str, dataset: SourceDataset, entries: list[Entry]) -> Drift:
        """`entries` is the ledger of the source."""
        loaded = {e.file_id: e for e in entries if e.dataset == name and e.state == "loaded"}
        rows = lake.arrow("ops/columns")
        mine = rows.filter(pc.and_(pc.equal(rows["source"], source), pc.equal(rows["dataset"], name))).to_pylist()
        shapes: dict[str, Shape] = {}
        for row in sorted(mine, key=lambda row: row["place"]):
            if row["file_id"] in loaded:  # not of files that were set aside, or that a killed run did not finish
                position = row["place"] if row["ordered"] else None
                column = Column(position, row["kind"], row["records"], row["present"])
                shapes.setdefault(row["file_id"], {})[row["column"]] = column
        return cls(
            source,
            name,
            dataset,
            sorted((e.arrived, e.path, e.file_id) for e in loaded.values()),
            sorted((loaded[f].arrived, loaded[f].path, f) for f in shapes),
            shapes,
        )

    @cached_property
    def expected(self) -> Expected:
        return Expected.of(self.name, self.dataset)

    def seen(self, new: NewFile, most: int) -> Seen:
        """What is to look at the chunks of that file, whose records have `most` fields together."""
        names = {*self.expected.mapped, *self.expected.fields, *(self._before(new) or {})}
        all_names = self.dataset.changes.added != "accept"
        return Seen(names, all_names, self.dataset.format.nulls, most)

    def judge(self, new: NewFile, seen: Seen) -> Judged:
        """Compare the file with its predecessor; one that may be loaded becomes the predecessor of those after it."""
        before = self._before(new)
        policies = self.dataset.changes.model_dump()
        found = list(changes(seen, before, self.expected))
        told = [c for c in found if not (c.known and policies[c.name] in ("accept", "warn"))]
        policy = max((policies[change.name] for change in told), key=POLICIES.index, default="accept")
        names = {change.twin: change.column for change in found if change.name == "case_changed"}
        if policy in ("accept", "warn"):
            self._note(new, seen, before, told)
            return Judged(policy, told, "; ".join(f"{c.name}: {c.what}, {_loaded(c)}" for c in told), names)
        strict = [change for change in told if policies[change.name] == policy]
        advice = " and ".join(dict.fromkeys(f"`changes.{change.name}`" for change in strict))
        what = "; ".join(change.what for change in strict) + _other_delimiter(seen)
        detail = (
            f"{what}: send the file with the columns it had, or change "
            f"`columns` or `required` of {self.source}.{self.name}, or set {advice} there to accept or warn"
        )
        return Judged(policy, told, detail, names)

    def table(self) -> pa.Table:
        """Rows for ops/columns of the files that were let in."""
        rows = [
            {
                "file_id": file_id,
                "source": self.source,
                "dataset": self.name,
                "arrived": arrived,
                "column": name,
                "place": place,
                "ordered": column.position is not None,
                "kind": column.kind,
                "records": column.records,
                "present": column.present,
            }
            for file_id, arrived, shape in self.added
            for place, (name, column) in enumerate(shape.items(), 1)
        ]
        return pa.Table.from_pylist(rows, schema=catalogue.get("ops/columns").arrow_schema())

    def _before(self, new: NewFile) -> Shape | None:
        place = bisect_right(self.recorded, (new.file.arrived, new.file.path, "~"))
        return self.shapes[self.recorded[place - 1][2]] if place else None

    def _note(self, new: NewFile, seen: Seen, before: Shape | None, told: list[Change]) -> None:
        """Keep the columns of the file if they differ, and so that a late file does not change what comes after it."""
        if before is None or told or _differs(seen, before):
            place = bisect_right(self.loaded, (new.file.arrived, new.file.path, "~"))
            after = self.loaded[place] if place < len(self.loaded) else None
            if before is not None and after is not None and after[2] not in self.shapes:
                self._keep(after, before)
            gone = {change.column for change in told}
            self._keep((new.file.arrived, new.file.path, new.file_id), _joined(seen, before or {}, gone))
        insort(self.loaded, (new.file.arrived, new.file.path, new.file_id))

    def _keep(self, file: tuple[date, str, str], shape: Shape) -> None:
        insort(self.recorded, file)
        self.shapes[file[2]] = shape
        self.added.append((file[2], file[0], shape))


def _other_delimiter(seen: Seen) -> str:
    """What to tell of a header that is a single name and looks like many."""
    signs = [sign for sign in ";,|\t" if seen.header and len(seen.names) == 1 and sign in seen.names[0]]
    return f"; its header has {signs[0]!r} between names, is that the dataset's `delimiter`?" if signs else ""


def _joined(seen: Seen, before: Shape, gone: set[str]) -> Shape:
    """The columns of a file, with what it says nothing about as it was: kinds of empty columns, absent JSON fields."""
    shape = {}
    for name, column in seen.shape().items():
        known = before.get(name)
        shape[name] = replace(column, kind=known.kind) if known and column.kind == "empty" else column
    absent = {} if seen.header else {name: c for name, c in before.items() if name not in shape and name not in gone}
    return {**shape, **absent}


def _differs(seen: Seen, before: Shape) -> bool:
    """Whether the file tells something that its predecessor did not."""
    names, known = list(seen.names), list(before)
    if names != known if seen.header else not set(names) <= set(known):
        return True
    return any(before[name].kind == "empty" and seen.kinds(name) for name in names)


def changes(seen: Seen, before: Shape | None, expected: Expected) -> Iterator[Change]:
    """How the columns of a file differ from the ones before, and from what the dataset relies on."""
    known, names = before or {}, set(seen.names)
    used = {*expected.mapped, *expected.fields}
    fresh = [name for name in seen.names if name not in used and (before is None or name not in known)]
    unmapped = [name for name in seen.names if name not in used]
    replaced = set()
    for column in expected.mapped:
        if column in names:
            continue
        lost = column in known and _gone(known[column], seen)
        twin = next((name for name in (fresh if lost else unmapped) if name.casefold() == column.casefold()), "")
        if not (lost or twin or column in expected.must):
            continue
        candidates = [name for name in (fresh if lost else unmapped) if name not in replaced]
        change = _missing(column, twin, candidates, seen, known)
        replaced.add(change.twin)
        yield replace(change, known=before is not None and column not in known)
    for name in fresh:
        if before is not None and name not in replaced and not _written_otherwise(name, known):
            yield Change("added", name, f"column {name!r} is new")
    for name, column_before in known.items():
        if name in names or name in expected.mapped or _written_otherwise(name, names):
            continue
        if name in expected.fields:
            if steps(name)[0] in names and _gone(column_before, seen):
                yield Change("missing_field", name, f"field {name!r} is gone from all records")
        elif _gone(column_before, seen):
            yield Change("missing_unused", name, f"column {name!r}, which is not mapped, is gone")
    yield from _other_kinds(seen, known, expected)
    common = [name for name in seen.names if name in known]
    if seen.header and common != [name for name in known if name in names]:
        moved = next(a for a, b in zip(common, (n for n in known if n in names), strict=True) if a != b)
        yield Change("reordered", moved, f"columns are in another order, from column {moved!r} on")


def _gone(column: Column, seen: Seen) -> bool:
    """Whether a column that is not in the file was there before for sure; a file without records tells nothing."""
    return seen.header or bool(seen.records and column.missing_by_chance(seen.records) < BY_CHANCE)


def _written_otherwise(name: str, names: Any) -> bool:
    return any(other.casefold() == name.casefold() for other in names)


def _missing(column: str, twin: str, candidates: list[str], seen: Seen, known: Shape) -> Change:
    """A column that is not there: written with other capitals, renamed, or missing."""
    if twin:
        return Change("case_changed", column, f"column {column!r} is written {twin!r} now", twin)
    best = new_name(column, candidates, seen, known)
    if best and column in known:
        return Change("renamed", column, f"column {column!r} is missing and {best!r} looks like its new name", best)
    if best:
        return Change("renamed", column, f"column {column!r} is missing; did you mean {best!r}?", best)
    return Change("missing", column, f"required column {column!r} is missing")


def _other_kinds(seen: Seen, known: Shape, expected: Expected) -> Iterator[Change]:
    """Mapped columns whose values are mostly not of the kind they were. Whole or not, a number is a number."""
    for name in (*expected.mapped, *expected.fields):
        before = known[name].kind if name in known and name in seen.names else "empty"
        if before == "empty" or seen.holds(name, before):
            continue
        found = seen.kinds(name)
        enough = found.total() >= MANY and not found["text"] if before == "text" else found.total() >= FEW
        if enough and found[before] * 2 < found.total():
            now = found.most_common(1)[0][0]
            yield Change("retyped", name, f"column {name!r} holds {now} values and held {before} values before")


def _loaded(change: Change) -> str:
    """What it means for the rows that the file is loaded all the same."""
    if change.name == "case_changed":
        return f"read as {change.column!r}"
    lost = change.name in ("missing", "renamed", "missing_field")
    return "loaded without a value for it" if lost else "loaded as it is"
