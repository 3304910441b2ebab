"""Rows in quarantine are tried again: each lands exactly once, and what became of it is told."""

import contextlib
import csv
import dataclasses
import datetime as dt
import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hypothesis
import pyarrow.compute as pc
import pytest
from hypothesis import strategies as st

from jobs.config.yaml_files import ConfigError
from jobs.errors import DataStopped, RowsRefused, StepFailed
from jobs.identity import identity
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.profiles import customers
from jobs.report import proofs
from jobs.validate import step
from jobs.validate.quarantine import Selection, select
from jobs.validate.replay import replay
from jobs.validate.replay.corrections import corrected as corrected_records
from jobs.validate.replay.corrections import export
from tests.killed import killed_before_each
from tests.validate.crm_files import ann, contacts, counts, quarantined

pytestmark = pytest.mark.slow(minutes=1.5)

FIRST = "2024-05-01"


@pytest.fixture
def run(company, day):
    """Load and validate a day; the configuration of the dataset may be changed first."""

    def call(text=FIRST, settings=company):
        load.run("crm", day(text), settings)
        return step.run("crm", day(text), settings)

    return call


@pytest.fixture
def again(company):
    """Replay a selection, with the company's or a corrected configuration."""

    def call(settings=company, corrections=None, decision=None, dry_run=False, **selection):
        return replay.run(Selection(**selection), settings, "ann", corrections, decision, dry_run)

    return call


@pytest.fixture
def corrected(company):
    """The company with another configuration of its contacts."""

    def change(**dataset):
        source = company.sources["crm"]
        contacts_ = source.datasets["contacts"]
        columns = contacts_.columns | {
            name: type(contacts_.columns["email"]).model_validate({"from": text})
            for name, text in dataset.pop("columns", {}).items()
        }
        form = contacts_.format.model_copy(update=dataset.pop("format", {}))
        changed = contacts_.model_copy(update={"columns": columns, "format": form, **dataset})
        new = source.model_copy(update={"datasets": source.datasets | {"contacts": changed}})
        return dataclasses.replace(company, sources=company.sources | {"crm": new})

    return change


def valid(lake):
    """(contact, line, arrived) of each valid row."""
    rows = lake.arrow("valid/contacts", columns=["contact_id", "line", "arrived"]).to_pylist()
    return sorted((row["contact_id"], row["line"], str(row["arrived"])) for row in rows)


def history(lake):
    """(line, attempt, outcome) of each row that was tried."""
    rows = lake.arrow("quarantine/replays").to_pylist()
    return sorted((row["line"], row["attempt"], row["outcome"]) for row in rows)


def still_open(lake):
    return select(lake, Selection())["line"].to_pylist()


def test_rows_land_with_their_own_lineage_after_the_expression_was_corrected(land, run, again, corrected, company_lake):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1), ann(2, "01/05/2024"), ann(3, "02/05/2024")))
    run()
    assert valid(company_lake) == [("1", 2, FIRST)]
    fixed = corrected(columns={"updated_at": "coalesce(to_timestamp(updated, 'dd/MM/yyyy'), to_timestamp(updated))"})

    found = again(fixed)

    assert found.counts() == {"tried": 2, "accepted": 2, "duplicates": 0, "refused": 0}
    assert valid(company_lake) == [("1", 2, FIRST), ("2", 3, FIRST), ("3", 4, FIRST)]
    assert history(company_lake) == [(3, 1, "accepted"), (4, 1, "accepted")]
    assert company_lake.rows("quarantine/rows") == 2
    assert still_open(company_lake) == []
    found.refuse()


def test_a_row_that_still_breaks_a_rule_is_refused_with_the_reason_and_stays_open(land, run, again, company_lake):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1), ann(2, "never")))
    run()
    found = again()
    assert found.counts() == {"tried": 1, "accepted": 0, "duplicates": 0, "refused": 1}
    with pytest.raises(RowsRefused, match=r"1 of 1 rows were refused again: 1 x updated_at:"):
        found.refuse()
    assert still_open(company_lake) == [3]
    again()
    assert history(company_lake) == [(3, 1, "refused"), (3, 2, "refused")]


