"""The step of the flow: rows of before are completed, then what is new is validated and published."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.settings import Settings
from jobs.lake.lake import Lake
from jobs.validate import quarantine, silence
from jobs.validate.batch import NOTHING, Batch, pending
from jobs.validate.quarantine import Selection, database_of
from jobs.validate.stopped_batches import refuse_stopped

BY = "lookups"
"""Who replayed a row because its partner in a lookup arrived."""


def run(source: str, day: date, settings: Settings) -> dict[str, Any]:
    """Validate what ingest loaded for `source` up to `day` and was not validated yet, and complete earlier rows.

    A row whose partner in a lookup arrived is mapped again; one that waits in quarantine is tried again. If nothing
    has come, what judges rows is not loaded, which takes seconds.

    Raises DataStopped, after publishing all it can, if a batch of this day broke a critical expectation; so does
    every later run for the same day, until the batch is replayed. Raises StepFailed if a file's rows do not add up.
    """
    lake = Lake.of(settings)
    batches = pending(lake, source, day, list(settings.sources[source].datasets))
    counts = _of_new(batches, lake, source, day, settings) if batches else dict(NOTHING)
    silence.report(lake, source, day, settings)
    refuse_stopped(lake, source, day)
    return counts


def _of_new(batches: list[Batch], lake: Lake, source: str, day: date, settings: Settings) -> dict[str, int]:
    from jobs.validate import publish
    from jobs.validate.versions import completion

    for dataset, touched in completion.complete(lake, source, day, settings).items():
        _try_again(lake, source, dataset, touched, settings)
    return publish.run(batches, lake, settings)


def _try_again(lake: Lake, source: str, dataset: str, touched: pa.Table, settings: Settings) -> None:
    waiting = quarantine.select(lake, Selection(source, dataset))
    waiting = waiting.filter(pc.greater(waiting["line"], 0))
    with database_of(waiting=waiting, touched=touched) as tables:
        rows = tables.sql("select path, line from waiting semi join touched using (file_id, line)").fetchall()
    if rows:
        from jobs.validate.replay import replay  # reads files where they landed: loads every way to reach them

        replay.run(Selection(source, dataset, rows=tuple(f"{path}:{line}" for path, line in rows)), settings, BY)
