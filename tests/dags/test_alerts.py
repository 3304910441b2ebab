"""A breach reaches a person: a KPI off its target is told by the notifiers of Airflow, once each. Costs about 10 s."""

import email
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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


@pytest.fixture
def hook():
    """A real web server, and the notices that were posted to it."""
    taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.taken = taken  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_breach_is_told_once_by_the_notifier_of_each_route(company, airflow, mailbox, hook):  # noqa: F811
    (company.folder / "journey.yaml").write_text(json.dumps(JOURNEY))
    live(company)
    mail = {
        "notifier": "airflow.providers.smtp.notifications.smtp.SmtpNotifier",
        "arguments": {
            "to": "team@shop.example", "from_email": "alerts@shop.example", "smtp_conn_id": "alerts_smtp",
            "subject": "{{ alerts.subject }}", "html_content": "{{ alerts.html }}",
        },
    }  # fmt: skip
    chat = {"notifier": "dags.webhook.Webhook", "arguments": {"connection": "alerts_hook"}, "owners": ["marketing"]}
    other = {"notifier": "dags.webhook.Webhook", "arguments": {"connection": "nowhere"}, "about": ["drift"]}
    routes = {"routes": {"mail": mail, "chat": chat, "nothing_to_tell": other}}
    (company.folder / "alerts.yaml").write_text(json.dumps(routes))
    extra = "disable_ssl=true&disable_tls=true"
    environment = {
        "KLANTREIS_CONFIG": str(company.folder), "KLANTREIS_HASH_KEY": "test-key",
        "AIRFLOW_CONN_ALERTS_SMTP": f"smtp://127.0.0.1:{mailbox.port}/?{extra}",
        "AIRFLOW_CONN_ALERTS_HOOK": json.dumps({"conn_type": "http", "host": f"http://127.0.0.1:{hook.server_port}/x"}),
    }  # fmt: skip
    run = lambda: airflow.run("run_alerts.py", str(LAST), environment=environment).found  # noqa: E731
    assert run()["tasks"]["alerts"] == "success"
    (message,) = mailbox.messages()
    assert (message["To"], message["Subject"]) == ("team@shop.example", "Test company: People <seen>")
    body = message.get_payload(0).get_payload(decode=True).decode() if message.is_multipart() else message.as_string()
    assert "1 is at or below 50; the target is 100" in body
    assert "<seen>" not in body
    (posted,) = hook.taken
    assert posted["subject"] == "Test company: People <seen>"
    assert "1 is at or below 50; the target is 100. Owner: marketing" in posted["text"]
    assert run()["tasks"]["alerts"] == "success", "a rerun tells nothing and is no failure"
    assert (len(mailbox.messages()), len(hook.taken)) == (1, 1)
    (company.folder / "alerts.yaml").unlink()
    assert run()["tasks"]["alerts"] == "skipped"
