"""What functions of SQL in YAML take and give, where both engines agree and no value stops them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from zoneinfo import available_timezones

from sqlglot import exp

Types = list["str | None"]
NULL = "null"
SCALARS = ("boolean", "string", "int", "bigint", "double", "decimal", "date", "timestamp")
NUMBERS = ("int", "bigint", "decimal", "double")
"""From narrow to wide: of two, a calculation has the wider one."""
TEXTS = "array<string>"

_SIGNATURES = """
    lower upper lcase ucase initcap trim ltrim rtrim btrim reverse md5 sha sha1 | string | string
    length len char_length character_length ascii | string | int
    levenshtein instr | string string | int
    startswith endswith contains | string string | boolean
    substring substr | string int int? | string
    left right | string int | string
    replace | string string string? | string
    lpad rpad | string int string | string
    split_part | string string place | string
    substring_index | string string int | string
    concat concat_ws | string string* | string
    regexp_like | string pattern | boolean
    regexp_replace | string pattern text | string
    regexp_extract | string pattern place | string
    split | string pattern | array<string>
    size cardinality | array<string> | int
    get | array<string> int | string
    try_element_at | array<string> place | string
    array_contains | array<string> string | boolean
    get_json_object | string path | string
    year month day dayofmonth dayofyear quarter | day | int
    hour minute second | timestamp | int
    date_add date_sub | date int | date
    last_day | date | date
    date_trunc | unit timestamp | timestamp
    from_utc_timestamp to_utc_timestamp | timestamp zone | timestamp
    timestamp_seconds | whole | timestamp
    unix_seconds unix_millis unix_micros | timestamp | bigint
    try_to_timestamp | string format? | timestamp
    date_format | timestamp format | string
    sqrt exp | floating | double
    isnan | floating | boolean
    isnull isnotnull | any | boolean
