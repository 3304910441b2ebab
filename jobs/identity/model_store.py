"""What matching learned and compared, in the lake: without any value of a record.

It is kept so that a day only compares the records it brings. Everything here can be computed again from the contacts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from jobs.config.settings import Settings
from jobs.identity.evidence import EPOCH, LIKELY, as_table, dates, day_numbers
from jobs.identity.matching.model import Model
from jobs.identity.probable import LINKS, Learned
from jobs.lake.database import database_of
from jobs.lake.tables.catalogue import get

MODEL, TERMS = "models/matching", "models/matching_terms"
PAIRS, EARLIER = "models/matching_pairs", "models/matching_links"
TABLES = (MODEL, TERMS, EARLIER, PAIRS)


def learned_tables(learned: Learned | None, settings: Settings) -> Iterator[tuple[str, pa.Table]]:
    """Name and rows of the tables that keep what was learned; without rows if nothing was."""
    if learned is None:
        yield from ((name, get(name).arrow_schema().empty_table()) for name in TABLES)
        return
    model = learned.compared.model
    head = {
        "version": model.version,
        "trained_on": EPOCH + timedelta(days=learned.trained_on),
        "records": model.records,
        "parameters": model.parameters(),
    }
    key = settings.hash_key()
    values = [_hidden(slot, value, key) for slot, value in zip(model.terms.slot, model.terms.value, strict=True)]
    earlier = {name: dates(learned.earlier[name]) for name in ("first_seen", "until")}
    yield MODEL, pa.Table.from_pylist([head], get(MODEL).arrow_schema())
    yield TERMS, as_table(TERMS, model.terms.assign(value=values))
    yield EARLIER, as_table(EARLIER, learned.earlier.assign(**earlier))
    yield PAIRS, pair_table(learned.compared.pairs, model)


def pair_table(pairs: pd.DataFrame, model: Model) -> pa.Table:
    """Pairs as `matching.compared` makes them, as rows of models/matching_pairs."""
    slots = [comparison.slot for comparison in model.comparisons]
    levels = pd.Series(list(pairs[slots].to_numpy("int64")), pairs.index, dtype=object)
    return as_table(PAIRS, pairs.assign(levels=levels))


def pairs_of(table: pa.Table, model: Model) -> pd.DataFrame:
    """Rows of models/matching_pairs as pairs with a column for each slot."""
    slots = [comparison.slot for comparison in model.comparisons]
    told = table.drop_columns("levels").to_pandas()
    levels = table["levels"].combine_chunks().flatten().to_numpy().reshape(len(told), len(slots))
    return pd.concat([told, pd.DataFrame(levels, columns=slots).astype("int8")], axis=1)


def links_of(table: pa.Table) -> pd.DataFrame:
    """Rows of models/matching_links as links."""
    told = table.to_pandas()
    days = {name: day_numbers(told[name]) for name in ("first_seen", "until")}
    return told.assign(rule=LIKELY, **days)[LINKS]


def with_terms(parameters: str, kept: ds.Dataset, records: pa.Table, settings: Settings) -> Model:
    """The model of these parameters, knowing how common the values of these records are."""
    model = Model.load(parameters, pd.DataFrame(columns=["slot", "value", "frequency"]))
    slots = {level.frequency for c in model.comparisons for level in c.levels if level.frequency}
    parts = []
    with database_of(terms=kept) as con:
        con.execute("SET enable_progress_bar = false")
        for slot in sorted(slots & set(records.column_names)):
            con.register("told", pa.table({"value": records[slot].unique()}))
            found = con.execute(
                "SELECT $slot AS slot, told.value, frequency FROM told JOIN terms ON terms.slot = $slot "
                "AND terms.value = left(sha256($key || '|' || $slot || ':' || told.value), 24)",
                {"slot": slot, "key": settings.hash_key()},
            )
            parts.append(found.df())
    return Model.load(parameters, pd.concat(parts, ignore_index=True) if parts else model.terms)


def _hidden(slot: str, value: str, hash_key: str) -> str:
    return hashlib.sha256(f"{hash_key}|{slot}:{value}".encode()).hexdigest()[:24]
