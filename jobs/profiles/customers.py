"""Customer profiles: the golden record, contact points and consent of every customer."""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.lake import Lake
from jobs.profiles.consent import consent
from jobs.profiles.contact_points import contact_points
from jobs.profiles.golden import current_contacts, golden_records
from jobs.profiles.identity import newest_day
from jobs.settings import Settings

log = logging.getLogger(__name__)
READS = ("valid/contacts", "valid/consents", "identity/map")
WRITES = ("profiles/customers", "profiles/contact_points", "profiles/consent")


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Rebuild the profile tables from everything that arrived up to `day`, for the customers of identity/map."""
    lake = Lake.of(settings)
    as_of = max(newest_day(lake, name, day) for name in ("identity/map", "profiles/customers"))
    config = [settings.identity.model_dump_json(), settings.general.country, settings.general.timezone, str(as_of)]
    txn = lake.transaction("profiles", day, reads=READS, config=config)
    if not txn.done(*WRITES):
        identity_map = txn.read("identity/map")
        contacts = current_contacts(_arrived(txn.read("valid/contacts"), as_of), identity_map, settings)
        answers = _arrived(txn.read("valid/consents"), as_of)
        lake.replace("profiles/customers", golden_records(contacts, identity_map, as_of, settings), txn)
        lake.replace("profiles/contact_points", contact_points(contacts, settings), txn)
        lake.replace("profiles/consent", consent(answers, identity_map, as_of, settings), txn)
    counts = _counts(lake)
    log.info("profiles: %s", counts)
    return counts


def _arrived(rows: DataFrame, as_of: date) -> DataFrame:
    return rows.where(F.col("arrived") <= F.lit(as_of))


def _counts(lake: Lake) -> dict[str, Any]:
    customers = lake.arrow("profiles/customers", columns=["known", "contact_records"])
    granted = lake.arrow("profiles/consent", columns=["status"]).filter(pc.field("status") == "granted")
    return {
        "customers": customers.num_rows,
        "known": pc.sum(customers["known"]).as_py() or 0,
        "contact_records": pc.sum(customers["contact_records"]).as_py() or 0,
        "contact_points": lake.rows("profiles/contact_points"),
        "consents_granted": granted.num_rows,
    }
