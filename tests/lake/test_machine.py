"""What the machine refuses is one line with step, table or file, what is missing and what to do. Costs about 2 s."""

import datetime as dt
import errno
import os
import random
import resource
import sqlite3
import subprocess
import sys

import duckdb
import pyarrow as pa
import pytest
from deltalake.exceptions import DeltaError
from pyspark.errors.exceptions.connect import AnalysisException, SparkConnectGrpcException
from sqlalchemy.exc import OperationalError

from jobs.cli import main
from jobs.errors import MachineFailed, StepFailed
from jobs.lake import machine
from jobs.lake.engine import told_plainly
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

DAY = dt.date(2024, 1, 1)
LIMIT = resource.getrlimit(resource.RLIMIT_NOFILE)[0]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "x", "/proc/version"), "/proc/version: the disk is full (0 of 0 MB free now); make"),
        (OSError(errno.EDQUOT, "x", "/a/b"), "/a/b: the disk quota of this user is used up; make room there"),
        (OSError(errno.EROFS, "x", "/a/b"), "/a/b: it is on a file system that can only be read; mount it so that"),
        (PermissionError(errno.EACCES, "x", "/a/b"), "/a/b: not allowed; give the user of this run access to it"),
        (OSError(errno.EMFILE, "x"), f"too many files are open in this process ({LIMIT:,}); raise the limit: ulimit"),
        (OSError(errno.EIO, "x", b"/a/\xff\n"), r"/a/\udcff\n: the disk does not answer (I/O error); look after"),
        (MemoryError(), "the memory is used up (of "),
        (pa.ArrowMemoryError("malloc of size 64 failed"), "the memory is used up (of "),
        (RuntimeError("can't start new thread"), "no further thread or process may start; raise the limit (ulimit -u"),
        (SparkConnectGrpcException("at /proc/self/x: No space left on device (os error 28)"), "the disk is full; make"),
        (SparkConnectGrpcException("Resources exhausted: Failed to allocate 8 bytes"), "the memory is used up (of "),
        (duckdb.IOException('IO Error: cannot open "/a": Too many open files'), "too many files are open in this"),
        (duckdb.OutOfMemoryException("could not allocate block"), "the memory is used up (of "),
        (DeltaError("LocalFileSystem error: Read-only file system (os error 30)"), "it is on a file system that"),
        (sqlite3.OperationalError("database or disk is full"), "the disk is full; make room on the disk of the lake"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "it is on a file system that can only"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_line_that_begins_with_the_step_whoever_met_it(error, said):
    with pytest.raises(MachineFailed) as told, told_plainly("validate crm"):
        raise error
    text = str(told.value)
    assert text.startswith(f"validate crm: {said}")
    assert text.endswith(", then run again: what is done stays done")
    assert "\n" not in text


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no space left on device"),
        KeyError("x"),
        ConnectionRefusedError(errno.ECONNREFUSED, "x"),
        OSError("x"),
    ],
)
def test_what_is_no_refusal_of_the_machine_passes_as_it_is(error):
    with pytest.raises(type(error)) as told, told_plainly("validate crm"):
        raise error
    assert told.value is error


SAYS = "Permission denied /home"


@pytest.mark.parametrize(
    "error",
    [
        AnalysisException(f"[CAST_INVALID_INPUT] The value '{SAYS}' cannot be cast to \"DATE\""),
        AnalysisException(f"{SAYS}", errorClass="USER_RAISED_EXCEPTION", messageParameters={}),
        SparkConnectGrpcException(f"Cannot cast string 'it's {SAYS}' to value of Int32 type"),
        duckdb.ConversionException(f"Conversion Error: Could not convert string '{SAYS}' to INT32"),
        OperationalError("select 1", {"name": SAYS}, Exception("permission denied for table orders")),
        duckdb.IOException("IO Error: permission denied for table orders"),
    ],
)
def test_no_value_of_a_row_and_no_database_elsewhere_makes_a_refusal_of_the_machine(error):
    assert machine.told(error) is None


def test_the_condition_of_an_engine_and_words_around_a_value_still_tell_and_no_path_is_taken_from_them():
    for words in ("[OUT_OF_MEMORY] in '/home'", "Resources exhausted for '/home'", "/home: out of memory"):
        told = machine.told(SparkConnectGrpcException(words))
        assert told.number == errno.ENOMEM
        assert "/home" not in str(told)
    assert str(machine.told(DeltaError("/home/x: Permission denied (os error 13)"))).startswith("/home/x: not allowed")


