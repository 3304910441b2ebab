"""Models that were sealed under a key of before: a person vouches for them, and they are sealed anew.

A seal of another key counts for nothing by itself, since the usual reason for a new key is that the old one leaked.
"""

from __future__ import annotations

from jobs.config.keys import previous_keys
from jobs.config.settings import Settings
from jobs.errors import ModelRefused
from jobs.models.registry import Registry, Version


def reseal(by: str, settings: Settings) -> dict[str, list[str]]:
    """Seal every version anew whose files are as they were sealed under a key of `KLANTREIS_PREVIOUS_KEYS`.

    What was done and what was not, in words: versions that are sealed as they should be are in neither. Done again it
    changes nothing.
    """
    registry = Registry(settings)
    done, refused = [], []
    for name in settings.learned:
        for version in registry.versions(name):
            told = f"{name} version {version.number}"
            why = _refusal(registry, version, "")
            if not why:
                continue
            if any(not _refusal(registry, version, key) for key in previous_keys()):
                registry.reseal(version, by)
                done.append(told)
            else:
                refused.append(why)
    return {"sealed": done, "refused": refused}


def _refusal(registry: Registry, version: Version, key: str) -> str:
    """Why the files of a version are not as they were sealed under a key, of today if none; empty if they are."""
    try:
        registry.files(version, key)
    except ModelRefused as error:
        return str(error)
    return ""