def test_a_row_whose_key_was_accepted_meanwhile_is_a_duplicate(land, run, again, corrected, company_lake):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1, "01/05/2024"), ann(2)))
    run()
    land("crm/2024-05-02/contacts.csv", contacts(ann(1, "2024-05-01")))
    run("2024-05-02")
    fixed = corrected(columns={"updated_at": "coalesce(to_timestamp(updated, 'dd/MM/yyyy'), to_timestamp(updated))"})
    assert again(fixed).counts() == {"tried": 1, "accepted": 0, "duplicates": 1, "refused": 0}
    assert valid(company_lake) == [("1", 2, "2024-05-02"), ("2", 3, FIRST)]
    assert still_open(company_lake) == []


DUTCH = {"updated_at": "coalesce(to_timestamp(updated, 'dd/MM/yyyy'), to_timestamp(updated))"}


def test_a_dry_run_tells_what_would_happen_and_changes_nothing(land, run, again, corrected, company_lake):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1, "01/05/2024"), ann(1, "01/05/2024"), ann(""), ann(2)))
    land("crm/2024-05-01/contacts_b.csv", "id;updated;email;name;born\n5;2024-05-01;;Eve;\n")
    run()
    before = company_lake.version("valid/contacts"), company_lake.version("ops/counts")
    found = again(corrected(columns=DUTCH), dry_run=True)
    assert found.counts() == {"tried": 4, "accepted": 1, "duplicates": 1, "refused": 2}
    with pytest.raises(RowsRefused, match="2 of 4 rows would be refused"):
        found.refuse()
    assert (company_lake.version("valid/contacts"), company_lake.version("ops/counts")) == before
    assert not company_lake.exists("quarantine/replays")


@pytest.mark.parametrize(
    ("selection", "lines"),
    [
        ({}, [2, 3, 2, 2]),
        ({"rule": "contact_id:not_null"}, [2, 2]),
        ({"path": "contacts_b"}, [2]),
        ({"day": "2024-05-02"}, [2]),
        ({"source": "crm", "dataset": "contacts", "rule": "updated_at:type", "day": "2024-05-01"}, [3]),
        ({"rows": ("2024-05-01/contacts.csv:3", "contacts_b.csv:2")}, [3, 2]),
        ({"rows": ("contacts.csv:9",)}, []),
        ({"source": "erp"}, []),
    ],
)
def test_rows_are_selected_by_rule_file_day_and_row(land, run, company_lake, day, selection, lines):
    land("crm/2024-05-01/contacts.csv", contacts(ann(""), ann(2, "never"), ann(3)))
    land("crm/2024-05-01/contacts_b.csv", contacts(ann("")))
    land("crm/2024-05-02/contacts.csv", contacts(ann(4, "never")))
    run("2024-05-02")
    if "day" in selection:
        selection["day"] = day(selection["day"])
    assert select(company_lake, Selection(**selection))["line"].to_pylist() == lines


INCHES = ("2", "2024-05-01", "", '"Bo" x', "")
"""A row that is no record as long as a quote begins a quoted field."""


def test_a_line_that_was_no_record_is_read_again_from_its_file(land, run, again, corrected, company_lake):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1), INCHES, ("torn",), ann(3)))
    run()
    assert [line for line, rule in quarantined(company_lake) if rule.startswith("record:")] == [3, 4]
    found = again(corrected(format={"quote": ""}))
    assert found.counts() == {"tried": 2, "accepted": 1, "duplicates": 0, "refused": 1}
    assert "the header has 5 fields, this line 1" in found.refusals()[0]["reason"]
    assert valid(company_lake) == [("1", 2, FIRST), ("2", 3, FIRST), ("3", 5, FIRST)]
    assert sorted(company_lake.arrow("raw/crm_contacts")["line"].to_pylist()) == [2, 3, 5]


def test_a_line_of_a_file_that_is_gone_is_read_from_what_quarantine_kept(land, run, again, corrected, company_lake):
    file = land("crm/2024-05-01/contacts.csv", contacts(ann(1), INCHES, ("torn",)))
    run()
    file.unlink()
    found = again(corrected(format={"quote": ""}))
    assert found.counts() == {"tried": 2, "accepted": 1, "duplicates": 0, "refused": 1}
    assert valid(company_lake) == [("1", 2, FIRST), ("2", 3, FIRST)]
    assert "the file is no longer where it landed" in found.refusals()[0]["reason"]
    assert "the line alone" in found.refusals()[0]["reason"]


