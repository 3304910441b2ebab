"""Lists as files: each change of a list is one file, `LIST/add-WHEN-ID.csv`, `LIST/remove-...` or `LIST/erase-...`.

A row is one identifier of one customer. WHEN, in UTC, says which of two files of a list came later, whatever the clock
did in between. ID is made of the changes in the file, so one that is written twice is there once. Who asks to be
forgotten is cut out of the files that still lie there, and named once in an `erase` file, for whoever took them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from jobs.activation.channel import Operation
from jobs.activation.channels.file_drop.options import Options
from jobs.activation.channels.file_drop.places import ERRORS, Bucket, Drop, Folder, failed
from jobs.activation.http_api import Answer
from jobs.activation.list_channel import Change, ListChannel
from jobs.activation.spelling import plain, sha256
from jobs.config.connections import connection
from jobs.config.settings import Settings

WHEN = "%Y%m%dT%H%M%S%fZ"
_WHEN = re.compile(r"/[a-z]+-([0-9]{8}T[0-9]{12}Z)-")
COLUMNS = ("customer_id", "kind", "value")
Row = tuple[str, ...]
"""The columns, and which change it is."""


class FileDropChannel(ListChannel):
    """One folder of files for one list."""

    named = "the place of the files"
    erases_by = "erase"

    def __init__(self, audience: str, destination: str, settings: Settings) -> None:
        self._told = cast(Options, settings.destinations[destination].options)
        self.most = self._told.rows_per_file
        super().__init__(audience, destination, settings)
        to = self._told.to
        name = settings.destinations[destination].connection
        if to.startswith("s3://"):
            self._place: Drop = Bucket(to, connection(name), self._told.tries, self._told.timeout_seconds)
        elif to.startswith("sftp://"):
            from jobs.activation.channels.file_drop.sftp import Sftp

            self._place = Sftp(to, connection(name), name, self._told.tries, self._told.timeout_seconds)
        else:
            self._place = Folder(str(settings.home / to))

    def rows(self, operation: Operation) -> list[Row]:
        spell = sha256 if self._told.spelling == "sha256" else str
        told = plain(operation.recipient.emails, operation.recipient.phones)
        change = f"{operation.operation_id}.{operation.attempt}"
        return [(operation.customer_id, kind, spell(value) or "", change) for kind, value in told]

    def send(self, change: Change, rows: list[Any]) -> Answer:
        try:
            if change == "erase":
                self._cut_out({row[2] for row in rows})
            self._place.put(self._name(change, rows), self._written(rows))
        except ERRORS as error:
            return failed(error)
        return Answer("done")

    def check(self) -> Answer:
        try:
            next(self._place.names(self.list_id), None)
        except ERRORS as error:
            return failed(error)
        return Answer("done")

    def close(self) -> None:
        self._place.close()

    def _name(self, change: Change, rows: list[Row]) -> str:
        """The name the file of these changes has there already, or a new one that is later than all others there."""
        made_of = hashlib.sha256(json.dumps(sorted(rows)).encode()).hexdigest()[:32]
        there = list(self._place.names(self.list_id))
        last = f"-{made_of}.{self._told.format}"
        if same := next(
            (name for name in there if name.startswith(f"{self.list_id}/{change}-") and name.endswith(last)), ""
        ):
            return same
        newest = max((found[1] for name in there if (found := _WHEN.search(name))), default="")
        at = datetime.now(UTC)
        if newest:
            at = max(at, datetime.strptime(newest, WHEN).replace(tzinfo=UTC) + timedelta(microseconds=1))
        return f"{self.list_id}/{change}-{at.strftime(WHEN)}{last}"

    def _cut_out(self, values: set[str]) -> None:
        for name in list(self._place.names(self.list_id)):
            rows = self._read(name, self._place.get(name))
            kept = [row for row in rows if row[2] not in values]
            if not kept:
                self._place.delete(name)
            elif len(kept) < len(rows):
                self._place.put(name, self._written(kept, name))

    def _written(self, rows: list[Row], name: str = "") -> bytes:
        if (name or self._told.format).endswith("jsonl"):
            return "".join(json.dumps(dict(zip(COLUMNS, row, strict=False))) + "\n" for row in rows).encode()
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([COLUMNS, *(row[:3] for row in rows)])
        return text.getvalue().encode()

    def _read(self, name: str, content: bytes) -> list[Row]:
        text = content.decode()
        if name.endswith("jsonl"):
            return [tuple(json.loads(line)[key] for key in COLUMNS) for line in text.splitlines()]
        return [tuple(row) for row in list(csv.reader(io.StringIO(text)))[1:]]
