"""Days on which a dataset was silent for longer than ever before: nothing came that could be held against rules."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from itertools import pairwise

import numpy as np
import pyarrow.compute as pc

from jobs.config.settings import Settings
from jobs.config.sources.deliveries import History
from jobs.lake.lake import Lake
from jobs.lake.tables.catalogue import table_of
from jobs.validate.rules.verdict import TABLE, Verdict, rows_of
from jobs.validate.usual_range import MAD

log = logging.getLogger(__name__)

FRESHNESS = "history:freshness"
ENOUGH = 7
"""Deliveries below which there is no history to judge by."""


def report(lake: Lake, source: str, day: date, settings: Settings) -> None:
    """Write down the days up to `day` on which a dataset of the source was silent for longer than ever; each once."""
    files = lake.arrow("ops/files", columns=["source", "dataset", "arrived"])
    files = files.filter(pc.equal(files["source"], source))
    rows = []
    for name, dataset in settings.sources[source].datasets.items():
        arrivals = files.filter(pc.equal(files["dataset"], name))["arrived"].to_pylist()
        for silent, verdict in silences(arrivals, day, dataset.history, settings.general.country):
            rows += rows_of([verdict], silent, source, name, batch="")
    if not rows:
        return
    known = lake.arrow_between(TABLE, ["day", "source", "dataset"], "expectation", FRESHNESS, FRESHNESS)
    told = {tuple(row.values()) for row in known.to_pylist()}
    new = [row for row in rows if (row["day"], source, row["dataset"]) not in told]
    for row in new:
        if row["day"] == day:
            what = (source, row["dataset"], row["expectation"], row["detail"])
            log.warning("%s.%s: %s: %s", *what, extra={"rule": row["expectation"]})
    if new:
        config = [[str(row["day"]), row["dataset"]] for row in new]
        txn = lake.transaction(f"silence_{source}", day, config=config, code=__name__)
        lake.append(TABLE, table_of(TABLE, new), txn)


def silences(arrivals: Iterable[date], day: date, history: History, country: str = "") -> list[tuple[date, Verdict]]:
    """The days up to `day` on which a dataset was silent for longer than ever before, by the days of its deliveries.

    A public holiday of `country` is no such day, but counts towards the silence of the days after it.
    """
    if history.freshness == "off":
        return []
    found = []
    delivered = sorted({one for one in arrivals if one <= day})
    gaps = np.array([(after - before).days for before, after in pairwise(delivered)])
    for place, last in enumerate(delivered):
        until = delivered[place + 1] - timedelta(days=1) if place + 1 < len(delivered) else day
        usual_gaps = gaps[:place]
        if place < ENOUGH - 1 or (until - last).days < usual_gaps.max():
            continue
        middle = np.median(usual_gaps)
        irregular = middle + history.tolerance * MAD * np.median(np.abs(usual_gaps - middle))
        limit = int(max(usual_gaps.max(), irregular))
        for silent in range(limit, (until - last).days + 1):
            now = last + timedelta(days=silent)
            if now in public_holidays(country, now.year) or not settled(delivered[0], now, history):
                continue
            detail = (
                f"nothing arrived up to and including {now}, the last delivery is of {last}; until then there were "
                f"at most {usual_gaps.max()} days from one delivery to the next, {middle:.0f} as a rule"
            )
            found.append((now, Verdict(FRESHNESS, history.freshness, False, 0, 1, detail)))
    return found


@cache
def public_holidays(country: str, year: int) -> frozenset[date]:
    """The public holidays of a country in that year; none for a country without a known calendar."""
    import holidays

    known = country in holidays.list_supported_countries()
    return frozenset(holidays.country_holidays(country, years=year)) if known else frozenset()


def settled(first: date, day: date, history: History) -> bool:
    """Whether a dataset whose first delivery is of `first` can be judged on `day`: its first weeks are no anomaly."""
    return (day - first).days >= history.settle_days
