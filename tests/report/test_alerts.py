"""What there is to tell, from the tables of each step, and a webhook that takes it. Costs about 4 s."""

import datetime as dt
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa
import pytest

from jobs.config.settings import load_settings
from jobs.config.yaml_files import ConfigError
from jobs.lake.lake import Lake
from jobs.lake.tables.catalogue import get
from jobs.report.alerts import webhook
from jobs.report.alerts.found import Alert, alerts
from tests.activation.small_company import CONFIG

DAY = dt.date(2017, 6, 1)
OLD = DAY - dt.timedelta(days=7)


@pytest.fixture
def company(settings):
    """What there is to tell of a company with these rows: `company(table=[rows])`, a table as `zone__dataset`."""
    found = settings({**{name: text for name, text in CONFIG.items() if name != "audiences/loyal.yaml"}})
    lake = Lake.of(found)

    def told(**tables):
        for name, rows in tables.items():
            table = name.replace("__", "/")
            schema = get(table).arrow_schema()
            full = pa.Table.from_pylist([{column: row.get(column) for column in schema.names} for row in rows], schema)
            lake.append(table, full, lake.transaction("test", DAY, config=str(rows)))
        return [(one.about, one.title, one.said, one.owner) for one in alerts(DAY, found)]

    return told


def delivery(**more):
    counts = dict.fromkeys(("to_add", "to_remove", "delivered", "removed", "refused", "unknown"), 0)
    return {"day": DAY, "audience": "winback", "destination": "email", **counts, **more}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (delivery(to_add=5, delivered=5), None),
        (delivery(to_add=5, delivered=4, refused=1), "1 of 5 were refused"),
        (delivery(to_add=5, delivered=4, unknown=1), "1 may or may not have arrived"),
        (delivery(to_add=5, delivered=2), "3 were not tried"),
        (delivery(paused=40), "40 are paused: more would leave at once than is allowed"),
        (delivery(to_add=5, delivered=5, missing=2), "2 of the audience are not in the plan"),
        (delivery(to_add=5, delivered=5, paused=0, missing=0), None),
        (delivery(to_add=5, delivered=2, day=OLD), None),
        (delivery(to_add=5, delivered=2, day=DAY + dt.timedelta(days=1)), None),
        (delivery(to_add=5, delivered=2, audience="gone"), None),
    ],
)
def test_a_delivery_that_is_not_whole_is_told_to_the_owner_of_the_audience(company, row, said):
    wanted = [("delivery", "winback to email", said, "o")] if said else []
    assert company(activation__deliveries=[row]) == wanted


def test_a_push_that_is_held_back_is_told_until_a_person_allows_it(company):
    row = {
        "day": DAY,
        "audience": "winback",
        "destination": "email",
        "rail": "size",
        "said": "900 members are too many",
    }
    allowed = {**row, "rail": "stale", "allowed_at": dt.datetime(2017, 6, 1, tzinfo=dt.UTC)}
    assert company(activation__guard_rails=[row, allowed]) == [
        ("guard_rail", "winback to email", "held back: 900 members are too many", "o")
    ]


def verdict(expectation, **more):
    known = {"day": DAY, "source": "crm", "dataset": "contacts", "batch": "b", "attempt": 1, "severity": "warning"}
    return {**known, "expectation": expectation, "success": False, "detail": f"odd {expectation}", **more}


def test_loss_silence_and_odd_numbers_are_told_and_other_rules_are_not(company):
    assert sorted(
        company(
            ops__validations=[
                verdict("history:loss", severity="critical"), verdict("history:freshness"), verdict("history:volume"),
                verdict("history:distribution", success=True), verdict("contacts:email"),
                verdict("history:loss", source="pos", severity="info"),
                verdict("history:loss", source="shop"), verdict("history:loss", source="shop", attempt=2, success=True),
            ]
        )
    ) == [
        ("quarantine", "crm contacts", "odd history:loss", ""),
        ("silence", "crm contacts", "odd history:freshness", ""),
        ("volume", "crm contacts", "odd history:volume", ""),
    ]  # fmt: skip


