"""What matching learned and compared, in the lake: without any value of a record.

It is kept so that a day only compares the records it brings. Everything here can be computed again from the contacts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame

from jobs.config.settings import Settings
from jobs.identity.evidence import EPOCH, as_table, dates
from jobs.identity.matching.compared import Compared
from jobs.identity.matching.link_records import FACTS
from jobs.identity.matching.model import Model
from jobs.identity.probable import LINKS, RULE, Learned
from jobs.lake.code import code_fingerprint
from jobs.lake.tables.catalogue import get

STEP = "jobs.identity.identity"
"""The module whose code, with all it imports, made what is kept."""
MODEL, TERMS = "models/matching", "models/matching_terms"
ROWS, PAIRS, EARLIER = "models/matching_rows", "models/matching_pairs", "models/matching_links"
TABLES = (MODEL, TERMS, EARLIER, PAIRS, ROWS)
"""In the order they are written. What a killed run left half-way is found by the last one: its rows do not go with the
model, so all is compared anew, or do not hold the newest rows, so these are."""


def load_learned(read: Callable[[str], DataFrame], records: pd.DataFrame, settings: Settings) -> Learned | None:
    """What an earlier run kept, with the terms that occur in these records; None if it is of other settings or code."""
    kept = pd.DataFrame(read(MODEL).toPandas())
    if kept.empty or kept["settings"].iloc[0] != _fingerprint(settings):
        return None
    pairs = pd.DataFrame(read(PAIRS).toPandas())
    model = Model.load(kept["parameters"].iloc[0], _plain(pd.DataFrame(read(TERMS).toPandas()), records, settings))
    slots = [comparison.slot for comparison in model.comparisons]
    levels = pd.DataFrame(list(pairs["levels"]), index=pairs.index, columns=slots).astype("int8")
    compared = pd.concat([pairs[["left", "right", *FACTS]], levels], axis=1)
    earlier = pd.DataFrame(read(EARLIER).toPandas()).assign(rule=RULE)
    for name in ("first_seen", "until"):
        earlier[name] = (pd.to_datetime(earlier[name]) - pd.Timestamp(EPOCH)).dt.days.astype("int32")
    trained_on = (pd.Timestamp(kept["trained_on"].iloc[0]) - pd.Timestamp(EPOCH)).days
    rows = pd.DataFrame(read(ROWS).toPandas())
    of_model = pd.Index(rows.loc[rows["model"] == kept["version"].iloc[0], "row"])
    return Learned(trained_on, Compared(model, of_model, compared), earlier[LINKS])


def learned_tables(learned: Learned, known: Learned | None, settings: Settings) -> Iterator[tuple[str, pa.Table]]:
    """Name and rows of the tables that say something else than `known`, in the order to write them."""
    model, pairs = learned.compared.model, learned.compared.pairs
    if known is None or known.compared.model is not model:
        yield from _model_tables(learned, settings)
    slots = [comparison.slot for comparison in model.comparisons]
    levels = pd.Series(list(pairs[slots].to_numpy("int64")), pairs.index, dtype=object)
    yield PAIRS, as_table(PAIRS, pairs.assign(levels=levels))
    yield ROWS, as_table(ROWS, pd.DataFrame({"row": learned.compared.records, "model": model.version}))


def _model_tables(learned: Learned, settings: Settings) -> Iterator[tuple[str, pa.Table]]:
    model, key = learned.compared.model, settings.hash_key()
    head = {
        "version": model.version,
        "trained_on": EPOCH + timedelta(days=learned.trained_on),
        "records": model.records,
        "parameters": model.parameters(),
        "settings": _fingerprint(settings),
    }
    values = [_hidden(slot, value, key) for slot, value in zip(model.terms.slot, model.terms.value, strict=True)]
    earlier = {name: dates(learned.earlier[name]) for name in ("first_seen", "until")}
    yield MODEL, pa.Table.from_pylist([head], get(MODEL).arrow_schema())
    yield TERMS, as_table(TERMS, model.terms.assign(value=values))
    yield EARLIER, as_table(EARLIER, learned.earlier.assign(**earlier))


def _fingerprint(settings: Settings) -> str:
    """Of all that decides how a pair is weighed and grouped, but for the records."""
    told = [settings.identity.matching.model_dump(mode="json"), code_fingerprint(STEP)]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _plain(terms: pd.DataFrame, records: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Terms with the values of these records in the place of their hashes."""
    parts = [terms[:0][["slot", "value", "frequency"]]]
    for slot, group in terms.groupby("slot"):
        if slot in records:
            key = settings.hash_key()
            plain = {_hidden(str(slot), value, key): value for value in records[slot].dropna().unique()}
            parts.append(group.assign(value=group["value"].map(plain)).dropna(subset="value"))
    return pd.concat(parts, ignore_index=True)[["slot", "value", "frequency"]]


def _hidden(slot: str, value: str, hash_key: str) -> str:
    return hashlib.sha256(f"{hash_key}|{slot}:{value}".encode()).hexdigest()[:24]
