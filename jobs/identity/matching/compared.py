"""What has been compared so far: a model and the pairs it weighed, to which new records are added.

A pair weighs the same whenever it is weighed, so comparing record by record gives what comparing all at once gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from jobs.config.identity import Matching
from jobs.identity.matching import link_records
from jobs.identity.matching.link_records import FACTS
from jobs.identity.matching.model import Model
from jobs.identity.matching.records import KEY
from jobs.identity.matching.scoring import Scorer


@dataclass(frozen=True)
class Compared:
    """`records` are the keys of those compared with each other, `pairs` what came of it: left, right (keys), FACTS, and
    per slot of the model the place of the level they agree on."""

    model: Model
    records: pd.Index
    pairs: pd.DataFrame


def learn(records: pd.DataFrame, matching: Matching) -> Compared:
    """Train on prepared records, and compare them."""
    with Scorer(records, matching.deduplicated) as scorer:
        pairs, _, model = link_records.score(scorer, records, matching)
    return Compared(model, pd.Index(records[KEY]), _named(pairs, records, model))


def extend(known: Compared, records: pd.DataFrame, matching: Matching) -> Compared:
    """`known` for these records: those it does not hold yet are compared with all, those that are gone are left out."""
    fresh = ~records[KEY].isin(known.records)
    before = records.loc[~fresh, KEY]
    kept = known.pairs[known.pairs["left"].isin(before) & known.pairs["right"].isin(before)]
    ordered = pd.concat([records[~fresh], records[fresh]], ignore_index=True)
    if fresh.any():
        with Scorer(ordered, matching.deduplicated, known.model, known=int((~fresh).sum())) as scorer:
            pairs, _, _ = link_records.score(scorer, ordered, matching, known.model)
        kept = pd.concat([kept, _named(pairs, ordered, known.model)], ignore_index=True)
    return Compared(known.model, pd.Index(ordered[KEY]), kept)


def _named(pairs: pd.DataFrame, records: pd.DataFrame, model: Model) -> pd.DataFrame:
    keys = records[KEY].to_numpy(object)
    slots = [comparison.slot for comparison in model.comparisons]
    told = pairs.reindex(columns=[*FACTS, *slots])
    ends = {side: keys[pairs[end].to_numpy(int)] for side, end in (("left", "l"), ("right", "r"))}
    return told.assign(**ends)[["left", "right", *told.columns]].astype(dict.fromkeys(slots, "int8"))
