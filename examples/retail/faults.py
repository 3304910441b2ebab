"""What goes wrong on purpose, and exactly where: rows that break, repeat or come late, files that break or repeat."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from examples.retail.chance import mix, stream
from examples.retail.clock import day_number
from examples.retail.feeds import WHOLE_LINE, Fault, Feed

BROKEN_SHARE = 0.002
OVERLAP_SHARE = 0.002
LATE_DAYS = 8
LATE_PART = 6
"""One in six groups (stores, visitors) of a late day is late."""

OVERLAP = -1

DAMAGED_TIMES = ("31-02-2017", "not a date", "2017-13-45 10:00:00")


def common_faults(key: str, time: str) -> tuple[Fault, ...]:
    """The faults every dataset has: no key, and a time that is none."""
    return (Fault("missing_key", key, ""), *(Fault("bad_date", time, text) for text in DAMAGED_TIMES))


@dataclass(frozen=True)
class Rows:
    """The rows of one feed as they are delivered: several may show the same row of the feed.

    `file` is 0 for the day's own file, or the data day of a late file. `fault` is 0 for a good row, OVERLAP for
    its copy in the next day's file, else one more than the position in the feed's faults.
    """

    row: np.ndarray
    day: np.ndarray
    file: np.ndarray
    fault: np.ndarray


def deliver(feed: Feed, seed: int, first: int, last: int) -> Rows:
    """Plan the delivery of a feed within the days `first` to `last`, with its faulty rows."""
    random = stream(seed, f"faults {feed.name}")
    count = len(feed.day)
    row, day = np.arange(count), feed.day.astype(np.int64)
    day = np.maximum(day, first) if feed.state else day
    file = _late(feed, day)
    day = np.where(file > 0, day + LATE_DAYS, day)
    broken = _broken(feed, random, np.flatnonzero(file == 0), day, last)
    repeated = _some(random, np.flatnonzero((file == 0) & (day < last)), OVERLAP_SHARE, 2)
    fault = _fitting(feed, broken)
    rows = np.r_[row, broken, repeated]
    days = np.r_[day, day[broken], day[repeated] + 1]
    files = np.r_[file, np.zeros(len(broken) + len(repeated), np.int64)]
    faults = np.r_[np.zeros(count, np.int64), fault, np.full(len(repeated), OVERLAP)]
    # A broken row comes just before its good version; rows of yesterday's export open today's file.
    order = np.lexsort((faults <= 0, rows, files, days))
    order = order[(days[order] >= first) & (days[order] <= last)]
    return Rows(rows[order], days[order], files[order], faults[order])


def _broken(feed: Feed, random: np.random.Generator, candidates: np.ndarray, day: np.ndarray, last: int) -> np.ndarray:
    """Rows to break: a fixed share, enough to show each kind of fault, and for events one on each of the last days."""
    kinds = len({fault.kind for fault in feed.faults})
    chosen = [_some(random, candidates, BROKEN_SHARE, min(kinds, max(2, len(candidates) // 12)))]
    if not feed.state:
        chosen += [_some(random, candidates[day[candidates] == late], 0, 1) for late in range(last - 2, last + 1)]
    return np.unique(np.concatenate(chosen))


def _fitting(feed: Feed, rows: np.ndarray) -> np.ndarray:
    """A fault for each row, one more than its position: the least used of those whose column has a value to break."""
    columns = feed.render(rows)
    filled = np.array(
        [
            np.ones(len(rows), bool) if fault.column == WHOLE_LINE else columns[fault.column].is_valid().to_numpy(False)
            for fault in feed.faults
        ]
    )
    first_of_kind = [fault.kind not in {f.kind for f in feed.faults[:n]} for n, fault in enumerate(feed.faults)]
    used = np.where(first_of_kind, 0, 1)
    chosen = np.zeros(len(rows), np.int64)
    for row in range(len(rows)):
        number = int(np.argmin(np.where(filled[:, row], used, len(rows) + 2)))
        used[number] += 1
        chosen[row] = number + 1
    return chosen


def _some(random: np.random.Generator, candidates: np.ndarray, part: float, least: int) -> np.ndarray:
    """About `part` of the rows, at least `least` if there are so many."""
    wanted = min(len(candidates), max(least, round(part * len(candidates))))
    return np.sort(random.choice(candidates, wanted, replace=False))


def _late(feed: Feed, day: np.ndarray) -> np.ndarray:
    """The data day of rows that come in a late file, else 0."""
    if feed.group is None:
        return np.zeros(len(day), np.int64)
    chosen = np.isin(day, late_days()) & (mix(feed.group, 7) % np.uint64(LATE_PART) == 0)
    return np.where(chosen, day, 0)


def late_days() -> np.ndarray:
    """Data days of which a part comes eight days later: one every four weeks, and two at the end of the year."""
    monthly = np.arange(day_number(dt.date(2017, 1, 11)), day_number(dt.date(2017, 12, 1)), 28)
    return np.append(monthly, [day_number(dt.date(2017, 12, day)) for day in (21, 22)])


@dataclass(frozen=True)
class FileFault:
    """Something wrong with the whole file of `feed` on `day`, or the nearest day on which it has one.

    copy: the same bytes again under another name that day. again: the same bytes under the same name the next
    day, whose own rows then come in a second file. recompressed: the same rows the next day, other bytes.
    truncated, wrong_encoding, missing_column: the file cannot be read; `days_later` a corrected one lands.
    """

    feed: str
    day: str
    kind: str
    days_later: int = 1
    column: str = ""


FILE_FAULTS = (
    FileFault("pos/orders", "2017-03-14", "copy"),
    FileFault("crm/contacts", "2017-05-09", "copy"),
    FileFault("campaigns/campaign_events", "2017-12-30", "copy"),
    FileFault("pos/order_lines", "2017-06-20", "again"),
    FileFault("chat/messages", "2017-12-28", "again"),
    FileFault("web/events", "2017-04-11", "recompressed"),
    FileFault("web/events", "2017-08-15", "truncated", days_later=2),
    FileFault("shop/contacts", "2017-09-12", "wrong_encoding", days_later=2),
    FileFault("survey/survey_responses", "2017-12-30", "missing_column", column="score"),
)
BROKEN_FILES = {"truncated", "wrong_encoding", "missing_column"}
