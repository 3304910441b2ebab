"""The customer journey of everybody: visits, baskets, touchpoints, micro-moments, stages with their history, KPIs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from functools import reduce
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity import own_sends
from jobs.activity import touchpoints as contacts
from jobs.activity.checks import refuse_forbidden
from jobs.activity.conditions import day_of
from jobs.activity.currency import RATES
from jobs.activity.day import EVERYBODY, TOUCHED
from jobs.activity.every_day import asked_every_day, used_in_rules, value_of_moves
from jobs.activity.said import with_said
from jobs.activity.sessions import bots_of, sessions, visit_rules, with_session
from jobs.activity.timeline import timeline
from jobs.clock import now
from jobs.config.journey.kpis import VALUES, lake_table
from jobs.config.journey.moments import RECURRENCES
from jobs.config.settings import Settings
from jobs.config.texts import TABLE as TEXTS
from jobs.identity.customer_of import known_customers, newest_day, with_customer
from jobs.identity.fresh import Fresh, Unknown
from jobs.journeys import day_numbers
from jobs.journeys.bots import bots_per_day
from jobs.journeys.carts import basket_visits, carts
from jobs.journeys.day import update, write_difference
from jobs.journeys.kpis import customer_values, groups
from jobs.journeys.kpis import rows as counted_rows
from jobs.journeys.kpis.outlook import ALERTS, COLUMNS, OUTLOOK, TRENDS, outlook
from jobs.journeys.kpis.tables import delivered, kpis, registry
from jobs.journeys.kpis.values import last_whole_day
from jobs.journeys.moments.evidence import consent_history, known_records
from jobs.journeys.moments.in_records import datasets, record_moments
from jobs.journeys.moments.in_visits import moments
from jobs.journeys.moments.nearby import HISTORY, with_nearby
from jobs.journeys.rates import exchange_on
from jobs.journeys.stage_moves import stage_moves
from jobs.journeys.stages import stages
from jobs.journeys.told import counts
from jobs.journeys.vitals import vitals
from jobs.lake.lake import Lake, Txn
from jobs.lake.scratch import Scratch
from jobs.lake.tables import catalogue
from jobs.lake.tables.known import TABLES as COUNTABLE

log = logging.getLogger(__name__)
VALID = ("valid/events", *(f"valid/{name}" for name in contacts.OF_DATASET))
READS = (*VALID, RATES, TEXTS, "identity/map", "identity/set_aside")
LEDGER = own_sends.LEDGER
WRITES = (
    "journeys/sessions",
    "journeys/basket_visits",
    "journeys/carts",
    "journeys/touchpoints",
    "journeys/moments",
    "journeys/vitals",
    "journeys/bots",
    "journeys/stages",
    "journeys/stage_moves",
    "journeys/kpis",
    "journeys/kpi_registry",
    OUTLOOK,
    TRENDS,
    ALERTS,
)


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Rebuild journeys/* from everything that arrived up to `day`.

    A late row corrects history: the tables are those that would exist had it arrived in time. What carries a time
    after `day` waits until that day comes. A day that has not ended by the clock, in the company's time zone, is not
    complete in journeys/kpis; run again when it has, it is made anew as whole.
    """
    lake = Lake.of(settings)
    as_of = newest_day(lake, "identity/standing", day)
    asked = asked_every_day(settings)
    numbers = [[name, trait, trait.among] for name, trait in asked.items()]
    general = settings.general
    own: list[Any] = [general.timezone, general.country, general.currency, general.rates, settings.whose_rows]
    rules = settings.journey.model_dump_json(exclude={"funnels", "paths", "moment_effects"})
    config = [rules, *own, numbers, own_sends.channels(settings)]
    # Not all of the ledger is read: what is sent after the journeys of a day must not make them another result.
    whole = last_whole_day(as_of, now(), general.timezone)
    state = {"as_of": str(as_of), "whole": str(whole), "sends": str(own_sends.rows_before(lake, as_of))}
    beside = [name for name in datasets(settings.journey) if name not in (*READS, RECURRENCES)]
    counted = [name for name in counted_rows.reads(settings.journey) if name not in (*READS, *beside)]
    reads = [*READS, *beside, *counted, *([HISTORY] if settings.journey.location else [])]
    writes = _writes(lake, settings)
    txn = lake.transaction(
        "map_journeys",
        day,
        reads,
        config,
        previous=[*writes, TOUCHED, LEDGER, customer_values.TABLE, RECURRENCES, *groups.asked(settings.journey)],
        state=state,
        code=__name__,
    )
    if not txn.done(*writes, TOUCHED):
        refuse_forbidden(settings)
        try:
            _go_on(lake, txn, as_of, settings)
        except Unknown as reason:
            log.info("journeys: everything is made anew: %s", reason)
            _rebuild(lake, txn, as_of, settings)
    found = counts(lake, settings)
    log.info("journeys: %s", found)
    return found


