"""What has been compared so far: a model and the pairs it weighed, to which new records are added.

A pair weighs the same whenever it is weighed, so comparing record by record gives what comparing all at once gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.config.identity import Matching
from jobs.identity.matching import link_records
from jobs.identity.matching.link_records import FACTS
from jobs.identity.matching.model import Model
from jobs.identity.matching.records import KEY, SOURCE
from jobs.identity.matching.scoring import Scorer, apart, as_arrow, numbered
from jobs.lake.database import database_of


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
    return Compared(model, pd.Index(records[KEY]), _named(pairs, records[KEY], model))


def extend(known: Compared, records: pd.DataFrame, matching: Matching) -> Compared:
    """`known` for these records: those it does not hold yet are compared with all, those that are gone are left out."""
    fresh = ~records[KEY].isin(known.records).to_numpy()
    before = pd.Index(records.loc[~fresh, KEY])
    kept = known.pairs[known.pairs["left"].isin(before) & known.pairs["right"].isin(before)]
    if fresh.any():
        told = as_arrow(records)
        found = weighed(told, blocked(told, fresh, known.model, matching.deduplicated), known.model, matching)
        kept = pd.concat([kept, found], ignore_index=True)
    return Compared(known.model, pd.Index(records[KEY]), kept)


def blocked(records: pa.Table, fresh: np.ndarray, model: Model, deduplicated: Sequence[str]) -> np.ndarray:
    """Pairs of places (the smaller first) that agree on a rule of the model, and of which at least one is fresh."""
    columns = [SOURCE, *dict.fromkeys(key for rule in model.rules for key in rule.keys)]
    told = numbered(records.select([name for name in columns if name in records.column_names]), model)
    condition = apart(records[SOURCE].unique().to_pylist(), deduplicated)
    with database_of(given=told.select([*columns, "unique_id"])) as con:
        con.execute("SET enable_progress_bar = false")
        con.execute("CREATE TEMP TABLE every AS SELECT * FROM given")
        con.register("fresh_places", pa.table({"unique_id": np.flatnonzero(fresh)}))
        con.execute("CREATE TEMP TABLE fresh AS SELECT every.* FROM every JOIN fresh_places USING (unique_id)")
        rules = [
            "SELECT DISTINCT least(l.unique_id, r.unique_id) AS l, greatest(l.unique_id, r.unique_id) AS r "
            f"FROM every l JOIN fresh r ON {rule.sql(condition)} WHERE l.unique_id <> r.unique_id"
            for rule in model.rules
        ]
        found = con.execute(" UNION ".join(rules)).fetchnumpy() if rules else {"l": [], "r": []}
    pairs = np.column_stack([np.asarray(found["l"], np.int64), np.asarray(found["r"], np.int64)])
    return pairs[np.lexsort([pairs[:, 1], pairs[:, 0]])]


def weighed(records: pa.Table, pairs: np.ndarray, model: Model, matching: Matching) -> pd.DataFrame:
    """What comes of comparing these pairs of places, as in `Compared`; only the records they name are looked at."""
    if not len(pairs):
        return _named(pd.DataFrame({"l": [], "r": []}), pd.Series([], dtype=object), model)
    places, ends = np.unique(pairs, return_inverse=True)
    some = records.take(pa.array(places))
    generation = some["generation"].to_pandas() if "generation" in some.column_names else None
    with Scorer(some, matching.deduplicated, model) as scorer:
        found = link_records.weigh(scorer, scorer.given(ends.reshape(-1, 2)), generation, matching, model)
    return _named(found, some[KEY].to_pandas(), model)


def _named(pairs: pd.DataFrame, keys: pd.Series, model: Model) -> pd.DataFrame:
    names = keys.to_numpy(object)
    slots = [comparison.slot for comparison in model.comparisons]
    told = pairs.reindex(columns=[*FACTS, *slots])
    ends = {side: names[pairs[end].to_numpy(int)] for side, end in (("left", "l"), ("right", "r"))}
    types = {**dict.fromkeys(FACTS[:2], "float64"), **dict.fromkeys(FACTS[2:], "bool"), **dict.fromkeys(slots, "int8")}
    return told.assign(**ends)[["left", "right", *told.columns]].astype(types)