def test_a_whole_file_is_loaded_after_its_delimiter_was_corrected_and_only_its_bad_rows_stay(
    land, run, again, corrected, company_lake
):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1)))
    text = contacts(ann(2), ann(""), ann(3), ann(3)).replace(",", ";")
    land("crm/2024-05-01/contacts_b.csv", text)
    run()
    assert counts(company_lake)["2024-05-01/contacts_b.csv"] == (1, 0, 1, 0)
    found = again(corrected(format={"delimiter": ";"}))
    assert found.counts() == {"tried": 1, "accepted": 1, "duplicates": 0, "refused": 0}
    assert counts(company_lake)["2024-05-01/contacts_b.csv"] == (4, 2, 1, 1)
    assert valid(company_lake) == [("1", 2, FIRST), ("2", 2, FIRST), ("3", 4, FIRST)]
    (entry,) = (e for e in company_lake.arrow("ops/files").to_pylist() if "_b" in e["path"])
    assert (entry["state"], entry["reason"], entry["rows_in"]) == ("loaded", None, 4)
    assert still_open(company_lake) == [3]
    with pytest.raises(RowsRefused, match=r"contacts_b.csv was read, 1 of its 4 rows are set aside"):
        found.refuse()


def test_a_file_that_is_gone_or_changed_cannot_be_read_again_and_the_message_says_so(
    land, run, again, corrected, company_lake
):
    gone = land("crm/2024-05-01/contacts.csv", "id;updated\n1;2\n")
    changed = land("crm/2024-05-01/contacts_b.csv", "id;updated\n1;3\n")
    run()
    gone.unlink()
    changed.write_text("id;updated\n1;4\n")
    found = again(corrected(format={"delimiter": ";"}))
    assert found.counts()["refused"] == 2
    assert [row["rows"] for row in found.refusals()] == [2]
    assert "the file is no longer where it landed, or holds something else" in found.refusals()[0]["reason"]


def test_dropped_rows_are_closed_with_the_reason_and_are_not_tried_again(land, run, again, company, company_lake):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1), ann(""), ann(2, "never")))
    run()
    assert replay.drop(Selection(rule="contact_id:not_null"), "test rows of the vendor", "ann", company) == 1
    assert still_open(company_lake) == [4]
    assert again().counts()["tried"] == 1
    (dropped,) = (r for r in company_lake.arrow("quarantine/replays").to_pylist() if r["outcome"] == "dropped")
    assert (dropped["line"], dropped["reason"], dropped["by"]) == (3, "test rows of the vendor", "ann")
    assert company_lake.rows("quarantine/rows") == 2


@pytest.fixture
def stopped(land, run):
    """A day on which 30 of 71 contacts have no id; the others would be fine."""
    land("crm/2024-05-01/contacts.csv", contacts(*[ann("", name="Bo")] * 30, *(ann(n) for n in range(40)), ann(7, "x")))
    with pytest.raises(DataStopped, match="contact_id:not_null"):
        run()


def test_a_stopped_batch_is_refused_again_as_long_as_its_suite_fails(stopped, run, again, company_lake):
    found = again(source="crm", dataset="contacts")
    assert found.counts() == {"tried": 71, "accepted": 0, "duplicates": 0, "refused": 71}
    with pytest.raises(RowsRefused, match="71 of 71 rows were refused again: 71 x the batch is stopped by contact_id"):
        found.refuse()
    assert not company_lake.exists("valid/contacts")
    with pytest.raises(DataStopped, match=r"crm.contacts is stopped by contact_id:not_null: 30 of 71 rows"):
        run()


def test_a_stopped_batch_is_published_after_the_fix_and_its_day_goes_green(
    stopped, run, again, corrected, company_lake
):
    found = again(corrected(columns={"contact_id": "coalesce(nullif(id, ''), name)"}))
    assert found.counts() == {"tried": 71, "accepted": 41, "duplicates": 29, "refused": 1}
    assert company_lake.rows("valid/contacts") == 41
    assert run()["rows_in"] == 0
    assert still_open(company_lake) == [72]
    verdicts = company_lake.arrow("ops/validations").to_pylist()
    found = sorted((v["attempt"], v["success"]) for v in verdicts if v["expectation"] == "contact_id:not_null")
    assert found == [(1, False), (2, True)]


