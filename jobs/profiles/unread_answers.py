"""Answers about consent that wait in quarantine: until they are replayed they count as a no, whatever they meant."""

from __future__ import annotations

import logging
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.identity.identifiers import PERSON_COLUMNS
from jobs.lake.database import database_of
from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake, Txn
from jobs.profiles.consent import GRANTED, WITHDRAWN
from jobs.validate.quarantine import states

log = logging.getLogger(__name__)
READS = ("quarantine/rows", "quarantine/replays")
UNREAD = "unread"
"""Their `kind` among the answers: no later yes lifts them, only a replay does."""

_DATASET = "consents"
_ROW = ["source", "file_id", "line", "arrived", "record"]
_ASKED = ["purpose", "channel"]


def with_unread(answers: DataFrame, lake: Lake, txn: Txn, as_of: date, settings: Settings) -> DataFrame:
    """`answers` of `every_answer`, and those that arrived up to `as_of` and wait in quarantine as withdrawals.

    A purpose or channel that cannot be read means every one there is. A row that plainly says yes, and names no end, is
    left out: it can take nothing away. So is one of which nobody can tell whom it is about; those are told in the log.
    """
    if not settings.identity.purposes:
        return answers
    waiting = _waiting(txn, as_of, [name for name, one in settings.sources.items() if _DATASET in one.datasets])
    records = waiting.filter(waiting["readable"])
    lost = waiting.num_rows - records.num_rows
    for source in pc.unique(records["source"]).to_pylist():
        rows = _mapped(lake, records.filter(pc.equal(records["source"], source)), source, settings)
        lost += rows.where(~_names_somebody()).count()
        found = _as_answers(rows.where(_names_somebody()), settings)
        answers = answers.unionByName(found.select(*answers.columns))
    if lost:
        log.warning(
            "consents: %d rows wait in quarantine of which nobody can tell whom they are about; withdrawals may be "
            "among them (klantreis quarantine list)",
            lost,
        )
    return answers


def _waiting(txn: Txn, as_of: date, sources: list[str]) -> pa.Table:
    """The rows of consents that are open; `readable` are those that were records of one of `sources`."""
    mine = F.col("dataset") == _DATASET
    set_aside = txn.read("quarantine/rows").where(mine & (F.col("arrived") <= F.lit(as_of))).toArrow()
    replays = txn.read("quarantine/replays").where(mine).toArrow()
    with database_of(set_aside=set_aside, replays=replays) as tables:
        found = tables.sql(
            f"""
            select source, file_id, line, arrived, record, path,
                   line > 0 and not starts_with(rule, 'record:') and list_contains($sources, source) as readable
            from ({states()}) where open order by file_id, line""",
            params={"sources": sources},
        )
        return found.to_arrow_table()


def _mapped(lake: Lake, records: pa.Table, source: str, settings: Settings) -> DataFrame:
    """The records of one source as its configuration reads them now: all that can be read of them."""
    from expectations.batch_columns import UNREADABLE
    from jobs.validate.contract import Contract
    from jobs.validate.failing_rows import flagged_rows

    spark = get_spark()
    paths = dict(zip(records["file_id"].to_pylist(), records["path"].to_pylist(), strict=True))
    raw = spark.createDataFrame(records.select(_ROW))
    with flagged_rows(lake, Contract.of(source, _DATASET, settings), raw, paths) as rows:
        ends = F.col("expires_at").isNotNull() | F.coalesce(F.col(UNREADABLE), F.lit("")).contains("expires_at")
        kept = [*_ASKED, *PERSON_COLUMNS.values(), "consent_id", "source", "file_id", "line", "arrived"]
        unread = rows.where(~_plain_yes() | ends).select(*kept)
        found = spark.createDataFrame(unread.toArrow(), unread.schema)
    return found.join(spark.createDataFrame(records.select(["file_id", "line", "path"])), on=["file_id", "line"])


def _plain_yes() -> Column:
    return F.coalesce(F.lower(F.trim("status")) == GRANTED, F.lit(False))


def _names_somebody() -> Column:
    return F.coalesce(*PERSON_COLUMNS.values()).isNotNull()


def _as_answers(rows: DataFrame, settings: Settings) -> DataFrame:
    """One withdrawal per purpose and channel that a row is, or may be, about, of the day it arrived."""
    known = {"purpose": sorted(settings.identity.purposes), "channel": sorted(settings.identity.contact_channels)}
    for name, values in known.items():
        meant = F.lower(F.trim(name))
        every = F.array(*[F.lit(value) for value in values]).cast("array<string>")
        rows = rows.withColumn(name, F.explode(F.when(meant.isin(*values), F.array(meant)).otherwise(every)))
    return rows.withColumns(
        {
            "status": F.lit(WITHDRAWN),
            "changed_at": F.to_utc_timestamp(F.col("arrived").cast("timestamp"), settings.general.timezone),
            "expires_at": F.lit(None).cast("timestamp"),
            "proof": F.concat(F.lit("quarantine "), "path", F.lit(":"), F.col("line").cast("string")),
            "kind": F.lit(UNREAD),
        }
    )
