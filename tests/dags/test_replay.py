"""The DAG that replays quarantine, run by Airflow over a small company."""

import json

import pytest

from jobs.errors import DataStopped
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import step
from tests.validate.crm_files import ann, contacts

DAY = "2024-05-01"


@pytest.fixture
def dag(company, airflow):
    """Run the DAG for crm and the day, with further parameters; returns its state, tasks, asset events and log."""

    def run(**params):
        conf = json.dumps({"source": "crm", "day": DAY, **params})
        home = {"KLANTREIS_CONFIG": str(company.folder), "KLANTREIS_HASH_KEY": "test-key"}
        done = airflow.run("run_dag.py", "replay_quarantine", conf, environment=home)
        return done.found | {"log": done.stdout + done.stderr}

    return run


def test_a_stopped_day_is_replayed_by_the_dag_and_what_waits_for_its_group_may_start(land, dag, company, day):
    land(f"crm/{DAY}/contacts.csv", contacts(*[ann("")] * 30, *(ann(n) for n in range(40))))
    load.run("crm", day(DAY), company)
    with pytest.raises(DataStopped):
        step.run("crm", day(DAY), company)
    lake = Lake.of(company)

    refused = dag()
    assert refused["state"] == "failed"
    assert refused["tasks"]["publish_crm"] == refused["tasks"]["account"] == "failed"
    assert "crm.contacts is stopped by contact_id:not_null" in refused["log"]
    assert refused["events"] == []

    tried = dag(dry_run=True, accept="contact_id:not_null", because="no ids on Sundays")
    assert (tried["tasks"]["publish_crm"], tried["events"]) == ("skipped", [])
    assert not lake.exists("valid/contacts")

    passed = dag(accept="contact_id:not_null", because="no ids on Sundays")
    assert lake.rows("valid/contacts") == 40
    assert passed["tasks"] == {
        "replay": "success",
        "publish_crm": "success",
        "account": "failed",
    }
    assert "30 of 70 rows were refused again: 30 x contact_id:not_null" in passed["log"]
    assert passed["events"] == [["valid/crm", DAY]]
    assert step.run("crm", day(DAY), company)["rows_in"] == 0
