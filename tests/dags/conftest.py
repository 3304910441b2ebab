"""The DAG folder, parsed once in its own process against a small configuration."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ingest.conftest import company, day, land  # noqa: F401

ROOT = Path(__file__).resolve().parent.parent.parent


def airflow_variables(home: Path, config: Path) -> dict[str, str]:
    """With these Airflow keeps its state below `home` and the DAGs serve `config`."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "KLANTREIS_CONFIG": str(config),
        "PYTHONPATH": str(ROOT),
    }


def source(name: str, group: str) -> dict:
    contacts = {"files": "{day}/contacts*.csv*", "columns": {"contact_id": "id", "updated_at": "updated_at"}}
    return {"source": name, "group": group, "datasets": {"contacts": contacts}}


SENDER = {"sender": "Shop <hello@shop.example>", "unsubscribe_url": "https://shop.example/u"}
DESTINATIONS = {
    "newsletter": {"type": "smtp", "channel": "email", "connection": "klantreis_smtp", "options": SENDER},
    "search_ads": {
        "type": "google_data_manager",
        "channel": "ads",
        "connection": "klantreis_data_manager",
        "options": {"account_id": "1234567890"},
    },
}


def audience(name: str, purpose: str, send_to: dict) -> dict:
    words = {"title": "Come back", "goal": "A second order", "owner": "marketing", "stage": "loyalty"}
    return {"audience": name, "purpose": purpose, "where": "true", "send_to": send_to, **words}


FILES = {
    "sources/shop.yaml": source("shop", "crm"),
    "sources/poll.yaml": source("poll", "survey"),
    "sources/desk.yaml": source("desk", "chat"),
    "sources/site.yaml": source("site", "web"),
    "destinations.yaml": {"destinations": DESTINATIONS},
    "audiences/win_back.yaml": audience("win_back", "marketing", {"newsletter": {"template": "win_back"}}),
    "audiences/look_alike.yaml": audience("look_alike", "ads", {"search_ads": {"list_id": "1"}}),
}


PARSED: dict[str, dict] = {}


@pytest.fixture
def parse(tmp_path, config):
    """Parse dags/ against the minimal configuration with `files` replaced."""

    def run(files: dict | None = None) -> dict:
        key = json.dumps(files)
        if key in PARSED:
            return PARSED[key]
        folder = config({**FILES, **(files or {})})
        outside = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "KLANTREIS_"))}
        shown = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("inspect_dags.py")), str(ROOT / "dags")],
            env=outside | airflow_variables(tmp_path / "airflow", folder),
            capture_output=True,
            text=True,
            timeout=1800,
        )
        assert shown.returncode == 0, shown.stderr[-3000:]
        PARSED[key] = json.loads(shown.stdout.splitlines()[-1])
        return PARSED[key]

    return run
