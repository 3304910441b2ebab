"""Custom Audiences of Meta, by its Graph API.

Meta wants e-mail trimmed and in small letters (dots and tags stay), and phone numbers as digits with the country and no
leading zeros; both as SHA-256. It says how many rows it refused and not which, so a request of which some were is
halved: adding and removing twice is harmless. Everything travels in the body, also of a removal.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, cast

from jobs.activation.channel import Operation
from jobs.activation.channels.meta_ads.options import Options
from jobs.activation.http_api import Answer, HttpApi, Meaning, Meanings, account
from jobs.activation.list_channel import Change, ListChannel, Taken
from jobs.activation.spelling import e164, one_address, sha256
from jobs.config.settings import Settings

HOST = "https://graph.facebook.com"
TABLE: dict[str, Meaning] = {
    **dict.fromkeys(("error_4", "error_17", "error_32", "error_613", "error_80003"), "again"),  # asked too often
    **dict.fromkeys(("error_1", "error_2", "error_341", "error_5000"), "again"),  # passes by itself
    **dict.fromkeys(("error_10", "error_190", "error_200", "error_368"), "stop"),  # token, permission, policy
    "error_100.1713230": "stop",  # the account is blocked for integrity
    "error_2650.1870145": "again",  # another update of the audience is going on
}


def _codes(status: int, body: Any) -> Sequence[str]:
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return []
    return [f"error_{error.get('code')}.{error.get('error_subcode')}", f"error_{error.get('code')}"]


def _wait(headers: Mapping[str, str]) -> float:
    """What Meta says of when it may be asked again, in minutes, per account."""
    try:
        usage = json.loads(headers.get("X-Business-Use-Case-Usage", "{}"))
        minutes = [one.get("estimated_time_to_regain_access", 0) for found in usage.values() for one in found]
        return 60.0 * max(minutes, default=0)
    except (ValueError, AttributeError, TypeError):
        return 0.0


MEANINGS = Meanings(_codes, TABLE, _wait, frozenset({"error_1", "error_2", "error_5000"}))


def email_hash(email: str) -> str | None:
    """As Meta spells e-mail."""
    found = one_address(email)
    return sha256("@".join(found)) if found else None


def phone_hash(phone: str) -> str | None:
    """As Meta spells numbers, of one in E.164."""
    number = e164(phone)
    return sha256(number.lstrip("+0")) if number else None


class MetaChannel(ListChannel):
    """One Custom Audience."""

    most = 10_000
    named = "Meta"
    erases_by = "erase"

    def __init__(self, audience: str, destination: str, settings: Settings) -> None:
        super().__init__(audience, destination, settings)
        self._told = cast(Options, self.options)
        base, token = account(destination, settings, HOST, "the access token of a system user")
        self.api = HttpApi(base, self._told, MEANINGS, {"Authorization": f"Bearer {token}"})

    def rows(self, operation: Operation) -> list[list[str]]:
        emails = [found for one in operation.recipient.emails if (found := email_hash(one))]
        phones = [found for one in operation.recipient.phones if (found := phone_hash(one))]
        return [list(row) for row in zip_longest(emails, phones, fillvalue="")]

    def send(self, change: Change, rows: list[Any]) -> Answer:
        schema = ["EMAIL", "PHONE"]
        payload: dict[str, Any] = {"schema": schema, "data": rows}
        if self._told.limited_data_use and change == "add":
            payload |= {"data_processing_options": ["LDU"], "data_processing_options_country": 0}
            payload |= {"data_processing_options_state": 0}
        session = {"session_id": secrets.randbits(62) + 1, "batch_seq": 1, "last_batch_flag": True}
        form = {"payload": json.dumps(payload), "session": json.dumps(session | {"estimated_num_total": len(rows)})}
        place = f"{self.list_id}/users"
        if change == "erase" and self._told.account_id:
            place = f"act_{self._told.account_id}/usersofanyaudience"
        if change != "add":
            form["method"] = "DELETE"
        return self.api.call("POST", f"/{self._told.version}/{place}", data=form)

    def taken(self, change: Change, answer: Answer, rows: list[Any]) -> Taken:
        missing = len(rows) - int(answer.body["num_received"])
        refused = int(answer.body.get("num_invalid_entries", 0)) + max(0, missing)
        return Taken(some=min(refused, len(rows)), why="invalid_entries")

    def check(self) -> Answer:
        return self.api.call("GET", f"/{self._told.version}/{self.list_id}", params={"fields": "id,operation_status"})
