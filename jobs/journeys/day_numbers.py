"""Stages, moves and KPIs of a day: of customers touched, or with something that leaves a window."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity.every_day import KINDS, asked_every_day, used_in_rules, value_of_moves
from jobs.activity.timeline import moves, timeline
from jobs.config.traits import Trait
from jobs.identity.customer_of import known_customers
from jobs.identity.fresh import Fresh
from jobs.identity.over_time.moved import with_customer_now
from jobs.journeys.day import Today, rows_of_days, write_difference
from jobs.journeys.kpis import of_a_day as day_kpis
from jobs.journeys.stage_moves import days_of, stage_moves
from jobs.journeys.stages import CUSTOMER, VISITOR, stages


def update(fresh: Fresh, today: Today, first_day: date | None) -> None:
    """Write journeys/stages, journeys/stage_moves and journeys/kpis, the last from `first_day` on."""
    journey, asked = fresh.settings.journey, asked_every_day(fresh.settings)
    known = fresh.keep(known_customers(fresh.txn.read("identity/map"), fresh.txn.read("identity/set_aside")))
    parts = [today.customers, _with_something_moving(fresh, today, asked), _of_another_kind(fresh, known)]
    parts += [_with_value_known(fresh)] if journey.stage_value else []
    customers = fresh.keep(reduce(DataFrame.union, parts).dropna().distinct())
    then = fresh.ids_before(customers)
    own = {kind: today.tables[kind].join(customers, "customer_id", "left_semi") for kind in KINDS}
    lines = fresh.keep(timeline(own, asked, fresh.as_of))
    before, moved = (
        fresh.txn.read(f"journeys/{name}").join(then, "customer_id", "left_semi") for name in ("stages", "stage_moves")
    )
    placed = fresh.keep(stages(lines, journey, used_in_rules(fresh.settings), known))
    others = write_difference(fresh, today, "stages", before, placed)
    today.stays = fresh.keep(others)
    value = value_of_moves(fresh.settings)
    write_difference(fresh, today, "stage_moves", moved, stage_moves(placed, lines, value, fresh.as_of))
    own_then = {kind: fresh.txn.read(f"journeys/{kind}").join(then, "customer_id", "left_semi") for kind in KINDS}
    day_kpis.update(fresh, today, first_day or fresh.as_of, timeline(own_then, asked, fresh.until), lines)


def _with_something_moving(fresh: Fresh, today: Today, asked: Mapping[str, Trait]) -> DataFrame:
    """Customers with a contact that enters or leaves the window of a trait after the last run and up to today.

    Sessions are on the day of the visit they are.
    """
    days = [fresh.until + timedelta(days=n) for n in range(1, (fresh.as_of - fresh.until).days + 1)]
    later = {after for trait in asked.values() for after in moves(trait)} - {0}
    moving = {day - timedelta(days=after) for day in days for after in later}
    return rows_of_days(fresh, today, "touchpoints", moving).select("customer_id")


def _of_another_kind(fresh: Fresh, known: DataFrame) -> DataFrame:
    """Customers that are stored as another kind than they are by the identifiers of today."""
    now = fresh.txn.read("journeys/stages").where(F.col("valid_to").isNull()).select("customer_id", "kind")
    both = with_customer_now(now, fresh.moved).join(known.withColumn("known", F.lit(True)), "customer_id", "left")
    kind = F.when(F.col("known"), CUSTOMER).otherwise(VISITOR)
    return both.where(F.col("kind") != kind).select("customer_id")


def _with_value_known(fresh: Fresh) -> DataFrame:
    """Customers with a move of which the last day that counts for its value passed after the last run."""
    days = days_of(fresh.settings.traits[str(fresh.settings.journey.stage_value)])
    passed = F.date_add("day", days).between(F.lit(fresh.until + timedelta(days=1)), F.lit(fresh.as_of))
    moves = fresh.txn.read("journeys/stage_moves").where(passed)
    return with_customer_now(moves, fresh.moved).select("customer_id")