def test_a_person_may_let_a_stopped_batch_pass_and_that_is_recorded(stopped, run, again, company_lake):
    decision = replay.Decision(("contact_id:not_null",), "the till has no ids on Sundays", "ann")
    found = again(decision=decision)
    assert found.counts() == {"tried": 71, "accepted": 40, "duplicates": 0, "refused": 31}
    assert run()["rows_in"] == 0
    words = "accepted in spite of contact_id:not_null by ann: the till has no ids on Sundays"
    (verdict,) = (
        v
        for v in company_lake.arrow("ops/validations").to_pylist()
        if v["expectation"] == "contact_id:not_null" and v["attempt"] == 2
    )
    assert (verdict["severity"], verdict["success"]) == ("warning", False)
    assert verdict["detail"].endswith(words)
    reasons = {r["reason"] for r in company_lake.arrow("quarantine/replays").to_pylist() if r["outcome"] == "accepted"}
    assert reasons == {words}


def test_half_of_a_stopped_batch_cannot_be_replayed(stopped, again, corrected, company_lake):
    fixed = corrected(columns={"contact_id": "coalesce(nullif(id, ''), name)"})
    found = again(fixed, rule="contact_id:not_null")
    assert found.counts()["refused"] == 30
    (refusal,) = found.refusals()
    assert "klantreis quarantine replay --source crm --dataset contacts --day 2024-05-01" in refusal["reason"]
    assert not company_lake.exists("valid/contacts")


def test_a_stop_is_settled_when_its_rows_are_dropped(stopped, run, company):
    replay.drop(Selection(source="crm"), "a delivery for tests", "ann", company)
    assert run()["rows_in"] == 0


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_rows_corrected_in_a_file_land_and_the_correction_is_kept_beside_the_original(
    land, run, again, company_lake, tmp_path, kind
):
    rows = [
        ann(1),
        ann("", email="=cmd@b.example", name="+Bo"),
        ann(3, "never", name="-Cé"),
        ("4", "2024-05-01"),
        ann(""),
    ]
    land("crm/2024-05-01/contacts.csv", contacts(*rows))
    run()
    file = tmp_path / f"rows.{kind}"
    assert export(select(company_lake, Selection()), file, ["id", "updated", "name"]) == 4
    text = file.read_text(encoding="utf-8")
    if kind == "csv":
        cells = list(csv.DictReader(text.splitlines()))
        assert (cells[0]["email"], cells[0]["name"], cells[1]["name"]) == ("'=cmd@b.example", "'+Bo", "'-Cé")
        cells[0]["id"], cells[0]["email"] = "2", ""
        cells[1]["updated"] = "2024-05-01"
        cells[2] |= {"id": "4", "updated": "2024-05-01", "name": "Dirk"}
        with file.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, cells[0])
            writer.writeheader()
            writer.writerows(cells[:3])
    else:
        lines = [json.loads(line) for line in text.splitlines()]
        lines[0]["record"] |= {"id": "2", "email": ""}
        lines[1]["record"]["updated"] = "2024-05-01"
        lines[2]["record"] = {"id": "4", "updated": "2024-05-01", "name": "Dirk"}
        file.write_text("\n".join(json.dumps(line) for line in lines[:3]))

    found = again(corrections=corrected_records(file, select(company_lake, Selection())))

    assert found.counts() == {"tried": 3, "accepted": 3, "duplicates": 0, "refused": 0}
    rows = company_lake.arrow("valid/contacts").to_pylist()
    found = sorted((row["contact_id"], row["line"], row["first_name"], row["email"]) for row in rows)
    assert found == [("1", 2, "Ann", None), ("2", 3, "+Bo", None), ("3", 4, "-Cé", None), ("4", 5, "Dirk", None)]
    replays = {row["line"]: row for row in company_lake.arrow("quarantine/replays").to_pylist()}
    assert replays[4]["corrected"]
    assert json.loads(replays[4]["record"])["updated"] == "2024-05-01"
    originals = {row["line"]: row["record"] for row in company_lake.arrow("quarantine/rows").to_pylist()}
    assert json.loads(originals[4])["updated"] == "never"
    assert still_open(company_lake) == [6]


