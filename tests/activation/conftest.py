"""Real servers on free loopback ports, and a company that talks to them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from examples.sandboxes import data_manager, smtp
from jobs.activation import moments
from jobs.activation.channels.types import open_channel
from jobs.config.settings import load_settings
from tests.activation.small_company import CONFIG, LIST, Company
from tests.servers import bench


@pytest.fixture
def clock(request, monkeypatch):
    """`clock(minutes)`: it is so many minutes after `NOON` of the test module from now on."""

    def is_now(minutes: int) -> None:
        at = request.module.NOON + dt.timedelta(minutes=minutes)
        monkeypatch.setattr(moments, "now", lambda: at)

    is_now(0)
    return is_now


@pytest.fixture
def sink(tmp_path, monkeypatch):
    """A real SMTP server; `received()` is what it accepted, `plan(...)` sets its replies."""
    folder = tmp_path / "smtp"
    server = smtp.SmtpSandbox(folder).start()
    monkeypatch.setenv("AIRFLOW_CONN_TEST_SMTP", f"smtp://127.0.0.1:{server.port}?security=none")
    yield SimpleNamespace(
        folder=folder,
        port=server.port,
        received=lambda: smtp.received(folder),
        recipients=lambda: sorted(entry["recipient"] for entry in smtp.received(folder)),
        plan=lambda **replies: (folder / "replies.json").write_text(json.dumps(replies["replies"])),
        connections=lambda: server.handler.connections,
        on_message=lambda do: monkeypatch.setattr(
            server.handler, "handle_DATA", _first(do, server.handler.handle_DATA)
        ),
    )
    server.stop()


def _first(do: Callable[[int], None], accept: Callable[..., Any]) -> Callable[..., Any]:
    """Accept a message after `do(its number)`."""
    numbers = itertools.count(1)

    async def accepted(*message: Any) -> str:
        do(next(numbers))
        return await accept(*message)

    return accepted


@pytest.fixture
def ads(tmp_path, monkeypatch):
    """A real Data Manager server; `members()` are the hashes on the list, `fail(...)` plans faults."""
    folder = tmp_path / "ads"
    server = data_manager.DataManagerSandbox(folder, processing_seconds=0.05).start()
    connection = {"host": "127.0.0.1", "port": server.port, "schema": "http", "extra": {"anonymous": True}}
    monkeypatch.setenv("AIRFLOW_CONN_TEST_ADS", json.dumps(connection))
    yield SimpleNamespace(
        folder=folder,
        port=server.port,
        members=lambda: data_manager.list_members(folder).get(LIST, set()),
        calls=lambda *kinds: [c for c in data_manager.calls(folder) if not kinds or c["call"] in kinds],
        fail=lambda *faults: (folder / "faults.json").write_text(json.dumps(faults)),
    )
    server.stop()


@pytest.fixture
def company(settings) -> Callable[..., Company]:
    """`company()` for both destinations; `company("winback")` for one audience; `files` overrides config files."""

    def build(*audiences: str, files: dict[str, Any] | None = None) -> Company:
        chosen = {**CONFIG, **(files or {})}
        if audiences:
            chosen = {
                name: content
                for name, content in chosen.items()
                if not name.startswith("audiences/") or Path(name).stem in audiences
            }
        return Company(settings(chosen))

    return build


@pytest.fixture(scope="session")
def every_destination(tmp_path_factory):
    """One company with a destination, and an audience, for each type."""
    folder = bench.write_company(tmp_path_factory.mktemp("company"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KLANTREIS_HASH_KEY", "test-key")
        patch.setenv("KLANTREIS_HOME", str(folder))
        return load_settings(folder)


@pytest.fixture
def start(every_destination, tmp_path, monkeypatch):
    """`server, channel = start(NAME)`; options of the destination may be changed."""
    started = []
    monkeypatch.setenv("KLANTREIS_HASH_KEY", "test-key")

    def begin(name, **options):
        server = bench.SERVERS[name](tmp_path / name).start()
        started.append(server.stop)
        monkeypatch.setenv(f"AIRFLOW_CONN_TO_{name.upper()}", json.dumps(server.connection()))
        if options:
            destination = every_destination.destinations[name]
            changed = destination.options.model_copy(update=options)
            others = every_destination.destinations | {name: destination.model_copy(update={"options": changed})}
            settings = dataclasses.replace(every_destination, destinations=others)
        else:
            settings = every_destination
        channel = open_channel(f"for_{name}", name, settings)
        started.insert(0, channel.close)
        return server, channel

    yield begin
    for stop in started:
        stop()
