"""Rows that traits are computed over: of each table those known at the end of a day, with the customer they concern."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.identity.customer_of import with_customer
from jobs.lake.tables import catalogue
from jobs.lake.tables.canonical import LINEAGE_COLUMNS, PERSON_COLUMNS
from jobs.validate.versions import newest_versions

Read = Callable[[str], DataFrame]


@dataclass(frozen=True)
class Source:
    """One table of rows: the column with their moment, the one with their id, and if they come in versions."""

    at: str
    id: str
    versions: bool = False


SOURCES = {
    "orders": Source("ordered_at", "order_id", versions=True),
    "order_lines": Source("ordered_at", "line_id"),
    "subscriptions": Source("started_at", "subscription_id", versions=True),
    "survey_responses": Source("answered_at", "question_id"),
    "conversations": Source("opened_at", "conversation_id", versions=True),
    "messages": Source("sent_at", "message_id"),
    "tickets": Source("opened_at", "ticket_id", versions=True),
    "events": Source("occurred_at", "event_id"),
    "campaign_events": Source("occurred_at", "event_id"),
    "social_posts": Source("posted_at", "post_id", versions=True),
}
ORDER_COLUMNS = ("status", "channel", "store_id", "currency")
PRODUCT_COLUMNS = ("category", "department", "brand")
ALSO_NEEDED = {"order_lines": ("orders", "products"), "messages": ("conversations",)}
DERIVED = "day date, days_ago int, hour int, weekday int"
"""In the company's time zone: the day, days before the day computed for, hour 0 to 23, weekday 1 (Monday) to 7."""


def tables_for(rows: str) -> tuple[str, ...]:
    """The tables of the lake that rows of this kind are read from."""
    return tuple(f"valid/{name}" for name in (rows, *ALSO_NEEDED.get(rows, ())))


@cache
def columns_of(rows: str) -> dict[str, str]:
    """What a trait over these rows can use, with types: nothing that identifies a person."""
    hidden = {*PERSON_COLUMNS, *LINEAGE_COLUMNS} - {"source"}
    own = {c.name: c.type for c in catalogue.get(f"valid/{rows}").columns if not c.personal and c.name not in hidden}
    if rows == "order_lines":
        for table, names in (("orders", ORDER_COLUMNS), ("products", PRODUCT_COLUMNS)):
            own |= {c.name: c.type for c in catalogue.get(f"valid/{table}").columns if c.name in names}
    return own | dict(column.split() for column in DERIVED.split(", "))


def known_rows(
    rows: str, read: Read, identity_map: DataFrame, day: date, settings: Settings, days: int | None
) -> DataFrame:
    """Rows that had happened and arrived by the end of `day`, with customer_id and the columns of `columns_of`.

    `days` drops what happened before that many days; None keeps all. Of records in versions the newest that had
    arrived counts. Rows of nobody known are left out.
    """
    source, zone = SOURCES[rows], settings.general.timezone
    arrived = _arrived(read, day)
    found = arrived(f"valid/{rows}")
    if source.versions:
        found = newest_versions(found, source.id)
    elif rows != "order_lines" and days is not None:
        found = found.where(F.col(source.at) >= F.lit(_start(day, days, zone)))
    found = _COMPLETED.get(rows, _as_is)(found, arrived)
    local = F.from_utc_timestamp(source.at, zone)
    dated = found.withColumn("day", F.to_date(local)).where(F.col("day") <= F.lit(day))
    if days is not None:
        dated = dated.where(F.col("day") > F.lit(day - timedelta(days=days)))
    moments = {
        "days_ago": F.date_diff(F.lit(day), F.col("day")),
        "hour": F.hour(local),
        "weekday": (F.dayofweek(local) + 5) % 7 + 1,  # weekday() of a Sunday is -1 in the embedded engine
    }
    told = dated.drop(*_empty_columns(rows, arrived))
    customers = with_customer(told, identity_map, settings).where("customer_id is not null")
    return customers.withColumns(moments).select("customer_id", *columns_of(rows))


def _empty_columns(rows: str, arrived: Read) -> list[str]:
    """Identifiers that no row of these tables has: looking up what nobody gave costs as much as what was given."""
    counted: dict[str, int] = {}
    for name in tables_for(rows):
        table = arrived(name)
        person = [column for column in PERSON_COLUMNS if column in table.columns]
        if person:
            found = table.agg(*[F.count(column).alias(column) for column in person]).collect()[0].asDict()
            counted = {column: counted.get(column, 0) + number for column, number in found.items()}
    empty = [column for column, number in counted.items() if not number]
    return empty if len(empty) < len(counted) else empty[1:]


def _arrived(read: Read, day: date) -> Read:
    return lambda name: read(name).where(F.col("arrived") <= F.lit(day))


def _start(day: date, days: int, zone: str) -> datetime:
    """The moment at which a window of so many days begins."""
    return datetime.combine(day - timedelta(days=days - 1), time(), ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))


def _as_is(rows: DataFrame, arrived: Read) -> DataFrame:
    return rows


def _lines(lines: DataFrame, arrived: Read) -> DataFrame:
    """Order lines with person, moment and state of their order, and what the newest product list says."""
    person = list(PERSON_COLUMNS)
    orders = newest_versions(arrived("valid/orders"), "order_id").select(
        "source", "order_id", F.col("ordered_at").alias("order_at"), *ORDER_COLUMNS, *person
    )
    products = newest_versions(arrived("valid/products"), "product_id").select("source", "product_id", *PRODUCT_COLUMNS)
    bought = lines.join(orders, on=["source", "order_id"], how="inner").join(
        products, on=["source", "product_id"], how="left"
    )
    return bought.withColumn("ordered_at", F.coalesce("order_at", "ordered_at")).drop("order_at")


def _messages(messages: DataFrame, arrived: Read) -> DataFrame:
    """Messages; those that name nobody concern the person of their conversation."""
    person = list(PERSON_COLUMNS)
    talks = newest_versions(arrived("valid/conversations"), "conversation_id").select(
        "source", "conversation_id", *(F.col(name).alias(f"talk_{name}") for name in person)
    )
    nobody = F.coalesce(*person).isNull()
    filled = {name: F.when(nobody, F.col(f"talk_{name}")).otherwise(F.col(name)) for name in person}
    joined = messages.join(talks, on=["source", "conversation_id"], how="left")
    return joined.select(*(filled.get(name, F.col(name)).alias(name) for name in messages.columns))


_COMPLETED = {"order_lines": _lines, "messages": _messages}
