"""The keys of a company besides the one its lake is hashed under: one for what it signs, and those of before.

A link in a message, an address that mail comes back to and the hash of somebody who was forgotten all outlive the key
they were made with. What is made is made under the keys of today; what comes back counts under any that is listed.
"""

from __future__ import annotations

import os
from dataclasses import replace

from jobs.config.settings import Settings
from jobs.lake.secret_keys import PREVIOUS, SIGNING


def previous_keys() -> list[str]:
    """Keys of before, of hashes and of signatures."""
    return os.environ.get(PREVIOUS, "").split()


def signing_key(settings: Settings) -> str:
    """Of what is signed from now on; the hash key where none is set."""
    return os.environ.get(SIGNING) or settings.hash_key()


def accepted_keys(settings: Settings) -> list[str]:
    """Keys under which what was signed counts."""
    return list(dict.fromkeys([signing_key(settings), settings.hash_key(), *previous_keys()]))


def under_previous_keys(settings: Settings) -> list[Settings]:
    """The settings as they hash under each key of before."""
    return [replace(settings, other_key=key) for key in previous_keys() if key != settings.hash_key()]
