"""A company that wrote to many customers, as rows: each message can be answered once, so that tests share one lake."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from jobs.activation.unsubscribe_link import unsubscribe_link
from jobs.config.settings import load_settings
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from tests.activation.small_company import CONFIG
from tests.company import MINIMAL, with_kpi

PURPOSES = {"marketing": {"channels": ["email"]}, "service": {"channels": ["email"]}, "ads": {"channels": ["ads"]}}
SOURCE = {
    "source": "feedback",
    "group": "crm",
    "timezone": "UTC",
    "datasets": {
        "consents": {
            "files": "{day}/consents-*.jsonl",
            "format": {"type": "jsonl"},
            "columns": {"consent_id": "id", "email": "email", "purpose": "purpose", "channel": "channel",
                        "status": "status", "changed_at": "at", "proof": "proof"},
        },
        "campaign_events": {
            "files": "{day}/events-*.jsonl",
            "format": {"type": "jsonl"},
            "columns": {"event_id": "id", "campaign_id": "campaign", "channel": "channel", "type": "type",
                        "occurred_at": "at", "email": "email"},
        },
    },
}  # fmt: skip
FILES: dict[str, Any] = {
    **{name: content for name, content in CONFIG.items() if name != "audiences/loyal.yaml"},
    "identity.yaml": {
        **MINIMAL["identity.yaml"],
        "purposes": PURPOSES,
        "objections": {"profiling": "profiling", "restriction": "processing"},
    },
    "sources/feedback.yaml": SOURCE,
    "feedback.yaml": {
        "source": "feedback",
        "links_valid_days": 90,
        "soft_bounces": {"number": 3, "days": 10},
        "purposes": {"marketing": {"en": "News <and> offers", "nl": "Nieuws en aanbiedingen"}},
    },
}


class Answering:
    """`sent(n)` is the id of the message to customer n, at `email(n)`; every customer said yes to everything."""

    def __init__(self, home: Path, customers: int = 40, files: dict[str, Any] | None = None):
        for name, content in with_kpi({**MINIMAL, **FILES, **(files or {})}).items():
            path = home / "config" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
        self.settings = load_settings(home / "config")
        self.lake = Lake.of(self.settings)
        numbers = range(1, customers + 1)
        self.today = dt.datetime.now(dt.UTC).date()
        self.write("activation/ledger", [self._send(number) for number in numbers])
        self.write("identity/map", [self._known(number) for number in numbers])
        self.write("profiles/contact_points", [self._point(number) for number in numbers])
        asked = [(purpose, one["channels"][0]) for purpose, one in PURPOSES.items()]
        said = [
            {"customer_id": self.customer(number), "purpose": purpose, "channel": channel, "status": "granted"}
            for number in numbers
            for purpose, channel in asked
        ]
        self.write("profiles/consent", said)

    def write(self, table: str, records: list[dict[str, Any]]) -> None:
        schema = catalogue.get(table).arrow_schema()
        full = [{name: record.get(name) for name in schema.names} for record in records]
        txn = self.lake.transaction("test", self.today, config=[table, len(records)])
        self.lake.append(table, pa.Table.from_pylist(full, schema=schema), txn)

    def rows(self, table: str, **about: Any) -> list[dict[str, Any]]:
        found = self.lake.arrow(table).to_pylist() if self.lake.exists(table) else []
        return [row for row in found if all(row[name] == value for name, value in about.items())]

    def customer(self, number: int) -> str:
        return "c" + self.identifier(number)[:19]

    def email(self, number: int) -> str:
        return f"person{number}@mail.example"

    def identifier(self, number: int) -> str:
        return identifier_hash("email", self.email(number), self.settings) or ""

    def sent(self, number: int) -> str:
        return f"{number:032x}"

    def link(self, number: int, written: dt.date | None = None) -> str:
        """The token of the message, as its link has it."""
        return unsubscribe_link("https://x", self.sent(number), self.settings, written).partition("t=")[2]

    def suppressed(self, number: int) -> list[tuple[str, str]]:
        rows = self.rows("activation/suppressions", identifier=self.identifier(number))
        return [(row["channel"], row["reason"]) for row in rows]

    def heard(self, number: int) -> list[tuple[str, str, str]]:
        tables = ("activation/feedback", "activation/opens_and_clicks")
        rows = [row for table in tables for row in self.rows(table, operation_id=self.sent(number))]
        return sorted((row["kind"], row["purpose"], row["channel"]) for row in rows)

    def _send(self, number: int) -> dict[str, Any]:
        return {
            "operation_id": self.sent(number), "attempt": 1, "destination": "email", "audience": "winback",
            "customer_id": self.customer(number), "day": self.today, "action": "send", "state": "accepted",
            "reason": "250", "fingerprint": self.identifier(number), "request_id": f"ses-{number}",
            "updated_at": dt.datetime.now(dt.UTC),
        }  # fmt: skip

    def _known(self, number: int) -> dict[str, Any]:
        return {"identifier": self.identifier(number), "kind": "email", "customer_id": self.customer(number)}

    def _point(self, number: int) -> dict[str, Any]:
        return {"customer_id": self.customer(number), "kind": "email", "value": self.email(number), "preference": 1}


@contextlib.contextmanager
def served(app: Any) -> Iterator[str]:
    """The app on a free port of this machine; gives its address."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 60
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


@contextlib.contextmanager
def environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KLANTREIS_HASH_KEY", "test-key")
        patch.delenv("KLANTREIS_HOME", raising=False)
        yield
