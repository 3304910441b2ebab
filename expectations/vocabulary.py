"""The words the suites are written in: each is one Great Expectations expectation that knows what becomes of a bad row.

An expectation is the only owner of its fact. Great Expectations judges the batch with it, and
`jobs.validate.rules.broken` derives from the same object which rows are bad. Its `meta` holds:

`rule`    its name in quarantine and reports, `<column>:<what>`
`reason`  what is wrong with a bad row, without the value
`fate`    `quarantine`: a bad row is set aside; `report`: it is published and only counted

`mostly` is the share of good rows below which the batch as a whole is not to be trusted. What happens then is the
`severity`: `critical` stops the dataset, `warning` and `info` are reported.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.expectations.row_conditions import (
    AndCondition,
    ComparisonCondition,
    NullityCondition,
)

from expectations.batch_columns import ARRIVAL_LIMIT, ARRIVAL_LIMIT_DAY, UNREADABLE, helper_column
from expectations.business import (
    ExpectEmailAddress,
    ExpectFewRowsToRepeatAKey,
    ExpectIdToBeWhole,
    ExpectMomentNotAfterArrival,
    ExpectPlausibleAmount,
    ExpectScoreWithinScale,
    ExpectSomebodyToBeNamed,
    ExpectValuesToBeReadable,
)
from jobs.config.nobody import ROUNDED, WHOLE
from jobs.config.settings import Settings

CRITICAL, WARNING, INFO = FailureSeverity.CRITICAL, FailureSeverity.WARNING, FailureSeverity.INFO
When = ComparisonCondition | NullityCondition | AndCondition

EARLIEST = dt.datetime(1970, 1, 2)
LATEST = dt.datetime(2200, 1, 1)
LARGEST_AMOUNT = 10_000_000
_SIGNS = "\u00bf\u2000-\u2bff\u3000-\u3004\ufe00-\ufe0f\uff00-\uff0f\uff1a-\uff20\uff61\U0001f000-\U0001faff"
"""Signs that are in no domain: punctuation, blanks, pictures. Engines do not agree on names for all other letters."""
_N, _C = rf"[^\x00-/:-@\[-`{{-{_SIGNS}]", rf"[^\x00-,./:-@\[-`{{-{_SIGNS}]"
"""A letter or digit of any language; the same or a hyphen."""
_LABEL = (
    f"(?:[xX][nN]--(?:{_C}{{0,58}}{_N})|{_N}(?:{_C}?{_N}|{_C}{_N}{_C}{{0,59}}{_N}|{_C}-{_N}(?:{_C}{{0,58}}{_N})?)?)"
)
"""A part of a domain: up to 63 signs, no hyphen at either end, none third and fourth but after `xn`."""
_ATOM = r"[^@\s,;:<>()\[\]\\\".]+"
EMAIL = rf"^{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}[.。．])+{_LABEL}$"
"""What is shaped like an address; `jobs.validate.mapping.email_addresses` says whether there is such a one."""
SHA256 = "^[0-9a-fA-F]{64}$"
PHONE = r"^\+?[0-9 ()./\-]{6,24}$"


def readable(mostly: float = 0.9) -> Expectation:
    """Every value has the type of its column."""
    return ExpectValuesToBeReadable(
        column=UNREADABLE,
        mostly=mostly,
        severity=CRITICAL,
        meta=_meta("types", "a value does not have the type of its column"),
    )


def filled(
    column: str,
    mostly: float = 0.95,
    severity: FailureSeverity = CRITICAL,
    when: When | None = None,
    fate: str = "quarantine",
    kind: type[gxe.ExpectColumnValuesToNotBeNull] = gxe.ExpectColumnValuesToNotBeNull,
) -> Expectation:
    """The column has a value, in every row or in those for which `when` is true."""
    return kind(
        column=column,
        mostly=mostly,
        severity=severity,
        meta=_meta(f"{column}:not_null", f"{column} is empty or unreadable", fate),
        row_condition=when,
    )


def one_of(
    column: str,
    values: Iterable[str],
    mostly: float = 0.8,
    severity: FailureSeverity = CRITICAL,
    fate: str = "quarantine",
) -> Expectation:
    """The value is one of those that the platform knows."""
    known = sorted(values)
    what = f"{column} is none of {', '.join(known)}; map it to one of them in `columns` of the source"
    return gxe.ExpectColumnValuesToBeInSet(
        column=column,
        value_set=known,
        mostly=mostly,
        severity=severity,
        meta=_meta(f"{column}:in_set", what, fate),
    )


def between(
    column: str,
    low: Any,
    high: Any,
    mostly: float = 0.9,
    severity: FailureSeverity = CRITICAL,
    when: When | None = None,
    what: str = "between",
    kind: type[gxe.ExpectColumnValuesToBeBetween] = gxe.ExpectColumnValuesToBeBetween,
) -> Expectation:
    """The value is at least `low` and at most `high`; either may be None."""
    return kind(
        column=column,
        min_value=low,
        max_value=high,
        mostly=mostly,
        severity=severity,
        meta=_meta(f"{column}:{what}", outside(column, low, high)),
        row_condition=when,
    )


def outside(column: str, low: Any, high: Any) -> str:
    """Why a value that is not between `low` and `high` is bad; either may be None."""
    limits = (("at least", low), ("at most", high))
    return f"{column} is not {' and '.join(f'{word} {_shown(limit)}' for word, limit in limits if limit is not None)}"


def amount(column: str) -> Expectation:
    """Money that cannot be negative, and is no typing error or placeholder."""
    return between(column, 0, LARGEST_AMOUNT, kind=ExpectPlausibleAmount)


def happened(column: str, mostly: float = 0.95) -> list[Expectation]:
    """The moment is filled, after 1970 and not later than the day after the file arrived."""
    return [filled(column, mostly), *not_later(column)]


def not_later(column: str, earliest: dt.date = EARLIEST, whole_day: bool = False) -> list[Expectation]:
    """If filled, the moment is after `earliest` and not later than the day after the file arrived.

    A column of dates is a `whole_day`, and held against a date: an engine may not be able to make a moment of year 1.
    """
    late = ExpectMomentNotAfterArrival(
        column_A=ARRIVAL_LIMIT_DAY if whole_day else ARRIVAL_LIMIT,
        column_B=column,
        or_equal=True,
        ignore_row_if="either_value_is_missing",
        mostly=0.9,
        severity=CRITICAL,
        meta=_meta(f"{column}:not_future", f"{column} is later than the day after the file arrived"),
    )
    return [between(column, earliest, None, what="not_ancient"), late]


def ends(column: str) -> Expectation:
    """If filled, an end that may be in the future."""
    return between(column, EARLIEST, LATEST, severity=WARNING)


def in_order(first: str, last: str) -> Expectation:
    """`last` is not before `first`; only reported, because clocks of two systems may differ."""
    return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=last,
        column_B=first,
        or_equal=True,
        ignore_row_if="either_value_is_missing",
        mostly=0.99,
        severity=WARNING,
        meta=_meta(f"{last}:not_before_{first}", f"{last} is before {first}", "report"),
    )


def at_most_column(column: str, limit: str) -> Expectation:
    """A score is at most the value of the column `limit`, the end of its scale."""
    return ExpectScoreWithinScale(
        column_A=limit,
        column_B=column,
        or_equal=True,
        ignore_row_if="either_value_is_missing",
        mostly=0.9,
        severity=CRITICAL,
        meta=_meta(f"{column}:at_most_{limit}", f"{column} is more than {limit}"),
    )


def shaped(
    column: str,
    regex: str,
    what: str,
    mostly: float = 0.9,
    severity: FailureSeverity = WARNING,
    fate: str = "quarantine",
    kind: type[gxe.ExpectColumnValuesToMatchRegex] = gxe.ExpectColumnValuesToMatchRegex,
) -> Expectation:
    """The text, if there is any, looks like `what`."""
    return kind(
        column=column,
        regex=regex,
        mostly=mostly,
        severity=severity,
        meta=_meta(f"{column}:regex", f"{column} is not {what}", fate),
    )


def short(column: str, length: int = 200, fate: str = "quarantine") -> Expectation:
    """The text is no longer than `length` characters: longer ones come from shifted or merged columns."""
    return gxe.ExpectColumnValueLengthsToBeBetween(
        column=column,
        min_value=1,
        max_value=length,
        mostly=0.99,
        severity=WARNING,
        meta=_meta(f"{column}:length", f"{column} has more than {length} characters", fate),
    )


def person(*without: str) -> list[Expectation]:
    """Contact details of the person a row is about."""
    rules = {
        "email": [shaped("email", EMAIL, "an e-mail address", kind=ExpectEmailAddress), short("email", 254)],
        "email_sha256": [shaped("email_sha256", SHA256, "a SHA-256 (64 hex digits); map addresses to email")],
        "phone": [shaped("phone", PHONE, "a phone number", fate="report")],
        "contact_id": [short("contact_id")],
        "loyalty_id": [short("loyalty_id", 64)],
        "login_id": [short("login_id")],
        "cookie_id": [short("cookie_id")],
    }
    for column in ("contact_id", "loyalty_id", "login_id"):
        rules[column] += [whole(column), counted(column)]
    return [rule for column, wanted in rules.items() if column not in without for rule in wanted]


def somebody(settings: Settings) -> Expectation:
    """The row says whom it is about: a contact, or any other way to know a person."""
    rule = "contact_id:not_null"
    what = "it names nobody: every id, address and number is empty, or a placeholder such as undefined"
    identity = settings.identity
    return ExpectSomebodyToBeNamed(
        column=helper_column(rule),
        subject="the person",
        junk={str(kind): values for kind, values in identity.junk.items()},
        not_junk={str(kind): values for kind, values in identity.not_junk.items()},
        mostly=0.95,
        severity=CRITICAL,
        meta={**_meta(rule, what), "holds": helper_column(rule)},
    )


def whole(column: str) -> Expectation:
    """The id was not rounded by a spreadsheet: 1.23457E+12 may be a thousand people."""
    what = (
        f"{column} was rounded by a spreadsheet (1.23457E+12), so its last digits are lost; export the column as text"
    )
    return ExpectIdToBeWhole(
        column=column, regex=ROUNDED, mostly=0.95, severity=WARNING, meta=_meta(f"{column}:whole", what)
    )


def counted(column: str) -> Expectation:
    """The id did not become a number with decimals on its way; only reported, 101.0 is read as 101."""
    what = f"{column} has decimals (101.0 for 101): a tool read it as a number; leading zeros may be lost too"
    return ExpectIdToBeWhole(
        column=column, regex=WHOLE, mostly=1.0, severity=INFO, meta=_meta(f"{column}:decimals", what, "report")
    )


def code(column: str, regex: str, what: str) -> Expectation:
    """An international code. Only reported: a row with another spelling is still of use."""
    return shaped(column, regex, what, fate="report")


def batch(key: Iterable[str]) -> list[Expectation]:
    """What holds for any batch as a whole: it has rows, and most of them are not copies of each other."""
    return [
        gxe.ExpectTableRowCountToBeBetween(
            min_value=1, severity=INFO, meta=_meta("batch:row_count", "the files hold no rows", "report")
        ),
        ExpectFewRowsToRepeatAKey(
            column_list=list(key),
            mostly=0.5,
            severity=WARNING,
            meta=_meta("batch:unique_key", "another row of the batch has the same key", "report"),
        ),
    ]


def _meta(rule: str, reason: str, fate: str = "quarantine") -> dict[str, str]:
    return {"rule": rule, "reason": reason, "fate": fate}


def _shown(limit: Any) -> str:
    return f"{limit:%Y-%m-%d}" if isinstance(limit, dt.date) else f"{Decimal(limit):,}"
