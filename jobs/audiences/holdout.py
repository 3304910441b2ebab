"""Who is kept apart to measure the effect of an action, or of all of them."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

_BUCKETS = 16**8
ALL = "*"
"""Stands for all actions together."""
TREATMENT, HOLDOUT, GLOBAL = "treatment", "holdout", "global_holdout"


def arm(shares: Mapping[str, float], drawn_as: Column, share_of_all: float, drawn_of_all: Column) -> Column:
    """`holdout` for the share of those in each action (column `audience`), `global_holdout` for one of all, else
    `treatment`.

    Decided by a hash of the action and the id that the person was first drawn by: the same person always gets the same
    arm, a larger share only moves people into the holdout, and the arms of two actions are independent.
    """
    held_out = F.lit(False)
    for name, share in shares.items():
        held_out = held_out | ((F.col("audience") == name) & _below(name, drawn_as, share))
    apart = _below(ALL, drawn_of_all, share_of_all)
    return F.when(apart, GLOBAL).when(held_out, HOLDOUT).otherwise(TREATMENT)


def _below(audience: str, drawn_as: Column, share: float) -> Column:
    bucket = F.substring(F.sha2(F.concat(F.lit(f"{audience}|"), drawn_as), 256), 1, 8)
    return bucket < F.lit(f"{round(share * _BUCKETS):08x}")
