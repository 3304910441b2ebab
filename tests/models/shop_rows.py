"""Rows of a shop that knows its customers by their cards, as tables of a lake."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from jobs.config.settings import Settings
from jobs.identity.identifiers import identifier_hash
from jobs.lake.tables import catalogue


def table(name: str, records: Iterable[dict[str, Any]]) -> pa.Table:
    """Rows of a table of the lake; columns that are not given are empty."""
    schema = catalogue.get(name).arrow_schema()
    return pa.Table.from_pylist([{field.name: one.get(field.name) for field in schema} for one in records], schema)


def orders_of(sold: Iterable[tuple[str, dt.date, int]], arrived: dt.date | None = None) -> pa.Table:
    """valid/orders of (card, day, amount): each at noon, known on that day or on `arrived`."""
    same = {"source": "pos", "status": "completed", "channel": "store", "discount": 0, "file_id": "f"}
    rows = []
    for number, (card, day, amount) in enumerate(sold):
        noon = dt.datetime.combine(day, dt.time(12), dt.UTC)
        own = {"order_id": f"o{number}", "loyalty_id": card, "total": amount, "line": number}
        rows.append(same | own | {"ordered_at": noon, "updated_at": noon, "arrived": arrived or day})
    return table("valid/orders", rows)


def people_of(cards: Iterable[str], settings: Settings) -> list[dict[str, Any]]:
    """Rows of identity/map: a customer for each card, called after it."""
    since = dt.date(2017, 1, 1)
    return [
        {"identifier": identifier_hash("loyalty", card, settings), "kind": "loyalty", "customer_id": f"c{card}",
         "first_seen": since}
        for card in sorted(set(cards))
    ]  # fmt: skip
