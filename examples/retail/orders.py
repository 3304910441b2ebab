"""The order system: real baskets as orders with versions, their lines, and the products with their prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from examples.retail import clock
from examples.retail.chance import share, stream
from examples.retail.columns import as_text, cents_text
from examples.retail.company import Company
from examples.retail.faults import common_faults
from examples.retail.feeds import Columns, Fault, Feed
from examples.retail.people import People

STATUS = pa.array(["completed", "open", "cancelled", "returned"])
CHANNEL = pa.array(["store", "web", "app"])
STORE, WEB, APP = 0, 1, 2
COMPLETED, OPEN, CANCELLED, RETURNED = 0, 1, 2, 3
CARD_FORGOTTEN = 0.02
APART_ONLINE = 6 * 3600
"""A household orders online at most once in this many seconds, so that its visits stay apart."""


@dataclass(frozen=True)
class Orders:
    """Per basket its channel and whether the card was shown; per version of an order its basket, status, moment."""

    channel: np.ndarray
    card_shown: np.ndarray
    version_basket: np.ndarray
    version_status: np.ndarray
    version_at: np.ndarray


def plan_orders(company: Company, people: People) -> Orders:
    """Decide which baskets were ordered online and what became of each order. Store orders are complete at once."""
    baskets = company.baskets
    random = stream(company.seed, "orders")
    ids, at, count = baskets.basket_id.to_numpy(), baskets["at"].to_numpy(), len(baskets)
    accounts = np.array([person.account_from or clock.LAST for person in people.persons])
    online = (share(ids, 31) < people.online[people.buyer]) & (accounts[people.buyer] < at) & (baskets.total > 1000)
    online = _apart(online.to_numpy(), baskets.household.to_numpy(), at)
    likes_app = share(people.buyer, 32) < 0.3
    channel = np.where(online, np.where(likes_app & (share(ids, 33) < 0.8), APP, WEB), STORE)
    luck, delay = random.random(count), random.integers(4 * 3600, 30 * 3600, count)
    back = at + delay + random.integers(2 * clock.DAY, 12 * clock.DAY, count)
    final = np.where(online & (luck < 0.03), CANCELLED, COMPLETED)
    returned = (luck > np.where(online, 0.97, 0.997)) & (final == COMPLETED)
    everything = np.arange(count)
    basket = np.r_[everything, everything[online], everything[returned]]
    status = np.r_[np.where(online, OPEN, COMPLETED), final[online], np.full(returned.sum(), RETURNED)]
    moment = np.r_[at, (at + delay)[online], back[returned]]
    keep = moment <= clock.LAST
    order = np.lexsort((basket, moment))
    order = order[keep[order]]
    card = online | (share(ids, 34) >= CARD_FORGOTTEN)
    return Orders(channel, card, basket[order], status[order], moment[order])


def _apart(online: np.ndarray, household: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Online baskets without those that follow another of the same household too soon."""
    rows = np.flatnonzero(online)
    rows = rows[np.lexsort((at[rows], household[rows]))]
    close = (np.diff(household[rows]) == 0) & (np.diff(at[rows]) < APART_ONLINE)
    result = np.zeros(len(online), bool)
    result[rows[~np.r_[False, close]]] = True
    return result


def order_feed(company: Company, people: People, orders: Orders) -> Feed:
    """All versions of all orders, in order of time."""
    baskets, basket = company.baskets, orders.version_basket
    cards = as_text([person.loyalty for person in people.persons])
    ids = as_text(baskets.basket_id.to_numpy())
    store = baskets.store_id.to_numpy()
    coupons = _coupons(company)

    def render(rows: np.ndarray) -> Columns:
        of = basket[rows]
        card = pa.array(people.buyer[of], mask=~orders.card_shown[of])
        return {
            "order_id": ids.take(pa.array(of)),
            "loyalty_card": cards.take(card),
            "ordered_at": clock.local_text(baskets["at"].to_numpy()[of]),
            "status": STATUS.take(pa.array(orders.version_status[rows])),
            "channel": CHANNEL.take(pa.array(orders.channel[of])),
            "store_id": as_text(pa.array(store[of], mask=orders.channel[of] != STORE)),
            "currency": pa.repeat("EUR", len(of)),
            "total": cents_text(baskets.total.to_numpy()[of]),
            "discount": cents_text(baskets.discount.to_numpy()[of]),
            "discount_code": coupons.take(pa.array(of)),
            "updated_at": clock.local_text(orders.version_at[rows]),
        }

    faults = (
        *common_faults("order_id", "ordered_at"),
        Fault("negative_amount", "total", "-25.00"),
        Fault("absurd_amount", "total", "99999999.99"),
        Fault("unknown_value", "status", "unknown_status"),
        Fault("unknown_value", "channel", "fax"),
        Fault("absurd_date", "ordered_at", "2099-01-01 00:00:00"),
    )
    return Feed(
        "pos", "orders", "orders.csv", orders.version_at // clock.DAY, render, faults=faults,
        group=store[basket], person=people.buyer[basket], record="order_id",
    )  # fmt: skip


