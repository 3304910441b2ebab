"""A person decides where the file of a model says so, sees why in MLflow, and can go back. About 8 CPU seconds."""

import json

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from jobs.cli.main import app
from jobs.config.wrong import CommandError
from jobs.errors import ModelRefused
from jobs.models import approval, cards
from jobs.models.gate import Check, decide, figures
from jobs.models.registry import Registry, Trained
from tests.company import CHURN

GOOD = [Check("auc", True, 0.81, 0.6, "AUC 0.8100 is at least the minimum 0.6"),
        Check("stability", True, 0.9, 0.6, "found again")]  # fmt: skip
BAD = [Check("auc", False, 0.51, 0.6, "AUC 0.5100 is below the minimum 0.6"), GOOD[1]]


@pytest.fixture
def company(model_settings, monkeypatch):
    settings = model_settings({"churn": {"approval": "person", "title": "Churn risk"}})
    monkeypatch.setenv("KLANTREIS_CONFIG", str(settings.folder))
    return settings


@pytest.fixture
def add(company):
    """`add(GOOD)`: one more version of churn, judged by these checks."""
    frame = pd.DataFrame({"recency_days": np.arange(200.0)})
    booster = lgb.train({"objective": "binary", "verbosity": -1}, lgb.Dataset(frame, np.arange(200) > 100), 2)

    def version(checks, day="2017-06-30", leaves=8):
        registry = Registry(company)
        trained = Trained(
            lambda: mlflow.lightgbm.log_model(booster, name="model", pip_requirements=["lightgbm"]),
            {"num_leaves": leaves},
            figures(checks) | {"trees": 2.0},
            told={"What is predicted": "no order within 28 days"},
        )
        tags = {"day": day, "fingerprint": f"{day}{leaves}", "data_version": '{"valid/orders": 7}'}
        verdict = decide(checks)
        return registry.settle(registry.register("churn", trained, tags), verdict)

    return version


def klantreis(*words):
    told = CliRunner().invoke(app, ["models", *words])
    if told.exception and not isinstance(told.exception, SystemExit):
        raise told.exception
    return " ".join(told.output.split())


def test_what_passed_waits_as_challenger_until_a_person_says_yes(company, add):
    version = add(GOOD)
    registry = Registry(company)
    assert registry.champion("churn") is None
    assert registry.absence("churn").startswith("waits for approval by a person (klantreis models promote)")
    assert [one.number for one in approval.waiting(company)] == [version.number]
    told = klantreis("promote", "churn", "1", "--because", "the campaign needs it", "--by", "Ann")
    assert told == "churn: version 1 is champion; before it: none"
    assert registry.champion("churn").number == "1"
    assert approval.waiting(company) == []
    assert "Approved by Ann: the campaign needs it" in registry.description(registry.champion("churn"))
    assert "champion already" in klantreis("promote", "churn", "1", "--because", "again")


def test_settling_again_after_a_crash_does_not_use_what_waits(company, add):
    version = add(GOOD)
    registry = Registry(company)
    registry.settle(registry.find("churn", "fingerprint", version.tags["fingerprint"]))
    assert registry.champion("churn") is None


def test_what_the_gate_refused_is_used_only_by_someone_who_says_that_this_is_known(company, add):
    add(BAD)
    assert approval.waiting(company) == []
    with pytest.raises(ModelRefused, match=r"version 1 was refused: AUC 0\.5100 is below the minimum 0\.6"):
        klantreis("promote", "churn", "1", "--because", "I like it")
    told = klantreis("promote", "churn", "1", "--because", "the test data was wrong", "--although-refused")
    assert "version 1 is champion" in told


def test_a_version_that_is_not_as_registered_is_not_promoted(company, add, tmp_path):
    add(GOOD)
    path = next((tmp_path / "mlruns" / "artifacts").rglob("model.lgb"))
    path.write_text(path.read_text() + "\n")
    with pytest.raises(ModelRefused, match="is not the one that was registered"):
        klantreis("promote", "churn", "1", "--because", "x")
    assert Registry(company).champion("churn") is None


