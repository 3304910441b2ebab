"""A company's own rules: an entry of `rules:` in config/sources/NAME.yaml as an expectation of its dataset's suite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.expectations.row_conditions import PassThroughCondition

from expectations.batch_columns import attribute_column, helper_column, in_batch
from expectations.business import (
    ExpectColumnValueToBeDeterminedBy,
    ExpectColumnValueToBeKnown,
    ExpectOrderCustomerToBeKnown,
    ExpectRowToMeetCondition,
)
from expectations.limits import typed_limits, typed_values

if TYPE_CHECKING:
    from jobs.config.sources.row_rules import Rule

CUSTOMER_IDS = ("contact_id", "loyalty_id", "login_id", "email", "phone", "cookie_id")


def own(rule: Rule, name: str, dataset: str, types: dict[str, str]) -> Expectation:
    """The expectation of one rule, called `name`; `types` are the Spark types of the columns it may name.

    `meta` has, besides what every expectation of the vocabulary has: `subject`, the column as the user knows it,
    `written`, conditions as the user wrote them, and for rules whose verdict on a row is a column of the batch,
    `holds`, the name of that column.
    Raises ValueError, saying which key is wrong, where a limit or value does not have the type of its column.
    """
    about: dict[str, Any] = {"subject": rule.column or ", ".join(rule.columns)}
    fate = rule.fate or ("report" if rule.rule == "references" else "quarantine")
    about |= {"rule": name, "reason": rule.reason or _reason(rule), "fate": fate}
    common: dict[str, Any] = {"mostly": rule.mostly, "severity": FailureSeverity(rule.severity), "meta": about}
    when = in_batch(rule.when)
    about["written"] = {in_batch(sql): sql for sql in (rule.when, rule.condition) if sql}
    if rule.rule in ("condition", "determined_by", "references"):
        about["holds"] = helper_column(name)
        common |= {"column": about["holds"], "subject": about["subject"], "when": when}
        return _about_other_rows(rule, dataset, common)
    if when:
        common["row_condition"] = PassThroughCondition(pass_through_filter=when)
    if rule.rule == "unique":
        about["holds"] = helper_column(name)
        columns = [attribute_column(column) for column in rule.columns or [rule.column]]
        if len(columns) == 1:
            return gxe.ExpectColumnValuesToBeUnique(column=columns[0], **common)
        return gxe.ExpectCompoundColumnsToBeUnique(column_list=columns, ignore_row_if="any_value_is_missing", **common)
    return _about_a_value(rule, types.get(rule.column, "string"), {"column": attribute_column(rule.column), **common})


def default_name(rule: Rule, taken: set[str]) -> str:
    """`column:rule`, numbered where a rule of that name exists already."""
    name = rule.name or f"{rule.column}:{rule.rule}"
    number = 2
    while rule.name is None and name in taken:
        name, number = f"{rule.column}:{rule.rule}_{number}", number + 1
    return name


def _about_other_rows(rule: Rule, dataset: str, common: dict[str, Any]) -> Expectation:
    if rule.rule == "condition":
        return ExpectRowToMeetCondition(condition=in_batch(rule.condition), **common)
    if rule.rule == "determined_by":
        return ExpectColumnValueToBeDeterminedBy(value=attribute_column(rule.column), by=list(rule.by), **common)
    customers = dataset == "orders" and rule.column in CUSTOMER_IDS and rule.references.startswith("contacts.")
    kind = ExpectOrderCustomerToBeKnown if customers else ExpectColumnValueToBeKnown
    return kind(value=attribute_column(rule.column), references=rule.references, any_source=rule.any_source, **common)


def _about_a_value(rule: Rule, type_: str, common: dict[str, Any]) -> Expectation:
    if rule.rule == "not_null":
        return gxe.ExpectColumnValuesToNotBeNull(**common)
    if rule.rule == "in_set":
        return gxe.ExpectColumnValuesToBeInSet(value_set=typed_values(rule, type_), **common)
    if rule.rule == "regex":
        return gxe.ExpectColumnValuesToMatchRegex(regex=rule.pattern, **common)
    low, high = typed_limits(rule, type_)
    if rule.rule == "between":
        return gxe.ExpectColumnValuesToBeBetween(min_value=low, max_value=high, **common)
    return gxe.ExpectColumnValueLengthsToBeBetween(min_value=low, max_value=high, **common)


def _reason(rule: Rule) -> str:
    """What is wrong with a bad row, where the user did not say it."""
    column = rule.column
    limits = " and ".join(
        f"{word} {limit}" for word, limit in (("at least", rule.min), ("at most", rule.max)) if limit is not None
    )
    return {
        "not_null": f"{column} is empty",
        "in_set": f"{column} is none of {', '.join(str(value) for value in rule.values)}",
        "between": f"{column} is not {limits}",
        "regex": f"{column} does not match {rule.pattern}",
        "length": f"{column} does not have {limits} characters",
        "condition": f"the row does not meet {' '.join(rule.condition.split())}",
        "unique": f"another row of the batch has the same {', '.join(rule.columns or [column])}",
        "determined_by": f"{column} differs from most rows with the same {', '.join(rule.by)}",
        "references": f"{column} is not known in {rule.references}",
    }[rule.rule]
