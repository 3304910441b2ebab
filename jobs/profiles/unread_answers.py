"""Answers about consent that wait in quarantine: until they are replayed they count as a no, whatever they meant.

So do events of campaign tools that are, or may be, an unsubscribe, a complaint or a bounce.
"""

from __future__ import annotations

import logging
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.identity.identifiers import IDENTIFYING
from jobs.lake.database import database_of
from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake, Txn
from jobs.lake.tables.canonical_row import IDS_OF
from jobs.profiles.consent import GRANTED, WITHDRAWN
from jobs.profiles.refusals import kind_of_no, meant_channels
from jobs.validate.mapping.phone_countries import dialled_in
from jobs.validate.quarantine import states

log = logging.getLogger(__name__)
READS = ("quarantine/rows", "quarantine/replays")
UNREAD = "unread"
"""Their `kind` among the answers: no later yes lifts them, only a replay does."""

_DATASETS = ("consents", "campaign_events")
_ROW = ["source", "file_id", "line", "arrived", "record"]
_PERSON = [column for _, column in IDENTIFYING]
_KEPT = [*_PERSON, IDS_OF, "country", "source", "file_id", "line", "arrived"]


def with_unread(answers: DataFrame, lake: Lake, txn: Txn, as_of: date, settings: Settings) -> DataFrame:
    """`answers` of `every_answer`, and those that arrived up to `as_of` and wait in quarantine as withdrawals.

    A purpose or channel that cannot be read means every one there is. A row that plainly says yes, and names no end, is
    left out: it can take nothing away. So is one of which nobody can tell whom it is about; those are told in the log.
    """
    if not settings.identity.purposes:
        return answers
    for dataset in _DATASETS:
        reading = [name for name, one in settings.sources.items() if dataset in one.datasets]
        waiting = _waiting(txn, dataset, as_of, reading)
        records = waiting.filter(waiting["readable"])
        lost = waiting.num_rows - records.num_rows
        for source in pc.unique(records["source"]).to_pylist():
            of_source = records.filter(pc.equal(records["source"], source))
            rows = _mapped(lake, of_source, source, dataset, settings)
            lost += rows.where(~_names_somebody()).count()
            found = _as_answers(rows.where(_names_somebody()), dataset, settings)
            answers = answers.unionByName(found.select(*answers.columns))
        if lost:
            log.warning(
                "%s: %d rows wait in quarantine of which nobody can tell whom they are about; withdrawals may be "
                "among them (klantreis quarantine list)",
                dataset,
                lost,
            )
    return answers


def _waiting(txn: Txn, dataset: str, as_of: date, sources: list[str]) -> pa.Table:
    """The rows of a dataset that are open; `readable` are those that were records of one of `sources`."""
    mine = F.col("dataset") == dataset
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


def _mapped(lake: Lake, records: pa.Table, source: str, dataset: str, settings: Settings) -> DataFrame:
    """The records of one source as its configuration reads them now: all that can be read of those that may be a no.

    Columns: id, purpose and `channels` that they are about, the columns of persons and lineage, path.
    """
    from jobs.validate.contract import Contract
    from jobs.validate.mapping.failing_rows import flagged_rows

    spark = get_spark()
    paths = dict(zip(records["file_id"].to_pylist(), records["path"].to_pylist(), strict=True))
    raw = spark.createDataFrame(records.select(_ROW))
    with flagged_rows(lake, Contract.of(source, dataset, settings), raw, paths) as rows:
        rows = rows.withColumn("country", dialled_in(rows.columns, settings))
        noes = _noes_of_people(rows, settings) if dataset == "consents" else _noes_of_tools(rows, settings)
        found = spark.createDataFrame(noes.toArrow(), noes.schema)
    return found.join(spark.createDataFrame(records.select(["file_id", "line", "path"])), on=["file_id", "line"])


def _noes_of_people(rows: DataFrame, settings: Settings) -> DataFrame:
    """Answers, but for a plain yes without an end."""
    from expectations.batch_columns import UNREADABLE

    plain_yes = F.coalesce(F.lower(F.trim("status")) == GRANTED, F.lit(False))
    ends = F.col("expires_at").isNotNull() | F.coalesce(F.col(UNREADABLE), F.lit("")).contains("expires_at")
    channels = sorted(settings.identity.contact_channels)
    meant = F.lower(F.trim("channel"))
    every = F.array(*[F.lit(value) for value in channels]).cast("array<string>")
    told = F.when(meant.isin(*channels), F.array(meant)).otherwise(every)
    return rows.where(~plain_yes | ends).select("consent_id", "purpose", told.alias("channels"), *_KEPT)


def _noes_of_tools(rows: DataFrame, settings: Settings) -> DataFrame:
    """Events of campaigns that are not plainly something else."""
    noes = rows.withColumn("no", kind_of_no(F.col("type"))).where("no is not null")
    every = F.lit(None).cast("string").alias("purpose")
    told = meant_channels(F.col("channel"), settings)
    return noes.select(F.col("event_id").alias("consent_id"), every, told.alias("channels"), *_KEPT)


def _names_somebody() -> Column:
    return F.coalesce(*_PERSON).isNotNull()


def _as_answers(rows: DataFrame, dataset: str, settings: Settings) -> DataFrame:
    """One withdrawal per purpose and channel that a row is, or may be, about, of the day it arrived.

    An answer whose purpose cannot be read may be an objection, too; who unsubscribes objects to nothing.
    """
    objections = settings.identity.objections.purposes if dataset == "consents" else []
    purposes = sorted([*settings.identity.purposes, *objections])
    meant = F.lower(F.trim("purpose"))
    every = F.array(*[F.lit(name) for name in purposes])
    about = F.when(meant.isin(*purposes), F.array(meant)).otherwise(every)
    asked = rows.withColumn("purpose", F.explode(about)).withColumn("channel", F.explode("channels"))
    return asked.withColumns(
        {
            "status": F.lit(WITHDRAWN),
            "changed_at": F.to_utc_timestamp(F.col("arrived").cast("timestamp"), settings.general.timezone),
            "expires_at": F.lit(None).cast("timestamp"),
            "proof": F.concat(F.lit("quarantine "), "path", F.lit(":"), F.col("line").cast("string")),
            "kind": F.lit(UNREAD),
        }
    )