def test_a_refused_model_is_told_once_per_version_and_drift_as_the_registry_remembers_it(company, monkeypatch):
    from types import SimpleNamespace

    from jobs.models import registry

    class Remembers:
        def __init__(self, settings):
            pass

        def versions(self, name):
            tags = {"churn": {"drifted_on": str(DAY)}, "segmentation": {"drifted_on": str(OLD)}}
            return [SimpleNamespace(number="4", tags=tags[name]), SimpleNamespace(number="5", tags={})]

    monkeypatch.setattr(registry, "Registry", Remembers)
    refused = {"model": "churn", "model_version": "7", "day": DAY, "decision": "refused", "reason": "no better."}
    evaluations = [{**refused, "metric": metric} for metric in ("auc", "lift")]
    evaluations.append({**refused, "metric": "auc", "model_version": "8", "decision": "promoted"})
    assert company(models__evaluations=evaluations) == [
        ("model", "model churn", "version 7 was refused: no better", "tests"),
        ("drift", "model churn", "customers are others than version 4 learned from; it is trained anew", "tests"),
    ]


def test_an_alert_says_when_what_and_whose():
    assert Alert("drift", "1", DAY, "model churn", "customers are others", "ann").line == (
        "model churn (2017-06-01): customers are others. Owner: ann"
    )


@pytest.mark.parametrize(
    ("route", "wrong"),
    [
        ({"notifier": "Webhook"}, "routes.team.notifier: 'Webhook' is no class"),
        ({"notifier": "a.B", "about": ["kpis"]}, "routes.team.about"),
        ({"notifier": "a.B", "about": []}, "routes.team.about"),
        ({"notifier": "a.B", "arguments": {"api_token": "x"}}, "api_token: secrets are never written here"),
        ({"notifier": "a.B", "owners": ["test"]}, "alerts.yaml:8: routes.team.owners: nobody called 'test'"),
        ({"notifier": "a.B", "often": 3}, "unknown key 'routes.team.often'"),
        ({"about": ["kpi"]}, "routes.team.notifier"),
    ],
)
def test_a_wrong_route_is_refused_with_its_place(config, route, wrong):
    text = "# who is told\n\n" + json.dumps({"routes": {"team": route}}, indent=1)
    with pytest.raises(ConfigError) as error:
        load_settings(config({"alerts.yaml": text}))
    assert wrong in str(error.value)
    assert "alerts.yaml:" in str(error.value)


@pytest.mark.parametrize(
    "server", [{"host": "http://hooks.example/secret"}, {"host": "http://hooks.example/secret", "password": "secret"}]
)
def test_a_webhook_is_not_told_over_a_line_that_anybody_can_read(monkeypatch, server):
    monkeypatch.setenv("AIRFLOW_CONN_TEAM_HOOK", json.dumps(server))
    with pytest.raises(webhook.Refused, match=r"http to hooks\.example would show the credential.*use https") as error:
        webhook.post("team_hook", "s", "t")
    assert "secret" not in str(error.value)


@pytest.fixture
def hook(monkeypatch):
    """A real web server; `taken` are the requests it got, `status` what it answers."""
    taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((self.path, self.headers.get("Authorization"), json.loads(body)))
            if server.status:
                self.send_response(server.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.status, server.taken = 200, taken
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/services/secret-path"
    monkeypatch.setenv("AIRFLOW_CONN_TEAM_HOOK", json.dumps({"host": address, "password": "secret-token"}))
    yield server
    server.shutdown()
    server.server_close()


def test_a_webhook_gets_the_notice_and_its_address_and_token_are_in_no_error(hook):
    webhook.post("team_hook", "Shop: Orders", "Orders (week): 3")
    wanted = {"subject": "Shop: Orders", "text": "Orders (week): 3"}
    assert hook.taken == [("/services/secret-path", "Bearer secret-token", wanted)]
    hook.status = 410
    with pytest.raises(webhook.Refused, match=r"^webhook team_hook answers 410$"):
        webhook.post("team_hook", "s", "t")
    hook.status = 0
    with pytest.raises(TimeoutError, match=r"^webhook team_hook: no answer: \w+$"):
        webhook.post("team_hook", "s", "t")


def test_a_webhook_that_is_not_there_is_a_refusal_that_is_tried_again(monkeypatch):
    for host in ("http://127.0.0.1:9/secret", "ftp://127.0.0.1/secret", "http://[secret"):
        monkeypatch.setenv("AIRFLOW_CONN_TEAM_HOOK", json.dumps({"host": host}))
        with pytest.raises(webhook.Refused) as error:
            webhook.post("team_hook", "s", "t")
        assert "secret" not in str(error.value)
