"""What happens to landed files is told once, in ops/file_events; files that are not complete wait."""

import datetime as dt
import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.ingest import load
from jobs.ingest.landing import places
from jobs.ingest.landing.landing import Landing
from jobs.ingest.landing.places import Folder
from jobs.lake.lake import Lake
from tests.ingest.crm_company import CONTACTS

HEADER = "id,updated,email,name,born\n"
ANN, BOB = HEADER + "1,2024-05-01,,Ann,\n", HEADER + "1,2024-05-01,,Bob,\n"


@pytest.fixture
def run(company, day):
    return lambda on, given=None: load.run("crm", day(on), given or company)


def events(lake, *columns):
    columns = columns or ("day", "path", "event")
    rows = lake.arrow("ops/file_events").to_pylist()
    found = sorted(tuple(str(row[column]).removeprefix("crm/") for column in columns) for row in rows)
    return found[0] if len(found) == 1 else found


def ready(**rule):
    """The configuration with a rule for when contacts are complete."""
    contacts = {**CONTACTS["datasets"]["contacts"], "ready": rule}
    return {"sources/crm.yaml": {**CONTACTS, "datasets": {**CONTACTS["datasets"], "contacts": contacts}}}


def test_new_content_under_an_old_name_replaced_it(land, company_lake, run):
    land("crm/2024-05-01/contacts.csv", ANN)
    run("2024-05-01")
    land("crm/2024-05-01/contacts.csv", BOB)
    assert run("2024-05-02")["events"] == 1
    assert events(company_lake) == ("2024-05-02", "2024-05-01/contacts.csv", "replaced")
    assert company_lake.rows("raw/crm_contacts") == 2


def test_old_content_under_a_new_name_is_repeated(land, company_lake, run):
    land("crm/2024-05-01/contacts.csv", ANN)
    land("crm/2024-05-02/contacts_again.csv", ANN)
    run("2024-05-02")
    assert events(company_lake) == ("2024-05-02", "2024-05-02/contacts_again.csv", "repeated")
    assert company_lake.arrow("ops/file_events")["detail"].to_pylist() == [
        "same content as crm/2024-05-01/contacts.csv; not loaded again"
    ]


def states(lake):
    """What became of each file, in the order they arrived."""
    rows = lake.arrow("ops/files").to_pylist()
    return [row["state"] for row in sorted(rows, key=lambda row: (row["arrived"], row["path"], row["modified"]))]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_list_that_is_back_in_an_old_state_is_loaded_and_the_newest_again_is_repeated(
    land, company_lake, run, at_once
):
    for number, text in enumerate([ANN, ANN, BOB, BOB, ANN, ANN, BOB], 1):
        land(f"crm/2024-05-0{number}/contacts_2024050{number}.csv", text)
        if not at_once:
            run(f"2024-05-0{number}")
            run(f"2024-05-0{number}")
    run("2024-05-07")
    loaded, repeated = "loaded", "duplicate"
    assert states(company_lake) == [loaded, repeated, loaded, repeated, loaded, repeated, loaded]
    assert company_lake.rows("raw/crm_contacts") == 4


def test_a_file_that_is_written_over_and_back_is_loaded_each_time(land, company_lake, run):
    for number, text in enumerate([ANN, BOB, ANN, ANN, BOB, ANN], 1):
        aged(land("crm/2024-05-01/contacts.csv", text), 100 - number)
        run(f"2024-05-0{number}")
        run(f"2024-05-0{number}")
    assert states(company_lake) == ["loaded"] * 5
    assert company_lake.rows("raw/crm_contacts") == 5


def test_another_list_in_between_makes_no_return_of_a_list(land, company_lake, run):
    land("crm/2024-05-01/contacts_nl.csv", ANN)
    land("crm/2024-05-02/contacts_be.csv", BOB)
    land("crm/2024-05-03/contacts_nl.csv", ANN)
    run("2024-05-03")
    assert states(company_lake) == ["loaded", "loaded", "duplicate"]


def test_what_happened_comes_once_whatever_came_in_between(land, settings, day):
    columns = {"event_id": "id", "occurred_at": "updated", "type": "name"}
    events = {"files": "{day}/contacts*.csv", "columns": columns}
    company = settings({"sources/crm.yaml": {**CONTACTS, "datasets": {"events": events}}})
    for number, text in enumerate([ANN, BOB, ANN], 1):
        land(f"crm/2024-05-0{number}/contacts.csv", text)
    load.run("crm", day("2024-05-03"), company)
    assert states(Lake.of(company)) == ["loaded", "loaded", "duplicate"]


