"""A day that failed, in the real UI of Airflow: one click tells what, why and what to do, the next opens the step.

Costs one web server of Airflow and a start of Chromium; no engine.
"""

import datetime as dt
import shutil
import threading
import time
import urllib.request

import pyarrow as pa
import pytest

from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from tests.dags.small_configuration import FILES
from tests.spark_server import free_port

REPAIRED = (
    "After the repair open the step, press Clear, and it and what waits for it run again; nothing is written or sent "
    "twice."
)
BROKEN = {
    "source": "shop", "dataset": "contacts", "file_id": "f1", "path": "shop/2024-01-02/<b>contacts.csv", "line": 0,
    "arrived": dt.date(2024, 1, 2), "rule": "file:broken", "reason": "no gzip file: its first bytes are PK",
    "rules": ["file:broken"],
}  # fmt: skip


@pytest.fixture
def company(settings):
    """A small company of which one file could not be read, and of which another came again in its place."""
    loaded = settings(FILES)
    lake = Lake.of(loaded)
    came_again = {**BROKEN, "file_id": "f2", "path": "shop/2024-01-01/contacts.csv"}
    read = {"file_id": "f3", "source": "shop", "path": came_again["path"], "state": "loaded"}
    for table, rows in {"quarantine/rows": [BROKEN, came_again], "ops/files": [read]}.items():
        schema = catalogue.get(table).arrow_schema()
        full = [{column: row.get(column) for column in schema.names} for row in rows]
        data = pa.Table.from_pylist(full, schema=schema)
        lake.append(table, data, lake.transaction("test", dt.date(2024, 1, 1), config=table))
    return loaded


@pytest.fixture
def window(airflow, company):
    """A browser at the start page of an Airflow in which the day failed."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("needs Chromium: `apt-get install chromium`")
    from playwright.sync_api import sync_playwright

    address = f"http://127.0.0.1:{(port := free_port())}"
    environment = {
        "KLANTREIS_CONFIG": str(company.folder), "KLANTREIS_HASH_KEY": "test-key", "AIRFLOW__API__BASE_URL": address,
        "KLANTREIS_MLFLOW_URL": f"{address}/api/v2/version",
    }  # fmt: skip
    failures = []

    def serve():
        try:
            airflow.run("serve_failed_day.py", str(port), environment=environment)
        except BaseException as error:
            failures.append(error)

    serving = threading.Thread(target=serve)
    serving.start()
    wait_for(address, serving)
    assert failures == []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        opened = browser.new_page()
        opened.goto(address)
        yield opened
        browser.close()
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{address}/end").close()
    serving.join()
    assert failures == []


def wait_for(address, serving):
    """Until the server answers, or gave up."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while serving.is_alive():
        try:
            opener.open(f"{address}/api/v2/version").close()
            return
        except OSError:
            time.sleep(0.05)


def test_one_click_tells_what_failed_why_and_what_to_do_and_the_next_opens_the_step(window):
    window.get_by_role("link", name="Customer journey").first.click()
    page = window.frame_locator("iframe")
    page.locator("#troubles article").first.wait_for()
    told = {}
    for article in page.locator("#troubles article").all():
        title, *lines = [line for line in article.inner_text().splitlines() if line]
        told[title] = lines
    failed = {title.removesuffix(" failed for 2024-01-02"): lines for title, lines in told.items()}
    link = "Open the step and its log"
    assert failed.pop("ingest_crm: load_and_validate shop") == [
        "shop.contacts is stopped by contacts:email: 9 of 9 rows; correct the delivery",
        "Have the file corrected and landed again, or correct the rule, then `klantreis quarantine replay`. "
        f"{REPAIRED} Steps of the same DAG that wait for it: 1.",
        link,
    ]
    why, todo, _ = failed.pop("build_profiles: identity")
    assert "the disk is full" in why
    assert "identity/map" in why
    assert todo.startswith("Make room")
    why, todo, _ = failed.pop("push_audiences: push_email win_back to newsletter")
    assert "no connection to mail.example:587" in why
    assert todo.startswith("No connection: start the server, or correct the connection in Airflow.")
    why, todo, _ = failed.pop("push_audiences: push_ads look_alike to search_ads")
    assert "3 of 3 refused" in why
    assert "correct addresses or the account at the destination" in todo
    why, todo, _ = failed.pop("score_customers: score")
    assert why == "model churn was never trained; trigger the DAG retrain_models"
    assert todo.startswith("`klantreis models list` shows the versions")
    why, todo, _ = failed.pop("map_journeys: journeys")
    assert why.startswith("It ended with an error of its program (ValueError); its words are in its log only")
    assert failed == {
        "The file shop/2024-01-02/<b>contacts.csv (shop contacts, 2024-01-02) was set aside as a whole": [
            "no gzip file: its first bytes are PK",
            "Have it corrected and delivered again in its place, or `klantreis quarantine replay` once it can be read; "
            "`klantreis quarantine drop` if it is not needed.",
        ]
    }

    with window.expect_popup() as other:
        page.get_by_role("link", name="Models in MLflow").click()
    assert other.value.url.endswith("/api/v2/version"), "the frame of Airflow lets it be opened"
    page.locator("article", has_text="load_and_validate shop").get_by_role("link").click()
    window.wait_for_url("**/dags/ingest_crm/runs/*/tasks/load_and_validate/mapped/*")
