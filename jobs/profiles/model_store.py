"""The trained matching model in the lake: its parameters, and how common values are, without the values."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame

from jobs.profiles.matching.model import Model
from jobs.schemas import get

MODEL, TERMS = "models/matching", "models/matching_terms"


def load_model(read: Callable[[str], DataFrame], records: pd.DataFrame, hash_key: str) -> Model | None:
    """The model as it was trained, with the terms that occur in these records; None if there is none."""
    kept = pd.DataFrame(read(MODEL).toPandas())
    if kept.empty:
        return None
    terms = pd.DataFrame(read(TERMS).toPandas())[["slot", "value", "frequency"]]
    parts = [terms[:0]]
    for slot, group in terms.groupby("slot"):
        if slot in records:
            plain = {_hidden(str(slot), value, hash_key): value for value in records[slot].dropna().unique()}
            parts.append(group.assign(value=group["value"].map(plain)).dropna(subset="value"))
    return Model.load(kept["parameters"].iloc[0], pd.concat(parts, ignore_index=True))


def model_tables(model: Model, day: date, hash_key: str) -> tuple[pa.Table, pa.Table]:
    """The rows of both tables."""
    values = [_hidden(slot, value, hash_key) for slot, value in zip(model.terms.slot, model.terms.value, strict=True)]
    head = {"version": model.version, "trained_on": day, "records": model.records, "parameters": model.parameters()}
    terms = model.terms.assign(value=values)
    return (
        pa.Table.from_pylist([head], get(MODEL).arrow_schema()),
        pa.Table.from_pandas(terms, get(TERMS).arrow_schema(), preserve_index=False),
    )


def _hidden(slot: str, value: str, hash_key: str) -> str:
    return hashlib.sha256(f"{hash_key}|{slot}:{value}".encode()).hexdigest()[:24]