def _writes(lake: Lake, settings: Settings) -> list[str]:
    """The tables a run writes: those of all companies, and of datasets that KPIs of this one are counted over."""
    return [*WRITES, *map(lake_table, counted_rows.written(lake, settings.journey))]


def _go_on(lake: Lake, txn: Txn, as_of: date, settings: Settings) -> None:
    """From where the last run ended. Raises Unknown if that cannot be said, before anything is written."""
    before = txn.before(*_writes(lake, settings), TOUCHED)
    if before is None:
        raise Unknown("no run before with this code and configuration that ended")
    with lake.scratch("journeys/sessions") as keep:
        fresh = Fresh.since(lake, txn, before, as_of, settings, keep, [*VALID])
        today = update(fresh)
        customer_values.note(fresh, today)
        today.tables |= groups.told_before(lake, txn, settings.journey, as_of)
        today.tables |= {name: lake.empty(lake_table(name)) for name in counted_rows.asked(settings.journey)}
        for name, rows in counted_rows.made(lake, txn, as_of, settings, keep).items():
            write_difference(fresh, today, name, txn.read(lake_table(name)), rows)
        day_numbers.update(fresh, today, _first_day(today.tables["touchpoints"]))
        _look_ahead(lake, txn, settings)
        _write_bots(lake, txn, as_of, settings)
        lake.replace(TOUCHED, today.touched.dropna().distinct(), txn)


def _rebuild(lake: Lake, txn: Txn, as_of: date, settings: Settings) -> None:
    with lake.scratch("journeys/sessions") as keep:
        _made_anew(lake, txn, as_of, settings, keep)


def _made_anew(lake: Lake, txn: Txn, as_of: date, settings: Settings, keep: Scratch) -> None:
    """Each table is read back after it is written, so that the next one starts from what is stored.

    Whose each row is, is looked up once, although several tables and kinds of contacts are made of it.
    """
    journey, zone = settings.journey, settings.general.timezone

    def publish(name: str, rows: DataFrame) -> DataFrame:
        return lake.read(name, version=lake.replace(name, rows, txn).version)

    def known(name: str) -> DataFrame:
        contract = catalogue.get(name)
        rows = txn.read(name).where(F.col("arrived") <= F.lit(as_of))
        if contract.moment and not contract.versions:
            rows = rows.where(day_of(contract.moment, zone) <= F.lit(as_of))
        priced = exchange.converted(rows, contract.short_name, str(contract.moment))
        return with_customer(priced, txn.read("identity/map"), settings, txn.unfilled(name))

    exchange = exchange_on(txn, as_of, settings)
    visited = keep(with_session(known("valid/events"), *visit_rules(journey, zone)))
    tables = {"sessions": publish("journeys/sessions", sessions(visited, journey.channels, zone, journey.intent))}
    touched = publish("journeys/basket_visits", basket_visits(visited, zone))
    tables["carts"] = publish("journeys/carts", carts(touched, journey.cart_days, as_of, zone))
    parts = [
        contacts.visits(tables["sessions"]),
        *_other_contacts(lake, txn, lambda name: keep(known(name)), as_of, settings),
    ]
    if sent := _own_sends(txn, as_of, settings):
        parts = [contacts.with_clicked(reduce(DataFrame.unionByName, [*parts, *sent]), journey)]
    rules = (journey.valence, journey.touchpoint_names, journey.expected_valence)
    every = contacts.touchpoints(parts, *rules).where(F.col("day") <= F.lit(as_of))
    tables["touchpoints"] = publish("journeys/touchpoints", every)
    found = _all_moments(lake, txn, visited, tables["touchpoints"], as_of, settings, keep)
    tables["moments"] = publish("journeys/moments", found)
    tables["vitals"] = publish("journeys/vitals", vitals(visited, tables["moments"], zone))
    _write_bots(lake, txn, as_of, settings)
    asked = asked_every_day(settings)
    tables["customers"] = keep(timeline(tables, asked, as_of))
    everybody = known_customers(txn.read("identity/map"), txn.read("identity/set_aside"))
    placed = stages(tables["customers"], journey, used_in_rules(settings), everybody)
    tables["stages"] = publish("journeys/stages", placed)
    moved = stage_moves(tables["stages"], tables["customers"], value_of_moves(settings), as_of)
    tables["stage_moves"] = publish("journeys/stage_moves", moved)
    tables |= {name: lake.empty(lake_table(name)) for name in counted_rows.asked(journey)}
    for counted, rows in counted_rows.made(lake, txn, as_of, settings, keep).items():
        tables[counted] = publish(lake_table(counted), rows)
    _empty_others(lake, txn, settings)
    tables |= groups.told_before(lake, txn, journey, as_of)
    if customer_values.asked(journey):
        tables[VALUES] = customer_values.known_before(lake, txn, as_of)
    first_day = _first_day(tables["touchpoints"]) or as_of
    have, whole = delivered(lake, txn, journey, as_of), date.fromisoformat(txn.state["whole"])
    publish("journeys/kpis", kpis(tables, journey, have, first_day, as_of, keep, whole))
    lake.replace("journeys/kpi_registry", registry(journey), txn)
    _look_ahead(lake, txn, settings)
    lake.replace(TOUCHED, pa.table({"customer_id": [EVERYBODY]}), txn)


