"""A read is exact or fails: what a table lost is told with the file, to every reader and by `klantreis lake verify`."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake.exceptions import DeltaError
from typer.testing import CliRunner

from jobs.cli import lake as command
from jobs.errors import StepFailed
from jobs.lake import log
from jobs.lake.files import LakeError
from jobs.lake.lake import Lake
from jobs.lake.queries import connect
from jobs.lake.tables import catalogue
from jobs.lake.verify import Verified, verify

TABLE = "ops/files"


@pytest.fixture
def stored(settings):
    """Settings of a company, and its lake with a table of two files."""
    found = settings()
    lake = Lake.of(found)
    schema = catalogue.get(TABLE).arrow_schema()
    for number in range(2):
        rows = [{"file_id": f"f{number}.{n}", "source": "crm", "rows_in": n} for n in range(100)]
        data = pa.Table.from_pylist([{f.name: row.get(f.name) for f in schema} for row in rows], schema=schema)
        lake.append(TABLE, data, lake.transaction("load", dt.date(2024, 1, 1), config=number))
    return found, Lake.of(found)


def data_files(lake):
    return sorted(Path(lake.root, TABLE, "data").rglob("*.parquet"))


def newest(lake):
    return [file.stat().st_mtime_ns for file in data_files(lake)]


def newest_entry(lake):
    return sorted(Path(lake.root, TABLE, "_delta_log").glob("*.json"))[-1]


READERS = {
    "the engine": lambda settings, lake: lake.read(TABLE).count(),
    "Arrow": lambda settings, lake: lake.arrow(TABLE),
    "a query": lambda settings, lake: connect(settings).sql("select count(*) from ops.files").fetchall(),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("what", ["is missing", "bytes instead of"])
def test_a_table_that_lost_a_file_or_the_end_of_one_is_not_read(stored, spark, reader, what):
    settings, lake = stored
    lost = data_files(lake)[0]
    if what == "is missing":
        lost.unlink()
    else:
        lost.write_bytes(lost.read_bytes()[:-100])
    with pytest.raises(LakeError, match=f"ops/files: .*{lost.name} .*{what}.* copy the file from a backup"):
        READERS[reader](settings, lake)


def test_a_file_that_no_reader_asks_for_may_be_gone(stored):
    _, lake = stored
    kept = lake.arrow_between(TABLE, ["file_id"], "file_id", "f1.0", "f1.99").num_rows
    gone = next(file for file in data_files(lake) if b"f0.0" in file.read_bytes())
    gone.unlink()
    assert lake.arrow_between(TABLE, ["file_id"], "file_id", "f1.0", "f1.99").num_rows == kept == 100


@pytest.mark.parametrize("broken", [b"", b'{"add": {"path":'])
def test_a_damaged_log_names_the_entry_and_the_newest_version_that_can_be_read(stored, broken):
    settings, lake = stored
    entry = newest_entry(lake)
    entry.write_bytes(broken)
    with pytest.raises(LakeError, match=rf"ops/files: the newest entry of its log, .*{entry.name}.* backup"):
        Lake.of(settings).arrow(TABLE)
    told = verify(settings, TABLE).problems
    assert told[1].startswith("ops/files: version 0 is the newest that can be read (`klantreis lake restore ops/files")
    assert lake.arrow(TABLE, version=0).num_rows == 100


def test_a_log_that_the_disk_does_not_give_is_a_problem_of_its_table_only(stored, monkeypatch):
    settings, _ = stored
    opened = log.DeltaTable

    def of_a_broken_disk(uri, version=None, **more):
        if uri.endswith(TABLE) and version in broken:
            raise DeltaError(f"Generic LocalFileSystem error: {uri}: {words}")
        return opened(uri, version=version, **more)

    monkeypatch.setattr(log, "DeltaTable", of_a_broken_disk)
    broken, words = (None, 1), "Input/output error (os error 5)"
    told = verify(settings, TABLE).problems
    assert "the disk does not answer (I/O error)" in told[0]
    assert told[1].startswith("ops/files: version 0 is the newest that can be read")
    found = CliRunner().invoke(command.app, ["verify", "--config", str(settings.folder)])
    assert isinstance(found.exception, StepFailed)
    assert "ops/files" in found.output
    broken, words = (None, 0, 1), "Too many open files (os error 24)"
    (told,) = verify(settings, TABLE).problems
    assert "too many files are open" in told


def test_of_a_table_that_no_step_makes_again_a_backup_is_named_first(stored):
    settings, lake = stored
    nothing = catalogue.get("activation/suppressions").arrow_schema().empty_table()
    for day in (dt.date(2024, 5, 1), dt.date(2024, 5, 2)):
        lake.replace("activation/suppressions", nothing, lake.transaction("test", day))
    max(Path(settings.lake, "activation/suppressions/_delta_log").glob("*.json")).write_bytes(b"")
    told = verify(settings, "activation/suppressions").problems[1]
    assert "copy it from a backup" in told
    assert told.endswith("(`klantreis lake restore activation/suppressions --to 0 --forget-since`)")


def test_no_bit_of_a_file_changes_in_silence(stored):
    _, lake = stored
    files, found = data_files(lake), 0
    places = [(file, place) for file in files for place in range(0, file.stat().st_size * 8, 397)]
    for file, place in places:
        whole = file.read_bytes()
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        file.write_bytes(changed)
        with pytest.raises(LakeError, match=f"ops/files: .*{file.name} has other bytes than were written"):
            lake.arrow(TABLE)
        file.write_bytes(whole)
        found += 1
    assert found == len(places) > 100
    assert lake.arrow(TABLE).num_rows == 200


def test_what_the_engine_writes_carries_its_checksum_too(stored, spark):
    _, lake = stored
    again = lake.transaction("again", dt.date(2024, 1, 1), previous=[TABLE])
    lake.replace(TABLE, lake.read(TABLE), again)
    (file,) = [file for file in data_files(lake) if file.stat().st_mtime_ns == max(newest(lake))]
    written = bytearray(file.read_bytes())
    written[len(written) // 2] ^= 1
    file.write_bytes(written)
    with pytest.raises(LakeError, match="other bytes"):
        lake.read(TABLE)


def test_upkeep_does_not_take_changed_bytes_for_rows(stored):
    _, lake = stored
    file = data_files(lake)[0]
    file.write_bytes(bytes([*file.read_bytes()[:-1], 0]))
    with pytest.raises(LakeError, match="other bytes"):
        lake.compact(TABLE)
    assert lake.version(TABLE) == 1


def test_a_whole_lake_is_fine_and_a_changed_file_is_told(stored):
    settings, lake = stored
    assert verify(settings, TABLE, every_value=True) == verify(settings, TABLE) == Verified(TABLE, 2, 200, [])
    changed = data_files(lake)[0]
    changed.write_bytes(b"\0" * changed.stat().st_size)
    (told,) = verify(settings, TABLE).problems
    place = f"ops/files: {settings.lake}/{TABLE}/{changed.relative_to(Path(lake.root, TABLE))}"
    assert told.startswith(f"{place} has other bytes than were written")


def test_the_command_tells_every_problem_and_fails(stored, monkeypatch):
    settings, lake = stored
    monkeypatch.setenv("KLANTREIS_CONFIG", str(settings.folder))
    run = CliRunner().invoke
    fine = run(command.app, ["verify", TABLE])
    assert (fine.exit_code, "fine" in fine.output) == (0, True)
    for file in data_files(lake):
        file.unlink()
    failed = run(command.app, ["verify"])
    assert isinstance(failed.exception, StepFailed)
    assert failed.output.count("is missing: the table has lost rows") == 2
