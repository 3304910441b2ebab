"""Landed files become raw rows, each file once, with a ledger that says what became of it."""

import gzip

import pytest

from jobs.cli.notices import collected
from jobs.errors import StepFailed
from jobs.ingest import load
from jobs.ingest.landing.patterns import glob_expression
from jobs.ingest.ledger import file_id
from tests.killed import killed_after

HEADER = "id,updated,email,name,born\n"


def rows(lake, name, *columns):
    return sorted(map(tuple, (row.values() for row in lake.arrow(name, columns=list(columns)).to_pylist())), key=str)


def states(lake):
    return {row["path"]: (row["state"], row["rows_in"]) for row in lake.arrow("ops/files").to_pylist()}


def test_each_record_is_kept_as_received_with_file_line_and_arrival_day(company, land, company_lake, day):
    land("crm/2024-05-01/contacts.csv", HEADER + "1, 2024-05-01,A@b.example,Ann,\n")
    assert load.run("crm", day("2024-05-02"), company) == {
        "pulled": 0,
        "files": 1,
        "loaded": 1,
        "repeated": 0,
        "set_aside": 0,
        "unclaimed": 0,
        "events": 0,
        "rows_in": 1,
    }
    (row,) = company_lake.arrow("raw/crm_contacts").to_pylist()
    assert row["record"] == '{"id":"1","updated":" 2024-05-01","email":"A@b.example","name":"Ann","born":""}'
    assert (row["source"], row["line"], row["arrived"]) == ("crm", 2, day("2024-05-01"))
    (file,) = company_lake.arrow("ops/files").to_pylist()
    assert file["file_id"] == row["file_id"] == file_id("crm", "contacts", file["path"], file["sha256"])


def test_a_file_that_was_seen_is_not_loaded_again(company, land, company_lake, day):
    land("crm/2024-05-01/contacts.csv", HEADER + "1,2024-05-01,,Ann,\n")
    load.run("crm", day("2024-05-01"), company)
    versions = {name: company_lake.version(name) for name in ("raw/crm_contacts", "ops/files")}
    assert load.run("crm", day("2024-05-09"), company)["files"] == 0
    assert versions == {name: company_lake.version(name) for name in versions}


def test_a_file_with_new_content_under_its_old_name_is_loaded(company, land, company_lake, day):
    land("crm/2024-05-01/contacts.csv", HEADER + "1,2024-05-01,,Ann,\n")
    load.run("crm", day("2024-05-01"), company)
    land("crm/2024-05-01/contacts.csv", HEADER + "1,2024-05-01,,Bob,\n")
    assert load.run("crm", day("2024-05-01"), company)["loaded"] == 1
    assert company_lake.rows("raw/crm_contacts") == 2


@pytest.mark.parametrize("together", [True, False])
def test_the_same_content_under_another_name_counts_as_duplicate_rows(company, land, company_lake, day, together):
    content = HEADER + "1,2024-05-01,,Ann,\nbad\n2,2024-05-01,,Bo,\n"
    land("crm/2024-05-01/contacts.csv", content)
    if not together:
        load.run("crm", day("2024-05-01"), company)
    land("crm/2024-05-02/contacts_copy.csv", content)
    load.run("crm", day("2024-05-02"), company)
    assert states(company_lake) == {
        "crm/2024-05-01/contacts.csv": ("loaded", 3),
        "crm/2024-05-02/contacts_copy.csv": ("duplicate", 3),
    }
    assert company_lake.rows("raw/crm_contacts") == 2


def test_a_copy_of_a_broken_file_is_as_broken(company, land, company_lake, day):
    for number in (1, 2):
        land(f"crm/2024-05-0{number}/contacts.csv", "id,name\n1,Ann\n")
    load.run("crm", day("2024-05-02"), company)
    assert set(states(company_lake).values()) == {("quarantined", 1)}
    assert company_lake.rows("quarantine/rows") == 2


def test_broken_files_are_set_aside_whole_and_the_rest_of_the_day_goes_on(company, land, company_lake, day):
    whole = gzip.compress((HEADER + "1,2024-05-01,,Ann,\n" * 50).encode())
    land("crm/2024-05-01/contacts_cut.csv.gz", whole[:-12])
    land("crm/2024-05-01/contacts_code.csv", HEADER.replace("name", "naïm").encode("latin-1"))
    land("crm/2024-05-01/contacts_short.csv", "id,updated,name,born\n1,2024-05-01,Ann,\n")
    land("crm/2024-05-01/contacts_open.csv", HEADER + '1,2024-05-01,,"Ann,\n2,2024-05-01,,Bo,\n')
    land("crm/2024-05-01/contacts_good.csv", HEADER + "7,2024-05-01,,Ann,\n")
    assert load.run("crm", day("2024-05-01"), company)["set_aside"] == 4
    quarantined = {r["path"].split("_")[1]: r for r in company_lake.arrow("quarantine/rows").to_pylist()}
    assert {r["line"] for r in quarantined.values()} == {0}
    assert "cut off" in quarantined["cut.csv.gz"]["reason"]
    assert "line 1 is not utf-8" in quarantined["code.csv"]["reason"]
    assert "'email' is missing" in quarantined["short.csv"]["reason"]
    assert "never closed" in quarantined["open.csv"]["reason"]
    assert company_lake.rows("raw/crm_contacts") == 1