def _coupons(company: Company) -> pa.Array:
    """Per basket the coupons that its household redeemed on that day, apart by semicolon; null for none."""
    used = company.redemptions.assign(day=company.redemptions["at"] // clock.DAY)
    by_day = used.groupby(["household", "day"]).coupon_upc.agg(
        lambda codes: ";".join(sorted({str(one) for one in codes}))
    )
    where = pd.MultiIndex.from_arrays([company.baskets.household, company.baskets["at"] // clock.DAY])
    return pa.Array.from_pandas(by_day.reindex(where), type=pa.string())


def line_feed(company: Company, people: People) -> Feed:
    """The lines of all orders, as the real baskets have them."""
    lines, baskets, products = company.lines, company.baskets, company.products
    basket = lines.basket.to_numpy()
    at, store = baskets["at"].to_numpy(), baskets.store_id.to_numpy()
    ids, product_ids = as_text(baskets.basket_id.to_numpy()), as_text(products.product_id.to_numpy())

    def render(rows: np.ndarray) -> Columns:
        part = {name: column.to_numpy()[rows] for name, column in lines.items()}
        orders, of = np.unique(part["basket"], return_inverse=True)
        order = pa.array(of)
        return {
            "order_id": ids.take(pa.array(orders)).take(order),
            "line_no": as_text(part["line_no"]),
            "product_id": product_ids.take(pa.array(part["product"])),
            "quantity": as_text(part["quantity"]),
            "amount": cents_text(part["amount"]),
            "discount": cents_text(part["discount"]),
            "ordered_at": clock.local_text(at[orders]).take(order),
        }

    faults = (
        *common_faults("order_id", "ordered_at"),
        Fault("missing_key", "line_no", ""),
        Fault("negative_amount", "amount", "-3.50"),
        Fault("absurd_amount", "amount", "99999999.99"),
        Fault("not_a_number", "quantity", "many"),
    )
    return Feed(
        "pos", "order_lines", "order_lines.csv.gz", (at // clock.DAY)[basket].astype(np.int32), render,
        faults=faults, group=store[basket], person=people.buyer[basket],
    )  # fmt: skip


def product_feed(company: Company) -> Feed:
    """All listed products on the first day, then new prices of some on the first of each month."""
    products = company.products[company.products.listed].reset_index(drop=True)
    random = stream(company.seed, "prices")
    start = clock.FIRST - clock.DAY
    row, at, price = [np.arange(len(products))], [np.full(len(products), start)], [products.price.to_numpy()]
    for month in range(2, 13):
        changed = np.flatnonzero(random.random(len(products)) < 0.015)
        row.append(changed)
        at.append(np.full(len(changed), clock.seconds(f"2017-{month:02d}-01T06:00:00")))
        price.append(
            np.maximum(1, np.rint(products.price.to_numpy()[changed] * random.uniform(0.92, 1.15, len(changed))))
        )
    rows, moments, prices = np.concatenate(row), np.concatenate(at), np.concatenate(price)
    names = {"product_id": "product_id", "name": "name", "product_category": "product_category"}
    names |= {"department": "department", "brand": "brand", "package_size": "package_size"}
    texts = {name: as_text(pa.Array.from_pandas(products[column])) for name, column in names.items()}

    def render(index: np.ndarray) -> Columns:
        of = pa.array(rows[index])
        columns = {name: text.take(of) for name, text in texts.items()}
        return columns | {"price": cents_text(prices[index]), "updated_at": clock.local_text(moments[index])}

    faults = (*common_faults("product_id", "updated_at"), Fault("negative_amount", "price", "-1.00"))
    return Feed("pos", "products", "products.csv", moments // clock.DAY, render, faults=faults, state=True)
