"""Every distinct combination of identifiers that occurs in one row of the valid tables, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.config.sources.trust import alike, trusting
from jobs.identity import name_agreement
from jobs.identity.evidence import day_numbers
from jobs.identity.identifiers import HASHED_EMAIL, IDENTIFYING, PERSON_COLUMNS, ids_of, trimmed, with_identifiers
from jobs.lake.keyed import keyed_hash
from jobs.lake.tables.canonical import CANONICAL
from jobs.validate.mapping.phone_countries import dialled_in

DESCRIBED = ("country", "first_name", "last_name", "birth_date")
"""Further columns of contacts that tell whether two of them can be one person."""


CONTACTS = "valid/contacts"
ALSO_KNOWN = f"{CONTACTS} also known as"
CLAIMED = f"{CONTACTS} claim"
_LISTED = r"[\s,;|\[\]\"']+"
"""What stands between the values of a list in a text."""
_SIGHTING_LENGTH = 32
_WRITTEN = tuple(column for _, column in IDENTIFYING)
"""The columns of a row that hold identifiers."""


def person_tables() -> list[str]:
    """The tables whose rows concern a person."""
    return [d.name for d in CANONICAL.values() if set(PERSON_COLUMNS.values()) <= set(d.column_names)]


def sightings(rows: Mapping[str, DataFrame], settings: Settings) -> pd.DataFrame:
    """All combinations in the given rows of tables, one row each, small enough for this process.

    Columns: sighting (keyed hash of table and values), a hashed identifier or null per kind, source, first_seen (day
    number), rows, ignored (values that are no identifier, summed over rows), described, claim, and for contacts
    first_name, last_name and birth_date. A claim tells what contacts of sources that join only those they are alike
    (`trust.identifies`) would have, were they trusted.
    """
    parts = [_distinct(name, some, settings) for name, some in rows.items()]
    if CONTACTS in rows:
        parts.append(_distinct(ALSO_KNOWN, also_known_as(rows[CONTACTS]), settings))
    # All tables are spelled at once: what spells an identifier is long, and each mention of it is planned anew.
    combined = _combinations(reduce(DataFrame.unionByName, parts), settings)
    if CONTACTS in rows and (sources := alike(settings.sources)):
        claimed = rows[CONTACTS].where(F.col("source").isin(*sources))
        claimed = claimed.withColumn(PERSON_COLUMNS["cookie"], F.lit(None).cast("string"))
        trusted = replace(settings, sources=trusting(settings.sources))
        combined = combined.unionByName(_combinations(_distinct(CLAIMED, claimed, trusted), trusted))
    return _prepared(combined.toPandas())


def also_known_as(contacts: DataFrame) -> DataFrame:
    """A row for each other id and e-mail address that a contact has by what its source says (it merged contacts).

    Such a row has the address of the contact, by which both are one: what a source has merged asks for no proof. It has
    the browser only where nothing else is known, for one that two ids were seen with is nobody's.
    """
    others = {name: F.split(F.coalesce(name, F.lit("")), _LISTED) for name in ("previous_ids", "other_emails")}
    own, hashed = trimmed(F.col("email")), trimmed(F.col(HASHED_EMAIL))
    another = F.when(own.isNotNull(), hashed)
    others["other_emails"] = F.concat(others["other_emails"], F.array(F.coalesce(another, F.lit(""))))
    mail = F.coalesce(own, hashed, F.get(F.filter(others["other_emails"], lambda one: one != ""), 0))
    ids = F.concat(others["previous_ids"], F.array(F.coalesce("merged_into", F.lit(""))))
    told = F.concat(
        F.transform(ids, lambda one: F.struct(one.alias("contact_id"), mail.alias("email"))),
        F.transform(
            others["other_emails"], lambda one: F.struct(F.col("contact_id").alias("contact_id"), one.alias("email"))
        ),
    )
    kept = ["source", "country", "arrived", *(c for c in PERSON_COLUMNS.values() if c not in ("contact_id", "email"))]
    both = f"email is not null and lower({HASHED_EMAIL}) <> sha2(lower(trim(email)), 256)"
    said = contacts.where(f"coalesce(previous_ids, merged_into, other_emails) is not null or ({both})")
    surer = F.coalesce(mail, trimmed(F.col("login_id")), trimmed(F.col("loyalty_id")))
    said = said.withColumn("cookie_id", F.when(surer.isNull(), F.col("cookie_id")))
    named = said.select(*kept, F.explode(told).alias("other")).select(*kept, "other.contact_id", "other.email")
    named = named.withColumn(HASHED_EMAIL, F.lit(None).cast("string"))
    return named.where((F.col("contact_id") != "") & (F.coalesce("email", F.lit("none")) != ""))


def together(before: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Sightings of two sets of rows as those of both together."""
    both = pd.concat([before, new], ignore_index=True) if len(before) else new
    if not both["sighting"].duplicated().any():
        return both
    sums = both.groupby("sighting").agg(
        first_seen=("first_seen", "min"), rows=("rows", "sum"), ignored=("ignored", "sum")
    )
    once = both.drop_duplicates("sighting").reset_index(drop=True)
    return once.assign(**{name: sums[name].reindex(once["sighting"]).to_numpy() for name in sums})


