"""Who is who: identifiers that occur together are one customer. And: which customer does a row belong to."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame

from jobs.config.decisions import Placed, record_of
from jobs.config.settings import Settings
from jobs.identity import doubts, evidence
from jobs.identity.contact_rows import PREPARED, contact_versions, prepared
from jobs.identity.customer_of import newest_day
from jobs.identity.day import change
from jobs.identity.deleted_spans import deleted_spans
from jobs.identity.identifiers import identifier_hash
from jobs.identity.kept import JOINED, SIGHTINGS, STANDING, WRITTEN, Kept
from jobs.identity.rebuild import rebuild
from jobs.identity.sightings import person_tables, sightings
from jobs.identity.stewards import answers as steward_answers
from jobs.identity.stewards import decisions
from jobs.identity.weighed_records import LearnsAnew
from jobs.lake.lake import Lake

log = logging.getLogger(__name__)
CONTACTS, DECISIONS = "valid/contacts", "identity/decisions"
WRITES = WRITTEN


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Bring the tables of identity/ to everything that arrived up to `day`.

    Contacts are also linked by probability (`jobs.identity.probable`). What was seen, spelled, learned and compared is
    kept, so that a day costs what it brings (`jobs.identity.day`); without it all is built anew.
    """
    lake = Lake.of(settings)
    tables = sorted({CONTACTS, *(name for name in person_tables() if lake.exists(name))})
    joining = settings.identity.model_dump_json(include=set(JOINED))
    config = [
        joining,
        settings.whose_rows,
        settings.general.country,
        [[one.decision, one.place] for one in settings.decisions],
    ]
    txn = lake.transaction(
        "identity",
        day,
        reads=[*tables, steward_answers.TABLE],
        config=config,
        previous=[*WRITTEN, STANDING],
        code=__name__,
    )
    kept = Kept(lake, txn)
    before = kept.standing(settings)
    if txn.done(STANDING) and before:
        return {"unchanged": True, "identifiers": lake.rows("identity/map")}
    as_of = newest_day(lake, STANDING, day)
    answers = steward_answers.answered(txn.arrow(steward_answers.TABLE))
    decided, overruled = decisions.in_force(settings.decisions, answers)
    told = decisions.as_frame(decided, _hashed(decided, settings))
    every = kept.all_rows(tables, as_of)
    deleted = deleted_spans(every[CONTACTS], settings)
    effects = _change(kept, before, tables, told, as_of, settings, deleted)
    if effects is None:
        made, effects = rebuild(*_seen(every, settings), told, as_of, settings, deleted)
        for name, table in made.items():
            lake.replace(name, table, txn)
    audit = evidence.decision_table(decided, overruled, effects, str(settings.folder), as_of)
    lake.replace(DECISIONS, audit, txn)
    doubts.tell(
        lake.arrow(SIGHTINGS, doubts.SEEN),
        lake.arrow(PREPARED, doubts.NAMED),
        every,
        before["as_of"] if before else None,
        settings,
    )
    lake.replace(STANDING, kept.stands(as_of, tables, settings), txn)
    counts = _counts(lake)
    log.info("identity: %s", counts)
    return counts


def _change(
    kept: Kept,
    standing: dict[str, Any] | None,
    tables: list[str],
    told: pd.DataFrame,
    as_of: date,
    settings: Settings,
    deleted: pd.DataFrame,
) -> pd.DataFrame | None:
    """Write what rows not seen before change, and return what decisions do; None if all has to be built anew."""
    rows = kept.unseen(standing, tables, as_of) if standing else None
    if rows is None:
        return None
    try:
        also = _decided_before(kept, settings)
        changes, effects = change(kept, *_seen(rows, settings), told, also, as_of, settings, deleted)
    except LearnsAnew:
        return None
    for name, (before, after) in changes.items():
        kept.write(name, before, after)
    return effects


def _seen(rows: Mapping[str, DataFrame], settings: Settings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What rows tell: which identifiers occur together, and versions of contacts as they are compared."""
    return sightings(rows, settings), prepared(contact_versions(rows[CONTACTS], settings))


def _decided_before(kept: Kept, settings: Settings) -> set[str]:
    """The records of decisions that were there at the last run, which may be withdrawn since."""
    rows = kept.table(DECISIONS, ["left", "right"])
    records = [record_of(name) for side in ("left", "right") for name in rows[side].to_pylist()]
    hashed = (identifier_hash("contact", one.record, settings, one.source) for one in records)
    return {identifier for identifier in hashed if identifier}


def _hashed(placed: Iterable[Placed], settings: Settings) -> pd.Series:
    """source:record to identifier, of the records that are decided about."""
    records = {str(record): record for one in placed for record in (one.decision.left, one.decision.right)}
    found = {name: identifier_hash("contact", one.record, settings, one.source) for name, one in records.items()}
    return pd.Series(found, dtype=object)


def _counts(lake: Lake) -> dict[str, Any]:
    """Numbers only: how many customers, merges, splits, links and pairs to look at there are."""
    status = Counter(lake.arrow("identity/review", ["status"])["status"].to_pylist())
    ignored = lake.arrow(SIGHTINGS, ["ignored"])["ignored"].to_numpy()
    effects = Counter(lake.arrow(DECISIONS, ["effect"])["effect"].to_pylist())
    return evidence.counts(lake.arrow) | {
        "values_ignored": int(ignored.sum()),
        "pairs_to_review": status.pop("review", 0),
        "pairs_kept_apart": sum(status.values()),
        "decisions": dict(sorted(effects.items())),
    }
