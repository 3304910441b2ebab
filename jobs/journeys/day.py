"""The journeys of a day: each table gets what arrived, and what that changes of what was written before.

Beside new rows, tables change for customers that merged or split, for rows that waited for their day, and by time
alone: a basket is given up, a contact leaves a window. What is not touched by any of these stays as it is stored.
Every table is what a rebuild from everything would make of it (`jobs.journeys.journeys`), or Unknown is raised.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity import own_sends
from jobs.activity import touchpoints as contacts
from jobs.activity.conditions import day_of
from jobs.activity.currency import AMOUNTS, repriced
from jobs.activity.said import THREADS, spoken_in, with_said
from jobs.activity.sessions import (
    bots_of,
    changed_periods,
    of_people,
    sessions,
    tracker_session,
    visit_rules,
    whole_visits,
    with_session,
)
from jobs.config.journey.kpis import lake_table
from jobs.config.texts import TABLE as TEXTS
from jobs.identity.fresh import Fresh, Unknown, moments_of
from jobs.identity.over_time.moved import with_customer_now
from jobs.journeys.carts import basket_visits, carts
from jobs.journeys.moments.evidence import answered_differently, as_if_new, consent_history, known_records
from jobs.journeys.moments.in_records import record_moments
from jobs.journeys.moments.in_visits import moments
from jobs.journeys.moments.nearby import with_nearby
from jobs.journeys.rates import exchange_on, new_rates
from jobs.journeys.vitals import vitals
from jobs.lake.exchange import SIDE, differing, exchange
from jobs.lake.tables import catalogue

EVENTS = "valid/events"


@dataclass
class Today:
    """What a day makes of the tables so far: each as it is now, and the days on which it has other rows."""

    customers: DataFrame
    """Customers whose touchpoints or visits are others now, by the ids of today."""
    touched: DataFrame
    """Customers of whom any row is another now, by the ids of today or of before."""
    stays: DataFrame | None = None
    """Rows of journeys/stages that are others now, as they were and as they are."""
    tables: dict[str, DataFrame] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    days: dict[str, set[date]] = field(default_factory=dict)


def update(fresh: Fresh) -> Today:
    """Write sessions, baskets, touchpoints and moments. Raises Unknown, before anything is written, if it cannot."""
    visits = _Visits(fresh)
    today = Today(visits.customers, visits.customers)
    records = [_new_records(fresh, name) for name in contacts.OF_DATASET if fresh.txn.pins[f"valid/{name}"] is not None]
    records += _own_sends(fresh)
    visits.write(today)
    _write_carts(fresh, visits, today)
    _write_touchpoints(fresh, visits, records, today)
    visits.write_moments(today)
    return today


class _Visits:
    """Sessions that have to be made again, and those that only have another customer now."""

    def __init__(self, fresh: Fresh) -> None:
        self.fresh, keep = fresh, fresh.keep
        journey, zone = fresh.settings.journey, fresh.settings.general.timezone
        stored = with_customer_now(fresh.txn.read("journeys/sessions"), fresh.moved)
        new = fresh.rows(EVENTS, "occurred_at").where(day_of("occurred_at", zone) <= F.lit(fresh.as_of))
        moment, nobody = F.col("occurred_at"), F.lit(None).cast("string")
        point = (nobody.alias("before"), moment.alias("low"), moment.alias("high"))
        named = new.where(F.col("customer_id").isNotNull())
        points = keep(named.select("customer_id", *point, tracker_session().alias("tracker_session")))
        span = (F.col("started_at").alias("low"), F.col("ended_at").alias("high"))
        tracked = F.coalesce("tracker_session", F.lit("")).alias("tracker_session")
        if (asked := answered_differently(fresh)) is not None:
            points = keep(points.unionByName(as_if_new(stored, asked)))
        bots = bots_of(journey)
        if bots.most_per_minute is not None:  # what two did in a minute, one who merged of them did too fast
            points = keep(points.unionByName(as_if_new(stored, fresh.moved)))
        touched = points.select("customer_id").union(fresh.moved.select("customer_id")).dropna().distinct()
        known = stored.join(touched, on="customer_id", how="left_semi")
        spans = whole_visits(points.unionByName(known.select("customer_id", "before", *span, tracked)))
        periods = keep(changed_periods(spans, journey.session_gap_minutes))
        inside = F.col("occurred_at").between(F.col("low"), F.col("high"))
        of_these = of_people(self._events_in(periods), bots).where(inside).drop("low", "high")
        self.events = keep(with_session(of_these, *visit_rules(journey, zone, told=False)))
        again = periods.select("customer_id", "low", "high", F.lit(True).alias("again"))
        within = F.col("started_at").between(F.col("low"), F.col("high"))
        marked = known.join(again, on="customer_id", how="left").where(within)
        other = stored.where(F.col("customer_id").isNull() | (F.col("customer_id") != F.col("before")))
        gone = marked.select("session_id", "before", "day").union(other.select("session_id", "before", "day"))
        self.gone = keep(gone.distinct())
        made_again = marked.select("session_id")
        rekeyed = other.where(F.col("customer_id").isNotNull()).join(made_again, on="session_id", how="left_anti")
        made = sessions(self.events, journey.channels, zone, journey.intent)
        self.rows = keep(_typed("sessions", made).unionByName(_typed("sessions", rekeyed)))
        self.rekeyed = rekeyed.select("session_id", "customer_id")

    def _events_in(self, periods: DataFrame) -> DataFrame:
        """Every event of the periods (`low`, `high`), and of a minute beside them, which tells what was too fast there.

        They are read from the files that may hold any.
        """
        fresh, zone = self.fresh, self.fresh.settings.general.timezone
        near = [F.expr(end) for end in ("low - interval 1 minute", "high + interval 1 minute")]
        span = F.sequence(F.to_date(near[0]), F.to_date(near[1]), F.expr("interval 1 day"))
        days = sorted(row[0] for row in periods.select(F.explode(span).alias("day")).distinct().collect())

        begins = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days]
        files = [
            file
            for file in fresh.files(EVENTS)
            if any(file.may_hold("occurred_at", begin, begin + timedelta(days=1)) for begin in begins)
        ]
        known = (F.col("arrived") <= F.lit(fresh.as_of)) & (day_of("occurred_at", zone) <= F.lit(fresh.as_of))
        found = fresh.lake.read_files(EVENTS, files)
        rows = fresh.with_customer(found.where(known & F.to_date("occurred_at").isin(days)), EVENTS)
        return rows.join(periods, on="customer_id", how="inner").where(F.col("occurred_at").between(*near))

    @property
    def customers(self) -> DataFrame:
        """Customers of today with other visits than before: `customer_id`."""
        before = self.gone.select(F.col("before").alias("customer_id"))
        now = with_customer_now(before, self.fresh.moved).select("customer_id").dropna()
        return self.rows.select("customer_id").union(now).distinct()

    def write(self, today: Today) -> None:
        zone = self.fresh.settings.general.timezone
        _revise(self.fresh, today, "sessions", self.gone, self.rows)
        self._write_of_sessions(today, "basket_visits", basket_visits(self.events, zone))
        self.moments = self._moments()
        self._write_of_sessions(today, "vitals", vitals(self.events, self.moments, zone))

    def _moments(self) -> DataFrame:
        journey, zone, txn = self.fresh.settings.journey, self.fresh.settings.general.timezone, self.fresh.txn
        if not any(kind.signals for kind in journey.moments.values()):
            return self.fresh.lake.empty("journeys/moments")
        placed = with_nearby(self.events, consent_history(txn, journey), journey.location, zone)
        return self.fresh.keep(_typed("moments", moments(placed, journey, zone)))

    def write_moments(self, today: Today) -> None:
        """Micro-moments of these sessions, and those of records, which are made anew: only what differs is written."""
        fresh, stored = self.fresh, self.fresh.txn.read("journeys/moments")
        gone, made = self._of_sessions("moments", self.moments)
        known = lambda name: known_records(fresh.txn, name, fresh.as_of, fresh.settings)  # noqa: E731
        rules = (fresh.settings.journey, fresh.as_of, fresh.settings.general.timezone)
        beside = record_moments(known, today.tables["touchpoints"], *rules, fresh.keep)
        if beside is not None:
            before = stored.where(F.col("session_id").isNull())
            other = fresh.keep(differing(before, _typed("moments", beside)))
            gone = gone.unionByName(other.where(f"{SIDE} = 1").drop(SIDE))
            made = made.unionByName(other.where(f"{SIDE} = 2").drop(SIDE))
            today.touched = today.touched.union(other.select("customer_id"))
        _revise(fresh, today, "moments", fresh.keep(gone), fresh.keep(made))

    def _write_of_sessions(self, today: Today, table: str, made: DataFrame) -> None:
        _revise(self.fresh, today, table, *self._of_sessions(table, made))

    def _of_sessions(self, table: str, made: DataFrame) -> tuple[DataFrame, DataFrame]:
        """Rows of single sessions that go and come: those made again, and those that have another customer now."""
        stored = self.fresh.txn.read(f"journeys/{table}")
        gone = self.fresh.keep(stored.join(self.gone.select("session_id"), on="session_id", how="left_semi"))
        rekeyed = gone.drop("customer_id").join(self.rekeyed, on="session_id", how="inner")
        return gone, _typed(table, made).unionByName(_typed(table, rekeyed))


def _write_carts(fresh: Fresh, visits: _Visits, today: Today) -> None:
    """Baskets of customers with other visits, and of those whose basket is open: it may be given up by now."""
    name, journey, zone = "journeys/carts", fresh.settings.journey, fresh.settings.general.timezone
    stored = fresh.txn.read(name)
    waiting = with_customer_now(stored.where(F.col("status") == "open"), fresh.moved).select("customer_id").dropna()
    touched = fresh.keep(visits.customers.union(waiting).distinct())
    made = carts(
        today.tables["basket_visits"].join(touched, on="customer_id", how="left_semi"),
        journey.cart_days,
        fresh.as_of,
        zone,
    )
    before = stored.join(fresh.ids_before(touched), "customer_id", "left_semi")
    today.touched = today.touched.union(write_difference(fresh, today, "carts", before, made).select("customer_id"))


@dataclass(frozen=True)
class _Records:
    """Contacts of records that are new or have a new version: as the last run made them, and as they are `now`."""

    was: list[DataFrame]
    now: list[DataFrame]


def _new_records(fresh: Fresh, dataset: str) -> _Records:
    """Nothing of a dataset of which nothing came: what is stored of it stays, whoever its customers are now."""
    name, make = f"valid/{dataset}", contacts.OF_DATASET[dataset]
    contract, journey, zone = catalogue.get(name), fresh.settings.journey, fresh.settings.general.timezone
    record = ["source", *contract.together]
    told = [] if fresh.nothing_came(name, *moments_of(name)) else [fresh.visible(name, *moments_of(name))]
    if not contract.versions:
        today = day_of(str(contract.moment), zone) <= F.lit(fresh.as_of)
        new = [fresh.with_customer(rows, name).where(today) for rows in told]
        return _Records([], [part for rows in new for part in make(fresh.keep(rows), journey, zone)])
    named = [rows.select(*record) for rows in told]
    if dataset in AMOUNTS and (rates := new_rates(fresh)) is not None:
        general = fresh.settings.general
        known = fresh.known_then(name)
        named.append(repriced(known, rates, general.currency, str(contract.moment), zone).select(*record))
    texts = fresh.txn.read(TEXTS) if fresh.txn.pins[TEXTS] is not None else None
    if texts is not None and dataset in THREADS:
        named.append(spoken_in(fresh.arrived(TEXTS), dataset, *contract.together))
    found = fresh.keep.kept(reduce(DataFrame.union, named).distinct()) if named else None
    if found is None or not found.rows:
        return _Records([], [])
    now = fresh.txn.read(name).where(F.col("arrived") <= F.lit(fresh.as_of)).join(found.frame, record, "left_semi")
    then = fresh.known_then(name).join(found.frame, record, "left_semi")
    exchange = exchange_on(fresh.txn, fresh.as_of, fresh.settings)
    now = exchange.converted(now, dataset, str(contract.moment))
    return _Records(
        make(fresh.keep(fresh.with_customer_then(then, name)), journey, zone),
        with_said(make(fresh.keep(fresh.with_customer(now, name)), journey, zone), dataset, texts, [fresh.as_of]),
    )


def _own_sends(fresh: Fresh) -> list[_Records]:
    """Messages sent from here that are new, went on, or are of customers who moved."""
    ledger, settings = own_sends.LEDGER, fresh.settings
    channels = own_sends.channels(settings)
    if fresh.txn.pins[ledger] is None or not channels:
        return []
    found = fresh.lake.added_files(ledger, fresh.before.pins[ledger], fresh.txn.pins[ledger])
    if found is None:
        raise Unknown(f"{ledger} lost rows, or its log does not tell what came")
    stored = fresh.lake.read_files(ledger, found.before)
    then = own_sends.with_customer_of_today(own_sends.known_before(stored, fresh.until), fresh.map_then())
    now = own_sends.known_before(fresh.txn.read(ledger), fresh.as_of)
    added = own_sends.known_before(fresh.lake.read_files(ledger, found.new), fresh.as_of)
    due = own_sends.known_before(stored, fresh.as_of).where(F.col("day") >= F.lit(fresh.until))
    moved = then.join(fresh.moved.select(F.col("before").alias("customer_id")), "customer_id", "left_semi")
    told = [part.select("operation_id") for part in (added, due, moved)]
    names = fresh.keep(reduce(DataFrame.union, told).distinct())

    def of(rows: DataFrame) -> DataFrame:
        chosen = rows.join(names, "operation_id", "left_semi")
        return fresh.keep(own_sends.own_sends(chosen, channels, settings.general.timezone))

    return [_Records([of(then)], [of(own_sends.with_customer_of_today(now, fresh.txn.read("identity/map")))])]


def _write_touchpoints(fresh: Fresh, visits: _Visits, records: list[_Records], today: Today) -> None:
    """Contacts of customers with something new, of whom the order and the clicks of all may be others now."""
    journey, stored = fresh.settings.journey, fresh.txn.read("journeys/touchpoints")
    now = [contacts.visits(visits.rows), *(part for one in records for part in one.now)]
    was = [part.select("customer_id", "touchpoint_id") for one in records for part in one.was]
    ended = visits.gone.select(
        F.col("before").alias("customer_id"), contacts.visit_id("session_id").alias("touchpoint_id")
    )
    gone = fresh.keep(reduce(DataFrame.union, was, ended))
    touched = [part.select("customer_id") for part in (*now, with_customer_now(gone, fresh.moved), fresh.moved)]
    customers = fresh.keep(reduce(DataFrame.union, touched).dropna().distinct())
    before = fresh.keep(stored.join(fresh.ids_before(customers), "customer_id", "left_semi"))
    kept = (
        with_customer_now(before, fresh.moved)
        .where(F.col("customer_id").isNotNull())
        .join(gone.select("touchpoint_id"), "touchpoint_id", "left_anti")
        .select(*stored.columns)
    )
    every = fresh.keep(reduce(DataFrame.unionByName, now, kept).where(F.col("day") <= F.lit(fresh.as_of)))
    clicked = contacts.with_clicked(every, journey)
    rules = (journey.valence, journey.touchpoint_names, journey.expected_valence)
    differing = write_difference(fresh, today, "touchpoints", before, contacts.touchpoints([clicked], *rules))
    changed = with_customer_now(differing.select("customer_id"), fresh.moved).select("customer_id")
    today.customers = fresh.keep(
        today.customers.union(changed).union(differing.select("customer_id")).dropna().distinct()
    )
    today.touched = today.touched.union(today.customers)


def write_difference(fresh: Fresh, today: Today, table: str, before: DataFrame, after: DataFrame) -> DataFrame:
    """Put `after` in the place of `before`, rows of one table, but write only what differs: those rows, old and new."""
    made = exchange(fresh.lake, f"journeys/{table}", before, after, fresh.txn, fresh.keep)
    _note(today, table, made.differing, made.commit.version, made.now)
    return made.differing


def _typed(table: str, rows: DataFrame) -> DataFrame:
    """The columns of a table as it stores them, so that rows made now can be put beside rows read."""
    return rows.select(*[F.col(c.name).cast(c.type) for c in catalogue.get(f"journeys/{table}").columns])


def _revise(fresh: Fresh, today: Today, table: str, old: DataFrame, new: DataFrame) -> None:
    """Write `new` in the place of `old`, of which the key and the day matter."""
    name = f"journeys/{table}"
    commit = fresh.lake.revise(name, old.select(*catalogue.get(name).key), new, fresh.txn)
    days = catalogue.get(name).day_column
    changed = old.select(days).union(new.select(days)) if days else old
    _note(today, table, changed, commit.version, fresh.lake.read(name, version=commit.version))


def _note(today: Today, table: str, changed: DataFrame, version: int, now: DataFrame) -> None:
    day = catalogue.get(f"journeys/{table}").day_column
    if day:
        today.days[table] = {row[0] for row in changed.select(day).dropna().distinct().collect()}
    today.versions[table], today.tables[table] = version, now


def rows_of_days(fresh: Fresh, today: Today, table: str, days: Collection[date]) -> DataFrame:
    """The rows of these days, read from the files that may hold them."""
    name = lake_table(table)
    if table not in today.versions:  # no step of the journeys writes it
        return today.tables[table].where(F.col("day").isin(sorted(days)))
    files = fresh.lake.added_files(name, None, today.versions[table])
    found = [file for file in files.new if any(file.may_hold("day", day, day) for day in days)] if files else []
    return fresh.lake.read_files(name, found).where(F.col("day").isin(sorted(days)))