def test_values_that_nobody_touched_come_back_exactly(land, run, company, company_lake, tmp_path):
    record = '{"id": "m1", "talk": {"by": ["x", 1.50]}, "at": "=1+1", "n": 12345678901234567890, "e": "", "z": null}'
    land("crm/2024-05-01/messages.jsonl", record + "\n")
    run()
    rows = select(company_lake, Selection())
    for kind in ("csv", "jsonl"):
        file = tmp_path / f"rows.{kind}"
        export(rows, file)
        (back,) = corrected_records(file, rows)["record"].to_pylist()
        assert json.loads(back) == json.loads(record)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: text.replace('"3"', '"7"'), r"rows.csv:2: row 7 of file .* is not open in quarantine"),
        (lambda text: text + text.splitlines()[1] + "\n", r"rows.csv:3: row 3 of file .* is there twice"),
        (lambda text: text.replace("_line", "line"), r"rows.csv:2: has no _file_id or _line"),
        (lambda text: text + '"x"\n', r"rows.csv:3: has another number of fields than the header"),
        (lambda text: text + '"x" y,"\n', r"rows.csv:2: not readable as CSV"),
    ],
)
def test_a_corrected_file_that_cannot_be_right_is_refused_with_its_line(
    land, run, company_lake, tmp_path, change, problem
):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1), ann("")))
    run()
    rows, file = select(company_lake, Selection()), tmp_path / "rows.csv"
    export(rows, file)
    file.write_text(change(file.read_text()))
    with pytest.raises(ConfigError, match=problem):
        corrected_records(file, rows)


WRITES = ("append", "upsert", "delete")


def test_a_replay_killed_before_any_commit_is_completed_by_repeating_it(
    land, run, again, corrected, company, company_lake, tmp_path
):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1), ann(2, "01/05/2024"), ann(2, "01/05/2024"), INCHES, ann("")))
    land("crm/2024-05-01/contacts_b.csv", contacts(ann(5), ann(6, "01/05/2024"), ann(""), ann(1)).replace(",", ";"))
    run()
    by_file = corrected(format={"delimiter": ";", "quote": ""}, columns=DUTCH)
    by_row = corrected(format={"quote": ""}, columns=DUTCH)

    def both(lake):
        general = company.general.model_copy(update={"lake": str(lake)})
        again(dataclasses.replace(by_row, general=general), path="contacts.csv")
        again(dataclasses.replace(by_file, general=general), path="contacts_b.csv")

    with killed_before_each(tmp_path, *WRITES) as left:
        both(company_lake.root)
    assert len(left) == 11
    for folder in left:
        both(folder)
        lake = Lake(str(folder))
        assert valid(lake) == [("1", 2, FIRST), ("2", 3, FIRST), ("5", 2, FIRST), ("6", 3, FIRST)], folder
        outcomes = [(row["path"][-14:], row["line"], row["outcome"]) for row in closing(lake)]
        assert sorted(outcomes) == [
            ("1/contacts.csv", 3, "accepted"),
            ("1/contacts.csv", 4, "duplicate"),
            ("1/contacts.csv", 5, "duplicate"),
            ("contacts_b.csv", 0, "accepted"),
        ], folder
        assert counts(lake)["2024-05-01/contacts_b.csv"] == (4, 2, 1, 1), folder
        assert sorted(still_open(lake)) == [4, 6], folder


def closing(lake):
    return [row for row in lake.arrow("quarantine/replays").to_pylist() if row["outcome"] != "refused"]


def test_two_replays_at_once_settle_each_row_once(land, run, again, corrected, company_lake):
    land("crm/2024-05-01/contacts.csv", contacts(*(ann(n, "01/05/2024") for n in range(9)), ann(50)))
    land("crm/2024-05-01/contacts_b.csv", contacts(ann(60), ann(61)).replace(",", ";"))
    run()
    by_row, by_file = corrected(columns=DUTCH), corrected(format={"delimiter": ";"})
    with ThreadPoolExecutor(2) as pool:
        for settings, path in ((by_row, "contacts.csv"), (by_file, "contacts_b.csv")):
            for done in [pool.submit(again, settings, path=path) for _ in range(2)]:
                done.result()
    assert company_lake.rows("valid/contacts") == 12
    assert sorted(row["line"] for row in closing(company_lake)) == [0, *range(2, 11)]
    assert still_open(company_lake) == []
    assert counts(company_lake)["2024-05-01/contacts_b.csv"] == (2, 2, 0, 0)


REPLAYED = st.tuples(
    st.lists(
        st.one_of(
            st.builds(ann, st.integers(1, 4), st.sampled_from(["2024-05-01", "02/05/2024"])),
            st.sampled_from([INCHES, ("torn",), ann(""), ann(9, "never")]),
        ),
        min_size=2,
        max_size=5,
    ),
    st.sampled_from([",", ";"]),
)
"""Rows of a file, and what is between its fields."""


