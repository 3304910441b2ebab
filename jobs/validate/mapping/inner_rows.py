"""Rows of a dataset that are inside a row of a file, and rows that tell one column of a record.

`each` of config/sources/ makes several rows of a raw row: they keep its file and line, which is what counts, goes to
quarantine and is tried again. `pairs` makes of a name and its value a record with that one column, whose others are
absent: all pairs of a record, of whatever delivery, end as one (jobs/validate/versions/partial.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.sources.source import ARRIVED, SourceDataset
from jobs.ingest.expressions import Path
from jobs.ingest.inner_rows import INDEX, KEY, NAME, PARENT, VALUE, around, place_of, told_by_pairs
from jobs.validate.rules.broken import BROKEN, REASON, WHAT_TO_DO

ITEM = "item_"
"""Of a row inside another its place there, from 1, and 0 where a list should be and is none; of a pair the
microseconds, from 1, by which it comes after others of its moment."""
EMPTY = -1
LONGEST_NAME = 1_000
"""Signs of the name of a column that is one of several side by side; a longer one would be divided in too many ways."""
"""ITEM of a row that stands for a line without any, where a line has all rows of something (`all_rows_of`)."""
NO_LIST = "each:list"
"""The rule that such a row breaks."""
SECOND = 1_000_000
"""Microseconds: names told of a record at one moment are less than that apart."""
FILES_APART = 3_600
"""Files of one day whose pairs without a time are told apart, by the second."""


def expanded(raw: DataFrame, dataset: SourceDataset) -> DataFrame:
    """The rows of the dataset that raw rows hold, as raw rows with ITEM; raw rows as they are if each is one itself."""
    if ITEM in raw.columns or not (dataset.each or dataset.pairs):
        return raw
    split = F.arrow_udf(_speller(dataset), "string")  # type: ignore[call-overload]
    told = raw.withColumn("inner_", F.explode(F.split(split(F.col("record"), F.col("arrived").cast("string")), "\n")))
    item = F.substring_index("inner_", "\t", 1).cast("bigint")
    if dataset.pairs and dataset.columns["updated_at"].expression == ARRIVED:
        # A line tells one name, so file and line are enough, and the later line of a file counts.
        second = F.conv(F.substring("file_id", 1, 6), 16, 10).cast("bigint") % FILES_APART
        item = F.col("line") + second * SECOND
    record = F.expr("substring(inner_, locate('\t', inner_) + 1)")
    return told.select(*(c for c in raw.columns if c != "record"), record.alias("record"), item.alias(ITEM))


def in_order_of_pairs(rows: DataFrame) -> DataFrame:
    """Pairs of one moment, each a version of its record, one after the other."""
    moment = F.timestamp_micros(F.unix_micros("updated_at") + F.col(ITEM))
    return rows.withColumn("updated_at", moment)


def told_of_items(flagged: DataFrame, dataset: SourceDataset) -> DataFrame:
    """Flagged rows whose reasons say which item of the line it is, and those that are no list by a rule of its own."""
    held_in = dataset.each.held_in if dataset.each else ""
    none = F.lit(f"{held_in} holds no {'object' if dataset.each and dataset.each.fields else 'list'}{WHAT_TO_DO}")
    item = F.concat(F.lit("item "), F.col(ITEM).cast("string"), F.lit(": "), F.col(REASON))
    no_list, empty = F.col(ITEM) == 0, F.col(ITEM) == EMPTY
    return flagged.withColumns(
        {
            BROKEN: F.when(no_list, F.lit(NO_LIST)).when(~empty, F.col(BROKEN)),
            REASON: F.when(no_list, none).when(~empty, item),
        }
    )


def of_lines(held: DataFrame) -> DataFrame:
    """Rows for quarantine, one per line: of several items of a line the reasons of all, and the rule of the first."""
    first = F.min_by("rule", F.col(ITEM))
    reasons = F.array_join(
        F.transform(F.array_sort(F.collect_list(F.struct(ITEM, "reason"))), lambda x: x["reason"]), "; "
    )
    rules = F.array_sort(F.array_distinct(F.flatten(F.collect_list("rules"))))
    return held.groupBy("file_id", "line").agg(first.alias("rule"), reasons.alias("reason"), rules.alias("rules"))


Speller = Callable[[pa.Array, pa.Array], pa.Array]
"""A function of records and arrival days: per record its rows, one a line, each as ITEM, a tab and the record; null for
none. It is made where all it needs is plain values, so that it travels whole to a cluster."""


Rows = Callable[[str, str], list[str]]
"""A function of one record and its arrival day: its rows, as a speller gives them."""


def _speller(dataset: SourceDataset) -> Speller:
    nulls = ["", *dataset.format.nulls]
    if dataset.pairs:
        key, value = (place_of(text, dataset) for text in (dataset.pairs.key, dataset.pairs.value))
        return _line_by_line(_of_pairs(key, value, _numbers(told_by_pairs(dataset)), nulls))
    each = dataset.each
    assert each is not None
    if each.columns:
        return _line_by_line(_of_columns(each.pattern, around(dataset), nulls, bool(dataset.all_rows_of)))
    place, whole = place_of(each.held_in, dataset), bool(dataset.all_rows_of)
    return _line_by_line(_of_lists(place, bool(each.fields), each.separator, around(dataset), nulls, whole))


def _line_by_line(make: Callable[[], Rows]) -> Speller:
    def spell(records: pa.Array, days: pa.Array) -> pa.Array:
        import pyarrow as pa

        rows, spelled = make(), []
        for line, day in zip(records.to_pylist(), days.to_pylist(), strict=True):
            plain = (line or "").replace("\n", " ").replace("\r", " ").replace("\t", " ")
            told = rows(plain, day) if plain else []
            spelled.append("\n".join(told) if told else None)
        return pa.array(spelled, pa.string())

    return spell


def _numbers(names: list[str]) -> dict[str, int]:
    """A number below SECOND for each name, by the name alone: history that is delivered again has the moments it had.

    Of two names with one number, which is rare, the second takes the next: no two are told at one moment.
    """
    numbers: dict[str, int] = {}
    for name in names:
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % (SECOND - 1) + 1
        while number in numbers.values():
            number = number % (SECOND - 1) + 1
        numbers[name] = number
    return numbers


def _walker() -> Callable[[Mapping[str, Any], Path], bytes]:
    """A function of a record and a way in it: the value there as it is written, null if there is none.

    It raises MsgspecError where the way goes into something that is no object, or no list.
    """

    def walk(record: Mapping[str, Any], way: Path) -> bytes:
        import msgspec

        found = bytes(record.get(str(way[0]), b"null")).strip()
        for step in way[1:]:
            if found == b"null":
                break
            if isinstance(step, str):
                below = msgspec.json.decode(found, type=dict[str, msgspec.Raw]).get(step)
            else:
                listed = msgspec.json.decode(found, type=list[msgspec.Raw])
                below = listed[step] if step < len(listed) else None
            found = b"null" if below is None else bytes(below).strip()
        return found

    return walk


def _of_lists(
    place: Path, fields: bool, separator: str, around: list[str], nulls: list[str], whole: bool
) -> Callable[[], Rows]:
    """Of records with a list, or an object, at `place`; of a `whole` a row says that it has none."""
    parent, index, name, item, walk, empty = PARENT, INDEX, KEY, VALUE, _walker(), EMPTY

    def make() -> Rows:
        import msgspec

        as_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
        as_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
        text, write = msgspec.json.Decoder(str).decode, msgspec.json.Encoder().encode

        def held(record: dict[str, msgspec.Raw]) -> bytes:
            value = walk(record, place)
            if value[:1] != b'"':
                return value
            written = text(value).strip()
            if written in nulls:
                return b"null"
            if separator and written[:1] != "[":
                return bytes(write([part.strip() for part in written.split(separator) if part.strip()]))
            return written.encode()

        def inside(value: bytes) -> list[tuple[str | None, bytes]]:
            if fields:
                return [(name, bytes(one).strip()) for name, one in as_object(value).items()]
            return [(None, bytes(one).strip()) for one in as_list(value)]

        def rows(line: str, day: str) -> list[str]:
            record = as_object(line)
            kept = msgspec.Raw(write({name: record[name] for name in around if name in record}))
            try:
                value = held(record)
                found = [] if value == b"null" else inside(value)
            except msgspec.MsgspecError:
                return ["0\t" + write({parent: kept}).decode()]
            told = []
            for number, (named, one) in enumerate(found, 1):
                if one == b"null" or (one[:1] == b'"' and text(one).strip() in nulls):
                    continue
                own: dict[str, object] = {**as_object(one)} if one[:1] == b"{" else {item: msgspec.Raw(one)}
                own = own | {parent: kept, index: number} | ({} if named is None else {name: named})
                told.append(f"{number}\t" + write(own).decode())
            if whole and not told and place[0] in record:
                told.append(f"{empty}\t" + write({parent: kept}).decode())
            return told

        return rows

    return make


def _of_columns(pattern: str, around: list[str], nulls: list[str], whole: bool) -> Callable[[], Rows]:
    """Of records with columns side by side whose names are like `pattern`; of a `whole` a row says that it has none."""
    parent, index, key, name, item, none = PARENT, INDEX, KEY, NAME, VALUE, EMPTY
    longest = LONGEST_NAME

    def make() -> Rows:
        import re

        import msgspec

        as_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
        text, write = msgspec.json.Decoder(str).decode, msgspec.json.Encoder().encode
        like = re.compile(pattern).fullmatch

        def empty(value: bytes) -> bool:
            return value == b"null" or (value[:1] == b'"' and text(value).strip() in nulls)

        def rows(line: str, day: str) -> list[str]:
            record = as_object(line)
            kept = msgspec.Raw(write({column: record[column] for column in around if column in record}))
            groups: dict[tuple[str, str], dict[str, msgspec.Raw | str]] = {}
            for column, raw in record.items():
                found = like(column) if len(column) <= longest else None
                value = bytes(raw).strip()
                if found is None:
                    continue
                parts = found.groupdict()
                group = groups.setdefault((parts.get("n") or "", parts.get("name") or ""), {})
                if empty(value):  # its place stays, or those after it would be other rows once it is filled
                    continue
                group[parts.get("field") or item] = msgspec.Raw(value)
                if "field" not in parts:
                    group[key] = column
            told = []
            for place, ((number, named), own) in enumerate(groups.items(), 1):
                if not own:
                    continue
                at = int(number) if number else place
                row = {**own, parent: kept, index: at} | ({name: named} if named else {})
                told.append(f"{place}\t" + write(row).decode())
            if whole and groups and not told:
                told.append(f"{none}\t" + write({parent: kept}).decode())
            return told

        return rows

    return make


def _of_pairs(key: Path, value: Path, numbers: dict[str, int], nulls: list[str]) -> Callable[[], Rows]:
    """Of records that each tell one of the names with `numbers`; of another name nothing is told."""
    arrived, walk = ARRIVED, _walker()

    def make() -> Rows:
        import msgspec

        as_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
        text, write = msgspec.json.Decoder(str).decode, msgspec.json.Encoder().encode

        def at(record: dict[str, msgspec.Raw], way: Path) -> bytes:
            try:
                return walk(record, way)
            except msgspec.MsgspecError:
                return b"null"

        def rows(line: str, day: str) -> list[str]:
            record = as_object(line)
            named = at(record, key)
            name = text(named).strip() if named[:1] == b'"' else named.decode()
            if name not in numbers or name in record:
                return []
            told = at(record, value)
            nothing = told[:1] == b'"' and text(told).strip() in nulls
            own = record | {name: msgspec.Raw(b"null" if nothing else told), arrived: day}
            return [f"{numbers[name]}\t" + write(own).decode()]

        return rows

    return make
