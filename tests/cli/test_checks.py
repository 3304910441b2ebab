"""`klantreis check` tries each expression and says in plain words what is wrong with it."""

import pytest

from jobs.cli import checks
from jobs.ingest.complaints import DIALECT
from tests.company import MINIMAL


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("Korting %", "'Korting %': not valid SQL: a value is missing, at '%'"),
        ("first-name", "not an expression the engine understands: "),
        ("#nr", "'#nr': not valid SQL: "),
        ("upper(name", "'upper(name': not valid SQL: Expecting ), at 'name'"),
        ("upper(first name)", "write a column name that has a space in backticks, as `first name`"),
    ],
)
def test_a_name_with_signs_gets_the_advice_to_use_backticks_and_no_grammar(settings, expression, said):
    (problem,) = of_mapping(settings, expression)
    assert "datasets.contacts.columns.first_name: " in problem
    assert said in problem
    assert "in backticks" in problem
    assert " expected " not in problem


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("(select first(value) from text.`/etc/passwd`)", "a query is not allowed"),
        ("now()", "now() depends on the clock, so that a rerun gives another answer; use a column"),
        ("uuid()", "uuid() depends on chance"),
        ("current_user()", "current_user() depends on who runs the query"),
        ("java_method('java.lang.System', 'getenv', 'HOME')", "java_method() runs code"),
        ("uper(name)", "unknown function 'uper'; did you mean 'upper'?"),
        ("upper(name, name)", "not an expression the engine understands: "),
    ],
)
def test_what_reads_elsewhere_or_answers_otherwise_tomorrow_is_refused_with_its_place(settings, expression, said):
    (problem,) = of_mapping(settings, expression)
    assert "crm.yaml:" in problem
    assert "datasets.contacts.columns.first_name: " in problem
    assert said in problem


def test_a_pattern_that_does_not_compile_is_told_whole_with_its_place(settings):
    (problem,) = of_mapping(settings, "case when email rlike '^(a' then name else regexp_extract(name, '(b+)', 1) end")
    assert "datasets.contacts.columns.first_name: not a regular expression the engine understands, '^(a': " in problem
    assert problem.endswith(f"unclosed group; {DIALECT}")


def of_mapping(settings, expression):
    """Problems of the smallest company whose first_name is this expression."""
    source = MINIMAL["sources/crm.yaml"]
    (contacts,) = source["datasets"].values()
    columns = {**contacts["columns"], "first_name": expression}
    return checks.problems(
        settings({"sources/crm.yaml": {**source, "datasets": {"contacts": {**contacts, "columns": columns}}}})
    )
