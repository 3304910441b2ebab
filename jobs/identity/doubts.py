"""What is told about identifiers that may not be what they seem: one of many people, ids that lost their zeros.

Told is what arrived since the last run, once, with every value masked.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.identity import lost_zeros
from jobs.identity.identifiers import PERSON_COLUMNS, identifier_column
from jobs.lake.database import database_of

log = logging.getLogger(__name__)
CONTACTS = "valid/contacts"
KINDS = ("contact", "login", "email", "phone", "loyalty")
"""Kinds of identifiers that rows of contacts have."""
SEEN = [*KINDS, "first_name", "last_name", "birth_date", "first_seen", "described", "claim"]
NAMED = ["name", "source", "first_seen"]
"""Columns of identity/sightings and identity/prepared that are looked at."""
ONE_PERSONS = ("contact", "login", "loyalty")
PEOPLE = {kind: 2 if kind in ONE_PERSONS else 5 for kind in KINDS}
"""People of other first and last names from which a value is told. A household shares a mailbox and a phone; an id of
one person that two have, who were not born on one day either, may have been damaged or given out twice. Of whom no
birth date is known, the names must be unlike: a name that was corrected, or written the wrong way round, is of one."""
MAY_JOIN = "they may be joined as one customer"
CONSEQUENCES = {
    "contact": "an id of people who have no address or number in common joins nobody from then on",
    "login": MAY_JOIN,
    "loyalty": MAY_JOIN,
}
ALIKE = 0.75
"""Jaro-Winkler similarity of two whole names, their parts in order of the alphabet, from which they may be one."""
EXAMPLES = 3


def of_many_people(sightings: pa.Table, since: date | None) -> pd.DataFrame:
    """Identifiers of contacts that differ in everything else: kind, identifier, people; most people first.

    `sightings` are rows of identity/sightings. With `since` only those are told that one of them got after that day.
    """
    rows = " UNION ALL ".join(
        f"SELECT '{kind}' AS kind, {kind} AS identifier, first_name, last_name, birth_date, first_seen FROM sightings "
        f"WHERE described AND NOT claim AND {kind} IS NOT NULL"
        for kind in KINDS
    )
    least = " ".join(f"WHEN '{kind}' THEN {people}" for kind, people in PEOPLE.items())
    born = ", ".join(f"'{kind}'" for kind in ONE_PERSONS)
    whole = "array_to_string(list_sort([first_name, last_name]), ' ')"
    with database_of(sightings=sightings) as con:
        con.execute("SET enable_progress_bar = false")
        return con.execute(
            "SELECT kind, identifier, people FROM (SELECT kind, identifier, max(first_seen) AS newest, "
            "least(count(DISTINCT nullif(first_name, '')), count(DISTINCT nullif(last_name, ''))) AS people, "
            f"count(DISTINCT birth_date) AS born, jaro_winkler_similarity(min({whole}), max({whole})) AS alike "
            f"FROM ({rows}) GROUP BY ALL) WHERE people >= CASE kind {least} END "
            f"AND (kind NOT IN ({born}) OR born > 1 OR (born = 0 AND alike < {ALIKE})) "
            "AND ($since IS NULL OR newest > $since) ORDER BY people DESC, kind, identifier",
            {"since": since},
        ).df()


def without_zeros(names: pa.Table, since: date | None) -> pd.DataFrame:
    """Sources in which one id is written with and without leading zeros: source, ids, length.

    `names` are rows of identity/prepared (name: source:id, first_seen). `length` is that of all ids with such zeros, 0
    if they have several.
    """
    with database_of(names=names) as con:
        con.execute("SET enable_progress_bar = false")
        return con.execute(
            "WITH ids AS (SELECT source, substr(name, length(source) + 2) AS id, min(first_seen) AS since FROM names "
            "GROUP BY ALL), "
            "kept AS (SELECT *, ltrim(id, '0') AS bare FROM ids WHERE regexp_full_match(id, '0+[1-9][0-9]*')) "
            "SELECT kept.source, count(*) AS ids, "
            "CASE WHEN min(length(kept.id)) = max(length(kept.id)) THEN max(length(kept.id)) ELSE 0 END AS length "
            "FROM kept JOIN ids ON ids.source = kept.source AND ids.id = kept.bare "
            "WHERE $since IS NULL OR greatest(kept.since, ids.since) > $since GROUP BY ALL ORDER BY ALL",
            {"since": since},
        ).df()


def tell(
    sightings: pa.Table, names: pa.Table, rows: Mapping[str, DataFrame], since: date | None, settings: Settings
) -> None:
    """Warn of both, and of ids that lost their zeros in other tables only.

    `rows` are those of tables of valid/ by name; examples are looked up in its contacts.
    """
    contacts = rows[CONTACTS]
    for kind, found in of_many_people(sightings, since).groupby("kind", sort=True):
        values = ", ".join(_examples(str(kind), found["identifier"].tolist()[:EXAMPLES], contacts, settings))
        consequence = CONSEQUENCES.get(str(kind), "it joins nobody whose names or birth dates contradict")
        log.warning(
            "identity: %d values of %s are of people who differ in everything else, up to %d of one (%s): %s. If it "
            "stands for nobody, list it under `junk: {%s: [...]}` in config/identity.yaml; if the source gave it twice "
            "or damaged it, mend it there",
            *(len(found), kind, found["people"].max(), values, consequence, kind),
            extra={"rule": f"identity:many_people:{kind}"},
        )
    for row in without_zeros(names, since).to_dict("records"):
        how = f"keep the zeros: lpad(ID, {row['length']}, '0')" if row["length"] else "map them as one form"
        log.warning(
            "identity: %s has %d contact ids both with and without leading zeros, such as 00123 and 123: they are "
            "taken for different contacts. If a tool dropped the zeros, %s in the columns of that dataset",
            *(row["source"], row["ids"], how),
            extra={"rule": f"identity:zeros:{row['source']}"},
        )

    others = {name: some for name, some in rows.items() if name != CONTACTS}
    if not others or not lost_zeros.names_nobody(sightings, since):
        return
    for row in lost_zeros.lost_zeros(others, contacts, since, settings).to_pylist():
        table = row["dataset"] if row["kept"] else "contacts"
        how = f"lpad(ID, {row['length']}, '0')" if row["length"] else "the form with zeros"
        log.warning(
            "identity: %s.%s names %d contact ids that are those of contacts but for leading zeros, such as %s: these "
            "rows are of nobody known. If a tool dropped the zeros, write %s for contact_id in the columns of %s",
            *(row["source"], row["dataset"], row["ids"], "123 for 00123" if row["kept"] else "00123 for 123"),
            *(how, table),
            extra={"rule": f"identity:zeros:{row['source']}.{row['dataset']}"},
        )


def _examples(kind: str, identifiers: Sequence[str], contacts: DataFrame, settings: Settings) -> list[str]:
    """The values behind a few identifiers, masked."""
    column = PERSON_COLUMNS[kind]
    country = F.coalesce("country", F.lit(settings.general.country))
    told = contacts.select("source", F.col(column).alias("value"), country.alias("country")).distinct()
    hashed = identifier_column(kind, "value", settings, country=F.col("country"))
    found = told.select("value", hashed.alias("identifier")).where(F.col("identifier").isin(*identifiers))
    first = found.groupBy("identifier").agg(F.min("value").alias("value")).collect()
    return sorted(masked(row["value"]) for row in first)


def masked(value: str) -> str:
    """The first sign of each part and how long it is: `t***(4)@k***(11)`."""
    return "@".join(f"{part.strip()[:1]}***({len(part.strip())})" for part in value.split("@"))
