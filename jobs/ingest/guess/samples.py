"""A sample of each file: how the file is written, and its first records, read by the readers of ingest."""

from __future__ import annotations

import json
import mmap
import re
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from jobs.config.sources.formats import Format, Limits
from jobs.ingest.formats.content import BrokenFile, Content, as_text
from jobs.ingest.formats.disguises import refuse_disguise
from jobs.ingest.formats.readers import read, to_json
from jobs.ingest.guess import heads
from jobs.ingest.guess.heads import Unreadable
from jobs.lake.database import database_of

ROWS = 1_000
"""Records that are looked at."""
SIGNS = ",;\t|"
DATA = re.compile(r"[-+]?\d+([.,]\d+)?|[^@\s]+@[^@\s]+\.\w+|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?|true|false", re.I)
"""A cell that is a value: a row with one is no header."""
NULLS = ("NULL", "null", "\\N", "N/A", "n/a", "(null)", "None", "#N/A", "(not set)", "-", "NaN", "nan")
STEM = re.compile(r"([\W_]*+(\d++|[0-9a-f]{8,}+))+$", re.I)
"""What differs between two exports of one table: a date, a number, a hash at the end of the name. No part gives back
what it took: a long number that can be divided in many ways would keep the search busy for ever."""

NOTHING_BUT = re.compile(r"(\d{8,}|[0-9a-f]{8,})([\W_]+[0-9a-f]+)*", re.I)
"""A name that differs as a whole: 1748649600000_a1b2. What it is called after is the folder."""


@dataclass(frozen=True)
class Sample:
    """The first records of a file. `form` are the keys of `format` that its dataset needs."""

    path: Path
    form: dict[str, Any]
    records: list[dict[str, Any]] = field(repr=False)
    whole: bool = True
    each: str = ""
    """The list inside the records whose items these are, as `each` of a dataset."""

    @property
    def stem(self) -> str:
        """The name of the file without endings and without what differs from one export to the next."""
        name = self.path.name.split(".")[0]
        if NOTHING_BUT.fullmatch(name):
            return ""
        return STEM.sub("", name) or name

    @property
    def files(self) -> str:
        """The pattern that takes this file and those exported after it."""
        ending = "".join(suffix for suffix in self.path.suffixes if not suffix[1:].isdigit())
        stem = self.stem
        plain = ending.split(".gz")[0].split(".zst")[0]
        return "{day}/" + re.sub(r"[*?\[\]{}]", "?", stem) + "*" + plain + "*"

    @property
    def nested(self) -> bool:
        """Whether `a.b` in expressions is field b inside a."""
        return bool(self.each) or self.form.get("type", "csv") not in ("csv", "tsv")


def sample_of(path: Path) -> Sample:
    """The sample of one file. Raises Unreadable, with what to do, for what no reader reads."""
    head, whole = heads.head_of(path)
    try:
        if head[:4] == b"PAR1":
            return _typed(path, "parquet")
        if head[:4] == b"Obj\x01":
            return _typed(path, "avro")
        refuse_disguise(head, Format())
        encoding = _encoding(head)
        text = head.decode(encoding, errors="ignore" if not whole else "strict").lstrip("\ufeff")
        if not text.strip():
            raise Unreadable("the file holds nothing but blanks; export it again")
        return _json(path, text, whole, encoding) if heads.is_json(text) else _csv(path, text, whole, encoding)
    except BrokenFile as error:
        raise Unreadable(str(error)) from None
    except UnicodeDecodeError:
        raise Unreadable("no text in any encoding we know, so nobody can tell its columns; export it as CSV") from None


