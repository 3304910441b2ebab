"""A person decides about a version: makes it champion, with a name and a reason that stay with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from jobs.config.asked import approved
from jobs.config.settings import Settings
from jobs.errors import ModelRefused
from jobs.models.registry import Registry, Version

AWAITS = "awaiting approval"


def promote(
    name: str, number: str, by: str, because: str, settings: Settings, although_refused: bool = False
) -> dict[str, str]:
    """Make a version champion. Raises ModelRefused if there is no such version, its files are not those registered, or
    the gate refused it and the person did not say that this is known."""
    registry = Registry(settings)
    version = next((one for one in registry.versions(name) if one.number == number), None)
    if version is None:
        known = ", ".join(one.number for one in registry.versions(name)) or "none"
        raise ModelRefused(f"model {name} has no version {number}; it has: {known}")
    champion = registry.champion(name)
    if champion and champion.number == number:
        return {"model": name, "champion": number, "was": number}
    if version.tags.get("decision") == "refused" and not although_refused:
        raise ModelRefused(
            f"model {name} version {number} was refused: {version.tags.get('reason', '')}. If you know better, say so "
            "with --although-refused"
        )
    registry.files(version)
    registry.approve(version, by, because)
    return {"model": name, "champion": number, "was": champion.number if champion else ""}


def waiting(settings: Settings) -> list[Version]:
    """The newest version of each model, where it waits for a person."""
    registry = Registry(settings)
    newest = [versions[0] for name in settings.learned if (versions := registry.versions(name))]
    return [version for version in newest if version.tags.get("decision") == AWAITS]


def questions(day: date, settings: Settings) -> list[dict[str, str]]:
    """What waits for a person, as questions: model, version, subject and body (Markdown)."""
    return [
        {
            "model": version.name,
            "version": version.number,
            "subject": f"Use version {version.number} of {settings.learned[version.name].title} ({version.name})?",
            "body": f"Trained for {version.tags['day']}; it passed every check.\n\n"
            + "\n".join(f"- {one}" for one in version.tags["reason"].split("; "))
            + f"\n\n`klantreis models show {version.name}` and MLflow tell more. Scores change at the next scoring.",
        }
        for version in waiting(settings)
    ]


def keep(
    asked: Sequence[Mapping[str, str]], given: Sequence[Mapping[str, Any]], day: date, settings: Settings
) -> dict[str, int]:
    """Carry out what was answered, in the order of the questions."""
    given_a_yes = list(approved(asked, given))
    for yes in given_a_yes:
        promote(yes.question["model"], yes.question["version"], yes.by, yes.because, settings)
    return {"asked": len(asked), "approved": len(given_a_yes)}