"""
"""Names, what they take, what they give. `x?` may be left out, `x*` stands for any number of them."""

_SIGN = r"\w ,;:@#!%&=/<>~"
_REPEATED = r"(?:[*+?]|\{[0-9]{1,2}(?:,[0-9]{1,2})?\})?"
_PIECE = rf"(?:[{_SIGN}\"'-]|\.|\[\^?(?:\w-\w|[{_SIGN}.?*+$()|])+-?\]){_REPEATED}"
_GROUP = rf"\((?:{_PIECE})+(?:\|(?:{_PIECE})+)*\){_REPEATED}"
_PATTERN = re.compile(rf"(?:\(\?i\))?\^?(?:{_PIECE}|{_GROUP})+(?:\|(?:{_PIECE}|{_GROUP})+)*\$?")
_SET, _RANGE = re.compile(r"\[[^\]]*\]"), re.compile(r"(\w)-(\w)")
_SETS = ("&&", "--", "~~")
"""Signs for sets of signs, which not all engines know."""
_FORMAT = re.compile(r"(?:yyyy|MM|dd|HH|mm|ss|[-/. :]|'T')+")
_PATH = re.compile(r"\$(?:\.[A-Za-z_]\w*|\[[0-9]+\])+")
_UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")


@cache
def _zones() -> frozenset[str]:
    return frozenset(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))


_LITERALS: dict[str, Callable[[str], bool]] = {
    "pattern": lambda text: safe_pattern(text),
    "text": lambda text: re.fullmatch(r"(?:[^$\\]|\$[1-9](?![0-9]))*", text) is not None,
    "path": lambda text: _PATH.fullmatch(text) is not None,
    "unit": lambda text: text in _UNITS,
    "zone": lambda text: text in _zones(),
    "format": lambda text: _FORMAT.fullmatch(text) is not None,
}
"""Texts that must be written out, and of which forms both engines are known to read."""
_TAKEN = {
    "day": ("date", "timestamp"),
    "floating": ("int", "bigint", "double"),
    "whole": ("int", "bigint"),
    "any": (*SCALARS, TEXTS),
}


def type_of_call(name: str, nodes: Sequence[exp.Expr], given: Types) -> str | None:
    """What the function gives for arguments of these types; None if it may not take them, or is not listed."""
    if name in _OF_ARGUMENTS:
        return _OF_ARGUMENTS[name](given)
    takes, gives = signatures().get(name, ((), None))
    return gives if gives and _fits(takes, nodes, given) and _has_groups(name, nodes) else None


def common(types: Sequence[str | None]) -> str | None:
    """The type in which values of these types are compared; None if they are of different kinds, or all empty."""
    found = [kind for kind in types if kind != NULL]
    if not found or None in found:
        return None
    if len(set(found)) == 1:
        return found[0]
    families = [family(kind) for kind in found]
    return max(families, key=NUMBERS.index) if set(families) <= set(NUMBERS) else None


def chosen(types: Sequence[str | None]) -> str | None:
    """The type of a choice between such values; of decimals and doubles engines choose differently."""
    return None if {"decimal", "double"} <= {family(kind) for kind in types} else common(types)


def family(kind: str | None) -> str:
    return (kind or "").partition("(")[0]


def text_of(node: exp.Expr | None) -> str | None:
    return str(node.this) if isinstance(node, exp.Literal) and node.is_string else None


def safe_pattern(pattern: str) -> bool:
    """Whether it is made of letters, sets such as [a-z0-9], groups and repetitions only, which all engines know."""
    sets = "".join(_SET.findall(pattern))
    in_order = all(first <= last for first, last in _RANGE.findall(sets)) and not any(sign in sets for sign in _SETS)
    return in_order and _PATTERN.fullmatch(pattern) is not None and _groups(pattern) is not None


def _has_groups(name: str, nodes: Sequence[exp.Expr]) -> bool:
    """Whether a pattern has the groups that are asked for, by number or as $1."""
    if name not in ("regexp_extract", "regexp_replace"):
        return True
    asked = [nodes[2].this] if name == "regexp_extract" else re.findall(r"\$([0-9])", nodes[2].this)
    return all(int(one) <= (_groups(nodes[1].this) or 0) for one in asked)


def _groups(pattern: str) -> int | None:
    """How many groups it has; None if it is no pattern."""
    try:
        return re.compile(pattern).groups
    except re.error:
        return None


def signatures() -> dict[str, tuple[tuple[str, ...], str]]:
    lines = [line.split("|") for line in _SIGNATURES.strip().splitlines()]
    return {name: (tuple(takes.split()), gives.strip()) for names, takes, gives in lines for name in names.split()}


def _fits(takes: Sequence[str], nodes: Sequence[exp.Expr], given: Types) -> bool:
    if takes and takes[-1].endswith("*"):
        takes = [*takes[:-1], *[takes[-1][:-1]] * (len(given) - len(takes) + 1)]
    needed = sum(not one.endswith("?") for one in takes)
    if not needed <= len(given) <= len(takes):
        return False
    return all(_takes(one.rstrip("?"), node, kind) for one, node, kind in zip(takes, nodes, given, strict=False))


def _takes(wanted: str, node: exp.Expr, kind: str | None) -> bool:
    if wanted in _LITERALS:
        text = text_of(node)
        return text is not None and _LITERALS[wanted](text)
    if wanted == "place":
        return isinstance(node, exp.Literal) and node.is_int and int(node.this) >= 1
    return family(kind) in _TAKEN.get(wanted, (wanted,)) or kind == wanted


def _alike(types: Types) -> str | None:
    """The type of the first of two, where the second is no wider; else engines differ."""
    if len(types) != 2 or NULL in types:
        return None
    kind = common(types)
    return kind if kind in (types[0], family(types[0])) else None


def _one_of(types: Types) -> str | None:
    return chosen(types[1:]) if len(types) == 3 and types[0] == "boolean" else None


def _several(types: Types) -> str | None:
    return chosen(types) if len(types) > 1 and NULL not in types else None


def _whole(types: Types) -> str | None:
    return types[0] if len(types) == 1 and types[0] in ("int", "bigint", "double") else None


def _rounded(types: Types) -> str | None:
    return "double" if types in (["double"], ["double", "int"]) else None


def _floor(types: Types) -> str | None:
    return "bigint" if types == ["double"] else None


_OF_ARGUMENTS: dict[str, Callable[[Types], str | None]] = {
    "coalesce": chosen,
    "nullif": _alike,
    "if": _one_of,
    "greatest": _several,
    "least": _several,
    "abs": _whole,
    "round": _rounded,
    "floor": _floor,
    "ceil": _floor,
    "ceiling": _floor,
}
"""Functions whose type is made of those of their arguments."""
