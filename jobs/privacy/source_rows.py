"""Which lines of landed files are about a person: those that the raw tables hold, read as the sources say.

A line is somebody's if the most telling identifier on it is theirs, as everywhere (`identity/customer_of.py`). Lines
that the valid tables never took (in quarantine, repeated, left out) are read all the same, and what has no person of
its own, such as the lines of an order, goes with what it is part of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.keys import under_previous_keys
from jobs.config.settings import Settings
from jobs.config.sources.trust import strangers, trusting
from jobs.identity.customer_of import with_customer
from jobs.identity.identifiers import IDENTIFYING, identifier_hash
from jobs.ingest.lookups import inputs, lookup_of
from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake
from jobs.lake.tables.canonical import CANONICAL
from jobs.lake.tables.canonical_row import IDS_OF
from jobs.privacy.person import Person
from jobs.validate.contract import Contract
from jobs.validate.mapping.failing_rows import flagged_rows

LINES = pa.schema([("source", pa.string()), ("dataset", pa.string()), ("file_id", pa.string()), ("line", pa.int64())])
THEIRS, ANOTHER = "theirs", "another"
SHORTEST = 6
"""Characters that a value needs to be searched for in text: a shorter one is found everywhere."""


@dataclass
class Found:
    """Lines of the person, and how many lines of other people have a value of theirs in them, such as a message."""

    lines: pa.Table
    mentions: int = 0
    values: set[str] = field(default_factory=set)
    """Addresses, numbers and ids as they were received. In memory only."""


def of_person(lake: Lake, person: Person, settings: Settings, files: Iterable[str] | None = None) -> Found:
    """All lines of the person in the raw tables, or in those of some files."""
    wanted = None if files is None else pa.array(sorted(files), pa.string())
    pieces, others = [LINES.empty_table()], [LINES.empty_table()]
    values: set[str] = set()
    sides, entries = _sides(lake, person), lake.arrow("ops/files", columns=["file_id", "path"]).to_pylist()
    paths = {entry["file_id"]: entry["path"] for entry in entries}
    for source, dataset in _datasets(lake, settings):
        name = f"raw/{source}_{dataset}"
        raw = _of_files(lake, name, wanted)
        if raw is None:
            continue
        mine, not_mine, told = _read(lake, raw, source, dataset, person, sides, paths, settings)
        pieces.append(mine)
        others.append(not_mine)
        values |= told
    lines = pa.concat_tables(pieces)
    lines = pa.concat_tables([lines, *_parts(lake, lines, wanted)])
    named, mentions = _by_value(lake, settings, values, lines, pa.concat_tables(others), wanted)
    every = pa.concat_tables([lines, named]).group_by(LINES.names).aggregate([]).select(LINES.names)
    return Found(every.sort_by([(name, "ascending") for name in LINES.names]), mentions, values)


def _datasets(lake: Lake, settings: Settings) -> Iterator[tuple[str, str]]:
    """Every dataset, and every lookup, of which something was loaded."""
    for source, config in settings.sources.items():
        for dataset in inputs(config):
            if lake.exists(f"raw/{source}_{dataset}"):
                yield source, dataset


def _of_files(lake: Lake, name: str, wanted: pa.Array | None) -> DataFrame | None:
    if wanted is None:
        return lake.read(name)
    if not lake.dataset(name).count_rows(filter=pc.field("file_id").isin(wanted)):
        return None
    files = get_spark().createDataFrame(pa.table({"file_id": wanted}))
    return lake.read(name).join(F.broadcast(files), on="file_id", how="left_semi")


def _read(
    lake: Lake,
    raw: DataFrame,
    source: str,
    dataset: str,
    person: Person,
    sides: DataFrame,
    paths: dict[str, str],
    settings: Settings,
) -> tuple[pa.Table, pa.Table, set[str]]:
    """Lines of the person, lines of somebody else, and the person's values as received, in one raw table."""
    empty = LINES.empty_table()
    if lookup_of(dataset) or not set(CANONICAL[dataset].column_names) & {column for _, column in IDENTIFYING}:
        return empty, empty, set()
    contract = Contract.of(source, dataset, settings)
    every = contract.mapping.dataset.model_copy(update={"where": ""})
    contract = replace(contract, mapping=replace(contract.mapping, dataset=every))
    carried = [column for _, column in IDENTIFYING if column in CANONICAL[dataset].column_names]
    address = [name for name in ("country", IDS_OF) if name in CANONICAL[dataset].column_names]
    with flagged_rows(lake, contract, raw, paths) as flagged:
        rows = flagged.select("source", "file_id", "line", *carried, *address)
        told = whose(rows, sides, source, settings).where("customer_id is not null")
        mine = told.where(F.col("customer_id") == THEIRS)
        found = mine.select("file_id", "line", *carried).toArrow()
        others = told.where(F.col("customer_id") == ANOTHER).select("file_id", "line").distinct().toArrow()
    return (
        _lines(source, dataset, found.select(["file_id", "line"])),
        _lines(source, dataset, others),
        _values(found, source, person, settings),
    )


