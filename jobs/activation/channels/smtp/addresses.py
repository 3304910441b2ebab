"""E-mail addresses as they are written in SMTP commands and headers."""

from __future__ import annotations

import re

import idna

_PLAIN = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")
"""One address without quotes: nothing that could end a header or a command, or make two addresses of it."""


def wire_address(address: str) -> str | None:
    """The address with its domain as the internet knows it (`jan@bücher.example` is `jan@xn--bcher-kva.example`).

    None if it cannot be used: what is before the @ has no other way to be written, and few servers take it as it is.
    """
    user, _, domain = address.rpartition("@")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    found = f"{user}@{domain}"
    return found if _PLAIN.fullmatch(found) else None