def _distinct(name: str, rows: DataFrame, settings: Settings) -> DataFrame:
    """The combinations of one table as they are written: `of` (its name), since when and in how many rows."""
    described = "first_name" in rows.columns
    rows = rows.withColumn("source", ids_of(rows.columns, settings))
    if not described and name != ALSO_KNOWN:
        rows = rows.withColumn("country", F.when(F.col("phone").isNotNull(), dialled_in(rows.columns, settings)))
    own = DESCRIBED if described else DESCRIBED[:1]
    given = rows.groupBy("source", *_WRITTEN, *own).agg(
        F.min("arrived").alias("first_seen"), F.count("*").alias("rows")
    )
    return given.select(
        F.lit(name).alias("of"),
        F.lit(described).alias("described"),
        *("source", *_WRITTEN, "first_seen", "rows"),
        *[(F.col(c) if c in own else F.lit(None)).cast("string").alias(c) for c in DESCRIBED],
    )


def _combinations(distinct: DataFrame, settings: Settings) -> DataFrame:
    written = {f"_{column}": (kind, column) for kind, column in IDENTIFYING}
    spelled = with_identifiers(distinct, written, settings, F.col("country"))
    identifiers = {kind: F.col(f"_{column}") for kind, column in PERSON_COLUMNS.items()}
    identifiers["email"] = F.coalesce(identifiers["email"], F.col(f"_{HASHED_EMAIL}"))
    own = [F.coalesce(F.col(column).cast("string"), F.lit("\x00")) for column in ("source", *_WRITTEN, "country")]
    values = F.concat_ws("\x1f", F.lit(""), "of", *own)
    described = [F.coalesce(F.col(column), F.lit("\x00")) for column in DESCRIBED[1:]]
    keyed = F.when(F.col("described"), F.concat_ws("\x1f", values, *described)).otherwise(values)
    given = F.lit(0)
    for column in PERSON_COLUMNS.values():
        told = trimmed(F.col(column))
        told = F.coalesce(told, trimmed(F.col(HASHED_EMAIL))) if column == "email" else told
        given = given + told.isNotNull().cast("int")
    read = spelled.select(
        F.substring(keyed_hash(settings.hash_key(), keyed), 1, _SIGHTING_LENGTH).alias("sighting"),
        "source",
        *[identifier.alias(kind) for kind, identifier in identifiers.items()],
        *("first_seen", "rows", "described"),
        given.alias("given"),
        (F.col("of") == CLAIMED).alias("claim"),
        *DESCRIBED[1:],
    )
    found = F.lit(0)
    for kind in identifiers:
        found = found + F.col(kind).isNotNull().cast("int")
    ignored = F.when(F.col("claim"), F.lit(0)).otherwise((F.col("given") - found) * F.col("rows"))
    return read.select(
        *("sighting", "source", *identifiers, "first_seen", "rows"),
        ignored.cast("long").alias("ignored"),
        *("described", "claim", *DESCRIBED[1:]),
    )


def _prepared(found: pd.DataFrame) -> pd.DataFrame:
    """Days as numbers (since 1970) and names as they are compared."""
    plain = {
        column: found[column]
        .map({name: name_agreement.plain(name) for name in found[column].dropna().unique()})
        .fillna("")
        for column in ("first_name", "last_name")
    }
    return found.assign(
        first_seen=day_numbers(found["first_seen"]),
        birth_date=pd.to_datetime(found["birth_date"], errors="coerce").to_numpy(),
        **plain,
    )
