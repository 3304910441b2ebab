"""On which days a contact was one that its source had deleted."""

from __future__ import annotations

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.identity.deleted_contacts import NOBODY
from jobs.identity.evidence import day_numbers
from jobs.identity.identifiers import identifier_column
from jobs.identity.links import NEVER


def deleted_spans(contacts: DataFrame, settings: Settings) -> pd.DataFrame:
    """Contacts (hashed) and the days, as numbers, from which up to which what was known of them was that they ended.

    `contacts` are rows of valid/contacts.
    """
    named = contacts.withColumn("contact", identifier_column("contact", "contact_id", settings))
    ended = named.where("deleted and contact is not null").select("contact").distinct()
    told = named.join(ended, on="contact", how="left_semi")
    gone = F.coalesce("deleted", F.lit(False)).alias("deleted")
    versions = pd.DataFrame(told.select("contact", "updated_at", "arrived", "file_id", "line", gone).toPandas())
    if versions.empty:
        return NOBODY
    versions = versions.assign(arrived=day_numbers(versions["arrived"]))
    rows = [
        (contact, *span)
        for contact, some in versions.groupby("contact", sort=True)
        for span in _spans(some.sort_values(["updated_at", "arrived", "file_id", "line"], na_position="first"))
    ]
    return pd.DataFrame(rows, columns=list(NOBODY.columns)).astype(NOBODY.dtypes.to_dict())


def _spans(versions: pd.DataFrame) -> list[tuple[int, int]]:
    """The spans of days on which the newest version that had arrived, of these in order, was a deletion."""
    spans: list[tuple[int, int]] = []
    begun = None
    for day in sorted(set(versions["arrived"])):
        deleted = bool(versions.loc[versions["arrived"] <= day, "deleted"].iloc[-1])
        if deleted and begun is None:
            begun = int(day)
        elif not deleted and begun is not None:
            spans.append((begun, int(day)))
            begun = None
    return spans if begun is None else [*spans, (begun, NEVER)]
