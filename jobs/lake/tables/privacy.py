"""Tables of what people asked about their own data: who stays away, and what was erased where."""

from __future__ import annotations

from jobs.lake.tables.contract import Dataset, columns

KEPT_OUT = "privacy/kept_out"

TABLES: tuple[Dataset, ...] = (
    Dataset(
        KEPT_OUT,
        "one identifier of somebody who asked to be forgotten",
        ("identifier",),
        columns("""
        identifier string keyed hash of kind and value, as it was in identity/map
        kind string contact, email, phone, login, cookie or loyalty
        request string the request it belongs to, a key into privacy/receipts
        since date the day of the request
    """),
    ),
    Dataset(
        "privacy/receipts",
        "one place that one request for erasure was carried out in",
        ("request", "place", "at"),
        columns("""
        request string id of the request; nothing in it tells who asked
        place string the place: a table, landing file, destination, older versions, models, backups
        at timestamp when it was done there
        outcome string erased, nothing (was there), pending (repeat the request), by_hand or out_of_reach
        number bigint rows, files, versions or list entries that it was about
        detail string what was done or is to do, without personal data
        because string why it was asked, as given
        by string who carried it out
        seal string keyed hash of all columns before it: a receipt that was changed is told
    """),
    ),
    Dataset(
        "privacy/erased_rows",
        "one line of one landed file that was erased",
        ("file_id", "line"),
        columns("""
        file_id string the file: key into ops/files
        line bigint the line it had, as in the raw table
        request string the request, a key into privacy/receipts
        sha256 string SHA-256 of the content that the file had then
        accepted boolean whether the valid table had it
    """),
    ),
    Dataset(
        "privacy/looked_at",
        "one file that was searched for people who asked to be forgotten",
        ("file_id",),
        columns("""
        file_id string the file: key into ops/files
        day date the day of the run that searched it
    """),
    ),
)
