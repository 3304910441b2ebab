"""Erasing a person: from every table and its earlier versions, the landed files and every destination, with receipts.

The order makes a request safe to repeat: destinations are asked first, while the addresses are known; then the person
is kept out; then files, lines, and everything that names them go, the map that tells who they are last. A request that
was killed, or that a destination could not answer, is repeated as it was given and does what is left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from jobs.clock import now, today
from jobs.config.settings import Settings
from jobs.errors import StepFailed
from jobs.identity import key_of_lake
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.lake.tables.privacy import KEPT_OUT
from jobs.privacy import destinations, landed_files, models, receipts, source_rows
from jobs.privacy.person import Person, Who, resolved
from jobs.privacy.receipts import Receipt
from jobs.privacy.tables import Eraser, records_of

ERASED_ROWS, LOOKED_AT = "privacy/erased_rows", "privacy/looked_at"
OUT_OF_REACH = (
    ("backups", "copies of the lake and of landed files made by others: erase there too, or let them expire"),
    ("source systems", "what the tools themselves hold: have the person erased there, or deliveries bring them again"),
)


@dataclass(frozen=True)
class Request:
    """Who asked, why, and by whom it is carried out. `without` are destinations that are not asked."""

    who: Who
    because: str
    by: str
    without: tuple[str, ...] = field(default=())


def run(request: Request, settings: Settings) -> list[Receipt]:
    """Carry out a request for erasure; the receipts, which are in privacy/receipts too.

    Raises CommandError if it names nobody, or more than one person. Raises StepFailed, before anything is erased here,
    if a destination did not confirm: repeat the request, or name the destination in `without`.
    """
    lake = Lake.of(settings)
    key_of_lake.refuse_another(lake, settings)
    person = resolved(request.who, settings)
    done = _Receipts(lake, person.request, request.because, request.by, settings)
    present = set(_files(lake))
    found = source_rows.of_person(lake, person, settings)
    asked = list(destinations.take_off(lake, person, found.values, settings, request.without))
    done.add(*(_Place(one.place, one.outcome, one.number, one.detail) for one in asked))
    if late := [one.place for one in asked if one.outcome == "pending"]:
        done.keep()
        raise StepFailed(
            f"request {person.request}: nothing was erased here yet, because {'; '.join(late)} did not confirm. "
            "Repeat the request, or go on with --without DESTINATION and have the person removed there by hand"
        )
    trained = models.trained_on(lake, person, settings)
    _keep_out(lake, person, settings)
    eraser = Eraser(lake, settings, person.request)
    records = records_of(found.lines, lake) | _named_before(request.who)
    done.add(*(_of_table(name, rows) for name, rows in eraser.records(records) if rows))
    _erase_lines(lake, found, person.request, done, settings)
    done.add(*(_of_table(name, rows) for name, rows in eraser.person(person) if rows))
    if request.who.only_record and not person.customers:
        done.add(*_made_anew(lake, settings))
    versions = eraser.forget_versions(name for name in settings.tables if lake.exists(name))
    done.add(_Place("earlier versions of tables", "erased" if versions else "nothing", versions, "data files deleted"))
    done.add(_Place("models", "erased" if trained else "nothing", len(trained), models.told(trained)))
    if found.mentions:
        detail = "lines of other people name an address, number or id of this person, as in a message: see to them"
        done.add(_Place("mentions by others", "by_hand", found.mentions, detail))
    done.add(*(_Place(place, "out_of_reach", 0, detail) for place, detail in OUT_OF_REACH))
    _searched(lake, present, settings)
    done.keep()
    if late_files := set(_files(lake)) - present:  # loaded since the search began, which takes a while
        of_files(lake, [person], late_files, request.because, settings)
    return [receipt for receipt, _ in receipts.of_request(lake, person.request, settings)]


def forgotten(lake: Lake) -> list[Person]:
    """Everybody who is kept out, by request."""
    by_request: dict[str, dict[str, str]] = defaultdict(dict)
    for row in lake.arrow(KEPT_OUT, columns=["identifier", "kind", "request"]).to_pylist():
        by_request[row["request"]][row["identifier"]] = row["kind"]
    return [Person(request, found, (), True) for request, found in sorted(by_request.items())]


def of_files(lake: Lake, people: Sequence[Person], files: Collection[str], because: str, settings: Settings) -> int:
    """Erase what came of people who were forgotten in these files; returns how many lines that were."""
    everybody = Person("", {one: kind for person in people for one, kind in person.identifiers.items()}, ())
    anything = source_rows.of_person(lake, everybody, settings, files).lines.num_rows
    erased = 0
    for person in people if anything else ():
        found = source_rows.of_person(lake, person, settings, files)
        if found.lines.num_rows:
            done = _Receipts(lake, person.request, because, "klantreis", settings)
            _erase_lines(lake, found, person.request, done, settings)
            done.keep()
        erased += int(found.lines.num_rows)
    Eraser(lake, settings, "").forget_versions(_tables_of(lake, files, settings))
    _searched(lake, files, settings)
    return erased


def _tables_of(lake: Lake, files: Collection[str], settings: Settings) -> list[str]:
    """The tables that lines of these files were erased from, by a run that was killed too."""
    erased = set(lake.arrow(ERASED_ROWS, columns=["file_id"])["file_id"].to_pylist()).intersection(files)
    names = {"quarantine/rows", "quarantine/replays"} if erased else set()
    for row in lake.arrow("ops/files", columns=["file_id", "source", "dataset"]).to_pylist():
        if row["file_id"] in erased:
            names |= {f"raw/{row['source']}_{row['dataset']}", f"valid/{row['dataset']}"}
    return [name for name in sorted(names & set(settings.tables)) if lake.exists(name)]


@dataclass(frozen=True)
class _Place:
    place: str
    outcome: str
    number: int
    detail: str


class _Receipts:
    """What a run of a request did so far, to be kept at its end or where it stops."""

    def __init__(self, lake: Lake, request: str, because: str, by: str, settings: Settings):
        self._lake, self._request, self._because, self._by, self._settings = lake, request, because, by, settings
        self._places: list[_Place] = []

    def add(self, *places: _Place) -> None:
        self._places += places

    def keep(self) -> None:
        at = now()
        kept = [
            Receipt(self._request, one.place, at, one.outcome, one.number, one.detail, self._because, self._by)
            for one in self._places
        ]
        receipts.keep(self._lake, kept, self._settings)


def _of_table(name: str, rows: int) -> _Place:
    return _Place(name, "erased" if rows else "nothing", rows, "rows deleted")


def _erase_lines(lake: Lake, found: source_rows.Found, request: str, done: _Receipts, settings: Settings) -> None:
    """Erase lines from landed files and from the tables of files; what is counted of them is kept first."""
    contents = _counted(lake, found.lines, request, settings)
    for written in landed_files.erase_lines(lake, found.lines, contents, settings):
        done.add(_Place(f"landed file {written.path}", written.outcome, written.lines, written.detail))
    for name, rows in Eraser(lake, settings, request).lines(found.lines):
        if rows:
            blank = name.startswith("quarantine/")
            done.add(_Place(name, "erased", rows, "records emptied, counted as dropped" if blank else "rows deleted"))


def _counted(lake: Lake, lines: pa.Table, request: str, settings: Settings) -> dict[str, str]:
    """Keep which lines go, of which content of their files, and whether the valid tables had them.

    Returns the SHA-256 that each file had when its lines were first counted.
    """
    schema = catalogue.get(ERASED_ROWS).arrow_schema()
    content = {row["file_id"]: row["sha256"] for row in lake.arrow("ops/files", ["file_id", "sha256"]).to_pylist()}
    accepted = _accepted(lake, lines)
    rows = [
        {"file_id": row["file_id"], "line": row["line"], "request": request, "sha256": content.get(row["file_id"])}
        | {"accepted": (row["file_id"], row["line"]) in accepted}
        for row in lines.select(["file_id", "line"]).to_pylist()
    ]
    if rows:
        txn = lake.transaction("erased_rows", today(settings.general.timezone), config=[request, rows], code=__name__)
        lake.append(ERASED_ROWS, pa.Table.from_pylist(rows, schema=schema), txn)
    wanted = set(lines["file_id"].to_pylist())
    kept = lake.arrow(ERASED_ROWS, ["file_id", "line", "request", "sha256"]).to_pylist()
    here = {(row["file_id"], row["line"]) for row in lines.select(["file_id", "line"]).to_pylist()}
    return {
        row["file_id"]: row["sha256"]
        for row in kept
        if row["file_id"] in wanted and row["request"] == request and (row["file_id"], row["line"]) in here
    }


def _accepted(lake: Lake, lines: pa.Table) -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    files = pc.unique(lines["file_id"])
    for name in {f"valid/{dataset}" for dataset in lines["dataset"].to_pylist()}:
        if name in catalogue.DATASETS and lake.exists(name):
            rows = lake.dataset(name).to_table(columns=["file_id", "line"], filter=pc.field("file_id").isin(files))
            found |= set(zip(rows["file_id"].to_pylist(), rows["line"].to_pylist(), strict=True))
    return found


def _keep_out(lake: Lake, person: Person, settings: Settings) -> None:
    day = today(settings.general.timezone)
    rows = [
        {"identifier": one, "kind": kind, "request": person.request, "since": day}
        for one, kind in sorted(person.identifiers.items())
    ]
    txn = lake.transaction("keep_out", day, config=[person.request, sorted(person.identifiers)], code=__name__)
    lake.append(KEPT_OUT, pa.Table.from_pylist(rows, schema=catalogue.get(KEPT_OUT).arrow_schema()), txn)


def _named_before(who: Who) -> set[str]:
    return {f"{who.source}:{who.value}"} if who.kind == "contact" and who.source else set()


def _made_anew(lake: Lake, settings: Settings) -> Iterator[_Place]:
    """Who is left of a customer that was two people is made anew from what is left, as of the day all stands at."""
    from jobs.activity import traits
    from jobs.identity import identity
    from jobs.journeys import journeys
    from jobs.profiles import customers

    days = lake.arrow("identity/standing", columns=["as_of"])["as_of"].to_pylist()
    for step in (identity, customers, journeys, traits) if days else ():
        step.run(max(days), settings)
    for zone in ("identity", "profiles", "journeys"):
        for name in settings.tables:
            if name.startswith(f"{zone}/") and lake.exists(name):
                yield _Place(name, "erased", 0, "made anew without the person")


def _files(lake: Lake) -> list[str]:
    found: list[str] = lake.arrow("ops/files", columns=["file_id"])["file_id"].to_pylist()
    return found


def _searched(lake: Lake, files: Iterable[str], settings: Settings) -> None:
    """Note that these files hold nobody who is kept out."""
    day = today(settings.general.timezone)
    rows = [{"file_id": one, "day": day} for one in sorted(files)]
    if rows:
        txn = lake.transaction("looked_at", day, config=[row["file_id"] for row in rows], code=__name__)
        lake.append(LOOKED_AT, pa.Table.from_pylist(rows, schema=catalogue.get(LOOKED_AT).arrow_schema()), txn)
