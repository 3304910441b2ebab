"""Raw rows reach the valid tables or quarantine, and every row of every file is accounted for."""

import contextlib
import dataclasses
import gzip
import shutil
import tempfile
from pathlib import Path
from unittest.mock import ANY

import hypothesis
import pyarrow.compute as pc
import pytest
from hypothesis import strategies as st

from jobs.errors import DataStopped, StepFailed
from jobs.ingest import load
from jobs.ingest.landing.landing import Landing
from jobs.lake.lake import Lake
from jobs.validate import step
from tests.killed import killed_before_each
from tests.validate.crm_files import HEADER, ann, contacts, counts, quarantined

pytestmark = pytest.mark.slow

NO_LINEAGE = ("file_id", "line", "arrived")


@pytest.fixture
def validate(company):
    def run(day):
        load.run("crm", day, company)
        return step.run("crm", day, company)

    return run


def test_good_rows_are_published_bad_ones_quarantined_and_all_are_counted(land, validate, company_lake, day):
    land(
        "crm/2024-05-01/contacts.csv",
        contacts(ann(1, email="ann@b.example"), ann("", name="No id"), ann(3, updated="31-02-2024"), ann(1), ann(5))
        + "torn\n",
    )
    assert validate(day("2024-05-01")) == {
        "files": 1,
        "rows_in": 6,
        "accepted": 2,
        "quarantined": 3,
        "duplicates": 1,
    }
    valid = company_lake.arrow("valid/contacts").to_pylist()
    assert sorted((row["contact_id"], row["email"], row["line"]) for row in valid) == [
        ("1", "ann@b.example", 2),
        ("5", None, 6),
    ]
    assert quarantined(company_lake) == [(3, "contact_id:not_null"), (4, "updated_at:type"), (7, "record:fields")]
    (bad,) = (row for row in company_lake.arrow("quarantine/rows").to_pylist() if row["line"] == 3)
    assert bad == {
        "source": "crm",
        "dataset": "contacts",
        "file_id": ANY,
        "path": "crm/2024-05-01/contacts.csv",
        "line": 3,
        "arrived": day("2024-05-01"),
        "rule": "contact_id:not_null",
        "reason": ANY,
        "rules": ["contact_id:not_null"],
        "record": '{"id":"","updated":"2024-05-01","email":"","name":"No id","born":""}',
    }


def test_each_kind_of_file_adds_up(land, validate, company_lake, day):
    good = contacts(ann(1), ann(2))
    land("crm/2024-05-01/contacts.csv", good)
    land("crm/2024-05-01/contacts_empty.csv", HEADER)
    land("crm/2024-05-02/contacts_copy.csv", good)
    land("crm/2024-05-02/contacts_overlap.csv", contacts(ann(2), ann(3), ann("")))
    land("crm/2024-05-02/contacts_cut.csv.gz", gzip.compress(good.encode())[:-4])
    validate(day("2024-05-02"))
    assert counts(company_lake) == {
        "2024-05-01/contacts.csv": (2, 2, 0, 0),
        "2024-05-01/contacts_empty.csv": (0, 0, 0, 0),
        "2024-05-02/contacts_copy.csv": (2, 0, 0, 2),
        "2024-05-02/contacts_overlap.csv": (3, 1, 1, 1),
        "2024-05-02/contacts_cut.csv.gz": (1, 0, 1, 0),
    }


ROWS = st.one_of(
    st.builds(ann, st.integers(1, 4), st.sampled_from(["2024-04-29", "2024-04-30"]), name=st.sampled_from(["A", "B"])),
    st.just(ann("")),
    st.just(ann(9, "never")),
    st.just(ann(8, email="nowhere")),
    st.just(("torn",)),
    st.just(ann(3, name='"two\nlines"')),
)
FILES = st.lists(st.lists(ROWS, max_size=6), min_size=1, max_size=4)


