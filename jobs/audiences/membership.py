"""Who is in which audience today, in which arm, and what the rule saw."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.activity import traits
from jobs.audiences.holdout import arm
from jobs.audiences.rules import columns_of, refuse_wrong_rules
from jobs.audiences.view import customer_view, tables
from jobs.audiences.view_columns import VIEW, view_of
from jobs.config.audiences import Audience
from jobs.config.settings import Settings
from jobs.config.sql import engine_sql
from jobs.lake.lake import Lake
from jobs.lake.tables.contract import Dataset

TABLE = "audiences/members"
_QUOTED = ("date", "timestamp")


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Evaluate every audience at the end of `day`. Raises ConfigError for a rule that is not allowed.

    Who was in an audience about a moment in an earlier run of the day stays in it: whoever it won over has ordered by
    now, and would be missing from what was sent, and from what it did.
    """
    lake = Lake.of(settings)
    config = [settings.audiences, *traits.configuration(settings)]
    txn = lake.transaction("audiences", day, reads=tables(settings), config=config, code=__name__)
    if not txn.done(TABLE):
        refuse_wrong_rules(settings)
        lasting = {name: one for name, one in settings.audiences.items() if one.expires >= day}
        found = members(customer_view(txn, day, settings), lasting, view_of(settings))
        found = found.withColumn("day", F.lit(day))
        passing = [name for name, audience in settings.audiences.items() if audience.moment]
        if passing and lake.exists(TABLE):
            before = lake.read(TABLE, day=day).where(F.col("audience").isin(passing))
            gone = before.join(found, ["audience", "customer_id"], "left_anti")
            found = found.unionByName(gone.select(*found.columns))
        lake.replace(TABLE, found, txn, day=day)
    return _counts(lake.arrow(TABLE, columns=["arm"], day=day), len(settings.audiences))


def members(view: DataFrame, audiences: dict[str, Audience], table: Dataset = VIEW) -> DataFrame:
    """One row per customer and audience whose rule is true. All rules are evaluated in one pass over the view."""
    if not audiences:
        return view.limit(0).select(
            *(F.lit("").alias(name) for name in ("audience", "customer_id", "arm", "evidence")), _no_end()
        )
    entries = F.array(*(_entry(name, audience, table) for name, audience in sorted(audiences.items())))
    return (
        view.select("customer_id", F.explode(entries).alias("entry"))
        .where(F.col("entry").isNotNull())
        .select("entry.audience", "customer_id", "entry.arm", "entry.evidence", "entry.valid_until")
    )


def _entry(name: str, audience: Audience, table: Dataset) -> Column:
    until = F.col(f"{audience.moment}_until") if audience.moment else _no_end()
    looked_at = [*columns_of(audience.where, table.column_names), *audience.evidence]
    looked_at += [f"{audience.moment}_until"] if audience.moment else []
    types = {column.name: column.type for column in table.columns}
    seen = {column: types[column] for column in looked_at if column != "customer_id"}
    entry = F.struct(
        F.lit(name).alias("audience"),
        arm(name, audience.holdout).alias("arm"),
        evidence(seen).alias("evidence"),
        until.alias("valid_until"),
    )
    lasts = until.isNotNull() if audience.moment else F.lit(True)
    return F.when(F.expr(engine_sql(audience.where)) & lasts, entry)


def _no_end() -> Column:
    return F.lit(None).cast("timestamp").alias("valid_until")


def evidence(columns: dict[str, str]) -> Column:
    """The values of columns, given with their types, as a JSON object.

    Written by hand, because engines differ in how `to_json` spells numbers.
    """
    parts = [
        F.concat(F.lit(f'"{name}": '), F.coalesce(_json(name, kind), F.lit("null"))) for name, kind in columns.items()
    ]
    return F.concat(F.lit("{"), F.concat_ws(", ", *parts), F.lit("}"))


def _json(name: str, kind: str) -> Column:
    column = F.col(name)
    if kind in _QUOTED:
        return F.concat(F.lit('"'), column.cast("string"), F.lit('"'))
    if kind == "string":
        escaped = F.replace(F.replace(column, F.lit("\\"), F.lit("\\\\")), F.lit('"'), F.lit('\\"'))
        escaped = F.regexp_replace(escaped, r"[\x00-\x1f]", " ")
        return F.concat(F.lit('"'), escaped, F.lit('"'))
    if kind == "double":
        return F.round(column, 4).cast("decimal(24,4)").cast("string")
    return column.cast("string")


def _counts(rows: pa.Table, audiences: int) -> dict[str, Any]:
    held_out = pc.sum(pc.cast(pc.equal(rows["arm"], "holdout"), pa.int64())).as_py() or 0
    return {"audiences": audiences, "members": rows.num_rows, "held_out": held_out}
