"""What other systems are told of a customer: stage, open micro-moment, segment, site variant, content; ids only.

A row holds from one moment to another. A customer with an open micro-moment has two: one until the moment expires, one
after it. Whoever is not in the table is told what the row of EVERYBODY_ELSE says.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity import objections
from jobs.activity.conditions import first_true, midnight
from jobs.activity.lasting_consent import agreed, through
from jobs.audiences.recommended import COLUMN, with_recommended
from jobs.audiences.recommended import TABLE as RECOMMENDATIONS
from jobs.audiences.view import customer_view, tables
from jobs.config.actions.context import Context
from jobs.config.settings import Settings
from jobs.journeys.moments.in_visits import lasting
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.validate.versions.counting import newest_versions

log = logging.getLogger(__name__)
TABLE, CONTENT, MOMENTS = "decisions/context", "valid/content", "journeys/moments"
CONSENT = "profiles/consent"
EVERYBODY_ELSE = "*"
"""The customer_id of the row that holds for visitors who are not in the table."""
SEGMENT = "label_segmentation"
"""The column of the segment that others are told, where a model `segmentation` is declared."""
NONE = ""
FITS = "stage string, moment string, language string, content_tags array<string>, content array<string>"
Fitting = dict[tuple[str, str, str], tuple[list[str], list[str]]]
"""Stage, moment and language to the tags and the ids of the content for them."""


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Write decisions/context as of the end of `day`; counts, and for how many customers there is no content."""
    lake = Lake.of(settings)
    config = [
        settings.context.model_dump_json(),
        settings.general.timezone,
        settings.traits,
        settings.identity.objections,
    ]
    reads = sorted({*tables(settings), CONTENT, MOMENTS, CONSENT, RECOMMENDATIONS})
    txn = lake.transaction("context", day, reads=reads, config=config, code=__name__)
    if not txn.done(TABLE):
        view = customer_view(txn, day, settings)
        if objections.tables(settings):
            who = objections.objecting(txn.read(CONSENT), day, settings)
            view = view.join(who.where("restricted"), "customer_id", "left_anti")
        if settings.context.purpose:
            until = through(day, settings.general.timezone)
            view = view.join(agreed(txn.read(CONSENT), settings.context.purpose, until), "customer_id", "left_semi")
        open_ = open_moments(txn.read(MOMENTS), day, settings.general.timezone)
        items = newest_versions(txn.read(CONTENT).where(F.col("arrived") <= F.lit(day)), "content_id")
        listed = [row.asDict() for row in items.select(*_ITEM).collect()]
        items_of = txn.read(RECOMMENDATIONS) if txn.pins[RECOMMENDATIONS] is not None else None
        items_of = None if items_of is None else objections.without(items_of, txn, day, settings)
        view = with_recommended(view, items_of, settings.context.recommended, day)
        lake.replace(TABLE, context(view, open_, listed, settings.context, day, settings.general.timezone), txn)
    return _counts(lake)


_ITEM = ("content_id", "topic", "need", "stage", "moment", "language")


def open_moments(moments: DataFrame, day: date, timezone: str) -> DataFrame:
    """The micro-moment of each customer that began last and that nothing served: `customer_id`, `moment`, `until`.

    Those that last into the day: whether one still does, whoever asks can tell by its expiry.
    """
    newest = Window.partitionBy("customer_id").orderBy(F.desc("started_at"), F.desc("expires_at"), "moment_id")
    last = lasting(moments, day, timezone).withColumn("nth", F.row_number().over(newest)).where("nth = 1")
    return last.select("customer_id", F.col("type").alias("moment"), F.col("expires_at").alias("until"))