def versions(files):
    """How many versions files tell of: dates of records, and what changed under the newest date a record has."""
    said = {}
    for rows in dict.fromkeys(tuple(map(tuple, rows)) for rows in files):  # a file that comes again tells nothing
        first = {row[:2]: row for row in reversed(rows) if len(row) > 1 and row[0] in ("1", "2", "3", "4")}
        for row in rows:
            if first.pop(row[:2], None) is None:
                continue
            newest = max((date for record, date in said if record == row[0]), default="")
            told = said.setdefault(row[:2], [row])
            if row[1] >= newest and told[-1] != row:
                told.append(row)
    return sum(map(len, said.values()))


@hypothesis.settings(max_examples=12, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(FILES)
def test_whatever_the_files_hold_their_rows_are_accepted_quarantined_or_duplicates(company, day, files):
    with tempfile.TemporaryDirectory() as folder:
        general = company.general.model_copy(update={"landing": f"{folder}/landing", "lake": f"{folder}/lake"})
        settings = dataclasses.replace(company, general=general)
        for number, rows in enumerate(files):
            target = Path(folder, "landing", "crm", f"2024-05-0{number // 2 + 1}", f"contacts{number % 2}.csv")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(contacts(*rows))
        load.run("crm", day("2024-05-02"), settings)
        step.run("crm", day("2024-05-02"), settings)
        lake = Lake.of(settings)
        got = counts(lake)
        for number, rows in enumerate(files):
            found = got[f"2024-05-0{number // 2 + 1}/contacts{number % 2}.csv"]
            assert found[0] == sum(found[1:]) == len(rows)
        assert lake.rows("valid/contacts") == versions(files) == sum(found[1] for found in got.values())
        assert lake.rows("quarantine/rows") == sum(found[2] for found in got.values())


def test_a_version_dated_at_the_moment_an_undated_change_counts_from_is_that_version_once(
    land, validate, company_lake, day
):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1, name="A"), ann(2, name="A")))
    validate(day("2024-05-01"))
    land("crm/2024-05-02/contacts0.csv", contacts(ann(1, name="B"), ann(2, name="B")))
    validate(day("2024-05-02"))
    land("crm/2024-05-02/contacts1.csv", contacts(ann(1, "2024-05-02", name="B"), ann(2, "2024-05-02", name="C")))
    validate(day("2024-05-02"))
    found = company_lake.arrow("valid/contacts", columns=["contact_id", "first_name"]).to_pylist()
    assert sorted((row["contact_id"], row["first_name"]) for row in found) == [
        ("1", "A"), ("1", "B"), ("2", "A"), ("2", "B"),
    ]  # fmt: skip
    told = company_lake.arrow("ops/validations", columns=["expectation", "success", "detail"]).to_pylist()
    assert [row["detail"] for row in told if row["expectation"] == "key:same_values" and not row["success"]] == [
        "1 of 2 rows have the key of another row (contact_id, updated_at) and other values (first_name), "
        "such as line 3 of crm/2024-05-02/contacts1.csv beside line 3 of crm/2024-05-02/contacts0.csv; "
        "the row that came first stays, both are in raw/crm_contacts"
    ]


def test_a_day_that_was_validated_changes_nothing_when_run_again(land, validate, company_lake, day):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1), ann("")))
    validate(day("2024-05-01"))
    names = ("valid/contacts", "quarantine/rows", "ops/counts", "ops/validations", "raw/crm_contacts")
    before = {name: company_lake.version(name) for name in names}
    assert validate(day("2024-05-01"))["rows_in"] == 0
    assert {name: company_lake.version(name) for name in names} == before


def test_a_late_file_is_added_with_its_own_arrival_day(land, validate, company_lake, day):
    land("crm/2024-05-02/contacts.csv", contacts(ann(1)))
    validate(day("2024-05-02"))
    land("crm/2024-05-01/contacts.csv", contacts(ann(2)))
    assert validate(day("2024-05-03"))["accepted"] == 1
    rows = company_lake.arrow("valid/contacts", columns=["contact_id", "arrived"]).to_pylist()
    assert sorted((row["contact_id"], str(row["arrived"])) for row in rows) == [
        ("1", "2024-05-02"),
        ("2", "2024-05-01"),
    ]


