"""When actions write, as it was learned (decisions/timing): inside what they declare, from what was known before.

What was never tried is as fine as what was declared: it is not known to be worse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pyarrow.compute as pc
from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.config.actions.audiences import When
from jobs.config.settings import Settings
from jobs.lake.lake import Lake

TABLE = "decisions/timing"
TOO_EARLY, TOO_LATE = "too_early", "too_late"
"""Reasons of a skip: what the action is about happened too lately, or too long ago or nobody knows when."""
Window = tuple[int, int]
"""Days since what an action is about: at least, at most."""
Row = Mapping[str, Any]


def windows(lake: Lake, settings: Settings, day: date) -> dict[str, Window]:
    """The window of each action that learns one, from what was known before the day; those that declare one alone have
    none here."""
    learning = {name: one.when for name, one in settings.audiences.items() if one.when.learn and one.when.since}
    learning = {name: when for name, when in learning.items() if when.learn and "days" in when.learn.of}
    rows = _newest(lake, "days", day) if learning else []
    return {name: window((row for row in rows if row["audience"] == name), when) for name, when in learning.items()}


def window(rows: Iterable[Row], when: When) -> Window:
    """Without the first days, and the last days, that are not fine."""
    known = {int(row["value"]): bool(row["fine"]) for row in rows}
    least, most = when.at_least or 0, when.at_most or 0
    fine = [value for value, is_fine in known.items() if is_fine]
    if not fine:
        return least, most
    before = [value for value, is_fine in known.items() if not is_fine and value < min(fine)]
    after = [value for value, is_fine in known.items() if not is_fine and value > max(fine)]
    return max([least, *(value + 1 for value in before)]), min([most, *(value - 1 for value in after)])


def wrong_hours(lake: Lake, settings: Settings, audience: str, day: date) -> frozenset[int]:
    """Hours of the day at which an action that learns them does not write, from what is known on the day."""
    learn = settings.audiences[audience].when.learn
    if learn is None or "hours" not in learn.of:
        return frozenset()
    rows = [row for row in _newest(lake, "hours", day, through=True) if row["audience"] == audience]
    return frozenset(int(row["value"]) for row in rows if not row["fine"])


def barriers(when: When, learned: Window | None) -> list[Column]:
    """Why it is not the time to write to a customer, null if it is."""
    if when.since is None:
        return []
    least, most = learned or (when.at_least, when.at_most)
    return [
        F.when(F.col(when.since) < F.lit(least), TOO_EARLY),
        F.when(~F.coalesce(F.col(when.since) <= F.lit(most), F.lit(False)), TOO_LATE),
    ]


def _newest(lake: Lake, times: str, day: date, through: bool = False) -> list[dict[str, Any]]:
    """Rows of the newest day before `day`, or up to it."""
    if not lake.exists(TABLE):
        return []
    rows = lake.arrow(TABLE, columns=["day", "audience", "times", "value", "fine"])
    before = (pc.less_equal if through else pc.less)(rows["day"], day)
    rows = rows.filter(pc.and_(before, pc.equal(rows["times"], times)))
    newest: dict[str, date] = {}
    for row in rows.to_pylist():
        newest[row["audience"]] = max(row["day"], newest.get(row["audience"], date.min))
    return [row for row in rows.to_pylist() if row["day"] == newest[row["audience"]]]
