"""How Google wants identifiers of people spelled and hashed.

Google Data Manager API, "Format user data": e-mail lower case without blanks; at gmail.com and googlemail.com
without dots and without the tag after a plus; phone in E.164 with plus; SHA-256, hex. Other channels want other
spellings, so nothing here is shared with them. Tests compare with Google's own `google-ads-datamanager-util`.
"""

from __future__ import annotations

import hashlib
import re

VERSION = "google-1"
"""Part of every fingerprint: a new spelling rule means sending again."""

MOST = 10
"""Identifiers the API takes per person."""

_GMAIL = ("gmail.com", "googlemail.com")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def email_hash(email: str) -> str | None:
    """The hash of an e-mail address; None if there is nothing in it to match on."""
    user, at, domain = email.strip().lower().partition("@")
    if domain in _GMAIL:
        user = user.split("+")[0].replace(".", "")
    if (
        not at
        or not user
        or not domain
        or "@" in domain
        or re.search(r"\s", user + domain)
        or not email.strip().isprintable()
    ):
        return None
    return _sha256(f"{user}@{domain}")


def phone_hash(phone: str) -> str | None:
    """The hash of a phone number in E.164; None for any other spelling: guessing a country would match strangers."""
    return _sha256(phone) if _E164.fullmatch(phone) else None


def hashes(emails: tuple[str, ...], phones: tuple[str, ...]) -> list[tuple[str, str]]:
    """(field of UserIdentifier, hash) of all usable identifiers, e-mail first, at most what the API takes."""
    found = [("email_address", email_hash(email)) for email in emails]
    found += [("phone_number", phone_hash(phone)) for phone in phones]
    return list(dict.fromkeys((kind, value) for kind, value in found if value))[:MOST]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
