"""JSON files: one object per line, or a document with the records in it. Their text is kept as it is."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.sources.formats import Format, Limits
from jobs.ingest.formats.content import MB, BrokenFile, Content, Damage
from jobs.ingest.formats.json_documents import elements, problem_of
from jobs.ingest.formats.json_records import TODO, Found, brackets, over
from jobs.ingest.formats.json_values import Value, starts_a_layout, values
from jobs.ingest.formats.records import BLOCK, Chunk

LOOK = """
select to_json(json_keys(record))::varchar as keys,
  contains(record, '[') or contains(substr(record, 2), '{') or strlen(record) > $longest
    or contains(record, 'NaN') or contains(record, 'nan') or contains(record, 'Inf') or contains(record, 'inf')
    or regexp_matches(record, ',[ \\t\\r]*}$') as odd,
  regexp_matches(record, '[0-9]{99}|[0-9][eE][+]?[0-9]{3}') as large
from (select case when json_valid(record) then record end as record from rows_)"""
"""What DuckDB sees of records. Its JSON reader forgives NaN and a comma at the end; the JSON standard does not."""
TOGETHER = 8
"""Nested records that are looked at in one go: many together cost garbage collection, few the calls."""
ASKED = 1_000
"""Lines that are no JSON of which it is asked whether they begin another layout."""


def read_jsonl(database: duckdb.DuckDBPyConnection, content: Content, form: Format, limits: Limits) -> Iterator[Chunk]:
    """One JSON object per line, its text kept as it is. With `records`, the records of each line's document.

    The line of a record is its line in the file; with `records` its place among all records of the file, from 1.
    Objects that follow one another without line breaks, reach over several lines or stand in an array are read too.
    """
    ends = b"\r" if content.data.find(b"\n") < 0 <= content.data.find(b"\r") else b"\n"
    if not _one_a_line(database, content, form, ends):
        yield from _read_values(content, form, limits, ends)
        return
    line, place = 1, 1
    for start, block in _blocks(content, ends):
        records = pc.split_pattern(pa.array([block], pa.large_string()), ends.decode()).flatten()[:-1]
        lines = pa.array(np.arange(line, line + len(records)))
        damage = _damaged(content, start, block, ends, line)
        line += len(records)
        records = pc.utf8_trim_whitespace(records)
        wanted = pc.and_(pc.not_equal(records, ""), pc.greater(lines, form.skip_lines))
        lines, records = lines.filter(wanted), records.filter(wanted).cast(pa.string())
        if form.records:
            chunk = _inside(lines, records, damage, form, limits, place)
            place += len(chunk.lines) + len(chunk.rejects)
        else:
            chunk = _objects(database, lines, records, damage, limits)
        yield chunk


def _one_a_line(database: duckdb.DuckDBPyConnection, content: Content, form: Format, ends: bytes) -> bool:
    """Whether each line is a record of its own, or a line that is none; not if other layouts explain such lines."""
    line, asked = 1, 0
    for _, block in _blocks(content, ends):
        lines = pc.split_pattern(pa.array([block], pa.large_string()), ends.decode()).flatten()[:-1]
        starts = np.concatenate([[0], np.cumsum(np.asarray(pc.utf8_length(lines)) + 1)])
        first, line = line, line + len(lines)
        texts = pc.utf8_trim_whitespace(lines)
        whole = pc.and_(pc.starts_with(texts, "{"), pc.ends_with(texts, "}"))
        odd = pc.or_(pc.invert(whole), pc.match_substring_regex(texts, r"\}[\s,]*\{"))
        numbers = pa.array(np.arange(len(lines)))
        wanted = pc.and_(odd, pc.and_(pc.not_equal(texts, ""), pc.greater(numbers, form.skip_lines - first)))
        if not pc.any(wanted).as_py():
            continue
        table = pa.table({"place": numbers.filter(wanted), "record": texts.filter(wanted).cast(pa.string())})
        look = "select place from rows_ where not json_valid(record) or starts_with(record, '[') order by place"
        for place in query(database, look, table)["place"].to_pylist():
            asked += 1
            if starts_a_layout(block, int(starts[int(place)]), flat=not form.records):
                return False
            if asked == ASKED:
                return True
    return True


def _read_values(content: Content, form: Format, limits: Limits, ends: bytes) -> Iterator[Chunk]:
    """The records of a file that is no list of lines. Their line is that of their start if no two begin on one line,
    and else their place, from 1."""
    text = bytes(content.data).decode()
    after = 0
    for _ in range(form.skip_lines):
        after = text.find(ends.decode(), after) + 1 or len(text)
    found = list(values(text, after, ends.decode(), flat=not form.records))
    lines = [one.line for one in found]
    by_line = not form.records and len(set(lines)) == len(lines)
    damage = _damaged_values(content, found)
    chunk, count = Found(limits), 0
    for one in found:
        inner: list[tuple[str, str | None]] = [(text[one.start : one.end], one.problem)]
        if one.start in damage:
            refusal = damage[one.start]
            count += 1
            chunk.refuse(one.line if by_line else count, refusal.rule, refusal.reason, inner[0][0])
            continue
        if form.records and not one.problem:
            try:
                inner = list(elements(inner[0][0], form.records))
            except BrokenFile as error:
                inner = [(inner[0][0], str(error))]
        for record, problem in inner:
            count += 1
            chunk.add(one.line if by_line else count, record, problem)
        if chunk.size > BLOCK:
            yield chunk.chunk()
            chunk = Found(limits)
    yield chunk.chunk()


def _damaged_values(content: Content, found: list[Value]) -> dict[int, Damage]:
    """The first damage of each value, by where it begins."""
    damaged: dict[int, Damage] = {}
    starts, place, before = [one.start for one in found], 0, 0
    for damage in content.damage:
        place, before = place + len(bytes(content.data[before : damage.position]).decode()), damage.position
        nearest = bisect_right(starts, place) - 1
        if nearest >= 0:
            damaged.setdefault(starts[nearest], damage)
    return damaged


def read_json(content: Content, form: Format, limits: Limits) -> Iterator[Chunk]:
    """The records of one JSON document. The line of a record is its place among them, from 1."""
    if content.damage:
        first = content.damage[0]
        line = bytes(content.data[: first.position]).count(b"\n") + 1
        raise BrokenFile(f"line {line} is {first.reason}")
    found = Found(limits)
    for number, (record, problem) in enumerate(elements(bytes(content.data).decode(), form.records), 1):
        found.add(number, record, problem)
        if found.size > BLOCK:
            yield found.chunk()
            found = Found(limits)
    yield found.chunk()


def _blocks(content: Content, ends: bytes) -> Iterator[tuple[int, str]]:
    """Where whole lines begin and their text, about BLOCK bytes at a time; the last line gets its end too."""
    data, position = content.data, 0
    while position < len(data):
        end = position + BLOCK
        if end < len(data):
            end = data.rfind(ends, position, end) + 1 or data.find(ends, end) + 1 or len(data)
        text = bytes(data[position:end]).decode()
        yield position, text if text.endswith(ends.decode()) else text + ends.decode()
        position = end


def _damaged(content: Content, start: int, block: str, ends: bytes, line: int) -> dict[int, Damage]:
    """The damaged lines of a block that begins with `line` at byte `start`."""
    found: dict[int, Damage] = {}
    if content.damage:
        stop = start + len(block.encode())
        for damage in content.damage:
            if start <= damage.position < stop:
                line += bytes(content.data[start : damage.position]).count(ends)
                start = damage.position
                found.setdefault(line, damage)
    return found


def _objects(
    database: duckdb.DuckDBPyConnection, lines: pa.Array, records: pa.Array, damage: dict[int, Damage], limits: Limits
) -> Chunk:
    """Split records into JSON objects and what is none.

    Flat objects are known to be good by their keys alone; only the others are looked at one by one.
    """
    if not len(records):
        return Chunk(lines, text=records)
    longest = min(limits.field_mb, limits.record_mb) * MB
    seen = query(database, LOOK.replace("$longest", str(longest)), pa.table({"record": records}))
    keys = pc.dictionary_encode(seen["keys"])
    shapes = [json.loads(shape) for shape in keys.dictionary.to_pylist()]
    once = pa.array([bool(shape) and len(set(shape)) == len(shape) for shape in shapes], pa.bool_())
    large = pc.equal(seen["large"], "true")
    sure = pc.and_(pc.take(once, keys.indices), pc.and_(pc.equal(seen["odd"], "false"), pc.invert(large)))
    large = np.asarray(pc.fill_null(large, True))
    good = np.asarray(pc.fill_null(sure, False)).copy()
    found = Found(limits)
    unsure = np.flatnonzero(~good)
    valid = np.asarray(pc.is_valid(seen["keys"])) & ~large
    texts = records.take(pa.array(unsure)).to_pylist()
    for start in range(0, len(texts), TOGETHER):
        some = unsure[start : start + TOGETHER]
        good[some] = valid[some].all() and _surely_good(texts[start : start + TOGETHER], limits)
    for position, record in zip(unsure, texts, strict=True):
        if good[position]:
            continue
        if valid[position] and _surely_good([record], limits):
            good[position] = True
            continue
        line = lines[position].as_py()
        problem = None if line in damage else problem_of(record)
        refusal = None if problem or line in damage else over(record, limits)
        if problem:
            found.refuse(line, "record:json", f"{problem}; {TODO}", record)
        elif refusal:
            found.refuse(line, *refusal, record)
        else:
            good[position] = True
    for line, place in damage.items():
        for position in np.flatnonzero(np.asarray(lines) == line):
            good[position] = False
            found.refuse(line, place.rule, place.reason, records[position].as_py())
    if good.all():
        return Chunk(lines, text=records)
    kept = pa.array(good)
    return Chunk(lines.filter(kept), text=records.filter(kept), rejects=found.chunk().rejects)


def _surely_good(records: list[str], limits: Limits) -> bool:
    """Whether a fast and strict parser takes all these records and loses nothing: a repeated field would be lost.

    Each must be a JSON value by itself, if only to a lenient parser: only then can none begin inside another.
    """
    text = f"[{','.join(records)}]"
    if len(text) > min(limits.field_mb, limits.record_mb) * MB or not all(one.startswith("{") for one in records):
        return False
    if text.count("{") + text.count("[") > limits.nesting and max(map(brackets, records)) > limits.nesting:
        return False
    try:
        again = msgspec.json.encode(msgspec.json.decode(text))
    except (ValueError, RecursionError):
        return False
    return again.count(b'"') == text.count('"') and "\\u0022" not in text


def _inside(
    lines: pa.Array, records: pa.Array, damage: dict[int, Damage], form: Format, limits: Limits, place: int
) -> Chunk:
    """The records of documents that are a line each, numbered from `place`; a document that is none takes a number."""
    found = Found(limits)
    for line, document in zip(lines.to_pylist(), records.to_pylist(), strict=True):
        problem = problem_of(document)
        if line in damage:
            found.refuse(place + found.count, damage[line].rule, f"line {line}: {damage[line].reason}", document)
        elif problem:
            found.refuse(place + found.count, "record:json", f"line {line}: {problem}; {TODO}", document)
        else:
            try:
                inner = list(elements(document, form.records))
            except BrokenFile as error:
                found.refuse(place + found.count, "record:json", f"line {line}: {error}", document)
                continue
            for record, wrong in inner:
                found.add(place + found.count, record, wrong)
    return found.chunk()


def query(database: duckdb.DuckDBPyConnection, sql: str, rows: pa.Table) -> dict[str, pa.Array]:
    """The result of a query over `rows_`, as Arrow columns."""
    database.register("rows_", rows)
    try:
        table = database.sql(sql).to_arrow_table()
    finally:
        database.unregister("rows_")
    return {
        name: pa.array([], pa.string()) if not len(column) else column.combine_chunks().cast(pa.string())
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
