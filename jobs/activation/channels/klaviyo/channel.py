"""Lists of Klaviyo.

People are put on a list by an import job, whose outcome is asked for later. Neither an import nor leaving a list
changes anybody's consent: the calls that subscribe would lift suppressions, so they are not used. A removal needs the
ids of profiles. The call that tells one by an address in its body makes a profile of who has none, so that taking
somebody off would bring them in; filters have the address in the URL. So the list itself is read, page by page, until
everybody who is to leave is found: who is not on it has left.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from jobs.activation import stopping
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

ON_A_PAGE = 100
"""Profiles of a list that are told at once."""

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
        self.api, self._profiles, self._deletions = (
            HttpApi(base, told.model_copy(update={"requests_per_second": pace}), MEANINGS, headers)
            for pace in (told.requests_per_second, told.profiles_per_second, told.deletions_per_second)
        )

    def close(self) -> None:
        for api in (self.api, self._profiles, self._deletions):
            api.close()

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
        for answer in self._pages(self.api, f"{JOBS}/{request_id}/import-errors"):
            if answer.meaning != "done":
                return None
            for one in answer.body["data"]:
                payload, code = one["attributes"].get("original_payload") or {}, one["attributes"].get("code")
                number = next((place[v] for v in (payload.get(f) for f in FIELDS.values()) if v in place), None)
                if number is not None:
                    named[number] = code_of(code) or "failed"
        return Taken(named) if len(named) >= failed else Taken(some=min(failed, len(rows)), why="failed")

    def _pages(self, api: HttpApi, path: str, **asked: str) -> Iterator[Answer]:
        """The pages of an answer, up to one that is none. Raises ValueError if they do not end."""
        seen: set[str] = set()
        while True:
            answer = api.call("GET", path, params=asked)
            yield answer
            following = (answer.body.get("links") or {}).get("next") if answer.meaning == "done" else None
            if not following:
                return
            if following in seen:
                raise ValueError("pages in a circle")
            seen.add(following)
            asked = {name: values[0] for name, values in parse_qs(urlsplit(following).query).items()}

    def _remove(self, rows: list[Any]) -> Answer:
        ids: set[str] = set()
        wanted = {(field, value.lower()) for row in rows for field, value in row.items()}
        members = f"/api/lists/{self.list_id}/profiles"
        asked = {"fields[profile]": ",".join(FIELDS.values()), "page[size]": str(ON_A_PAGE)}
        for answer in self._pages(self._profiles, members, **asked):
            if answer.meaning != "done":
                return answer
            for one in answer.body["data"]:
                told = {(field, (one["attributes"].get(field) or "").lower()) for field in FIELDS.values()}
                if found := told & wanted:
                    ids.add(one["id"])
                    wanted -= found
            if not wanted:
                break
            if stopping.ASKED.is_set():
                return Answer("again", "told to end")
        leaving = sorted(ids)
        for start in range(0, len(leaving), MOST_REMOVED):
            those = [{"type": "profile", "id": one} for one in leaving[start : start + MOST_REMOVED]]
            left = self.api.call("DELETE", f"/api/lists/{self.list_id}/relationships/profiles", json={"data": those})
            if left.meaning != "done":
                return left
        return Answer("done", body={})

    def _forget(self, row: dict[str, str]) -> Answer:
        profile = {"data": {"type": "profile", "attributes": row}}
        job = {"type": "data-privacy-deletion-job", "attributes": {"profile": profile}}
        return self._deletions.call("POST", "/api/data-privacy-deletion-jobs", or_gone=True, json={"data": job})
