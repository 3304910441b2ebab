"""Lists of Klaviyo.

People are put on a list by an import job, whose outcome is asked for later. Neither an import nor leaving a list
changes anybody's consent: the calls that subscribe would lift suppressions, so they are not used. A removal needs the
ids of profiles, which Klaviyo tells without an address in an URL only one by one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from jobs.activation.channel import Operation
from jobs.activation.channels.klaviyo.options import Options
from jobs.activation.http_api import Answer, HttpApi, Meanings, account, code_of
from jobs.activation.list_channel import Change, ListChannel, Taken
from jobs.activation.spelling import plain
from jobs.config.settings import Settings

log = logging.getLogger(__name__)
HOST = "https://a.klaviyo.com"
JOBS = "/api/profile-bulk-import-jobs"
MOST_REMOVED = 1000
"""Profiles that leave a list in one request."""

FIELDS = {"email": "email", "phone": "phone_number"}


def _errors(body: Any) -> list[dict[str, Any]]:
    found = body.get("errors") if isinstance(body, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


MEANINGS = Meanings(lambda status, body: [str(one.get("code")) for one in _errors(body)], {"throttled": "again"})


class KlaviyoChannel(ListChannel):
    """One list. A person is one profile there: the first address, else the first number."""

    most = 10_000
    named = "Klaviyo"
    erases_by = "erase"

    def __init__(self, audience: str, destination: str, settings: Settings) -> None:
        super().__init__(audience, destination, settings)
        told = cast(Options, self.options)
        base, key = account(destination, settings, HOST, "the private API key")
        kind = "application/vnd.api+json"
        headers = {"Authorization": f"Klaviyo-API-Key {key}", "revision": told.revision, "Accept": kind}
        headers["Content-Type"] = kind
        faster = {"requests_per_second": told.profiles_per_second}
        self.api = HttpApi(base, told, MEANINGS, headers)
        self._profiles = HttpApi(base, told.model_copy(update=faster), MEANINGS, headers)

    def close(self) -> None:
        super().close()
        self._profiles.close()

    def rows(self, operation: Operation) -> list[dict[str, str]]:
        told = plain(operation.recipient.emails, operation.recipient.phones)
        profiles = [{FIELDS[kind]: value} for kind, value in told]
        return profiles[:1] if operation.action == "add" else profiles

    def send(self, change: Change, rows: list[Any]) -> Answer:
        if change == "erase":
            return self.each(rows, self._forget)
        if change == "remove":
            return self._remove(rows)
        profiles = [{"type": "profile", "attributes": row} for row in rows]
        job = {
            "type": "profile-bulk-import-job",
            "attributes": {"profiles": {"data": profiles}},
            "relationships": {"lists": {"data": [{"type": "list", "id": self.list_id}]}},
        }
        return self.api.call("POST", JOBS, json={"data": job})

    def taken(self, change: Change, answer: Answer, rows: list[Any]) -> Taken:
        return Taken(request_id=answer.body["data"]["id"]) if change == "add" else Taken(answer.body)

    def wrong(self, answer: Answer, rows: list[Any]) -> Mapping[int, str]:
        """It points at the profile: `/data/attributes/profiles/data/3/attributes/email`."""
        named = {}
        for one in _errors(answer.body):
            pointer = str((one.get("source") or {}).get("pointer", "")).split("/")
            if pointer[1:5] == ["data", "attributes", "profiles", "data"] and pointer[5:6] and pointer[5].isdigit():
                named[int(pointer[5])] = code_of(one.get("code")) or "invalid"
        return {number: code for number, code in named.items() if number < len(rows)}

    def look(self, request_id: str, rows: list[Any]) -> Taken | None:
        answer = self.api.call("GET", f"{JOBS}/{request_id}")
        if answer.meaning != "done":
            log.warning("The import job %s of Klaviyo cannot be read: %s", request_id, answer.code)
            return None
        told = answer.body["data"]["attributes"]
        if told["status"] in ("cancelled", "failed"):
            return Taken(some=len(rows), why=told["status"])
        if told["status"] != "complete":
            return None
        failed = int(told.get("failed_count") or 0)
        return self._failed(request_id, rows, failed) if failed else Taken()

    def check(self) -> Answer:
        return self.api.call("GET", f"/api/lists/{self.list_id}")

    def _failed(self, request_id: str, rows: list[Any], failed: int) -> Taken | None:
        """The rows that an import refused, of its pages of errors; only their number if those do not name them all."""
        place = {value: number for number, row in enumerate(rows) for value in row.values()}
        named: dict[int, str] = {}
        page: dict[str, Any] = {}
        while True:
            answer = self.api.call("GET", f"{JOBS}/{request_id}/import-errors", params=page)
            if answer.meaning != "done":
                return None
            for one in answer.body["data"]:
                payload, code = one["attributes"].get("original_payload") or {}, one["attributes"].get("code")
                number = next((place[v] for v in (payload.get(f) for f in FIELDS.values()) if v in place), None)
                if number is not None:
                    named[number] = code_of(code) or "failed"
            following = (answer.body.get("links") or {}).get("next")
            if not following:
                break
            page = parse_qs(urlsplit(following).query)
        return Taken(named) if len(named) >= failed else Taken(some=min(failed, len(rows)), why="failed")

    def _remove(self, rows: list[Any]) -> Answer:
        ids: list[dict[str, str]] = []

        def find(row: dict[str, str]) -> Answer:
            found = self._profiles.call("POST", "/api/profile-import", json=_profile(row))
            if found.meaning == "done":
                ids.append({"type": "profile", "id": found.body["data"]["id"]})
            return found

        answer = self.each(rows, find)
        for start in range(0, len(ids) if answer.meaning == "done" else 0, MOST_REMOVED):
            asked = {"data": ids[start : start + MOST_REMOVED]}
            left = self.api.call("DELETE", f"/api/lists/{self.list_id}/relationships/profiles", json=asked)
            if left.meaning != "done":
                return left
        return answer

    def _forget(self, row: dict[str, str]) -> Answer:
        job = {"type": "data-privacy-deletion-job", "attributes": {"profile": _profile(row)}}
        return self.api.call("POST", "/api/data-privacy-deletion-jobs", or_gone=True, json={"data": job})


def _profile(row: dict[str, str]) -> dict[str, Any]:
    return {"data": {"type": "profile", "attributes": row}}
