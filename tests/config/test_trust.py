"""`trust` of a source: what it may say, and what contradicts the rest of the sources."""

import pytest

from jobs.config.settings import load_settings
from jobs.config.yaml_files import ConfigError
from tests.activation.answering_company import FILES

CONTACTS = "datasets:\n  contacts:\n    files: x\n    columns: {contact_id: a, updated_at: b}\n"
SOLD = "{order_id: a, updated_at: b, ordered_at: c, status: s, total: d}"
ORDERS = f"datasets:\n  orders:\n    files: x\n    columns: {SOLD}\n"


def source(name, *lines, datasets=CONTACTS):
    return {f"sources/{name}.yaml": "\n".join([f"source: {name}", "group: g", *lines, datasets])}


def test_a_source_that_says_nothing_may_all(settings):
    trust = settings().sources["crm"].trust
    assert (trust.identifies, trust.contact_points, trust.grants) == ("anyone", "customers", True)


@pytest.mark.parametrize(
    ("desk", "told"),
    [
        (["trust: {identifies: anybody}"], "desk.yaml:3: trust.identifies: unknown value 'anybody'; did you mean"),
        (["trust:", "  contact_points: mine"], "desk.yaml:4: trust.contact_points: unknown value 'mine'"),
        (["trust: {grants: maybe}"], "desk.yaml:3: trust.grants: 'maybe'"),
        (["trust: {grant: false}"], "desk.yaml:3: unknown key 'trust.grant'; did you mean 'grants'?"),
        (["trust: {identifies: alike}", "ids_of: crm"], "desk.yaml:3: trust.identifies: its ids are those of 'crm'"),
    ],
)
def test_what_it_does_not_know_is_told_with_file_line_and_key(config, desk, told):
    with pytest.raises(ConfigError) as refused:
        load_settings(config(source("crm") | source("desk", *desk)))
    assert told in refused.value.problems[0]


def test_what_contradicts_other_sources_or_has_nothing_to_compare_is_refused(config):
    careful = source("desk", "trust: {identifies: nobody}")
    with pytest.raises(ConfigError) as refused:
        load_settings(config(careful | source("crm", "ids_of: desk")))
    assert "desk.yaml:3: trust.identifies: 'crm' has its ids (ids_of)" in refused.value.problems[0]
    orders = source("crm") | source("desk", "trust: {identifies: alike}", datasets=ORDERS)
    with pytest.raises(ConfigError) as refused:
        load_settings(config(orders))
    assert "desk.yaml:3: trust.identifies: without contacts there are no names" in refused.value.problems[0]


def test_answers_of_people_that_only_one_source_knows_need_a_column_that_says_so(config):
    answers = {"feedback.yaml": {"source": "heard"}, "sources/heard.yaml": FILES["sources/feedback.yaml"]}
    answers["sources/heard.yaml"] = answers["sources/heard.yaml"] | {"source": "heard"}
    load_settings(config(answers))
    with pytest.raises(ConfigError) as refused:
        load_settings(config(answers | source("desk", "trust: {identifies: nobody}")))
    assert [one.partition(": ")[2] for one in refused.value.problems] == [
        f"source: source 'heard' does not map ids_of of {name}, and 'desk' has people of its own (trust.identifies), "
        "whose answers would count for somebody else; add `ids_of: ids_of`"
        for name in ("consents", "campaign_events")
    ]
