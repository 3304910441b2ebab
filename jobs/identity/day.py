"""Who is who after a day, from what is kept: only what new rows touch is looked at.

All that evidence ever tied together, directly or through others, is a cluster. New rows and new pairs of records join
clusters, and who is who within these is found as if there were no others. What is found takes the place of what was
known of them before; so days one by one leave the tables that all days at once give.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.settings import Settings
from jobs.identity import model_store
from jobs.identity.added_records import add, among
from jobs.identity.components import NotComponents
from jobs.identity.contact_rows import PREPARED
from jobs.identity.customer_of import customer_ids
from jobs.identity.deleted_contacts import NOBODY
from jobs.identity.evidence import day_numbers, review_table
from jobs.identity.kept import SIGHTINGS, Kept
from jobs.identity.links import KINDS
from jobs.identity.probable import NO_LINKS, NO_REVIEW, Probable
from jobs.identity.rebuild import sighting_table, tied
from jobs.identity.resolved import SAME_ID, Resolved, clusters, resolve
from jobs.identity.sightings import together
from jobs.identity.weighed_records import found, weigh

Tables = dict[str, tuple[pa.Table, pa.Table]]
"""Per table rows as they are kept, and what takes their place."""


def change(
    kept: Kept,
    seen: pd.DataFrame,
    versions: pd.DataFrame,
    decided: pd.DataFrame,
    also: Collection[str],
    as_of: date,
    settings: Settings,
    deleted: pd.DataFrame = NOBODY,
) -> tuple[Tables, pd.DataFrame]:
    """The rows of the tables that change, and what decisions do.

    `seen` are the sightings and `versions` (as `contact_rows.prepared` makes them) the contacts of rows that were not
    seen before; `decided` are the decisions that count, `also` identifiers to look at in any case, `deleted` all
    deleted contacts (as `deleted_spans` makes them). Raises LearnsAnew if only a rebuild can tell.
    """
    rules, matching = settings.identity, settings.identity.matching
    added = add(kept.table(PREPARED), versions)
    weighed = weigh(kept, added, settings) if matching.enabled else None
    told = _with_kept(kept, seen)
    changed = added.told.filter(among(added.told["row"], added.changed))
    touched = {*_identifiers(told), *changed["contact"].to_pylist(), *decided["left"], *decided["right"], *also}
    touched |= weighed.likely_contacts(matching) if weighed else set()
    before = _of_clusters(kept, touched - {None}, told["sighting"])
    own = _as_seen(before)
    own = pd.concat([own[~own["sighting"].isin(told["sighting"])], told], ignore_index=True)
    contacts = set(own["contact"].dropna())
    versions_before = kept.having(PREPARED, ["row"], added.new["row"].to_pylist())
    tables: Tables = {PREPARED: (versions_before, added.new)}
    pairs, ties = Probable(NO_LINKS, NO_REVIEW), tied(None, own, 0.0)
    if weighed:
        pairs, ties = found(kept, weighed, contacts, settings)
        tables[model_store.PAIRS] = (weighed.gone, model_store.pair_table(weighed.new, weighed.model))
    own = own.assign(cluster=clusters(own, ties))
    tables[SIGHTINGS] = (before, sighting_table(own))
    names = set(added.told.filter(among(added.told["contact"], contacts))["name"].to_pylist())
    tables["identity/review"] = (kept.having("identity/review", ["left", "right"], names), review_table(pairs.review))
    resolved = resolve(own, rules.identifiers, as_of, rules.largest_customer, pairs.links, decided, deleted)
    return tables | _resolved_tables(kept, _identifiers(own), resolved), resolved.effects


def _with_kept(kept: Kept, seen: pd.DataFrame) -> pd.DataFrame:
    """Sightings of rows not seen before, together with what is kept of the same combinations."""
    same = _as_seen(kept.having(SIGHTINGS, ["sighting"], seen["sighting"]))
    return together(same, seen.assign(cluster=""))


def _of_clusters(kept: Kept, identifiers: Collection[str], sightings: pd.Series) -> pa.Table:
    """Kept sightings that anything ties to these identifiers, and these sightings."""
    touched = kept.having(SIGHTINGS, KINDS, identifiers)["cluster"].unique().to_pylist()
    tied_to = kept.having(SIGHTINGS, ["cluster"], touched)
    others = kept.having(SIGHTINGS, ["sighting"], sightings)
    there = pc.is_in(others["sighting"], tied_to["sighting"].combine_chunks())
    return pa.concat_tables([tied_to, others.filter(pc.invert(there))])


def _as_seen(table: pa.Table) -> pd.DataFrame:
    """Rows of identity/sightings as `sightings` makes them."""
    rows = table.to_pandas()
    born = pd.to_datetime(rows["birth_date"], errors="coerce").astype("datetime64[ns]")
    return rows.assign(first_seen=day_numbers(rows["first_seen"]), birth_date=born)


def _identifiers(seen: pd.DataFrame) -> set[str]:
    return {identifier for kind in KINDS for identifier in seen[kind].dropna()}


def _resolved_tables(kept: Kept, identifiers: Collection[str], resolved: Resolved) -> Tables:
    """What was known of these identifiers, and what is now."""
    names = set(customer_ids(pd.Series(sorted(identifiers), dtype=object)))
    _refuse_same_id(kept, identifiers, resolved)
    before = {
        "identity/links": kept.having("identity/links", ["left"], identifiers),
        "identity/set_aside": kept.having("identity/set_aside", ["identifier"], identifiers),
        "identity/map": kept.having("identity/map", ["identifier"], identifiers),
        "identity/events": kept.having("identity/events", ["customer_id"], names),
    }
    return {name: (before[name], after) for name, after in resolved.tables.items()}


def _refuse_same_id(kept: Kept, identifiers: Collection[str], resolved: Resolved) -> None:
    """Refuse an id of a customer that one without news has."""
    ids = set(resolved.map["customer_id"].to_pylist())
    others = kept.having("identity/map", ["customer_id"], ids)
    if set(others["identifier"].to_pylist()) - set(identifiers):
        raise NotComponents(SAME_ID)
