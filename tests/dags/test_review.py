"""The DAG that asks a person about pairs, run by Airflow, answered over Airflow's own API."""

import json

import pytest

from jobs.identity.stewards import review
from jobs.lake.lake import Lake
from tests.identity.explained_company import LAST, company, customer_of, live, waiting_pairs  # noqa: F401

PAIRS = [("crm:1", "crm:2", 0.8), ("crm:1", "crm:3", 0.7), ("crm:2", "{{ conn.x.password }}", 0.6)]
SAME, DIFFERENT, ODD = (
    "Are crm:1 and crm:2 one person?",
    "Are crm:1 and crm:3 one person?",
    "Are crm:2 and ?? conn.x.password ?? one person?",
)


@pytest.fixture
def dag(company, airflow):  # noqa: F811
    """Run the DAG and answer: subject to (option, because)."""

    def run(answers):
        home = {"KLANTREIS_CONFIG": str(company.folder), "KLANTREIS_HASH_KEY": "test-key"}
        return airflow.run("run_review.py", "review_matches", json.dumps(answers), environment=home).found

    return run


def test_answers_of_a_person_are_kept_and_carried_out_and_the_pair_is_not_asked_again(company, dag):  # noqa: F811
    live(company)
    waiting_pairs(company, *PAIRS)
    done = dag({SAME: ("same", "I called her"), DIFFERENT: ("different", ""), ODD: ("not sure", "")})
    assert (done["state"], done["tasks"]) == (
        "success",
        {"pairs": ["success"], "ask": ["success"] * 3, "keep": ["success"]},
    )
    assert {question["subject"] for question in done["questions"]} == {SAME, DIFFERENT, ODD}
    assert all("family: near" in question["body"] for question in done["questions"])
    assert not any(name in json.dumps(done["questions"]) for name in ("Ann", "Bos", "ann@x.nl"))

    lake = Lake.of(company)
    kept = {(row["left"], row["right"]): row for row in lake.arrow("ops/decisions").to_pylist()}
    assert {pair: (row["decision"], row["because"], row["on"]) for pair, row in kept.items()} == {
        ("crm:1", "crm:2"): ("same", "I called her", LAST),
        ("crm:1", "crm:3"): ("different", "no reason given", LAST),
    }
    assert all(row["by"] for row in kept.values())
    assert [row["right"] for row in review.undecided(company)] == ["{{ conn.x.password }}"]
    live(company)
    assert customer_of(company, "contact", "crm:1") == customer_of(company, "contact", "crm:2")
    assert {row["effect"] for row in lake.arrow("identity/decisions").to_pylist()} == {"merged", "none"}


def test_without_pairs_nobody_is_asked(company, dag):  # noqa: F811
    live(company)
    assert dag({})["tasks"] == {"pairs": ["skipped"], "ask": ["skipped"], "keep": ["skipped"]}
