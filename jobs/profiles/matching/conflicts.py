"""Facts about two records that speak against one person beyond their weight, and facts that rule it out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from jobs.profiles.matching.model import Model

VOUCHING = ("email", "phone", "national_id")


def contradictions(pairs: pd.DataFrame, model: Model, kinds: Sequence[str]) -> pd.Series:
    """Pairs of which a fact of these kinds differs clearly (a birth date, a document), not as by a slip of the pen.

    Not if the same e-mail address, phone or document says they are one: then somebody mistyped.
    """
    differ, vouched = (np.zeros(len(pairs), bool) for _ in range(2))
    for comparison in model.comparisons:
        if comparison.slot.startswith(tuple(kinds)):
            differ |= (pairs[comparison.slot] == len(comparison.levels) - 1).to_numpy()
        if comparison.slot.startswith(VOUCHING):
            vouched |= (pairs[comparison.slot] == 0).to_numpy()
    return pd.Series(differ & ~vouched, index=pairs.index)


def other_generation(records: pd.DataFrame, pairs: pd.DataFrame) -> pd.Series:
    """Pairs of a father and a son: Jr and Sr, II and III."""
    if "generation" not in records:
        return pd.Series(False, index=pairs.index)
    left, right = (records["generation"].to_numpy()[pairs[side].to_numpy(np.int64)] for side in ("l", "r"))
    return pd.Series(pd.notna(left) & pd.notna(right) & (left != right), index=pairs.index)
