"""The step that takes in what comes back: mailboxes and events are read, and answers land as files of their source.

The source that config/feedback.yaml names reads these files like any others: consent with its time and proof, and
touchpoints in the journey. What is heard on a day belongs to that day: a run for an earlier one leaves it waiting.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.activation import succession
from jobs.activation.bounce_address import operation_named
from jobs.activation.feedback import reports
from jobs.activation.feedback.heard import Heard, keep
from jobs.activation.feedback.mailboxes import opened
from jobs.activation.feedback.messages import customers_with, emails_of, known_by, messages_of
from jobs.clock import local_day, now
from jobs.config.actions.feedback import Events
from jobs.config.settings import Settings
from jobs.errors import StepFailed
from jobs.identity.identifiers import identifier_hash
from jobs.ingest.landing.landing import landing_place
from jobs.ingest.landing.places import Place, place_of
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.lake.tables.feedback import FEEDBACK, MEASURED

log = logging.getLogger(__name__)
AT_ONCE, BYTES_AT_ONCE = 500, 32 << 20
"""Mails, and bytes of them, that are held and settled together: anybody can write to a mailbox, any number of any size.
So many at most are read again after a crash, which changes nothing."""
NOBODY = "nobody"
"""In `landed`: the address is nobody's by now, so that there is no row to write."""
TABLE = "table"
"""Of a row that waits: the table it is in."""
LARGEST = 64 << 20
Row = dict[str, Any]


def run(source: str, day: date, settings: Settings) -> dict[str, Any]:
    """Take in what came back up to `day`, for the source that reads it; nothing for other sources.

    Raises StepFailed if a mailbox or a folder of events cannot be read, after all others were.
    """
    if source != settings.feedback.source:
        return {}
    counts = {"heard": 0, "not_understood": 0, "unmatched": 0}
    failed: list[str] = []
    for name in settings.feedback.mailboxes:
        _try(_mailbox, name, settings, counts, failed)
    for name, events in settings.feedback.events.items():
        if events.folder:  # what a topic posts was taken when it came
            _try(_events, name, settings, counts, failed)
    counts["landed"] = land(day, settings)
    if failed:
        raise StepFailed("; ".join(failed))
    log.info("feedback: %s", counts)
    return counts


def _try(read: Any, name: str, settings: Settings, counts: dict[str, int], failed: list[str]) -> None:
    try:
        read(name, settings, counts)
    except StepFailed as error:
        failed.append(str(error))


def _mailbox(name: str, settings: Settings, counts: dict[str, int]) -> None:
    named = partial(operation_named, settings=settings)
    with opened(name, settings.feedback.mailboxes[name], settings) as box:
        for mails in _batches(box.unread()):
            read = [(key, reports.of_mail(content, named)) for key, content in mails]
            known = [report for _, found in read for report in found or ()]
            take(known, name, settings, counts, trusted=False)
            left = [key for key, found in read if found is None]
            counts["not_understood"] += len(left)
            box.settle([key for key, found in read if found is not None], left)


