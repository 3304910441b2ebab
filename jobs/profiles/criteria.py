"""The criteria of golden record rules as columns: whichever record is smallest in them, in order, wins."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.config.identity import GOLDEN_ATTRIBUTES, GoldenRule

NEWEST = GoldenRule()
YES = ("true", "1", "yes", "y", "t", "ja", "oui", "si")
_NEVER = 2**62


def ranked(
    contacts: DataFrame, rule: GoldenRule, value: str, moment: str = "updated_at"
) -> tuple[DataFrame, list[str]]:
    """The contacts with a column per criterion of the rule, smaller for a better record and never null; their names.

    `value` is the column the rule is about, `moment` the one that tells how new a record is. What decides in the end
    is always the newest. Contacts come from `current_contacts`.
    """
    order = [*rule.order, *([] if {"newest", "oldest"} & set(rule.order) else ["newest"])]
    names: list[str] = []
    for criterion in order:
        name = f"{value}:{criterion}"
        contacts = contacts.withColumn(name, _rank(contacts, criterion, rule, value, moment, names))
        names.append(name)
    return contacts, names


def _rank(contacts: DataFrame, criterion: str, rule: GoldenRule, value: str, moment: str, before: list[str]) -> Column:
    column = F.col(f"`{value}`")
    if criterion == "source":
        return trust(rule)
    if criterion == "verified":
        return F.when(F.lower(own_value(str(rule.verified))).isin(*YES), 0).otherwise(1)
    if criterion == "newest":
        return age(moment)
    if criterion == "oldest":
        return F.coalesce(F.unix_micros(F.col(moment)), F.lit(_NEVER))
    if criterion == "most_frequent":
        return -F.count("*").over(Window.partitionBy("customer_id", *[F.col(f"`{rank}`") for rank in before], column))
    if criterion == "longest":
        return -F.coalesce(F.length(column.cast("string")), F.lit(0))
    if criterion == "longest_valid":
        return F.coalesce(F.unix_micros(F.col(f"`since:{value}`")), F.lit(_NEVER))
    if f"lacks:{value}" in contacts.columns:
        return F.col(f"`lacks:{value}`")
    filled = [F.col(name).isNotNull().cast("int") for name in GOLDEN_ATTRIBUTES]
    return -reduce(Column.__add__, filled)


def trust(rule: GoldenRule) -> Column:
    """0 for the most trusted source of a rule, 1 for the next, ...; sources it does not name come last."""
    ranks = [(F.col("source") == source, rank) for rank, source in enumerate(rule.sources)]
    named = reduce(lambda chain, rank: chain.when(*rank), ranks[1:], F.when(*ranks[0])) if ranks else F.lit(None)
    return F.coalesce(named, F.lit(len(rule.sources))).cast("int")


def age(moment: str) -> Column:
    """A number that is smaller for a newer moment and largest for an unknown one."""
    return -F.coalesce(F.unix_micros(F.col(moment)), F.lit(0))


def own_value(attribute: str) -> Column:
    """One of a source's own attributes, as text; null if it says nothing."""
    quoted = attribute.replace("`", "``")
    return F.nullif(F.trim(F.from_json("attributes", f"`{quoted}` string").getField(attribute)), F.lit(""))
