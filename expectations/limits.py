"""Limits and values of a company's own rules, in the types of their columns."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs.config.sources.row_rules import Rule

MOMENTS = {"date": dt.date, "timestamp": dt.datetime}


def refuse_wrong_type(rule: Rule, type_: str) -> None:
    """Raise ValueError, saying which key is wrong, where a limit or value does not have the type of the column."""
    typed_values(rule, type_)
    typed_limits(rule, type_)


def typed_values(rule: Rule, type_: str) -> list[Any]:
    """The values that a column of that Spark type may have. Raises ValueError naming the key."""
    return [typed(value, type_, "values") for value in rule.values] if rule.rule == "in_set" else []


def typed_limits(rule: Rule, type_: str) -> tuple[Any, Any]:
    """Least and largest value of a column of that Spark type, or least and largest length. Raises ValueError."""
    if rule.rule not in ("between", "length"):
        return None, None
    type_ = "int" if rule.rule == "length" else type_
    low, high = typed(rule.min, type_, "min"), typed(rule.max, type_, "max")
    for key, limit in (("min", low), ("max", high)) if type_ == "string" else ():
        if limit is not None and not _is_ordered(limit):
            raise ValueError(f"{key}: must be a number or date in ISO 8601; texts have no order")
    return low, high


def _is_ordered(text: str) -> bool:
    for read in (float, dt.date.fromisoformat, dt.datetime.fromisoformat):
        with contextlib.suppress(ValueError):
            read(text)
            return True
    return False


def typed(value: Any, type_: str, key: str) -> Any:
    """A limit or value of the configuration in the type of its column; raises ValueError naming `key`."""
    if value is None:
        return None
    if type_ in MOMENTS:
        try:
            return MOMENTS[type_].fromisoformat(str(value))
        except ValueError:
            raise ValueError(f"{key}: not a {type_} in ISO 8601, such as 2024-01-31") from None
    if type_ == "string":
        return str(value)
    if type_ == "boolean" or isinstance(value, bool):
        if type_ != "boolean" or not isinstance(value, bool):
            raise ValueError(f"{key}: must be {'true or false' if type_ == 'boolean' else 'a number'}")
        return value
    if isinstance(value, str) or (type_ in ("int", "bigint") and not float(value).is_integer()):
        raise ValueError(f"{key}: must be a {'whole ' if type_ in ('int', 'bigint') else ''}number")
    return int(value) if type_ in ("int", "bigint") else value
