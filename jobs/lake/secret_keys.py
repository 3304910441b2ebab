"""Where the keys of keyed hashes are told, and what tells them apart without telling them."""

from __future__ import annotations

import hashlib

KEY, PREVIOUS = "KLANTREIS_HASH_KEY", "KLANTREIS_PREVIOUS_KEYS"
"""Environment variables: the key, and keys of before, several of them separated by blanks."""
SIGNING = "KLANTREIS_SIGNING_KEY"
"""Environment variable: the key of signatures, if it is another one."""


def mark_of(key: str) -> str:
    """Tells keys apart, and does not tell the key."""
    return hashlib.sha256(f"hash key|{key}".encode()).hexdigest()[:16]
