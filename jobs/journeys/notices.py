"""Alerts reach a person, each once per channel: claimed before they are handed on, as sends of the ledger are.

What hands them on is not known here: a function that takes a notice, such as a notifier of Airflow.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from smtplib import SMTPServerDisconnected
from typing import Any

import pyarrow as pa

from jobs.config.settings import Settings
from jobs.journeys.kpi_queries import last_day
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

log = logging.getLogger(__name__)
ALERTS, TOLD = "journeys/alerts", "journeys/alerts_told"
KEY = ("kpi", "period", "day", "kind")
RECENT = 7
"""Days after the end of its period in which an alert is still told: a first run does not tell the whole history."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Notice:
    """Alerts in words: `subject` and `text` are plain, `html` is a page; none holds personal data."""

    subject: str
    text: str
    html: str


def run(channel: str, send: Callable[[Notice], None], day: date, settings: Settings) -> dict[str, int]:
    """Hand the alerts of the last days that were not told yet on this channel to `send`, in one notice.

    Nothing is told twice, by a rerun neither: an alert is claimed first. What `send` raises is raised again. If it is
    a refusal, that is recorded, and the next run tries again; after a crash, a time-out or a lost connection it is not
    known whether it arrived, so it is not sent again, and that is logged. Returns how many
    alerts were told, and how many are unknown.
    """
    lake = Lake.of(settings)
    if not lake.exists(ALERTS):
        return {"told": 0, "unknown": 0}
    recent = [row for row in lake.arrow(ALERTS).to_pylist() if _is_recent(row, day)]
    before = _newest(lake, channel)
    unknown = [row for row in recent if before.get(_key(row), (0, ""))[1] == "claimed"]
    for row in unknown:
        log.warning(
            "alert %s of %s %s may not have been told on %s: a run died, or got no answer", *(_key(row)[:3]), channel
        )
    waiting = [row for row in recent if before.get(_key(row), (0, "failed"))[1] == "failed"]
    tries = {_key(row): before.get(_key(row), (0, ""))[0] + 1 for row in waiting}
    ours = [row for row in waiting if _record(lake, channel, "claimed", [row], tries)]
    if ours:
        try:
            send(notice(ours, settings.general.company))
        except Exception as error:
            if not _may_have_arrived(error):
                _record(lake, channel, "failed", ours, tries)
            raise
        _record(lake, channel, "told", ours, tries)
    return {"told": len(ours), "unknown": len(unknown)}


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


def notice(alerts: Sequence[Row], company: str) -> Notice:
    """What is said of these alerts."""
    ordered = sorted(alerts, key=lambda row: (row["day"], row["kpi"], row["kind"]), reverse=True)
    titles = [row["title"] for row in ordered]
    more = f" and {len(titles) - 1} more" if len(titles) > 1 else ""
    lines = [
        f"{row['title']} ({row['period']} of {row['day']}): {row['why']}. Owner: {row['owner'] or '-'}"
        for row in ordered
    ]
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    subject = f"{company}: {titles[0]}{more}".replace("\n", " ").replace("\r", " ")
    return Notice(subject, "\n".join(lines), f"<ul>{items}</ul>")


def _is_recent(row: Row, day: date) -> bool:
    return day - timedelta(days=RECENT) < last_day(row["day"], row["period"]) <= day


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEY)


STATES = ("claimed", "failed", "told")


def _newest(lake: Lake, channel: str) -> dict[tuple[Any, ...], tuple[int, str]]:
    """The newest try of each alert on this channel, and how it ended."""
    found: dict[tuple[Any, ...], tuple[int, str]] = {}
    rows = lake.arrow(TOLD).to_pylist() if lake.exists(TOLD) else []
    for row in sorted(rows, key=lambda row: (row["try"], STATES.index(row["state"]))):
        if row["channel"] == channel:
            found[_key(row)] = (row["try"], row["state"])
    return found


def _record(lake: Lake, channel: str, state: str, alerts: Sequence[Row], tries: dict[tuple[Any, ...], int]) -> int:
    """Commit that these alerts reached a state; returns how many had not reached it before."""
    at = datetime.now(UTC)
    rows = [
        {
            **dict(zip(KEY, _key(row), strict=True)),
            "channel": channel,
            "try": tries[_key(row)],
            "state": state,
            "at": at,
        }
        for row in alerts
    ]
    table = pa.Table.from_pylist(rows, catalogue.get(TOLD).arrow_schema())
    txn = lake.transaction("tell_alerts", at.date(), config=[channel, state, str(at)], code=__name__)
    return lake.append(TOLD, table, txn).rows
