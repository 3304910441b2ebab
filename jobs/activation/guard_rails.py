"""Guard rails: what stops a push with the reason, until a person says that it is meant, once.

A finding is kept in activation/guard_rails. Who allows it allows exactly what was found, on that day: another number is
another finding. What takes people off, because they withdrew consent or asked to be forgotten, is never held back.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from jobs.activation.moments import now
from jobs.clock import local_day
from jobs.config.actions.audiences import Audience
from jobs.config.actions.guard_rails import GuardRails, ModelAge, Size, Stale
from jobs.config.settings import Settings
from jobs.config.sql.guard import columns_in
from jobs.config.wrong import CommandError
from jobs.lake.lake import Lake, StaleWrite
from jobs.lake.tables import catalogue

log = logging.getLogger(__name__)
TABLE = "activation/guard_rails"
DELIVERIES = "activation/deliveries"
HELD = "guard_rail"
"""Reason of a skip: a guard rail holds it back."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """One guard rail that an audience ran into, in words with the numbers."""

    rail: str
    said: str


def rails_of(audience: str, settings: Settings) -> GuardRails:
    """What holds for an audience: the company's, and its own in their place."""
    return settings.guard_rails.with_own(settings.audiences[audience].guard_rails)


def standing(audience: str, destination: str, day: date, members: int, settings: Settings) -> list[Finding]:
    """What stops this push now: found, kept, and not allowed by a person."""
    lake = Lake.of(settings)
    found = list(findings(audience, destination, day, members, settings))
    kept = {row["rail"]: row for row in _kept(lake, day, audience, destination)}
    new = [one for one in found if kept.get(one.rail, {}).get("said") != one.said]
    if new:
        _write(lake, day, [_row(day, audience, destination, one) for one in new])
    allowed = {rail for rail, row in kept.items() if row["allowed_at"] is not None}
    stopping = [one for one in found if one in new or one.rail not in allowed]
    for one in stopping:
        log.warning("%s to %s on %s is held back: %s", audience, destination, day, one.said)
    return stopping


def findings(audience: str, destination: str, day: date, members: int, settings: Settings) -> Iterator[Finding]:
    """What is odd about this push."""
    lake, rails, declared = Lake.of(settings), rails_of(audience, settings), settings.audiences[audience]
    if rails.oldest_days is not None and (said := too_old(day, rails.oldest_days, settings.general.timezone)):
        yield Finding("oldest_days", said)
    before = _members_before(lake, audience, destination, day, rails.size.days if rails.size else 28)
    over = declared.last_day < day
    was = before[-1] if before else 0
    if rails.empty is not None and not members and was > rails.empty and not declared.moment and not over:
        yield Finding("empty", f"nobody is in the audience, which had {was:,} members when it was pushed last")
    elif rails.size and members and (said := odd_size(members, before, rails.size, declared.moment is not None)):
        yield Finding("size", said)
    if rails.stale and (said := "; ".join(silent(_arrivals(lake, settings, rails.stale), day, rails.stale))):
        yield Finding("stale", said)
    # A model that never was there has put nobody in: then there is nothing to stop.
    if (
        rails.models
        and (members or any(before))
        and (said := "; ".join(_old_models(lake, declared, day, rails.models, settings)))
    ):
        yield Finding("models", said)


def too_old(day: date, most: int, timezone: str) -> str:
    """Why a day is a backfill; empty if it is not."""
    ago = (local_day(now(), timezone) - day).days
    return f"the day is {ago} days ago, more than oldest_days {most}: a backfill sends nothing" if ago > most else ""


def odd_size(members: int, before: Sequence[int], size: Size, passing: bool = False) -> str:
    """Why so many members are out of the history of an audience; empty if they are not. Audiences about a moment come
    and go (`passing`): they only may not grow too much."""
    if len(before) < size.pushes:
        return ""
    most, least = max(before), min(before)
    if members > size.times * most and members - most > size.at_least:
        return f"{members:,} members are more than {size.times:g} times the most it had ({most:,})"
    if not passing and members < size.share * least and least - members > size.at_least:
        return f"{members:,} members are less than {size.share:g} of the least it had ({least:,})"
    return ""


def silent(arrivals: dict[str, list[date]], day: date, stale: Stale) -> Iterator[str]:
    """Sources of which nothing landed for too long, given the days on which something did.

    Without a number of its own, a source is held against its own history; one that landed less than five times has
    none, and may be a load that never comes again.
    """
    for source, all_days in sorted(arrivals.items()):
        days = sorted({one for one in all_days if one <= day})
        own = stale.sources.get(source)
        if not days or (own is None and len(days) < 5):
            continue
        gap = (day - days[-1]).days
        longest = max(((later - one).days for one, later in pairwise(days)), default=1)
        most = own if own is not None else max(stale.days, int(stale.times * longest))
        if gap > most:
            yield f"nothing landed from {source} since {days[-1]}, {gap} days ago; at most {most} are usual"


