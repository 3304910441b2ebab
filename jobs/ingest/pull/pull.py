"""Pull what a source does not deliver as files: rows of a database and records of an API land as files.

A pull stages its rows on disk, lands them under a name that is never read, is recorded in ops/pulls, and only then
gets its final name: a run that is killed anywhere leaves nothing half landed, and the next one goes on from there.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.connections import connection
from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError
from jobs.errors import StepFailed
from jobs.ingest.formats.records import Line
from jobs.ingest.landing.landing import landing_place
from jobs.ingest.landing.places import Place
from jobs.ingest.pull import http_api, postgres
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pull:
    """A row of ops/pulls."""

    source: str
    dataset: str
    path: str
    day: date
    since: str
    until: str
    digest: str
    rows: int
    pulled_at: datetime


@dataclass(frozen=True)
class Staged:
    """The new rows of one dataset, on disk: `content` is gzip of JSON lines, None if nothing is new."""

    dataset: str
    since: str
    until: str
    digest: str
    rows: int
    content: Path | None


def run(source: str, day: date, settings: Settings, lake: Lake) -> int:
    """Land what is new in the datasets of `source` that have a query or request; returns how many rows.

    Raises StepFailed if the server cannot be reached, refuses the login or breaks off: then nothing is landed.
    """
    datasets = {name: d for name, d in settings.sources[source].datasets.items() if d.pulled}
    if not datasets:
        return 0
    place, prefix = landing_place(source, settings)
    last = _settle(place, prefix, source, lake)
    with tempfile.TemporaryDirectory(prefix="klantreis-pull-") as folder:
        with _named(source):
            staged = list(_stage(source, settings, last, Path(folder)))
        return sum(_land(place, prefix, source, day, one, lake) for one in staged)


def spool(folder: Path, dataset: str, lines: Iterable[Line], last: Pull | None) -> tuple[str, int, Path | None]:
    """Keep the lines on disk; returns their digest, the number of new ones and the file, None if none is new.

    Of the lines that the last pull had too none is kept if together they are what they were: then nothing changed.
    """
    known, again, counts = 0, 0, {True: 0, False: 0}
    parts = {seen: folder / f"{dataset}.{'seen' if seen else 'new'}" for seen in (True, False)}
    with parts[True].open("wb") as seen, parts[False].open("wb") as new:
        for line in lines:
            # a line break can only be space between tokens: in a JSON string it is written as \n
            data = line.text.replace("\n", " ").replace("\r", " ").encode() + b"\n"
            (seen if line.seen else new).write(data)
            counts[line.seen] += 1
            number = int.from_bytes(hashlib.sha256(data).digest(), "big")
            known += number * line.seen
            again += number * line.again
    unchanged = last is not None and _digest(known) == last.digest
    rows = counts[False] + (0 if unchanged else counts[True])
    if not rows:
        return _digest(again), 0, None
    return _digest(again), rows, _packed([parts[False]] if unchanged else [parts[True], parts[False]], folder, dataset)


def _stage(source: str, settings: Settings, last: dict[str, Pull], folder: Path) -> Iterator[Staged]:
    config = settings.sources[source]
    login = connection(config.connection)
    queries = {name: dataset.query for name, dataset in config.datasets.items() if dataset.query}
    requests = {name: dataset.request for name, dataset in config.datasets.items() if dataset.request}
    if queries:
        with postgres.snapshot(login, config.connection) as database:
            for name, query in queries.items():
                with _named(name):
                    window = database.window(query, last[name].until if name in last else "")
                    lines = database.lines(query, window)
                    yield Staged(name, window.since, window.until, *spool(folder, name, lines, last.get(name)))
    for name, request in requests.items():
        with _named(name):
            api = http_api.Api(login, config.connection, request)
            since, until = api.window(last[name].until if name in last else "")
            yield Staged(name, since, until, *spool(folder, name, api.lines(since, until), last.get(name)))


def _land(place: Place, prefix: str, source: str, day: date, staged: Staged, lake: Lake) -> int:
    """Land the file, record the pull, give the file its name."""
    if staged.content is None:
        return 0
    name = f"{_compact(staged.since) or 'start'}-{_compact(staged.until) or 'end'}-{_sha256(staged.content)[:8]}"
    path = f"{day}/{staged.dataset}-{name}.jsonl.gz"
    place.put(_draft(path), staged.content)
    pull = Pull(
        *(source, staged.dataset, prefix + path, day, staged.since, staged.until, staged.digest, staged.rows),
        datetime.now(UTC),
    )
    config = [path, str(pull.pulled_at)]
    txn = lake.transaction(f"pull_{source}_{staged.dataset}", day, config=config, code=__name__)
    schema = catalogue.get("ops/pulls").arrow_schema()
    lake.append("ops/pulls", pa.Table.from_pylist([asdict(pull)], schema=schema), txn)
    place.rename(_draft(path), path)
    log.info("%s: %d rows pulled", prefix + path, staged.rows)
    return staged.rows


def _settle(place: Place, prefix: str, source: str, lake: Lake) -> dict[str, Pull]:
    """The last pull of each dataset, after finishing what a killed run left.

    A pull counts if its file is there or was loaded. The pulls after one that does not count are done again.
    """
    paths = {file.path for file in place.listing(may_be_empty=True)}
    files = lake.arrow("ops/files", columns=["source", "path"])
    loaded = set(files.filter(pc.equal(files["source"], source))["path"].to_pylist())
    rows = lake.arrow("ops/pulls")
    pulls = [Pull(**row) for row in rows.filter(pc.equal(rows["source"], source)).to_pylist()]
    last: dict[str, Pull] = {}
    lost: set[str] = set()
    for pull in sorted(pulls, key=lambda pull: pull.pulled_at):
        path = pull.path.removeprefix(prefix)
        if _draft(path) in paths:
            place.rename(_draft(path), path)
            paths = paths - {_draft(path)} | {path}
        if path not in paths and pull.path not in loaded:
            log.warning("%s: pulled, but gone before it was loaded; it is pulled again", pull.path)
            lost.add(pull.dataset)
        if pull.dataset not in lost:
            last[pull.dataset] = pull
    for path in paths:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}/\.\w+-[\w.+]+-[\w.+]+-[0-9a-f]{8}\.jsonl\.gz", path):
            place.remove(path)  # landed by a run that was killed before it was recorded
    return last


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Says in the message of a failure which source or dataset it is about."""
    try:
        yield
    except ConfigError as error:
        raise StepFailed(f"{name}: {error}") from None
    except StepFailed as error:
        raise StepFailed(f"{name}: {error}") from None


def _packed(parts: list[Path], folder: Path, dataset: str) -> Path:
    """One gzip file of the parts. The same lines give the same bytes: no name, no moment in its header."""
    target = folder / f"{dataset}.jsonl.gz"
    with target.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
        for part in parts:
            with part.open("rb") as lines:
                shutil.copyfileobj(lines, packed, 1 << 20)
            part.unlink()
    return target


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _digest(total: int) -> str:
    """A sum does not depend on the order of rows, which servers may change at will."""
    return f"{total % (1 << 256):064x}"


def _draft(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/.{name}"


def _compact(moment: str) -> str:
    """A moment or number as part of a file name."""
    return re.sub(r"[^0-9A-Za-z.]", "", moment.removesuffix("+00").replace(" ", "T"))
