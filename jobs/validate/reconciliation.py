"""Conservation after replays: rows in = accepted + in quarantine + dropped + duplicates + left out, for every file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.errors import StepFailed
from jobs.lake.database import database_of
from jobs.lake.lake import Lake
from jobs.validate.quarantine import database, states


def after_replays(
    counts: str = "counts", files: str = "files", set_aside: str = "set_aside", replays: str = "replays"
) -> str:
    """The query for the rows of each file now, over ops/counts, ops/files, quarantine/rows and quarantine/replays.

    `waiting` is what the counts leave in quarantine, `open` what is found there: the two must be equal. A file that
    was set aside as a whole and read later has the counts of that reading.
    """
    return f"""
    select c.source, c.dataset, c.file_id, f.path, c.arrived, c.rows_in,
           c.accepted + coalesce(s.accepted, 0) as accepted,
           c.quarantined - coalesce(s.accepted + s.duplicates + s.dropped + s.left_out, 0) as waiting,
           coalesce(s.dropped, 0) as dropped,
           c.duplicates + coalesce(s.duplicates, 0) as duplicates,
           coalesce(c.left_out, 0) + coalesce(s.left_out, 0) as left_out,
           coalesce(s.open, 0) as open, c.items
    from {counts} c join {files} f using (file_id) left join (
        select file_id, count(*) filter (outcome = 'accepted' and line > 0) as accepted,
               count(*) filter (outcome = 'duplicate') as duplicates,
               count(*) filter (outcome = 'left_out') as left_out,
               count(*) filter (outcome = 'dropped') as dropped, count(*) filter (open) as open
        from ({states(set_aside, replays)}) group by file_id
    ) s using (file_id)"""


def refuse_imbalance(lake: Lake, file_ids: Iterable[str]) -> None:
    """The gate at the end of a replay. Raises StepFailed if the rows of one of these files do not add up.

    Counts and replays are held against the rows that are in quarantine and those in the valid table.
    """
    files, valid = _held_now(lake, file_ids)
    for file in files:
        parts = [file[name] for name in ("accepted", "waiting", "dropped", "duplicates", "left_out")]
        if min(parts) < 0 or sum(parts) != file["rows_in"] or file["waiting"] != file["open"]:
            problem = f"{file['waiting']:,} should wait in quarantine and {file['open']:,} do"
        elif file["accepted"] != valid.get(file["file_id"], 0):
            problem = f"{file['accepted']:,} were accepted and {valid.get(file['file_id'], 0):,} are in the valid table"
        else:
            continue
        raise StepFailed(
            f"{file['path']}: after the replay its {file['rows_in']:,} rows do not add up: {problem}. Rows were lost "
            "or written twice; compare ops/counts, quarantine/replays and the valid table before going on"
        )


def recounted(lake: Lake, file_ids: Iterable[str]) -> pa.Table:
    """The rows of ops/counts of these files that say otherwise than the valid table now, as they are to be.

    For files of which rows that were duplicates are versions now, or the other way round.
    """
    files, valid = _held_now(lake, file_ids)
    more = {file["file_id"]: valid.get(file["file_id"], 0) - file["accepted"] for file in files}
    counts = lake.arrow("ops/counts").filter(pc.field("file_id").isin(pa.array(sorted(more), pa.string())))
    changed = [
        {
            **row,
            "accepted": row["accepted"] + more[row["file_id"]],
            "duplicates": row["duplicates"] - more[row["file_id"]],
        }
        for row in counts.to_pylist()
        if more[row["file_id"]]
    ]
    return pa.Table.from_pylist(changed, schema=counts.schema)


def _held_now(lake: Lake, file_ids: Iterable[str]) -> tuple[list[dict[str, Any]], Counter[str]]:
    """Of each of these files what counts and replays say, and how many of its rows the valid table had or has."""
    with database(lake) as tables:
        found = tables.sql(
            f"select * from ({after_replays()}) where file_id in (select unnest($wanted))",
            params={"wanted": sorted(set(file_ids))},
        )
        files = found.to_arrow_table().to_pylist()
        closed = tables.sql("select file_id, line from states where outcome <> 'accepted'").to_arrow_table()
    return files, Counter(_valid_rows(lake, files, closed)) + _erased(lake)


def _erased(lake: Lake) -> Counter[str]:
    """Lines of each file that were accepted, and erased since because somebody asked to be forgotten."""
    rows = lake.arrow("privacy/erased_rows", columns=["file_id", "accepted"])
    return Counter(rows.filter(rows["accepted"])["file_id"].to_pylist())


def _valid_rows(lake: Lake, files: list[dict[str, Any]], closed: pa.Table) -> dict[str, int]:
    """Rows of each file in the valid table of its dataset; where a line holds several, lines that are not `closed`."""
    several = pa.array([file["file_id"] for file in files if file["items"] is not None], pa.string())
    counted: dict[str, int] = {}
    for dataset in {file["dataset"] for file in files}:
        mine = [file for file in files if file["dataset"] == dataset]
        of_files = pc.field("file_id").isin(pa.array([file["file_id"] for file in mine]))
        of_days = pc.field("arrived").isin(pa.array([file["arrived"] for file in mine]))
        found = lake.dataset(f"valid/{dataset}").to_table(columns=["file_id", "line"], filter=of_days & of_files)
        inside = pc.is_in(found["file_id"], value_set=several)
        with database_of(found=found.filter(inside), closed=closed) as tables:
            lines = tables.sql("select distinct file_id, line from found anti join closed using (file_id, line)")
            found = pa.concat_tables([found.filter(pc.invert(inside)), lines.to_arrow_table().cast(found.schema)])
        counts = pc.value_counts(found["file_id"]).to_pylist()
        counted |= {count["values"]: count["counts"] for count in counts}
    return counted