def models_of(audience: Audience, known: Iterable[str]) -> set[str]:
    """The models that decide about an audience: those its rule, or its value, looks at. Evidence is only told."""
    used = {*columns_in(audience.where), *(columns_in(audience.value) if audience.value else ())}
    return {name for name in known if {f"score_{name}", f"label_{name}"} & {column.lower() for column in used}}


def _old_models(lake: Lake, audience: Audience, day: date, age: ModelAge, settings: Settings) -> Iterator[str]:
    for model in sorted(models_of(audience, settings.learned)):
        since = day - timedelta(days=age.scored_days)
        columns = ["day", "model", "model_version"]
        rows = lake.arrow_between("models/scores", columns, "day", since, day) if lake.exists("models/scores") else None
        mine = rows.filter(pc.equal(rows["model"], model)) if rows is not None else None
        if mine is None or not mine.num_rows:
            yield f"nobody was scored by {model} in the last {age.scored_days} days"
            continue
        version = max(zip(mine["day"].to_pylist(), mine["model_version"].to_pylist(), strict=True))[1]
        trained = _trained_on(lake, model, version)
        if trained and (day - trained).days > age.trained_days:
            yield f"{model} was trained on {trained}, {(day - trained).days} days ago"


def _trained_on(lake: Lake, model: str, version: str) -> date | None:
    if not lake.exists("models/evaluations"):
        return None
    about = (pc.field("model") == model) & (pc.field("model_version") == version)
    days = lake.dataset("models/evaluations").to_table(columns=["day"], filter=about)["day"]
    found: date | None = pc.max(days).as_py() if len(days) else None
    return found


def _members_before(lake: Lake, audience: str, destination: str, day: date, days: int) -> list[int]:
    """Members of the audience in the pushes of the days before, oldest first."""
    if not lake.exists(DELIVERIES):
        return []
    since = day - timedelta(days=days)
    rows = lake.arrow_between(DELIVERIES, ["day", "audience", "destination", "members"], "day", since, day).to_pylist()
    mine = [row for row in rows if (row["audience"], row["destination"]) == (audience, destination)]
    return [row["members"] for row in sorted(mine, key=lambda row: row["day"]) if row["day"] < day]


def _arrivals(lake: Lake, settings: Settings, stale: Stale) -> dict[str, list[date]]:
    wanted = set(stale.only or settings.sources) - {settings.feedback.source}
    rows = lake.arrow("ops/files", columns=["source", "arrived"]) if lake.exists("ops/files") else None
    found: dict[str, list[date]] = defaultdict(list)
    counted = rows.group_by(["source", "arrived"]).aggregate([]).to_pylist() if rows is not None else []
    for row in counted:
        if row["source"] in wanted:
            found[row["source"]].append(row["arrived"])
    return found


def allow(audience: str, destination: str, because: str, by: str, day: date, settings: Settings) -> dict[str, int]:
    """Let a push go on for all that was found about it, on that day alone; how many findings that are.

    Raises CommandError for what nothing was found about, and for no reason given.
    """
    if not because.strip():
        raise CommandError(["--because: say why it is meant; it is kept with what was found"])
    lake = Lake.of(settings)
    rows = [row for row in _kept(lake, day, audience, destination) if row["allowed_at"] is None]
    if not rows:
        raise CommandError([f"{audience} to {destination} on {day}: nothing holds it back; see klantreis guard list"])
    said = {"allowed_because": because.strip(), "allowed_by": by, "allowed_at": datetime.now(UTC)}
    _write(lake, day, [{**row, **said} for row in rows])
    return {"allowed": len(rows)}


def kept(settings: Settings, day: date | None = None) -> list[Row]:
    """Everything that was found, newest first."""
    lake = Lake.of(settings)
    rows = lake.arrow(TABLE, day=day).to_pylist() if lake.exists(TABLE) else []
    return sorted(rows, key=lambda row: (row["day"], row["audience"], row["destination"], row["rail"]), reverse=True)


def _kept(lake: Lake, day: date, audience: str, destination: str) -> list[Row]:
    rows = lake.arrow(TABLE, day=day).to_pylist() if lake.exists(TABLE) else []
    return [row for row in rows if (row["audience"], row["destination"]) == (audience, destination)]


def _row(day: date, audience: str, destination: str, finding: Finding) -> Row:
    known = {"day": day, "audience": audience, "destination": destination}
    empty = {"allowed_because": None, "allowed_by": None, "allowed_at": None}
    return {**known, "rail": finding.rail, "said": finding.said, "found_at": datetime.now(UTC), **empty}


@retry(retry=retry_if_exception_type(StaleWrite), stop=stop_after_attempt(5), reraise=True)
def _write(lake: Lake, day: date, rows: Sequence[Row]) -> None:
    data = pa.Table.from_pylist(list(rows), schema=catalogue.get(TABLE).arrow_schema())
    about = "_".join((rows[0]["audience"], rows[0]["destination"]))
    mark = str([list(map(str, row.values())) for row in rows])
    lake.upsert(TABLE, data, lake.transaction(f"guard_{about}", day, config=mark, code=__name__))
