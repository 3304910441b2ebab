"""Which of the rows to write have a key that is new. Used by jobs/lake/lake.py and jobs/lake/edits.py only.

Keys are compared only with those of files that may share one, by their statistics, and of these files only with the
keys between the smallest and the largest of the rows to write: a table that grows costs no more to add to.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from jobs.lake.files import DataFile, LakeError
from jobs.lake.log import DeltaLog
from jobs.lake.rows import Staged, few, read_frame, stage_arrow, stage_frame, take

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MOST_CODES = 1 << 62
"""Different keys that can be told apart by a number of 64 bits."""


def refuse_repeated_keys(log: DeltaLog, staged: Staged) -> None:
    repeats = staged.rows - count_new_keys(log, staged, [])
    if repeats:
        raise LakeError(
            f"{log.dataset.name}: {repeats} of {staged.rows} rows to write repeat the key of another row; "
            f"the table holds {log.dataset.grain} (key {', '.join(log.dataset.key)})"
        )


def count_new_keys(log: DeltaLog, staged: Staged, existing: Sequence[DataFile]) -> int:
    """How many distinct keys of the staged rows the existing files do not have."""
    if not staged.by_engine or few(staged, existing):
        return len(_new_rows(log, staged, existing, ordered=False))
    from pyspark.sql import functions as F

    key = list(log.dataset.key)
    both = read_frame(log, staged.files).select(*key, F.lit(0).alias("_known"))
    if existing:
        both = both.unionByName(_known(log, staged, existing).select(*key, F.lit(1).alias("_known")))
    return int(both.groupBy(*key).agg(F.max("_known").alias("_known")).where("_known = 0").count())


def stage_new_keys(log: DeltaLog, staged: Staged, existing: Sequence[DataFile]) -> Staged:
    """The staged rows whose key is new, one row a key: the one that arrived first, then the smallest by all columns."""
    if not staged.by_engine:
        return stage_arrow(log, take(log, staged.files, _new_rows(log, staged, existing, ordered=True)))
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    key = list(log.dataset.key)
    rows = read_frame(log, staged.files)
    if existing:
        rows = rows.join(_known(log, staged, existing).select(*key), on=key, how="left_anti")
    repeated = rows.groupBy(*key).agg(F.count("*").alias("_rows")).where("_rows > 1").select(*key)
    # To rank a row all its columns are sorted, so only rows that share their key are ranked: few, as a rule.
    first = Window.partitionBy(*key).orderBy(*_tie_breakers(log))
    ranked = rows.join(repeated, on=key, how="left_semi").withColumn("_rank", F.row_number().over(first))
    alone = rows.join(repeated, on=key, how="left_anti").select(*log.dataset.column_names)
    return stage_frame(log, alone.unionByName(ranked.where("_rank = 1").select(*log.dataset.column_names)))


def _tie_breakers(log: DeltaLog) -> list[str]:
    """Columns that decide which of two rows with one key stays: arrival, file and line if known, then the rest."""
    first = [name for name in ("arrived", "file_id", "line") if name in log.dataset.column_names]
    rest = [c.name for c in log.dataset.columns if c.name not in first and not c.type.startswith("array")]
    return [name for name in first + rest if name not in log.dataset.key] or [log.dataset.key[0]]


def _new_rows(log: DeltaLog, staged: Staged, existing: Sequence[DataFile], ordered: bool) -> np.ndarray:
    """Positions, in file order, of one row for each new key; which one only matters (and costs) if `ordered`."""
    key = list(log.dataset.key)
    keys = log.scan(staged.files).to_table(columns=key)
    position = np.arange(keys.num_rows)
    if not existing and surely_different(keys):
        return position
    if ordered:
        breakers = _tie_breakers(log)
        table = log.scan(staged.files).to_table(columns=breakers)
        order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in breakers]).to_numpy()
    else:
        order = position
    rank = np.empty_like(position)
    rank[order] = position
    # Not by texts: the statistics of files that an engine wrote may be of another kind of text, which Arrow refuses.
    bounds = {name: ends for name, ends in _bounds(log, staged).items() if not isinstance(ends[0], str)}
    inside = [(ds.field(name) >= low) & (ds.field(name) <= high) for name, (low, high) in bounds.items()]
    known = log.scan(existing).to_table(columns=key, filter=reduce(and_, inside) if inside else None)
    both = pa.concat_tables(
        [
            known.append_column("_rank", pa.array(np.full(known.num_rows, -1))),
            keys.append_column("_rank", pa.array(rank)),
        ]
    )
    best = both.group_by(key).aggregate([("_rank", "min")])["_rank_min"].to_numpy()
    return np.sort(order[best[best >= 0]])


def _known(log: DeltaLog, staged: Staged, existing: Sequence[DataFile]) -> DataFrame:
    """The rows of existing files whose keys are not beyond those of the staged rows."""
    from pyspark.sql import functions as F

    rows = read_frame(log, existing)
    for name, (low, high) in _bounds(log, staged).items():
        rows = rows.where(F.col(name).between(F.lit(low), F.lit(high)))
    return rows


def _bounds(log: DeltaLog, staged: Staged) -> dict[str, tuple[Any, Any]]:
    """The smallest and largest value of each key column that has statistics in all staged files."""
    found = {}
    for name in log.dataset.key:
        lows: list[Any] = [file.low.get(name) for file in staged.files]
        highs: list[Any] = [file.high.get(name) for file in staged.files]
        if lows and None not in lows and None not in highs:
            found[name] = min(lows), max(highs)
    return found


def surely_different(keys: pa.Table) -> bool:
    """Whether each row has another key than all others, if numbers can say it; False if not, or if it takes more.

    Keys of days, numbers and few texts, such as file and line, become one number each: no key is built or hashed.
    """
    codes, room = np.zeros(keys.num_rows, np.int64), 1
    for column in keys.columns:
        if column.null_count:
            return False
        if pa.types.is_string(column.type):
            encoded = column.combine_chunks().dictionary_encode()
            values, low, size = encoded.indices.to_numpy(), 0, len(encoded.dictionary)
            if size * 2 > keys.num_rows:
                return False
        elif pa.types.is_integer(column.type) or pa.types.is_date32(column.type):
            values = column.cast(pa.int32() if pa.types.is_date32(column.type) else column.type).to_numpy()
            low, size = (int(values.min()), int(values.max()) - int(values.min()) + 1) if len(values) else (0, 1)
        else:
            return False
        room *= max(size, 1)
        if room > MOST_CODES:
            return False
        codes = codes * size + (values.astype(np.int64) - low)
    return bool((np.diff(codes) > 0).all()) or len(np.unique(codes)) == len(codes)