def test_days_one_by_one_all_at_once_and_in_reversed_order_give_the_same_tables(
    land, company, company_lake, day, monkeypatch, tmp_path
):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1), ann(2, name="Bo"), ann("")))
    land("crm/2024-05-01/contacts_b.csv", contacts(ann(2, name="Bob"), ann(4)))
    land("crm/2024-05-02/contacts.csv", contacts(ann(1, name="Anna"), ann(3), ann(4, updated="2024-05-02")))
    days = [day("2024-05-01"), day("2024-05-02")]
    hashes = []
    for number, (run_days, backwards) in enumerate(((days, False), (days[1:], False), (days[1:], True))):
        general = company.general.model_copy(update={"lake": str(tmp_path / str(number))})
        settings = dataclasses.replace(company, general=general)
        real = Landing.files
        with monkeypatch.context() as patch:
            if backwards:
                patch.setattr(Landing, "files", lambda *a, real=real: real(*a)[::-1])
            for run_day in run_days:
                load.run("crm", run_day, settings)
                step.run("crm", run_day, settings)
        lake = Lake.of(settings)
        hashes.append([lake.content_hash(name) for name in ("valid/contacts", "quarantine/rows", "ops/counts")])
    assert hashes[0] == hashes[1] == hashes[2]


def test_a_run_killed_after_any_commit_is_completed_by_the_next_one_with_right_counts(
    land, company, company_lake, day, tmp_path
):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1), ann(1), ann(2), ann("")))
    load.run("crm", day("2024-05-01"), company)
    with killed_before_each(tmp_path, "append") as left:
        step.run("crm", day("2024-05-01"), company)
    assert len(left) >= 4
    land("crm/2024-05-02/contacts.csv", contacts(ann(2), ann(3)))  # arrives before the retry
    for folder in left[:4]:
        shutil.rmtree(company.lake)
        folder.rename(company.lake)
        load.run("crm", day("2024-05-02"), company)
        step.run("crm", day("2024-05-02"), company)
        assert counts(company_lake) == {
            "2024-05-01/contacts.csv": (4, 2, 1, 1),
            "2024-05-02/contacts.csv": (2, 1, 0, 1),
        }
        assert quarantined(company_lake) == [(5, "contact_id:not_null")]
        assert company_lake.rows("valid/contacts") == 3


def test_rows_that_ingest_counted_and_raw_lost_fail_the_gate_before_anything_is_published(
    land, company, company_lake, day
):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1), ann(2)))
    load.run("crm", day("2024-05-01"), company)
    raw = company_lake.arrow("raw/crm_contacts", columns=["file_id", "line"])
    lost = raw.filter(pc.equal(raw["line"], 3))
    company_lake.delete("raw/crm_contacts", lost, company_lake.transaction("test", day("2024-05-01")))
    with pytest.raises(
        StepFailed, match=r"2024-05-01/contacts.csv: 2 rows came in, but raw/crm_contacts has 1 and 0 were"
    ):
        step.run("crm", day("2024-05-01"), company)
    assert not company_lake.exists("valid/contacts")
    assert not company_lake.exists("ops/counts")


@pytest.fixture
def broken_delivery(land):
    """A day on which most contacts have no id, and messages are fine."""
    land("crm/2024-05-01/contacts.csv", contacts(*[ann("")] * 30, *(ann(n) for n in range(70)), ann(7, "never")))
    message = '{"id": "m1", "talk": {"id": "t1", "by": "agent"}, "at": "2024-05-01T10:00:00Z", "text": "Hi"}'
    land("crm/2024-05-01/messages.jsonl", message)


