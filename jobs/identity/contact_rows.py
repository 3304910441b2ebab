"""What contact records told, and on which days: the rows that matching by probability compares.

Each distinct version of a contact is a row from the day it arrived. If its e-mail address or phone turns out to be that
of many people, the row ends that day, and one without it takes its place.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.identity.identifiers import identifier_column
from jobs.identity.links import NEVER
from jobs.identity.matching.records import HUBS, KEY, hub_days, prepare, without_slot

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
_ROW_LENGTH = 24


def contact_versions(contacts: DataFrame, as_of: date, settings: Settings) -> pd.DataFrame:
    """Each distinct version of a contact that arrived up to `as_of`.

    Columns: row (keyed hash of all it tells), contact (hashed), name (source:id), source, the columns of KINDS,
    first_seen (day number). In a fixed order.
    """
    arrived = contacts.where(F.col("arrived") <= F.lit(as_of))
    versions = arrived.groupBy("source", "contact_id", *KINDS).agg(F.min("arrived").alias("first_seen"))
    values = [F.coalesce(F.col(column).cast("string"), F.lit("\x00")) for column in ("source", "contact_id", *KINDS)]
    told = versions.select(
        F.substring(F.sha2(F.concat_ws("\x1f", F.lit(settings.hash_key()), *values), 256), 1, _ROW_LENGTH).alias("row"),
        identifier_column("contact", "contact_id", settings).alias("contact"),
        F.concat_ws(":", "source", "contact_id").alias("name"),
        "source",
        *[F.col(column).cast("string").alias(column) for column in KINDS],
        "first_seen",
    ).where("contact is not null")
    found = pd.DataFrame(told.toPandas())
    days = pd.to_datetime(found["first_seen"]).to_numpy().astype("datetime64[D]").astype(np.int32)
    ordered = found.assign(first_seen=days).sort_values(["first_seen", "contact", *KINDS], na_position="first")
    return ordered.reset_index(drop=True)


def rows_of(versions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows to compare, and how they are compared (as `matching.records.prepare` makes them), in one order.

    A row: row, contact, name, first_seen, until (day number from which it is no more what is known; NEVER), again (it
    takes the place of another one).
    """
    records = prepare([(None, versions.drop(columns=["contact", "name"]), KINDS)], "row")
    rows = versions[["row", "contact", "name", "first_seen"]].assign(until=NEVER, again=False)
    hubs = {slot: hub_days(records, slot, versions["first_seen"]) for slot in HUBS if slot in records}
    for slot, days in hubs.items():
        since = records[slot].map(days).fillna(NEVER).astype(np.int64)
        records = without_slot(records, slot, since <= rows["first_seen"])
        ends = (since > rows["first_seen"]) & (since < rows["until"])
        names = rows["row"] + f"-{slot}"
        later = rows[ends].assign(row=names[ends], first_seen=since[ends], again=True)
        bare = without_slot(records[ends], slot, ends[ends]).assign(**{KEY: names[ends]})
        rows = pd.concat([rows.assign(until=rows["until"].mask(ends, since)), later], ignore_index=True)
        records = pd.concat([records, bare], ignore_index=True)
    rows = rows.astype({"first_seen": np.int32, "until": np.int32})
    order = rows.sort_values("first_seen", kind="stable").index
    return rows.loc[order].reset_index(drop=True), records.loc[order].reset_index(drop=True)
