"""Klaviyo: import jobs that end later and may end partial, lists, profiles, deletion jobs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.servers.base import Call, HttpServer, Reply, demand

LIST = "Y6nRLr"
EMAIL, PHONE = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+"), re.compile(r"\+[1-9]\d{6,14}")
STATUS = {401: "not_authenticated", 404: "not_found", 429: "throttled"}
JOB = "/api/profile-bulk-import-jobs"


def errors(status: int, pointer: str = "/data", code: str = "") -> dict[str, Any]:
    code = code or STATUS.get(status, "invalid" if status < 500 else "error")
    source = {"pointer": pointer}
    return {"errors": [{"id": "e", "status": status, "code": code, "title": "t", "detail": "d", "source": source}]}


class Klaviyo(HttpServer):
    TO = {"list_id": LIST}
    OPTIONS = {"profiles_per_second": 5000, "deletions_per_second": 5000}
    MOST = 10_000
    SPELLED = [
        ((" Jan+x@Mail.Example ",), (), {"jan+x@mail.example"}),
        ((), ("+31612345678",), {"+31612345678"}),
        (("a@mail.example", "b@mail.example"), ("+31612345678",), {"a@mail.example"}),
    ]

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.profiles: dict[str, str] = {}
        self.suppressed: set[str] = set()
        self.members: set[str] = set()
        self.jobs: dict[str, dict[str, Any]] = {}

    def key(self, email: str, phone: str) -> set[str]:
        return {email}

    def held(self) -> set[str]:
        return {value for value, name in self.profiles.items() if name in self.members}

    def error(self, status: int) -> Any:
        return errors(status)

    def answer(self, call: Call) -> Reply:
        known = call.headers.get("Authorization") == f"Klaviyo-API-Key {self.token}"
        demand(known, 401, errors(401))
        demand(re.fullmatch(r"\d{4}-\d{2}-\d{2}", call.headers.get("revision", "")), 400, errors(400))
        demand(call.method == "GET" or call.headers["Content-Type"] == "application/vnd.api+json", 415, errors(415))
        demand(LIST not in call.path or not self.lost, 404, errors(404))
        answers = {
            ("POST", JOB): self._import,
            ("DELETE", f"/api/lists/{LIST}/relationships/profiles"): self._leave,
            ("POST", "/api/data-privacy-deletion-jobs"): self._forget,
        }
        if found := answers.get((call.method, call.path)):
            return found(call.json)
        if (call.method, call.path) == ("GET", f"/api/lists/{LIST}"):
            return Reply(200, {"data": {"type": "list", "id": LIST}})
        if (call.method, call.path) == ("GET", f"/api/lists/{LIST}/profiles"):
            return self._list(call)
        job = re.fullmatch(rf"{JOB}/(\w+)(/import-errors)?", call.path)
        demand(call.method == "GET" and job and job[1] in self.jobs, 404, errors(404))
        return self._errors(job[1], call) if job[2] else self._job(job[1])

    def _import(self, told: Any) -> Reply:
        data = told["data"]
        demand(data["type"] == "profile-bulk-import-job" and set(data) <= {"type", "attributes", "relationships"},
               400, errors(400))  # fmt: skip
        profiles = [one["attributes"] for one in data["attributes"]["profiles"]["data"]]
        demand(0 < len(profiles) <= 10_000, 400, errors(400, "/data/attributes/profiles/data"))
        demand(
            data["relationships"]["lists"]["data"] == [{"type": "list", "id": LIST}] and not self.lost, 404, errors(404)
        )
        self.people(len(profiles))
        for number, one in enumerate(profiles):
            demand(set(one) <= {"email", "phone_number", "external_id"} and one, 400, errors(400))
            place = f"/data/attributes/profiles/data/{number}/attributes"
            demand(EMAIL.fullmatch(one.get("email", "a@b.c")), 400, errors(400, f"{place}/email"))
            demand(PHONE.fullmatch(one.get("phone_number", "+31612345678")), 400, errors(400, f"{place}/phone_number"))
        name = f"job{len(self.jobs)}"
        failed = [one for one in profiles if self.refused & set(one.values())]
        self.jobs[name] = {"failed": failed, "looks": 0, "total": len(profiles)}
        for one in profiles:
            if one not in failed:
                self.members.add(self._name(next(iter(one.values()))))
        return Reply(202, {"data": {"type": "profile-bulk-import-job", "id": name}})

    def _job(self, name: str) -> Reply:
        job = self.jobs[name]
        job["looks"] += 1
        counts = {"total_count": job["total"], "completed_count": 0, "failed_count": 0}
        if job["looks"] < 2:
            return Reply(200, {"data": {"id": name, "attributes": {"status": "processing", **counts}}})
        counts |= {"completed_count": job["total"] - len(job["failed"]), "failed_count": len(job["failed"])}
        return Reply(200, {"data": {"id": name, "attributes": {"status": "complete", **counts}}})

    def _errors(self, name: str, call: Call) -> Reply:
        """One on each page."""
        at = int(call.query.get("page[cursor]", ["0"])[0])
        failed = self.jobs[name]["failed"]
        told = [{"type": "import-error", "attributes": {"code": "invalid_email", "original_payload": failed[at]}}]
        following = f"http://127.0.0.1:{self.port}{call.path}?page%5Bcursor%5D={at + 1}"
        return Reply(200, {"data": told, "links": {"next": following if at + 1 < len(failed) else None}})

    def _name(self, value: str) -> str:
        return self.profiles.setdefault(value, f"P{len(self.profiles)}")

    def _list(self, call: Call) -> Reply:
        """Members, at most 100 on a page and here never more than two, with the fields that are asked for."""
        asked = {name: values[0] for name, values in call.query.items()}
        demand(set(asked) <= {"fields[profile]", "page[size]", "page[cursor]"}, 400, errors(400))
        demand(1 <= int(asked.get("page[size]", 20)) <= 100, 400, errors(400))
        fields = asked.get("fields[profile]", "email,phone_number").split(",")
        demand(set(fields) <= {"email", "phone_number"}, 400, errors(400))
        at, members = int(asked.get("page[cursor]", 0)), sorted(self.members)
        value_of = {name: value for value, name in self.profiles.items()}
        told = [{"type": "profile", "id": one, "attributes": self._fields(value_of[one], fields)} for one in members]
        more = [*((name, value) for name, value in asked.items() if name != "page[cursor]"), ("page[cursor]", at + 2)]
        following = f"http://127.0.0.1:{self.port}{call.path}?{urlencode(more)}" if at + 2 < len(told) else None
        return Reply(200, {"data": told[at : at + 2], "links": {"next": following}})

    def _fields(self, value: str, fields: list[str]) -> dict[str, str | None]:
        own = "email" if "@" in value else "phone_number"
        return {name: value if name == own else None for name in fields}

    def _leave(self, told: Any) -> Reply:
        demand(0 < len(told["data"]) <= 1000, 400, errors(400))
        demand(all(set(one) == {"type", "id"} and one["type"] == "profile" for one in told["data"]), 400, errors(400))
        demand({one["id"] for one in told["data"]} <= set(self.profiles.values()), 404, errors(404))
        self.members -= {one["id"] for one in told["data"]}
        return Reply(204)

    def _forget(self, told: Any) -> Reply:
        demand(told["data"]["type"] == "data-privacy-deletion-job", 400, errors(400))
        value = next(iter(told["data"]["attributes"]["profile"]["data"]["attributes"].values()))
        demand(value in self.profiles, 404, errors(404))
        self.members.discard(self.profiles.pop(value))
        return Reply(202)


SERVER = Klaviyo
