"""Links that rules found later may cut: lived through day by day, so that every cut is dated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from jobs.identity.links import NEVER

Cuts = Callable[[int, np.ndarray], np.ndarray]
"""Day and which links stand on it, to the reason why each of them does not count that day; empty if it does."""


def live(links: pd.DataFrame, days: np.ndarray, cuts: Cuts, rule: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Live through `days`, in order: on each of them `cuts` is asked. Before the first of them every link counts.

    Returns the spans on which links count, with `ended_by` (`rule` if a cut ended them), and the links that are cut at
    the end (with since and reason).
    """
    begins, ends = links["first_seen"].to_numpy(np.int64), links["until"].to_numpy(np.int64)
    used_since = np.where(begins < days[0], begins, NEVER)
    cut_since, reasons = np.full(len(links), NEVER, np.int64), np.full(len(links), "", object)
    rows = []
    for day in days:
        standing = (begins <= day) & (day < ends)
        told = cuts(int(day), standing)
        cut = standing & (told != "")
        kept = standing & ~cut
        stops = (used_since < NEVER) & ~kept
        by = np.where(ends[stops] <= day, links.loc[stops, "ended_by"], rule)
        last = np.minimum(ends[stops], day)  # before the first of the days no day is looked at
        rows.append(links[stops].assign(first_seen=used_since[stops], until=last, ended_by=by))
        used_since = np.where(kept, np.minimum(used_since, day), NEVER)
        cut_since = np.where(cut, np.minimum(cut_since, day), NEVER)
        reasons = np.where(cut, told, reasons)
    goes_on, is_cut = used_since < NEVER, cut_since < NEVER
    rows.append(links[goes_on].assign(first_seen=used_since[goes_on]))
    used = pd.concat(rows, ignore_index=True).astype({"first_seen": np.int32, "until": np.int32})
    return used, links[is_cut].assign(since=cut_since[is_cut], reason=reasons[is_cut])
