"""Lists kept by a system of your own: changes are posted to it, signed as standardwebhooks.com says.

The id of a message is made of what it says, so a receiver that keeps ids sees a message that came twice as one. It
answers 2xx with nothing, or with `{"refused": {"NUMBER": "CODE"}}` for members, by place from 0, that it does not take.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Generator, Mapping
from typing import Any, cast

import httpx

from jobs.activation.channel import Operation
from jobs.activation.channels.webhook.options import Options
from jobs.activation.http_api import Answer, HttpApi, Meanings, base_url, code_of, credential
from jobs.activation.list_channel import Change, ListChannel, Taken
from jobs.activation.spelling import plain, sha256
from jobs.config.connections import connection
from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError

MEANINGS = Meanings(lambda status, body: [body["code"]] if isinstance(body, dict) and "code" in body else [])


class WebhookChannel(ListChannel):
    """One list of the receiver."""

    named = "the receiver"
    erases_by = "erase"

    def __init__(self, audience: str, destination: str, settings: Settings) -> None:
        self._told = cast(Options, settings.destinations[destination].options)
        self.most = self._told.members_per_message
        super().__init__(audience, destination, settings)
        name = settings.destinations[destination].connection
        server = connection(name)
        if not (base := base_url(server, "", name)):
            raise ConfigError([f"connection {name!r} has no host; give it the host of the receiver"])
        key = key_of(credential(server, name, "the signing secret, whsec_ and base64"), name)
        self.api = HttpApi(base, self._told, MEANINGS, auth=_Signed(key))

    def rows(self, operation: Operation) -> list[Any]:
        spell = sha256 if self._told.spelling == "sha256" else str
        told = plain(operation.recipient.emails, operation.recipient.phones)
        if not told:
            return []
        spelled = {f"{kind}s": [spell(one) for other, one in told if other == kind] for kind in ("email", "phone")}
        change = f"{operation.operation_id}.{operation.attempt}"
        return [{"customer_id": operation.customer_id, "change": change, **spelled}]

    def send(self, change: Change, rows: list[Any]) -> Answer:
        return self._post(change, rows)

    def _post(self, what: str, rows: list[Any]) -> Answer:
        content = {"type": f"audience.{what}", "data": {"list": self.list_id, "members": rows}}
        return self.api.call("POST", self._told.path, content=json.dumps(content, sort_keys=True).encode())

    def taken(self, change: Change, answer: Answer, rows: list[Any]) -> Taken:
        told = answer.body.get("refused") if answer.body is not None else None
        named = told.items() if isinstance(told, dict) else ()
        refused = {int(number): code_of(code) or "refused" for number, code in named if str(number).isdigit()}
        return Taken({number: code for number, code in refused.items() if number < len(rows)})

    def check(self) -> Answer:
        return self._post("check", [])


class _Signed(httpx.Auth):
    """Signs each try with the time at which it is made: receivers refuse old signatures."""

    requires_request_body = True

    def __init__(self, key: bytes) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        name = f"msg_{hashlib.sha256(request.content).hexdigest()[:32]}"
        request.headers.update(signed(self._key, name, int(time.time()), request.content))
        request.headers["Content-Type"] = "application/json"
        yield request


def signed(key: bytes, name: str, at: int, content: bytes) -> Mapping[str, str]:
    """The headers of a message called `name`, sent `at` (Unix seconds)."""
    mark = hmac.new(key, f"{name}.{at}.".encode() + content, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(mark).decode()}"
    return {"webhook-id": name, "webhook-timestamp": str(at), "webhook-signature": signature}


def key_of(secret: str, name: str) -> bytes:
    """The key that a secret as of standardwebhooks.com holds: 24 to 64 bytes. Raises ConfigError."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not 16 <= len(key) <= 64:
        raise ConfigError(
            [f"connection {name!r}: the password is no signing secret; give whsec_ and 24 bytes in base64"]
        )
    return key