def test_a_broken_delivery_stops_its_dataset_but_others_are_published(
    broken_delivery, validate, company, company_lake, day
):
    with pytest.raises(DataStopped) as stop:
        validate(day("2024-05-01"))
    message = str(stop.value)
    assert "crm.contacts is stopped by contact_id:not_null: 30 of 101 rows" in message
    assert "allowed: 9.9%" in message  # ten bad rows of 101 are tolerated whatever their share
    assert "identity" in message
    assert not company_lake.exists("valid/contacts")
    assert company_lake.rows("valid/messages") == 1
    assert counts(company_lake)["2024-05-01/contacts.csv"] == (101, 0, 101, 0)
    rules = [rule for _, rule in quarantined(company_lake)]
    assert {rule: rules.count(rule) for rule in rules} == {
        "contact_id:not_null": 30,
        "updated_at:type": 1,
        "dataset:contact_id:not_null": 70,
    }


def test_a_stopped_day_stays_stopped_when_retried_and_the_next_day_goes_on(broken_delivery, land, validate, day):
    for _ in range(2):
        with pytest.raises(DataStopped, match="contact_id:not_null"):
            validate(day("2024-05-01"))
    land("crm/2024-05-02/contacts.csv", contacts(ann(1)))
    assert validate(day("2024-05-02"))["accepted"] == 1


def test_verdicts_are_kept_per_batch(land, validate, company_lake, day):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1), ann("")))
    validate(day("2024-05-01"))
    land("crm/2024-05-01/contacts_late.csv", contacts(ann(2)))
    validate(day("2024-05-01"))
    verdicts = [
        v for v in company_lake.arrow("ops/validations").to_pylist() if v["expectation"] == "contact_id:not_null"
    ]
    assert sorted((v["rows"], v["failed"], v["success"], v["severity"]) for v in verdicts) == [
        (1, 0, True, "critical"),
        (2, 1, True, "critical"),
    ]


def test_data_docs_show_the_newest_verdicts_and_no_values(land, validate, company, day):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1, email="secret@b.example"), ann(2, email="not-an-address")))
    validate(day("2024-05-01"))
    folder = company.home / "var" / "data_docs"
    page = (folder / "crm.contacts.html").read_text()
    assert "contact_id" in page
    assert "secret@b.example" not in page
    assert "not-an-address" not in page
    assert "crm.contacts.html" in (folder / "index.html").read_text()


def test_flagged_rows_are_not_left_beside_those_that_are_published(land, validate, company, day, tmp_path):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1)))
    validate(day("2024-05-01"))
    lake = Lake(str(tmp_path / "var" / "lake"))
    files = sorted(str(path) for path in (Path(lake.root) / "valid/contacts/data").rglob("*.parquet"))
    assert files == sorted(lake.dataset("valid/contacts").files)


def test_a_consent_withdrawn_in_place_is_no_duplicate(settings, tmp_path, day):
    columns = ("consent_id", "contact_id", "purpose", "channel", "status", "changed_at")
    source = {
        "source": "crm",
        "group": "crm",
        "datasets": {"consents": {"files": "{day}/c.csv", "columns": {name: name for name in columns}}},
    }
    company = settings({"sources/crm.yaml": source})
    for number, status in ((1, "granted"), (2, "withdrawn")):
        target = tmp_path / "var" / "landing" / "crm" / f"2024-05-0{number}" / "c.csv"
        target.parent.mkdir(parents=True)
        answer = ("k1", "1", "marketing", "email", status, f"2024-05-0{number}")
        target.write_text(",".join(columns) + "\n" + ",".join(answer) + "\n")
    load.run("crm", day("2024-05-02"), company)
    assert step.run("crm", day("2024-05-02"), company)["accepted"] == 2
    rows = Lake.of(company).arrow("valid/consents", columns=["status"])["status"].to_pylist()
    assert sorted(rows) == ["granted", "withdrawn"]


