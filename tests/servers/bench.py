"""What tests of channels share: one company with every type of destination, and operations for its people."""

from __future__ import annotations

import importlib
from pathlib import Path

import yaml

from jobs.activation.channel import Operation, Recipient
from jobs.activation.channels.types import TYPES
from tests.activation.small_company import AUDIENCE, TEMPLATE, email, phone
from tests.company import MINIMAL, with_kpi

SERVERS = {name: importlib.import_module(f"tests.servers.{name}").SERVER for name in TYPES}
PATIENCE = {
    "tries": 4,
    "wait_seconds": 0.01,
    "longest_wait_seconds": 1,
    "timeout_seconds": 30,
    "requests_per_second": 5000,
    "status_wait_seconds": 0.02,
}
PEOPLE = [f"c{number:04d}" for number in range(1, 6)]


def write_company(folder: Path) -> Path:
    """Configuration with a destination, and an audience, for each type."""
    destinations, files = {}, dict(MINIMAL)
    for name, server in SERVERS.items():
        patience = {key: value for key, value in PATIENCE.items() if key in TYPES[name].options.model_fields}
        destinations[name] = {
            "type": name,
            "channel": server.CONSENT,
            "connection": f"to_{name}",
            "options": patience | server.OPTIONS,
        }
        to = {"audience": f"for_{name}", "title": "T", **AUDIENCE, "purpose": "ads", "send_to": {name: server.TO}}
        files[f"audiences/for_{name}.yaml"] = to
    files["destinations.yaml"] = {"destinations": destinations}
    for language in ("en", "nl"):
        files |= {f"templates/winback.{language}.{kind}": TEMPLATE for kind in ("txt", "html", "sms")}
    for path, content in with_kpi(files).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
    return folder


def operation(name, action, emails=None, phones=None, attempt=1):
    recipient = Recipient((email(name),) if emails is None else emails, (phone(name),) if phones is None else phones)
    return Operation(f"{action}-{name}-{attempt}", name, action, attempt, "f", recipient)


def operations(server, names, action="", attempt=1):
    return [operation(name, action or begin_with(server), attempt=attempt) for name in names]


def begin_with(server):
    return "add" if server.KIND == "members" else "send"


def done(channel, batch, call="deliver"):
    """Deliver, and wait for what is answered later: the last outcome of each operation."""
    outcomes, waiting = getattr(channel, call)(batch), {}
    by_id = {one.operation_id: one for one in batch}
    for outcome in outcomes:
        if outcome.state == "submitted":
            waiting.setdefault(outcome.request_id, []).append(by_id[outcome.operation_id])
    settled = channel.settle(list(waiting), waiting) if waiting else []
    last = {one.operation_id: one for one in [*outcomes, *settled]}
    assert sorted(last) == sorted(by_id), "one outcome for each operation"
    return [last[one.operation_id] for one in batch]


def states(outcomes):
    return [outcome.state for outcome in outcomes]


def keys(server, names):
    return set().union(*(server.key(email(name), phone(name)) for name in names), set())
