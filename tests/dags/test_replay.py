"""The DAG that replays quarantine, run by Airflow over a small company."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.errors import DataStopped
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import publish
from tests.dags.conftest import airflow_variables
from tests.validate.test_publish import ann, contacts

DAY = "2024-05-01"


@pytest.fixture
def dag(company, tmp_path):
    """Run the DAG for crm and the day, with further parameters; returns its state, tasks, asset events and log."""

    def run(**params):
        outside = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
        conf = {"source": "crm", "day": DAY, **params}
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("run_dag.py")), "replay_quarantine", json.dumps(conf)],
            env=outside | airflow_variables(tmp_path / "airflow", company.folder),
            capture_output=True,
            text=True,
            timeout=1800,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1]) | {"log": done.stdout + done.stderr}

    return run


def test_a_stopped_day_is_replayed_by_the_dag_and_what_waits_for_its_group_may_start(land, dag, company, day):
    land(f"crm/{DAY}/contacts.csv", contacts(*[ann("")] * 30, *(ann(n) for n in range(40))))
    load.run("crm", day(DAY), company)
    with pytest.raises(DataStopped):
        publish.run("crm", day(DAY), company)
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
    assert publish.run("crm", day(DAY), company)["rows_in"] == 0
