"""Custom Audiences of TikTok, by the streaming calls of its Business API.

TikTok wants e-mail in small letters without the tag after a plus, at every domain, and phone numbers as digits with the
country; both as SHA-256. It answers 200 also to what it refuses: its own `code` counts. A request is taken whole or not
at all and no row is named, so one that is refused is halved.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, cast

from jobs.activation.channel import Operation
from jobs.activation.channels.tiktok_ads.options import Options
from jobs.activation.http_api import Answer, HttpApi, Meanings, account
from jobs.activation.list_channel import Change, ListChannel, Taken
from jobs.activation.spelling import e164, one_address, sha256
from jobs.config.settings import Settings

HOST = "https://business-api.tiktok.com"


def _codes(status: int, body: Any) -> Sequence[str]:
    code = body.get("code", 0) if isinstance(body, dict) else 0
    return [f"code_{code}"] if code != 0 else []


MEANINGS = Meanings(
    _codes,
    {
        **dict.fromkeys(("code_40100", "code_40133"), "again"),  # asked too often
        **dict.fromkeys(("code_50000", "code_50002", "code_51010"), "again"),  # trouble of its own
        **dict.fromkeys(("code_40001", "code_40104", "code_40105", "code_40110"), "stop"),  # token, permission
    },
    maybe=frozenset({"code_50000", "code_50002", "code_51010"}),
)


def email_hash(email: str) -> str | None:
    """As TikTok spells e-mail."""
    found = one_address(email)
    user = found[0].partition("+")[0] if found else ""
    return sha256(f"{user}@{found[1]}") if found and user else None


def phone_hash(phone: str) -> str | None:
    """As TikTok spells numbers, of one in E.164."""
    number = e164(phone)
    return sha256(number.lstrip("+")) if number else None


class TikTokChannel(ListChannel):
    """One audience of one advertiser."""

    most = 1_000
    named = "TikTok"

    def __init__(self, audience: str, destination: str, settings: Settings) -> None:
        super().__init__(audience, destination, settings)
        self._told = cast(Options, self.options)
        base, token = account(destination, settings, HOST, "the access token")
        self.api = HttpApi(base, self._told, MEANINGS, {"Access-Token": token})
        self._root = f"/open_api/{self._told.version}"

    def rows(self, operation: Operation) -> list[tuple[str, str]]:
        emails = dict.fromkeys(found for one in operation.recipient.emails if (found := email_hash(one)))
        phones = dict.fromkeys(found for one in operation.recipient.phones if (found := phone_hash(one)))
        return list(zip_longest(emails, phones, fillvalue=""))

    def send(self, change: Change, rows: list[Any]) -> Answer:
        asked = {
            "advertiser_ids": [self._told.advertiser_id],
            "action": "add" if change == "add" else "delete",
            "id_schema": ["EMAIL_SHA256", "PHONE_SHA256"],
            "batch_data": [[self._identifier(value) for value in row] for row in rows],
        }
        return self.api.call("POST", f"{self._root}/segment/mapping/", json=asked)

    def taken(self, change: Change, answer: Answer, rows: list[Any]) -> Taken:
        if answer.body["code"] != 0:
            raise ValueError("done, and yet not")
        return Taken()

    def check(self) -> Answer:
        asked = {"advertiser_id": self._told.advertiser_id, "custom_audience_ids": json.dumps([self.list_id])}
        return self.api.call("GET", f"{self._root}/dmp/custom_audience/get/", params=asked)

    def _identifier(self, value: str) -> dict[str, Any]:
        return {"id": value, "audience_ids": [self.list_id]} if value else {}
