"""The Marketing API of Mailchimp: contacts of an audience, static segments, deletion for good."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

from tests.servers.base import Call, HttpServer, Reply, demand

ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


def problem(status: int, title: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": title, "status": status, "detail": "d", "instance": "i"}


class Mailchimp(HttpServer):
    TO = {"list_id": "49377"}
    OPTIONS = {"audience_id": "a6b5da1054"}
    MOST = 500
    SPELLED = [
        ((" Urist.McVankab+x@FreddiesJokes.com ",), (), {"urist.mcvankab+x@freddiesjokes.com"}),
        (("a@mail.example", "b@mail.example"), (), {"a@mail.example"}),
    ]
    NOBODY = [*HttpServer.NOBODY, ((), ("+31612345678",))]

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.contacts: dict[str, str] = {}
        self.segment: set[str] = set()

    def connection(self) -> dict[str, Any]:
        return {**super().connection(), "password": f"{self._given}-us6"}

    def key(self, email: str, phone: str) -> set[str]:
        return {email}

    def held(self) -> set[str]:
        return self.segment & self.contacts.keys()

    def error(self, status: int) -> Any:
        return problem(status, {429: "Too Many Requests"}.get(status, "Internal Server Error"))

    def answer(self, call: Call) -> Reply:
        given = base64.b64decode(call.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        demand(given.partition(":")[2] == f"{self.token}-us6", 401, problem(401, "API Key Invalid"))
        demand(call.path.startswith("/3.0/lists/a6b5da1054") and not self.lost, 404, problem(404, "Resource Not Found"))
        rest = call.path.removeprefix("/3.0/lists/a6b5da1054")
        if (call.method, rest) == ("POST", ""):
            return self._contacts(call.json)
        if (call.method, rest) == ("POST", "/segments/49377"):
            return self._members(call.json)
        if (call.method, rest) == ("GET", "/segments/49377"):
            return Reply(200, {"id": 49377, "type": "static"})
        found = re.fullmatch(r"/members/([0-9a-f]{32})/actions/delete-permanent", rest)
        named = [one for one in self.contacts if found and hashlib.md5(one.encode()).hexdigest() == found[1]]
        demand(call.method == "POST" and named, 404, problem(404, "Resource Not Found"))
        del self.contacts[named[0]]
        return Reply(204)

    def _contacts(self, told: Any) -> Reply:
        members, invalid = told["members"], problem(400, "Invalid Resource")
        demand(set(told) <= {"members", "update_existing", "sync_tags"} and 0 < len(members) <= 500, 400, invalid)
        emails = [one["email_address"] for one in members]
        demand(len(set(emails)) == len(emails), 400, invalid)
        self.people(len(members))
        errors = []
        for one in members:
            demand(set(one) <= {"email_address", "email_type", "status", "status_if_new"}, 400, invalid)
            email = one["email_address"].lower()
            new = one.get("status_if_new")
            demand(new in ("subscribed", "unsubscribed", "cleaned", "pending", "transactional"), 400, invalid)
            if not ADDRESS.fullmatch(email) or email in self.refused:
                errors.append({"email_address": email, "error": "looks fake", "error_code": "ERROR_GENERIC"})
            else:
                self.contacts[email] = one.get("status") or self.contacts.get(email, new)
        return Reply(200, {"new_members": [], "updated_members": [], "errors": errors, "error_count": len(errors)})

    def _members(self, told: Any) -> Reply:
        add, remove = told.get("members_to_add", []), told.get("members_to_remove", [])
        demand(set(told) <= {"members_to_add", "members_to_remove"}, 400, problem(400, "Invalid Resource"))
        demand(len(add) <= 500 and len(remove) <= 500, 400, problem(400, "Invalid Resource"))
        self.segment |= {email for email in add if email in self.contacts}
        absent = [email for email in remove if email not in self.segment]
        self.segment -= set(remove)
        errors = [{"email_addresses": absent, "error": "not a member"}] if absent else []
        return Reply(200, {"members_added": [], "members_removed": [], "errors": errors, "error_count": len(errors)})


SERVER = Mailchimp