def context(
    view: DataFrame,
    open_moments: DataFrame,
    content: Sequence[dict[str, Any]],
    rules: Context,
    day: date,
    timezone: str,
) -> DataFrame:
    """decisions/context from the customer view, open moments and the items of the catalogue of content."""
    begins, ends = (F.lit(moment) for moment in _period(day, timezone, rules))
    placed = view.withColumn("stage", F.coalesce("stage", F.lit(rules.default.stage)))
    joined = placed.join(open_moments, on="customer_id", how="left")
    lasting = F.col("until").isNotNull()
    spans = F.array_compact(
        F.array(F.when(lasting, F.lit("open")), F.when(~lasting | (F.col("until") < ends), F.lit("after")))
    )
    rows = joined.withColumn("span", F.explode(spans)).withColumns(
        {
            "moment": F.when(F.col("span") == "open", F.col("moment")),
            "expires": F.when(F.col("span") == "open", F.col("until")),
            "begins": F.when(F.col("span") == "open", begins).otherwise(F.coalesce("until", begins)),
            "ends": F.when(F.col("span") == "open", F.least("until", ends)).otherwise(ends),
        }
    )
    told = rows.withColumns(
        {
            "variant": first_true([(one.when, one.name) for one in rules.variants], rules.default.variant),
            "language": F.coalesce("language", F.lit(NONE)),
        }
    )
    every = told.select(
        F.lit(day).alias("day"),
        "customer_id",
        F.col("begins").alias("valid_from"),
        F.col("ends").alias("valid_until"),
        "stage",
        "moment",
        F.col("expires").alias("moment_expires_at"),
        (F.col(SEGMENT) if SEGMENT in told.columns else F.lit(None).cast("string")).alias("segment"),
        "variant",
        "language",
        F.col(COLUMN).alias("recommended"),
    )
    asked = [
        tuple(row) for row in every.select("stage", F.coalesce("moment", F.lit(NONE)), "language").distinct().collect()
    ]
    found = fitting(content, [*asked, (rules.default.stage, NONE, NONE)], rules.max_tags)
    tags = _frame(view, found)
    named = every.withColumn("moment_", F.coalesce("moment", F.lit(NONE)))
    with_tags = named.join(
        F.broadcast(tags.withColumnRenamed("moment", "moment_")), on=["stage", "moment_", "language"], how="left"
    ).drop("moment_", "language")
    columns = [(column.name, column.type) for column in catalogue.get(TABLE).columns]
    default = _default(found, rules, day, timezone)
    others = view.sparkSession.createDataFrame([default], catalogue.get(TABLE).spark_schema())
    return with_tags.select(*[F.col(name).cast(type_).alias(name) for name, type_ in columns]).unionByName(others)


def fitting(content: Iterable[dict[str, Any]], asked: Iterable[tuple[str, str, str]], most: int) -> Fitting:
    """Topics and needs, and ids, of the items that fit each stage, moment and language asked for.

    An item fits if it is for that stage, moment and language, or for none in particular; without an open moment it may
    be for any. Those that say most come first.
    """
    items = sorted(content, key=lambda item: str(item["content_id"]))
    found: Fitting = {}
    for stage, moment, language in asked:
        fits = [
            (-sum((item["stage"] == stage, item["moment"] == moment, item["language"] == language)), n)
            for n, item in enumerate(items)
            if item["stage"] in (stage, None)
            and (not moment or item["moment"] in (moment, None))
            and (not language or item["language"] in (language, None))
        ]
        chosen = [items[n] for _, n in sorted(fits)]
        tags = dict.fromkeys(tag for item in chosen for tag in (item["topic"], item["need"]) if tag)
        found[stage, moment, language] = (list(tags)[:most], [str(item["content_id"]) for item in chosen[:most]])
    return found


def _frame(view: DataFrame, found: Fitting) -> DataFrame:
    return view.sparkSession.createDataFrame([(*asked, *told) for asked, told in found.items()], FITS)


def _default(found: Fitting, rules: Context, day: date, timezone: str) -> tuple[Any, ...]:
    tags, ids = found[rules.default.stage, NONE, NONE]
    begins, ends = _period(day, timezone, rules)
    told = {
        "day": day,
        "customer_id": EVERYBODY_ELSE,
        "valid_from": begins,
        "valid_until": ends,
        "stage": rules.default.stage,
        "variant": rules.default.variant,
        "content_tags": tags if rules.default.content_tags is None else rules.default.content_tags,
        "content": ids,
    }
    return tuple(told.get(name) for name in catalogue.get(TABLE).column_names)


def _period(day: date, timezone: str, rules: Context) -> tuple[datetime, datetime]:
    """From when to when rows of a day hold: they are made during the day, or after it, and asked until the next."""
    end = midnight(day + timedelta(days=1), timezone)
    return midnight(day, timezone), end + timedelta(hours=rules.valid_hours)


def _counts(lake: Lake) -> dict[str, Any]:
    rows = lake.arrow(
        TABLE, columns=["customer_id", "variant", "stage", "moment", "segment", "content_tags"]
    ).to_pylist()
    customers = [row for row in rows if row["customer_id"] != EVERYBODY_ELSE]
    gaps = Counter(
        (row["stage"], row["moment"] or "no moment", row["segment"] or "no segment")
        for row in customers
        if not row["content_tags"]
    )
    if gaps:
        most = "; ".join(f"{' / '.join(gap)} ({number})" for gap, number in gaps.most_common(5))
        log.warning("context: no content fits %d rows (stage / moment / segment): %s", gaps.total(), most)
    return {
        "customers": len({row["customer_id"] for row in customers}),
        "variants": dict(sorted(Counter(row["variant"] for row in customers).items())),
        "without_content": gaps.total(),
    }
