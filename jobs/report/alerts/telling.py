"""Alerts reach a person, each once per route: claimed before they are handed on, as sends of the ledger are.

What hands them on is not known here: a function that takes a notice, such as a notifier of Airflow.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from smtplib import SMTPServerDisconnected
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.clock import now
from jobs.config.settings import Settings
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.report.alerts.found import Alert, alerts

log = logging.getLogger(__name__)
TOLD = "ops/alerts_told"
STATES = ("claimed", "failed", "told")
Row = dict[str, Any]


@dataclass(frozen=True)
class Notice:
    """Alerts in words: `subject` and `text` are plain, `html` is a page; none holds personal data."""

    subject: str
    text: str
    html: str


def run(route: str, send: Callable[[Notice], None], day: date, settings: Settings) -> dict[str, int]:
    """Hand what the route is about, and was not told on it yet, to `send`, in one notice.

    Nothing is told twice, by a rerun neither: an alert is claimed first. What `send` raises is raised again. If it is
    a refusal, that is recorded, and the next run tries again; after a crash, a time-out or a lost connection it is not
    known whether it arrived, so it is not sent again, and that is logged. Returns how many alerts were told, how many
    are unknown, and how many wait until the route may be used again (`every_hours`).
    """
    lake, declared = Lake.of(settings), settings.alerts.routes[route]
    wanted = [one for one in alerts(day, settings) if one.about in declared.about]
    wanted = [one for one in wanted if not declared.owners or one.owner in declared.owners]
    before, last = _newest(lake, route)
    unknown = [one for one in wanted if before.get(one.id, (0, ""))[1] == "claimed"]
    for one in unknown:
        log.warning("alert %s may not have been told by %s: a run died, or got no answer", one.id, route)
    waiting = [one for one in wanted if before.get(one.id, (0, "failed"))[1] == "failed"]
    if last is not None and now() - last < timedelta(hours=declared.every_hours):
        return {"told": 0, "unknown": len(unknown), "waiting": len(waiting)}
    tries = {one.id: before.get(one.id, (0, ""))[0] + 1 for one in waiting}
    ours = [one for one in waiting if _record(lake, route, "claimed", [one], tries)]
    if ours:
        try:
            send(notice(ours, settings.general.company))
        except BaseException as error:
            if isinstance(error, Exception) and not _may_have_arrived(error):
                _record(lake, route, "failed", ours, tries)
            raise
        _record(lake, route, "told", ours, tries)
    return {"told": len(ours), "unknown": len(unknown), "waiting": 0}


def _may_have_arrived(error: BaseException | None) -> bool:
    """Whether what was sent may have been accepted: the answer took too long, or the connection was lost before it.

    Libraries have time-outs of their own, which are no TimeoutError: they are known by their names.
    """
    if error is None:
        return False
    lost = isinstance(error, ConnectionError | SMTPServerDisconnected) and not isinstance(error, ConnectionRefusedError)
    late = any(word in kind.__name__.lower() for kind in type(error).__mro__ for word in ("timeout", "timedout"))
    reasons = [error.__cause__, error.__context__, *(arg for arg in error.args if isinstance(arg, BaseException))]
    return lost or late or any(_may_have_arrived(reason) for reason in reasons)


def notice(told: Sequence[Alert], company: str) -> Notice:
    """What is said of these alerts."""
    ordered = sorted(told, key=lambda one: (one.day, one.id), reverse=True)
    more = f" and {len(ordered) - 1} more" if len(ordered) > 1 else ""
    lines = [one.line for one in ordered]
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    subject = f"{company}: {ordered[0].title}{more}".replace("\n", " ").replace("\r", " ")
    return Notice(subject, "\n".join(lines), f"<ul>{items}</ul>")


def _newest(lake: Lake, route: str) -> tuple[dict[str, tuple[int, str]], datetime | None]:
    """The newest try of each alert by this route and how it ended, and when the route was used last."""
    found: dict[str, tuple[int, str]] = {}
    last: datetime | None = None
    rows: list[Row] = []
    if lake.exists(TOLD):
        rows = lake.dataset(TOLD).to_table(filter=pc.field("route") == route).to_pylist()
    for row in sorted(rows, key=lambda row: (row["try"], STATES.index(row["state"]))):
        found[row["alert"]] = (row["try"], row["state"])
        if row["state"] == "told":
            last = max(last or row["at"], row["at"])
    return found, last


def _record(lake: Lake, route: str, state: str, told: Sequence[Alert], tries: dict[str, int]) -> int:
    """Commit that these alerts reached a state; returns how many had not reached it before."""
    at = now()
    rows = [
        {
            "alert": one.id,
            "about": one.about,
            "day": one.day,
            "route": route,
            "try": tries[one.id],
            "state": state,
            "at": at,
        }
        for one in told
    ]
    table = pa.Table.from_pylist(rows, catalogue.get(TOLD).arrow_schema())
    mark = [route, state, str(at), sorted(tries)]
    return lake.append(TOLD, table, lake.transaction("tell_alerts", at.date(), config=mark, code=__name__)).rows