def test_lines_that_are_no_record_are_quarantined_alone_with_their_text(company, land, company_lake, day):
    land("crm/2024-05-01/messages.jsonl", '{"id": "m1"}\nnope\n{"id": "m2"}\n')
    load.run("crm", day("2024-05-01"), company)
    assert rows(company_lake, "raw/crm_messages", "line", "record") == [(1, '{"id": "m1"}'), (3, '{"id": "m2"}')]
    assert rows(company_lake, "quarantine/rows", "line", "rule", "record") == [(2, "record:json", "nope")]


def test_a_missing_landing_folder_is_one_message_that_names_the_place(company, tmp_path, day):
    (tmp_path / "var" / "landing" / "crm").rmdir()
    with pytest.raises(StepFailed) as error:
        load.run("crm", day("2024-05-01"), company)
    assert str(tmp_path / "var" / "landing" / "crm") in str(error.value)
    assert "\n" not in str(error.value)


def test_files_of_later_days_hidden_files_and_unfinished_uploads_wait(company, land, company_lake, day):
    content = HEADER + "1,2024-05-01,,Ann,\n"
    for path in (
        "2024-05-03/contacts.csv",
        "2024-05-01/contacts.csv.part",
        "2024-05-01/.contacts.csv",
        "x/contacts.csv",
    ):
        land(f"crm/{path}", content)
    assert load.run("crm", day("2024-05-02"), company)["files"] == 0
    assert load.run("crm", day("2024-05-03"), company)["files"] == 1


def test_a_file_that_changes_while_it_is_read_waits_for_the_next_run(company, land, company_lake, day, monkeypatch):
    target = land("crm/2024-05-01/contacts.csv", HEADER + "1,2024-05-01,,Ann,\n")
    real = load.Landing.open

    def grow_first(self, file):
        target.write_text(target.read_text() + "2,2024-05-01,,Bo,\n")
        return real(self, file)

    with monkeypatch.context() as patch:
        patch.setattr(load.Landing, "open", grow_first)
        assert load.run("crm", day("2024-05-01"), company)["files"] == 0
    assert load.run("crm", day("2024-05-01"), company)["rows_in"] == 2
    assert company_lake.rows("raw/crm_contacts") == 2


def test_files_set_aside_for_different_reasons_are_told_apart_and_those_for_one_together(company, land, day):
    for number in range(5):
        land(f"crm/2024-05-01/contacts{number}.csv", f"<html>{number}")
    land("crm/2024-05-01/contacts_old.csv", "id,nothing\n1,2\n")
    with collected() as notices:
        load.run("crm", day("2024-05-01"), company)
    told = [line for line in notices.lines() if "set aside as a whole" in line]
    assert len(told) == 2
    assert sum("HTML page" in line and "(and 4 more of this kind)" in line for line in told) == 1


def test_files_that_no_dataset_takes_are_told(company, land, day, caplog):
    land("crm/2024-05-01/kontacts.csv", HEADER)
    assert load.run("crm", day("2024-05-01"), company)["unclaimed"] == 1
    assert "2024-05-01/kontacts.csv" in caplog.text


@pytest.mark.parametrize("survived", [0, 1, 2, 3, 4])
def test_a_run_killed_after_any_commit_is_completed_by_the_next_one(company, land, company_lake, day, survived):
    land("crm/2024-05-01/contacts.csv", HEADER + "1,2024-05-01,,Ann,\nbad\n")
    land("crm/2024-05-02/contacts.csv", HEADER + "1,2024-05-01,,Ann,\nbad\n")
    land("crm/2024-05-02/messages.jsonl", '{"id": "m1"}\nnope\n')
    with killed_after(survived):
        load.run("crm", day("2024-05-02"), company)
    load.run("crm", day("2024-05-02"), company)
    assert states(company_lake) == {
        "crm/2024-05-01/contacts.csv": ("loaded", 2),
        "crm/2024-05-02/contacts.csv": ("duplicate", 2),
        "crm/2024-05-02/messages.jsonl": ("loaded", 2),
    }
    assert company_lake.rows("raw/crm_contacts") == company_lake.rows("raw/crm_messages") == 1
    assert rows(company_lake, "quarantine/rows", "line", "rule") == [(2, "record:json"), (3, "record:fields")]


def test_a_file_larger_than_memory_allows_is_read_in_parts(company, land, company_lake, day, monkeypatch):
    from jobs.ingest import new_files, raw_rows
    from jobs.ingest.formats import content, csv_files

    for module in (content, new_files):
        monkeypatch.setattr(module, "IN_MEMORY", 2000)
    monkeypatch.setattr(csv_files, "BLOCK", 1000)
    monkeypatch.setattr(raw_rows, "RAW_BATCH", 50)
    lines = "".join(f"{number},2024-05-01,,name {number},\n" for number in range(500))
    land("crm/2024-05-01/contacts.csv.gz", gzip.compress((HEADER + lines).encode()))
    load.run("crm", day("2024-05-01"), company)
    assert sorted(line for (line,) in rows(company_lake, "raw/crm_contacts", "line")) == list(range(2, 502))


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("{day}/a*.csv", "2024-05-01/abc.csv", True),
        ("{day}/a*.csv", "2024-05-01/sub/abc.csv", False),
        ("{day}/**/a*.csv", "2024-05-01/sub/deep/abc.csv", True),
        ("{day}/**/a*.csv", "2024-05-01/abc.csv", True),
        ("{day}/x_{day}.csv", "2024-05-01/x_2024-05-01.csv", True),
        ("{day}/x_{day}.csv", "2024-05-01/x_2024-05-02.csv", False),
        ("a?.csv", "ab.csv", True),
        ("a.csv", "axcsv", False),
    ],
)
def test_patterns_of_files(pattern, path, matches):
    assert bool(glob_expression(pattern).fullmatch(path)) is matches
