"""Where servers are, how to log in (from the environment or, inside a DAG, from Airflow), and how long to wait between
tries."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tenacity import RetryCallState
from tenacity.wait import wait_base

from jobs.config.yaml_files import ConfigError


@dataclass(frozen=True)
class Connection:
    """Where a server is and how to log in. `repr` never shows the password."""

    host: str = ""
    port: int | None = None
    login: str = ""
    password: str = ""
    schema: str = ""
    extra: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"Connection(host={self.host!r}, port={self.port}, login={self.login!r})"


THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
ConnectionSource = Callable[[str], Connection | None]
_connection_sources: list[ConnectionSource] = []


def add_connection_source(source: ConnectionSource) -> None:
    """Ask `source` for connections too; DAGs add Airflow's connections this way."""
    if source not in _connection_sources:
        _connection_sources.append(source)


def connection(name: str) -> Connection:
    """The connection of that name: environment variable AIRFLOW_CONN_NAME (URI or JSON), then added sources.

    Raises ConfigError if there is none or the variable cannot be read.
    """
    variable = f"AIRFLOW_CONN_{name.upper()}"
    text = os.environ.get(variable)
    if text:
        try:
            return _parse_connection(text)
        except (ValueError, AttributeError):  # what it holds is a secret: nothing of it is shown
            raise ConfigError(
                [f"{variable} is neither a URI, with a percent-encoded password, nor a JSON object"]
            ) from None
    for source in _connection_sources:
        found = source(name)
        if found:
            return found
    raise ConfigError(
        [f"connection {name!r} is not known; add it in Airflow (Admin, Connections) or set AIRFLOW_CONN_{name.upper()}"]
    )


def _parse_connection(text: str) -> Connection:
    if text.lstrip().startswith("{"):
        values = json.loads(text)
        extra = values.get("extra") or {}
        return Connection(
            values.get("host") or "",
            values.get("port"),
            values.get("login") or "",
            values.get("password") or "",
            values.get("schema") or "",
            json.loads(extra) if isinstance(extra, str) else extra,
        )
    parts = urlsplit(text)
    return Connection(
        unquote(parts.hostname or ""),
        parts.port,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        parts.path.lstrip("/"),
        _extra(dict(parse_qsl(parts.query))),
    )


def _extra(given: dict[str, Any]) -> dict[str, Any]:
    """What is after the ? of a URI; Airflow writes what is not plain text as JSON under `__extra__`."""
    packed = given.pop("__extra__", None)
    return {**given, **(json.loads(packed) if packed else {})}


def refuse_unprotected(scheme: str, host: str | None, name: str) -> None:
    """Raise ConfigError where the credential of a connection would go unprotected elsewhere than to this machine."""
    if scheme != "https" and host not in THIS_MACHINE:
        raise ConfigError([f"connection {name!r}: http to {host} would show the credential to everybody; use https"])


class PoliteWait(wait_base):
    """A random wait of at most `first` seconds, doubling per try up to `longest`; Retry-After wins when longer.

    A Retry-After beyond `longest` is cut to `longest`, so that a run is bounded; the next run goes on.
    """

    def __init__(self, first: float, longest: float) -> None:
        self.first, self.longest = first, longest

    def __call__(self, retry_state: RetryCallState) -> float:
        most = min(self.first * 2 ** (retry_state.attempt_number - 1), self.longest)
        asked = _retry_after(retry_state.outcome.exception() if retry_state.outcome else None)
        return max(random.uniform(0, most), min(asked, self.longest))


def _retry_after(error: BaseException | None) -> float:
    """Seconds asked for in the Retry-After header of the HTTP answer behind an error, else 0."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    asked = str(headers.get("Retry-After", 0))
    try:
        return max(0.0, float(asked))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
