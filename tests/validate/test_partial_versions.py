"""Records that carry some columns only, and records that end: what counts is the newest version of each."""

import datetime as dt
import itertools
import json
import shutil
from pathlib import Path

import pytest

from jobs.config.yaml_files import ConfigError
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import step
from jobs.validate.versions.counting import newest_versions

SOURCE = """
source: segment
group: web
datasets:
  contacts:
    files: "{day}/*.jsonl"
    format: {type: jsonl}
    deleted_when: deleted = 'true'
    columns:
      {contact_id: id, updated_at: at, first_name: traits.name, email: traits.email, city: "coalesce(city, town)"}
"""
VERSIONS = [
    {"id": "1", "at": "2024-04-01T00:00:00Z", "traits": {"name": "Ann", "email": "ann@mail.example"}, "city": "Ede"},
    {"id": "1", "at": "2024-04-02T00:00:00Z", "traits": {"name": "Anna"}},
    {"id": "1", "at": "2024-04-03T00:00:00Z", "traits": {"email": None}, "town": "Epe"},
    {"id": "1", "at": "2024-04-04T00:00:00Z", "traits": {}},
]
FILLED = [
    ("Ann", "ann@mail.example", "Ede"),
    ("Anna", "ann@mail.example", "Ede"),
    ("Anna", None, "Epe"),
    ("Anna", None, "Epe"),
]


@pytest.fixture
def segment(spark, settings):
    """The company with records landed as (day, record, ...), one file each."""

    def build(*landed, source=SOURCE):
        loaded = settings({"sources/segment.yaml": source})
        for folder in (loaded.landing, loaded.lake):
            shutil.rmtree(folder, ignore_errors=True)
        for place, (day, *records) in enumerate(landed):
            path = Path(loaded.landing) / "segment" / f"2024-05-0{day}" / f"{place}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(map(json.dumps, records)))
        return loaded

    return build


def validated(company, *days):
    for day in days:
        load.run("segment", dt.date(2024, 5, day), company)
        step.run("segment", dt.date(2024, 5, day), company)
    rows = Lake.of(company).arrow("valid/contacts").sort_by("updated_at").to_pylist()
    return [(row["first_name"], row["email"], row["city"]) for row in rows]


def test_a_column_that_a_record_lacks_keeps_its_value_and_a_null_empties_it(segment):
    assert validated(segment(*((1, version) for version in VERSIONS)), 1) == FILLED


def test_versions_that_arrive_in_any_order_on_any_days_give_the_same_rows(segment):
    """A contact for each order in which four versions can come."""
    orders = {"".join(map(str, order)): order for order in itertools.permutations(range(4))}
    landed = [(day + 1, *(VERSIONS[order[day]] | {"id": who} for who, order in orders.items())) for day in range(4)]
    company = segment(*landed)
    assert len(validated(company, 1, 2, 3, 4)) == 4 * 24
    found = {who: [] for who in orders}
    for row in Lake.of(company).arrow("valid/contacts").sort_by("updated_at").to_pylist():
        found[row["contact_id"]].append((row["first_name"], row["email"], row["city"]))
    assert found == dict.fromkeys(orders, FILLED)


def test_what_a_record_lacks_is_empty_where_the_dataset_says_so(segment):
    source = SOURCE.replace("    columns", "    absent: empty\n    columns")
    assert validated(segment(*((1, version) for version in VERSIONS[:2]), source=source), 1)[1] == ("Anna", None, None)


def test_a_deleted_record_ends_with_that_version_and_comes_back_with_a_later_one(segment):
    gone = {"id": "1", "at": "2024-04-05T00:00:00Z", "deleted": True}
    back = {"id": "1", "at": "2024-04-06T00:00:00Z", "deleted": False}
    company = segment((1, VERSIONS[0]), (2, gone), (3, back))
    for day, names in ((1, ["Ann"]), (2, []), (3, ["Ann"])):
        assert len(validated(company, day)) == day
        newest = newest_versions(Lake.of(company).read("valid/contacts"), "contact_id")
        assert newest.toArrow()["first_name"].to_pylist() == names


def test_deleted_when_is_for_records_in_versions(settings):
    source = SOURCE.replace("contacts:", "events:")
    with pytest.raises(ConfigError, match="versions; use `where`"):
        settings({"sources/segment.yaml": source.split("    columns")[0] + "    columns: {event_id: id}\n"})
