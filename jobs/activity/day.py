"""The traits of a day: computed anew for the customers it touches; of all others, days since something grow.

Touched are
- customers of whom journeys made other visits, contacts, baskets or moments (`journeys/touched`);
- customers of rows of valid/ that arrived, of other versions of the same records, and of rows that are completed with
  them: the lines of an order, the lines with a product that is described otherwise, the messages of a conversation;
- customers of rows that a new rate of a currency gives another amount;
- customers of rows that come into the window of a trait, or leave it, and meet its condition;
- customers of a row of identity/map that is new, gone or another.
A trait that is `min(days_ago)` or `max(days_ago)` is a day more each day for all others; one that counts in days in
another way is computed anew for everybody every day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.activity.currency import AMOUNTS, RATES, repriced
from jobs.activity.known_rows import COMPLETED_BY, Known, tables_for
from jobs.activity.on_days import values_on, with_derived
from jobs.activity.one_pass import ages, asks_the_day, condition_of, finished
from jobs.activity.row_columns import PRODUCT_COLUMNS
from jobs.activity.timeline import moves
from jobs.config.traits import ROWS, TABLE, Trait
from jobs.identity.customer_of import with_customer
from jobs.identity.fresh import Fresh, Unknown
from jobs.lake.engine import get_spark
from jobs.lake.exchange import differing, exchange
from jobs.lake.lake import Lake, LakeError
from jobs.lake.tables import catalogue
from jobs.validate.versions.counting import newest_versions

TOUCHED, EVERYBODY = "journeys/touched", "*"


def update(fresh: Fresh) -> DataFrame:
    """Bring profiles/traits from the last run to today, and return it. Raises Unknown, before anything is written."""
    traits, settings, keep = fresh.settings.traits, fresh.settings, fresh.keep
    for name, trait in traits.items():
        if fresh.as_of > fresh.until and asks_the_day(trait) and not ages(trait):
            raise Unknown(f"trait {name} is another every day")
    touched = keep(_touched(fresh))
    identity_map, stored = fresh.txn.read("identity/map"), fresh.txn.read(TABLE)
    known = replace(Known.of_step(fresh.txn, [fresh.as_of], settings, published=True), among=touched)
    own = identity_map.join(touched, on="customer_id", how="left_semi")
    made = values_on(known, traits, own).withColumnRenamed("snapshot", "as_of")
    if fresh.as_of == fresh.until:
        before = stored.join(touched, on="customer_id", how="left_semi")
        return exchange(fresh.lake, TABLE, before, made, fresh.txn, keep).now
    others = _older(stored.join(touched, on="customer_id", how="left_anti"), fresh)
    commit = fresh.lake.replace(TABLE, others.unionByName(made), fresh.txn)
    return fresh.lake.read(TABLE, version=commit.version)


def _older(stored: DataFrame, fresh: Fresh) -> DataFrame:
    """The traits of customers who are not touched, days later."""
    traits, later = fresh.settings.traits, (fresh.as_of - fresh.until).days
    grown = {}
    for name, trait in traits.items():
        if ages(trait):
            nothing = F.lit(False) if trait.default is None else F.col(name) == F.lit(trait.default)
            grown[name] = finished(F.when(nothing, F.col(name)).otherwise(F.col(name) + F.lit(later)), trait)
    return with_derived(stored.withColumns({**grown, "as_of": F.lit(fresh.as_of)}), traits).select(*stored.columns)


def _touched(fresh: Fresh) -> DataFrame:
    """`customer_id` of everybody whose traits may be others, apart from days that passed."""
    kinds = list(dict.fromkeys(trait.over for trait in fresh.settings.traits.values() if trait.over))
    new = _arrived(fresh, [kind for kind in kinds if ROWS[kind].zone != "journeys"])
    parts = [fresh.other_customers(), *(_of_records(fresh, name, rows) for name, rows in new.items() if _names(name))]
    if any(ROWS[kind].zone == "journeys" for kind in kinds):
        parts.append(_touched_in_journeys(fresh.lake, fresh.before.pins[TOUCHED], fresh.txn.pins[TOUCHED]))
    for kind in kinds:
        if ROWS[kind].zone != "journeys":
            parts += _of_completed_rows(fresh, kind, new)
        own = [trait for trait in fresh.settings.traits.values() if trait.over == kind]
        moving = _of_moving_rows(fresh, kind, own)
        parts += [] if moving is None else [moving]
    return reduce(DataFrame.union, [part.select("customer_id") for part in parts]).dropna().distinct()


def _touched_in_journeys(lake: Lake, since: int | None, until: int | None) -> DataFrame:
    """Whom the runs of journeys touched after a version of their list."""
    if since is None:
        raise Unknown("there was no list of whom journeys touched")
    found: set[str] = set()
    for version in range(since + 1, (since if until is None else until) + 1):
        try:
            found |= set(lake.arrow(TOUCHED, columns=["customer_id"], version=version)["customer_id"].to_pylist())
        except (LakeError, FileNotFoundError):
            raise Unknown("vacuum deleted whom journeys touched") from None
    if EVERYBODY in found:
        raise Unknown("journeys were made anew")
    return get_spark().createDataFrame([(one,) for one in sorted(found)], "customer_id string")


def _arrived(fresh: Fresh, kinds: Iterable[str]) -> dict[str, DataFrame]:
    """What arrived of the tables that rows of these kinds are made of; without tables of which nothing did."""
    tables = dict.fromkeys(name for kind in kinds for name in tables_for(kind) if fresh.txn.pins[name] is not None)
    found = {name: fresh.keep.kept(fresh.arrived(name)) for name in tables if not fresh.nothing_arrived(name)}
    return {name: kept.frame for name, kept in found.items() if kept.rows}


def _names(table: str) -> bool:
    """Whether rows of the table say whom they are about."""
    return "contact_id" in catalogue.get(table).column_names


def _of_completed_rows(fresh: Fresh, kind: str, new: Mapping[str, DataFrame]) -> list[DataFrame]:
    """Customers of rows that what arrived completes, or gives another amount."""
    own, found = f"valid/{kind}", []
    if kind in AMOUNTS and fresh.before.pins[RATES] != fresh.txn.pins[RATES]:
        found.append(_of_new_rates(fresh, "orders" if kind == "order_lines" else kind))
    if kind not in COMPLETED_BY or fresh.txn.pins[own] is None:
        return found
    completed = [new[own]] if own in new else []
    for name, key in COMPLETED_BY[kind].items():
        if f"valid/{name}" in new:
            records = new[f"valid/{name}"].select("source", key).distinct()
            records = _described_otherwise(fresh, records) if name == "products" else records
            every = fresh.txn.read(own).where(F.col("arrived") <= F.lit(fresh.as_of))
            completed.append(every.join(records, on=["source", key], how="left_semi"))
    if not completed:
        return found
    rows = reduce(DataFrame.unionByName, completed)
    if catalogue.get(own).versions:  # also a row that has ended concerns somebody
        rows = rows.withColumns({"deleted": F.lit(None).cast("boolean"), "delivery": F.lit(None).cast("timestamp")})
    rows = fresh.keep(rows)
    return [*found, _reading(fresh, {own: rows}).rows(kind, None)]


def _of_records(fresh: Fresh, name: str, new: DataFrame) -> DataFrame:
    """Customers of new rows and, where records come in versions, of all versions of these records."""
    contract, identity_map = catalogue.get(name), fresh.txn.read("identity/map")
    if contract.versions:
        record = ["source", *contract.together]
        every = fresh.txn.read(name).where(F.col("arrived") <= F.lit(fresh.as_of))
        new = every.join(new.select(*record).distinct(), on=record, how="left_semi")
    return with_customer(new, identity_map, fresh.settings, fresh.txn.unfilled(name))


def _of_new_rates(fresh: Fresh, dataset: str) -> DataFrame:
    """Customers of records in another currency that new rates may give another amount, whenever those arrived."""
    files = fresh.lake.added_files(RATES, fresh.before.pins[RATES], fresh.txn.pins[RATES])
    if files is None:
        raise Unknown(f"{RATES} lost rows, or its log does not tell what came")
    name, own, zone = f"valid/{dataset}", fresh.settings.general.currency, fresh.settings.general.timezone
    rows, at = fresh.txn.read(name), str(catalogue.get(name).moment)
    priced = repriced(rows, fresh.lake.read_files(RATES, files.new), own, at, zone)
    undated = rows.where(F.col(at).isNull() & (F.upper("currency") != own))
    return with_customer(priced.unionByName(undated), fresh.txn.read("identity/map"), fresh.settings)


def _described_otherwise(fresh: Fresh, products: DataFrame) -> DataFrame:
    """Those of the products of which the newest version says something else that traits can use."""
    key, name = ["source", "product_id"], "valid/products"
    then = fresh.known_then(name)
    now = fresh.txn.read(name).where(F.col("arrived") <= F.lit(fresh.as_of))
    said = (
        newest_versions(rows.join(products, on=key, how="left_semi"), "product_id").select(*key, *PRODUCT_COLUMNS)
        for rows in (then, now)
    )
    return differing(*said).select(*key).distinct()


def _of_moving_rows(fresh: Fresh, kind: str, traits: Iterable[Trait]) -> DataFrame | None:
    """Customers of rows that, after the last run and up to today, come into the window of a trait or leave it.

    So are rows of as many days ago as a trait has where there is no row: of these the stored value cannot tell.
    """
    passed = [fresh.until + timedelta(days=n) for n in range(1, (fresh.as_of - fresh.until).days + 1)]
    asked: dict[str, set[date]] = {}
    for trait in traits:
        days = asked.setdefault(condition_of(trait), set())
        days |= {day - timedelta(days=after) for day in passed for after in moves(trait)}
        if ages(trait) and trait.default is not None:
            days.add(fresh.until - timedelta(days=int(trait.default)))
    every = sorted(set().union(*asked.values()))
    if not every or not passed:
        return None
    table = f"valid/{kind}" if ROWS[kind].zone != "journeys" else ROWS[kind].name
    at = "orders" if kind == "order_lines" else kind
    table = "valid/orders" if kind == "order_lines" else table
    rows = _reading(fresh, {table: _around(fresh, table, str(ROWS[at].moment), every)}).rows(kind, None)
    moving = [F.col("day").isin(sorted(days)) & F.expr(condition) for condition, days in asked.items()]
    return rows.where(reduce(Column.__or__, [F.coalesce(one, F.lit(False)) for one in moving]))


def _around(fresh: Fresh, table: str, moment: str, days: list[date]) -> DataFrame:
    """Rows of a table on these days, beside them or without a moment, from the files that may hold such."""
    spans = [(_midnight(day - timedelta(days=1)), _midnight(day + timedelta(days=2))) for day in days]
    found = fresh.lake.added_files(table, None, fresh.txn.pins[table])
    every = found.new if found else []
    files = [file for file in every if file.nulls.get(moment) != 0 or any(file.may_hold(moment, *s) for s in spans)]
    near = sorted({day + timedelta(days=n) for day in days for n in (-1, 0, 1)})
    return fresh.lake.read_files(table, files).where(F.col(moment).isNull() | F.to_date(moment).isin(near))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _reading(fresh: Fresh, instead: Mapping[str, DataFrame]) -> Known:
    """The rows known today, with some tables cut down."""
    known = Known.of_step(fresh.txn, [fresh.as_of], fresh.settings, published=True)
    return replace(known, read=lambda name: instead[name] if name in instead else fresh.txn.read(name))
