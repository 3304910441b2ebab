"""What audience rules may say."""

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as fuzz
from hypothesis import strategies as st

from jobs.activity.conditions import holds
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


WHO = {  # recency_days, days_since_return, nps_last, csat_last, negative_contacts_90d, days_since_nps
    "bought_a_week_ago": (7, None, None, None, None, None),
    "is_satisfied": (7, 40, 9.0, 5.0, 0, 60),
    "is_a_detractor": (7, None, 3.0, None, 0, 60),
    "is_between": (7, None, 6.0, None, 0, 60),
    "rated_an_answer_badly": (7, None, 9.0, 2.0, 0, 60),
    "sent_it_back": (7, 2, 9.0, 5.0, 0, 60),
    "had_a_bad_contact": (7, None, 9.0, 5.0, 1, 60),
    "was_asked_last_week": (7, None, 9.0, None, 0, 7),
    "bought_yesterday": (1, None, 9.0, 5.0, 0, 60),
    "bought_long_ago": (30, None, 9.0, 5.0, 0, 60),
}


def test_a_detractor_or_whoever_was_disappointed_is_never_asked_for_a_review(spark):
    from tests.journey_rows import SHIPPED

    rule = yaml.safe_load((SHIPPED.parent / "audiences" / "review_request.yaml").read_text())["where"]
    columns = "recency_days int, days_since_return int, nps_last double, csat_last double"
    schema = f"who string, known boolean, {columns}, negative_contacts_90d int, days_since_nps int"
    people = spark.createDataFrame([(who, True, *told) for who, told in WHO.items()], schema)
    asked = {row["who"] for row in people.where(holds(rule)).collect()}
    assert asked == {"bought_a_week_ago", "is_satisfied"}
