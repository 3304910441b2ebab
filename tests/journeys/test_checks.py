"""`klantreis check` on the SQL of config/journey.yaml: place, problem, nearest column."""

import shutil
from types import SimpleNamespace

import pytest
import yaml

from jobs.config.journey import Journey
from jobs.config.yaml_files import load
from jobs.journeys.checks import check
from tests.journey_rows import SHIPPED


def problems(folder, change):
    """Problems of the shipped configuration after `change` to its text."""
    path = folder / "journey.yaml"
    path.write_text(change(SHIPPED.read_text()))
    return check(SimpleNamespace(folder=folder, journey=load(path, Journey)))


def test_the_shipped_configuration_is_fine(tmp_path, spark):
    shutil.copy(SHIPPED, tmp_path / "journey.yaml")
    assert problems(tmp_path, str) == []


WRONG = {  # right text, wrong text, what is said about it
    "a column of a channel": (
        "utm_medium = 'email'",
        "utm_medum = 'email'",
        "channels.email: unknown column 'utm_medum'; did you mean 'utm_medium'?",
    ),
    "a column of a measure": (
        "{when: \"type = 'order'\"}",
        "{when: \"typ = 'order'\"}",
        "measures.orders_all.when: unknown column 'typ'; did you mean 'type'?",
    ),
    "a measure in a stage rule": (
        "orders_14d > 0",
        "orders_14 > 0",
        "stages.3.when: unknown column 'orders_14'; did you mean 'orders_14d'?",
    ),
    "what is known only later": ("sum: carts", "sum: clicked", "measures.carts_14d.sum: unknown column 'clicked'"),
    "a valence rule that asks for a valence": (
        "type in ('complaint', 'unsubscribe')",
        "valence = 'negative'",
        "valence.9.when: unknown column 'valence'",
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
        "orders_14d > 0",
        "orders_14d",
        "stages.3.when: gives a bigint where a condition is needed",
    ),
    "bad grammar": ("orders_14d > 0", "orders_14d > > 0", "stages.3.when: not valid SQL"),
    "the clock": (
        "orders_14d > 0",
        "orders_14d > 0 and current_date() > '2017-01-01'",
        "stages.3.when: current_date() depends on the clock, so that a rerun gives another answer",
    ),
    "chance": ("orders_14d > 0", "rand() < 0.5", "stages.3.when: rand() depends on chance"),
    "a query": (
        "orders_14d > 0",
        "orders_14d in (select 1)",
        "stages.3.when: a query is not allowed: an expression of columns, values and functions is",
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


def test_words_in_quotes_are_not_columns(tmp_path, spark):
    assert (
        problems(tmp_path, lambda text: text.replace("type = 'return'", "subject = 'it''s rand() of no column'")) == []
    )


def test_an_unknown_key_names_the_nearest_one(tmp_path):
    content = yaml.safe_load(SHIPPED.read_text()) | {"stagez": []}
    (tmp_path / "journey.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(Exception, match="unknown key 'stagez'; did you mean 'stages'"):
        load(tmp_path / "journey.yaml", Journey)
