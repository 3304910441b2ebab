"""What the spellings of all channels share. How an address is written before it is hashed is each channel's own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_BLANK = re.compile(r"\s")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def sha256(text: str | None) -> str | None:
    """The hash of what there is; None for nothing: the hash of an empty text is the same for everybody."""
    return hashlib.sha256(text.encode()).hexdigest() if text else None


def one_address(email: str) -> tuple[str, str] | None:
    """What is before and after the @ of an address that can be one, trimmed and in small letters; None for any other
    text, such as a hash: nobody can say what it was made of, and hashed again it matches nobody."""
    address = email.strip().lower()
    user, _, domain = address.partition("@")
    seen = address.isprintable() and not _BLANK.search(address)  # what nobody sees makes another hash of it
    return (user, domain) if user and domain and "@" not in domain and seen else None


def addresses(emails: Iterable[str]) -> list[str]:
    """All that can be addresses, trimmed and in small letters, in their order."""
    return ["@".join(found) for one in emails if (found := one_address(one))]


def plain(emails: Iterable[str], phones: Iterable[str]) -> list[tuple[str, str]]:
    """(email or phone, value) of all that can be used, as they are written everywhere."""
    told = [("email", address) for address in addresses(emails)]
    return list(dict.fromkeys([*told, *(("phone", number) for one in phones if (number := e164(one)))]))


def e164(phone: str) -> str | None:
    """A phone number in E.164; None for any other spelling: guessing a country would match strangers."""
    return phone if _E164.fullmatch(phone) else None