def in_own_lake(company, folder, run_days, day):
    """Run these days on an empty lake; returns it."""
    general = company.general.model_copy(update={"lake": str(folder)})
    settings = dataclasses.replace(company, general=general)
    for number in run_days:
        load.run("crm", day(f"2024-05-0{number}"), settings)
        with contextlib.suppress(DataStopped):
            step.run("crm", day(f"2024-05-0{number}"), settings)
    return Lake.of(settings)


def test_a_bad_day_among_good_ones_stops_alone_as_if_it_had_come_alone(land, company, tmp_path, day):
    for number in range(1, 5):
        rows = [ann(f"{number}{n}") for n in range(70)]
        bad = [ann("")] * (30 if number == 2 else 5)
        land(f"crm/2024-05-0{number}/contacts.csv", contacts(*rows, *bad))
    hashes = []
    for name, runs in (("one_by_one", range(1, 5)), ("at_once", [4]), ("both", [1, 4])):
        lake = in_own_lake(company, tmp_path / name, runs, day)
        hashes.append([lake.content_hash(t) for t in ("valid/contacts", "quarantine/rows", "ops/counts")])
        arrived = lake.arrow("valid/contacts", columns=["arrived"])["arrived"].to_pylist()
        assert {str(one): arrived.count(one) for one in arrived} == dict.fromkeys(
            ("2024-05-01", "2024-05-03", "2024-05-04"), 70
        )
        stopped = [
            v for v in lake.arrow("ops/validations").to_pylist() if v["severity"] == "critical" and not v["success"]
        ]
        assert [(v["expectation"], v["detail"][:18]) for v in stopped] == [
            ("contact_id:not_null", "30 of 100 rows: co")
        ]
        batches = {c["arrived"]: c["batch"] for c in lake.arrow("ops/counts").to_pylist()}
        assert stopped[0]["batch"] == batches[day("2024-05-02")]
    assert hashes[0] == hashes[1] == hashes[2]


DAY = st.tuples(st.integers(0, 30), st.integers(0, 14), st.integers(0, 14))


