"""Lists of Brevo.

People are put on a list by an import, whose outcome is asked for later: a report names the addresses it refused. The
import says nothing about who is blocked: who unsubscribed stays so. Brevo takes an address to delete only in the URL,
where it would stay in logs: who asks to be forgotten is taken off the list, and their contact is left to a person.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any, cast

from jobs.activation.channel import Operation
from jobs.activation.channels.brevo.options import Options
from jobs.activation.http_api import Answer, HttpApi, Meanings, account
from jobs.activation.list_channel import Change, ListChannel, Taken
from jobs.activation.spelling import addresses
from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError

log = logging.getLogger(__name__)
HOST = "https://api.brevo.com"
MOST_REMOVED = 150
"""Addresses that leave a list in one request."""


def _codes(status: int, body: Any) -> Sequence[str]:
    return [body["code"]] if isinstance(body, dict) and status >= 400 and "code" in body else []


MEANINGS = Meanings(
    _codes,
    {"unauthorized": "stop", "permission_denied": "stop", "not_enough_credits": "stop", "document_not_found": "stop"},
)


class BrevoChannel(ListChannel):
    """One list. A person is one contact there: the first address."""

    most = 10_000
    named = "Brevo"

    def __init__(self, audience: str, destination: str, settings: Settings) -> None:
        super().__init__(audience, destination, settings)
        told = cast(Options, self.options)
        if not self.list_id.isdigit():
            raise ConfigError([f"audience {audience}: list_id {self.list_id!r} of Brevo is a number"])
        base, key = account(destination, settings, HOST, "the API key")
        self.api = HttpApi(base, told, MEANINGS, {"api-key": key})
        self._contacts = f"/{told.version}/contacts"
        self._list = f"{self._contacts}/lists/{self.list_id}"
        self._processes = f"/{told.version}/processes"

    def rows(self, operation: Operation) -> list[str]:
        emails = addresses(operation.recipient.emails)
        return emails[:1] if operation.action == "add" else emails

    def send(self, change: Change, rows: list[Any]) -> Answer:
        if change == "add":
            asked = {
                "jsonBody": [{"email": email} for email in rows],
                "listIds": [int(self.list_id)],
                "updateExistingContacts": True,
                "emptyContactsAttributes": False,
                "disableNotification": True,
            }
            return self.api.call("POST", f"{self._contacts}/import", json=asked)
        for start in range(0, len(rows), MOST_REMOVED):
            asked = {"emails": rows[start : start + MOST_REMOVED]}
            answer = self.api.call("POST", f"{self._list}/contacts/remove", json=asked)
            if answer.meaning != "done" and not _none_was_there(answer):
                return answer
            if answer.meaning == "done" and "contacts" not in answer.body:
                raise ValueError("no answer of Brevo")
        return Answer("done")

    def taken(self, change: Change, answer: Answer, rows: list[Any]) -> Taken:
        return Taken(request_id=str(int(answer.body["processId"]))) if change == "add" else Taken()

    def look(self, request_id: str, rows: list[Any]) -> Taken | None:
        answer = self.api.call("GET", f"{self._processes}/{request_id}")
        if answer.meaning != "done":
            log.warning("The import %s of Brevo cannot be read: %s", request_id, answer.code)
            return None
        if answer.body["status"] in ("failed", "cancelled"):
            return Taken(some=len(rows), why=answer.body["status"])
        if answer.body["status"] != "completed":
            return None
        report = ((answer.body.get("info") or {}).get("import") or {}).get("invalid_emails")
        return self._refused(report, rows) if report else Taken()

    def check(self) -> Answer:
        return self.api.call("GET", self._list)

    def _refused(self, report: str, rows: list[Any]) -> Taken | None:
        """The rows whose address is in the report, which lies elsewhere and is fetched without the API key."""
        text = self.api.fetch(report)
        if text is None:
            return None
        named = set(re.split(r'[\s,;"]+', text.lower()))
        refused = {number: "invalid_email" for number, email in enumerate(rows) if email in named}
        lines = len([line for line in text.splitlines()[1:] if line.strip()])
        return Taken(refused) if refused else Taken(some=min(lines, len(rows)), why="invalid_email")


def _none_was_there(answer: Answer) -> bool:
    """Whether a removal was refused because nobody of it is on the list, which is what was wanted."""
    told = answer.body.get("message", "") if isinstance(answer.body, dict) else ""
    return answer.code == "400 invalid_parameter" and "does not exist" in told
