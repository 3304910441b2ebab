"""What became of the codes of offers, and how many more may be given: activation/offers.

A code is redeemed by an order that names it and was not cancelled, whoever placed it. Until then, and until its last
day, it counts with the most that it can cost, so that no budget is overdrawn whatever people do.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import floor
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activation.codes import CODES, TAKEN, with_customers
from jobs.activity.orders import BOUGHT_NOTHING, outcome
from jobs.config.actions.offers import Offer
from jobs.config.settings import Settings
from jobs.lake.lake import Lake, Txn
from jobs.lake.tables import catalogue
from jobs.validate.versions.counting import newest_versions

log = logging.getLogger(__name__)
TABLE = "activation/offers"
ORDERS, TOUCHPOINTS = "valid/orders", "journeys/touchpoints"
READS = (CODES, TAKEN, ORDERS, TOUCHPOINTS)
USED, OVER = "offer_used", "offer_over"
"""Reasons of a skip: the customer has redeemed the code of the offer, or it cannot be redeemed any more."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Code:
    """One code that was given before the end of the day, by the customer of today."""

    offer: str
    customer: str
    given_to: str
    day: date
    audience: str
    state: str
    """open, redeemed or expired."""
    costs: float
    """What it cost, or can still cost, in the company's currency."""
    orders: int
    by_others: int
    revenue: float
    late: int = 0
    """Orders that used it after its last day, which a shop should not honour: counted among `orders` all the same."""


def known(txn: Txn, day: date, settings: Settings) -> list[Code]:
    """Every code that was given up to `day`, and what became of it up to then."""
    given = txn.read(CODES).where(F.col("day") <= F.lit(day))
    given = given.where(F.col("offer").isin(list(settings.offers.offers)))
    codes = with_customers(given, txn.read("identity/events"), txn.read("identity/map")).toArrow().to_pylist()
    if not codes:
        return []
    named = orders_with_codes(txn.read(ORDERS), txn.read(TOUCHPOINTS), settings.offers.redeemed_in, day)
    return judged(codes, named.toArrow().to_pylist(), settings.offers.offers, day)


def orders_with_codes(orders: DataFrame, touchpoints: DataFrame, attribute: str, day: date) -> DataFrame:
    """One code that one order names: code (in small letters), customer_id, day and amount. Orders that bought nothing,
    and those of later days, name none."""
    with_one = orders.where(F.col("attributes").contains(f'"{attribute}"')).select("source", "order_id").distinct()
    newest = newest_versions(orders.join(with_one, on=["source", "order_id"], how="left_semi"), "order_id")
    newest = newest.where(~outcome(F.col("total")).isin(*BOUGHT_NOTHING))
    text = F.lower(F.get_json_object("attributes", f"$.{attribute}"))
    codes = newest.select("source", "order_id", F.explode(F.split(text, r"[,;\s]+")).alias("code"))
    bought = touchpoints.where((F.col("type") == "order") & (F.col("day") <= F.lit(day)))
    bought = bought.select("source", F.col("reference").alias("order_id"), "customer_id", "day", "amount")
    named = codes.where(F.col("code") != "").distinct()
    return named.join(bought, on=["source", "order_id"], how="inner").orderBy("code", "day", "order_id")


def judged(codes: Sequence[Row], orders: Iterable[Row], offers: Mapping[str, Offer], day: date) -> list[Code]:
    """Codes with what became of them. An order of a day before the code was given is not by it."""
    by_code: dict[str, list[Row]] = defaultdict(list)
    for order in orders:
        by_code[order["code"]].append(order)
    found = []
    for row in codes:
        offer = offers[row["offer"]]
        mine = [one for one in by_code.get(row["code"].lower(), ()) if row["day"] <= one["day"] <= day]
        paid = [float(one["amount"] or 0) for one in mine]
        state = "redeemed" if mine else "open" if day <= row["valid_until"] else "expired"
        costs = sum(_cost(offer, one) for one in paid) if mine else row["most"] if state == "open" else 0.0
        others = sum(one["customer_id"] != row["customer_id"] for one in mine)
        late = sum(one["day"] > row["valid_until"] for one in mine)
        told = (row["offer"], row["customer_id"], row["given_to"], row["day"], row["audience"])
        found.append(Code(*told, state, round(costs, 6), len(mine), others, round(sum(paid), 2), late))
    return found


