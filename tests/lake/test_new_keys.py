"""Keys told apart by numbers: never a wrong yes, and a yes for what ingest writes."""

import datetime as dt
import random

import pyarrow as pa
import pytest

from jobs.lake.new_keys import surely_different

DAY = dt.date(2024, 5, 1)


def keys(*rows):
    return pa.table({"file_id": [row[0] for row in rows], "line": [row[1] for row in rows]})


def test_lines_of_files_are_different_in_any_order():
    rows = [(f"file{number % 3}", number) for number in range(2, 40)]
    assert surely_different(keys(*rows))
    random.Random(1).shuffle(rows)
    assert surely_different(keys(*rows))


@pytest.mark.parametrize("at", [0, 7, 36])
def test_a_line_that_is_there_twice_is_found(at):
    rows = [(f"file{number % 3}", number) for number in range(2, 40)]
    assert not surely_different(keys(*rows, rows[at]))


def test_the_same_lines_of_two_files_are_different():
    assert surely_different(keys(*[(name, line) for name in ("b", "a") for line in range(10)]))


def test_it_says_so_of_days_and_negative_numbers_too():
    days = pa.array([DAY, DAY, DAY + dt.timedelta(1)], pa.date32())
    assert surely_different(pa.table({"day": days, "number": pa.array([-5, 2**40, -5], pa.int64())}))
    assert not surely_different(pa.table({"day": days, "number": pa.array([7, 7, 7], pa.int64())}))


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, None, 2], pa.int64()),
        pa.array([1.5, 2.5, 3.5]),
        pa.array(["a", "b", "c"]),
        pa.array([-(2**63), 0, 2**63 - 1], pa.int64()),
    ],
    ids=["empty", "fractions", "a text a row", "too far apart"],
)
def test_what_numbers_cannot_tell_is_left_to_the_exact_comparison(column):
    assert not surely_different(pa.table({"key": column}))
