"""Time in the demo company: local seconds inside, local or UTC text in its files."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa

from examples.retail.columns import as_text

ZONE = "Europe/Amsterdam"
DAY = 86_400
FIRST_DAY = dt.date(2017, 1, 1)
LAST_DAY = dt.date(2017, 12, 31)
FIRST = int(np.datetime64(FIRST_DAY, "s").astype(np.int64))
LAST = int(np.datetime64(LAST_DAY, "s").astype(np.int64)) + DAY - 1


def seconds(text: str) -> int:
    """Local seconds of `2017-12-29` or `2017-12-29T10:00:00`."""
    return int(np.datetime64(text, "s").astype(np.int64))


def day_number(day: dt.date) -> int:
    """Days since 1970."""
    return day.toordinal() - dt.date(1970, 1, 1).toordinal()


def to_utc(local: np.ndarray) -> np.ndarray:
    """Local wall-clock seconds as UTC seconds; the hour that exists twice is taken as summer time."""
    stamps = pd.DatetimeIndex(np.asarray(local, "datetime64[s]").astype("datetime64[ns]"))
    summer = np.ones(len(stamps), bool)
    return stamps.tz_localize(ZONE, ambiguous=summer, nonexistent="shift_forward").asi8 // 1_000_000_000


def to_local(utc: np.ndarray) -> np.ndarray:
    """UTC seconds as local wall-clock seconds."""
    stamps = pd.DatetimeIndex(np.asarray(utc, "datetime64[s]").astype("datetime64[ns]"), tz="UTC")
    return stamps.tz_convert(ZONE).tz_localize(None).asi8 // 1_000_000_000


def local_text(local: np.ndarray) -> pa.Array:
    """`2017-03-04 10:11:12`, without a zone."""
    text = np.datetime_as_string(np.asarray(local, "datetime64[s]"), unit="s")
    return as_text(np.char.replace(text, "T", " "))


def utc_text(utc: np.ndarray, milliseconds: np.ndarray | None = None) -> pa.Array:
    """`2017-03-04T09:11:12Z`, with milliseconds if given."""
    if milliseconds is None:
        return as_text(np.char.add(np.datetime_as_string(np.asarray(utc, "datetime64[s]"), unit="s"), "Z"))
    stamps = (np.asarray(utc, np.int64) * 1000 + milliseconds).astype("datetime64[ms]")
    return as_text(np.char.add(np.datetime_as_string(stamps, unit="ms"), "Z"))
