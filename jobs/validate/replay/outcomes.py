"""What became of replayed rows: written down once per row and attempt, also when two replays run at the same time."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa

from jobs.config.settings import Settings
from jobs.lake.database import database_of
from jobs.lake.lake import Lake, LakeError
from jobs.lake.tables import catalogue
from jobs.validate.quarantine import database

RESULT = pa.schema([("file_id", pa.string()), ("line", pa.int64()), ("outcome", pa.string()), ("reason", pa.string())])
"""One row that was tried: accepted, duplicate, refused or dropped, and why."""
RACES = 20


@dataclass(frozen=True)
class Stamp:
    """Who replayed, when, and the id of the replay. `moment` is in UTC, `zone` the company's time zone."""

    by: str
    zone: str
    moment: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def day(self) -> date:
        return self.moment.astimezone(ZoneInfo(self.zone)).date()

    @classmethod
    def of(cls, by: str, settings: Settings) -> Stamp:
        return cls(by, settings.general.timezone)


def outcomes(tried: pa.Table, results: pa.Table, corrections: pa.Table) -> pa.Table:
    """One row per row of `tried`; one that nothing is known of is refused."""
    lost = "its record is in no raw table any more; export the row, complete it and replay the corrected file"
    with database_of(tried=tried, results=results, corrections=corrections) as tables:
        found = tables.sql(
            """
            select t.file_id, t.line, t.source, t.dataset, t.path, t.arrived, t.rule,
                   coalesce(r.outcome, 'refused') as outcome,
                   case when r.outcome is null then $lost else r.reason end as reason,
                   c.record is not null as corrected, c.record
            from tried t left join results r using (file_id, line) left join corrections c using (file_id, line)""",
            params={"lost": lost},
        )
        return found.to_arrow_table()


def settle(lake: Lake, found: pa.Table, stamp: Stamp) -> None:
    """Add the outcomes to quarantine/replays as the next attempt of each row.

    A row that another replay closed meanwhile is left as it is. One for which another replay was first with a
    refusal gets this outcome as a further attempt.
    """
    txn = lake.transaction("replay", stamp.day, config=stamp.id, code=__name__)
    for race in range(RACES):
        with database(lake) as tables:
            tables.register("found", found)
            rows = tables.sql(
                """
                select f.file_id, f.line, s.attempts + 1 as attempt, $id as replay, $day::date as day,
                       $moment::timestamptz as at, f.source, f.dataset, f.path, f.rule, f.outcome, f.reason,
                       f.corrected, f.record, $by as by
                from found f join states s using (file_id, line)
                where s.open and (s.replay is distinct from $id)
                  and ($race = 0 or f.outcome <> 'refused')""",
                params={"id": stamp.id, "day": stamp.day, "moment": stamp.moment, "by": stamp.by, "race": race},
            ).to_arrow_table()
        if not rows.num_rows:
            return
        schema = catalogue.get("quarantine/replays").arrow_schema()
        lake.append("quarantine/replays", rows.select(schema.names).cast(schema), txn.part(str(race)))
    raise LakeError(f"quarantine/replays: other replays were first {RACES} times; run one at a time")
