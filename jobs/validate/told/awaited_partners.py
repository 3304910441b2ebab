"""Rows that are published without what a lookup of their dataset should give: their partner has not arrived."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.config.sources.source import SourceDataset
from jobs.validate.mapping.columns import AWAITED
from jobs.validate.rules.broken import Tally
from jobs.validate.rules.verdict import Verdict

RULE = "lookup"


def measures(dataset: SourceDataset) -> dict[str, Column]:
    """How many rows of a file wait for a partner in each lookup."""
    listed = F.concat(F.lit(","), F.col(AWAITED), F.lit(","))
    return {f"{RULE}|{name}|": F.count(F.when(listed.contains(f",{name},"), F.lit(1))) for name in dataset.lookups}


def verdicts(dataset: SourceDataset, tallies: Mapping[str, Tally]) -> list[Verdict]:
    """What is to be told of each lookup."""
    rows = sum(tally.rows for tally in tallies.values())
    found = []
    for name in dataset.lookups:
        rule = f"{RULE}:{name}"
        waiting = sum(int(tally.measured[f"{RULE}|{name}|"]) for tally in tallies.values())
        detail = f"{waiting:,} of {rows:,} rows have no partner in {name} yet"
        if waiting:
            detail += "; they are used without it, and completed when it arrives"
        found.append(Verdict(rule, "warning", not waiting, rows, waiting, detail))
    return found
