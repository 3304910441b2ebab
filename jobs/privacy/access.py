"""What a person may ask to see: everything here that is about them, as it was received and what was made of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.settings import Settings
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.privacy import source_rows
from jobs.privacy.person import Who, resolved

Row = dict[str, Any]
INTERNAL = ("file_id", "fingerprint", "batch_id")
"""Columns that say nothing to the person."""


def data_of(who: Who, settings: Settings) -> dict[str, list[Row]]:
    """All rows about the person by table: records as they were received first, then what was made of them.

    Raises CommandError if `who` names nobody, or more than one person.
    """
    lake, person = Lake.of(settings), resolved(who, settings)
    found = source_rows.of_person(lake, person, settings)
    told = {f"received/{source}/{dataset}": rows for source, dataset, rows in _received(lake, found.lines)}
    for name, table in catalogue.DATASETS.items():
        columns = [column for column in table.column_names if column == "customer_id"]
        if not columns or not lake.exists(name):
            continue
        mine = pc.field("customer_id").isin(pa.array(sorted(person.customers), pa.string()))
        rows = lake.dataset(name).to_table(filter=mine).to_pylist()
        if rows:
            told[name] = [_shown(row) for row in rows]
    return told


def as_json(told: dict[str, list[Row]]) -> str:
    """The data as JSON, for programs: another company can read it."""
    return json.dumps(told, indent=1, ensure_ascii=False, default=str)


def as_html(told: dict[str, list[Row]], settings: Settings) -> str:
    """The data as one page that a person reads. It needs no other file and no script."""
    parts = "".join(_section(name, rows) for name, rows in told.items())
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Your data</title>
<style>body{{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}}
table{{border-collapse:collapse;display:block;overflow-x:auto}}
td,th{{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ccc}}</style></head>
<body><h1>Your data at {escape(settings.general.company)}</h1>
<p>What systems of ours told of you comes first, under "received"; after that stands what was made of it.</p>
{parts}</body></html>
"""


def _section(name: str, rows: list[Row]) -> str:
    grain = catalogue.get(name).grain if name in catalogue.DATASETS else "one record as received"
    columns = list(dict.fromkeys(column for row in rows for column in row))
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{_cell(row.get(c))}</td>" for c in columns) + "</tr>" for row in rows)
    return f"<h2>{escape(name)}</h2><p>{escape(grain)}</p><table><tr>{head}</tr>{body}</table>"


def _cell(value: Any) -> str:
    return "" if value is None else escape(str(value))


def _shown(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not None and name not in INTERNAL}


def _received(lake: Lake, lines: pa.Table) -> Iterator[tuple[str, str, list[Row]]]:
    """The records as the sources sent them, by source and dataset."""
    for one in lines.group_by(["source", "dataset"]).aggregate([]).to_pylist():
        source, dataset = one["source"], one["dataset"]
        of_dataset = pc.and_(pc.equal(lines["source"], source), pc.equal(lines["dataset"], dataset))
        keys = lines.filter(of_dataset).select(["file_id", "line"])
        rows = lake.dataset(f"raw/{source}_{dataset}").to_table(
            columns=["file_id", "line", "arrived", "record"],
            filter=pc.field("file_id").isin(pc.unique(keys["file_id"])),
        )
        mine = rows.join(keys, keys=["file_id", "line"], join_type="left semi")
        yield source, dataset, [{"arrived": row["arrived"], **_record(row["record"])} for row in mine.to_pylist()]


def _record(text: str) -> Row:
    try:
        record = json.loads(text)
    except ValueError:
        return {"record": text}
    return record if isinstance(record, dict) else {"record": record}