def test_a_file_for_a_day_before_one_that_was_loaded_is_late(land, company_lake, run):
    land("crm/2024-05-02/contacts.csv", ANN)
    land("crm/2024-05-01/contacts_first.csv", HEADER)
    run("2024-05-02")
    land("crm/2024-05-01/contacts.csv", BOB)
    run("2024-05-09")
    assert events(company_lake) == ("2024-05-09", "2024-05-01/contacts.csv", "late")
    assert company_lake.rows("raw/crm_contacts") == 2


def test_a_loaded_file_that_is_gone_is_withdrawn_once_and_returned_once(land, company_lake, run):
    target = land("crm/2024-05-01/contacts.csv", ANN)
    run("2024-05-01")
    for path, on in ((False, "02"), (False, "03"), (True, "04"), (True, "05"), (False, "06")):
        if path:
            land("crm/2024-05-01/contacts.csv", ANN)
        else:
            target.unlink(missing_ok=True)
        run(f"2024-05-{on}")
        run(f"2024-05-{on}")
    assert events(company_lake, "day", "event") == [
        ("2024-05-02", "withdrawn"),
        ("2024-05-04", "returned"),
        ("2024-05-06", "withdrawn"),
    ]
    assert company_lake.rows("raw/crm_contacts") == 1


def test_an_upload_is_unfinished_until_it_has_its_final_name(land, company_lake, run):
    draft = land("crm/2024-05-01/contacts.csv.part", ANN)
    land("crm/2024-05-01/.notes.part", "not of any dataset")
    run("2024-05-01")
    assert events(company_lake) == ("2024-05-01", "2024-05-01/contacts.csv.part", "unfinished")
    run("2024-05-02")
    draft.rename(draft.with_suffix(""))
    assert run("2024-05-03")["loaded"] == 1
    assert events(company_lake, "day", "event") == [("2024-05-01", "unfinished"), ("2024-05-02", "unfinished")]


@pytest.mark.parametrize(("marker", "name"), [("{file}.done", "contacts.csv.done"), ("{folder}/_SUCCESS", "_SUCCESS")])
def test_a_file_waits_for_its_marker(settings, land, company_lake, run, marker, name):
    waiting = settings(ready(marker=marker))
    land("crm/2024-05-01/contacts.csv", ANN)
    land(f"crm/2024-05-02/{name}", "")
    assert run("2024-05-02", waiting)["files"] == 0
    assert events(company_lake, "path", "event") == ("2024-05-01/contacts.csv", "unfinished")
    land(f"crm/2024-05-01/{name}", "")
    result = run("2024-05-02", waiting)
    assert (result["loaded"], result["files"], result["unclaimed"]) == (1, 1, 0)


def test_a_file_waits_until_it_is_quiet(settings, land, company_lake, run):
    waiting = settings(ready(quiet_seconds=3600))
    target = land("crm/2024-05-01/contacts.csv", ANN)
    assert run("2024-05-01", waiting)["files"] == 0
    os.utime(target, (time.time() - 3601,) * 2)
    assert run("2024-05-01", waiting)["loaded"] == 1


def test_a_file_that_grows_while_it_is_hashed_waits(land, company_lake, run, monkeypatch):
    target = land("crm/2024-05-01/contacts.csv", ANN)
    real = Landing.fingerprint

    def grow_first(self, file):
        target.write_text(ANN + "2,2024-05-01,,Bo,\n")
        return real(self, file)

    with monkeypatch.context() as patch:
        patch.setattr(Landing, "fingerprint", grow_first)
        assert run("2024-05-01")["files"] == 0
    assert events(company_lake, "event", "sha256") == ("unfinished", "")
    assert run("2024-05-01")["rows_in"] == 2


def test_nothing_is_told_twice_by_runs_of_other_days_or_killed_runs(land, company_lake, run, monkeypatch):
    land("crm/2024-05-02/contacts.csv", ANN)
    run("2024-05-02")
    land("crm/2024-05-02/contacts.csv", BOB)
    land("crm/2024-05-01/contacts_copy.csv", ANN)
    real = Lake.append

    def killed_before_the_ledger(self, name, data, txn):
        if name == "ops/files":
            raise KeyboardInterrupt
        return real(self, name, data, txn)

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "append", killed_before_the_ledger)
        with pytest.raises(KeyboardInterrupt):
            run("2024-05-02")
    told = events(company_lake)
    assert [event for _, _, event in told] == ["late", "repeated", "replaced"]
    run("2024-05-03")
    run("2024-05-03")
    assert events(company_lake) == told


