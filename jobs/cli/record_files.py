"""Files of records that are given by hand: CSV or Parquet, every value as text, every record with an id."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.config.wrong import CommandError, nearest

RECORD, FILE, ID = "(record)", "(file)", "(id)"
"""Added columns: a name of the record that no other file has, the name of its file, and its id there."""
DELIMITERS = ",;\t|"
PARQUET = (".parquet", ".pq")


def read_files(paths: Sequence[Path], id_column: str | None) -> dict[str, pd.DataFrame]:
    """Name of each file to its records: its columns as text, null where empty, and RECORD, FILE and ID.

    Without `id_column` a record's id is its number in the file, from 1. The name is that of the file, without folder
    and endings unless two files would be called the same. Raises ConfigError for a file that is missing or unreadable,
    and for ids that are missing or not unique.
    """
    short = [path.name.split(".")[0] for path in paths]
    names = short if len(set(short)) == len(short) else [str(path) for path in paths]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise CommandError([f"{twice}: this file is named twice; name it once"])
    return {
        name: _with_ids(_read(path), name, path, id_column, alone=len(paths) == 1)
        for name, path in zip(names, paths, strict=True)
    }


def _with_ids(rows: pd.DataFrame, name: str, path: Path, id_column: str | None, *, alone: bool) -> pd.DataFrame:
    if id_column is None:
        ids = pd.Series([str(number) for number in range(1, len(rows) + 1)], dtype=object)
    else:
        require_column(path, rows, id_column, "--id")
        ids = rows[id_column]
        if ids.isna().any():
            raise CommandError(
                [f"{path}: {ids.isna().sum():,} records have no {id_column!r}; without --id, records are numbered"]
            )
        again = ids.duplicated()
        if again.any():
            place = (
                f"{again.sum():,} records have the id of an earlier one, first record {again.to_numpy().argmax() + 1:,}"
            )
            raise CommandError([f"{path}: --id {id_column}: {place}; without --id, records are numbered"])
    record = ids if alone else name + ":" + ids
    return rows.assign(**{RECORD: record, FILE: name, ID: ids})


def require_column(path: Path | str, rows: pd.DataFrame, column: str, option: str) -> None:
    """Raise ConfigError with the nearest name if there is no such column."""
    if column not in rows:
        raise CommandError(
            [f"{path}: {option}: there is no column {column!r}{nearest(column, map(str, rows.columns))}"]
        )


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise CommandError(
            [f"{path}: {'this is a folder, not a file' if path.is_dir() else 'the file does not exist'}"]
        )
    rows = _read_parquet(path) if path.suffix.lower() in PARQUET else _read_csv(path)
    twice = [column for column in rows.columns if list(rows.columns).count(column) > 1]
    if twice:
        raise CommandError([f"{path}: column {twice[0]!r} is there twice; rename one"])
    return rows


def _read_csv(path: Path) -> pd.DataFrame:
    """A CSV file with a header, compressed or not; separated by the sign that its header has most of."""
    try:
        head = pd.read_csv(
            path, header=None, nrows=1, sep="\0", dtype=str, encoding="utf-8-sig", quoting=csv.QUOTE_NONE
        )
        first = str(head.iat[0, 0])
        delimiter = max(DELIMITERS, key=first.count)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a line with more fields than the header
            return pd.read_csv(
                path,
                dtype=str,
                sep=delimiter,
                encoding="utf-8-sig",
                keep_default_na=False,
                na_values=[""],
                index_col=False,
            ).astype(object)
    except pd.errors.EmptyDataError:
        raise CommandError([f"{path}: the file is empty; its first line must name the columns"]) from None
    except UnicodeDecodeError as error:
        raise CommandError([f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8"]) from None
    except (pd.errors.ParserError, pd.errors.ParserWarning):
        raise CommandError(
            [f"{path}: not readable as CSV: a line has more fields than the header, or a quote is never closed"]
        ) from None
    except (OSError, EOFError) as error:
        raise CommandError([f"{path}: cannot be read ({type(error).__name__}); is it whole?"]) from None


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise CommandError([f"{path}: not readable as Parquet ({type(error).__name__})"]) from None
    return pd.DataFrame({name: _as_text(table[name]) for name in table.column_names}, dtype=object)


def _as_text(column: pa.ChunkedArray) -> list[Any]:
    try:
        return list(column.cast(pa.string()).to_pylist())
    except pa.ArrowException:  # a list or a struct
        return [None if value is None else str(value) for value in column.to_pylist()]
