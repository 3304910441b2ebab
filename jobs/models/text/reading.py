"""The step `texts`: what customers wrote in rows that arrived is masked and read, each text once.

Beyond valid/ a text is only ever seen masked: sentiment, intent and theme are those of the masked text, and models
learn from masked texts. A text keeps what was read in it; a model that is promoted later reads what comes after it.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from jobs.config.settings import Settings
from jobs.config.texts import LONGEST, TABLE, TEXTS, Written
from jobs.lake.lake import Lake, Txn
from jobs.lake.tables import catalogue

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

KEY = catalogue.get(TABLE).key
LINEAGE = ("file_id", "line", "arrived")
"""Where a row came from: by these a text is erased with its line."""
BATCH = 20_000
"""Texts that are read together."""


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Read the texts of rows of valid/ that are not read yet, into models/texts; return how many, and how they sound.

    Raises ConfigError for a language that nobody can tell, ModelRefused if a model's files are not those registered.
    """
    lake, general = Lake.of(settings), settings.general
    config = [general.languages, general.country]
    tables = [f"valid/{name}" for name in TEXTS]
    code = (__name__, "jobs.models.text.readers")
    txn = lake.transaction("read_texts", day, tables, config, previous=[TABLE], code=code)
    if txn.done(TABLE):
        return {"texts": 0, "read_before": lake.rows(TABLE)}
    new = _unread(lake, txn)
    if not new.num_rows:
        lake.append(TABLE, catalogue.get(TABLE).arrow_schema().empty_table(), txn)
        return {"texts": 0}
    from jobs.models.text.readers import Readers  # heavy libraries, for which a day without texts does not wait

    readers = Readers.of(settings)
    found = pa.concat_tables([readers.read(new.slice(at, BATCH)) for at in range(0, new.num_rows, BATCH)])
    written = lake.append(TABLE, found, txn).rows
    tones = Counter(tone for tone in found["tone"].to_pylist() if tone)
    return {"texts": written, "read_by": readers.names, **{tone: tones[tone] for tone in sorted(tones)}}


def _unread(lake: Lake, txn: Txn) -> pa.Table:
    """Rows with a text that models/texts does not have: those of files that came since the last run, or of all."""
    before = txn.before(TABLE)
    read = None
    parts = []
    for dataset, written in TEXTS.items():
        name = f"valid/{dataset}"
        if txn.pins[name] is None:
            continue
        added = lake.added_files(name, before.pins.get(name), txn.pins[name]) if before else None
        if added is not None:
            if added.new:
                parts.append(_texts(lake.read_files(name, added.new), dataset, written))
            continue
        read = _keys(lake.arrow(TABLE, columns=KEY)) if read is None and lake.exists(TABLE) else read or set()
        every = _texts(txn.read(name), dataset, written)
        unread = [key not in read for key in zip(*(every[column].to_pylist() for column in KEY), strict=True)]
        parts.append(every.filter(pa.array(unread, pa.bool_())))
    every = pa.concat_tables([_texts_schema().empty_table(), *parts])
    return every.sort_by([(column, "ascending") for column in KEY])


def _keys(table: pa.Table) -> set[tuple[Any, ...]]:
    return set(zip(*(table[column].to_pylist() for column in KEY), strict=True))


def _texts_schema() -> pa.Schema:
    names = (*KEY, "thread", *LINEAGE, "text")
    schema = catalogue.get(TABLE).arrow_schema()
    return pa.schema([schema.field(name) for name in names])


def _texts(rows: DataFrame, dataset: str, written: Written) -> pa.Table:
    """Rows that hold a text of a customer: KEY, thread, LINEAGE and the text as it came."""
    from pyspark.sql import functions as F

    found = rows.where(F.expr(written.where)).select(
        F.lit(dataset).alias("dataset"),
        "source",
        F.expr(written.reference).alias("reference"),
        F.col(written.written_at).alias("written_at"),
        F.expr(written.thread or "cast(null as string)").alias("thread"),
        *LINEAGE,
        F.expr(f"substring({written.text}, 1, {LONGEST})").alias("text"),
    )
    table = found.where("trim(text) <> ''").toArrow()
    return table.cast(_texts_schema())
