"""Stages and KPIs of a day: of customers touched, or with something that leaves a window."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from pyspark.sql import DataFrame

from jobs.activity.every_day import KINDS, asked_every_day, used_in_rules
from jobs.activity.timeline import moves, timeline
from jobs.config.traits import Trait
from jobs.identity.fresh import Fresh
from jobs.journeys import day_kpis
from jobs.journeys.day import Today, rows_of_days, write_difference
from jobs.journeys.stages import stages


def update(fresh: Fresh, today: Today, first_day: date | None) -> None:
    """Write journeys/stages and journeys/kpis, the latter from `first_day` on."""
    journey, asked = fresh.settings.journey, asked_every_day(fresh.settings)
    customers = fresh.keep(today.customers.union(_with_something_moving(fresh, today, asked)).distinct())
    then = fresh.ids_before(customers)
    own = {kind: today.tables[kind].join(customers, "customer_id", "left_semi") for kind in KINDS}
    lines = fresh.keep(timeline(own, asked, fresh.as_of))
    before = fresh.txn.read("journeys/stages").join(then, "customer_id", "left_semi")
    write_difference(fresh, today, "stages", before, stages(lines, journey.stages, used_in_rules(fresh.settings)))
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
