"""What the history of a customer or record says of one of its rows, for KPIs: bought before, opened again, said."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.config.texts import SAYS, TEXTS
from jobs.lake.tables.catalogue import get
from jobs.validate.versions.counting import PERIOD, in_order_of_versions, newest_versions

KEPT = ("completed", "open", "free")
"""Outcomes of orders that were bought and not sent back."""
SOLVED = ("solved", "closed")
_EVER_BEFORE = (Window.unboundedPreceding, -1)
QUESTION = r"[?][?!]*(\s|$|[\"')\]])"
"""A question mark that ends a sentence: not one in the address of a page."""
ASKED = r"(?i)(^|[.!]\s+)(weet iemand|kan iemand|heeft iemand|does anyone|does anybody|can anyone|anyone know)\b"
"""Words that ask, also without a question mark."""


def bought_before(lines: DataFrame) -> DataFrame:
    """Order lines with `nth_order`, `new_department` and `price_before`, over the orders of a customer that were kept.

    Lines of one order have one number. A department is new if no earlier order has it; the price before is that of the
    last earlier order with the category: what was paid for all of it, per unit.
    """
    kept = F.col("outcome").isin(*KEPT) & F.col("customer_id").isNotNull() & (F.col("quantity") > 0)
    order = ["customer_id", "source", "order_id"]
    orders = lines.where(kept).groupBy(*order).agg(F.min("ordered_at").alias("at"))
    in_order = [F.col("at").asc_nulls_last(), F.col("source"), F.col("order_id")]
    of_customer = Window.partitionBy("customer_id").orderBy(*in_order)
    numbered = orders.withColumn("nth_order", F.row_number().over(of_customer).cast("bigint"))
    own = lines.where(kept).select(*order, "department", "category", "amount", "quantity").join(numbered, order)
    by_department = own.where("department is not null").groupBy("customer_id", "department")
    first = by_department.agg(F.min("nth_order").alias("first_with_department"))
    cents = F.sum("amount").cast("double")  # an exact sum of decimals, whatever the order of rows
    units = F.sum(F.col("quantity").cast("decimal(28,6)")).cast("double")
    by_category = own.where("category is not null").groupBy("customer_id", "category", "nth_order")
    prices = by_category.agg((cents / F.nullif(units, F.lit(0.0))).alias("price"))
    of_category = Window.partitionBy("customer_id", "category").orderBy("nth_order")
    before = F.last("price", ignorenulls=True).over(of_category.rowsBetween(*_EVER_BEFORE))
    prices = prices.withColumn("price_before", F.round(before, 6)).drop("price")
    found = lines.withColumn("_kept", F.coalesce(kept, F.lit(False)))
    found = found.join(numbered.drop("at"), order, "left").join(first, ["customer_id", "department"], "left")
    found = found.join(prices, ["customer_id", "category", "nth_order"], "left")
    new = F.when(F.col("department").isNotNull(), F.col("nth_order") == F.col("first_with_department"))
    told = {"nth_order": F.col("nth_order"), "new_department": new, "price_before": F.col("price_before")}
    kept_only = {name: F.when(F.col("_kept"), column) for name, column in told.items()}
    return found.withColumns(kept_only).drop("_kept", "first_with_department")


def with_reopened(rows: DataFrame, versions: DataFrame, dataset: str) -> DataFrame:
    """Conversations or tickets with `reopened`: how often a version of one that was solved said that it was not."""
    record = ["source", *get(f"valid/{dataset}").record]
    in_order = Window.partitionBy(*record).orderBy(*in_order_of_versions())
    solved = F.lower("status").isin(*SOLVED)
    was = F.last(solved, ignorenulls=True).over(in_order.rowsBetween(*_EVER_BEFORE))
    again = F.coalesce(was & ~solved, F.lit(False)).cast("bigint")
    told = versions.drop(*PERIOD).withColumn("again", again).groupBy(*record).agg(F.sum("again").alias("reopened"))
    return rows.join(told, on=record, how="left")


def with_said(rows: DataFrame, versions: DataFrame, texts: DataFrame | None, dataset: str) -> DataFrame:
    """Rows with SAYS of the newest text beside them, and whether that puts a question."""
    written, contract = TEXTS[dataset], get(f"valid/{dataset}")
    newest = newest_versions(versions, *contract.record) if contract.versions else versions
    own = newest.withColumn("said", F.expr(written.text))
    asks = F.when(F.trim("said") != "", is_question(F.col("said"))).alias("asks")
    found = rows.join(own.select("source", *contract.record, asks), on=["source", *contract.record], how="left")
    if texts is None:
        kinds = {"sentiment": "double"}
        return found.withColumns({name: F.lit(None).cast(kinds.get(name, "string")) for name in SAYS})
    told = texts.where(F.col("dataset") == dataset).groupBy("source", "reference")
    said = told.agg(F.max(F.struct("written_at", *SAYS)).alias("newest"))
    said = said.select("source", "reference", *(F.col(f"newest.{name}").alias(name) for name in SAYS))
    referred = found.withColumn("reference", F.expr(written.reference))
    return referred.join(said, on=["source", "reference"], how="left").drop("reference")


def is_question(text: Column) -> Column:
    """Whether a text, in Dutch or English, asks something: a sentence ends as a question, or it asks around."""
    return text.rlike(QUESTION) | text.rlike(ASKED)
