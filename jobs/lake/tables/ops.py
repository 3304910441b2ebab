"""Tables about the work itself: files, counts, rules, quarantine."""

from __future__ import annotations

from jobs.lake.tables.contract import Dataset, columns

TABLES: tuple[Dataset, ...] = (
    Dataset(
        "ops/hash_key",
        "one key of all keyed hashes of this lake: there is one row",
        ("fingerprint",),
        columns("""
        fingerprint string first 16 hex digits of a SHA-256 of the key, which does not tell it
    """),
    ),
    Dataset(
        "ops/retention",
        "one deletion of rows that were older than config/retention.yaml keeps",
        ("table", "before", "at"),
        columns("""
        table string the table
        before date rows of days before this one were deleted
        at timestamp when
        day date the day of the run
        keeps_days int days that the table keeps
        rows bigint rows deleted
    """),
    ),
    Dataset(
        "ops/alerts_told",
        "one state of one try to tell one alert by one route",
        ("alert", "route", "try", "state"),
        columns("""
        alert string id of the alert: what is told once has one
        about string what it is about, as in config/alerts.yaml
        day date the day it is about
        route string the route of config/alerts.yaml
        try bigint 1 for the first
        state string claimed before it is handed on; then told, or failed, after which it is tried again
        at timestamp when
    """),
    ),
    Dataset(
        "ops/files",
        "one landed file",
        ("file_id",),
        columns("""
        file_id string SHA-256 of source, dataset, path and content, first 32 hex digits
        source string the source
        dataset string the dataset it feeds
        path string path below the landing root
        arrived date the day it landed
        size bigint size in bytes
        modified timestamp when the file changed last, as its place tells
        version string what its place calls this content (S3 ETag, moment of change)
        sha256 string SHA-256 of the content
        state string loaded, quarantined (whole file), or duplicate (same content seen before)
        reason string why it was not loaded
        rows_in bigint rows found in the file; a file set aside as a whole counts as one row
    """),
    ),
    Dataset(
        "ops/file_events",
        "one thing that happened to one landed file",
        ("source", "dataset", "path", "sha256", "event", "day"),
        columns("""
        day date the day of the run that saw it
        source string the source
        dataset string the dataset
        path string path below the landing root
        sha256 string SHA-256 of the content, empty where it was not read
        event string repeated, replaced, late, unfinished, withdrawn, returned or changed_columns
        detail string what was seen and what was done about it
    """),
        scope="append",
        day_column="day",
    ),
    Dataset(
        "ops/columns",
        "one source column of one landed file: the first of its dataset, or one whose columns differ from those before",
        ("file_id", "column"),
        columns("""
        file_id string the file
        source string the source
        dataset string the dataset
        arrived date the day the file landed
        column string name of the column as the file writes it
        place int its place, from 1
        ordered boolean whether the place means something: columns of a header have an order, fields of JSON do not
        kind string number, boolean, date, timestamp, text, list, object or empty: what its values mostly are
        records bigint records that were looked at
        present bigint those of them that have the column
    """),
    ),
    Dataset(
        "ops/metrics",
        "one number about the rows of one landed file",
        ("arrived", "file_id", "metric", "column", "value"),
        columns("""
        arrived date the day the rows arrived; its number is the mean over its files, weighted by rows
        source string the source
        dataset string the dataset
        file_id string the file
        metric string rows, empty_share, mean, or value_share
        column string the canonical column, empty for rows
        value string the value whose share it is, empty for the others
        number double the number
        rows bigint rows it is of: those of the file, for mean and value_share those with a value
    """),
    ),
    Dataset(
        "ops/pulls",
        "one pull of one dataset from a database or an API",
        ("source", "dataset", "path"),
        columns("""
        source string the source
        dataset string the dataset
        path string the file it landed, below the landing root
        day date the day of the run that pulled
        since string value of the incremental column or moment it pulled from, empty for everything
        until string value or moment it pulled up to: the next pull begins there, less the overlap
        digest string sum of the SHA-256 of the rows a next pull sees again: equal means that it brings nothing new
        rows bigint rows pulled
        pulled_at timestamp when it was recorded
    """),
        scope="append",
        day_column="day",
    ),
    Dataset(
        "ops/counts",
        "one dataset of one file, after validation",
        ("file_id",),
        columns("""
        file_id string the file
        source string the source
        dataset string the dataset
        arrived date the day the file landed
        rows_in bigint rows found in the file
        accepted bigint rows that reached the valid table
        quarantined bigint rows set aside with a reason
        duplicates bigint rows whose key was already accepted
        left_out bigint rows that the dataset does not take, by `where` in config/sources/, and lines with an empty list
        items bigint where a line holds several rows (`each`), and lines are what is counted, how many those are
        batch string the files that were judged with it: those of its arrival day, as ops/validations names them
    """),
    ),
    Dataset(
        "ops/validations",
        "one expectation on one batch of one dataset, each time it was judged",
        ("day", "source", "dataset", "batch", "attempt", "expectation"),
        columns("""
        day date the day of the run
        source string the source
        dataset string the dataset
        batch string the files of the batch: SHA-256 of their ids, first 32 hex digits
        attempt int 1 when its files were loaded, more each time a stopped batch was replayed; the newest one counts
        expectation string the rule
        severity string critical, warning or info
        success boolean whether the batch met it
        rows bigint rows looked at
        failed bigint rows that broke it
        detail string what was seen
    """),
        scope="append",
        day_column="day",
    ),
    Dataset(
        "quarantine/rows",
        "one bad row, or one bad file",
        ("file_id", "line", "rule"),
        columns("""
        source string the source
        dataset string the dataset
        file_id string the file
        path string path of the file below the landing root
        line bigint line in the file, 0 for the file as a whole
        arrived date the day the file landed
        rule string the rule that was broken, such as email:not_null; of several the first
        reason string what was wrong and what to do, without the value itself
        record! string the record as received
        rules array<string> all rules that were broken, in the order of the suite
    """),
    ),
    Dataset(
        "quarantine/replays",
        "one row that was taken out of quarantine and tried again",
        ("file_id", "line", "attempt"),
        columns("""
        file_id string the file
        line bigint line in the file, 0 for the file as a whole
        attempt int how often this row was tried, from 1; the newest attempt says what became of it
        replay string id of the replay: one for all rows tried together
        day date the day it was replayed
        at timestamp when it was replayed
        source string the source
        dataset string the dataset
        path string path of the file below the landing root
        rule string the rule it had been set aside for
        outcome string accepted, duplicate (key was there already), refused (again), dropped (by decision) or left_out
        reason string why it was refused or dropped, or by which decision it was accepted
        corrected boolean whether the record was corrected by hand
        record! string the corrected record, empty if it was replayed as received
        by string who replayed it
    """),
        scope="append",
        day_column="day",
    ),
    Dataset(
        "ops/decisions",
        "one decision a data steward gave in Airflow",
        ("decision_id",),
        columns("""
        decision_id string fingerprint of the records, the verdict, who gave it and when
        left! string one record, as source:contact_id
        right! string the other record
        decision string same or different
        by string who decided
        on date the day of data it was decided on; it counts from then on
        because string why
        given date the day it was given
    """),
        scope="append",
        day_column="given",
    ),
)
