"""The closing words of the demo: what happened in lines of 80 columns, without what has not happened yet."""

import datetime as dt

import pyarrow as pa

from jobs.cli.local import summary
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

DAY = dt.date(2024, 5, 1)


def put(lake, name, *rows):
    schema = catalogue.get(name).arrow_schema()
    lake.append(name, pa.Table.from_pylist(list(rows), schema=schema), lake.transaction(name, DAY))


def test_what_has_no_table_yet_is_not_told(settings):
    assert summary.lines(settings()) == []


def test_rows_files_audiences_and_deliveries_are_told_in_a_line_each(settings):
    loaded = settings()
    lake = Lake.of(loaded)
    files = [{"file_id": name, "path": name, "state": state} for name, state in (("a", "loaded"), ("b", "quarantined"))]
    put(lake, "ops/files", *files)
    put(lake, "ops/counts", {"file_id": "a", "rows_in": 1200, "accepted": 1190, "quarantined": 8, "duplicates": 2})
    member = {"day": DAY, "audience": "welcome", "arm": "treatment"}
    put(lake, "audiences/members", {**member, "customer_id": "1"}, {**member, "customer_id": "2", "arm": "holdout"})
    counts = {"delivered": 5, "removed": 0, "refused": 1, "no_consent": 2, "suppressed": 1}
    put(lake, "activation/deliveries", {"day": DAY, "audience": "welcome", "destination": "email", **counts})
    assert summary.lines(loaded) == [
        ("Rows", "1,200 in 2 files, 1 of which could not be read and were set aside"),
        ("Rows", "1,190 accepted, 8 quarantined with the reason, 2 duplicates"),
        ("Audiences", "1 with 2 members, 1 of them held out to measure the effect"),
        ("Sent", "email: 5 accepted, 1 refused, 0 removed, 3 may not be"),
    ]
    assert all(len(f"{name:<13} {sentence}") <= 80 for name, sentence in summary.lines(loaded))
