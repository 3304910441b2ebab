"""A notice as a webhook takes it: one POST of JSON, `text` as Slack, Teams and Mattermost read it."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

import httpx

from jobs.config.connections import connection, refuse_unprotected
from jobs.config.yaml_files import ConfigError

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses, and that of a webhook is a secret
SECONDS = 20


class Refused(Exception):
    """The webhook did not take the notice."""


def post(name: str, subject: str, text: str) -> None:
    """Post to the connection of that name, whose host is the whole address of the webhook and whose password, if there
    is one, goes along as a bearer token. Raises Refused without the address, which is a secret."""
    server = connection(name)
    address = server.host if "://" in server.host else f"https://{server.host}"
    if server.port:
        address = f"{address}:{server.port}/{server.schema}"
    try:
        parts = urlsplit(address)
        refuse_unprotected(parts.scheme, parts.hostname, name)
    except ValueError as error:
        raise Refused(f"webhook {name}: no connection: {type(error).__name__}") from None
    except ConfigError as error:
        raise Refused(f"webhook {name}: {error}") from None
    headers = {"Authorization": f"Bearer {server.password}"} if server.password else {}
    try:
        said = {"subject": subject, "text": text}
        with httpx.stream("POST", address, json=said, headers=headers, timeout=SECONDS) as answer:
            taken, status = answer.is_success, answer.status_code  # what else it says, at any length, is not read
    except (httpx.ConnectError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise Refused(f"webhook {name}: no connection: {type(error).__name__}") from None
    except httpx.HTTPError as error:
        raise TimeoutError(f"webhook {name}: no answer: {type(error).__name__}") from None
    if not taken:
        raise Refused(f"webhook {name} answers {status}")