def aged(path, seconds=10):
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_known_file_is_not_opened_again_unless_its_size_or_moment_changed(land, company_lake, run, monkeypatch):
    target = land("crm/2024-05-01/contacts.csv", ANN)
    aged(target)
    run("2024-05-01")
    opened, real = [], Folder.open

    def counted(self, file):
        opened.append(file.path)
        return real(self, file)

    monkeypatch.setattr(Folder, "open", counted)
    run("2024-05-02")
    assert opened == []
    aged(target, 20)
    assert run("2024-05-03")["files"] == 0
    assert opened == ["2024-05-01/contacts.csv"]
    land("crm/2024-05-01/contacts.csv", BOB)
    aged(target)
    assert run("2024-05-04")["loaded"] == 1


def test_a_file_written_just_now_is_hashed_again_since_its_moment_cannot_tell_a_change(
    land, company_lake, run, monkeypatch
):
    """File systems count time in steps: a second write within one step, of the same size, keeps the moment."""
    monkeypatch.setattr(places, "AT_REST", 10**18)  # just now, however long this machine takes
    target = land("crm/2024-05-01/contacts.csv", ANN)
    moment = target.stat().st_mtime_ns
    run("2024-05-01")
    land("crm/2024-05-01/contacts.csv", BOB)
    os.utime(target, ns=(moment, moment))
    assert run("2024-05-01")["loaded"] == 1


@pytest.mark.slow
def test_an_unchanged_day_of_thousands_of_files_opens_none_of_them(land, company_lake, run, monkeypatch):
    for number in range(3600):
        aged(land(f"crm/2024-05-01/contacts{number}.csv", f"{HEADER}{number},2024-05-01,,Ann,\n"))
    assert run("2024-05-01")["loaded"] == 3600
    monkeypatch.setattr(places.Folder, "open", None)
    assert run("2024-05-01")["files"] == 0


DELIVERY = {
    "2024-05-01/contacts_a.csv": ANN,
    "2024-05-01/contacts_b.csv": HEADER + "2,2024-05-01,,Bo,\n1,2024-05-01,,Ann,\n",
    "2024-05-02/contacts_a.csv": HEADER + "1,2024-05-02,,Anne,\n",
    "2024-05-02/contacts_copy.csv": ANN,
    "2024-05-03/contacts_c.csv": HEADER + "3,2024-05-03,,Cy,\nbroken\n",
}


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(sorted(DELIVERY)), cuts=st.sets(st.integers(1, 4)))
def test_files_in_any_order_and_any_batches_give_the_same_valid_rows(tmp_path_factory, spark, order, cuts):
    """Only which of two copies of one content was loaded, and what is late, depends on the order."""
    from jobs.validate import step

    company = fresh_company(tmp_path_factory.mktemp("company"))
    for number, path in enumerate(order):
        target = os.path.join(company.landing, "crm", path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w") as file:
            file.write(DELIVERY[path])
        if number + 1 in cuts or number == 4:
            load.run("crm", dt.date(2024, 5, 3), company)
            step.run("crm", dt.date(2024, 5, 3), company)
    lake = Lake.of(company)
    rows = lake.arrow("valid/contacts", columns=["contact_id", "updated_at", "first_name"]).to_pylist()
    assert sorted((r["contact_id"], str(r["updated_at"])[:10], r["first_name"]) for r in rows) == [
        ("1", "2024-04-30", "Ann"),
        ("1", "2024-05-01", "Anne"),
        ("2", "2024-04-30", "Bo"),
        ("3", "2024-05-02", "Cy"),
    ]
    assert sum(row["rows_in"] for row in lake.arrow("ops/files").to_pylist()) == 7
    counts = lake.arrow("ops/counts").to_pylist()
    assert sum(row["rows_in"] for row in counts) == 7
    assert all(row["rows_in"] == row["accepted"] + row["quarantined"] + row["duplicates"] for row in counts)


def fresh_company(folder):
    import yaml

    from jobs.config.settings import load_settings
    from tests.company import MINIMAL

    for name, content in {**MINIMAL, "sources/crm.yaml": CONTACTS}.items():
        path = folder / "config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content))
    return load_settings(folder / "config")


def test_the_command_line_shows_what_happened_to_files(company, land, run, wide_screen):
    from typer.testing import CliRunner

    from jobs.cli.main import app

    def shown(*options):
        arguments = ["quarantine", "files", "--config", str(company.folder), *options]
        return " ".join(CliRunner().invoke(app, arguments).output.split())

    assert "every landed file was complete" in shown()
    land("crm/2024-05-01/contacts.csv", ANN)
    land("crm/2024-05-01/contacts_again.csv", ANN)
    run("2024-05-01")
    assert "repeated │ crm │ contacts │ crm/2024-05-01/contacts_again.csv" in shown()
    assert "every landed file was complete" in shown("--event", "late")
