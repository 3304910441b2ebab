"""`klantreis check` on the SQL of config/journey.yaml: place, problem, nearest column."""

import re
import shutil
from types import SimpleNamespace

import pytest
import yaml

from jobs.activity.every_day import why_not
from jobs.config.journey.journey import Journey
from jobs.config.journey.kpis import over_tables
from jobs.config.traits import Rows, Traits
from jobs.config.yaml_files import ConfigError, load
from jobs.journeys.checks import check
from tests.journey_rows import SHIPPED


def problems(folder, change):
    """Problems of the shipped configuration after `change` to its text."""
    path = folder / "journey.yaml"
    path.write_text(change(SHIPPED.read_text()))
    declared, journey = load(SHIPPED.with_name("traits.yaml"), Traits), load(path, Journey)
    rows = declared.rows | {"writers": Rows(over="contacts", where="true")}
    journey = journey.model_copy(update={"kpis": over_tables(journey.kpis, rows, path)})
    learned = {"segmentation": SimpleNamespace(kind="segment"), "churn": SimpleNamespace(kind="classify")}
    own = {"learned": learned, "audiences": ["winback_at_risk"]}
    return check(SimpleNamespace(folder=folder, journey=journey, traits=declared.over_tables(), **own))


def test_the_shipped_configuration_is_fine(tmp_path, spark):
    shutil.copy(SHIPPED, tmp_path / "journey.yaml")
    assert problems(tmp_path, str) == []


EVERY_DAY = "stage rules are asked on every day, so they can use counts and sums"
WRONG = {  # right text, wrong text, what is said about it
    "a column of a channel": (
        "utm_medium = 'email'",
        "utm_medum = 'email'",
        "channels.email: unknown column 'utm_medum'; did you mean 'utm_medium'?",
    ),
    "an order as a sign of an order": (
        "filled_a_basket: {when: carts > 0",
        "filled_a_basket: {when: orders > 0",
        "intent.signs.filled_a_basket.when: unknown column 'orders'",
    ),
    "what visits are matched on": (
        "orders: case when orders_before < 2",
        "orders: case when order_before < 2",
        "moment_effects.match_on.orders: unknown column 'order_before'; did you mean 'orders_before'?",
    ),
    "a trait in a stage rule": (
        "carts_14d > 0",
        "carts_14 > 0",
        "stages.9.when: unknown column 'carts_14'; did you mean 'carts_14d'?",
    ),
    "a trait that cannot be asked on every day": (
        "carts_14d > 0",
        "last_topic = 'refund'",
        f"stages.9.when: {EVERY_DAY}; not 'last_topic': it is over conversations",
    ),
    "a trait of the least days ago": (
        "carts_14d > 0",
        "recency_days < 14",
        f"stages.9.when: {EVERY_DAY}; not 'recency_days': it is min(days_ago)",
    ),
    "such a trait in a KPI of customers": (
        "numerator: orders_90d >= 2",
        "numerator: overdue >= 2",
        f"kpis.active_repeat_share.numerator: {EVERY_DAY}; not 'overdue': it is over other traits",
    ),
    "a column of a name of touchpoints": (
        "when: \"type = 'review'\"",
        "when: \"typ = 'review'\"",
        "touchpoints.review.when: unknown column 'typ'; did you mean 'type'?",
    ),
    "a name of touchpoints that asks for a name": (
        "when: \"type = 'interview'\"",
        "when: \"touchpoint = 'interview'\"",
        "touchpoints.interview.when: unknown column 'touchpoint'",
    ),
    "a valence rule that asks for a valence": (
        "type in ('complaint', 'unsubscribe')",
        "valence = 'negative'",
        "valence.14.when: unknown column 'valence'",
    ),
    "a column of a signal": (
        "type = 'store_locator'",
        "kind = 'store_locator'",
        "moments.go.signals.looked_for_a_store.when: unknown column 'kind'",
    ),
    "a column of a KPI": (
        "numerator: sum(pages)",
        "numerator: sum(page)",
        "kpis.pages_per_visit.numerator: unknown column 'page'; did you mean 'pages'?",
    ),
    "a KPI without aggregate": (
        "numerator: sum(pages)",
        "numerator: pages",
        "kpis.pages_per_visit.numerator: not valid SQL",
    ),
    "a number as a condition": (
        "carts_14d > 0",
        "carts_14d",
        "stages.9.when: gives a bigint where a condition is needed",
    ),
    "bad grammar": ("carts_14d > 0", "carts_14d > > 0", "stages.9.when: not valid SQL"),
    "the clock": (
        "carts_14d > 0",
        "carts_14d > 0 and current_date() > '2017-01-01'",
        "stages.9.when: current_date() depends on the clock, so that a rerun gives another answer",
    ),
    "chance": ("carts_14d > 0", "rand() < 0.5", "stages.9.when: rand() depends on chance"),
    "a query": (
        "carts_14d > 0",
        "carts_14d in (select 1)",
        "stages.9.when: a query is not allowed: an expression of columns, values and functions is",
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_named_with_its_file_and_line(tmp_path, spark, mistake):
    right, wrong, message = WRONG[mistake]
    text = SHIPPED.read_text()
    assert text.count(right) >= 1, f"the shipped file no longer contains {right!r}"
    found = problems(tmp_path, lambda _: text.replace(right, wrong, 1))
    assert len(found) == 1, found
    place, _, problem = found[0].partition(": ")
    assert problem.startswith(message)
    assert wrong in (tmp_path / "journey.yaml").read_text().splitlines()[int(place.rsplit(":", 1)[1]) - 1]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("owner: service, ", "has no owner; say who answers for it"),
        ("target: 4, ", "has no target; say which value is hoped for"),
        ("direction: up, ", "has no direction; say which way is better: up or down"),
        (
            ", origin: standard",
            "has no origin; say whether it is a standard KPI of the field or your own choice: standard or own",
        ),
    ],
)
def test_a_kpi_that_nobody_can_manage_by_is_named_with_its_line(tmp_path, spark, line, told):
    alone = lambda text: text.replace("alert: {at: 3}, ", "").replace(", alert: {at: 3}", "")  # noqa: E731
    before, csat, after = SHIPPED.read_text().partition("  csat:\n")
    after = alone(after.replace(line, "", 1)) if line != "owner: service, " else after.replace(line, "", 1)
    (found,) = problems(tmp_path, lambda _: before + csat + after)
    number = (before + csat).count("\n")
    assert found.startswith(f"{tmp_path}/journey.yaml:{number}: kpis.csat: {told}"), found


