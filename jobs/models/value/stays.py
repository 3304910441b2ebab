"""How long customers stay, as curves in models/survival: of all, and of each label of another model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.config.models.value import Value
from jobs.lake.lake import Txn
from jobs.lake.tables import catalogue
from jobs.models.registry import Version
from jobs.models.value import survival

TABLE, SCORES = "models/survival", "models/scores"
ALL = "all"
MOST = 400
"""Durations kept of a curve; of more, evenly spread ones."""


def reads(declared: Value) -> list[str]:
    """Where labels come from, if any are asked for."""
    return [SCORES] if declared.survival_by else []


def curves(txn: Txn, people: pd.DataFrame, declared: Value, version: Version) -> pa.Table:
    """Rows of models/survival: of buyers as they were on the day of the version."""
    schema = catalogue.get(TABLE).arrow_schema()
    labels = _labels(txn, declared, version) if declared.survival_by else {}
    found = by_part(people, labels, declared.lapsed_days)
    same = {"model": version.name, "model_version": version.number, "trained_on": version.day}
    frame = found.assign(**same)
    return pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)


def by_part(people: pd.DataFrame, labels: dict[str, str], lapsed_days: int) -> pd.DataFrame:
    """`part` and the columns of a curve: customers stay from their first purchase until the last, which was the last
    one if nothing followed for `lapsed_days`; of others nobody knows yet when they will leave."""
    first, last = people["first_ago"].to_numpy(dtype=float), people["last_ago"].to_numpy(dtype=float)
    ended = last >= lapsed_days
    days = np.where(ended, first - last, first)
    part = people["customer_id"].map(labels).to_numpy(dtype=object)
    found = [survival.curve(days, ended).assign(part=ALL)]
    for label in sorted({one for one in part if isinstance(one, str)} - {ALL}):
        own = part == label
        found.append(survival.curve(days[own], ended[own]).assign(part=label))
    kept = [
        one.iloc[np.unique(np.linspace(0, len(one) - 1, min(len(one), MOST)).astype(int))] for one in found if len(one)
    ]
    return pd.concat(kept, ignore_index=True) if kept else found[0]


def _labels(txn: Txn, declared: Value, version: Version) -> dict[str, str]:
    """The newest label of each customer up to the day, as far as the model was asked by then."""
    scores = txn.arrow(SCORES, columns=["day", "model", "customer_id", "label"]).to_pandas()
    own = scores[(scores["model"] == declared.survival_by) & (scores["day"] <= version.day)]
    own = own[own["day"] == own["day"].max()] if len(own) else own
    return dict(zip(own["customer_id"], own["label"], strict=True))
