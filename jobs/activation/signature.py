"""The mark on what leaves with a message and comes back, by which it is known as ours: it cannot be made up."""

from __future__ import annotations

import hashlib
import hmac

from jobs.config.keys import accepted_keys, signing_key
from jobs.config.settings import Settings


def signature(use: str, text: str, settings: Settings, length: int = 32) -> str:
    """HMAC-SHA-256 of a text under the signing key of the company, its first `length` hex digits.

    One signed for one `use` is worth nothing for another.
    """
    return _signed(signing_key(settings), use, text, length)


def is_signed(given: str, use: str, text: str, settings: Settings, length: int = 32) -> bool:
    """Whether that is the signature of a text, made today or under a key of before."""
    return any(hmac.compare_digest(given, _signed(key, use, text, length)) for key in accepted_keys(settings))


def _signed(key: str, use: str, text: str, length: int) -> str:
    return hmac.new(key.encode(), f"{use}|{text}".encode(), hashlib.sha256).hexdigest()[:length]
