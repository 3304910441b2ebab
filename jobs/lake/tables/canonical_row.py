"""What every row of a canonical dataset carries: the person it concerns, its version, where it came from."""

from __future__ import annotations

from jobs.lake.tables.contract import Dataset, columns

LINEAGE = columns("""
source string the source this row came from, as named in config/sources/
file_id string the file it came from: key into ops/files
line bigint the line of that file (first line is 1), or the row number for files without lines
arrived date the day its file landed
""")

PERSON = columns("""
contact_id string id of the person in this source
email! string e-mail address as received
email_sha256! string SHA-256 (hex) of an address in lower case without blanks; it identifies, and gets no mail
phone! string phone number as received
login_id! string account name or id used to log in, shared by web shop and app
cookie_id! string browser or device id
loyalty_id! string loyalty card number
""")

IDS_OF = "ids_of"
"""Column of what people answer: whose the ids and addresses of the row are."""

VERSION = columns("""
absent string columns that the record did not carry, comma-separated: their values are those of the version before
deleted boolean whether the record ends with this version; empty for no
delivery timestamp of rows that come as a whole (`all_rows_of`), when: rows of an earlier delivery have ended
undated boolean whether the source told no date for this version, and it has that of its arrival; empty for no
""")


def canonical(
    name: str,
    grain: str,
    key: tuple[str, ...],
    described: str,
    *,
    id: str,
    moment: str | None = None,
    versions: bool = False,
    person: bool = True,
    whole: str | None = None,
) -> Dataset:
    """A dataset that sources map to: the given columns, the person it concerns, attributes, lineage.

    `described` is one column a line, as `contract.columns` reads it; `id` the column that names a record, and `key`
    what makes a row unique within its source; `whole` the column that names what records are parts of. With a `moment`
    its rows are happenings: traits can be computed over them.
    """
    own = columns(described)
    names = {column.name for column in own}
    people = tuple(c for c in PERSON if c.name not in names) if person else ()
    extra = columns("attributes string further columns of the source, as a JSON object")
    every = (*own, *people, *extra, *(VERSION if versions else ()), *LINEAGE)
    return Dataset(
        f"valid/{name}", grain, ("source", *key), every, moment=moment, id=id, versions=versions, whole=whole
    )
