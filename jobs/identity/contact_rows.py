"""What contact records told, and on which days: the rows that matching by probability compares.

Each distinct version of a contact is a row from the day it arrived. If its e-mail address or phone turns out to be that
of many people, the row ends that day, and one without it takes its place.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.config.sources.trust import strangers
from jobs.identity.evidence import day_numbers
from jobs.identity.identifiers import identifier_column
from jobs.identity.links import NEVER
from jobs.identity.matching.records import FLAGS, HUBS, KEY, LISTS, hub_days, prepare, without_slot
from jobs.lake.keyed import keyed_hash
from jobs.lake.tables.catalogue import get

KINDS = {
    "first_name": "given_name",
    "last_name": "family_name",
    "birth_date": "birth_date",
    "gender": "gender",
    "street": "address",
    "postcode": "postcode",
    "city": "city",
    "email": "email",
    "phone": "phone",
}
"""What the columns of valid/contacts tell."""
PREPARED = "identity/prepared"
TOLD = ["row", "contact", "name", "source", "first_seen"]
SLOTS = [name for name in get(PREPARED).column_names if name not in TOLD]
"""What is compared of a version, and what is derived from that to look it up."""
_ROW_LENGTH = 24


def contact_versions(contacts: DataFrame, settings: Settings) -> pd.DataFrame:
    """Each distinct version of a contact among these rows of valid/contacts, but for those of sources that may not
    identify anyone: these are not compared.

    Columns: row (keyed hash of all it tells), contact (hashed), name (source:id), source, the columns of KINDS,
    first_seen (day number).
    """
    apart = sorted(strangers(settings.sources))
    compared = contacts.where(~F.col("source").isin(*apart)) if apart else contacts
    versions = compared.groupBy("source", "contact_id", *KINDS).agg(F.min("arrived").alias("first_seen"))
    values = [F.coalesce(F.col(column).cast("string"), F.lit("\x00")) for column in ("source", "contact_id", *KINDS)]
    told = versions.select(
        F.substring(keyed_hash(settings.hash_key(), F.concat_ws("\x1f", F.lit(""), *values)), 1, _ROW_LENGTH).alias(
            "row"
        ),
        identifier_column("contact", "contact_id", settings).alias("contact"),
        F.concat_ws(":", "source", "contact_id").alias("name"),
        "source",
        *[F.col(column).cast("string").alias(column) for column in KINDS],
        "first_seen",
    ).where("contact is not null")
    found = pd.DataFrame(told.toPandas())
    return found.assign(first_seen=day_numbers(found["first_seen"]))


def prepared(versions: pd.DataFrame) -> pd.DataFrame:
    """Versions as they are compared: the columns of TOLD, first_seen as a day number, and SLOTS."""
    slots = prepare([(None, versions.drop(columns=["contact", "name"]), KINDS)], "row")
    slots = slots.reindex(columns=SLOTS).astype(object)
    return pd.concat([versions[TOLD].reset_index(drop=True), slots], axis=1).astype({"first_seen": np.int32})


def hubs(told: pd.DataFrame) -> dict[str, pd.Series]:
    """Per slot that can be of too many people the values that are, and since which day."""
    return {slot: hub_days(told, slot, told["first_seen"]) for slot in HUBS}


def compared(told: pd.DataFrame, hubs: Mapping[str, pd.Series]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows to compare, and how they are compared (as `matching.records.prepare` makes them), in one order.

    A row: row, base (the version it is of), contact, name, first_seen, until (day number from which it is no more what
    is known; NEVER), again (it takes the place of another one), bare (it leaves out what is of too many people). The
    order is that of days and of the records' own names, so it does not depend on how ids are hashed.
    """
    records = told[["row", "source", *SLOTS]].rename(columns={"row": KEY})
    rows = told[["row", "contact", "name", "first_seen"]].assign(base=told["row"], until=NEVER, again=False, bare=False)
    for slot, days in hubs.items():
        if not len(days):
            continue
        since = records[slot].map(days).fillna(NEVER).astype(np.int64)
        gone = since <= rows["first_seen"]
        records = without_slot(records, slot, gone)
        rows["bare"] |= gone
        ends = (since > rows["first_seen"]) & (since < rows["until"])
        names = rows["row"] + f"-{slot}"
        later = rows[ends].assign(row=names[ends], first_seen=since[ends], again=True, bare=True)
        bare = without_slot(records[ends], slot, ends[ends]).assign(**{KEY: names[ends]})
        rows = pd.concat([rows.assign(until=rows["until"].mask(ends, since)), later], ignore_index=True)
        records = pd.concat([records, bare], ignore_index=True)
    return in_order(rows.astype({"first_seen": np.int32, "until": np.int32}), records)


def in_order(rows: pd.DataFrame, records: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows and how they are compared, by day and name; versions of one record that arrived together by what they
    tell."""
    tie = np.zeros(len(rows), np.int64)
    together = np.flatnonzero(rows.duplicated(["first_seen", "name"], keep=False))
    if len(together):
        plain = [slot for slot in SLOTS if slot not in (*LISTS, *FLAGS)]
        told = records.iloc[together][plain].fillna("").reset_index(drop=True)
        tie[together[told.sort_values(plain, kind="stable").index]] = np.arange(len(together))
    order = np.lexsort([tie, pd.factorize(rows["name"], sort=True)[0], rows["first_seen"].to_numpy(np.int64)])
    return rows.iloc[order].reset_index(drop=True), records.iloc[order].reset_index(drop=True)
