"""Lines and files that could not be read, read again from where they landed, with the present configuration."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.settings import Settings
from jobs.config.sources.formats import Format, Limits
from jobs.errors import StepFailed
from jobs.ingest import load
from jobs.ingest.formats.content import BrokenFile, Content
from jobs.ingest.formats.readers import read, to_json
from jobs.ingest.landing.landing import Landing
from jobs.ingest.ledger import Entry
from jobs.ingest.lookups import inputs
from jobs.lake.database import database_of
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.validate.replay.outcomes import RESULT

GONE = "the file is no longer where it landed, or holds something else; land it again as it was, or drop it"
NOT_AS_SENT = ("record:encoding", "record:nul", "record:size")
"""Rules of lines that quarantine does not keep byte for byte."""


class Files:
    """The landed files of one source."""

    def __init__(self, lake: Lake, source: str, settings: Settings):
        self._lake, self._settings = lake, settings
        rows = lake.arrow("ops/files")
        rows = rows.filter(pc.equal(rows["source"], source)).to_pylist()
        self.entries = {row["file_id"]: Entry(**row) for row in rows}
        try:
            self._landing: Landing | None = Landing(source, settings)
        except StepFailed:
            self._landing = None

    def again(self, file_id: str) -> load.Reread | None:
        """The file as it reads now; None if it is gone or changed."""
        if self._landing is None:
            return None
        return load.reread(self._lake, self._landing, self.entries[file_id], self._settings)

    def lines(self, refused: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Lines that were no record: those that are one now, as raw rows, and the refusals of the others.

        `refused` are rows of quarantine. Lines of a file that is gone are read from what quarantine kept of them.
        """
        records, refusals = [], []
        for file_id in pc.unique(refused["file_id"]).to_pylist():
            mine = refused.filter(pc.equal(refused["file_id"], file_id))
            again = self.again(file_id)
            if again is not None:
                found = [_with_lines(batch, mine["line"]) for batch in again.rows]
            if again is None or again.entry is None:
                found, reasons = self._kept_lines(self.entries[file_id], mine)
            else:
                reasons = {row["line"]: f"{row['rule']}: {row['reason']}" for row in again.refused}
            records += found
            held = {line for batch in found for line in batch["line"].to_pylist()}
            whole = reasons.get(0, "no record begins on this line as the file reads now")
            refusals += [
                {"file_id": file_id, "line": line, "outcome": "refused", "reason": reasons.get(line, whole)}
                for line in mine["line"].to_pylist()
                if line not in held
            ]
        raw = catalogue.RAW.arrow_schema()
        return pa.Table.from_batches(records, schema=raw), pa.Table.from_pylist(refusals, schema=RESULT)

    def _kept_lines(self, entry: Entry, refused: pa.Table) -> tuple[list[pa.RecordBatch], dict[int, str]]:
        """The lines as quarantine kept them, read as a file of one line each."""
        form = inputs(self._settings.sources[entry.source])[entry.dataset].format
        limits = self._settings.general.limits
        header = self._header(entry, form)
        records, reasons = [], {}
        with database_of() as database:
            for row in refused.select(["line", "rule", "record"]).to_pylist():
                line, text = row["line"], row["record"]
                if row["rule"] in NOT_AS_SENT:
                    reasons[line] = f"{GONE}; quarantine holds it only in part, or with its bad bytes spelled out"
                    continue
                try:
                    record = _one_record(database, f"{header}{text}", form, limits)
                except BrokenFile as error:
                    reasons[line] = f"{GONE}; the line alone does not read either: {error}"
                    continue
                if record is None:
                    reasons[line] = f"{GONE}; the line alone is no record either"
                else:
                    records.append({**_lineage(entry), "line": line, "record": record})
        schema = catalogue.RAW.arrow_schema()
        return pa.Table.from_pylist(records, schema=schema).to_batches(), reasons

    def _header(self, entry: Entry, form: Format) -> str:
        """What a CSV line needs above it: the columns as a record of the same file has them."""
        if not form.delimited or not form.header:
            return ""
        raw = self._lake.dataset(f"raw/{entry.source}_{entry.dataset}")
        mine = (pc.field("arrived") == pa.scalar(entry.arrived)) & (pc.field("file_id") == entry.file_id)
        records = raw.head(1, columns=["record"], filter=mine)["record"].to_pylist()
        text = io.StringIO()
        writer = csv.writer(text, delimiter=form.delimiter, quotechar=form.quote or '"', lineterminator="\n")
        for record in records:
            writer.writerow(json.loads(record))
        return "\n" * form.skip_lines + text.getvalue()


def _with_lines(batch: pa.RecordBatch, lines: pa.ChunkedArray) -> pa.RecordBatch:
    return batch.filter(pc.is_in(batch["line"], value_set=lines.combine_chunks()))


def _lineage(entry: Entry) -> dict[str, Any]:
    return {"source": entry.source, "file_id": entry.file_id, "arrived": entry.arrived}


def _one_record(database: duckdb.DuckDBPyConnection, text: str, form: Format, limits: Limits) -> str | None:
    """The single record in `text`; None if there is none, or more."""
    found: list[str] = []
    for chunk in read(database, Content(text.encode()), form, Limits()):
        found += _texts(to_json(database, chunk.columns) if chunk.columns is not None else chunk.text)
    return found[0] if len(found) == 1 else None


def _texts(records: Iterable[Any] | None) -> list[str]:
    return [record.as_py() for record in records or []]
