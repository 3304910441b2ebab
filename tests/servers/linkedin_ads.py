"""LinkedIn's DMP segments: a batch of users with a status for each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.servers.base import EMPTY, Call, HttpServer, Reply, demand, sha256


def problem(status: int, code: str) -> dict[str, Any]:
    return {"status": status, "serviceErrorCode": 100, "code": code, "message": "m"}


class LinkedIn(HttpServer):
    MOST = 5_000
    SPELLED = [
        ((" Jan Jansen+x@Example.COM ",), (), {sha256("janjansen+x@example.com")}),
        (("a.b@gmail.com", "c@x.example"), ("+31612345678",), {sha256("a.b@gmail.com"), sha256("c@x.example")}),
    ]
    NOBODY = [*HttpServer.NOBODY[:3], ((), ("+31612345678",))]

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.members: set[str] = set()

    def key(self, email: str, phone: str) -> set[str]:
        return {sha256(email)}

    def held(self) -> set[str]:
        return self.members

    def error(self, status: int) -> Any:
        return problem(status, "TOO_MANY_REQUESTS" if status == 429 else "INTERNAL_ERROR")

    def answer(self, call: Call) -> Reply:
        known = call.headers.get("Authorization") == f"Bearer {self.token}"
        demand(known, 401, problem(401, "REVOKED_ACCESS_TOKEN"))
        version = call.headers.get("LinkedIn-Version", "")
        demand(re.fullmatch(r"20\d{4}", version), 400, problem(400, "VERSION_MISSING"))
        demand(call.headers.get("X-Restli-Protocol-Version") == "2.0.0", 400, problem(400, "BAD_PROTOCOL"))
        demand(call.path.startswith("/rest/dmpSegments/1001") and not self.lost, 404, problem(404, "NOT_FOUND"))
        if call.method == "GET":
            return Reply(200, {"id": 1001, "status": "READY", "type": "USER"})
        demand(call.headers.get("X-RestLi-Method") == "BATCH_CREATE", 400, problem(400, "BAD_METHOD"))
        elements = call.json["elements"]
        demand(0 < len(elements) <= 5_000, 400, problem(400, "TOO_MANY_ELEMENTS"))
        self.people(len(elements))
        return Reply(200, {"elements": [self._one(element) for element in elements]})

    def _one(self, element: Any) -> dict[str, Any]:
        (given,) = element["userIds"]
        value = given["idValue"]
        right = given["idType"] == "SHA256_EMAIL" and re.fullmatch("[0-9a-f]{64}", value) and value != EMPTY
        if not right or value in self.refused:
            return {"status": 400, "error": problem(400, "INVALID_ID")}
        if element["action"] == "REMOVE" and value not in self.members:
            return {"status": 404, "error": problem(404, "NOT_FOUND")}
        (self.members.add if element["action"] == "ADD" else self.members.discard)(value)
        return {"status": 201}


SERVER = LinkedIn