def test_the_way_back_is_one_command(company, add):
    for day in ("2017-06-30", "2017-07-07"):
        add(GOOD, day=day)
    klantreis("promote", "churn", "1", "--because", "a")
    klantreis("promote", "churn", "2", "--because", "b")
    assert klantreis("rollback", "churn") == "churn: version 1 is champion again"


def test_models_are_listed_shown_and_compared(company, add):
    add(GOOD)
    add(BAD, day="2017-07-07", leaves=4)
    klantreis("promote", "churn", "1", "--because", "a")
    listed = klantreis("list")
    assert "churn" in listed
    assert "refused" in listed
    assert "never trained" in listed, "of the segmentation"
    shown = klantreis("show", "churn", "2")
    for told in ("Churn risk", "no order within 28 days", "valid/orders at version 7", "refused",
                 "AUC 0.5100 is below the minimum 0.6", "failed", "trees"):  # fmt: skip
        assert told in shown, told
    compared = klantreis("compare", "churn")
    assert "version 1" in compared
    assert "version 2" in compared
    assert "num_leaves" in compared
    with pytest.raises(CommandError, match=r"both are version 2; name two of its versions: 2, 1"):
        klantreis("compare", "churn", "2", "2")
    with pytest.raises(CommandError, match="unknown model 'chrun'; did you mean 'churn'"):
        klantreis("show", "chrun")
    with pytest.raises(CommandError, match=r"has no version 9; it has: 2, 1"):
        klantreis("show", "churn", "9")
    with pytest.raises(CommandError, match="segmentation: never trained"):
        klantreis("show", "segmentation")


def test_mlflow_opens_on_what_a_reviewer_needs(company, add):
    version = add(GOOD)
    client = Registry(company).client
    experiment = client.get_experiment_by_name("churn")
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development", "its page is not one of traces"
    assert CHURN["about"] in experiment.tags["mlflow.note.content"]
    model = client.get_registered_model("churn")
    assert CHURN["about"] in model.description
    assert "A person approves each version." in model.description
    run = client.get_run(version.run_id)
    card = client.get_model_version("churn", "1").description
    assert run.data.tags["mlflow.note.content"] == card
    for told in ("# Churn risk", "Who answers for it", "no order within 28 days",
                 "## Decision", "**awaiting approval**", "- found again"):  # fmt: skip
        assert told in card, told
    (table,) = run.inputs.dataset_inputs
    assert table.dataset.name == "valid/orders"
    assert json.loads(table.dataset.source) == {"path": f"{company.lake}/valid/orders", "delta_table_version": 7}


def test_a_card_keeps_one_decision_the_last():
    first = cards.decided("# Churn", {"decision": "awaiting approval", "reason": "a; b"})
    last = cards.decided(first, {"decision": "promoted", "reason": "a; b", "approved_by": "Ann",
                                 "approved_because": "now"})  # fmt: skip
    assert last == "# Churn\n\n## Decision\n\n**promoted**\n\nApproved by Ann: now\n\n- a\n- b"


@pytest.mark.parametrize(("option", "champion"), [("approve", "1"), ("not now", None)])
def test_an_answer_in_airflow_is_carried_out(company, add, option, champion):
    add(GOOD)
    day = Registry(company).versions("churn")[0].day
    asked = approval.questions(day, company)
    assert [one["subject"] for one in asked] == ["Use version 1 of Churn risk (churn)?"]
    assert "- AUC 0.8100 is at least the minimum 0.6" in asked[0]["body"]
    answer = {"chosen_options": [option], "params_input": {"because": ""}, "responded_by_user": {"name": "Ann"}}
    counts = approval.keep(asked, [answer], day, company)
    assert counts == {"asked": 1, "approved": int(champion is not None)}
    found = Registry(company).champion("churn")
    assert (found.number if found else None) == champion
