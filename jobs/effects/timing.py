"""When people respond to an action: how long after what it is about, and at which hour of their day.

Nobody is written to at random times, so this tells what was, not what would have been: a value is ruled out only if its
responses are surely fewer than those of the best one, or its refusals surely too many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa

from jobs.activation.hours import zone_of
from jobs.audiences.learned_times import TABLE
from jobs.config.actions.audiences import Audience, Learn
from jobs.config.settings import Settings
from jobs.lake.database import database_of
from jobs.lake.lake import Lake
from jobs.lake.pinned import pinned
from jobs.lake.tables import catalogue
from jobs.models.recommend.bought import wilson

NEEDS = ("journeys/touchpoints", "activation/feedback", "audiences/members")
_TYPE = {"ordered": "order", "clicked": "click", "opened": "open"}
DOUBT = 0.05
"""Chance that any value of an action is ruled out by mistake."""


@dataclass(frozen=True)
class Counted:
    """Messages at one day or hour, and what came of them."""

    sent: int = 0
    responded: int = 0
    refused: int = 0

    def __add__(self, other: Counted) -> Counted:
        return Counted(self.sent + other.sent, self.responded + other.responded, self.refused + other.refused)


def run(day: date, settings: Settings) -> dict[str, int]:
    """Learn when actions that ask for it are responded to, from what is known on `day`; values by times."""
    asked = {name: one for name, one in settings.audiences.items() if one.when.learn}
    if not asked:
        return {}
    lake = Lake.of(settings)
    config = [[name, one.when.model_dump()] for name, one in asked.items()]
    txn = lake.transaction("timing", day, reads=NEEDS, config=[config, settings.general.timezone], code=__name__)
    if not txn.done(TABLE):
        rows: list[dict[str, Any]] = []
        sets = {name.split("/")[1]: pinned(lake, name, txn.pins[name]) for name in NEEDS}
        with database_of(**sets) as database:
            for name, one in asked.items():
                found = database.execute(_query(name, one, day)).fetchall()
                rows += _rows(name, one, found, day, settings.general.timezone)
        schema = catalogue.get(TABLE).arrow_schema()
        lake.replace(TABLE, pa.Table.from_pylist(rows, schema=schema), txn, day=day)
    told = lake.arrow(TABLE, columns=["times"], day=day)["times"].to_pylist()
    return {times: told.count(times) for times in sorted(set(told))}


def _query(name: str, one: Audience, day: date) -> str:
    """Messages of an action by the day since what it is about, the hour since 1970 and the zone of the customer."""
    learn, since = one.when.learn, one.when.since
    assert learn is not None
    age = f"try_cast(json_extract_string(m.evidence, '$.{since}') as int)" if since else "null"
    same = "" if learn.response == "ordered" else f"and t.subject = '{name}'"
    span = f"between s.occurred_at and s.occurred_at + interval {learn.within_days} day"
    return f"""
        with sent as (
            select customer_id, occurred_at, day from touchpoints
            where type = 'sent' and subject = '{name}'
              and day between date '{day}' - {learn.of_days} and date '{day}' - {learn.within_days}
        ), told as (
            select s.customer_id, s.occurred_at, s.day,
                   exists (select 1 from touchpoints t where t.customer_id = s.customer_id
                           and t.type = '{_TYPE[learn.response]}' {same} and t.occurred_at {span}) as responded,
                   exists (select 1 from feedback f where f.customer_id = s.customer_id and f.audience = '{name}'
                           and f.kind in ('unsubscribe', 'complaint') and f.at {span}) as refused
            from sent s
        )
        select {age} as age, (epoch(occurred_at) // 3600)::bigint as hour, m.zone, count(*)::bigint,
               count(*) filter (responded)::bigint, count(*) filter (refused)::bigint
        from told left join members m on m.audience = '{name}' and m.customer_id = told.customer_id and m.day = told.day
        group by 1, 2, 3"""


def _rows(name: str, one: Audience, found: Iterable[tuple[Any, ...]], day: date, timezone: str) -> list[dict[str, Any]]:
    learn = one.when.learn
    assert learn is not None
    by: dict[str, dict[int, Counted]] = {times: defaultdict(Counted) for times in learn.of}
    for age, hour, zone, *counts in found:
        if "days" in by and age is not None:
            by["days"][age] += Counted(*counts)
        if "hours" in by:
            by["hours"][_local_hour(hour, zone, timezone)] += Counted(*counts)
    return [
        {"day": day, "audience": name, "times": times, **row}
        for times, counted in by.items() for row in judged(counted, learn)
    ]  # fmt: skip


def judged(counted: Mapping[int, Counted], learn: Learn) -> list[dict[str, Any]]:
    """Each value with its interval, whether it is fine, and what was learned in words."""
    values = sorted(counted)
    sent, responded, refused = (
        np.array([getattr(counted[value], name) for value in values], float)
        for name in ("sent", "responded", "refused")
    )
    every = int(responded.sum())
    sure = NormalDist().inv_cdf(1 - DOUBT / (2 * max(len(values), 1)))
    low, high = wilson(responded, sent, sure)
    enough = every >= learn.least
    welcome = wilson(refused, sent, sure)[0] <= learn.most_refusals
    fine = welcome & (high >= low[welcome].max(initial=0.0)) if enough and welcome.any() else np.ones(len(values), bool)
    if not enough:
        said = f"{every} of {learn.least} responses: what the action declares holds"
    elif not welcome.any():
        said = f"more than {learn.most_refusals:.1%} refuse whenever it is sent: what the action declares holds"
    else:
        gone = [str(value) for value, is_fine in zip(values, fine, strict=True) if not is_fine]
        said = f"{every} responses: " + (
            f"not at {', '.join(gone)}" if gone else "no time is surely worse than another"
        )
    return [
        {"value": value, "sent": counted[value].sent, "responded": counted[value].responded,
         "refused": counted[value].refused, "low": round(float(low[n]), 6), "high": round(float(high[n]), 6),
         "fine": bool(fine[n]), "said": said}
        for n, value in enumerate(values)
    ]  # fmt: skip


def _local_hour(hour: int, zone: str | None, timezone: str) -> int:
    """The hour of the day where the customer is, of an hour since 1970."""
    return datetime.fromtimestamp(hour * 3600, UTC).astimezone(zone_of(zone, timezone)).hour
