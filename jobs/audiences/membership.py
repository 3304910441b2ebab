"""Who is in which audience today, in which arm, and what the rule saw."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.activity import objections, traits
from jobs.audiences import arms, experiments, learned_times
from jobs.audiences.draws import key, table_of
from jobs.audiences.evidence import evidence
from jobs.audiences.giving import Giving, giving
from jobs.audiences.holdout import ALL, GLOBAL, HOLDOUT, TREATMENT, arm
from jobs.audiences.judged import models_asked
from jobs.audiences.learned_times import Window
from jobs.audiences.rules import columns_of, refuse_wrong_rules
from jobs.audiences.view import customer_view, tables
from jobs.audiences.view_columns import VIEW, view_of
from jobs.audiences.waiting import TOUCHPOINTS, column, with_waiting
from jobs.config.actions.audiences import Audience
from jobs.config.actions.contact_policy import ContactPolicy
from jobs.config.actions.experiments import Experiment
from jobs.config.settings import Settings
from jobs.config.sql.guard import engine_sql
from jobs.lake.lake import Lake, Txn
from jobs.lake.tables import catalogue
from jobs.lake.tables.contract import Dataset

TABLE, PEOPLE = "audiences/members", "profiles/people"
_ENTRY = "struct<audience string, evidence string, valid_until timestamp, gain double, kept_away string>"
"""One type for all entries of a row: engines differ in what may be null in each."""


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Evaluate every audience at the end of `day`, and draw arms. Raises ConfigError for a rule that is not allowed.

    Who was in an audience about a moment in an earlier run of the day stays in it: whoever it won over has ordered by
    now, and would be missing from what was sent, and from what it did.
    """
    lake = Lake.of(settings)
    config: list[Any] = [settings.audiences, settings.policy.keep_away, settings.policy.zone, settings.policy.holdout]
    config.append([[one.signature(), one.allocation.context, one.runs(day)] for one in settings.experiments.values()])
    config.append([name for name, one in settings.audiences.items() if one.lacks(settings.sources)])
    config += [settings.offers, *traits.configuration(settings), settings.identity.objections]
    waits = any(one.after for one in settings.audiences.values())
    running = experiments.running(settings.experiments, day)
    reads = {*tables(settings), *([TOUCHPOINTS] if waits else []), arms.EVENTS, arms.MAP, PEOPLE}
    adapting = [one for one in running.values() if one.allocation.adapts]
    config += [[one.within_days, settings.journey.kpis[one.primary]] for one in adapting]
    reads |= {table_of(settings.journey.kpis[one.primary]) for one in adapting}
    windows = learned_times.windows(lake, settings, day)
    config.append(windows)
    txn = lake.transaction("audiences", day, reads=sorted(reads), config=config, code=__name__)
    if not txn.done(TABLE, arms.TABLE):
        refuse_wrong_rules(settings)
        experiments.begin(lake, settings.experiments, day)
        on = {name: one for name, one in settings.audiences.items() if not one.lacks(settings.sources)}
        lasting = {name: one for name, one in on.items() if one.last_day >= day}
        view = customer_view(txn, day, settings)
        if waits:
            view = with_waiting(view, txn.read(TOUCHPOINTS), lasting, day)
        old = too_old(lasting, txn.read("models/scores"), day)
        found = members(view, lasting, view_of(settings), settings.policy, old, giving(settings, day), windows)
        found = found.withColumn("day", F.lit(day))
        passing = [name for name, audience in settings.audiences.items() if audience.moment]
        if passing and lake.exists(TABLE):
            before = lake.read(TABLE, day=day).where(F.col("audience").isin(passing))
            gone = before.join(found, ["audience", "customer_id"], "left_anti")
            found = found.unionByName(gone.select(*found.columns))
        found = _unopposed(found, txn, day, settings)
        drawn = lake.read(arms.TABLE) if lake.exists(arms.TABLE) else lake.empty(arms.TABLE)
        moved = arms.moved(drawn, txn.read(arms.EVENTS), txn.read(arms.MAP), day)
        if adapting:
            from jobs.audiences import adaptive  # loads scipy and DuckDB, which nothing else here needs
        allocations: list[dict[str, Any]] = []
        adapted: dict[str, DataFrame] = {}
        for name, one in running.items():
            who = experiments.units(found, one, moved, txn.read(PEOPLE))
            drawn_for = experiments.drawn(who, one)
            if one.allocation.adapts:
                everybody = experiments.with_context(who, one, view).toArrow()
                drawn_for, told = adaptive.draw(everybody, one, lake, txn, settings, day)
                adapted[name] = drawn_for
                allocations += told
            found = experiments.without_other_variants(found, one, drawn_for)
        lake.replace(TABLE, _with_arms(found, moved, settings), txn, day=day)
        there = _there(lake.read(TABLE, day=day), running, adapted, moved, view, txn.read(PEOPLE), settings)
        begun = arms.begun(there, moved, drawn, txn.read(arms.MAP), day)
        if adapted:
            begun = adaptive.with_those_gone(begun, drawn, list(adapted), day)
            rows = pa.Table.from_pylist(allocations, catalogue.get(adaptive.TABLE).arrow_schema())
            lake.replace(adaptive.TABLE, rows, txn, day=day)
        lake.replace(arms.TABLE, begun, txn, day=day)
    return _counts(lake.arrow(TABLE, columns=["arm"], day=day), len(settings.audiences))


