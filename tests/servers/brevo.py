"""Brevo: imports that end later with a report elsewhere of what they refused, and lists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.servers.base import Call, HttpServer, Reply, demand

ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


def problem(code: str, message: str = "m") -> dict[str, str]:
    return {"code": code, "message": message}


class Brevo(HttpServer):
    TO = {"list_id": "27"}
    MOST = 10_000
    SPELLED = [((" Jan+x@Mail.Example ",), (), {"jan+x@mail.example"})]
    NOBODY = [*HttpServer.NOBODY, ((), ("+31612345678",))]

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.contacts: dict[str, bool] = {}
        """Address to whether it is blocked."""
        self.members: set[str] = set()
        self.processes: dict[str, dict[str, Any]] = {}

    def key(self, email: str, phone: str) -> set[str]:
        return {email}

    def held(self) -> set[str]:
        return self.members

    def error(self, status: int) -> Any:
        return problem("too_many_requests" if status == 429 else "internal_error")

    def answer(self, call: Call) -> Reply:
        report = re.fullmatch(r"/reports/(\d+)\.csv", call.path)
        if report:
            demand("api-key" not in call.headers, 400, problem("the_key_was_given_away"))
            return Reply(
                200,
                "\n".join(["EMAIL,REASON", *(f"{one},invalid" for one in self.processes[report[1]]["bad"])]).encode(),
            )
        demand(call.headers.get("api-key") == self.token, 401, problem("unauthorized"))
        if call.path == "/v3/contacts/import" and call.method == "POST":
            return self._import(call.json)
        process = re.fullmatch(r"/v3/processes/(\d+)", call.path)
        if process and process[1] in self.processes:
            return self._process(process[1])
        demand(call.path.startswith("/v3/contacts/lists/27") and not self.lost, 404, problem("document_not_found"))
        if call.method == "GET":
            return Reply(200, {"id": 27})
        demand(call.path.endswith("/contacts/remove"), 404, problem("document_not_found"))
        emails = call.json["emails"]
        demand(0 < len(emails) <= 150, 400, problem("invalid_parameter", "too many emails"))
        there = [one for one in emails if one in self.members]
        demand(there, 400, problem("invalid_parameter", "Contact already removed from list and/or does not exist"))
        self.members -= set(there)
        failure = [one for one in emails if one not in there]
        return Reply(201, {"contacts": {"success": there, "failure": failure}})

    def _import(self, told: Any) -> Reply:
        allowed = {"jsonBody", "listIds", "updateExistingContacts", "emptyContactsAttributes", "disableNotification"}
        demand(set(told) <= allowed, 400, problem("invalid_parameter"))
        demand(told["listIds"] == [27] and not self.lost, 400, problem("invalid_parameter"))
        emails = [one["email"] for one in told["jsonBody"]]
        self.people(len(emails))
        bad = [one for one in emails if not ADDRESS.fullmatch(one) or one in self.refused]
        for one in emails:
            if one not in bad:
                self.contacts.setdefault(one, False)
                self.members.add(one)
        name = str(78 + len(self.processes))
        self.processes[name] = {"bad": bad, "looks": 0}
        return Reply(202, {"processId": int(name)})

    def _process(self, name: str) -> Reply:
        process = self.processes[name]
        process["looks"] += 1
        if process["looks"] < 2:
            return Reply(200, {"id": int(name), "name": "IMPORTUSER", "status": "in_process"})
        report = {"invalid_emails": f"http://127.0.0.1:{self.port}/reports/{name}.csv"} if process["bad"] else {}
        return Reply(200, {"id": int(name), "name": "IMPORTUSER", "status": "completed", "info": {"import": report}})


SERVER = Brevo
