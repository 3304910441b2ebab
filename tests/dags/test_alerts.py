"""A breach reaches a person: a KPI off its target is mailed by a notifier of Airflow, once."""

import email
import json

import pytest

from examples.sandboxes import smtp
from tests.identity.explained_company import LAST, company, live  # noqa: F401

JOURNEY = {
    "stages": [{"stage": "awareness", "name": "seen", "when": "true"}],
    "kpis": {
        "visitors": {
            "stage": "awareness", "title": "People <seen>", "unit": "count", "table": "touchpoints",
            "numerator": "count(distinct customer_id)", "origin": "own", "owner": "marketing", "definition": "All",
            "target": 100, "direction": "up", "per": "day", "alert": {"at": 50},
        }
    },
}  # fmt: skip


@pytest.fixture
def mailbox(tmp_path):
    """A real SMTP server, and the messages it got."""
    server = smtp.SmtpSandbox(tmp_path / "smtp").start()
    server.messages = lambda: [  # type: ignore[attr-defined]
        email.message_from_bytes(path.read_bytes()) for path in sorted((tmp_path / "smtp" / "mail").glob("*.eml"))
    ]
    yield server
    server.stop()


def test_a_breach_is_mailed_once_by_the_notifier_that_the_environment_names(company, airflow, mailbox):  # noqa: F811
    (company.folder / "journey.yaml").write_text(json.dumps(JOURNEY))
    live(company)
    mail = {
        "notifier": "airflow.providers.smtp.notifications.smtp.SmtpNotifier",
        "to": "team@shop.example", "from_email": "alerts@shop.example", "smtp_conn_id": "alerts_smtp",
        "subject": "{{ alerts.subject }}", "html_content": "{{ alerts.html }}",
    }  # fmt: skip
    extra = "disable_ssl=true&disable_tls=true"
    environment = {
        "KLANTREIS_CONFIG": str(company.folder), "KLANTREIS_HASH_KEY": "test-key", "KLANTREIS_ALERTS": json.dumps(mail),
        "AIRFLOW_CONN_ALERTS_SMTP": f"smtp://127.0.0.1:{mailbox.port}/?{extra}",
    }  # fmt: skip
    run = lambda **more: airflow.run("run_alerts.py", str(LAST), environment=environment | more).found  # noqa: E731
    assert run()["tasks"]["alerts"] == "success"
    (message,) = mailbox.messages()
    assert (message["To"], message["Subject"]) == ("team@shop.example", "Test company: People <seen>")
    body = message.get_payload(0).get_payload(decode=True).decode() if message.is_multipart() else message.as_string()
    assert "1 is at or below 50; the target is 100" in body
    assert "<seen>" not in body
    assert run()["tasks"]["alerts"] == "success", "a rerun tells nothing and is no failure"
    assert len(mailbox.messages()) == 1
    assert run(KLANTREIS_ALERTS="")["tasks"]["alerts"] == "skipped"
