"""What customers bought, item by item, as known on days; and which of the items may be shown to whom."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd
from pyspark.sql import functions as F

from jobs.activity import traits
from jobs.activity.known_rows import Known
from jobs.activity.language import condition_of
from jobs.config.models.recommend import Products
from jobs.config.settings import Settings
from jobs.lake.lake import Txn
from jobs.models.recommend.bought import COLUMNS
from jobs.validate.versions.counting import newest_versions

PRODUCTS = "valid/products"
LISTED = ("product_id", "name", "category", "department", "brand", "attributes")


def tables_of(trait: str, settings: Settings) -> list[str]:
    """The tables that rows of a trait over order lines, and what the product list says, are read from."""
    return sorted({*traits.reads([settings.traits[trait]]), PRODUCTS})


def bought_on(txn: Txn, days: Sequence[date], trait: str, item: str, settings: Settings) -> dict[date, pd.DataFrame]:
    """Per day the columns COLUMNS: what each customer had bought by the end of it, as it was known then."""
    counted = settings.traits[trait]
    known = Known.of_step(txn, list(days), settings)
    rows = known.on_each_day(known.rows(str(counted.over), None), None)
    named = rows.where(F.expr(condition_of(counted))).withColumn("item", F.col(item).cast("string"))
    found = (
        named.where(F.col("item").isNotNull())
        .groupBy("snapshot", "customer_id", "item")
        .agg(
            F.count_distinct("day").alias("times"),
            F.max("days_ago").alias("first_ago"),
            F.min("days_ago").alias("last_ago"),
        )
    )
    frame: pd.DataFrame = found.toPandas()  # type: ignore[assignment]
    frame["snapshot"] = pd.to_datetime(frame["snapshot"]).dt.date
    ordered = frame.sort_values(["customer_id", "item"], ignore_index=True)
    return {day: ordered.loc[ordered["snapshot"] == day, list(COLUMNS)].reset_index(drop=True) for day in days}


def products_on(txn: Txn, day: date, settings: Settings) -> pd.DataFrame:
    """The product list as known on a day: LISTED, one row per product of a source."""
    known = Known.of_step(txn, [day], settings)
    if PRODUCTS in known.absent:
        return pd.DataFrame(columns=list(LISTED))
    newest = newest_versions(known.of("products"), "product_id")
    frame: pd.DataFrame = newest.select("source", *LISTED).toPandas()  # type: ignore[assignment]
    return frame.sort_values(["product_id", "source"], ignore_index=True)[list(LISTED)]


def among(products: pd.DataFrame, named: Products) -> np.ndarray:
    """Whether each product is one of those that are named."""
    found = np.zeros(len(products), dtype=bool)
    for column, values in named.model_dump().items():
        if values:
            found |= products[column].isin([str(value) for value in values]).to_numpy()
    return found


def out_of_stock(products: pd.DataFrame, attribute: str | None) -> np.ndarray:
    """Whether the product list says that there are none left; what it says nothing of is there."""
    if attribute is None:
        return np.zeros(len(products), dtype=bool)
    told = [_number(json.loads(text).get(attribute) if text else None) for text in products["attributes"]]
    return np.array([number is not None and number <= 0 for number in told], dtype=bool)


def of_items(items: np.ndarray, products: pd.DataFrame, item: str, true: np.ndarray, every: bool) -> np.ndarray:
    """Whether something is true of each item: of `every` product it stands for, or of any; never of an unlisted one."""
    listed = pd.Series(true, index=products[item].to_numpy(), dtype=bool)
    told = listed.groupby(level=0).all() if every else listed.groupby(level=0).any()
    return told.reindex(items).fillna(False).to_numpy(dtype=bool)


def named_items(items: np.ndarray, products: pd.DataFrame, item: str, named: Products) -> np.ndarray:
    """Which items are among those named: by their own id, or by what the product list says of them.

    A product is, if any source lists it so; a category is, if all its products are.
    """
    own = pd.Series(items).isin([str(value) for value in getattr(named, item)]).to_numpy()
    return own | of_items(items, products, item, among(products, named), every=item != "product_id")


def names_of(products: pd.DataFrame, item: str) -> Mapping[str, str]:
    """What people call an item; a product has a name, a category is one."""
    if item != "product_id":
        return {}
    named = products.dropna(subset=["name"])
    return dict(zip(named["product_id"], named["name"], strict=True))


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return float(value)
    try:
        return float(str(value)) if value is not None else None
    except ValueError:
        return None
