"""Files that were set aside as a whole, loaded and published as if they had been readable when they arrived."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.ingest.ledger import Entry, as_table
from jobs.lake.engine import get_spark
from jobs.lake.tables.catalogue import RAW, table_of
from jobs.validate.batch import Batch
from jobs.validate.contract import Contract
from jobs.validate.mapping.failing_rows import flagged_rows
from jobs.validate.publish import publish_batch
from jobs.validate.replay.landed import GONE, Files
from jobs.validate.replay.outcomes import RESULT
from jobs.validate.replay.rows import Part
from jobs.validate.rules.broken import BROKEN
from jobs.validate.stopped_batches import stops


def reread_files(part: Part) -> tuple[pa.Table, list[str]]:
    """What became of files of one dataset (RESULT), and what of their rows is set aside now, in words.

    All files of one arrival day are judged as one batch, as they would have been on that day.
    """
    files = Files(part.lake, part.source, part.settings)
    results: list[dict[str, Any]] = []
    notes: list[str] = []
    for day in sorted(pc.unique(part.rows["arrived"]).to_pylist()):
        mine = part.rows.filter(pc.equal(part.rows["arrived"], pa.scalar(day)))
        loaded: list[tuple[Entry, int]] = []
        for file_id in mine["file_id"].to_pylist():
            entry, refused, reason = _load(part, files, file_id)
            if entry is None:
                results.append({"file_id": file_id, "line": 0, "outcome": "refused", "reason": reason})
            elif part.dry_run:
                results.append({"file_id": file_id, "line": 0, "outcome": "accepted", "reason": reason})
            else:
                loaded.append((entry, refused))
        if loaded:
            found, said = _publish(part, loaded)
            results += found
            notes += said
    return pa.Table.from_pylist(results, schema=RESULT), notes


def _load(part: Part, files: Files, file_id: str) -> tuple[Entry | None, int, str]:
    """Raw rows and refused lines of the file: its new ledger entry and how many lines are no record; or why not."""
    again = files.again(file_id)
    if again is None:
        return None, 0, GONE
    schema = RAW.arrow_schema()
    if part.dry_run:
        rows = pa.Table.from_batches(list(again.rows), schema=schema)
    else:
        _forget_other_reading(part, files, file_id)
        part.lake.append(part.raw, again.rows, part.txn.part(file_id))
    if again.entry is None:
        return None, 0, "; ".join(again.stops) or GONE
    if again.entry.state != "loaded":
        (refusal,) = again.refused
        return None, 0, f"{refusal['rule']}: {refusal['reason']}"
    if part.dry_run:
        return again.entry, len(again.refused), _forecast(part, rows, again.entry)
    if again.columns is not None:
        part.lake.append("ops/columns", again.columns, part.txn.part(file_id))
    if again.refused:
        part.lake.append("quarantine/rows", table_of("quarantine/rows", again.refused), part.txn.part(file_id))
    return again.entry, len(again.refused), ""


def _forget_other_reading(part: Part, files: Files, file_id: str) -> None:
    """Rows that a replay left which was killed, and that the file does not hold as it reads now."""
    entry = files.entries[file_id]
    condition = (pc.field("arrived") == pa.scalar(entry.arrived)) & (pc.field("file_id") == file_id)
    left = part.lake.dataset(part.raw).to_table(columns=["line", "record"], filter=condition).sort_by("line")
    if not left.num_rows:
        return
    again = files.again(file_id)
    now = pa.Table.from_batches(list(again.rows) if again else [], schema=RAW.arrow_schema())
    if not now.select(["line", "record"]).sort_by("line").equals(left):
        mine = pa.table({"arrived": pa.array([entry.arrived]), "file_id": [file_id]})
        part.lake.delete(part.raw, mine, part.txn.part(f"forget/{file_id}"))


def _forecast(part: Part, rows: pa.Table, entry: Entry) -> str:
    contract = Contract.of(part.source, part.dataset, part.settings)
    raw = get_spark().createDataFrame(rows)
    with flagged_rows(part.lake, contract, raw, part.paths) as flagged:
        good = flagged.where(f"{BROKEN} is null").count()
    return f"{entry.rows_in:,} rows would be read, {good:,} of them keep the rules"


def _publish(part: Part, loaded: list[tuple[Entry, int]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Judge and publish the files as a batch. Their counts and ledger entries take the place of the old ones."""
    entries = [entry for entry, _ in loaded]
    day = entries[0].arrived
    refused = {entry.file_id: count for entry, count in loaded}
    batch = Batch(part.source, part.dataset, day, [asdict(entry) for entry in entries], refused)
    name = f"files/{batch.id}"
    txn = part.lake.transaction(f"replay_{part.stamp.id}/{name}", part.stamp.day, reads=[part.raw], code=__name__)
    counts = publish_batch(part.lake, batch, part.settings, txn)
    part.lake.upsert("ops/counts", table_of("ops/counts", counts), txn)
    part.lake.upsert("ops/files", as_table(entries), txn)
    by_file = {count["file_id"]: count for count in counts}
    results, notes = [], []
    for entry in entries:
        count = by_file[entry.file_id]
        reason = (
            f"read again: {entry.rows_in:,} rows, {count['accepted']:,} accepted, {count['quarantined']:,} set aside, "
            f"{count['duplicates']:,} duplicate"
        )
        results.append({"file_id": entry.file_id, "line": 0, "outcome": "accepted", "reason": reason})
        if count["quarantined"]:
            notes.append(f"{entry.path} was read, {count['quarantined']:,} of its {entry.rows_in:,} rows are set aside")
    for stop in stops(part.lake):
        if stop.batch == batch.id:
            notes.append(f"{part.source}.{part.dataset} is stopped by {stop.expectation}: {stop.detail}")
    return results, notes