def _batches(mails: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    batch: list[tuple[str, bytes]] = []
    size = 0
    for key, content in mails:
        if batch and (len(batch) == AT_ONCE or size + len(content) > BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append((key, content))
        size += len(content)
    if batch:
        yield batch


def _events(name: str, settings: Settings, counts: dict[str, int]) -> None:
    place = events_place(settings.feedback.events[name], settings)
    for file in place.listing(may_be_empty=True):
        with place.open(file) as stream:
            content = stream.read(LARGEST + 1)
        try:
            if len(content) > LARGEST:
                raise ValueError
            found = reports.of_events(content.decode())
        except (ValueError, RecursionError):  # what it holds may be an address: its name tells where to look
            counts["not_understood"] += 1
            log.warning("feedback.events.%s: %s is no JSON of events; look at it and remove it", name, file.path)
            continue
        take(found, name, settings, counts, trusted=True)
        place.remove(file.path)


def events_place(events: Events, settings: Settings) -> Place:
    """The folder of these events."""
    folder, hint = events.folder.rstrip("/"), "create it, or correct `events` in config/feedback.yaml"
    inside = folder if "://" in folder else f"{settings.landing.rstrip('/')}/{folder}"
    return place_of(inside, events.connection, hint)


def take(
    found: Sequence[reports.Report], source: str, settings: Settings, counts: dict[str, int], trusted: bool
) -> None:
    """Keep what reports say about messages of ours.

    Anybody can write to a mailbox: a report that names no message of ours is counted and otherwise ignored, or it could
    take anybody off any list. Whoever may write to a folder of events is believed about addresses too.
    """
    lake, moment = Lake.of(settings), now()
    ids = {one.operation_id for one in found if one.operation_id}
    messages = messages_of(ids, {one.request_id for one in found if one.request_id} if trusted else (), settings)
    hashes = {one.address: identifier_hash("email", one.address, settings) or "" for one in found if trusted}
    owners = customers_with([one for one in hashes.values() if one], lake)
    heard: list[Heard] = []
    for one in found:
        at = min(one.at or moment, moment)
        message = messages.get(one.operation_id) or messages.get(one.request_id)
        identifier = hashes.get(one.address, "")
        if message is not None:
            heard.append(Heard.about(message, one.kind, at, source, detail=one.detail))
        elif identifier:
            known = ("email", source, identifier, owners.get(identifier, ""))
            heard.append(Heard(one.kind, at, *known, detail=one.detail, mark=one.mark or at.isoformat()))
        else:
            counts["unmatched"] += 1
    counts["heard"] += keep(heard, local_day(moment, settings.general.timezone), settings)


def land(day: date, settings: Settings) -> int:
    """Land what was heard up to `day` and has not landed yet; returns how many rows.

    A process that dies before it is noted that they landed lands the same rows again under their ids: they are told
    apart as duplicates.
    """
    lake = Lake.of(settings)
    place, prefix = landing_place(settings.feedback.source, settings)
    waiting = [
        row | {TABLE: table}
        for table in (FEEDBACK, MEASURED)
        if lake.exists(table)
        for row in lake.dataset(table).to_table(filter=pc.field("landed") == "").to_pylist()
    ]
    rows = [row for row in waiting if local_day(row["at"], settings.general.timezone) <= day]
    addressed = _addressed(rows, lake, settings)
    answers = [row for row in rows if row["kind"] in ("granted", "withdrawn")]
    events = [row for row in rows if row["kind"] not in ("granted", "withdrawn")]
    landed = 0
    for dataset, some, line in (("consents", answers, _answer), ("events", events, _event)):
        told = [row for row in some if addressed[row["feedback_id"]]]
        if told:
            lines = [line(row, n, to) for row in told for n, to in enumerate(addressed[row["feedback_id"]])]
            path = f"{day}/{dataset}-{_hash(row['feedback_id'] for row in told)}.jsonl"
            _put(place, path, lines)
            _note(lake, told, prefix + path, day)
            landed += len(told)
    _note(lake, [row for row in rows if not addressed[row["feedback_id"]]], NOBODY, day)
    return landed


def _addressed(rows: Sequence[Row], lake: Lake, settings: Settings) -> dict[str, list[Row]]:
    """The addresses that each row is about, as columns of what lands: the one the message went to, or, of a no whose
    address is theirs no longer, those the person has now."""
    zone = settings.general.timezone
    asked = {(row["customer_id"], local_day(row["at"], zone)) for row in rows if row["customer_id"]}
    people = succession.all_now(lake, asked) if asked else {}
    emails = emails_of(set().union(*people.values()), lake, settings)
    apart = known_by(emails, lake, settings)
    found: dict[str, list[Row]] = {}
    for row in rows:
        own: dict[str, Row] = {}
        for one in sorted(people.get((row["customer_id"], local_day(row["at"], zone)), ())):
            told = emails.get(one, {}).items()
            own |= {hashed: {"email": email, "ids_of": apart.get((one, email))} for hashed, email in told}
        exact = [own[row["identifier"]]] if row["identifier"] in own else []
        of_person = row["kind"] in ("unsubscribe", "withdrawn", "complaint")
        every = sorted(own.values(), key=lambda one: one["email"]) if of_person else []
        found[row["feedback_id"]] = exact or every
    return found


def _answer(row: Row, number: int, to: Row) -> Row:
    return _common(row, number, to) | {
        "purpose": row["purpose"],
        "status": row["kind"],
        "proof": f"{row['source']} {row['operation_id']}".strip(),
    }


def _event(row: Row, number: int, to: Row) -> Row:
    return _common(row, number, to) | {"type": row["kind"], "campaign": row["audience"] or None}


def _common(row: Row, number: int, to: Row) -> Row:
    id_ = row["feedback_id"] + (f"-{number}" if number else "")
    return {"id": id_, "at": row["at"].isoformat(), "channel": row["channel"], **to}


def _put(place: Place, path: str, lines: Iterable[Row]) -> None:
    with tempfile.TemporaryDirectory(prefix="klantreis-feedback-") as folder:
        draft = Path(folder, "rows")
        draft.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
        place.put(path, draft)


def _note(lake: Lake, rows: Sequence[Row], path: str, day: date) -> None:
    for table in (FEEDBACK, MEASURED):
        landed = [{**row, "landed": path} for row in rows if row[TABLE] == table]
        if landed:
            mark = [path, _hash(row["feedback_id"] for row in landed)]
            data = pa.Table.from_pylist(landed, catalogue.get(table).arrow_schema())
            lake.upsert(table, data, lake.transaction("land_feedback", day, config=mark, code=__name__))


def _hash(ids: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:16]