def test_words_in_quotes_are_not_columns(tmp_path, spark):
    assert (
        problems(tmp_path, lambda text: text.replace("type = 'return'", "subject = 'it''s rand() of no column'")) == []
    )


WRONG_KPIS = {
    "one dimension": ("dimensions: [type]", "dimension: type", "dimension: is a list now; write dimensions: [type]"),
    "a dataset that is none": ("[contacts]", "[contact]", "unknown dataset 'contact'; did you mean 'contacts'?"),
    "an alert that is better than the target": (
        "target: 0.15, direction: down",
        "target: 0.3, direction: down",
        "alert.at 0.25 is better than the target 0.3, with direction down",
    ),
    "an alert without a target": (
        "target: 0.15, ",
        "",
        "alert.at is a value worse than the target: say target and direction, too",
    ),
}


@pytest.mark.parametrize("mistake", WRONG_KPIS)
def test_a_kpi_that_makes_no_sense_is_refused_on_load_with_its_line(tmp_path, mistake):
    right, wrong, told = WRONG_KPIS[mistake]
    text = SHIPPED.read_text()
    assert right in text
    (tmp_path / "journey.yaml").write_text(text.replace(right, wrong, 1))
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "journey.yaml", Journey)
    (problem,) = refused.value.problems
    assert told in problem
    assert ".kpis." in problem or ": kpis." in problem


def test_an_unknown_key_names_the_nearest_one(tmp_path):
    content = yaml.safe_load(SHIPPED.read_text()) | {"stagez": []}
    (tmp_path / "journey.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(Exception, match="unknown key 'stagez'; did you mean 'stages'"):
        load(tmp_path / "journey.yaml", Journey)


def test_an_old_configuration_gets_one_message_that_says_what_to_write_instead(tmp_path):
    measures = {"orders_14d": {"when": "type = 'order'", "days": 14}, "spent": {"when": "true", "sum": "amount"}}
    content = yaml.safe_load(SHIPPED.read_text()) | {"measures": measures}
    (tmp_path / "journey.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "journey.yaml", Journey)
    (told,) = refused.value.problems
    line = (tmp_path / "journey.yaml").read_text().splitlines().index("measures:") + 1
    assert told.startswith(
        f"{tmp_path}/journey.yaml:{line}: measures: numbers are declared once, in traits.yaml; remove"
    )
    written = yaml.safe_load("traits:\n" + told.split("`traits`:\n")[1])
    traits = Traits.model_validate(written).traits
    assert (traits["orders_14d"].where, traits["orders_14d"].days, traits["spent"].value) == (
        *("type = 'order'", 14),
        "sum(amount)",
    )
    assert [why_not(trait) for trait in traits.values()] == [None, None]


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        (
            "segment.segmentation, a",
            "segment.churn, a",
            "2: unknown model of kind segment 'churn'; valid: segmentation",
        ),
        (
            "audience.winback_at_risk",
            "audience.winback",
            "3: unknown audience 'winback'; did you mean 'winback_at_risk'?",
        ),
        ("customer.stage", "customer.name", "1: a customer has a stage or a state, not a name"),
    ],
)
def test_a_group_that_is_not_there_is_named_with_its_line(tmp_path, right, wrong, told):
    (found,) = problems(tmp_path, lambda text: text.replace(right, wrong))
    lines = (tmp_path / "journey.yaml").read_text().splitlines()
    number = next(n for n, line in enumerate(lines, 1) if wrong in line)
    assert f"journey.yaml:{number}: kpis.orders.dimensions.{told}" in found


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("plased", "kpis.orders.table: unknown table or name of `rows` 'plased'; did you mean 'placed'?"),
        ("writers", "kpis.orders.table: 'writers' are rows of contacts; KPIs are over sessions, carts, touchpoints,"),
    ],
)
def test_a_kpi_over_what_is_not_there_is_named_with_its_line(tmp_path, table, told):
    with pytest.raises(ConfigError, match=re.escape(told)) as raised:
        problems(tmp_path, lambda text: text.replace("unit: count, table: placed", f"unit: count, table: {table}"))
    lines = (tmp_path / "journey.yaml").read_text().splitlines()
    number = next(n for n, line in enumerate(lines, 1) if f"table: {table}" in line)
    assert f"journey.yaml:{number}: " in str(raised.value)
