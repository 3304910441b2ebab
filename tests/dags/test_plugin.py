"""The page of Klantreis in a real Airflow: what loading it costs every task, and who sees what."""

import datetime as dt

import pyarrow as pa
import pytest

from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from tests.dags.small_configuration import FILES

CODE = """
import sys, airflow.plugins_manager
before = set(sys.modules)
import plugins.journey_page, plugins.preferences_page
print(sorted({name.split('.')[0] for name in set(sys.modules) - before}))
"""


def test_loading_the_plugin_costs_a_task_nothing_heavy(airflow, tmp_path):
    script = tmp_path / "load_plugin.py"
    script.write_text(CODE)
    assert airflow.run(script).stdout.splitlines()[-1] == "['plugins']"


@pytest.fixture
def asked(airflow, settings, config, tmp_path):
    """Answers of the page to a viewer, a user, and somebody who is not logged in: `asked("/", "/panels/kpis")`."""
    loaded = settings(FILES)
    schema = catalogue.get("profiles/customers").arrow_schema()
    row = {"customer_id": "c1", "known": True, "first_name": "Saskia", "sources": ["crm"]}
    full = [{column: row.get(column) for column in schema.names}]
    lake = Lake.of(loaded)
    data = pa.Table.from_pylist(full, schema=schema)
    lake.append("profiles/customers", data, lake.transaction("test", dt.date(2024, 1, 1), config=""))
    results = loaded.home / "var" / "data_docs"
    results.mkdir(parents=True)
    (results / "index.html").write_text("<p>a@example.com was refused</p>")
    environment = {"KLANTREIS_CONFIG": str(loaded.folder), "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False"}
    return lambda *addresses: airflow.run("ask_page.py", *addresses, environment=environment).found


def test_aggregates_are_for_everybody_who_logs_in_and_persons_for_those_who_may_send(asked):
    persons = ("/customers/c1", "/data-docs/")
    everybody = ("/", "/panels/stages_now", "/promises", "/troubles", "/static/page.js")
    found = asked(*everybody, *persons, "/customers/c9", "/panels/other", "/static/words.py")
    status = {asked_for: answer["status"] for asked_for, answer in found["answers"].items()}
    assert [status[f"{role} {address}"] for role in ("viewer", "user") for address in everybody] == [200] * 10
    assert [status[f"viewer {address}"] for address in (*persons, "/customers/c9")] == [403, 403, 403]
    assert [status[f"user {address}"] for address in (*persons, "/customers/c9")] == [200, 200, 404]
    assert [status[f"user {address}"] for address in ("/panels/other", "/static/words.py")] == [404, 404]
    assert set(found["anonymous"].values()) == {401}
    assert found["public"]["status"] == 404, "the page of preferences asks for no login"
    assert "This link is not valid." in found["public"]["text"]
    assert found["public"]["event"] == [404, ""], "nor does what is posted, of topics that are named"
    assert "Saskia" not in found["answers"]["user /customers/c1"]["text"]

    page = found["answers"]["viewer /"]
    assert "script-src 'self'" in page["content-security-policy"]
    assert "unsafe" not in page["content-security-policy"]
    assert page["cache-control"] == "no-store"
