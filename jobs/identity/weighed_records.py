"""Contact records with those a day brings, and the pairs that are weighed for it: no pair is weighed twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.identity import Matching
from jobs.config.settings import Settings
from jobs.identity import model_store
from jobs.identity.added_records import ROW, Added, among
from jobs.identity.contact_rows import SLOTS, in_order
from jobs.identity.evidence import day_numbers
from jobs.identity.kept import Kept
from jobs.identity.matching.compared import Compared, blocked, weighed
from jobs.identity.matching.model import Model
from jobs.identity.matching.records import HUBS, KEY, SOURCE
from jobs.identity.probable import Learned, Probable, found_before
from jobs.identity.rebuild import tied


@dataclass(frozen=True)
class Weighed:
    """`rows`: all rows to compare since `trained_on`. `new`: pairs that were not weighed before. `gone`: kept pairs
    that do not hold any more (rows of models/matching_pairs)."""

    rows: pa.Table
    trained_on: int
    model: Model
    new: pd.DataFrame
    gone: pa.Table

    def likely_contacts(self, matching: Matching) -> set[str]:
        """Contacts of new pairs that are likely enough to be one person."""
        likely = self.new[(self.new["weight"] >= matching.weight) & ~self.new["conflict"]]
        ends = {*likely["left"], *likely["right"]}
        return set(self.rows.filter(among(self.rows[KEY], ends))["contact"].to_pylist())


class LearnsAnew(Exception):
    """What a day brings makes another model, or changes what this one learned from."""


def weigh(kept: Kept, added: Added, settings: Settings) -> Weighed | None:
    """Compare what a day brings with all there is; None if there is no model yet.

    Raises LearnsAnew if only comparing everything again can tell.
    """
    heads = kept.table(model_store.MODEL).to_pylist()
    trained_on = int(day_numbers(pd.Series([heads[0]["trained_on"]]))[0]) if heads else None
    if added.trained_on() != trained_on:
        raise LearnsAnew
    if trained_on is None:
        return None
    rows = added.rows()
    fresh = added.fresh(rows)
    if (rows["first_seen"].to_numpy()[fresh] <= trained_on).any():
        raise LearnsAnew
    known = pc.greater(rows["until"], trained_on)
    rows, fresh = rows.filter(known), fresh[known.to_numpy(zero_copy_only=False)]
    model = Model.load(heads[0]["parameters"], NO_TERMS)
    pairs = blocked(rows, fresh, model, settings.identity.matching.deduplicated)
    places, ends = np.unique(pairs, return_inverse=True)
    some = rows.take(pa.array(places))
    order = pc.sort_indices(some, sort_keys=[("first_seen", "ascending"), ("name", "ascending")]).to_numpy()
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    in_place = np.sort(rank[ends.reshape(-1, 2)].astype(np.int64), axis=1)
    some = some.take(pa.array(order)).select([KEY, SOURCE, *SLOTS])
    model = model_store.with_terms(heads[0]["parameters"], kept.dataset(model_store.TERMS), some, settings)
    new = weighed(some, in_place, model, settings.identity.matching)
    return Weighed(rows, trained_on, model, new, _gone(kept, added, rows, fresh))


NO_TERMS = pd.DataFrame({"slot": [], "value": [], "frequency": []})


def _gone(kept: Kept, added: Added, rows: pa.Table, fresh: np.ndarray) -> pa.Table:
    """Kept pairs with a row that changed or is no more."""
    stays = rows.filter(pa.array(~fresh))
    stays = set(stays.filter(among(stays["base"], added.changed))[KEY].to_pylist())
    named = {f"{base}{without}" for base in added.changed for without in ("", *WITHOUT)}
    found = named - stays
    return kept.having(model_store.PAIRS, ["left", "right"], found)


WITHOUT = (*(f"-{slot}" for slot in HUBS), "-" + "-".join(HUBS))
"""What the names of rows end with that leave out what is of too many people."""


def found(kept: Kept, told: Weighed, contacts: set[str], settings: Settings) -> tuple[Probable, pd.DataFrame]:
    """Links and pairs to review of some contacts, of which all that are likely to be one are among them; and which
    contacts were ever likely to be one (as `rebuild.tied`)."""
    matching = settings.identity.matching
    own = told.rows.filter(among(told.rows["contact"], contacts))
    names = set(own[KEY].to_pylist())
    before = kept.having(model_store.PAIRS, ["left", "right"], names)
    gone = set(zip(told.gone["left"].to_pylist(), told.gone["right"].to_pylist(), strict=True))
    pairs = model_store.pairs_of(before, told.model)
    stays = [pair not in gone for pair in zip(pairs["left"], pairs["right"], strict=True)]
    new = told.new[told.new["left"].isin(names) | told.new["right"].isin(names)]
    pairs = pd.concat([pairs[np.array(stays, bool)], new], ignore_index=True)
    frame = told.rows.filter(among(told.rows[KEY], {*names, *pairs["left"], *pairs["right"]})).to_pandas()
    rows, records = in_order(frame[ROW], frame[[KEY, SOURCE, *SLOTS]])
    earlier = kept.having(model_store.EARLIER, ["left"], contacts)
    learned = Learned(
        told.trained_on,
        Compared(told.model, pd.Index(rows["row"]), pairs),
        model_store.links_of(earlier),
    )
    return found_before(rows, records, matching, learned), tied(learned, rows, matching.weight)