def _empty_others(lake: Lake, txn: Txn, settings: Settings) -> None:
    """Nothing stays of rows that no KPI is counted over any more."""
    for table in COUNTABLE:
        if table.name not in _writes(lake, settings) and lake.exists(table.name):
            lake.replace(table.name, lake.empty(table.name), txn)


def _all_moments(
    lake: Lake, txn: Txn, visited: DataFrame, touchpoints: DataFrame, as_of: date, settings: Settings, keep: Scratch
) -> DataFrame:
    journey, zone, found = settings.journey, settings.general.timezone, lake.empty("journeys/moments")
    if any(kind.signals for kind in journey.moments.values()):
        found = moments(with_nearby(visited, consent_history(txn, journey), journey.location, zone), journey, zone)
    known = lambda name: known_records(txn, name, as_of, settings)  # noqa: E731
    beside = record_moments(known, touchpoints, journey, as_of, zone, keep)
    return found if beside is None else found.select(*beside.columns).unionByName(beside)


def _look_ahead(lake: Lake, txn: Txn, settings: Settings) -> None:
    """Write what follows from journeys/kpis, as it is stored now."""
    for name, rows in outlook(lake.arrow("journeys/kpis", columns=COLUMNS), settings.journey).items():
        lake.replace(name, rows, txn)


def _write_bots(lake: Lake, txn: Txn, as_of: date, settings: Settings) -> None:
    """Counted over all events: nothing is kept of what no visit is made of."""
    journey, zone = settings.journey, settings.general.timezone
    bots = bots_of(journey)
    if not bots:
        lake.replace("journeys/bots", lake.empty("journeys/bots"), txn)
        return
    known = (F.col("arrived") <= F.lit(as_of)) & (day_of("occurred_at", zone) <= F.lit(as_of))
    events = txn.read("valid/events").where(known)
    if bots.most_per_minute is not None:
        events = with_customer(events, txn.read("identity/map"), settings, txn.unfilled("valid/events"))
    lake.replace("journeys/bots", bots_per_day(events, bots, zone), txn)


def _first_day(touchpoints: DataFrame) -> date | None:
    """The day KPIs begin. Registrations do not count: they can be years older than anything else known."""
    return touchpoints.where(F.col("type") != "registration").agg(F.min("day")).collect()[0][0]


def _other_contacts(
    lake: Lake, txn: Txn, known: Callable[[str], DataFrame], as_of: date, settings: Settings
) -> list[DataFrame]:
    """Touchpoints of every channel but the web; a dataset no source delivers takes no time."""
    journey, zone = settings.journey, settings.general.timezone
    texts = txn.read(TEXTS) if txn.pins[TEXTS] is not None else None
    return [
        part
        for name, make in contacts.OF_DATASET.items()
        if lake.exists(f"valid/{name}")
        for part in with_said(make(known(f"valid/{name}"), journey, zone), name, texts, [as_of])
    ]


def _own_sends(txn: Txn, as_of: date, settings: Settings) -> list[DataFrame]:
    """Touchpoints of what was sent from here; none of it takes no time."""
    channels = own_sends.channels(settings)
    if txn.pins[LEDGER] is None or not channels:
        return []
    known = own_sends.known_before(txn.read(LEDGER), as_of)
    sends = own_sends.with_customer_of_today(known, txn.read("identity/map"))
    return [own_sends.own_sends(sends, channels, settings.general.timezone)]
