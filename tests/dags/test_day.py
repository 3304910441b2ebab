"""A day through the DAGs, with the real jobs, the real models and real servers to send to."""

import json
import shutil

import pytest

from tests.demo_company import ROOT, company, generate

pytestmark = pytest.mark.slow

HISTORY, DAY = "2017-12-29", "2017-12-30"


@pytest.fixture
def connections(tmp_path):
    """Connections to an SMTP and a Data Manager server; each call starts a pair of its own."""
    from examples.sandboxes.data_manager import DataManagerSandbox
    from examples.sandboxes.smtp import SmtpSandbox

    started = []

    def start(name: str) -> dict[str, str]:
        smtp = SmtpSandbox(tmp_path / name / "smtp").start()
        ads = DataManagerSandbox(tmp_path / name / "ads").start()
        started.extend((smtp, ads))
        server = {"host": "127.0.0.1", "port": ads.port, "schema": "http", "extra": {"anonymous": True}}
        return {
            "AIRFLOW_CONN_KLANTREIS_SMTP": f"smtp://127.0.0.1:{smtp.port}?security=none",
            "AIRFLOW_CONN_KLANTREIS_DATA_MANAGER": json.dumps(server),
        }

    yield start
    for server in started:
        server.stop()


def test_a_day_through_the_dags_gives_the_tables_of_the_command_line(tmp_path, connections, airflow):
    generate(tmp_path)
    home, before = tmp_path / "home", tmp_path / "before"  # one place for both: models are registered by where they are
    by_hand = company(home, tmp_path / "landing", connections("by_hand"))
    by_hand.klantreis("run", "--to", HISTORY, "--until", "score")
    shutil.copytree(home, before)
    by_hand.klantreis("run", "--from", DAY, "--to", DAY)
    expected = by_hand.hashes()

    shutil.rmtree(home)
    before.rename(home)
    by_dags = company(home, tmp_path / "landing", connections("by_dags"))
    done = airflow.run("run_day.py", DAY, environment=by_dags.environment | {"KLANTREIS_CONFIG": str(ROOT / "config")})

    assert by_dags.hashes() == expected
    events = done.found
    assert {name for name, _, _ in events} == {
        *("valid/crm", "valid/survey", "valid/chat", "valid/web", "profiles", "journeys"),
        *("models/features", "models/scores", "audiences", "activation/deliveries"),
    }
    assert all((key, extra) == (DAY, {"day": DAY}) for _, key, extra in events)
