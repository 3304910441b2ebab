"""The DAG that runs within the day: from files that landed to a message, by Airflow and a real SMTP server.

Costs four runs of a small company in the Airflow process of the worker, about 40 seconds.
"""

import asyncio
import copy
import datetime as dt
import json
from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest

from dags.landed_files import LandedFiles
from examples.sandboxes import data_manager, smtp
from jobs.config.settings import load_settings
from jobs.ingest import load, not_loaded
from jobs.lake.lake import Lake
from tests.activation.small_company import CONFIG, DAY, TEMPLATE, Company
from tests.company import FOR_ACTION

pytestmark = pytest.mark.slow(minutes=1)
MOMENTS = {
    "buy": {
        "signals": {"filled_a_basket": {"when": "type = 'add_to_cart'", "weight": 3}},
        "expires_after_minutes": 180,
        "served_when": "type = 'purchase'",
    }
}
AUDIENCE = {"title": "t", "goal": "g", "owner": "o", **FOR_ACTION, "stage": "purchase", "holdout": 0,
            "purpose": "marketing"}  # fmt: skip
SEND = {"send_to": {"email": {"template": "winback"}}}
FILES = {
    **{name: content for name, content in CONFIG.items() if name.startswith("templates/winback.en")},
    "templates/winback.en.txt": TEMPLATE,
    "destinations.yaml": {"destinations": {"email": CONFIG["destinations.yaml"]["destinations"]["email"]}},
    "audiences/now.yaml": {**AUDIENCE, "audience": "now", "where": "known", "moment": "buy", **SEND},
    "audiences/tonight.yaml": {**AUDIENCE, "audience": "tonight", "where": "known", **SEND},
    "journey.yaml": {
        "stages": [{"stage": "awareness", "name": "seen", "when": "true"}],
        "minimum_evidence": 1,
        "moments": MOMENTS,
    },
    "sources/crm.yaml": {
        "source": "crm",
        "group": "crm",
        "datasets": {
            "contacts": {
                "files": "{day}/contacts*.csv",
                "columns": {"contact_id": "id", "updated_at": "at", "email": "email", "login_id": "login",
                            "language": "'en'"},
            },
            "consents": {
                "files": "{day}/consents*.csv",
                "columns": {"consent_id": "id", "contact_id": "id", "purpose": "'marketing'", "channel": "'email'",
                            "status": "'granted'", "changed_at": "at"},
            },
        },
    },
    "sources/web.yaml": {
        "source": "web",
        "group": "web",
        "datasets": {
            "events": {
                "files": "{day}/events*.csv",
                "columns": {"event_id": "id", "occurred_at": "at", "type": "type", "login_id": "login"},
            }
        },
    },
}  # fmt: skip


@pytest.fixture
def server(tmp_path):
    started = smtp.SmtpSandbox(tmp_path / "smtp").start()
    yield started
    started.stop()


@pytest.fixture
def shop(config, tmp_path, monkeypatch):
    """A company; `land("web/events1.csv", ...)` puts lines into its landing folder of today."""
    monkeypatch.setenv("KLANTREIS_HASH_KEY", "test-key")
    folder = config(FILES)
    settings = load_settings(folder)
    today = dt.datetime.now(ZoneInfo(settings.general.timezone)).date()

    def land(name, *lines):
        source, file = name.split("/")
        path = tmp_path / "var" / "landing" / source / today.isoformat() / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")

    return settings, land, today


