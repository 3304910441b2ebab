"""A receiver of webhooks as standardwebhooks.com describes it: signature, time within five minutes, ids kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from pathlib import Path
from typing import Any

from tests.servers.base import EMPTY, Call, HttpServer, Reply, demand, sha256

SECRET = b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Webhook(HttpServer):
    OPTIONS = {"path": "/hooks/audiences", "members_per_message": 50}
    MOST = 50
    SPELLED = [((" Jan.Jansen+x@Example.COM ",), (), {sha256("jan.jansen+x@example.com")})]

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.members: dict[str, set[str]] = {}
        self.seen: dict[str, Any] = {}
        self.secret = SECRET

    def connection(self) -> dict[str, Any]:
        return {**super().connection(), "password": "whsec_" + base64.b64encode(SECRET).decode()}

    def expire(self) -> None:
        self.secret = b"another secret, of 32 bytes long"

    def key(self, email: str, phone: str) -> set[str]:
        return {sha256(email), sha256(phone)}

    def held(self) -> set[str]:
        return set().union(*self.members.values())

    def answer(self, call: Call) -> Reply:
        demand(call.method == "POST" and call.path == "/hooks/audiences" and not self.lost, 404, {"code": "no_hook"})
        name, at, given = (call.headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
        demand(re.fullmatch(r"[\w.-]{8,}", name) and at.isdigit(), 400, {"code": "no_signature"})
        demand(abs(time.time() - int(at)) < 300, 401, {"code": "too_old"})
        right = hmac.new(self.secret, f"{name}.{at}.".encode() + call.body, hashlib.sha256).digest()
        valid = f"v1,{base64.b64encode(right).decode()}" in given.split()
        demand(valid, 401, {"code": "bad_signature"})
        if name not in self.seen:
            self.seen[name] = self._taken(call.json)
        self.people(len(call.json["data"]["members"]))
        return Reply(200, self.seen[name])

    def _taken(self, message: Any) -> Any:
        demand(message["type"].startswith("audience.") and message["data"]["list"] == "1001", 422, {"code": "unknown"})
        change, refused = message["type"].removeprefix("audience."), {}
        for number, member in enumerate(message["data"]["members"]):
            told = {*member["emails"], *member["phones"]}
            demand(
                told and EMPTY not in told and all(re.fullmatch("[0-9a-f]{64}", h) for h in told), 422, {"code": "x"}
            )
            if told & self.refused:
                refused[str(number)] = "not_wanted"
            elif change == "add":
                self.members.setdefault(member["customer_id"], set()).update(told)
            else:
                self.members.pop(member["customer_id"], None)
        return {"refused": refused}


SERVER = Webhook
