"""The columns of a touchpoint, filled from rows of any dataset, and scores of every scale on one."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.activity.conditions import day_of
from jobs.lake.tables.catalogue import get
from jobs.validate.versions.counting import its_period

COLUMNS = {column.name: column.type for column in get("journeys/touchpoints").columns}
SCALES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7), "review": (1, 5)}
"""Lowest and highest answer of the kinds of survey question and of a review, as scores are kept."""


def usual_score(kind: str | Column, value: str) -> Column:
    """The column `value` on the scale of SCALES: 8 out of 0..20 becomes an NPS of 4, 2 of 1..3 a CSAT of 3.

    `scale_max` is the highest value that could be given.
    """
    score = F.col(value)
    for one, (low, high) in SCALES.items():
        length = F.nullif(F.col("scale_max") - low, F.lit(0.0))
        moved = F.lit(low) + (F.col(value) - low) * (high - low) / length
        is_it = (F.col(kind) if isinstance(kind, str) else kind) == one
        score = F.when(is_it & (F.col("scale_max") != high), moved).otherwise(score)
    return F.round(score, 2)


def contact_rows(
    rows: DataFrame,
    type: str | Column,
    at: str,
    reference: str | Column,
    timezone: str | None,
    **columns: Column,
) -> DataFrame:
    """Touchpoint columns: `at` is the column with the time, `timezone` None keeps the rows' own `day`."""
    own: Mapping[str, Column] = {
        "customer_id": F.col("customer_id"),
        "occurred_at": F.col(at),
        "day": F.col("day") if timezone is None else day_of(at, timezone),
        "type": F.lit(type) if isinstance(type, str) else type,
        "source": F.col("source"),
        "reference": F.col(reference) if isinstance(reference, str) else reference,
        **columns,
    }
    empty = F.lit(None)
    draft = rows.select(
        *(own.get(name, empty).cast(kind).alias(name) for name, kind in COLUMNS.items() if name != "touchpoint_id"),
        its_period(rows),
    )
    return draft.withColumn("touchpoint_id", F.concat_ws(":", "type", "source", "reference"))
