"""Rows that traits are computed over: of each table those known on a day, with the customer they concern.

The one gate between what customers did and what is counted: a row passes for a day if it had happened and arrived by
the end of it (rows of a first load: see `first_loads`), and nothing newer about the same record had arrived by then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.activity import own_sends, touchpoints
from jobs.activity.conditions import day_of, midnight
from jobs.activity.currency import AMOUNTS, RATES, Exchange, paid
from jobs.activity.first_loads import Arrivals, arrivals, known_by_their_own_time
from jobs.activity.language import LASTS
from jobs.activity.orders import outcome
from jobs.activity.row_columns import ORDER_COLUMNS, PRODUCT_COLUMNS, columns_of
from jobs.activity.said import with_said
from jobs.activity.sessions import bots_of, of_people, sessions, visit_rules, with_session
from jobs.config.settings import Settings
from jobs.config.texts import TABLE as TEXTS
from jobs.config.traits import ROWS
from jobs.identity.customer_of import with_customer
from jobs.lake.engine import get_spark
from jobs.lake.lake import Txn
from jobs.lake.scratch import Keep
from jobs.lake.tables import catalogue
from jobs.lake.tables.canonical import PERSON_COLUMNS
from jobs.validate.mapping.phone_countries import dialled_in
from jobs.validate.versions.counting import PERIOD, known_on, newest_known_on, newest_versions

Read = Callable[[str], DataFrame]
LINKS = "identity/links"
ALSO_NEEDED = {
    "orders": ("rates",),
    "order_lines": ("orders", "products", "rates"),
    "subscriptions": ("rates",),
    "payments": ("rates",),
    "messages": ("conversations",),
    "sessions": ("events",),
    "touchpoints": ("events", *touchpoints.OF_DATASET, "rates"),
}
"""Datasets that rows of a kind are completed with, or made of."""
COMPLETED_BY = {
    "order_lines": {"orders": "order_id", "products": "product_id"},
    "messages": {"conversations": "conversation_id"},
}
"""Of kinds whose rows are completed with records of others: by which column these are found."""


@dataclass(frozen=True)
class Known:
    """Where rows are read from, and for which days: those known on any of `days`, of the last `window` days of each.

    `window` None is ever. With `published`, sessions and touchpoints are those of journeys/*, as of the only day;
    otherwise they are made anew from the rows known then. Baskets and moments are always those of journeys/*.
    """

    read: Read
    identity_map: DataFrame
    days: Sequence[date]
    settings: Settings
    published: bool = False
    absent: Collection[str] = ()
    """Tables that no source delivers: nothing is made of them."""
    among: DataFrame | None = None
    """The customers (customer_id) whose rows are wanted; None for everybody."""
    of_nobody: bool = False
    """Whether rows of somebody nobody knows are wanted, too."""
    keep: Keep = lambda rows: rows
    """Computes rows once that are used more than once; by default each use computes them."""
    arrivals: dict[str, Arrivals] = field(default_factory=dict, compare=False)
    """When rows of tables arrived, as far as it was asked: the same whatever the days."""
    unfilled: Callable[[str], Collection[str]] = lambda name: ()
    """Columns of a table that are known to be empty."""
    then: DataFrame | None = None
    """Who customers of the map were on each day (`snapshot`, `customer_id`, `person`), where they were others."""

    @classmethod
    def of_step(cls, txn: Txn, days: Sequence[date], settings: Settings, published: bool = False) -> Known:
        """Rows at the versions that a transaction reads."""
        absent = frozenset(name for name, version in txn.pins.items() if version is None)
        return cls(txn.read, txn.read("identity/map"), days, settings, published, absent, unfilled=txn.unfilled)

    def with_people_of(self, txn: Txn, days: Sequence[date]) -> Known:
        """The same on past days, each with the people of that day: who is who is not told by what came later."""
        from jobs.identity.over_time.past_people import past_people  # it brings libraries that other steps do without

        if txn.pins.get(LINKS) is None:
            return replace(self, days=days)
        looked_up, then = past_people(txn.arrow("identity/map"), txn.arrow(LINKS), days)
        if then.empty:
            return replace(self, days=days)
        spark = get_spark()
        people = spark.createDataFrame(then, "snapshot date, customer_id string, person string, today string")
        return replace(self, days=days, identity_map=spark.createDataFrame(looked_up), then=people)

    def rows(self, kind: str, window: int | None) -> DataFrame:
        """customer_id, period in which the row was known, and the columns of `columns_of` but `days_ago`."""
        table, zone = ROWS[kind], self.settings.general.timezone
        at = str(table.moment)
        if table.zone == "journeys":
            found = self._of_journeys(kind, window)
        else:
            found = _COMPLETED.get(kind, _own)(self, kind, window)
            if kind == "events" and (bots := bots_of(self.settings.journey)):
                found = of_people(self._whose(found, "valid/events"), bots)
            else:
                found = self._whose(self.keep(found), *tables_for(kind))
        local = F.from_utc_timestamp(at, zone)
        moments = {"day": F.to_date(local), "hour": F.hour(local), "weekday": (F.dayofweek(local) + 5) % 7 + 1}
        # weekday() of a Sunday is -1 in the embedded engine
        whose = found if self.of_nobody else found.where("customer_id is not null")
        whose = whose if self.among is None else whose.join(self.among, on="customer_id", how="left_semi")
        dated = whose.withColumns(moments)
        lasting = [LASTS] if kind == "touchpoints" else []
        own = [name for name in columns_of(kind) if name != "days_ago"]
        return dated.select("customer_id", *PERIOD, *own, *lasting)

    def on_each_day(self, rows: DataFrame, window: int | None) -> DataFrame:
        """The rows once for each day on which they are known, with `snapshot`, that day, and `days_ago`."""
        if len(self.days) == 1:
            day = F.lit(self.days[0])
            found = rows.where(_in_sight(day, window)).withColumn("snapshot", day)
        else:
            seen = [F.when(_in_sight(F.lit(day), window), F.lit(day)) for day in sorted(self.days)]
            found = rows.withColumn("snapshot", F.explode(F.array_compact(F.array(*seen))))
        if self.then is not None:
            people = F.broadcast(self.then.drop("today"))
            found = found.join(people, on=["snapshot", "customer_id"], how="left")
            found = found.withColumn("customer_id", F.coalesce("person", "customer_id")).drop("person")
        return found.withColumn("days_ago", F.date_diff("snapshot", "day")).drop(*PERIOD)

    def table(self, name: str) -> DataFrame:
        """Rows of a table of valid/, those of a source's first load known at their own time (`first_loads`)."""
        rows = self.read(name)
        if self.published:  # it is of today, when all of it has arrived
            return rows
        if name not in self.arrivals:
            self.arrivals[name] = arrivals(rows)
        return known_by_their_own_time(rows, name, self.arrivals[name], self.days, self.settings)

    def of(self, dataset: str, window: int | None = None) -> DataFrame:
        """Rows of a dataset with the period in which each was known; of records in versions every version."""
        table = ROWS.get(dataset) or catalogue.get(f"valid/{dataset}")
        record = ("source", *table.together) if table.versions else ()
        found = self.table(f"valid/{dataset}")
        if window is not None and not table.versions:
            found = found.where(F.col(str(table.moment)) >= F.lit(self.start(window)))
        return known_on(found, self.days, *record)

    def in_own_currency(self, rows: DataFrame, dataset: str, at: str | None = None) -> DataFrame:
        """Rows with their amounts in the company's currency; rates are public, so late ones count as if in time."""
        if dataset not in AMOUNTS:
            return rows
        exchange = Exchange.of(self.settings, self.read, RATES not in self.absent)
        return exchange.converted(rows, dataset, at or str(catalogue.get(f"valid/{dataset}").moment))

    def _of_journeys(self, kind: str, window: int | None) -> DataFrame:
        table = ROWS[kind]
        if self.published or kind not in ALSO_NEEDED:
            found = self.read(table.name)
            period = {"known_from": F.lit(self.days[0]), "known_until": F.lit(self.days[0] + timedelta(days=1))}
            if kind == "carts":  # how it ended was not known before it did
                later = F.coalesce(F.col("day") > F.lit(self.days[0]), F.lit(False))
                period["status"] = F.when(later, "open").otherwise(F.col("status"))
            return found.withColumns(period)
        return self._sessions(window) if kind == "sessions" else self._touchpoints(window)

    def _sessions(self, window: int | None) -> DataFrame:
        """Sessions as they were cut on each day. A late event may join two: then a new period begins for both."""
        journey, zone = self.settings.journey, self.settings.general.timezone
        found = self.table("valid/events")
        if window is not None:  # two days more: the visit that was going on when the window began
            found = found.where(F.col("occurred_at") >= F.lit(self.start(window + 2)))
        happened = F.greatest("arrived", day_of("occurred_at", zone))
        events = self._whose(found.where(happened <= F.lit(max(self.days))), "valid/events")
        if len(self.days) > 1:  # sessions of all events hold those of fewer events whole
            events = with_session(events, journey.session_gap_minutes).withColumnRenamed("session_id", "every")
        known = known_on(events, self.days, "every", since=happened)
        return sessions(with_session(known, *visit_rules(journey, zone)), journey.channels, zone, journey.intent)

    def _touchpoints(self, window: int | None) -> DataFrame:
        journey, zone = self.settings.journey, self.settings.general.timezone
        parts = [touchpoints.visits(self._sessions(window))]
        texts = None if TEXTS in self.absent else self.read(TEXTS)
        for dataset, make in touchpoints.OF_DATASET.items():
            if f"valid/{dataset}" in self.absent:
                continue
            rows = self._whose(self.in_own_currency(self.of(dataset), dataset), f"valid/{dataset}")
            parts += with_said(make(rows, journey, zone), dataset, texts, self.days)
        if own_sends.channels(self.settings) and touchpoints.TABLE not in self.absent:
            parts.append(self._own_sends())
        return touchpoints.judged(parts, journey.valence, journey.touchpoint_names, journey.expected_valence)

    def _own_sends(self) -> DataFrame:
        """What was sent from here, of the days after that of its plan: before, it was not known."""
        sent = self.read(touchpoints.TABLE).where(F.col("source").isin(sorted(own_sends.channels(self.settings))))
        return known_on(sent, self.days, since=F.date_add("day", 1))

    def _whose(self, rows: DataFrame, *tables: str) -> DataFrame:
        """Rows made of these tables, with their customer."""
        naming = [name for name in tables if not set(PERSON_COLUMNS).isdisjoint(catalogue.get(name).column_names)]
        empty = set(PERSON_COLUMNS).intersection(*(self.unfilled(name) for name in naming))
        return with_customer(rows, self.identity_map, self.settings, empty)

    def start(self, window: int) -> datetime:
        """The moment at which the earliest window of so many days begins."""
        first = min(self.days) - timedelta(days=window - 1)
        return midnight(first, self.settings.general.timezone)


def tables_for(kind: str, published: bool = False) -> tuple[str, ...]:
    """The tables of the lake that rows of this kind are read from."""
    if ROWS[kind].zone == "journeys" and (published or kind not in ALSO_NEEDED):
        return (ROWS[kind].name,)
    own = () if ROWS[kind].zone == "journeys" else (kind,)
    made = (touchpoints.TABLE, TEXTS) if kind == "touchpoints" else ()  # of the former what was sent from here is taken
    return (*(f"valid/{name}" for name in (*own, *ALSO_NEEDED.get(kind, ()))), *made)


def _in_sight(day: Column, window: int | None) -> Column:
    known = (F.col("known_from") <= day) & (day < F.col("known_until")) & (F.col("day") <= day)
    return known if window is None else known & (F.date_diff(day, F.col("day")) < window)


def _own(known: Known, kind: str, window: int | None) -> DataFrame:
    rows = known.of(kind, window)
    newest = newest_versions(rows, *ROWS[kind].record) if ROWS[kind].versions else rows
    return known.in_own_currency(newest, kind)


def _orders(known: Known, kind: str, window: int | None) -> DataFrame:
    rows = _own(known, kind, window)
    return rows.withColumn("outcome", outcome(paid(rows, "total")))


def _lines(known: Known, kind: str, window: int | None) -> DataFrame:
    """Order lines with person, moment and state of their order, and what the newest product list says."""
    placed = _orders(known, "orders", None)
    orders = placed.select(
        "source",
        "order_id",
        F.col("ordered_at").alias("order_at"),
        "outcome",
        *ORDER_COLUMNS,
        *PERSON_COLUMNS,
        dialled_in(placed.columns, known.settings).alias("country"),
        *PERIOD,
    )
    if window is not None:
        orders = orders.where(F.coalesce(F.col("order_at") >= F.lit(known.start(window)), F.lit(True)))
    products = newest_versions(known.of("products"), "product_id").select(
        "source", "product_id", *PRODUCT_COLUMNS, *PERIOD
    )
    lines = newest_known_on(known.table("valid/order_lines"), known.days, *ROWS[kind].record)
    bought = _beside(lines, orders, "order_id")
    listed = _beside(bought, _also_before(products, "product_id", known.days), "product_id", how="left")
    dated = listed.withColumn("ordered_at", F.coalesce("order_at", "ordered_at")).drop("order_at")
    return known.in_own_currency(dated, kind)


def _answers(known: Known, kind: str, window: int | None) -> DataFrame:
    return touchpoints.given_answers(known.of(kind, window))


def _messages(known: Known, kind: str, window: int | None) -> DataFrame:
    """Messages; those that name nobody concern the person of their conversation."""
    person = list(PERSON_COLUMNS)
    talks = newest_versions(known.of("conversations"), "conversation_id")
    talks = talks.withColumn("country", dialled_in(talks.columns, known.settings))
    told = [*person, "country"]
    talks = talks.select("source", "conversation_id", *(F.col(name).alias(f"talk_{name}") for name in told), *PERIOD)
    messages = known.of(kind, window)
    messages = messages.withColumn("country", dialled_in(messages.columns, known.settings))
    joined = _beside(messages, _also_before(talks, "conversation_id", known.days), "conversation_id", how="left")
    nobody = F.coalesce(*person).isNull()
    filled = {name: F.when(nobody, F.col(f"talk_{name}")).otherwise(F.col(name)) for name in told}
    return joined.select(*(filled.get(name, F.col(name)).alias(name) for name in messages.columns))


def _beside(rows: DataFrame, others: DataFrame, key: str, how: str = "inner") -> DataFrame:
    """Rows with what another record said of them, for the days on which both were known."""
    renamed = others.withColumnsRenamed({name: f"other_{name}" for name in PERIOD})
    begin, end = (F.coalesce(f"other_{name}", name) for name in PERIOD)
    return (
        rows.join(renamed, on=["source", key], how=how)
        .withColumns({"known_from": F.greatest("known_from", begin), "known_until": F.least("known_until", end)})
        .where(F.col("known_from") < F.col("known_until"))
        .drop(*(f"other_{name}" for name in PERIOD))
    )


def _also_before(records: DataFrame, key: str, days: Sequence[date]) -> DataFrame:
    """The records, and each also as saying nothing on the days before it was known."""
    if len(days) == 1:
        return records
    first = records.groupBy("source", key).agg(F.min("known_from").alias("known_until"))
    before = first.where(F.col("known_until") > F.lit(min(days))).withColumn("known_from", F.lit(min(days)))
    return records.unionByName(before, allowMissingColumns=True)


_COMPLETED: dict[str, Callable[[Known, str, int | None], DataFrame]] = {
    "orders": _orders,
    "order_lines": _lines,
    "survey_responses": _answers,
    "messages": _messages,
}
