"""Retention: rows of days that are older than config/retention.yaml keeps are deleted, and that is written down."""

from __future__ import annotations

import logging
import secrets
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from jobs.clock import now
from jobs.config.settings import Settings
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

log = logging.getLogger(__name__)
TABLE = "ops/retention"


def run(day: date, settings: Settings) -> dict[str, int]:
    """Delete what is too old on `day`; rows deleted per table, zeros left out.

    Done again it deletes nothing. The versions of before go with the next clean-up of the lake, a week later.
    """
    lake, deleted = Lake.of(settings), {}
    for name, kept in settings.retention.tables.items():
        if not lake.exists(name):
            continue
        before = day - timedelta(days=kept.days)
        if rows := _delete(lake, name, before, day):
            _note(lake, name, kept.days, before, rows, day)
            log.info("%s: %d rows of days before %s deleted, it keeps %d days", name, rows, before, kept.days)
            deleted[name] = rows
    return deleted


def _delete(lake: Lake, name: str, before: date, day: date) -> int:
    column = str(catalogue.get(name).day_column)
    old = lake.dataset(name).to_table(columns=[column], filter=pc.field(column) < before)[column]
    if not len(old):
        return 0
    days = pa.table({column: pc.unique(old)})
    txn = lake.transaction(f"retention_{name.replace('/', '_')}", day, config=secrets.token_hex(8), code=__name__)
    return lake.delete(name, days, txn).rows


def _note(lake: Lake, name: str, days: int, before: date, rows: int, day: date) -> None:
    row = {"table": name, "before": before, "at": now(), "day": day, "keeps_days": days, "rows": rows}
    data = pa.Table.from_pylist([row], schema=catalogue.get(TABLE).arrow_schema())
    lake.append(TABLE, data, lake.transaction("retention", day, config=[name, str(row["at"])], code=__name__))
