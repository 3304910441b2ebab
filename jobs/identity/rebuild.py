"""Who is who from all rows there are: the first day, and whenever a day cannot go on from what is kept."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.config.settings import Settings
from jobs.identity import model_store
from jobs.identity.added_records import prepared_table
from jobs.identity.contact_rows import PREPARED, compared, hubs
from jobs.identity.deleted_contacts import NOBODY
from jobs.identity.evidence import as_table, dates, review_table
from jobs.identity.kept import SIGHTINGS
from jobs.identity.probable import Learned, probable
from jobs.identity.resolved import clusters, resolve


def rebuild(
    seen: pd.DataFrame,
    told: pd.DataFrame,
    decided: pd.DataFrame,
    as_of: date,
    settings: Settings,
    deleted: pd.DataFrame = NOBODY,
) -> tuple[dict[str, pa.Table], pd.DataFrame]:
    """The tables of who is who by name, in the order to write them, and what decisions do.

    `seen` are all sightings, `told` all versions of contacts (as `contact_rows.prepared` makes them), `decided` the
    decisions that count (as `decisions.as_frame` makes them), `deleted` deleted contacts (as `deleted_spans` does).
    """
    matching, rules = settings.identity.matching, settings.identity
    contacts, records = compared(told, hubs(told))
    found, learned = probable(contacts, records, matching)
    seen = seen.assign(cluster=clusters(seen, tied(learned, contacts, matching.weight)))
    resolved = resolve(seen, rules.identifiers, as_of, rules.largest_customer, found.links, decided, deleted)
    tables = {SIGHTINGS: sighting_table(seen), PREPARED: prepared_table(told)}
    tables |= dict(model_store.learned_tables(learned, settings))
    return {**tables, "identity/review": review_table(found.review), **resolved.tables}, resolved.effects


def tied(learned: Learned | None, contacts: pd.DataFrame, likely: float) -> pd.DataFrame:
    """Contacts (left, right) that a model, this one or one before it, finds likely enough to be one person."""
    if learned is None:
        return pd.DataFrame({"left": [], "right": []}, dtype=object)
    pairs = learned.compared.pairs
    strong = pairs[(pairs["weight"] >= likely) & ~pairs["conflict"]]
    contact = contacts.set_index("row")["contact"]
    by_model = pd.DataFrame({side: strong[side].map(contact) for side in ("left", "right")})
    return pd.concat([by_model, learned.earlier[["left", "right"]]], ignore_index=True)


def sighting_table(seen: pd.DataFrame) -> pa.Table:
    """Sightings as rows of identity/sightings."""
    born = seen["birth_date"].to_numpy().astype("datetime64[D]")
    birth_date = np.where(np.isnat(born), None, born.astype(object))
    return as_table(SIGHTINGS, seen.assign(first_seen=dates(seen["first_seen"]), birth_date=birth_date))
