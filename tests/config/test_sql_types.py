"""Types that reading a text tells are those that both engines give, and no value stops such a text."""

import datetime as dt
import random
from decimal import Decimal

import pytest

from jobs.config.sql.functions import SOURCE
from jobs.config.sql.guard import engine_sql, problem
from jobs.config.sql.signatures import signatures
from jobs.config.sql.types import type_of
from jobs.lake.engine import get_spark

COLUMNS = {
    "name": "string", "n": "int", "big": "bigint", "ratio": "double", "total": "decimal(18,2)", "flag": "boolean",
    "day": "date", "at": "timestamp",
}  # fmt: skip
ROW = ("text", 1, 1, 1.0, Decimal(1), True, dt.date(2024, 1, 1), dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
VALUES = {
    "string": ("name", "'x'", "lower(name)"),
    "int": ("n", "2", "length(name)"),
    "double": ("ratio", "2e0", "cast(n as double)"),
    "boolean": ("flag", "n > 1", "name is null"),
    "date": ("day", "date_add(day, n)"),
    "timestamp": ("at", "date_trunc('day', at)", "at - interval 2 days"),
    "day": ("day", "at"),
    "floating": ("ratio", "n", "big"),
    "any": ("name", "total"),
    "array<string>": ("split(name, ',')",),
    "whole": ("n", "big"),
    "pattern": ("'^[a-z]+(x|y)?$'", "'([0-9]{2})-([^&?#]*)'", "'^(,|;)'", "'(?i)^(how-to|why) '"),
    "text": ("'x'", "'$2 $1'", "'$1:00'"),
    "place": ("1", "2", "1"),
    "path": ("'$.a[0].b'",),
    "unit": ("'month'", "'hour'"),
    "zone": ("'Europe/Amsterdam'",),
    "format": ("'dd-MM-yyyy'", "'yyyy-MM-dd HH:mm:ss'"),
}
NUMBERS = ("n", "big", "ratio", "total", "3", "2.5", "4000000000", "-n", "(n + 1)")


def calls():
    """Each function of the list with each kind of argument it takes, with and without those that may be left out."""
    for name, (takes, _) in signatures().items():
        whole, least = ([one.rstrip("?*") for one in takes if one[-1] not in left_out] for left_out in ("", "?*"))
        for given in (whole, least):
            for place in range(max(len(VALUES[one]) for one in given)):
                yield f"{name}({', '.join(VALUES[one][place % len(VALUES[one])] for one in given)})"


def combined(rng):
    """Operators, casts and choices over values of all types, those that do not fit each other too."""
    everything = [*NUMBERS, *(value for kind in tuple(VALUES)[:8] for value in VALUES[kind]), "null", "'2024-01-01'"]
    shapes = [
        *("@ + @", "@ - @", "@ * @", "@ / nullif(@, 0)", "@ / 2", "@ % 3", "@ / @", "@ = @", "@ <> @", "@ < @"),
        *("@ in (@, @)", "@ between @ and @", "@ is not null", "@ || @", "@ like 'a%'", "not @", "@ and @ or @"),
        *("coalesce(@, @)", "nullif(@, @)", "if(@, @, @)", "case when @ then @ else @ end", "case @ when @ then @ end"),
        *("greatest(@, @)", "least(@, @)", "abs(@)", "round(@)", "round(@, 2)", "floor(@)", "ceil(@)", "nvl(@, @)"),
        *("cast(@ as string)", "cast(@ as bigint)", "cast(@ as double)", "cast(@ as date)", "cast(@ as timestamp)"),
        *("try_cast(@ as int)", "try_cast(@ as double)", "try_cast(@ as decimal(18,2))", "try_cast(@ as date)"),
        *("cast(@ as boolean)", "try_cast(@ as boolean)", "try_cast(@ as timestamp)", "cast(@ as int)", "@ rlike 'a+'"),
    ]
    for shape in shapes:
        for _ in range(12):
            found = shape
            while "@" in found:
                inner = rng.choice(everything)
                if rng.random() < 0.15:
                    inner = f"({rng.choice(NUMBERS)} {rng.choice('+-*')} {rng.choice(NUMBERS)})"
                found = found.replace("@", inner, 1)
            yield found


def test_a_type_that_is_told_is_that_of_both_engines_and_no_value_stops_it(on_engine):
    texts = list(dict.fromkeys([*calls(), *combined(random.Random(7))]))
    allowed = [text for text in texts if not problem(text, COLUMNS, SOURCE)]
    told = {text: kind for text in allowed if (kind := type_of(text, COLUMNS))}
    assert len(told) > 250
    row = get_spark().createDataFrame([ROW], ", ".join(f"`{name}` {kind}" for name, kind in COLUMNS.items()))
    found = row.selectExpr(*(f"{engine_sql(text, SOURCE)} as v{n}" for n, text in enumerate(told)))
    given = [field.dataType.simpleString() for field in found.schema]
    pairs = zip(given, told.values(), strict=True)
    same = [one.partition("(")[0] if kind == "decimal" else one for one, kind in pairs]
    assert dict(zip(told, same, strict=True)) == told
    assert len(found.collect()) == 1


@pytest.mark.parametrize("function", signatures())
def test_every_function_of_the_list_is_told_for_what_it_takes(function):
    """Else a slip in the list would cost time in every check, and nobody would see it."""
    assert [text for text in calls() if text.startswith(f"{function}(") and not type_of(text, COLUMNS)] == []


@pytest.mark.parametrize(
    "text",
    [
        "name + name",
        "name > 5",
        "day = '2024-01-01'",
        "cast(name as int)",
        "to_date(name)",
        "n / big",
        "name is null is not null",
        "datediff(day, day)",  # int, or bigint
        "coalesce(2.5, ratio)",  # decimal, or double
        "nvl(day, day)",  # text, or date
        "n % 0",
        "name rlike '('",
        "name rlike 'a**'",
        "name rlike '[z-a]'",
        "regexp_extract(name, 'a', 1)",
        "regexp_extract(name, '(a)', 2)",
        "regexp_replace(name, '(a)', '$2')",
        "name rlike '[a--b]'",
        "name rlike '[^]a]'",
        "name rlike 'a{2}{3}'",
        "try_to_timestamp(name, 'QQQQQ')",
        "upper(name, name)",
        "upper(n)",
        "coalesce(name, n)",
        "case when n then 1 end",
        "n and flag",
        "transform(split(name, ','), x -> upper(x))",
        "unknown",
        "upper(unknown)",
        "null",
        "from_utc_timestamp(at, 'Europe/Atlantis')",
    ],
)
def test_what_an_engine_may_refuse_or_stop_at_has_no_type_here(text):
    assert type_of(text, COLUMNS) is None


def test_a_name_that_two_columns_have_but_for_capitals_has_no_type():
    assert type_of("upper(Name)", {"name": "string", "NAME": "string"}) is None


def test_a_chain_as_long_as_a_text_may_be_is_read_without_an_end_of_the_stack():
    assert type_of(" or ".join(["flag"] * 2000), COLUMNS) == "boolean"
    assert type_of(" + ".join(["n"] * 4000), COLUMNS) in (None, "int")
