"""Texts that models learn from: masked, each the newest version known on a day, with the class the company knows."""

from __future__ import annotations

from datetime import date
from functools import reduce

import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity import objections
from jobs.activity.conditions import first_true
from jobs.activity.objections import Respecting
from jobs.config.models.text import Labelled, Text
from jobs.config.settings import Settings
from jobs.config.texts import TABLE, TEXTS
from jobs.identity.fresh import MAP
from jobs.lake.lake import Txn
from jobs.lake.tables import catalogue
from jobs.validate.versions.counting import newest_versions

COLUMNS = ["key", "text", "language", "label"]


def reads(declared: Text, settings: Settings) -> list[str]:
    """The tables that texts and labels are in, and where people may object those that tell whose the texts are."""
    own = {f"valid/{name}" for one in declared.learns_from for name in (one.texts, one.told_by)}
    if objections.tables(settings):
        own |= {MAP, "valid/conversations", *(f"valid/{name}" for name in TEXTS)}
    return [TABLE, *sorted(own)]


def labelled(txn: Txn, declared: Text, day: date) -> pd.DataFrame:
    """COLUMNS of texts whose class was known on `day`, in the order of their keys; the newest `at_most`."""
    known = _newest(txn, day)
    parts = [_with_label(txn, known, one, day) for one in declared.learns_from]
    return _collected(reduce(DataFrame.unionByName, parts), declared.at_most)


def of_tones(txn: Txn, declared: Text, day: date) -> pd.DataFrame:
    """COLUMNS of texts of the tones that themes are looked for in; the label is the tone."""
    found = _newest(txn, day).where(F.col("tone").isin(list(declared.tones))).withColumn("label", F.col("tone"))
    return _collected(found, declared.at_most)


def _newest(txn: Txn, day: date) -> DataFrame:
    """Of each text the newest version that had arrived by the end of the day."""
    of_text = Window.partitionBy("dataset", "source", "reference").orderBy(F.col("written_at").desc(), "arrived")
    known = _of_willing(txn.read(TABLE).where(F.col("arrived") <= F.lit(day)), txn)
    return known.withColumn("version", F.row_number().over(of_text)).where("version = 1").drop("version")


def _of_willing(texts: DataFrame, txn: Txn) -> DataFrame:
    """Without those of people who object to profiling; a message may concern whoever its conversation does."""
    if not isinstance(txn, Respecting) or not txn.people:
        return texts
    for dataset, written in TEXTS.items():
        if txn.pins.get(f"valid/{dataset}") is None:
            continue
        theirs = txn.theirs(f"valid/{dataset}")
        if dataset == "messages" and txn.pins.get("valid/conversations") is not None:
            talks = txn.theirs("valid/conversations").select("source", "conversation_id")
            said = txn.read("valid/messages").join(talks, ["source", "conversation_id"], "left_semi")
            theirs = theirs.select(*said.columns).unionByName(said)
        named = theirs.select(F.lit(dataset).alias("dataset"), "source", F.expr(written.reference).alias("reference"))
        texts = texts.join(named.distinct(), ["dataset", "source", "reference"], "left_anti")
    return texts


def _with_label(txn: Txn, texts: DataFrame, one: Labelled, day: date) -> DataFrame:
    own = texts.where(F.col("dataset") == one.texts)
    written = TEXTS[one.texts]
    labels = _labels(txn, one, day)
    if not one.by:
        return own.join(labels.withColumnRenamed("by", "reference"), ["source", "reference"], "inner")
    rows = txn.read(f"valid/{one.texts}").where(F.col("arrived") <= F.lit(day))
    links = rows.select("source", F.expr(written.reference).alias("reference"), F.col(one.by).alias("by")).distinct()
    found = own.join(links, ["source", "reference"], "inner").join(labels, ["source", "by"], "inner").drop("by")
    if written.thread is None:
        return found
    first = Window.partitionBy("source", "thread").orderBy("written_at", "reference")  # the question, not the thanks
    return found.withColumn("nth", F.row_number().over(first)).where("nth = 1").drop("nth")


def _labels(txn: Txn, one: Labelled, day: date) -> DataFrame:
    """The class of each record, or of each value of `by`: source, by, label. What has two classes has none."""
    contract = catalogue.get(f"valid/{one.told_by}")
    rows = txn.read(contract.name).where(F.col("arrived") <= F.lit(day))
    newest = newest_versions(rows, *contract.record) if contract.versions else rows
    by = F.col(one.by) if one.by else F.expr(TEXTS[one.told_by].reference)
    label = first_true([(when, name) for name, when in one.classes.items()], None) if one.classes else F.col(one.label)
    told = newest.select("source", by.alias("by"), label.cast("string").alias("label")).where("label is not null")
    both = told.groupBy("source", "by").agg(F.min("label").alias("label"), F.max("label").alias("other"))
    return both.where("label = other").drop("other")


def _collected(rows: DataFrame, at_most: int) -> pd.DataFrame:
    key = F.concat_ws(":", "dataset", "source", "reference").alias("key")
    found = rows.where("language is not null").select(key, "text", "language", "label", "written_at")
    newest = found.orderBy(F.col("written_at").desc(), "key").limit(at_most)
    frame: pd.DataFrame = newest.toArrow().to_pandas()
    return frame[COLUMNS].sort_values("key", ignore_index=True)
