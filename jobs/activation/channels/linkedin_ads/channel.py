"""DMP segments of LinkedIn.

LinkedIn wants e-mail without any blanks and in small letters, as SHA-256, and takes no phone numbers. Its answer of 200
has a status for each row, and those count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

from jobs.activation.channel import Operation
from jobs.activation.channels.linkedin_ads.options import Options
from jobs.activation.http_api import Answer, HttpApi, Meanings, account, code_of
from jobs.activation.list_channel import Change, ListChannel, Taken
from jobs.activation.spelling import one_address, sha256
from jobs.config.settings import Settings

HOST = "https://api.linkedin.com"
ENDED = ("EXPIRED", "FAILED", "ERROR")
"""States of a segment that nobody can be reached by."""


def _codes(status: int, body: Any) -> Sequence[str]:
    return [body["code"]] if status >= 400 and isinstance(body, dict) and "code" in body else []


MEANINGS = Meanings(_codes, {"426": "stop"})  # a version that is no more


def email_hash(email: str) -> str | None:
    """As LinkedIn spells e-mail."""
    found = one_address(re.sub(r"\s", "", email))
    return sha256("@".join(found)) if found else None


class LinkedInChannel(ListChannel):
    """One segment."""

    most = 5_000
    named = "LinkedIn"

    def __init__(self, audience: str, destination: str, settings: Settings) -> None:
        super().__init__(audience, destination, settings)
        told = cast(Options, self.options)
        base, token = account(destination, settings, HOST, "the access token")
        headers = {
            "Authorization": f"Bearer {token}",
            "LinkedIn-Version": told.version,
            "X-Restli-Protocol-Version": "2.0.0",
        }
        self.api = HttpApi(base, told, MEANINGS, headers)
        self._segment = f"/rest/dmpSegments/{self.list_id}"

    def rows(self, operation: Operation) -> list[str]:
        return list(dict.fromkeys(found for one in operation.recipient.emails if (found := email_hash(one))))

    def send(self, change: Change, rows: list[Any]) -> Answer:
        action = "ADD" if change == "add" else "REMOVE"
        elements = [{"action": action, "userIds": [{"idType": "SHA256_EMAIL", "idValue": row}]} for row in rows]
        headers = {"X-RestLi-Method": "BATCH_CREATE"}
        return self.api.call("POST", f"{self._segment}/users", headers=headers, json={"elements": elements})

    def taken(self, change: Change, answer: Answer, rows: list[Any]) -> Taken:
        refused = {}
        for number, told in enumerate(answer.body["elements"][number] for number in range(len(rows))):
            status = int(told["status"])
            if not 200 <= status < 300 and not (status == 404 and change != "add"):
                refused[number] = f"{status} {code_of((told.get('error') or {}).get('code'))}".strip()
        return Taken(refused)

    def check(self) -> Answer:
        answer = self.api.call("GET", self._segment)
        status = answer.body.get("status") if answer.meaning == "done" and isinstance(answer.body, dict) else None
        return Answer("refused", status) if status in ENDED else answer