def ago(minutes):
    return (dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_who_fills_a_basket_is_written_to_within_the_run_and_not_after_ordering(airflow, shop, server, tmp_path):
    settings, land, today = shop
    home = {
        "KLANTREIS_CONFIG": str(settings.folder),
        "KLANTREIS_HASH_KEY": "test-key",
        "AIRFLOW_CONN_TEST_SMTP": f"smtp://127.0.0.1:{server.port}?security=none",
    }

    def run():
        return airflow.run("run_dag.py", "follow_moments", json.dumps({}), environment=home).found

    land(
        "crm/contacts.csv",
        "id,at,email,login",
        f"1,{ago(90)},ann@mail.example,ann",
        f"2,{ago(90)},bob@mail.example,bob",
    )
    land("crm/consents.csv", "id,at", f"1,{ago(80)}", f"2,{ago(80)}")
    land("web/events1.csv", "id,at,type,login", f"e1,{ago(5)},add_to_cart,ann")
    first = run()
    assert (first["state"], first["events"]) == ("success", []), "nothing that waits for the night is started"
    lake = Lake.of(settings)
    (sent,) = smtp.received(tmp_path / "smtp")
    assert sent["recipient"] == smtp.recipient_hash("ann@mail.example")
    (delivery,) = lake.arrow("activation/deliveries").to_pylist()
    assert (delivery["audience"], delivery["day"], delivery["delivered"]) == ("now", today, 1)

    again = run()
    assert again["tasks"]["new_files"] == "skipped"
    assert set(again["tasks"].values()) <= {"skipped", "None"}

    land(
        "web/events2.csv", "id,at,type,login", f"e2,{ago(4)},purchase,ann", f"e3,{ago(3)},add_to_cart,bob",
        f"e4,{ago(2)},purchase,bob",
    )  # fmt: skip
    assert run()["state"] == "success"
    (delivery,) = lake.arrow("activation/deliveries").to_pylist()
    assert (delivery["members"], delivery["delivered"]) == (1, 1), "ann ordered, and is still who was written to"
    assert len(smtp.received(tmp_path / "smtp")) == 1, "bob had ordered before anything was sent"


def test_a_source_that_fails_makes_the_run_red_and_holds_up_no_moment_and_a_failed_run_is_made_up_for(
    airflow, shop, server, tmp_path
):
    settings, land, _ = shop
    away = {"KLANTREIS_CONFIG": str(settings.folder), "KLANTREIS_HASH_KEY": "test-key"}
    home = away | {"AIRFLOW_CONN_TEST_SMTP": f"smtp://127.0.0.1:{server.port}?security=none"}

    def run(environment=home):
        return airflow.run("run_dag.py", "follow_moments", json.dumps({}), environment=environment).found

    land("crm/contacts.csv", "id,at,email,login", f"1,{ago(90)},ann@mail.example,ann")
    land("crm/consents.csv", "id,at", f"1,{ago(80)}")
    land("web/events1.csv", "id,at,type,login", f"e1,{ago(5)},add_to_cart,ann")
    land("crm/contacts2.csv", "id,at,email,login", *[f",{ago(1)},nobody@mail.example,"] * 30)
    found = run()
    assert (found["state"], found["tasks"]["complete"]) == ("failed", "upstream_failed")
    assert len(smtp.received(tmp_path / "smtp")) <= 1


def test_a_task_that_waits_for_an_answer_gives_up_its_place_and_goes_on_without_using_up_a_retry(
    airflow, config, monkeypatch, tmp_path
):
    monkeypatch.setenv("KLANTREIS_HASH_KEY", "test-key")
    impatient = copy.deepcopy(CONFIG["destinations.yaml"])
    impatient["destinations"]["ads"]["options"]["tries"] = 1
    loyal = {name: content for name, content in CONFIG.items() if "winback" not in name}
    company = Company(load_settings(config({**loyal, "destinations.yaml": impatient})))
    company.customers(3, purpose="ads", channel="ads")
    ads = data_manager.DataManagerSandbox(tmp_path / "ads", processing_seconds=0).start()
    away_once = [{"on": "status", "times": 1, "do": "status", "code": 503}]
    (tmp_path / "ads" / "faults.json").write_text(json.dumps(away_once))
    place = {"host": "127.0.0.1", "port": ads.port, "schema": "http", "extra": {"anonymous": True}}
    home = {
        "KLANTREIS_CONFIG": str(company.settings.folder),
        "KLANTREIS_HASH_KEY": "test-key",
        "AIRFLOW_CONN_TEST_ADS": json.dumps(place),
    }
    try:
        found = airflow.run("run_waiting.py", "push_audiences", DAY.isoformat(), environment=home).found
    finally:
        ads.stop()
    assert found == {"state": "success", "rescheduled": ["push_ads"], "tries": [1]}
    assert company.states() == {"claimed": 3, "submitted": 3, "accepted": 3}
    assert [one["call"] for one in data_manager.calls(tmp_path / "ads") if one["call"] == "ingest"] == ["ingest"]


def test_the_watcher_tells_of_files_once_and_again_when_others_land(shop, monkeypatch):
    settings, land, today = shop
    monkeypatch.setenv("KLANTREIS_CONFIG", str(settings.folder))
    land("web/events1.csv", "id,at,type,login", f"e1,{ago(5)},add_to_cart,ann")
    assert not_loaded.run(today, settings) == [f"web/{today}/events1.csv"]

    async def told(watcher, count):
        return [(await asyncio.wait_for(anext(watcher), 60)).payload["files"] for _ in range(count)]

    async def watch():
        watcher = aiter(LandedFiles(seconds=0.1).run())
        first = await told(watcher, 1)
        silence = None
        with suppress(TimeoutError):
            silence = await asyncio.wait_for(asyncio.shield(waiting := asyncio.ensure_future(anext(watcher))), 2)
        land("web/events2.csv", "id,at,type,login", f"e2,{ago(4)},purchase,ann")
        return first, silence, (await asyncio.wait_for(waiting, 60)).payload["files"]

    assert asyncio.run(watch()) == ([1], None, 2)
    load.run("web", today, settings)
    assert not_loaded.run(today, settings) == []
