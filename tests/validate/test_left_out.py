"""A dataset takes the rows of a file that `where` says; the others are counted, and told if nothing takes them."""

import datetime as dt
import json
from pathlib import Path

import pytest

from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import step
from jobs.validate.quarantine import Selection
from jobs.validate.replay import replay

DAY = dt.date(2024, 5, 1)
SEGMENT = """
source: segment
group: web
datasets:
  contacts:
    files: "{day}/calls*.jsonl"
    format: {type: jsonl}
    where: type = 'identify'
    columns: {contact_id: userId, updated_at: at, first_name: traits.name}
  events:
    files: "{day}/calls*.jsonl"
    format: {type: jsonl}
    where: type = 'track' and properties.test is null
    columns: {event_id: id, occurred_at: at, type: lower(event), login_id: userId}
"""
CALLS = [
    {"type": "identify", "id": "1", "userId": "u1", "at": "2024-04-30T10:00:00Z", "traits": {"name": "Ann"}},
    {"type": "track", "id": "2", "userId": "u1", "at": "2024-04-30T11:00:00Z", "event": "Search"},
    {
        "type": "track",
        "id": "3",
        "userId": "u1",
        "at": "2024-04-30T12:00:00Z",
        "event": "Search",
        "properties": {"test": 1},
    },
    {"type": "track", "id": "4", "userId": "u1", "at": "never", "event": "Search"},
    {"id": "5"},
]


@pytest.fixture
def segment(spark, settings):
    """A company with one source, whose file holds two kinds of calls."""
    loaded = settings({"sources/segment.yaml": SEGMENT})
    folder = Path(loaded.landing) / "segment" / str(DAY)
    folder.mkdir(parents=True)
    (folder / "calls.jsonl").write_text("\n".join(map(json.dumps, CALLS)))
    return loaded


BY_KEY = """
source: segment
group: web
datasets:
  contacts:
    files: "{day}/calls*.jsonl"
    format: {type: jsonl}
    columns: {contact_id: case when type = 'identify' then userId end, updated_at: at, first_name: traits.name}
  events:
    files: "{day}/calls*.jsonl"
    format: {type: jsonl}
    columns:
      {event_id: {from: case when type = 'track' then id end}, occurred_at: at, type: lower(event), login_id: userId}
"""


def test_a_key_that_only_some_rows_of_a_shared_file_have_says_which_rows_a_dataset_takes(segment, settings, caplog):
    company = settings({"sources/segment.yaml": BY_KEY})
    counts = validated(company)
    assert (counts["accepted"], counts["quarantined"], counts["left_out"]) == (3, 1, 6)
    lake = Lake.of(company)
    assert lake.arrow("valid/contacts")["contact_id"].to_pylist() == ["u1"]
    assert lake.arrow("quarantine/rows")["line"].to_pylist() == [4]
    assert "no dataset takes 1 of its rows" in caplog.text


def test_a_key_with_a_condition_in_files_of_its_own_is_needed_in_every_row(settings):
    company = settings({"sources/segment.yaml": BY_KEY.replace("calls", "other", 1)})
    assert [one.where for one in company.sources["segment"].datasets.values()] == ["", ""]


def validated(company):
    load.run("segment", DAY, company)
    return step.run("segment", DAY, company)


def test_a_day_of_which_a_dataset_takes_no_row_is_a_day_like_any_other(segment):
    (Path(segment.landing) / "segment" / str(DAY) / "calls.jsonl").write_text(json.dumps(CALLS[0]))
    done = validated(segment)
    assert done == {"files": 2, "rows_in": 2, "accepted": 1, "quarantined": 0, "duplicates": 0, "left_out": 1}
    verdicts = Lake.of(segment).arrow("ops/validations").to_pylist()
    assert [row["expectation"] for row in verdicts if row["dataset"] == "events" and row["severity"] == "critical"]
    assert not [row for row in verdicts if row["severity"] == "critical" and not row["success"]]


def test_rows_of_other_kinds_are_left_out_counted_and_in_no_quarantine(segment, caplog):
    done = validated(segment)
    assert done == {"files": 2, "rows_in": 10, "accepted": 2, "quarantined": 1, "duplicates": 0, "left_out": 7}
    lake = Lake.of(segment)
    assert lake.arrow("valid/contacts")["contact_id"].to_pylist() == ["u1"]
    assert lake.arrow("valid/events")["event_id"].to_pylist() == ["2"]
    assert lake.arrow("quarantine/rows")["line"].to_pylist() == [4]
    fates = ("rows_in", "accepted", "quarantined", "duplicates", "left_out")
    counts = {row["dataset"]: tuple(row[name] for name in fates) for row in lake.arrow("ops/counts").to_pylist()}
    assert counts == {"contacts": (5, 1, 0, 0, 4), "events": (5, 1, 1, 0, 3)}
    told = [record.getMessage() for record in caplog.records if "no dataset takes" in record.getMessage()]
    assert len(told) == 1
    assert "calls.jsonl: no dataset takes 2 of its rows" in told[0]


def test_a_quarantined_row_that_where_now_leaves_out_is_closed_by_a_replay_and_the_file_adds_up(segment, settings):
    validated(segment)
    stricter = settings({"sources/segment.yaml": SEGMENT.replace("properties.test is null", "at <> 'never'")})
    found = replay.run(Selection("segment", "events"), stricter, "ann").outcomes.to_pylist()
    assert [(row["line"], row["outcome"]) for row in found] == [(4, "left_out")]
    assert replay.run(Selection("segment", "events"), stricter, "ann").outcomes.num_rows == 0


def test_a_file_without_the_column_that_where_asks_for_is_set_aside_and_not_left_out(spark, settings):
    contacts = "{files: '{day}/*.csv', where: kind = 'a', columns: {contact_id: id, updated_at: at}}"
    crm = f"source: segment\ngroup: crm\ndatasets:\n  contacts: {contacts}\n"
    company = settings({"sources/segment.yaml": crm})
    folder = Path(company.landing) / "segment" / str(DAY)
    folder.mkdir(parents=True)
    (folder / "calls.csv").write_text("id,at\n1,2024-04-30\n")
    assert validated(company) == {"files": 1, "rows_in": 1, "accepted": 0, "quarantined": 1, "duplicates": 0}
    assert "'kind'" in Lake.of(company).arrow("quarantine/rows")["reason"][0].as_py()
