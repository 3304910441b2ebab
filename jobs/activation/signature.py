"""The mark on what leaves with a message and comes back, by which it is known as ours: it cannot be made up."""

from __future__ import annotations

import hashlib
import hmac

from jobs.config.settings import Settings


def signature(use: str, text: str, settings: Settings, length: int = 32) -> str:
    """HMAC-SHA-256 of a text under the hash key of the company, its first `length` hex digits.

    One signed for one `use` is worth nothing for another.
    """
    return hmac.new(settings.hash_key().encode(), f"{use}|{text}".encode(), hashlib.sha256).hexdigest()[:length]
