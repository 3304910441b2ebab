"""How many rows of an arrival day are set aside, beside what is usual for the dataset: a day that loses most is no day.

A wrong column in the mapping, or a tool that suddenly hashes its addresses, breaks no single rule badly enough to stop
the batch when each row may break it, and leaves nothing of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from statistics import median

import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.sources.deliveries import History
from jobs.lake.lake import Lake
from jobs.validate.batch import Batch
from jobs.validate.rules.broken import Tally
from jobs.validate.rules.verdict import Verdict

LOSS = "history:loss"
MOST = 0.5
"""The share of a day's rows above which it is lost."""
FEW_ROWS = 20
"""Rows of a day below which a loss is told and stops nothing."""
ENOUGH = 7
"""Deliveries before which nothing is usual."""
NEWS = 0.1
"""By how much more than usual a share is told, at least."""


def earlier_shares(lake: Lake, batch: Batch, history: History) -> dict[date, float]:
    """The share of rows that was set aside when they came, by arrival day, of the dataset's deliveries before."""
    first = min(batch.days)
    columns = ["source", "dataset", "file_id", "arrived", "rows_in", "quarantined", "left_out"]
    low = first - timedelta(days=8 * max(history.days, history.settle_days))
    rows = lake.arrow_between("ops/counts", columns, "arrived", low, max(batch.days))
    own = pa.array([file["file_id"] for file in batch.files], pa.string())
    mine = pc.and_(pc.equal(rows["source"], batch.source), pc.equal(rows["dataset"], batch.dataset))
    rows = rows.filter(pc.and_(mine, pc.invert(pc.is_in(rows["file_id"], value_set=own))))
    sums = rows.group_by("arrived").aggregate([("rows_in", "sum"), ("quarantined", "sum"), ("left_out", "sum")])
    taken = {
        one["arrived"]: (one["quarantined_sum"], one["rows_in_sum"] - (one["left_out_sum"] or 0))
        for one in sums.to_pylist()
    }
    return {day: lost / rows for day, (lost, rows) in sorted(taken.items()) if rows}


def judge(
    part: Batch,
    tallies: Mapping[str, Tally],
    refused: Mapping[str, int],
    setting_aside: Collection[str],
    before: Mapping[date, float],
    history: History,
) -> tuple[Verdict, float] | None:
    """The verdict on one arrival day, and the share that it loses; None if it has no rows.

    `refused` are the lines of each file that are no record, `setting_aside` the rules that set rows aside, `before` the
    shares of earlier days.
    """
    (day,) = {file["arrived"] for file in part.files}
    found = [tallies[file["file_id"]] for file in part.loaded if file["file_id"] in tallies]
    no_records = sum(refused.get(file["file_id"], 0) for file in part.loaded)
    no_records += sum(file["rows_in"] for file in part.files if file["state"] == "quarantined")
    rows, lost = sum(one.rows for one in found) + no_records, sum(one.bad for one in found) + no_records
    if not rows:
        return None
    share, days = lost / rows, [one for one in before if one < day][-history.days :]
    usual = median(before[one] for one in days) if len(days) >= ENOUGH else None
    most = share > MOST and share > 2 * (usual or 0.0)
    more = rows >= FEW_ROWS and share > max(2 * (usual or 0.0), (usual or 0.0) + NEWS)
    severity = history.loss if most and rows >= FEW_ROWS else min(history.loss, "warning", key=_WEIGHT.index)
    said = f"{lost:,} of {rows:,} rows of {day} are set aside ({share:.1%}"
    said += f", usual {usual:.1%})" if usual is not None else ")"
    broken = {rule: sum(one.by_rule[rule][1] for one in found if rule in one.by_rule) for rule in setting_aside}
    worst = sorted(((count, rule) for rule, count in broken.items() if count), key=lambda one: (-one[0], one[1]))[:2]
    if worst:
        said += ", most for " + " and ".join(f"{rule} ({count:,})" for count, rule in worst)
    return Verdict(LOSS, severity, not (most or more), rows, lost, said), share


_WEIGHT = ("off", "info", "warning", "critical")
