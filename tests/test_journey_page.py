"""The page in the Airflow UI: what it shows, from a real lake, and what loading it costs every task."""

import datetime as dt
import shutil

import pyarrow as pa
import pytest

from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue


@pytest.fixture
def page(settings, monkeypatch, tmp_path):
    """Render the page for a lake holding these rows: `page({"journeys/stages": [{...}]})`."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.setenv("KLANTREIS_MLFLOW_URL", "http://localhost:5000")
    from plugins.journey_page import render

    def show(tables):
        config = settings()
        lake = Lake.of(config)
        for name, rows in tables.items():
            schema = catalogue.get(name).arrow_schema()
            full = [{field.name: row.get(field.name) for field in schema} for row in rows]
            data = pa.Table.from_pylist(full, schema=schema)
            lake.append(name, data, lake.transaction("test", dt.date(2024, 1, 1), config=str(rows)))
        return render(config)

    return show


def test_an_empty_lake_says_how_to_begin(page):
    assert "Nothing is loaded yet" in page({})


def test_only_the_newest_day_of_deliveries_is_shown(page):
    delivery = {"audience": "win_back", "destination": "email", "members": 7, "delivered": 7, "kept": 0, "unknown": 0}
    zeros = dict.fromkeys(("held_out", "no_consent", "no_address", "suppressed", "refused"), 0)
    days = [{"day": dt.date(2024, 1, day), **delivery, **zeros} for day in (1, 2)]
    shown = page({"activation/deliveries": days})
    assert "2024-01-02" in shown
    assert "2024-01-01" not in shown


def test_a_broken_promise_is_shown_in_place_of_the_good_news(page):
    count = {"file_id": "f1", "source": "crm", "dataset": "contacts", "arrived": dt.date(2024, 1, 1)}
    file = {"file_id": "f1", "state": "loaded"}
    right = {**count, "rows_in": 10, "accepted": 9, "quarantined": 1, "duplicates": 0}
    shown = page({"ops/counts": [right], "ops/files": [file]})
    assert "Every row and every audience member is accounted for." in shown

    wrong = {**right, "file_id": "f2", "accepted": 8}
    shown = page({"ops/counts": [wrong], "ops/files": [{**file, "file_id": "f2"}]})
    assert "neither accepted, nor quarantined, nor duplicates, nor left out: crm/contacts file f2" in shown


def test_text_from_the_lake_cannot_become_part_of_the_page(page):
    row = {"day": dt.date(2024, 1, 1), "audience": "<script>alert(1)</script>", "customer_id": "c1", "arm": "treatment"}
    shown = page({"audiences/members": [row]})
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_the_page_loads_nothing_from_other_hosts(page):
    import re

    assert set(re.findall(r"https?://[^\"'\s)]+", page({}))) <= {"http://localhost:5000"}


def test_a_browser_shows_the_stages_in_the_order_of_the_journey(page, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("needs Chromium: `apt-get install chromium`")
    from playwright.sync_api import sync_playwright

    stays = [
        {"customer_id": f"c{n}", "stage": stage, "valid_from": dt.date(2024, 1, 1)}
        for n, stage in enumerate(["loyalty", "awareness", "awareness", "purchase"])
    ]
    profile = {"known": True, "contact_records": 1}
    file = tmp_path / "page.html"
    file.write_text(
        page(
            {
                "journeys/stages": stays,
                "profiles/customers": [{"customer_id": f"c{n}", **profile} for n in range(4)],
                "identity/events": [{"event_id": "e", "type": "created", "customer_id": "c0"}],
            }
        )
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        window = browser.new_page()
        complaints = []
        window.on("console", lambda message: complaints.append(message.text))
        window.on("requestfailed", lambda request: complaints.append(request.url))
        window.goto(file.as_uri())
        shown = window.inner_text("body")
        browser.close()
    positions = [shown.index(stage) for stage in ("awareness", "purchase", "loyalty")]
    assert positions == sorted(positions)
    assert complaints == []
