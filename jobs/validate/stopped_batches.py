"""Which batches are stopped: a critical expectation failed when they were last judged, and nobody settled it since."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from jobs.errors import DataStopped
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.validate.quarantine import database

UNRESOLVED = """
with judged as (
    select *, max(attempt) over (partition by day, source, dataset, batch) as newest from validations
),
failed as (
    select * from judged where attempt = newest and severity = 'critical' and not success
),
settled as (  -- a batch of which nothing is left in quarantine, such as a dropped one, stops nobody
    select c.batch from states s join counts c using (file_id) group by c.batch having not bool_or(s.open)
)
select day, source, dataset, batch, newest as attempt, expectation, detail
from failed anti join settled using (batch)
order by day, source, dataset, batch, expectation"""


@dataclass(frozen=True)
class Stop:
    """One critical expectation that a batch broke when it was judged for the last time, the `attempt`-th."""

    day: date
    source: str
    dataset: str
    batch: str
    attempt: int
    expectation: str
    detail: str


def stops(lake: Lake) -> list[Stop]:
    """Everything that holds a batch back, oldest first."""
    with database(lake) as tables:
        return [Stop(*row) for row in tables.sql(UNRESOLVED).fetchall()]


def carried_on(found: list[Stop], accept: Collection[str], decided: str) -> pa.Table:
    """The next attempt of batches without rows, such as a silence: the rules in `accept` are warnings from now on."""
    rows = [
        {
            **{name: getattr(stop, name) for name in ("day", "source", "dataset", "batch", "expectation")},
            "attempt": stop.attempt + 1,
            "severity": "warning" if stop.expectation in accept else "critical",
            "success": False,
            "rows": 0,
            "failed": 0,
            "detail": f"{stop.detail}; {decided}" if stop.expectation in accept else stop.detail,
        }
        for stop in found
    ]
    return pa.Table.from_pylist(rows, schema=catalogue.get("ops/validations").arrow_schema())


def refuse_stopped(lake: Lake, source: str, day: date) -> None:
    """Raise DataStopped if something stopped a dataset of this source on this day and no replay settled it since."""
    if found := _unresolved(lake, source, day):
        raise DataStopped(
            f"{'; '.join(found)}. The rows are in quarantine (klantreis quarantine list); correct the delivery or the "
            f"rule and replay them. Until then identity, profiles and all that follows wait for {source}."
        )


def _unresolved(lake: Lake, source: str, day: date) -> list[str]:
    judged = lake.arrow_between("ops/validations", ["source", "severity", "success"], "day", day, day)
    critical = pc.and_(pc.equal(judged["severity"], "critical"), pc.invert(judged["success"]))
    if not pc.any(pc.and_(critical, pc.equal(judged["source"], source))).as_py():
        return []  # a day like most: then what is in quarantine need not be looked at
    return [
        f"{source}.{stop.dataset} is stopped by {stop.expectation}: {stop.detail}"
        for stop in stops(lake)
        if (stop.source, stop.day) == (source, day)
    ]
