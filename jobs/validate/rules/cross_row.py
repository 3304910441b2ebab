"""The helper columns of a batch: attributes as columns, and per row whether a rule holds that one row cannot tell.

Each comes from the expectation that looks at it. They are window functions and joins over the batch as it is read, so
that flagging, counting and Great Expectations all see the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from great_expectations.expectations.expectation import Expectation
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from expectations.batch_columns import attribute_column
from expectations.business import (
    ExpectColumnValueToBeDeterminedBy,
    ExpectColumnValueToBeKnown,
    ExpectRowToMeetCondition,
    ExpectSomebodyToBeNamed,
)
from jobs.validate.mapping.nobody import names_somebody

Known = Callable[[str, str, bool], DataFrame]
"""The values of `dataset`.`column` in the lake, one column `known`; of this source, or of all."""


def with_attributes(batch: DataFrame, types: dict[str, str]) -> DataFrame:
    """Add a column for each attribute in `types` (name to Spark type); NULL where a value does not have its type."""
    if not types:
        return batch
    ddl = ", ".join(f"`{name.replace('`', '``')}` string" for name in types)
    parsed = batch.withColumn("attributes_", F.from_json("attributes", ddl))
    columns = {}
    for name, type_ in types.items():
        text = F.nullif(F.col("attributes_").getField(name), F.lit(""))
        columns[attribute_column(f"attributes.{name}")] = text if type_ == "string" else text.try_cast(type_)
    return parsed.withColumns(columns).drop("attributes_")


def with_verdicts(batch: DataFrame, expectations: Iterable[Expectation], known: Known) -> DataFrame:
    """Add the helper column of each expectation that has one: whether it holds for the row, NULL if none can say."""
    for one in expectations:
        holds = (one.meta or {}).get("holds")
        if holds is None:
            continue
        if isinstance(one, ExpectColumnValueToBeKnown):
            batch = _with_known(batch, one, holds, known)
        elif isinstance(one, ExpectColumnValueToBeDeterminedBy):
            batch = batch.transform(_with_majority, one, holds)
        elif isinstance(one, ExpectRowToMeetCondition):
            batch = batch.withColumn(holds, F.when(_when(one.when), F.expr(one.condition).cast("boolean")))
        elif isinstance(one, ExpectSomebodyToBeNamed):
            batch = batch.withColumn(holds, names_somebody(one.junk, one.not_junk))
        else:
            batch = batch.withColumn(holds, _is_only_one(one))
    return batch


def _when(sql: str | None) -> Column:
    return F.coalesce(F.expr(sql).cast("boolean"), F.lit(False)) if sql else F.lit(True)


def _filled(columns: Iterable[str], when: str | None) -> Column:
    """The rows that a rule about these columns looks at."""
    looked_at = _when(when)
    for column in columns:
        looked_at = looked_at & F.col(column).isNotNull()
    return looked_at


def _is_only_one(one: Any) -> Column:
    """No other row that is looked at has the same values."""
    columns = getattr(one, "column_list", None) or [one.column]
    looked_at = _filled(columns, one.row_condition.pass_through_filter if one.row_condition else None)
    same = F.count(F.when(looked_at, F.lit(1))).over(Window.partitionBy(*columns))
    return F.when(looked_at, same <= 1)


def _with_majority(batch: DataFrame, one: ExpectColumnValueToBeDeterminedBy, holds: str) -> DataFrame:
    """Whether the value is the one of more than half of its group; NULL in a tie and in a group of one."""
    by = [attribute_column(column) for column in one.by]
    looked_at = _filled([one.value, *by], one.when)
    counted = F.when(looked_at, F.lit(1))
    same = batch.withColumn("same_", F.count(counted).over(Window.partitionBy(*by, one.value)))
    group = Window.partitionBy(*by)
    rows, most = F.count(counted).over(group), F.max(F.when(looked_at, F.col("same_"))).over(group)
    judged = same.withColumns({"rows_": rows, "most_": most})
    clear = looked_at & (F.col("rows_") > 1) & (F.col("most_") * 2 > F.col("rows_"))
    return judged.withColumn(holds, F.when(clear, F.col("same_") == F.col("most_"))).drop("same_", "rows_", "most_")


def _with_known(batch: DataFrame, one: ExpectColumnValueToBeKnown, holds: str, known: Known) -> DataFrame:
    """Whether the value is in the table that the rule refers to."""
    dataset, _, column = one.references.partition(".")
    values = known(dataset, column, one.any_source).select(F.col("known").cast("string").alias("known_"))
    values = values.where("known_ is not null").distinct()
    joined = batch.join(values, on=F.col(one.value).cast("string") == F.col("known_"), how="left")
    looked_at = _filled([one.value], one.when)
    return joined.withColumn(holds, F.when(looked_at, F.col("known_").isNotNull())).drop("known_")
