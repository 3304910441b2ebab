"""What SQL in YAML may say, and what the engine gets for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from benchmarks.fuzz_sql import escapes
from jobs.config.sql.functions import ROW, ROWS, SOURCE, Kind
from jobs.config.sql.guard import columns_in, engine_sql, problem, problems
from jobs.config.yaml_files import ConfigError
from jobs.ingest.expressions import parse

ROOT = Path(__file__).parents[2]
COLUMNS = ("name", "amount", "day")


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        ("Amount > 3 and name is not null", "`Amount` > 3 and `name` is not null"),
        (
            "name in ('a', 'b') or not (amount between 1 and 2)",
            "`name` in ('a', 'b') or not (`amount` between 1 and 2)",
        ),
        ("name not like '%x' and name not in ('a')", "`name` not like '%x' and `name` not in ('a')"),
        ("name = 'it''s'", r"`name` = 'it\'s'"),
        ("day > date '2024-01-31' - interval 3 days", "`day` > cast('2024-01-31' as date) - interval '3' days"),
        ("case when amount = 1 then 'a' else name end", "case when `amount` = 1 then 'a' else `name` end"),
        ("if(name == 'a', 1, -1) <> 1e3", "if(`name` = 'a', 1, - 1) <> 1e3"),
        ("string(amount) || name", "cast(`amount` as string) || `name`"),
    ],
)
def test_the_engine_gets_the_same_expression_with_quoted_names_and_one_way_to_write_each_thing(text, engine):
    assert problem(text, COLUMNS) is None
    assert engine_sql(text) == engine


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("amout > 3", "unknown column 'amout'; did you mean 'amount'?"),
        ("other.name = 'x'", "unknown column 'other.name'"),
        ("uper(name) = 'X'", "unknown function 'uper'; did you mean 'upper'?"),
        ("day < now()", "now() depends on the clock, so that a rerun gives another answer; use a column"),
        ("day < current_date", "current_date depends on the clock"),
        ("rand() < amount", "rand() depends on chance"),
        ("first(name) = 'x'", "first() depends on the order of rows; say which one by min_by"),
        ("reflect('java.lang.System', 'exit', 0) = 1", "reflect() runs code"),
        ("input_file_name() = name", "input_file_name() depends on who runs the query and where"),
        ("sum(amount) > 3", "sum() is computed from many rows, and there is one here"),
        ("amount in (select 1)", "a query is not allowed"),
        ("name = 'x' -- and more", "comments are not allowed: write them as YAML comments"),
        ("name = /* hidden */ 'x'", "comments are not allowed"),
        ("name = 'x'; drop table orders", "';' is not allowed"),
        ("name = 'a' 'b'", "is not allowed"),
        ("name = r'x'", "not valid SQL"),
        ("amount = 1L", "'1L' is no number"),
        ("amount > > 3", "not valid SQL: a value is missing between two signs"),
        ("amount >", "not valid SQL: a value is missing, at '>'"),
        ("(amount > 3", "not valid SQL: Expecting )"),
        ("", "is empty"),
        (" \n", "is empty"),
        ("name = '\x00'", "holds a control character"),
        ("day = date 'today'", "'today' is no date; write it as '2024-01-31'"),
        ("cast(name as blob) = 'x'", "unknown type 'blob'"),
        ("name = '\\u0027'", "'\\' is not allowed: in a pattern, write [.] or [0-9] instead of a backslash"),
        ('name = "x"', "write a text in single quotes"),
        ("`name` = 'x'", "write a column without quotes"),
        ("amount between 1 and 2 is null = true", "write brackets around"),
        ("((((((((((((((((((((((((((1))))))))))))))))))))))))))", "has more than 25 brackets inside each other"),
        ("sum(amount) over (partition by name) > 3", "sum() is computed from many rows"),
        ("*", "'*' is not allowed"),
        ("name.now() = 1", "now() depends on the clock"),
        ("extract(year from day) = 2024", "write year(day)"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_write_instead(text, said):
    assert said in (problem(text, COLUMNS) or "")


def test_all_unknown_names_are_told_at_once():
    assert len(problems("nme = 'x' and amout > 3", COLUMNS)) == 2
    assert len(problems("uper(name) = now()", COLUMNS)) == 2


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        (
            r"regexp_replace(`odd ``name`, '\\s+', \"\")".replace('\\"', '"'),
            r"regexp_replace(`odd ``name`, '\\s+', '')",
        ),
        (r"'\'' || '\n' || '\%'", "'\\'' || '\n' || '\\\\%'"),
        (
            "sum(a) over (partition by b order by c desc)",
            "sum(`a`) over (partition by `b` order by `c` desc nulls last)",
        ),
        (
            "max(a) over (order by b rows between 1 preceding and current row)",
            "max(`a`) over (order by `b` asc nulls first rows between 1 preceding and current row)",
        ),
    ],
)
def test_sources_may_also_quote_names_escape_signs_and_look_at_other_rows_of_a_delivery(text, engine):
    assert engine_sql(text, SOURCE) == engine
    assert problem(text, None, ROW)


def test_an_escape_that_engines_would_drop_is_refused_with_what_was_meant():
    assert problem(r"regexp_replace(a, '\d', '')", None, SOURCE) == (
        r"\d in a text has no meaning of its own; write \\d for a backslash"
    )


@pytest.mark.parametrize("text", ["``", "transform(split(name, ','), '' -> upper(name))"])
def test_a_name_is_never_empty(text):
    assert "a name is empty" in (problem(text, None, SOURCE) or "")


def test_aggregates_are_for_places_with_many_rows_and_only_count_takes_distinct():
    assert engine_sql("count(distinct name) / count(*)", ROWS) == "count(distinct `name`) / count(*)"
    assert engine_sql("sum(amount) filter (where day is null)", ROWS) == "sum(`amount`) filter (where `day` is null)"
    assert problem("sum(distinct amount)", COLUMNS, ROWS)
    assert problem("lower(name) filter (where true)", COLUMNS, ROWS)


def test_a_run_without_check_refuses_too():
    with pytest.raises(ConfigError, match="uuid"):
        engine_sql("uuid() = 'x'")


def test_columns_are_found_by_the_tree_and_not_in_texts_or_names_of_lambdas():
    assert columns_in("name = 'amount' and exists(array(day), x -> x = Day)") == ["name", "day", "Day"]


def test_a_long_chain_of_conditions_is_no_deep_one():
    text = " or ".join(f"amount = {number}" for number in range(900))
    assert engine_sql(text).count(" or ") == 899


def shipped() -> Iterator[tuple[str, str, Kind]]:
    """Every SQL text of config/ and examples/: where, what, and of which kind its place is."""
    for path in sorted([*(ROOT / "config").rglob("*.yaml"), *(ROOT / "examples").rglob("*.yaml")]):
        content = yaml.safe_load(path.read_text())
        for keys, text in _texts(content if isinstance(content, dict) else {}):
            inside = "datasets" in keys
            aggregates = keys[-1] in ("numerator", "denominator")
            yield f"{path}: {keys}", text, SOURCE if inside else ROWS if aggregates else ROW


def _texts(content: dict) -> Iterator[tuple[tuple, str]]:
    for dataset, mapping in content.get("datasets", {}).items():
        for part in ("columns", "attributes"):
            for column, value in mapping.get(part, {}).items():
                yield ("datasets", dataset, part, column), value if isinstance(value, str) else value["from"]
        for rule in mapping.get("rules", []):
            yield from ((("datasets", dataset, key), rule[key]) for key in ("when", "condition") if key in rule)
    for name, condition in content.get("channels", {}).items():
        if "stages" in content:
            yield ("channels", name), condition
    for part in ("valence", "stages"):
        yield from (((part, rule["name"]), rule["when"]) for rule in content.get(part, []))
    for name, moment in content.get("moments", {}).items():
        if "served_when" in moment:
            yield ("moments", name), moment["served_when"]
        for key, shown in (moment.get("signals", {}) | moment.get("records", {})).items():
            texts = [
                shown[part] for part in ("when", "each", "begins_at", "expires_at", "served_when") if part in shown
            ]
            yield from ((("moments", name, key), text) for text in texts)
    for name, kpi in content.get("kpis", {}).items():
        keys = [key for key in ("where", "numerator", "denominator") if key in kpi]
        yield from ((("kpis", name, key), kpi[key]) for key in keys)
        yield from ((("kpis", name, "dimensions"), text) for text in kpi.get("dimensions", []))
    for name, trait in content.get("traits", {}).items():
        if "where" in trait:
            yield ("traits", name), trait["where"]
    if "audience" in content:
        yield ("where",), content["where"]


def test_every_text_that_is_shipped_is_right():
    found = list(shipped())
    assert len(found) > 500
    wrong = {}
    for place, text, kind in found:
        try:
            _ = parse(str(text)) if kind is SOURCE else engine_sql(str(text), kind)
        except ConfigError as error:
            wrong[place] = str(error)
    assert wrong == {}


def test_of_2000_hostile_texts_none_reaches_out_of_its_row(spark):
    passed, escaped = escapes(2_000, seed=7, computed=300)
    assert escaped == []
    assert passed > 300
