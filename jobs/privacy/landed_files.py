"""Erasing lines from the files in landing, so that nothing that reads them again finds the person."""

from __future__ import annotations

import hashlib
import re
import secrets
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from jobs.clock import today
from jobs.config.settings import Settings
from jobs.errors import StepFailed
from jobs.ingest.formats.content import BrokenFile
from jobs.ingest.landing.landing import LandedFile, Landing, landing_place
from jobs.ingest.landing.places import Changed, Found, Place
from jobs.ingest.ledger import Entry, as_table
from jobs.ingest.lookups import inputs
from jobs.lake.database import database_of
from jobs.lake.lake import Lake
from jobs.privacy.landed_lines import CannotRewrite, without_lines

FILES = "ops/files"


class Written(NamedTuple):
    """What became of one landed file. `lines` are those that were to go."""

    path: str
    outcome: str
    lines: int
    detail: str


def erase_lines(lake: Lake, lines: pa.Table, first_seen: dict[str, str], settings: Settings) -> Iterator[Written]:
    """Empty these lines (file_id, line) in the files they came from, and in files that repeat those.

    `first_seen` is the SHA-256 that a file had when its lines were counted, by file_id: a request that was killed after
    writing a file does not write it twice. Yields what became of each file.
    """
    entries = [Entry(**row) for row in lake.arrow(FILES).to_pylist()]
    of_file: dict[str, set[int]] = defaultdict(set)
    for row in lines.select(["file_id", "line"]).to_pylist():
        of_file[row["file_id"]].add(row["line"])
    by_content: dict[tuple[str, str], set[int]] = defaultdict(set)
    for entry in entries:
        if entry.file_id in of_file:
            content = first_seen.get(entry.file_id, entry.sha256)
            by_content[entry.source, content] |= of_file[entry.file_id]
    for source in sorted({source for source, _ in by_content} & set(settings.sources)):
        mine = {content: numbers for (one, content), numbers in by_content.items() if one == source}
        yield from _of_source(lake, source, mine, entries, first_seen, settings)


def _of_source(
    lake: Lake, source: str, by_content: dict[str, set[int]], entries: list[Entry], first_seen: dict[str, str],
    settings: Settings,
) -> Iterator[Written]:  # fmt: skip
    config = inputs(settings.sources[source])
    landing, (place, prefix) = Landing(source, settings), landing_place(source, settings)
    there = {
        file.path: file
        for dataset in config.values()
        for file in landing.files(dataset.files, datetime.max.date(), dataset.ready)
    }
    here = [entry for entry in entries if entry.source == source and entry.dataset in config]
    paths: dict[str, list[Entry]] = defaultdict(list)
    for entry in here:
        paths[entry.path].append(entry)
    for path, of_path in sorted(paths.items()):
        contents = {first_seen.get(entry.file_id, entry.sha256) for entry in of_path} & by_content.keys()
        numbers = set().union(*(by_content[content] for content in contents))
        if not numbers:
            continue
        file = there.get(path)
        if file is None:
            yield Written(path, "nothing", len(numbers), "the file is no longer there")
            continue
        yield _of_path(lake, landing, place, prefix, file, of_path, contents, numbers, settings, set(paths))


def _of_path(
    lake: Lake, landing: Landing, place: Place, prefix: str, file: LandedFile, entries: list[Entry],
    contents: set[str], numbers: set[int], settings: Settings, known: set[str],
) -> Written:  # fmt: skip
    form = inputs(settings.sources[entries[0].source])[entries[0].dataset].format
    try:
        with landing.open(file) as snapshot, database_of() as database:
            if snapshot.sha256 not in contents:
                if snapshot.sha256 in {entry.sha256 for entry in entries}:
                    return Written(file.path, "erased", len(numbers), "written by an earlier try")
                return Written(file.path, "by_hand", len(numbers), "the file has changed since; load it, then repeat")
            data = without_lines(database, snapshot, form, settings.general.limits, numbers)
    except (CannotRewrite, BrokenFile):
        return _removed(landing, place, prefix, file, numbers, known)
    except Changed:
        return Written(file.path, "pending", len(numbers), "the file is being written to; repeat the request")
    _note(lake, [entry for entry in entries if _is_of(entry, contents)], data, None)
    try:
        found = _put(place, file.path.removeprefix(prefix), data)
    except (OSError, StepFailed):
        return Written(file.path, "by_hand", len(numbers), "the place cannot be written to; empty these lines there")
    _note(lake, [entry for entry in entries if _is_of(entry, contents)], data, found)
    return Written(file.path, "erased", len(numbers), "lines emptied")


def _is_of(entry: Entry, contents: set[str]) -> bool:
    return entry.sha256 in contents


def _put(place: Place, path: str, data: bytes) -> Found:
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder, "file")
        draft.write_bytes(data)
        place.put(path, draft)
    return next(found for found in place.listing() if found.path == path)


def _removed(
    landing: Landing, place: Place, prefix: str, file: LandedFile, numbers: set[int], known: set[str]
) -> Written:
    """A file that cannot be written without the person is removed: its other rows are in the raw table already."""
    inside = re.match(r"(.+?\.zip)/", file.path, re.IGNORECASE)
    whole = inside[1] if inside else file.path
    if waiting := [path for path in landing.paths if path.startswith(f"{whole}/") and path not in known]:
        detail = f"its archive holds {len(waiting)} files that are not loaded yet: load them, then repeat the request"
        return Written(file.path, "by_hand", len(numbers), detail)
    try:
        place.remove(whole.removeprefix(prefix))
    except (OSError, StepFailed):
        return Written(file.path, "by_hand", len(numbers), "the place does not let it be removed; remove the file")
    return Written(file.path, "erased", len(numbers), "removed whole: it cannot be written without single records")


def _note(lake: Lake, entries: Iterable[Entry], data: bytes, found: Found | None) -> None:
    """Enter in the ledger what the file is, so that it is not taken for another one.

    Before the file is written its content, after it what its place calls that.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    told = {"version": found.version, "modified": found.modified} if found else {"version": None}
    rows = [replace(entry, sha256=sha256, size=len(data), **told) for entry in entries]
    txn = lake.transaction("erase_files", today("UTC"), config=[secrets.token_hex(8)], code=__name__)
    lake.upsert(FILES, as_table(rows), txn)
