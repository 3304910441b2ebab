"""Every table of every reference data set goes through the front door with nothing lost and nothing altered."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.lake.queries import connect
from jobs.validate import step

DATA = Path(os.environ.get("KLANTREIS_TEST_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
PATTERNS = {"csv": "**/*.csv*", "jsonl": "**/*.jsonl"}
SETS = sorted(folder.name for folder in DATA.glob("*") if any(any(folder.glob(p)) for p in PATTERNS.values()))
DAY = dt.date(2026, 1, 1)
ANY_ROW = {"event_id": "'any'", "occurred_at": "'2025-12-31'", "type": "'row'", "cookie_id": "'c'"}
"""A mapping that reads no column, so that one dataset takes files of any layout: all rows but the first repeat it."""
ANY_COLUMNS = dict.fromkeys(("added", "missing_unused", "case_changed", "retyped", "reordered"), "accept")


@pytest.mark.skipif(not SETS, reason="the reference data sets are not here; set KLANTREIS_TEST_DATA to their folder")
@pytest.mark.parametrize("name", SETS)
def test_every_row_of_a_reference_data_set_is_kept_as_it_is_and_counted_once(name, tmp_path, settings):
    files = {kind: sorted((DATA / name).glob(pattern)) for kind, pattern in PATTERNS.items()}
    configured = settings(
        {
            "sources/crm.yaml": None,
            "identity.yaml": {"golden_record": {}, "purposes": {"marketing": {"channels": ["email"]}}},
            **{f"sources/{kind}.yaml": source_of(kind) for kind, paths in files.items() if paths},
        }
    )
    lake = Lake.of(configured)
    for kind in configured.sources:
        folder = tmp_path / "var" / "landing" / kind
        folder.mkdir(parents=True)
        for path in files[kind]:
            shutil.copy(path, folder)
        load.run(kind, DAY, configured)
        step.run(kind, DAY, configured)

    expected = {path.name: records_of(path) for paths in files.values() for path in paths}
    names = {row["file_id"]: Path(row["path"]).name for row in lake.arrow("ops/files").to_pylist()}
    kept = {name: Counter() for name in names.values()}
    for kind in configured.sources:
        for file_id, record in connect(configured).sql(f"select file_id, record from raw.{kind}_events").fetchall():
            kept[names[file_id]][same_text(json.loads(record))] += 1
    assert kept == {name: Counter(map(same_text, records)) for name, records in expected.items()}
    counts = {names[row["file_id"]]: row for row in lake.arrow("ops/counts").to_pylist()}
    assert {name: row["rows_in"] for name, row in counts.items()} == {n: len(rows) for n, rows in expected.items()}
    assert all(row["rows_in"] == row["accepted"] + row["quarantined"] + row["duplicates"] for row in counts.values())


def source_of(kind):
    dataset = {"files": PATTERNS[kind], "format": {"type": kind}, "columns": ANY_ROW, "changes": ANY_COLUMNS}
    return {"source": kind, "group": "web", "datasets": {"events": dataset}}


def records_of(path):
    """The records of a file, read without any code of ours."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    text = content.decode("utf-8-sig")
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return list(csv.DictReader(io.StringIO(text, newline="")))


def same_text(record):
    return json.dumps(record, sort_keys=True)
