"""Who gets which variant of an experiment: by a hash with its salt, the same person always the same one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.audiences.draws import key
from jobs.audiences.evidence import evidence
from jobs.config.actions.experiments import Experiment
from jobs.config.sql.guard import engine_sql
from jobs.errors import StepFailed
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

BEGUN = "decisions/experiments"
_BUCKETS = 16**8


def running(experiments: Mapping[str, Experiment], day: date) -> dict[str, Experiment]:
    """The experiments in which people are drawn on a day."""
    return {name: one for name, one in experiments.items() if one.runs(day)}


def begin(lake: Lake, experiments: Mapping[str, Experiment], day: date) -> None:
    """Note experiments that begin, each once. Raises StepFailed for one that draws otherwise than when it began, or
    whose salt another one had."""
    known = lake.arrow(BEGUN).to_pylist() if lake.exists(BEGUN) else []
    before = {row["experiment"]: row for row in known}
    salts = {row["salt"]: row["experiment"] for row in known}
    new = []
    for name, one in running(experiments, day).items():
        was, signature = before.get(name), one.signature()
        if was and was["signature"] != signature:
            raise StepFailed(
                f"config/experiments/{name}.yaml: variants, shares, unit, layer or salt are not what they were when it "
                f"began on {was['began']}: its result would mix two experiments. Put them back, or close it (closed, "
                "learning) and begin another one under a new name"
            )
        if not was and salts.get(one.salted, name) != name:
            raise StepFailed(
                f"config/experiments/{name}.yaml: the salt {one.salted!r} was that of {salts[one.salted]}: the "
                "same people would be drawn again; give another"
            )
        if not was:
            new.append({"experiment": name, "began": day, "salt": one.salted, "signature": signature})
    if new:
        rows = pa.Table.from_pylist(new, catalogue.get(BEGUN).arrow_schema())
        lake.append(BEGUN, rows, lake.transaction("experiments", day, config=new, code=__name__))


def units(found: DataFrame, one: Experiment, moved: DataFrame, people: DataFrame) -> DataFrame:
    """Everybody of `found` whom an experiment is about: customer_id, unit (what is drawn), inside (the layer).

    `moved` are those of decisions/arms who are drawn by another id than their own.
    """
    first = moved.where(F.col("audience") == key(one.experiment)).select("customer_id", "first_customer_id")
    who = found.where(F.col("audience").isin(one.actions)).select("customer_id").distinct()
    joined, unit = who.join(first, on="customer_id", how="left"), F.coalesce("first_customer_id", "customer_id")
    if one.unit == "household":
        homes = people.where(F.coalesce("household", F.lit("")) != "").select("customer_id", "household")
        joined, unit = joined.join(homes, on="customer_id", how="left"), F.coalesce("household", unit)
    return joined.select("customer_id", unit.alias("unit"), in_layer(one, unit).alias("inside"))


def drawn(units: DataFrame, one: Experiment) -> DataFrame:
    """The variant of everybody, by the shares: customer_id, arm, propensity; both null outside of the layer."""
    shares = [F.when(F.col("arm") == name, F.lit(variant.share)) for name, variant in one.variants.items()]
    told = units.select("customer_id", drawn_variant(one, F.col("unit")).alias("arm"))
    return told.select("customer_id", "arm", F.coalesce(*shares).alias("propensity"))


def without_other_variants(found: DataFrame, one: Experiment, drawn: DataFrame) -> DataFrame:
    """Members without those who were drawn for another variant of the action they would get.

    Whoever is in the layer of an experiment but not in its part of it gets the action of the control.
    """
    actions = [F.when(F.col("drawn_for") == name, variant.action) for name, variant in one.variants.items()]
    joined = found.join(drawn.select("customer_id", F.col("arm").alias("drawn_for")), on="customer_id", how="left")
    mine = F.col("audience") == F.coalesce(*actions, F.lit(one.variants[one.control].action))
    return joined.where(~F.col("audience").isin(one.actions) | mine).select(*found.columns)


def with_context(drawn: DataFrame, one: Experiment, view: DataFrame) -> DataFrame:
    """Draws with what is to be kept of the customer at that moment, as JSON."""
    texts = {name: F.expr(engine_sql(text)).cast("double") for name, text in one.allocation.context.items()}
    if not texts:
        return drawn.withColumn("context", F.lit(None).cast("string"))
    numbers = {name: F.when(~F.isnan(value), value).alias(name) for name, value in texts.items()}
    seen = view.select("customer_id", *numbers.values())
    told = seen.select("customer_id", evidence(dict.fromkeys(numbers, "double")).alias("context"))
    return drawn.join(told, on="customer_id", how="left")


def drawn_variant(one: Experiment, unit: Column) -> Column:
    """The variant that a unit is drawn for; null outside of the layer."""
    place, until, chosen = _bucket(one.salted, unit), 0.0, F.lit(None).cast("string")
    for name, variant in one.variants.items():
        until += variant.share
        below = place < F.lit(f"{round(until * _BUCKETS):08x}") if until < 1 - 1e-9 else F.lit(True)
        chosen = F.coalesce(chosen, F.when(below, name))
    return F.when(in_layer(one, unit), chosen)


def in_layer(one: Experiment, unit: Column) -> Column:
    """Whether a unit is in the part of its layer that the experiment has."""
    if one.layer is None:
        return F.lit(True)
    place = _bucket(f"layer:{one.layer.name}", unit)
    begin, end = (F.lit(f"{round(share * _BUCKETS):08x}") for share in (one.layer.begin, one.layer.end))
    return (place >= begin) & ((place < end) | F.lit(one.layer.end >= 1))


def _bucket(salt: str, unit: Column) -> Column:
    return F.substring(F.sha2(F.concat(F.lit(f"{salt}|"), unit), 256), 1, 8)
