"""Twilio's messages: a form per message, answered by 201 and an id, or by a code of its own."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

from tests.servers import base
from tests.servers.base import Call, HttpServer, Reply, demand

ACCOUNT = "AC" + "0" * 32


def problem(status: int, code: int) -> dict[str, Any]:
    return {"code": code, "message": "m", "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}


class Twilio(HttpServer):
    KIND = "messages"
    TO = {"template": "winback"}
    CONSENT = "email"
    OPTIONS = {"sender": "+31970100000", "unsubscribe_url": "https://shop.example/u"}
    AFTER = {
        base.BUSY: "accepted",
        base.BUSY_UNTIL: "accepted",
        **dict.fromkeys(
            (base.BROKEN, base.GATEWAY, base.AWAY, base.RESET, base.LOST, base.SLOW, base.GARBLED), "unknown"
        ),
    }
    SPELLED = [((), ("+31612345678",), {"+31612345678"})]
    NOBODY = [((), ("0612345678",)), ((), ("31612345678",)), (("a@mail.example",), ()), ((), ("+31612345678\r\nx",))]

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.sent: list[tuple[str, str]] = []

    def connection(self) -> dict[str, Any]:
        return {**super().connection(), "login": ACCOUNT}

    def key(self, email: str, phone: str) -> set[str]:
        return {phone}

    def held(self) -> set[str]:
        return {number for number, _ in self.sent}

    def times(self, key: str) -> int:
        return [number for number, _ in self.sent].count(key)

    def error(self, status: int) -> Any:
        return problem(status, 20429 if status == 429 else 20500)

    def answer(self, call: Call) -> Reply:
        given = base64.b64decode(call.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        demand(given == f"{ACCOUNT}:{self.token}", 401, problem(401, 20003))
        root = f"/2010-04-01/Accounts/{ACCOUNT}"
        if (call.method, call.path) == ("GET", f"{root}.json"):
            return Reply(200, {"sid": ACCOUNT, "status": "active"})
        demand((call.method, call.path) == ("POST", f"{root}/Messages.json"), 404, problem(404, 20404))
        form = call.form
        demand(set(form) <= {"To", "From", "Body", "StatusCallback"}, 400, problem(400, 20001))
        demand(re.fullmatch(r"\+[1-9]\d{6,14}", form.get("To", "")), 400, problem(400, 21211))
        demand(form.get("From") == "+31970100000", 400, problem(400, 21606))
        demand(0 < len(form.get("Body", "")) <= 1600, 400, problem(400, 21617))
        demand(form["To"] not in self.refused, 400, problem(400, 21610))
        self.sent.append((form["To"], form["Body"]))
        return Reply(201, {"sid": f"SM{len(self.sent):032x}", "status": "queued", "error_code": None})


SERVER = Twilio
