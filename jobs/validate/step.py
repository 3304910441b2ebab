"""The step of the flow: rows of before are completed, then what is new is validated and published."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.settings import Settings
from jobs.lake.lake import Lake
from jobs.validate import publish, quarantine
from jobs.validate.quarantine import Selection, database_of
from jobs.validate.versions import completion

BY = "lookups"
"""Who replayed a row because its partner in a lookup arrived."""


def run(source: str, day: date, settings: Settings) -> dict[str, Any]:
    """Validate what ingest loaded for `source` up to `day`, see jobs/validate/publish.py, and complete earlier rows.

    A row whose partner in a lookup arrived is mapped again; one that waits in quarantine is tried again.
    """
    lake = Lake.of(settings)
    for dataset, touched in completion.complete(lake, source, day, settings).items():
        _try_again(lake, source, dataset, touched, settings)
    return publish.run(source, day, settings)


def _try_again(lake: Lake, source: str, dataset: str, touched: pa.Table, settings: Settings) -> None:
    waiting = quarantine.select(lake, Selection(source, dataset))
    waiting = waiting.filter(pc.greater(waiting["line"], 0))
    with database_of(waiting=waiting, touched=touched) as tables:
        rows = tables.sql("select path, line from waiting semi join touched using (file_id, line)").fetchall()
    if rows:
        from jobs.validate.replay import replay  # reads files where they landed: loads every way to reach them

        replay.run(Selection(source, dataset, rows=tuple(f"{path}:{line}" for path, line in rows)), settings, BY)
