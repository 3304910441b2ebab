"""Nothing dies because it had to wait: a whole day with slow partners, on an engine that ends idle sessions."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import sys

import pytest

from examples.sandboxes import data_manager, smtp
from jobs import pipeline
from jobs.lake.lake import Lake
from tests.activation.small_company import CONFIG, LIST, TEMPLATE
from tests.company import MINIMAL
from tests.engines import running_on
from tests.sail_server import sail_server

DAY = dt.date(2024, 5, 1)
SESSION_SECONDS, PARTNER_SECONDS = 2, 5
CONTACTS = "id,updated_at,email,name\n1,2024-05-01,ann@mail.example,Ann\n"
CONSENTS = (
    "id,contact,purpose,channel,status,at\n1,1,marketing,email,granted,2024-05-01\n2,1,ads,ads,granted,2024-05-01\n"
)
ORDERS = "id,at,contact,status,channel,currency,total\n1,2024-04-20,1,completed,web,EUR,10.00\n"
CRM = {
    **MINIMAL["sources/crm.yaml"],
    "datasets": {
        **MINIMAL["sources/crm.yaml"]["datasets"],
        "consents": {
            "files": "{day}/consents*.csv*",
            "columns": {
                "consent_id": "id",
                "contact_id": "contact",
                "purpose": "purpose",
                "channel": "channel",
                "status": "status",
                "changed_at": "at",
            },
        },
        "orders": {
            "files": "{day}/orders*.csv*",
            "columns": {
                "order_id": "id",
                "updated_at": "at",
                "ordered_at": "at",
                "contact_id": "contact",
                **{name: name for name in ("status", "channel", "currency", "total")},
            },
        },
    },
}


@pytest.fixture
def partners(tmp_path, monkeypatch):
    """A mail server and an ads server that take five seconds for what they do."""
    mail = smtp.SmtpSandbox(tmp_path / "smtp", answer_seconds=PARTNER_SECONDS).start()
    ads = data_manager.DataManagerSandbox(tmp_path / "ads", processing_seconds=PARTNER_SECONDS).start()
    server = {"host": "127.0.0.1", "port": ads.port, "schema": "http", "extra": {"anonymous": True}}
    monkeypatch.setenv("AIRFLOW_CONN_TEST_SMTP", f"smtp://127.0.0.1:{mail.port}?security=none")
    monkeypatch.setenv("AIRFLOW_CONN_TEST_ADS", json.dumps(server))
    yield
    mail.stop()
    ads.stop()


@pytest.fixture
def shop(settings, tmp_path, monkeypatch):
    """One customer who agreed to e-mail and ads, and an audience for each."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    landed = tmp_path / "var" / "landing" / "crm" / DAY.isoformat()
    landed.mkdir(parents=True)
    (landed / "contacts.csv").write_text(CONTACTS)
    (landed / "consents.csv").write_text(CONSENTS)
    (landed / "orders.csv").write_text(ORDERS)
    templates = {f"templates/winback.{language}.txt": TEMPLATE for language in ("en", "nl")}
    return settings({**CONFIG, **templates, "sources/crm.yaml": CRM})


@pytest.mark.slow
def test_a_day_with_slow_partners_on_an_engine_that_ends_idle_sessions(shop, partners, sent, tmp_path, caplog):
    caplog.set_level(logging.INFO, "jobs")
    with sail_server(tmp_path / "sail", SESSION_SECONDS) as address, running_on(address):
        outcomes = list(pipeline.run_day(DAY, shop))

    assert [(outcome.step, outcome.part, str(outcome.error)) for outcome in outcomes if outcome.error] == []
    assert "the engine ended the session while it was idle" in caplog.text
    assert len(smtp.received(tmp_path / "smtp")) == 1
    assert len(data_manager.list_members(tmp_path / "ads")[LIST]) == 1
    assert len(sent) > 100
    assert [plan for plan in sent if b"test-key" in plan] == []
    deliveries = Lake.of(shop).arrow("activation/deliveries").to_pylist()
    assert {row["destination"]: row["delivered"] for row in deliveries} == {"email": 1, "ads": 1}


def test_an_engine_that_fails_in_a_step_fails_the_step_and_not_the_run(shop, spark, monkeypatch):
    from jobs.ingest import load

    monkeypatch.setattr(load, "run", lambda *_: spark.sql("select cast('secret' as int) as number").collect())
    (outcome,) = pipeline.run_day(DAY, shop, until="ingest")
    assert re.search(r"the engine cannot do what .* asks \(NumberFormatException", str(outcome.error))
    assert "secret" not in str(outcome.error)


def test_an_engine_that_fails_in_a_command_ends_it_with_one_message(shop, spark, monkeypatch, capsys):
    from jobs.cli import main, report

    monkeypatch.setattr(report, "show", lambda *_: spark.sql("select cast('secret' as int) as number").collect())
    monkeypatch.setattr(sys, "argv", ["klantreis", "report", "--config", str(shop.folder)])
    with pytest.raises(SystemExit) as ended:
        main.main()
    told = capsys.readouterr().err
    assert (ended.value.code, "Traceback" in told, "secret" in told) == (1, False, False)
    assert "Failed: the engine cannot do what" in told