def test_what_a_library_made_of_a_refusal_is_told_and_what_a_bug_raised_after_one_is_not():
    @told_plainly("report")
    def raised_while_handling(other):
        try:
            raise PermissionError(errno.EACCES, "x", "/a")
        except OSError:
            raise other  # noqa: B904

    with pytest.raises(MachineFailed, match="report: /a: not allowed"):
        raised_while_handling(DeltaError("Kernel error"))
    with pytest.raises(KeyError):
        raised_while_handling(KeyError("a bug"))


@pytest.mark.parametrize("verbose", [False, True])
def test_a_command_tells_it_in_one_line_and_with_verbose_where_in_the_code(monkeypatch, capsys, verbose):
    def fails():
        raise PermissionError(errno.EACCES, "x", "/a/\x1b[2J")

    monkeypatch.setattr(main, "app", fails)
    monkeypatch.setattr(sys, "argv", ["klantreis", "report"])
    monkeypatch.setenv("KLANTREIS_VERBOSE", "1" if verbose else "")
    with pytest.raises(SystemExit, match="1"):
        main.main()
    *before, last = capsys.readouterr().err.splitlines()
    assert last.startswith(r"Failed: klantreis report: /a/\x1b[2J: not allowed; give the user of this run access")
    assert any("in fails" in line for line in before) == bool(before) == verbose
    assert "\x1b" not in "".join(before)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB, mounted for the test."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=60", "none", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by root only, in a container with CAP_SYS_ADMIN")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def customers(count):
    schema = catalogue.get("profiles/customers").arrow_schema()
    names = [random.Random(n).randbytes(40).hex() for n in range(count)]
    return pa.Table.from_pylist([{"customer_id": name} for name in names], schema=schema)


def test_on_a_full_disk_the_table_stays_as_it_was_and_with_room_again_the_same_step_completes_it(small_disk):
    lake = Lake(str(small_disk / "lake"))
    write = lambda rows, number: lake.append(  # noqa: E731
        "profiles/customers", rows, lake.transaction("profiles", DAY, config=number)
    )
    write(customers(3), 1)
    with pytest.raises(MachineFailed) as told, told_plainly("profiles"):
        write(customers(30_000), 2)
    table = f"profiles: profiles/customers ({small_disk}/lake/profiles/customers"
    assert str(told.value).startswith(table)
    assert "the disk is full (1 of 1 MB free now); make room there" in str(told.value)
    assert lake.rows("profiles/customers") == 3

    names = os.statvfs(small_disk).f_favail
    for number in range(names):
        (small_disk / f"file{number}").touch()
    with pytest.raises(MachineFailed) as told, told_plainly("profiles"):
        write(customers(5), 3)
    assert "the disk has none of its 60 inodes left; remove files there, small ones count too" in str(told.value)
    for number in range(names):
        (small_disk / f"file{number}").unlink()
    assert write(customers(5), 3).rows == 2
    assert lake.rows("profiles/customers") == 5


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({}, None),
        ({"proc/meminfo": "MemFree: 5 kB\nMemTotal:       8000000 kB\n"}, 8.192),
        ({"proc/meminfo": "MemTotal: 8000000 kB", "sys/fs/cgroup/memory.max": "2000000000\n"}, 2.0),
        ({"sys/fs/cgroup/a/memory.max": "3000000000", "sys/fs/cgroup/a/b/memory.max": "max"}, 3.0),
        ({"sys/fs/cgroup/a/b/memory.max": "1000000000", "sys/fs/cgroup/memory.max": "3000000000"}, 1.0),
        ({"proc/self/cgroup": "4:memory:/a\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "500000000"}, 0.5),
    ],
)
def test_the_memory_of_a_process_is_that_of_the_machine_or_of_the_closest_group_that_has_less(tmp_path, files, limit):
    for name, text in {"proc/self/cgroup": "0::/a/b\n", **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert machine.memory_limit(tmp_path) == limit


def test_too_little_memory_is_told_before_anything_begins(monkeypatch):
    monkeypatch.setattr(machine, "memory_limit", lambda: 2.1)
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    with pytest.raises(
        StepFailed, match=r"^klantreis run: this process may take 2.1 GB of memory and needs 2.5 GB; give"
    ):
        machine.refuse_too_little_memory("klantreis run")
    monkeypatch.setenv("KLANTREIS_MEMORY_GB", "2")
    machine.refuse_too_little_memory()
    monkeypatch.setenv("KLANTREIS_MEMORY_GB", "much")
    with pytest.raises(StepFailed, match="KLANTREIS_MEMORY_GB='much' is no number; write gigabytes"):
        machine.refuse_too_little_memory()
    monkeypatch.delenv("KLANTREIS_MEMORY_GB")
    monkeypatch.setenv("SPARK_REMOTE", "sc://cluster")
    machine.refuse_too_little_memory()
