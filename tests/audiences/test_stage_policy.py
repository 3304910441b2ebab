"""What is done in which stage: `stage` of audiences against the stages that customers can be in."""

import pytest
import yaml

from jobs.audiences.stage_policy import actions, notes
from tests.company import FOR_ACTION, ORDERS

AUDIENCE = {"title": "t", "goal": "g", "owner": "o", **FOR_ACTION, "where": "known", "purpose": "ads", "send_to": {}}
RULES = [
    {"stage": "loyalty", "name": "buys", "when": "known_all > 5"},
    {"stage": "loyalty", "state": "lapsed", "name": "bought", "when": "known_all > 3"},
    {"stage": "purchase", "name": "bought_once", "when": "known_all > 1"},
    {"stage": "awareness", "name": "seen", "when": "true"},
]


@pytest.fixture
def company(settings):
    """A company with an audience for each of these stages."""

    def build(*stages):
        files = {
            f"audiences/{stage}_team.yaml": {**AUDIENCE, "audience": f"{stage}_team", "stage": stage}
            for stage in stages
        }
        return settings({"journey.yaml": {"stages": RULES, "kpis": {"orders": ORDERS}}, **files})

    return build


def test_each_stage_has_the_audiences_that_work_on_it(company):
    found = actions(company("awareness", "loyalty"))
    assert found == {"loyalty": ["loyalty_team"], "purchase": [], "awareness": ["awareness_team"]}


def test_a_stage_in_which_nothing_is_done_is_told_with_its_first_rule(company):
    loaded = company("awareness", "purchase")
    (told,) = notes(loaded)
    path = loaded.folder / "journey.yaml"
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "stage: loyalty" in text)
    assert (
        told
        == f"{path}:{line}: stages.0.stage: nothing is done for customers in loyalty: no audience says `stage: loyalty`"
    )


def test_an_audience_for_a_stage_that_nobody_can_be_in_is_told_with_its_line(company):
    loaded = company("awareness", "purchase", "loyalty", "service")
    (told,) = notes(loaded)
    path = loaded.folder / "audiences" / "service_team.yaml"
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if text.startswith("stage"))
    assert told == f"{path}:{line}: stage: no rule of journey.yaml puts anybody in service"


def test_a_company_that_does_something_everywhere_or_has_no_audiences_yet_is_told_nothing(company):
    assert list(notes(company("awareness", "purchase", "loyalty"))) == []
    assert list(notes(company())) == []


def test_the_shipped_configuration_does_something_in_every_stage(shipped):
    from tests.journey_rows import SHIPPED

    audiences = [yaml.safe_load(path.read_text()) for path in (SHIPPED.parent / "audiences").glob("*.yaml")]
    assert {rule.stage for rule in shipped.stages} == {one["stage"] for one in audiences}
