"""What became of each file of a batch, so that nothing vanishes.

Rows in = accepted + quarantined + duplicates + left out. Every row that ingest counted has to be there before anything
is published, and has one fate afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.errors import StepFailed
from jobs.validate.batch import Batch
from jobs.validate.rules.broken import Tally
from jobs.validate.told.lines import Lines


@dataclass(frozen=True)
class Fate:
    """Of one file: records without and with a broken rule, and records that are in the valid table."""

    good: int = 0
    bad: int = 0
    accepted: int = 0


def fate(file: dict[str, Any], tallies: Mapping[str, Tally | Lines], accepted: dict[str, int], stopped: bool) -> Fate:
    """All records of a stopped batch are bad."""
    found = tallies.get(file["file_id"])
    if found is None:
        return Fate()
    bad = found.rows if stopped else found.bad
    return Fate(found.rows - bad, bad, accepted.get(file["file_id"], 0))


def refuse_missing_rows(batch: Batch, tallies: Mapping[str, Tally | Lines], left_out: Mapping[str, int]) -> None:
    """The gate of conservation: every row that ingest counted is here, before anything is published."""
    for file in batch.loaded:
        found = tallies[file["file_id"]].rows if file["file_id"] in tallies else 0
        found += left_out.get(file["file_id"], 0)
        refused = batch.refused.get(file["file_id"], 0)
        if found + refused != file["rows_in"]:
            raise StepFailed(
                f"{file['path']}: {file['rows_in']:,} rows came in, but {batch.raw} has {found:,} and {refused:,} were "
                f"refused; rows of this file were lost or written twice, so nothing of the batch was published"
            )


def count(file: dict[str, Any], batch: Batch, fate: Fate, left_out: int = 0) -> dict[str, Any]:
    """The row of ops/counts; raises StepFailed if it does not add up."""
    rows_in = file["rows_in"]
    if file["state"] == "quarantined":
        accepted, quarantined, duplicates = 0, rows_in, 0
    elif file["state"] == "duplicate":
        accepted, quarantined, duplicates = 0, 0, rows_in
    else:
        quarantined = fate.bad + batch.refused.get(file["file_id"], 0)
        accepted, duplicates = fate.accepted, fate.good - fate.accepted
    if min(accepted, quarantined, duplicates) < 0 or rows_in != accepted + quarantined + duplicates + left_out:
        raise StepFailed(
            f"{file['path']}: {rows_in:,} rows in, but {accepted:,} accepted + {quarantined:,} quarantined + "
            f"{duplicates:,} duplicates + {left_out:,} left out"
        )
    return {
        "file_id": file["file_id"],
        "source": batch.source,
        "dataset": batch.dataset,
        "arrived": file["arrived"],
        "rows_in": rows_in,
        "accepted": accepted,
        "quarantined": quarantined,
        "duplicates": duplicates,
        "left_out": left_out,
        "items": None,
        "batch": batch.of(file["arrived"]).id,
    }
