"""Versions of contacts that a day brings, beside all that were kept: which rows they make, and which pairs.

Kept versions stay in Arrow and are looked at by DuckDB; only rows that can be a pair with a new one, and rows of
e-mail addresses and phones of too many people, are taken out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from jobs.identity.contact_rows import PREPARED, compared
from jobs.identity.evidence import as_table, dates, day_numbers
from jobs.identity.links import NEVER
from jobs.identity.matching.records import HUBS, KEY, SHARED_BY_AT_MOST
from jobs.identity.probable import training_days
from jobs.lake.database import database_of
from jobs.lake.tables.catalogue import get

ROW = ["row", "base", "contact", "name", "first_seen", "until", "again", "bare"]


@dataclass(frozen=True)
class Added:
    """`told` are all versions, `new` those that are new or known from an earlier day now (both as rows of
    identity/prepared). `hubs`: per slot the values of too many people and since when. `changed`: versions whose rows
    are others than before."""

    told: pa.Table
    new: pa.Table
    hubs: dict[str, pd.Series]
    changed: set[str]

    def rows(self) -> pa.Table:
        """All rows to compare: the columns of ROW, and how they are compared, named as matching does."""
        touched = np.zeros(len(self.told), bool)
        for slot, days in self.hubs.items():
            touched |= among(self.told[slot], days.index)
        usual = self.told.filter(pa.array(~touched)) if touched.any() else self.told
        usual = usual.set_column(
            usual.column_names.index("first_seen"), "first_seen", usual["first_seen"].cast(pa.int32())
        )
        count = len(usual)
        columns = {
            "base": usual["row"],
            "until": pa.array(np.full(count, NEVER, np.int32)),
            "again": pa.array(np.zeros(count, bool)),
            "bare": pa.array(np.zeros(count, bool)),
            KEY: usual["row"],
        }
        for name, values in columns.items():
            usual = usual.append_column(name, values)
        if not touched.any():
            return usual
        rows, records = compared(as_frame(self.told.filter(pa.array(touched))), self.hubs)
        others = pd.concat([rows, records.drop(columns="source")], axis=1).assign(source=records["source"])
        return pa.concat_tables([usual, pa.Table.from_pandas(others[usual.column_names], usual.schema)])

    def fresh(self, rows: pa.Table) -> np.ndarray:
        """Which rows have not been compared as they are: those of new versions, and what hubs made of others."""
        of_new = among(rows["base"], self.new["row"])
        return of_new | (among(rows["base"], self.changed) & rows["bare"].to_numpy(zero_copy_only=False))

    def trained_on(self) -> int | None:
        """The day on which a model is trained at last, by when these versions arrived; None if there are too few."""
        counted = self.told.group_by("first_seen").aggregate([([], "count_all")])
        days = training_days(pd.Series(np.repeat(day_numbers(counted["first_seen"].to_pandas()), counted["count_all"])))
        return days[-1] if days else None


def add(kept: pa.Table, versions: pd.DataFrame) -> Added:
    """Kept rows of identity/prepared, and versions as `contact_rows.prepared` makes them, of which some may be kept."""
    new = prepared_table(versions)
    known = kept.filter(pc.is_in(kept["row"], new["row"].combine_chunks())).select(["row", "first_seen"])
    if len(known):
        before = dict(zip(known["row"].to_pylist(), day_numbers(known["first_seen"].to_pandas()), strict=True))
        earlier = versions["first_seen"] < versions["row"].map(before).fillna(NEVER)
        new = new.filter(pa.array(earlier.to_numpy()))
    gone = pc.is_in(kept["row"], new["row"].combine_chunks())
    stays = kept.filter(pc.invert(gone)) if pc.any(gone).as_py() else kept
    told = pa.concat_tables([stays, new])
    before_, after = _hubs(kept), _hubs(told)
    changed = set(new["row"].to_pylist())
    for slot in HUBS:
        both = pd.concat([before_[slot].rename("before"), after[slot].rename("after")], axis=1)
        others = both.index[both["before"].fillna(NEVER) != both["after"].fillna(NEVER)]
        changed |= set(told.filter(among(told[slot], others))["row"].to_pylist())
    return Added(told, new, after, changed)


def prepared_table(versions: pd.DataFrame) -> pa.Table:
    """Versions as `contact_rows.prepared` makes them, as rows of identity/prepared."""
    return as_table(PREPARED, versions.assign(first_seen=dates(versions["first_seen"])))


def as_frame(table: pa.Table) -> pd.DataFrame:
    """Rows of identity/prepared as `contact_rows.prepared` makes them."""
    told = table.select(get(PREPARED).column_names).to_pandas()
    return told.assign(first_seen=day_numbers(told["first_seen"]))


def _hubs(told: pa.Table) -> dict[str, pd.Series]:
    """`contact_rows.hubs` of these rows."""
    found = {}
    with database_of() as con:
        con.execute("SET enable_progress_bar = false")
        for slot in HUBS:
            con.register("told", told.select([slot, "given", "first_seen"]))
            people = (
                f"SELECT {slot} AS value, left(given, 1) AS person, min(first_seen) AS day FROM told "
                f"WHERE {slot} IS NOT NULL AND given <> '' GROUP BY ALL"
            )
            shared = con.execute(
                f"SELECT value, list_sort(list(day))[{SHARED_BY_AT_MOST + 1}] AS day FROM ({people}) "
                f"GROUP BY value HAVING count(*) > {SHARED_BY_AT_MOST} ORDER BY value"
            ).df()
            days = day_numbers(shared["day"]).astype("int64")
            found[slot] = pd.Series(days, index=pd.Index(shared["value"], dtype=object))
    return found


def among(column: pa.ChunkedArray, values: Iterable[str] | pa.ChunkedArray) -> np.ndarray:
    """Which values of a column are among others; what is missing is not."""
    wanted = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else pa.array(sorted(values), pa.string())
    return np.asarray(pc.is_in(column, wanted).to_numpy(), bool)