def whose(rows: DataFrame, sides: DataFrame, source: str, settings: Settings) -> DataFrame:
    """Rows with whose they are. Of a source that may not identify anyone, those that name nobody of its own are whose
    they say: somebody who was forgotten does not come back as a stranger."""
    told = with_customer(rows, sides, settings)
    for before in under_previous_keys(settings):  # whoever was forgotten under a key of before is known by that alone
        found = with_customer(told.where("customer_id is null"), sides, before)
        told = told.where("customer_id is not null").unionByName(found.select(*told.columns))
    if source not in strangers(settings.sources):
        return told
    trusted = replace(settings, sources=trusting(settings.sources))
    unknown = with_customer(told.where("customer_id is null"), sides, trusted)
    return told.unionByName(unknown.select(*told.columns))


def _sides(lake: Lake, person: Person) -> DataFrame:
    """Every identifier there is, as the person's or as another's."""
    known = lake.arrow("identity/map", columns=["identifier"])["identifier"].to_pylist()
    rows = [(one, THEIRS) for one in person.identifiers] + [
        (one, ANOTHER) for one in known if one not in person.identifiers
    ]
    table = pa.table({"identifier": [row[0] for row in rows], "customer_id": [row[1] for row in rows]})
    return get_spark().createDataFrame(table)


def _values(found: pa.Table, source: str, person: Person, settings: Settings) -> set[str]:
    """Values of the person's own identifiers; what others have too is not searched for."""
    values, keys = set(), [settings, *under_previous_keys(settings)]
    for kind, column in IDENTIFYING:
        if column not in found.column_names or kind == "contact":
            continue
        for value in pc.unique(found[column]).to_pylist():
            if (
                value
                and len(value) >= SHORTEST
                and {identifier_hash(kind, value, one, source) for one in keys} & person.identifiers.keys()
            ):
                values.add(value)
    return values


def _parts(lake: Lake, lines: pa.Table, wanted: pa.Array | None) -> Iterator[pa.Table]:
    """Lines of records that are part of one of the person's, and tell no person themselves."""
    for parent in CANONICAL.values():
        table = parent.name
        if not parent.id or not lake.exists(table):
            continue
        ids = _ids_at(lake, table, parent.id, lines)
        for child in CANONICAL.values():
            if parent.id not in child.column_names or child.id == parent.id or not lake.exists(child.name):
                continue
            carried = [column for _, column in IDENTIFYING if column in child.column_names]
            same = pc.field(parent.id).isin(ids["id"].combine_chunks())
            rows = lake.dataset(child.name).to_table(
                columns=["source", "file_id", "line", parent.id, *carried], filter=same
            )
            if wanted is not None:
                rows = rows.filter(pc.is_in(rows["file_id"], value_set=wanted))
            nobody = pa.array([all(row[name] is None for name in carried) for row in rows.to_pylist()], pa.bool_())
            rows = rows.filter(nobody).rename_columns(["source", "file_id", "line", "id", *carried])
            joined = rows.join(ids, keys=["source", "id"], join_type="left semi")
            short = child.short_name
            yield pa.table(
                [joined["source"], pa.array([short] * joined.num_rows, pa.string()), joined["file_id"], joined["line"]],
                schema=LINES,
            )


def _ids_at(lake: Lake, table: str, column: str, lines: pa.Table) -> pa.Table:
    files = pc.unique(lines["file_id"])
    rows = lake.dataset(table).to_table(
        columns=["source", "file_id", "line", column], filter=pc.field("file_id").isin(files)
    )
    mine = rows.join(lines.select(["file_id", "line"]), keys=["file_id", "line"], join_type="left semi")
    found = mine.select(["source", column]).rename_columns(["source", "id"]).drop_null()
    return found.group_by(["source", "id"]).aggregate([]).select(["source", "id"])


def _by_value(
    lake: Lake, settings: Settings, values: set[str], lines: pa.Table, others: pa.Table, wanted: pa.Array | None
) -> tuple[pa.Table, int]:
    """Further lines with one of the values in their text: nobody else's are the person's, others only mention them."""
    if not values:
        return LINES.empty_table(), 0
    pattern = pattern_of(values)
    named, mentions = [LINES.empty_table()], 0
    for source, dataset in _datasets(lake, settings):
        name = f"raw/{source}_{dataset}"
        chosen = pc.field("file_id").isin(wanted) if wanted is not None else None
        for batch in lake.dataset(name).to_batches(columns=["file_id", "line", "record"], filter=chosen):
            hit = pc.match_substring_regex(batch["record"], pattern)
            rows = pa.Table.from_batches([batch]).filter(hit).select(["file_id", "line"])
            if not rows.num_rows:
                continue
            found = _lines(source, dataset, rows).join(lines, keys=LINES.names, join_type="left anti")
            theirs = found.join(others, keys=LINES.names, join_type="left anti")
            mentions += found.num_rows - theirs.num_rows
            named.append(theirs)
    return pa.concat_tables(named), mentions


def pattern_of(values: Iterable[str]) -> str:
    """A regular expression (RE2) for any of the values as a word of its own, in any case."""
    words = "|".join(re.escape(value) for value in sorted(values))
    return rf"(?i)(^|[^\w.+-])({words})($|[^\w-])"


def _lines(source: str, dataset: str, keys: pa.Table) -> pa.Table:
    count = keys.num_rows
    return pa.table(
        [pa.array([source] * count, pa.string()), pa.array([dataset] * count, pa.string()),
         keys["file_id"].cast(pa.string()), keys["line"].cast(pa.int64())],
        schema=LINES,
    )  # fmt: skip