def _encoding(head: bytes) -> str:
    """UTF-8, UTF-16 by its mark, or what Windows writes in Western Europe. Raises Unreadable for binary data."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if b"\0" in head or sum(byte < 9 or 13 < byte < 32 for byte in head[:4096]) > 40:
        raise Unreadable("binary data of a kind we do not read; export it as CSV, JSON, Parquet or Avro")
    for cut in range(4):
        try:
            head[: len(head) - cut].decode("utf-8")
            return "utf-8"
        except UnicodeDecodeError:
            continue
    return "cp1252"


def _typed(path: Path, kind: str) -> Sample:
    """Parquet and Avro hold their columns themselves; the readers give their first batch without the rest."""
    with path.open("rb") as file, closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as data:
        form = Format.model_validate({"type": kind})
        records = _records(Content(data), form)
    return Sample(path, {"type": kind}, records)


def _records(content: Content, form: Format) -> list[dict[str, Any]]:
    """The first records as a reader of ingest gives them; a line that is none is left out."""
    found: list[dict[str, Any]] = []
    with database_of() as database:
        chunks = read(database, content, form, Limits())
        for chunk in chunks:
            if chunk.columns is not None and form.delimited:
                found += chunk.columns.slice(0, ROWS).to_pylist()
            else:
                texts = chunk.text
                if chunk.columns is not None:
                    texts = to_json(database, chunk.columns.slice(0, ROWS))
                found += [json.loads(text) for text in (texts.to_pylist() if texts is not None else [])]
            if len(found) >= ROWS:
                break
        chunks.close()  # type: ignore[attr-defined]
    return found[:ROWS]


def _read(text: str, form: dict[str, Any]) -> list[dict[str, Any]]:
    checked = Format.model_validate({key: value for key, value in form.items() if key != "encoding"})
    with tempfile.TemporaryFile() as copy:
        return _records(as_text(text.encode(), checked, Limits(), copy), checked)


def _json(path: Path, text: str, whole: bool, encoding: str) -> Sample:
    form: dict[str, Any] = {"type": "jsonl"} if encoding == "utf-8" else {"type": "jsonl", "encoding": encoding}
    end = heads.first_value(text)
    lines = text.lstrip()
    if lines[:1] == "{" and end is not None and text[end:].strip():
        return Sample(path, form, _read(text if whole else heads.whole_lines(text, ""), form), whole)
    form["type"] = "json"
    document = text if whole else heads.whole_document(text)
    try:
        value = json.loads(document)
    except (ValueError, RecursionError):
        raise Unreadable("it begins like JSON and is none; export it again") from None
    if places := _lists(value):
        form["records"] = places[0]
    return Sample(path, form, _read(document, form), whole)


def _lists(value: Any, at: str = "") -> list[str]:
    """Where lists of objects are in a document, the outermost and longest first; none if its top is such a list."""
    if isinstance(value, list):
        return []
    found: list[tuple[int, int, str]] = []
    inside = [(value, at)] if isinstance(value, dict) else []
    depth = 0
    while inside and depth < 3:
        deeper: list[tuple[Any, str]] = []
        for one, path in inside:
            for name, child in one.items():
                place = f"{path}.{name}" if path else name
                if isinstance(child, list) and child and isinstance(child[0], dict) and not re.search(r"[.\[\]]", name):
                    found.append((depth, -len(child), f"{place}[]"))
                elif isinstance(child, dict):
                    deeper.append((child, place))
        inside, depth = deeper, depth + 1
    return [place for _, _, place in sorted(found)]


def _csv(path: Path, text: str, whole: bool, encoding: str) -> Sample:
    form: dict[str, Any] = {} if encoding == "utf-8" else {"encoding": encoding}
    body = text.replace("\r\n", "\n").replace("\r", "\n")
    skipped = 0
    said = re.match(r'\s*"?sep=(.)"?[ ,;\t]*\n', body, re.I)
    if said:
        form["skip_lines"] = skipped = 1
        body = body[said.end() :]
    body = body if whole else heads.whole_lines(body)
    sign, rows = _dialect(body, said[1] if said else None)
    if sign == "\t":
        form = {"type": "tsv", **form}
    elif sign != ",":
        form["delimiter"] = sign
    usual = Counter(map(len, rows)).most_common(1)[0][0]
    above = next(place for place, row in enumerate(rows) if len(row) == usual and 2 * sum(map(bool, row)) > usual)
    if above:
        form["skip_lines"] = skipped + above
        body = "".join(body.splitlines(keepends=True)[above:])
    header = [name.strip() for name in rows[above]]
    if usual < 2 and not re.fullmatch(r"[\w ]{1,40}", header[0]):
        raise Unreadable("one column of text, of which nobody can tell what it means; export a table with a header")
    if any(map(DATA.fullmatch, filter(None, header))):
        form |= {"header": False, "names": [f"column_{place}" for place in range(1, usual + 1)]}
    elif len(rows) - above < 2:
        raise Unreadable("it has a header and no rows; export it again with some")
    records = _read(body, {key: value for key, value in form.items() if key != "skip_lines"})
    values = Counter(value for record in records for value in record.values() if value in NULLS)
    if values:
        form["nulls"] = sorted(values)
        records = [{key: "" if value in values else value for key, value in one.items()} for one in records]
    return Sample(path, form, records, whole)


def _dialect(text: str, said: str | None) -> tuple[str, list[list[str]]]:
    """The sign between fields, and the first rows: the sign by which most rows have equally many fields."""
    best: tuple[float, str, list[list[str]]] = (-1.0, ",", [])
    for sign in said or SIGNS:
        rows = [row for row in heads.rows_of(text, sign, 200) if row]
        if not rows:
            continue
        count, often = Counter(map(len, rows)).most_common(1)[0]
        score = (often / len(rows)) * (count > 1) + min(count, 50) / 1000
        if score > best[0]:
            best = (score, sign, rows)
    if not best[2]:
        raise Unreadable("no rows in it; export it again")
    return best[1], best[2]


def inner_samples(sample: Sample) -> list[Sample]:
    """The lists of objects inside the records, each as the sample of a dataset that takes their items by `each`."""
    paths: dict[str, list[dict[str, Any]]] = {}
    for record in sample.records:
        for path, items in _inner(record, ""):
            rows = paths.setdefault(path, [])
            rows += [
                {**item, "_index": str(place), "_parent": _above(record, path)}
                for place, item in islice(enumerate(items, 1), 50)
            ]
    if len(sample.records) < 1:
        return []
    return [Sample(sample.path, sample.form, rows, sample.whole, path) for path, rows in paths.items() if rows]


def _above(record: dict[str, Any], path: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != path.split(".")[0]}


def _inner(value: dict[str, Any], at: str) -> list[tuple[str, list[dict[str, Any]]]]:
    found = []
    for name, child in value.items():
        place = f"{at}.{name}" if at else name
        if isinstance(child, list) and child and all(isinstance(item, dict) for item in child):
            found.append((place, child))
        elif isinstance(child, dict) and place.count(".") < 3:
            found += _inner(child, place)
    return found