@hypothesis.settings(max_examples=4, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(st.lists(REPLAYED, min_size=2, max_size=3), st.sampled_from([None, "contact_id:not_null"]))
def test_whatever_was_set_aside_and_replayed_every_row_is_accounted_for_and_the_report_agrees(
    company, corrected, files, dropped
):
    by_row = corrected(format={"quote": ""}, columns=DUTCH)
    by_file = corrected(format={"quote": "", "delimiter": ";"}, columns=DUTCH)
    with tempfile.TemporaryDirectory() as folder:
        general = company.general.model_copy(update={"landing": f"{folder}/landing", "lake": f"{folder}/lake"})
        place = lambda settings: dataclasses.replace(settings, general=general)  # noqa: E731
        for number, (rows, delimiter) in enumerate(files):
            target = Path(folder, "landing", "crm", FIRST, f"contacts{number}.csv")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(contacts(*rows).replace(",", delimiter))
        load.run("crm", dt.date.fromisoformat(FIRST), place(company))
        step.run("crm", dt.date.fromisoformat(FIRST), place(company))
        lake = Lake.of(place(company))
        before = lake.rows("quarantine/rows")
        replay.run(Selection(), place(by_row), "ann")
        replay.run(Selection(rule="file:broken"), place(by_file), "ann")
        replay.run(Selection(rule="file:columns"), place(by_file), "ann")
        replay.run(Selection(), place(by_row), "ann")
        if dropped:
            replay.drop(Selection(rule=dropped), "for good", "ann", place(company))
        assert proofs.problems(place(company)) == []
        assert lake.rows("quarantine/rows") >= before
        good = {row[0] for rows, _ in files for row in rows if row[0] in ("1", "2", "3", "4")}
        assert {row["contact_id"] for row in lake.arrow("valid/contacts").to_pylist()} == good


def test_the_gate_at_the_end_of_a_replay_finds_a_row_that_was_lost_or_is_there_twice(
    land, run, again, corrected, company_lake, day
):
    land("crm/2024-05-01/contacts.csv", contacts(ann(1), ann(2), ann(3, "01/05/2024")))
    run()
    rows = company_lake.arrow("valid/contacts")
    lost = rows.filter(pc.equal(rows["contact_id"], "2")).select(["contact_id"])
    company_lake.delete("valid/contacts", lost, company_lake.transaction("test", day(FIRST)))
    with pytest.raises(
        StepFailed, match=r"contacts.csv: after the replay its 3 rows do not add up: 3 were accepted and 2"
    ):
        again(corrected(columns=DUTCH))


@pytest.mark.parametrize("fix", ["rule and file", "stopped batch"])
def test_tables_after_a_replay_are_those_of_a_company_that_was_right_from_the_start(
    land, company, corrected, day, tmp_path, fix
):
    """Bad on the day they arrived, corrected days later; against a lake that never saw anything bad."""
    late = [ann(n, "01/05/2024", email=f"c{n}@b.example") for n in range(2 if fix == "rule and file" else 40)]
    land("crm/2024-05-01/contacts.csv", contacts(ann(90, email="c1@b.example"), *late))
    land("crm/2024-05-01/contacts_b.csv", contacts(ann(70), INCHES, ann(71, "02/05/2024", email="c0@b.example")))
    land("crm/2024-05-02/contacts.csv", contacts(ann(1, "2024-05-02", name="Anna"), ann(90, "2024-05-02")))
    right = corrected(format={"quote": ""}, columns=DUTCH)
    days = [day("2024-05-01"), day("2024-05-02")]
    hashes = []
    for name, settings in (("right", right), ("wrong", company)):
        mine = dataclasses.replace(settings, general=settings.general.model_copy(update={"lake": str(tmp_path / name)}))
        for one in days:
            load.run("crm", one, mine)
            with contextlib.suppress(DataStopped):
                step.run("crm", one, mine)
        if name == "wrong":
            mine = dataclasses.replace(right, general=mine.general)
            assert Lake.of(mine).rows("valid/contacts") < 5
            replay.run(Selection(), mine, "ann").refuse()
            for one in days:
                assert step.run("crm", one, mine)["rows_in"] == 0
        identity.run(days[-1], mine)
        customers.run(days[-1], mine)
        lake = Lake.of(mine)
        tables = ["valid/contacts", "raw/crm_contacts", "identity/map", "profiles/customers", "profiles/consent"]
        hashes.append({table: lake.content_hash(table) for table in tables})
        assert lake.rows("profiles/customers") > 0
    assert hashes[0] == hashes[1]
