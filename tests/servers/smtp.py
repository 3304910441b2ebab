"""An SMTP server that keeps what it accepts, with the faults of the contract test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from examples.sandboxes import smtp
from tests.servers import base
from tests.servers.base import ContractServer

_REPLIES = {
    base.BUSY: "451 4.7.1 Later",
    base.AWAY: "421 4.3.2 Away",
    base.BROKEN: "DATA 451 4.3.0 Trouble",
    base.LOST: "hangup",
}


class Smtp(ContractServer):
    KIND = "messages"
    TO = {"template": "winback"}
    CONSENT = "email"
    OPTIONS = {"sender": "Shop <hello@shop.example>", "unsubscribe_url": "https://shop.example/u", "connections": 2}
    AFTER = {base.BUSY: "accepted", base.AWAY: "accepted", base.BROKEN: "accepted", base.LOST: "unknown"}
    SPELLED = [(("jan@bücher.example",), (), {smtp.recipient_hash("jan@xn--bcher-kva.example")})]
    NOBODY = [((), ("+31612345678",)), (("jan\r\nRCPT TO:<x@y.example>",), ()), (("jän@mail.example",), ())]
    SECRET = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._server = smtp.SmtpSandbox(folder)
        self._planned: dict[str, list[str]] = {}

    def start(self) -> Smtp:
        self._server.start()
        self.port = self._server.port
        return self

    def stop(self) -> None:
        self._server.stop()

    def connection(self) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": self.port, "extra": {"security": "none"}}

    def key(self, email: str, phone: str) -> set[str]:
        return {smtp.recipient_hash(email)}

    def held(self) -> set[str]:
        return {entry["recipient"] for entry in smtp.received(self.folder)}

    def times(self, key: str) -> int:
        return [entry["recipient"] for entry in smtp.received(self.folder)].count(key)

    def fail(self, fault: str, times: int = 1) -> None:
        self._plan({"@mail.example": [_REPLIES[fault]] * times + ["250"]})

    def refuse(self, email: str, phone: str) -> None:
        super().refuse(email, phone)
        self._plan({email: ["550 5.1.1 Unknown"]})

    def expire(self) -> None:
        self._plan({"@mail.example": ["530 5.7.0 Authentication required"]})

    def _plan(self, replies: dict[str, list[str]]) -> None:
        self._planned |= replies
        (self.folder / "replies.json").write_text(json.dumps(self._planned))


SERVER = Smtp
