"""The local stack for real: it starts, runs a DAG, shows the page, says what is wrong, and leaves nothing behind."""

import datetime as dt
import os
import shutil
import socket
import urllib.error
import urllib.request
from contextlib import closing

import psutil
import pytest
from playwright.sync_api import sync_playwright

from jobs.cli.local import stack
from jobs.cli.local.airflow_client import AirflowError
from jobs.cli.local.processes import Processes
from jobs.config.settings import load_settings
from jobs.lake.lake import Lake
from tests.spark_server import free_port

PORTS = ("KLANTREIS_AIRFLOW_PORT", "KLANTREIS_MLFLOW_PORT", "KLANTREIS_SMTP_PORT")
DAY = dt.date(2024, 1, 2)


@pytest.fixture
def free_ports(monkeypatch):
    for name in PORTS:
        monkeypatch.setenv(name, str(free_port()))
    monkeypatch.setenv("KLANTREIS_HASH_KEY", "test-key")
    monkeypatch.delenv("AIRFLOW_CONN_KLANTREIS_SMTP", raising=False)
    for name in ("KLANTREIS_HOME", "KLANTREIS_CONFIG", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def company(config, free_ports):
    """A company with one source that delivered, and one group each whose landing folder does not exist."""
    source = {
        "files": "{day}/contacts*.csv",
        "columns": {"contact_id": "id", "updated_at": "updated_at", "email": "email"},
    }
    files = {
        f"sources/{name}.yaml": {"source": name, "group": group, "datasets": {"contacts": source}}
        for name, group in (("crm", "crm"), ("site", "web"))
    }
    settings = load_settings(config(files))
    landed = settings.home / "var/landing/crm" / DAY.isoformat() / "contacts.csv"
    landed.parent.mkdir(parents=True)
    landed.write_text("id,updated_at,email\n1,2024-01-02T10:00:00,a@example.org\n2,2024-01-02T11:00:00,b@example.org\n")
    return settings


@pytest.mark.slow(minutes=2)
def test_the_stack_runs_a_day_shows_it_and_leaves_nothing_behind(company):
    try:
        started = stack.start(company)
        services = {name: process for name, process in stack.status(company).items() if process}
        assert set(services) == {"smtp", "mlflow", "airflow"}
        assert stack.start(company) == started, "a second start finds what runs"
        assert {name: p.pid for name, p in stack.status(company).items()} == {n: p.pid for n, p in services.items()}

        assert listening(services) - {"::1"} == {"127.0.0.1"}
        assert open_to_others(company.home / "var") == []

        airflow = started.airflow()
        times = airflow.run_days([DAY], dags=["ingest_crm"], timeout=1800)
        assert [(item.dag, item.task, item.state) for item in times] == [
            ("ingest_crm", "load_and_validate crm", "success"),
            ("ingest_crm", "publish", "success"),
        ]
        assert Lake.of(company).rows("valid/contacts") == 2
        assert airflow.call("GET", "dags/ingest_crm")["is_paused"], "the nightly switch is back as it was"
        assert airflow.call("GET", "pools/channel_email")["slots"] == 1

        with pytest.raises(AirflowError, match=r"ingest_web of 2024-01-02 failed(.|\n)*site(.|\n)*landing"):
            airflow.run_days([DAY], dags=["ingest_web"], timeout=1800)

        assert open_to_others(company.home / "var") == []
        page = f"{started.urls['Airflow']}/klantreis/"
        assert "Validation results" in read(page, airflow.token())
        assert seen_in_a_browser(page, airflow.token()) == (["crm", "contacts"], "No customer has this id.")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            read(page)
    finally:
        stopped = stack.stop(company)
    assert sorted(stopped) == ["airflow", "mlflow", "smtp"]
    assert not [process for process in psutil.process_iter() if of_session(process, services)]
    assert stack.stop(company) == []


def test_a_taken_port_is_named_with_the_way_out_and_nothing_is_started(company, monkeypatch):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("KLANTREIS_MLFLOW_PORT", str(port))
        with pytest.raises(stack.StackError, match=f"mlflow: port {port} is taken.*KLANTREIS_MLFLOW_PORT={port + 1}"):
            stack.start(company)
    assert not any(stack.status(company).values())


def test_a_port_that_is_no_number_is_refused(company, monkeypatch):
    monkeypatch.setenv("KLANTREIS_AIRFLOW_PORT", "http")
    with pytest.raises(stack.StackError, match="KLANTREIS_AIRFLOW_PORT is 'http'"):
        stack.start(company)


def test_a_service_that_ends_while_starting_is_reported_with_its_last_words(company, monkeypatch):
    last_words = ["-c", "import sys; sys.exit('no such thing')"]
    monkeypatch.setattr(stack, "_command", lambda name, ports, settings: last_words)
    with pytest.raises(stack.StackError, match=r"(smtp|mlflow|airflow) ended while starting(.|\n)*no such thing"):
        stack.start(company)
    stack.stop(company)
    assert not any(stack.status(company).values())


def test_a_service_named_in_the_environment_gets_no_sandbox(company, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_KLANTREIS_SMTP", "smtp://mail.example.org:587")
    assert set(stack.status(company)) == {"mlflow", "airflow"}


def test_a_number_given_to_another_program_is_not_ours(tmp_path):
    processes = Processes(tmp_path)
    ours = processes.start("sleeper", 1, ["sleep", "60"], {"PATH": "/usr/bin:/bin"}, tmp_path)
    record = tmp_path / "sleeper.json"
    record.write_text(record.read_text().replace(str(ours.started), str(ours.started - 3600)))
    assert processes.running("sleeper") is None
    assert processes.stop(["sleeper"]) == []
    assert psutil.pid_exists(ours.pid)
    psutil.Process(ours.pid).kill()


def test_stopping_ends_children_of_children_that_do_not_listen(tmp_path):
    script = "trap '' TERM; sh -c \"trap '' TERM; sleep 60\" & wait; sleep 60"
    processes = Processes(tmp_path)
    leader = processes.start("deaf", 1, ["sh", "-c", script], {"PATH": "/usr/bin:/bin"}, tmp_path)
    assert processes.stop(["deaf"], patience=0.5) == ["deaf"]
    assert not [process for process in psutil.process_iter() if of_session(process, {"deaf": leader})]


def read(url, token=None):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as response:
        return response.read().decode()


def seen_in_a_browser(page, token):
    """The first row of the freshness of data, fetched when it comes into view, and the answer to a search."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("needs Chromium: `apt-get install chromium`")
    complaints = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        window = browser.new_page(extra_http_headers={"Authorization": f"Bearer {token}"})
        window.on("console", lambda message: complaints.append(message.text))
        window.goto(page)
        panel = window.locator("[data-panel=freshness]")
        panel.scroll_into_view_if_needed()
        panel.locator("table").wait_for()
        row = panel.locator("tbody tr").first.locator("td").all_inner_texts()
        window.locator("input[name=id]").fill("c404")
        window.locator("form button").click()
        window.locator("#found .empty").wait_for()
        told = window.locator("#found").inner_text()
        browser.close()
    assert [told for told in complaints if "404" not in told] == []
    return row[:2], told.removeprefix("This part could not be read: ")


def listening(services):
    """The addresses that these services, and all processes they started, accept connections at."""
    found = [process for process in psutil.process_iter() if of_session(process, services)]
    sockets = [one for process in found for one in process.net_connections("inet")]
    return {one.laddr.ip for one in sockets if one.status == psutil.CONN_LISTEN}


def open_to_others(folder):
    """What another user of the machine could read: below a closed folder, nothing."""
    if folder.stat().st_mode & 0o077 == 0:
        return []
    return [path for path in folder.rglob("*") if path.stat().st_mode & 0o077] or [folder]


def of_session(process, services):
    try:
        return os.getsid(process.pid) in {p.pid for p in services.values()} and process.status() != "zombie"
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False
