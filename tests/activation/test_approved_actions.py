"""What a person is asked about actions that wait, and what an answer changes. Costs a plan of two people (1 s)."""

import datetime as dt

import pytest

from jobs.activation import approved_actions, plan
from tests.activation.small_company import CONFIG, DAY

WAITS = {"audiences/winback.yaml": {**CONFIG["audiences/winback.yaml"], "approval": "person"}}


@pytest.fixture
def shop(company):
    built = company("winback", files=WAITS)
    built.members(*built.customers(3), holdout=("c0003",))
    return built


def answer(choice, because="", by="Ann"):
    return {"chosen_options": [choice], "params_input": {"because": because}, "responded_by_user": {"name": by}}


def sends(shop, day=DAY):
    return plan.run(day, shop.settings)["deliveries"][0]["send"]


def test_an_action_is_sent_once_somebody_said_yes_in_airflow_and_waits_again_when_it_is_changed(shop, company):
    assert sends(shop) == 0
    (question,) = approved_actions.questions(DAY, shop.settings)
    assert question["subject"] == "Let Win back (winback) be sent?"
    assert "3 people, 2 of them to be reached" in question["body"]
    assert "email (winback)" in question["body"]

    assert approved_actions.keep([question], [answer("not now")], DAY, shop.settings) == {"asked": 1, "approved": 0}
    assert sends(shop) == 0
    assert approved_actions.keep([question], [answer("approve", " read it ")], DAY, shop.settings)["approved"] == 1
    (row,) = shop.lake.arrow(approved_actions.TABLE).to_pylist()
    assert (row["action"], row["approved_by"], row["because"], row["on"]) == ("winback", "Ann", "read it", DAY)
    assert sends(shop) == 2
    assert approved_actions.questions(DAY, shop.settings) == []
    assert approved_actions.waiting(DAY - dt.timedelta(days=1), shop.settings) == ["winback"], (
        "it holds from its day on"
    )

    other = WAITS["audiences/winback.yaml"] | {"where": "known and city = 'Utrecht'"}
    changed = company("winback", files={"audiences/winback.yaml": other})
    assert approved_actions.waiting(DAY, changed.settings) == ["winback"]


def test_what_has_ended_is_not_asked_about_and_what_the_file_approves_of_waits_for_nobody(company):
    signed = {"action": "winback", "by": "ann", "on": DAY, "because": "checked"}
    approved = company("winback", files={**WAITS, "interventions.yaml": {"approvals": [signed]}})
    assert approved_actions.waiting(DAY, approved.settings) == []
    ended = WAITS["audiences/winback.yaml"] | {"expires": DAY - dt.timedelta(days=1)}
    over = company("winback", files={"audiences/winback.yaml": ended})
    assert approved_actions.questions(DAY, over.settings) == []