def _cost(offer: Offer, paid: float) -> float:
    """What an order for which so much was paid cost: of a percentage, what was taken off before."""
    if offer.percent is None:
        return offer.most
    return min(offer.most, max(paid, 0.0) * offer.percent / (100 - offer.percent))


@dataclass(frozen=True)
class Left:
    """How many more of an offer may be given from a day on, and what is said of who gets none."""

    codes: int
    budget: int | None
    said: tuple[str, str]
    overdrawn: float = 0.0
    """How far what codes cost, or can still cost, is over the amount of the budget."""

    @property
    def most(self) -> int:
        return self.codes if self.budget is None else min(self.codes, self.budget)


def left(name: str, offer: Offer, codes: Sequence[Code], free: int, day: date) -> Left:
    """What the budget and the file of an offer still pay for, given the codes that count."""
    budget, overdrawn = None, 0.0
    if offer.budget:
        inside = [one for one in codes if one.offer == name and one.day > day - timedelta(days=offer.budget.days)]
        counts = [] if offer.budget.count is None else [offer.budget.count - len(inside)]
        if offer.budget.amount is not None and offer.most:
            spare = offer.budget.amount - sum(one.costs for one in inside)
            counts.append(floor(round(spare / offer.most, 9)))
            overdrawn = round(max(0.0, -spare), 2)
        budget = max(0, min(counts)) if counts else None
    if budget is not None and budget < free:
        return Left(free, budget, (f"the budget of the offer {name} is spent", "budget"), overdrawn)
    none = f"no codes of the offer {name} are left: add some to {offer.codes}"
    return Left(free, budget, (none, "no_codes"), overdrawn)


def publish(
    lake: Lake, txn: Txn, codes: Sequence[Code], free: Mapping[str, int], day: date, settings: Settings
) -> None:
    """Write activation/offers of the day, and say which offer has no codes left; `free` are those of each."""
    rows = []
    for name, offer in settings.offers.offers.items():
        mine = [one for one in codes if one.offer == name]
        spare = left(name, offer, mine, free[name], day)
        by_state = {state: [one for one in mine if one.state == state] for state in ("redeemed", "open", "expired")}
        cost, reserved = (round(sum(one.costs for one in by_state[state]), 2) for state in ("redeemed", "open"))
        rows.append({
            "day": day, "offer": name, "title": offer.title, "given": len(mine),
            **{state: len(some) for state, some in by_state.items()},
            "orders": sum(one.orders for one in mine), "by_others": sum(one.by_others for one in mine),
            "revenue": round(sum(one.revenue for one in mine), 2), "cost": cost, "reserved": reserved,
            "codes_left": free[name], "budget_left": spare.budget,
            "late": sum(one.late for one in mine), "overdrawn": spare.overdrawn,
            "said": _said(name, mine, cost, reserved, spare, settings),
        })  # fmt: skip
        if spare.overdrawn:
            log.warning("offer %s: %s", name, rows[-1]["said"])
        if not spare.codes:
            log.warning("%s", spare.said[0])
    schema = catalogue.get(TABLE).arrow_schema()
    if rows or lake.exists(TABLE):
        lake.replace(TABLE, pa.Table.from_pylist(rows, schema=schema), txn, day=day)


def _said(name: str, mine: Sequence[Code], cost: float, reserved: float, spare: Left, settings: Settings) -> str:
    own, redeemed = settings.general.currency, sum(one.state == "redeemed" for one in mine)
    told = f"{len(mine):,} given, {redeemed:,} redeemed for {cost:,.2f} {own}"
    told += f"; open codes can still cost {reserved:,.2f} {own}"
    if late := sum(one.late for one in mine):
        told += f"; {late:,} orders used a code after its last day: have the shop refuse these"
    if spare.overdrawn:
        told += f"; the budget is overdrawn by {spare.overdrawn:,.2f} {own}"
    return f"{told}; {spare.said[0]}" if not spare.most else f"{told}; {spare.most:,} more can be given"