def _unopposed(found: DataFrame, txn: Txn, day: date, settings: Settings) -> DataFrame:
    """Members but for those who object: to profiling of audiences that look at what a model says, or to all."""
    if not objections.tables(settings):
        return found
    judging = [name for name, one in settings.audiences.items() if models_asked(one)]
    who = objections.objecting(txn.read(objections.CONSENT), day, settings)
    opposed = F.coalesce("restricted", F.lit(False)) | (
        F.col("restricted").isNotNull() & F.col("audience").isin(judging)
    )
    return found.join(who, on="customer_id", how="left").where(~opposed).drop("restricted")


def _there(
    inside: DataFrame, running: Mapping[str, Experiment], adapted: Mapping[str, DataFrame], moved: DataFrame,
    view: DataFrame, people: DataFrame, settings: Settings,
) -> DataFrame:  # fmt: skip
    """Who is in what today, in which arm: in actions, in experiments, and in any action at all if some are held out of
    all."""
    none = {"propensity": F.lit(None).cast("double"), "context": F.lit(None).cast("string")}
    there = inside.select("audience", "customer_id", "arm", _share(settings).alias("share")).withColumns(none)
    for name, one in running.items():
        who = experiments.units(inside, one, moved, people)
        if name in adapted:
            mine = adapted[name].where(~F.col("later")).drop("later").join(who, "customer_id", "left_semi")
        else:
            mine = experiments.with_context(experiments.drawn(who, one), one, view)
        there = there.unionByName(mine.withColumn("audience", F.lit(key(name))), allowMissingColumns=True)
    if of_all := settings.policy.holdout:
        of_each = F.when(F.col("arm") == GLOBAL, HOLDOUT).otherwise(TREATMENT).alias("arm")
        everybody = inside.select(F.lit(ALL).alias("audience"), "customer_id", of_each).distinct()
        everybody = everybody.withColumn("share", F.lit(float(of_all.share)))
        there = there.unionByName(everybody, allowMissingColumns=True)
    return there.withColumn("redrawn", F.coalesce("redrawn", F.lit(False)) if adapted else F.lit(False))


def _with_arms(found: DataFrame, moved: DataFrame, settings: Settings) -> DataFrame:
    """Members with their arm, drawn by the id with which the person first came into the action."""
    own = moved.where(F.col("audience") != ALL)
    of_all = moved.where(F.col("audience") == ALL).select(
        "customer_id", F.col("first_customer_id").alias("drawn_of_all")
    )
    joined = found.join(own, on=["audience", "customer_id"], how="left").join(of_all, on="customer_id", how="left")
    drawn, drawn_of_all = (F.coalesce(name, "customer_id") for name in ("first_customer_id", "drawn_of_all"))
    shares = {name: one.holdout for name, one in settings.audiences.items()}
    share_of_all = settings.policy.holdout.share if settings.policy.holdout else 0
    return joined.withColumn("arm", arm(shares, drawn, share_of_all, drawn_of_all)).drop(
        "first_customer_id", "drawn_of_all"
    )


def _share(settings: Settings) -> Column:
    """The share that is held out of an action (column `audience`)."""
    shares = [F.when(F.col("audience") == name, float(one.holdout)) for name, one in settings.audiences.items()]
    return F.coalesce(*shares, F.lit(0.0))


