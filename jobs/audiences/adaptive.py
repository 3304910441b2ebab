"""Who gets which variant of an adaptive experiment: drawn once, by what was known the evening before, and kept.

What was drawn stays drawn, whatever becomes known of that day later: running a day again changes nobody's variant.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.audiences import draws
from jobs.audiences.chances import chances, drawn
from jobs.audiences.draws import Draws, as_draws, contexts, key, table_of
from jobs.config.actions.experiments import Experiment
from jobs.config.settings import Settings
from jobs.lake.database import database_of
from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake, Txn
from jobs.lake.pinned import pinned

TABLE = "decisions/allocations"
_ROWS = "customer_id string, arm string, propensity double, context string, redrawn boolean, later boolean"


def draw(
    who: pa.Table, one: Experiment, lake: Lake, txn: Txn, settings: Settings, day: date
) -> tuple[DataFrame, list[dict[str, Any]]]:
    """The variant of everybody (customer_id, unit, inside, context): customer_id, arm, propensity, context, redrawn
    (on this day, not for the first time), later (first drawn on a later day); and the rows of TABLE for the day."""
    known = _with_what_was_drawn(who, one, lake, day)
    rows, told = drawn_on(known, one, _seen(one, lake, txn, settings, day), settings, day)
    spark = get_spark()
    return spark.createDataFrame(rows) if rows.num_rows else spark.createDataFrame([], _ROWS), told


def drawn_on(
    known: pa.Table, one: Experiment, seen: Draws, settings: Settings, day: date
) -> tuple[pa.Table, list[dict[str, Any]]]:
    """Draw whoever has no variant yet, and, where draws end, whose draw is too old, by the draws `seen` before."""
    names, how = list(one.variants), one.allocation
    since = known["since"].to_numpy(zero_copy_only=False).astype("datetime64[D]")
    inside, later = (known[name].to_numpy(zero_copy_only=False).astype(bool) for name in ("inside", "later"))
    first = inside & np.isnat(since)
    again = np.zeros(len(inside), bool)
    if how.redraw_days is not None:
        again = inside & ~later & (since <= np.datetime64(day - timedelta(days=how.redraw_days)))
    new, today = first | again, first | again | (inside & (since == np.datetime64(day)))
    context = contexts(pc.if_else(pa.array(new), known["now"], known["context"]), one)
    chance = np.ones((len(inside), len(names)))
    down = settings.journey.kpis[one.primary].direction == "down"
    shares = [variant.share for variant in one.variants.values()]
    chance[today] = chances(how, shares, seen, context[today], down)
    place = np.zeros(len(inside), int)
    for which, salt in ((first, one.salted), (again, f"{one.salted}|{day}")):
        place[which] = drawn(known["unit"].filter(pa.array(which)).to_pylist(), salt, chance[which])
    fresh = pa.array(new)
    arm = pc.if_else(fresh, pa.array(names).take(pa.array(place)), known["arm"])
    redrawn = again | (pc.fill_null(pc.equal(known["because"], "redrawn"), False).to_numpy() & today & ~new)
    rows = pa.table({
        "customer_id": known["customer_id"], "arm": arm,
        "propensity": pc.if_else(fresh, pa.array(chance[np.arange(len(place)), place]), known["propensity"]),
        "context": pc.if_else(fresh, known["now"], known["context"]), "redrawn": redrawn, "later": later,
    })  # fmt: skip
    there = arm.filter(pa.array(today)).to_pylist()
    even = chances(how, shares, seen, np.zeros((1, context.shape[1])), down)[0] if how.method == "thompson" else None
    return rows, list(_told(one, seen, there, chance[today].mean(axis=0) if today.any() else even, day))


def with_those_gone(begun: DataFrame, arms: DataFrame, experiments: list[str], day: date) -> DataFrame:
    """Rows of decisions/arms for a day with those drawn earlier that day who are out of the action by now: whoever
    ordered meanwhile was drawn, and sent to, all the same."""
    mine = F.col("audience").isin([key(name) for name in experiments]) & (F.col("since") == F.lit(day))
    gone = arms.where(mine).join(begun, ["audience", "customer_id"], "left_anti")
    return begun.unionByName(gone.select(*begun.columns))


def _told(
    one: Experiment, seen: Draws, drawn_today: list[str], chance: np.ndarray | None, day: date
) -> Iterable[dict[str, Any]]:
    for n, name in enumerate(one.variants):
        mine = seen.of(seen.variant == n)
        many = len(mine.outcome)
        yield {
            "day": day, "experiment": one.experiment, "variant": name, "method": one.allocation.method,
            "floor": one.allocation.floor, "learned_from": many,
            "mean": round(float(np.average(mine.outcome, weights=1 / mine.propensity)), 6) if many else None,
            "chance": None if chance is None else round(float(chance[n]), 6), "drawn": drawn_today.count(name),
        }  # fmt: skip


def _seen(one: Experiment, lake: Lake, txn: Txn, settings: Settings, day: date) -> Draws:
    """The draws whose days had passed the evening before, and what came of them: the same in every run of the day."""
    kpi = settings.journey.kpis[one.primary]
    moment = bool(settings.audiences[one.variants[one.control].action].moment)
    versions = {name: txn.pins[name] for name in (*draws.NEEDS[1:], table_of(kpi))}
    versions[draws.NEEDS[0]] = lake.version(draws.NEEDS[0])
    tables = {name: name.replace("/", "_") for name in versions}
    with database_of(**{tables[name]: pinned(lake, name, version) for name, version in versions.items()}) as database:
        query = draws.query(one, kpi, day - timedelta(days=1), tables, moment)
        found = database.sql(query).to_arrow_table()
    usable = pc.and_(pc.invert(found["mixed"]), pc.is_valid(found["propensity"]))
    return as_draws(found.filter(usable), one)


def _with_what_was_drawn(who: pa.Table, one: Experiment, lake: Lake, day: date) -> pa.Table:
    """Everybody with the newest draw up to the day, or else the first one after it, which a backfill finds."""
    arms = pinned(lake, draws.NEEDS[0], lake.version(draws.NEEDS[0]))
    draw = "{'since': since, 'arm': arm, 'propensity': propensity, 'context': context, 'because': because}"
    with database_of(who=who, arms=arms) as database:
        return database.sql(f"""
            with stored as (
                select first_customer_id as unit, arg_max({draw}, since) filter (since <= date '{day}') as before,
                       arg_min({draw}, since) filter (since > date '{day}') as after
                from arms where audience = '{key(one.experiment)}' and because in ('drawn', 'redrawn')
                  and arm is not null group by all
            )
            select w.customer_id, w.unit, w.inside, w.context as now, w.inside and before is null and after is not null
                   as later, unnest(case when w.inside then coalesce(before, after) end)
            from who w left join stored s on s.unit = w.unit order by w.customer_id
        """).to_arrow_table()
