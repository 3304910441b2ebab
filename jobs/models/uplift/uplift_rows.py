"""Who was approached and who was not, as chance drew it, with what was known of them before and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from jobs.activity import traits
from jobs.activity.known_rows import Known
from jobs.activity.on_days import values_on
from jobs.config.models.classify import Label
from jobs.config.models.uplift import Treated, Uplift
from jobs.config.settings import Settings
from jobs.config.traits import needed
from jobs.errors import NotTrainable
from jobs.lake.lake import Txn
from jobs.models.classify.outcomes import frame_of, held_out, known_outcomes, labelled, outcomes, told_on

ARMS = "decisions/arms"
TREATED = "treated"
"""The column that says who was approached: 1 or 0."""


@dataclass(frozen=True)
class Split:
    """Rows to learn from, and those of other customers, a fifth, to judge on. Columns: day, customer_id, features,
    outcome, TREATED."""

    learn: pd.DataFrame
    judge: pd.DataFrame


def split(txn: Txn, day: date, declared: Uplift, settings: Settings) -> Split:
    """What can be learned from on `day`. Raises NotTrainable, saying what is missing and until when."""
    known = Known.of_step(txn, [day], settings)
    frame = _told(known, declared.treated, declared) if declared.treated else _drawn(txn, known, declared)
    held = held_out(frame["customer_id"])
    return Split(frame[~held].reset_index(drop=True), frame[held].reset_index(drop=True))


def _told(known: Known, treated: Treated, declared: Uplift) -> pd.DataFrame:
    """Of an experiment in the data: features, outcome and who was approached, all of the day itself."""
    wanted = {name: known.settings.traits[name] for name in needed([treated.trait], known.settings.traits)}
    told = traits.as_features(values_on(known, wanted), [treated.trait], wanted)
    told = told.select("customer_id", told[treated.trait].alias(TREATED))
    found = told_on(known, known, declared).drop(TREATED).join(told, on="customer_id", how="left")
    frame = known_outcomes(frame_of(found), declared.label)
    drawn = outcomes(frame[TREATED], Label(trait=treated.trait, values=treated.values, others=treated.others))
    return frame.assign(**{TREATED: drawn})[drawn.notna()].astype({TREATED: int}).reset_index(drop=True)


def _drawn(txn: Txn, known: Known, declared: Uplift) -> pd.DataFrame:
    """Of an action with a holdout: what was known of customers on the day they came in, and what followed."""
    (day,), horizon = known.days, declared.label.horizon
    entries = _entries(txn, str(declared.action))
    if entries.empty:
        raise NotTrainable(f"nobody was ever in the action {declared.action!r}; it waits for the first")
    old = entries[entries["day"] <= day - timedelta(days=horizon)]
    if old.empty:
        ready = min(entries["day"]) + timedelta(days=horizon)
        raise NotTrainable(f"customers came into {declared.action!r} since {min(entries['day'])}; what came of them is "
                           f"known after {horizon} days, so training can start on {ready}")  # fmt: skip
    days = sorted(set(old["day"]))[-declared.snapshots :]
    found = frame_of(labelled(known.with_people_of(txn, days), known, declared))
    return found.merge(old, on=["day", "customer_id"]).reset_index(drop=True)


def _entries(txn: Txn, action: str) -> pd.DataFrame:
    """Each customer of an action in its arm, on the day it first came in: day, customer_id, TREATED."""
    if txn.pins.get(ARMS) is None:
        return pd.DataFrame(columns=["day", "customer_id", TREATED])
    arms = txn.arrow(ARMS, columns=["audience", "customer_id", "since", "arm", "because"])
    mine = pc.and_(pc.equal(arms["audience"], action), pc.is_in(arms["arm"], pa.array(["treatment", "holdout"])))
    frame = arms.filter(mine).to_pandas().sort_values("since").drop_duplicates("customer_id")
    frame = frame[frame["because"] == "drawn"]  # who was merged or split came in as somebody else
    found = pd.DataFrame({"day": pd.to_datetime(frame["since"]).dt.date, "customer_id": frame["customer_id"]})
    return found.assign(**{TREATED: (frame["arm"] == "treatment").astype(int)}).reset_index(drop=True)