def members(
    view: DataFrame,
    audiences: dict[str, Audience],
    table: Dataset = VIEW,
    policy: ContactPolicy | None = None,
    too_old: Collection[str] = (),
    given: Mapping[str, Giving] | None = None,
    windows: Mapping[str, Window] | None = None,
) -> DataFrame:
    """One row per customer and audience whose rule is true. All rules are evaluated in one pass over the view.

    `too_old` are the audiences whose evidence is: nothing is done about them. `given` are the offers that
    audiences give, `windows` the days since what they are about in which they write, if not those they declare.
    """
    policy = policy or ContactPolicy()
    if not audiences:
        names = ("audience", "customer_id", "evidence", "kept_away", "zone")
        return view.limit(0).select(*(F.lit("").alias(name) for name in names), F.lit(0.0).alias("gain"), _no_end())
    old = {name: name in too_old for name in audiences}
    entries = F.array(
        *(
            _entry(name, one, table, policy, old[name], (given or {}).get(name), (windows or {}).get(name))
            for name, one in sorted(audiences.items())
        )
    )
    zone = F.expr(engine_sql(policy.zone)) if policy.zone else F.lit(None)
    return (
        view.select("customer_id", zone.cast("string").alias("zone"), F.explode(entries).alias("entry"))
        .where(F.col("entry").isNotNull())
        .select(
            "entry.audience", "customer_id", "entry.evidence", "entry.valid_until", "entry.gain",
            "entry.kept_away", "zone",
        )
    )  # fmt: skip


def too_old(audiences: dict[str, Audience], scores: DataFrame, day: date) -> set[str]:
    """Audiences that look at a score older than their `evidence_days`, or at one that there is none of."""
    asked = {name: one for name, one in audiences.items() if one.when.evidence_days is not None}
    if not asked:
        return set()
    newest = scores.where(F.col("day") <= F.lit(day)).groupBy("model").agg(F.max("day").alias("day"))
    days = {row["model"]: row["day"] for row in newest.collect()}

    def is_old(one: Audience) -> bool:
        since = day - timedelta(days=one.when.evidence_days or 0)
        return any(days.get(model, date.min) < since for model in models_asked(one))

    return {name for name, one in asked.items() if is_old(one)}


def _gain(audience: Audience, given: Giving | None) -> Column:
    """What reaching the customer brings, rounded, since engines differ in the last digits; null where unknown."""
    if audience.value is None:
        return F.lit(None).cast("double")
    gain = F.expr(engine_sql(audience.value)).cast("double") * audience.effect.margin - audience.effect.cost
    gain = gain - given.expected_cost() if given else gain
    return F.when(~F.isnan(gain), F.round(gain, 6))


def _kept_away(
    audience: Audience, policy: ContactPolicy, too_old: bool, given: Giving | None, window: Window | None
) -> Column:
    """The first reason for which the action must not be done for the customer; null for none."""
    rules = [(rule.when, rule.reason) for rule in policy.keep_away if rule.concerns(audience)]
    reasons = [F.when(F.expr(engine_sql(when)), reason) for when, reason in rules]
    reasons += [F.lit("evidence_too_old")] if too_old else []
    reasons += learned_times.barriers(audience.when, window)
    reasons += given.barriers() if given else []
    gain = _gain(audience, given)
    reasons += [F.when(gain.isNull() | (gain < 0), "no_gain")] if audience.value else []
    return F.coalesce(*reasons, F.lit(None).cast("string"))


def _entry(
    name: str, audience: Audience, table: Dataset, policy: ContactPolicy, too_old: bool, given: Giving | None,
    window: Window | None,
) -> Column:  # fmt: skip
    until = F.col(f"{audience.moment}_until") if audience.moment else _no_end()
    looked_at = [*columns_of(audience.where, table.column_names), *audience.evidence]
    looked_at += [f"{audience.moment}_until"] if audience.moment else []
    looked_at += [audience.when.since] if audience.when.since else []
    types = {column.name: column.type for column in table.columns}
    seen = {column: types[column] for column in looked_at if column != "customer_id"}
    entry = F.struct(
        F.lit(name).alias("audience"),
        evidence(seen).alias("evidence"),
        until.alias("valid_until"),
        _gain(audience, given).alias("gain"),
        _kept_away(audience, policy, too_old, given, window).alias("kept_away"),
    )
    wanted = F.expr(engine_sql(audience.where))
    if audience.after:
        wanted = wanted & F.coalesce(F.col(column(name)), F.lit(False))
    lasts = until.isNotNull() if audience.moment else F.lit(True)
    return F.when(wanted & lasts, entry.cast(_ENTRY))


def _no_end() -> Column:
    return F.lit(None).cast("timestamp").alias("valid_until")


def _counts(rows: pa.Table, audiences: int) -> dict[str, Any]:
    held_out = pc.sum(pc.cast(pc.not_equal(rows["arm"], TREATMENT), pa.int64())).as_py() or 0
    return {"audiences": audiences, "members": rows.num_rows, "held_out": held_out}