@hypothesis.settings(max_examples=4, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(days=st.lists(DAY, min_size=2, max_size=4), cut=st.integers(1, 3))
def test_which_days_are_stopped_does_not_depend_on_how_they_are_run(company, day, days, cut):
    hashes = []
    for runs in (range(1, len(days) + 1), [cut, len(days)]):
        with tempfile.TemporaryDirectory() as folder:
            general = company.general.model_copy(update={"landing": f"{folder}/landing"})
            for number, (good, nameless, never) in enumerate(days, 1):
                target = Path(folder, "landing", "crm", f"2024-05-0{number}", "contacts.csv")
                target.parent.mkdir(parents=True)
                rows = [ann(f"{number}{n}") for n in range(good)] + [ann("")] * nameless
                target.write_text(contacts(*rows, *[ann(f"{number}9{n}", "never") for n in range(never)]))
            lake = in_own_lake(dataclasses.replace(company, general=general), f"{folder}/lake", runs, day)
            tables = [t for t in ("valid/contacts", "quarantine/rows", "ops/counts", "ops/metrics") if lake.exists(t)]
            hashes.append({t: lake.content_hash(t) for t in tables})
    assert hashes[0] == hashes[1]


def test_a_late_file_has_the_same_effect_whether_the_days_after_it_run_one_by_one_or_at_once(
    land, company, tmp_path, day
):
    hashes = []
    for name, runs in (("one_by_one", [3, 4]), ("at_once", [4])):
        landing = company.general.model_copy(update={"landing": str(tmp_path / name / "landing")})
        mine = dataclasses.replace(company, general=landing)

        def put(number, *rows, folder=mine.landing, part=""):
            target = Path(folder, "crm", f"2024-05-0{number}", f"contacts{part}.csv")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(contacts(*rows))

        put(2, ann(1), ann(2, name="on time"))
        in_own_lake(mine, tmp_path / name / "lake", [2], day)
        put(1, ann(2, name="late"), ann(3, name="late"))
        put(3, ann(3, name="next"), ann(4))
        put(4, ann(4, name="last"), ann(5))
        lake = in_own_lake(mine, tmp_path / name / "lake", runs, day)
        hashes.append([lake.content_hash(t) for t in ("valid/contacts", "ops/counts", "ops/metrics")])
        versions = lake.arrow("valid/contacts").sort_by("updated_at").to_pylist()
        names = [row["first_name"] for row in versions if row["contact_id"] in ("2", "3")]
        assert names == ["late", "late", "on time", "next"], "as if the late file had landed on its day"
    assert hashes[0] == hashes[1]


def test_values_without_their_type_are_named_with_the_source_column(land, validate, company_lake, day):
    land("crm/2024-05-01/contacts.csv", contacts(*(ann(n, "never") for n in range(30)), ann(99, born="long ago")))
    with pytest.raises(DataStopped, match=r"updated_at \(from updated\) in 30, birth_date \(from born\) in 1"):
        validate(day("2024-05-01"))
    reasons = company_lake.arrow("quarantine/rows", columns=["line", "reason"]).to_pylist()
    told = (
        "birth_date (from born) is no date in ISO 8601; say in `dates` how it is written, such as dd-MM-yyyy or seconds"
    )
    assert f"type of its column: {told}; " in next(r["reason"] for r in reasons if r["line"] == 32)


@pytest.mark.parametrize(
    ("policy", "accepted", "message"),
    [("accept", 2, ""), ("warn", 2, ""), ("quarantine", 1, ""), ("stop", 0, "status:in_set: 1 of 2 rows")],
)
def test_a_new_value_of_a_known_column_meets_its_policy(settings, tmp_path, day, policy, accepted, message):
    columns = ("consent_id", "contact_id", "purpose", "channel", "status", "changed_at")
    source = {
        "source": "crm",
        "group": "crm",
        "datasets": {
            "consents": {
                "files": "{day}/c.csv",
                "columns": {name: name for name in columns},
                "changes": {"new_value": policy},
            }
        },
    }
    company = settings({"sources/crm.yaml": source})
    target = tmp_path / "var" / "landing" / "crm" / "2024-05-01" / "c.csv"
    target.parent.mkdir(parents=True)
    rows = ["k1,1,marketing,email,granted,2024-05-01", "k2,2,marketing,email,maybe,2024-05-01"]
    target.write_text("\n".join([",".join(columns), *rows]) + "\n")
    load.run("crm", day("2024-05-01"), company)
    if message:
        with pytest.raises(DataStopped, match=message):
            step.run("crm", day("2024-05-01"), company)
    else:
        assert step.run("crm", day("2024-05-01"), company)["accepted"] == accepted
    verdicts = {v["expectation"]: v for v in Lake.of(company).arrow("ops/validations").to_pylist()}
    assert ("status:in_set" in verdicts) == (policy != "accept")
    if policy == "warn":
        told = verdicts["status:in_set"]
        assert (told["severity"], told["success"], told["failed"]) == ("warning", False, 1)


def test_a_row_with_the_key_of_another_and_other_values_is_told(land, validate, company_lake, day, caplog):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1), ann(2), ann(2)))
    validate(day("2024-05-01"))
    land("crm/2024-05-02/contacts.csv", contacts(ann(1), ann(3), ann(3, name="Anna")))
    assert validate(day("2024-05-02"))["duplicates"] == 2
    found = company_lake.arrow("ops/validations").to_pylist()
    told = {str(one["day"]): one for one in found if one["expectation"] == "key:same_values"}
    assert told["2024-05-01"]["success"]
    assert (told["2024-05-02"]["severity"], told["2024-05-02"]["success"], told["2024-05-02"]["failed"]) == (
        "warning",
        False,
        1,
    )
    assert "1 of 3 rows have the key of another row" in caplog.text
    assert "such as line 4 of crm/2024-05-02/contacts.csv beside line 3 of crm/2024-05-02/contacts.csv" in caplog.text
