"""What audience rules may say."""

import pytest
from hypothesis import given
from hypothesis import settings as fuzz
from hypothesis import strategies as st

from jobs.audiences import rules
from jobs.audiences.view_columns import VIEW_COLUMNS
from jobs.config.sql.guard import columns_in
from tests.company import FOR_ACTION

AUDIENCE = {
    "audience": "fans",
    "title": "Fans",
    "goal": "g",
    "owner": "o",
    "stage": "loyalty",
    "purpose": "ads",
    "send_to": {},
    **FOR_ACTION,
}


def problems(settings, **changes):
    return rules.check(settings({"audiences/fans.yaml": {**AUDIENCE, **changes}}))


def test_a_rule_over_known_columns_is_fine(settings):
    assert problems(settings, where="label_churn = 'high' and coalesce(recency_days, 10) > 6 and not (age < 18)") == []


def test_an_unknown_column_is_refused_with_file_line_and_nearest_column(settings):
    found = problems(settings, where="score_chrn > 0.5")
    assert found[0].endswith("where: unknown column 'score_chrn'; did you mean 'score_churn'?")
    assert "audiences/fans.yaml:10:" in found[0]


def test_an_unknown_evidence_column_is_refused(settings):
    assert "did you mean 'label_segmentation'" in problems(settings, where="true", evidence=["label_segmentatoin"])[0]


@pytest.mark.parametrize(
    "rule",
    [
        "customer_id in (select customer_id from other)",
        "exists (select 1)",
        "rand() > 0.5",
        "age > 3; drop table x",
        "age > 3 -- and known",
        "age > 3 /* hidden */",
        "`age` > 3",
        '"age" = 3',
        "java_method('java.lang.Runtime', 'getRuntime') is null",
        "reflect('a', 'b') = 'c'",
        "age > 3 and email = 'a@b.nl'",
        "city = 'a\\' or true'",
        "age > current_date()",
        "age = (1 limit 1)",
        "x.y = 1",
        "",
    ],
)
def test_anything_but_a_condition_over_the_view_is_refused(rule):
    assert rules.rule_problems(rule) != []


@given(st.text(max_size=60) | st.from_regex(r"[a-z_]+ (=|<|in) \(?(select|'[^']*'|[a-z]+\(\))[^\x00]{0,20}"))
@fuzz(max_examples=2000, deadline=None)
def test_no_text_gets_through_with_a_name_that_is_neither_column_nor_function(rule):
    if rules.rule_problems(rule) == []:
        assert {name.lower() for name in columns_in(rule)} <= set(VIEW_COLUMNS)
        assert not any(mark in rule for mark in (";", "`", '"', "\\", "--", "/*"))


def test_bad_grammar_is_told_without_an_engine(settings):
    assert "where: not valid SQL: a value is missing" in problems(settings, where="age > > 3")[0]


def test_the_engine_refuses_what_a_function_does_not_take_and_rules_that_are_not_true_or_false(spark, settings):
    def analysed(where):
        return rules.analyse(settings({"audiences/fans.yaml": {**AUDIENCE, "where": where}}))

    assert analysed("age > 3 and known") == []
    assert "not a valid condition" in analysed("upper() = 'X'")[0]
    assert (
        "city and country are texts, and '+' is of numbers; write cast(city as" in analysed("city + country = 'X'")[0]
    )
    assert "gives int, not true or false" in analysed("age + 1")[0]


def test_the_rules_of_the_demo_company_use_only_what_is_allowed(spark):
    from pathlib import Path

    from jobs.audiences.view_columns import view_with
    from jobs.config.actions.audiences import Audience
    from jobs.config.traits import Traits
    from jobs.config.yaml_files import load

    files = sorted((Path(__file__).parents[2] / "config" / "audiences").glob("*.yaml"))
    audiences = [load(file, Audience) for file in files]
    models = ("churn", "segmentation")
    columns = view_with(load(files[0].parents[1] / "traits.yaml", Traits).over_tables(), models).column_names
    assert len(audiences) >= 5
    assert {audience.audience: rules.rule_problems(audience.where, columns) for audience in audiences} == {
        audience.audience: [] for audience in audiences
    }
