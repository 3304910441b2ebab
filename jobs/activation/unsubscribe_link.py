"""The link of a one-click unsubscribe (RFC 8058): it names nobody and cannot be forged.

It carries the id of the operation that sent the message, and a signature.
"""

from __future__ import annotations

import hashlib
import hmac

from jobs.config.settings import Settings


def unsubscribe_link(page: str, operation_id: str, settings: Settings) -> str:
    """The address of the page with the token of that operation."""
    separator = "&" if "?" in page else "?"
    return f"{page}{separator}t={operation_id}.{_signature(operation_id, settings)}"


def operation_of(token: str, settings: Settings) -> str | None:
    """The operation that a token names; None if it is forged."""
    operation_id, _, signature = token.partition(".")
    right = _signature(operation_id, settings)
    return operation_id if hmac.compare_digest(signature.encode(errors="replace"), right.encode()) else None


def _signature(operation_id: str, settings: Settings) -> str:
    key = settings.hash_key().encode()
    return hmac.new(key, f"unsubscribe|{operation_id}".encode(errors="replace"), hashlib.sha256).hexdigest()[:32]
