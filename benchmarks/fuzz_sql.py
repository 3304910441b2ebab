"""Texts of SQL as a hostile author of YAML would write them: what the guard lets pass must not reach out of its row.

    python -m benchmarks.fuzz_sql [--texts 100000] [--seed 1] [--computed 5000]

A text is a right expression, broken in a few places: fragments of queries, comments, hints, quotes and escapes in odd
places, functions of the clock, of chance and of the JVM. What passes is read by a lexer of its own and then computed by
the engine, beside a file with a word in it and a secret in the environment. It has escaped if the lexer finds a word
that is not on the list, if the word or the secret is in the answer, or if a second time gives another answer.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from jobs.config.sql.functions import AGGREGATES, FUNCTIONS, RANKS, ROW, ROWS, SOURCE, TYPES, Kind
from jobs.config.sql.guard import engine_sql, problem
from jobs.lake.engine import get_spark

SECRET, WORD = "KLANTREIS_FUZZ", "canary7f3a"
COLUMNS = {"name": "text", "amount": "3.5", "day": "2024-01-31", "list": "a,b,c", "odd name": "x"}
KINDS = {"row": ROW, "rows": ROWS, "source": SOURCE}
_VALUES = (
    *("name", "amount", "day", "`odd name`", "1", "2.5", "'text'", "'it''s'", r"'a\\b'", "null", "true"),
    *("'2024-01-01'", "list", "date '2024-01-01'", '"double"'),
)
_OPERATORS = ("=", "<>", "<", ">=", "+", "-", "*", "/", "%", "||", "and", "or", "like", "rlike", "is not", "div", "<=>")
_CALLS = (
    *("lower(@)", "coalesce(@, @)", "case when @ = @ then @ else @ end", "cast(@ as string)", "try_cast(@ as double)"),
    *("(@)", "@ in (@, @)", "@ between @ and @", "transform(split(list, ','), x -> upper(x))", "not @", "concat(@, @)"),
    *("substring(@, 1, 2)", "split(list, ',')[1]", "regexp_replace(@, '[a-z]', @)", "if(@ = @, @, @)", "md5(@)"),
    *("count(*)", "sum(@)", "max(@)", "sum(try_cast(@ as double)) over (partition by @ order by @)", "@::date"),
)
_FRAGMENTS = (
    *("(select max(value) from text.`{file}`)", "text.`{file}`", "exists(select 1)", "in (select * from csv.`{file}`)"),
    *("union all select 1", "; select 1", "-- ", "/* */", "/*+ broadcast(t) */", "--\n", "from t", "where true"),
    *("now()", "current_date", "current_timestamp()", "rand()", "uuid()", "monotonically_increasing_id()", "version()"),
    *("reflect('java.lang.System', 'getenv', '{secret}')", "java_method('java.lang.Thread', 'sleep', 1L)", "limit 1"),
    *("input_file_name()", "current_user()", "unix_timestamp()", "date 'today'", "timestamp 'now'", "first(name)"),
    *("cast('now' as date)", "'", '"', "`", "\\", "''", "\\'", "\\u0027", "\\047", "$$", "$x$", "${{x}}", ":x", "?"),
    *("@@x", "r'\\'", "(", ")", "[", "]", "->", "=>", "::", ".", ",", ";", "\t", "\n", "\u00a0", "\u2028", "\u200b"),
    *("\ufeff", "\x00", "x'27'", "0x27", "1L", "1e400", "1BD", "b'1'", "u&'\\0027'", "e'\\''", "n'x'", "'a' 'b'"),
    *(
        "as x",
        "distinct",
        "*",
        "over w",
        "within group (order by 1)",
        "lateral view explode(a)",
        "tablesample (1 rows)",
    ),
    *("identifier('now')()", "`now`()", "name.now()", "x -> now()", "collate utf8", "at time zone 'x'", "!", "~", "|"),
    *("&", "^", "\u2019", "\uff07", "{{", "}}"),
)
_QUOTED = re.compile(r"'(?:[^'\\]|\\['\\])*'|`(?:[^`]|``)+`")
_LEXER = re.compile(
    r"(?P<text>'(?:[^'\\]|\\['\\])*')|(?P<column>`(?:[^`]|``)+`)|(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)"
    r"|(?P<word>[a-z_][a-z0-9_]*)|(?P<sign><=>|<=|>=|<>|->|\|\||[-+*/%=<>(),.])|(?P<space> )",
    re.DOTALL,
)
_GRAMMAR = frozenset(
    """
    and or not in is null true false between like ilike rlike escape case when then else end as interval div distinct
    filter where over partition by order asc desc nulls first last rows range unbounded preceding following current row
    cast try_cast decimal year month week day hour minute second years months weeks days hours minutes seconds
    """.split()  # noqa: SIM905 (words are easier to read than a list of texts)
)
_KNOWN = _GRAMMAR | FUNCTIONS | AGGREGATES | RANKS | TYPES


def texts(count: int, seed: int, file: str) -> Iterator[tuple[str, str]]:
    """Kind of place and text, `count` times; one seed always gives the same."""
    chance = random.Random(seed)
    for _ in range(count):
        text = _expression(chance, 3)
        for _ in range(chance.choice((0, 1, 1, 2, 3))):
            text = _broken(chance, text, file)
        yield chance.choice(tuple(KINDS)), text


def outside(written: str) -> str | None:
    """The first word or sign in a text for the engine that no guarded text may have."""
    place = 0
    for found in _LEXER.finditer(written):
        if found.start() != place:
            break
        place = found.end()
        if found.lastgroup == "word" and found.group() not in _KNOWN:
            return found.group()
    bare = _QUOTED.sub("", written)
    return written[place:] or next((sign for sign in ("--", "/*", ";") if sign in bare), None)


def escapes(count: int, seed: int, computed: int, batch: int = 100) -> tuple[int, list[str]]:
    """How many of the texts the guard let pass, and those of them that reached out of their row.

    All that passed are read by the lexer; at most `computed` different ones of each kind of place are computed too.
    """
    passed: list[tuple[str, Kind]] = []
    found = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file.txt"
        file.write_text(WORD)
        os.environ[SECRET] = WORD
        for kind, text in texts(count, seed, str(file)):
            if problem(text, None, KINDS[kind]) is None:
                passed.append((engine_sql(text, KINDS[kind]), KINDS[kind]))
                if outside(passed[-1][0]):
                    found.append(text)
        for place in KINDS.values():
            same = list(dict.fromkeys(written for written, of in passed if of is place))[:computed]
            for start in range(0, len(same), batch):
                found += _told(same[start : start + batch], grouped=place is ROWS)
        del os.environ[SECRET]
    return len(passed), found


def _told(written: list[str], grouped: bool) -> list[str]:
    """Those of the texts whose answer holds the word, or differs the second time."""
    first, second = (_answers(written, grouped) for _ in range(2))
    if first == second and WORD not in (first or ""):
        if first is not None or len(written) == 1:
            return []
    elif len(written) == 1:
        return written
    middle = len(written) // 2
    return _told(written[:middle], grouped) + _told(written[middle:], grouped)


def _answers(written: list[str], grouped: bool) -> str | None:
    """What the engine makes of the texts over one row; None if it refuses one of them."""
    row = get_spark().createDataFrame([tuple(COLUMNS.values())], ", ".join(f"`{name}` string" for name in COLUMNS))
    values = [F.expr(text).cast("string").alias(f"value_{number}") for number, text in enumerate(written)]
    try:
        return str((row.groupBy().agg(*values) if grouped else row.select(*values)).collect())
    except PySparkException:
        return None


def _expression(chance: random.Random, depth: int) -> str:
    if not depth or chance.random() < 0.2:
        return chance.choice(_VALUES)
    if chance.random() < 0.4:
        operator = chance.choice(_OPERATORS)
        right = "null" if operator == "is not" else _expression(chance, depth - 1)
        return f"{_expression(chance, depth - 1)} {operator} {right}"
    return re.sub("@", lambda _: _expression(chance, depth - 1), chance.choice(_CALLS))


def _broken(chance: random.Random, text: str, file: str) -> str:
    """The text with something put in, left out, said twice or put in the place of something else."""
    fragment = chance.choice(_FRAGMENTS).format(file=file, secret=SECRET)
    words = re.split(r"(\W)", text)
    place = chance.randrange(len(words))
    how = chance.randrange(5)
    if how == 0:
        words.insert(place, fragment)
    elif how == 1:
        words[place] = fragment
    elif how == 2:
        words[place] = ""
    elif how == 3:
        words[place] *= 2
    else:
        where = chance.randrange(len(text) + 1)
        return text[:where] + fragment + text[where:]
    return "".join(words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--computed", type=int, default=5_000)
    given = parser.parse_args()
    passed, found = escapes(given.texts, given.seed, given.computed)
    print(f"{given.texts:,} texts, {passed:,} passed the guard, {len(found):,} escaped")
    for text in found[:20]:
        print(f"  {text!r}")
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    main()
