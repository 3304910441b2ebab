"""Decisions about who is who are read from YAML and CSV, and refused with file, line and key when they cannot be."""

import datetime as dt

import pytest

from jobs.config.decisions import CSV_COLUMNS
from jobs.config.yaml_files import ConfigError

HEADER = ",".join(CSV_COLUMNS)
SHOP = {
    "source": "shop",
    "group": "crm",
    "datasets": {"contacts": {"files": "{day}/c*.csv", "columns": {"contact_id": "id", "updated_at": "at"}}},
}
AUTHORS = {**SHOP, "source": "authors", "ids_of": "shop"}
WEB = {
    "source": "web",
    "group": "web",
    "datasets": {"events": {"files": "{day}/e*.csv", "columns": {"event_id": "id", "occurred_at": "at", "type": "t"}}},
}


def record(name):
    source, number = name.split(":")
    return {"source": source, "record": number}


def decision(first="crm:1", second="shop:2", verdict="same", **more):
    told = {"left": record(first), "right": record(second), "decision": verdict}
    return told | {"by": "ann", "on": "2024-05-01", "because": "they called"} | more


@pytest.fixture
def loaded(settings):
    def load(*decisions, csv=None):
        files = {"sources/shop.yaml": SHOP, "sources/web.yaml": WEB, "sources/authors.yaml": AUTHORS}
        if decisions:
            files["decisions.yaml"] = {"decisions": list(decisions)}
        if csv is not None:
            files["decisions/calls.csv"] = csv
        return settings(files).decisions

    return load


@pytest.fixture
def refused(loaded):
    """The problems of a configuration that is refused, without the folder's path."""

    def load(*decisions, csv=None):
        with pytest.raises(ConfigError) as error:
            loaded(*decisions, csv=csv)
        return [problem[problem.index("decisions") :] for problem in error.value.problems]

    return load


def test_there_need_not_be_any(loaded):
    assert loaded() == ()


def test_yaml_and_csv_say_the_same(loaded):
    one, other = loaded(decision(), csv=f'{HEADER}\ncrm,007,shop,9,different,bob,2024-05-02,"no, she said"\n')
    assert one.place.endswith("config/decisions.yaml:2")
    assert one.decision.ends == ("crm:1", "shop:2")
    assert other.place.endswith("config/decisions/calls.csv:2")
    assert other.decision.left.record == "007"
    assert (other.decision.on, other.decision.because) == (dt.date(2024, 5, 2), "no, she said")


def test_on_is_written_without_quotes(settings):
    text = """decisions:
  - left: {source: crm, record: "1"}
    right: {source: crm, record: "2"}
    decision: same
    by: ann
    on: 2024-05-01
    because: they called
"""
    (one,) = settings({"decisions.yaml": text}).decisions
    assert one.decision.on == dt.date(2024, 5, 1)


def test_an_unknown_source_is_named_with_the_nearest(refused):
    (problem,) = refused(decision(), decision("crn:1", "shop:3"))
    assert problem == "decisions.yaml:12: left.source: unknown source 'crn'; did you mean 'crm'?"


def test_a_source_without_contacts_has_no_records_to_decide_about(refused):
    (problem,) = refused(decision("web:1"))
    assert problem.startswith("decisions.yaml:2: left.source: 'web' has no dataset `contacts`")


def test_a_record_is_not_decided_against_itself(refused):
    assert refused(decision("crm:1", "crm:1", "different")) == [
        "decisions.yaml:2: left and right are the same record; name two records"
    ]


def test_records_with_one_id_of_sources_that_share_ids_are_one_person_already(refused, loaded):
    (problem,) = refused(decision("shop:1", "authors:1", "different"))
    assert problem.startswith("decisions.yaml:2: left and right are one person by `ids_of` of config/sources")
    assert len(loaded(decision("shop:1", "authors:2", "different"), decision("crm:1", "shop:1", "different"))) == 2


def test_what_is_the_same_by_two_decisions_cannot_be_different_by_a_third(refused):
    told = [decision("crm:1", "crm:2"), decision("crm:2", "crm:3"), decision("crm:1", "crm:3", "different")]
    for order in ([0, 1, 2], [2, 1, 0], [0, 2, 1]):
        (problem,) = refused(*[told[n] for n in order])
        assert problem.startswith("decisions.yaml:22: decided ")


def test_the_decision_that_is_contradicted_is_named_across_files(refused):
    (problem,) = refused(decision(verdict="different"), csv=f"{HEADER}\nshop,2,crm,1,same,bob,2024-05-02,why not\n")
    assert problem.startswith("decisions/calls.csv:2: decided same, but ")
    assert problem.endswith("decisions.yaml:2 keeps them apart; keep one")


def test_different_from_two_that_are_the_same_is_no_contradiction(loaded):
    told = [
        decision("crm:1", "crm:2"),
        decision("crm:1", "crm:3", "different"),
        decision("crm:2", "crm:3", "different"),
    ]
    assert len(loaded(*told)) == 3


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"decision": "maybe"},
            "decisions.yaml:8: decisions.0.decision: unknown value 'maybe'; valid: different, same",
        ),
        ({"on": "yesterday"}, "decisions.yaml:10: decisions.0.on: "),
        ({"because": " "}, "decisions.yaml:11: decisions.0.because: ' ' should have at least 1 character"),
        (
            {"left": record("crm:7") | {"record": 7}},
            "decisions.yaml:4: decisions.0.left.record: write the id in quotes",
        ),
        ({"who": "me"}, "decisions.yaml:12: unknown key 'decisions.0.who'"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(refused, change, told):
    (problem,) = refused(decision(**change))
    assert problem.startswith(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("left,right\n", "decisions/calls.csv:1: the first line must name the columns left_source,"),
        (f"{HEADER}\ncrm,1,shop\n", "decisions/calls.csv:2: 8 values are needed"),
        (f"{HEADER}\ncrm,1,shop,2,same,ann,2024-05-01,yes, really\n", "decisions/calls.csv:2: 8 values are needed"),
        (f"{HEADER}\ncrm,1,shop,2,same,ann,1-5-2024,x\n", "decisions/calls.csv:2: on: "),
        (f"{HEADER}\ncrm,,shop,2,same,ann,2024-05-01,x\n", "decisions/calls.csv:2: left_record: "),
        (f'{HEADER}\ncrm,1,shop,2,same,ann,2024-05-01,"x\n', "decisions/calls.csv: not a CSV file: "),
    ],
)
def test_a_wrong_line_of_a_csv_file_is_named(refused, text, told):
    (problem,) = refused(csv=text)
    assert problem.startswith(told)
