"""A table goes back to one of its versions, and what was made of the rows that went is made anew. About a second."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from jobs.cli import lake as command
from jobs.lake import changes
from jobs.lake.files import LakeError
from jobs.lake.lake import Lake
from jobs.lake.restore import restore
from jobs.lake.tables import catalogue
from jobs.lake.verify import verify

TABLE = "ops/files"
DAY = dt.date(2024, 1, 1)


@pytest.fixture
def company(settings):
    """Settings of a company whose lake has version 0 and 1 of a table, of 10 files each more."""
    found = settings()
    for number in range(2):
        write(found, number)
    return found


def write(settings, number):
    lake, schema = Lake.of(settings), catalogue.get(TABLE).arrow_schema()
    rows = [{"file_id": f"f{number}.{n}", "source": "crm", "rows_in": n} for n in range(10)]
    data = pa.Table.from_pylist([{f.name: row.get(f.name) for f in schema} for row in rows], schema=schema)
    return lake.append(TABLE, data, lake.transaction(f"load_{number}", DAY, config=number))


def ids(settings, version=None):
    return sorted(
        one.partition(".")[0] for one in Lake.of(settings).arrow(TABLE, version=version)["file_id"].to_pylist()
    )


def log_of(settings):
    return Lake.of(settings)._log(TABLE)


def test_the_rows_of_a_version_count_again_and_the_version_that_was_wrong_can_still_be_read(company):
    done = restore(company, TABLE, to=0)
    assert (done.now, done.rows, done.set_aside) == (2, 10, 0)
    assert ids(company) == ["f0"] * 10
    assert ids(company, version=1) == ["f0"] * 10 + ["f1"] * 10
    assert not verify(company, TABLE, every_value=True).problems


def test_a_step_whose_rows_went_runs_again_and_one_whose_rows_stayed_does_not(company):
    restore(company, TABLE, to=0)
    assert write(company, 1).applied
    assert not write(company, 0).applied
    assert ids(company) == ["f0"] * 10 + ["f1"] * 10


def test_who_read_the_table_before_is_told_to_work_on_the_whole_of_it(company):
    restore(company, TABLE, to=0)
    assert changes.added(log_of(company), 1, 2) is None


def test_what_only_earlier_versions_need_may_be_deleted_afterwards(company):
    restore(company, TABLE, to=0)
    Lake.of(company).forget_versions(TABLE)
    assert ids(company) == ["f0"] * 10


@pytest.mark.parametrize("broken", [b"", b'{"add": {"path":'])
@pytest.mark.parametrize("with_checkpoint", [False, True])
def test_a_log_with_a_damaged_end_is_whole_again_and_no_number_is_given_twice(company, broken, with_checkpoint):
    if with_checkpoint:
        log_of(company).tidy_log()
    entry = Path(company.lake, TABLE, "_delta_log", f"{1:020d}.json")
    entry.write_bytes(broken)
    for checkpoint in entry.parent.glob("*.checkpoint.parquet"):
        checkpoint.write_bytes(b"PAR1")
    with pytest.raises(LakeError):
        ids(company)
    done = restore(company, TABLE, to=0)
    assert (done.now, done.set_aside) == (2, 1)
    assert ids(company) == ["f0"] * 10
    assert (Path(company.lake, TABLE, "_damaged", entry.name)).read_bytes() == broken
    assert write(company, 1).applied
    assert ids(company) == ["f0"] * 10 + ["f1"] * 10


def test_a_repair_that_was_killed_after_entries_went_is_completed(company):
    entry = Path(company.lake, TABLE, "_delta_log", f"{1:020d}.json")
    (Path(company.lake, TABLE) / "_damaged").mkdir()
    entry.rename(Path(company.lake, TABLE, "_damaged", entry.name))
    assert restore(company, TABLE, to=0).now == 2


def test_a_version_that_is_not_there_or_lost_a_file_is_refused_and_nothing_changes(company):
    with pytest.raises(LakeError, match="ops/files: there is no version 7; the newest is 1"):
        restore(company, TABLE, to=7)
    lost = next(file for file in Path(company.lake, TABLE, "data").rglob("*.parquet") if b"f0.0" in file.read_bytes())
    lost.unlink()
    with pytest.raises(LakeError, match=f"ops/files: .*{lost.name} is missing"):
        restore(company, TABLE, to=0)
    assert Lake.of(company).version(TABLE) == 1


def test_the_command_says_what_it_did(company, monkeypatch):
    monkeypatch.setenv("KLANTREIS_CONFIG", str(company.folder))
    done = CliRunner().invoke(command.app, ["restore", "ops.files", "--to", "0"])
    assert done.exit_code == 0
    assert "ops/files: version 2 has the 10 rows of version 0." in done.output


@pytest.mark.parametrize("name", ["activation/ledger", "activation/suppressions", "decisions/arms", "privacy/receipts"])
def test_what_no_step_makes_again_is_forgotten_only_by_who_says_so(company, name):
    with pytest.raises(LakeError, match=f"{name}: no step makes again .* say --forget-since"):
        restore(company, name, to=0)
    with pytest.raises(LakeError, match=f"{name}: was never written"):
        restore(company, name, to=0, forget_since=True)


def test_a_version_with_a_changed_file_is_not_copied_on(company):
    for file in Path(company.lake, TABLE, "data").rglob("*.parquet"):
        file.write_bytes(file.read_bytes()[:-1] + b"0")
    with pytest.raises(LakeError, match="other bytes than were written"):
        restore(company, TABLE, to=0)


def test_copies_carry_the_checksum_of_their_bytes(company):
    restore(company, TABLE, to=0)
    (file,) = Lake.of(company)._files(TABLE)
    whole = Path(company.lake, TABLE, file.path)
    whole.write_bytes(whole.read_bytes()[:-1] + b"0")
    with pytest.raises(LakeError, match="other bytes than were written"):
        ids(company)
