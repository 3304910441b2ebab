"""Only texts that a person approved of are sent, where the company or the action asks for it."""

from __future__ import annotations

from jobs.activation.channels.types import type_of
from jobs.config.settings import Settings
from jobs.content import approval

NOT_APPROVED = "content_not_approved"
"""Reason of a skip: nobody approved of a text that the message could be written with."""


def waiting(audience: str, destination: str, settings: Settings) -> list[str]:
    """Why the action may not write there yet, with what to do: texts to be approved of, and what may never be sent."""
    told = not_approved(audience, destination, settings)
    brand, template = settings.content.rules.brand, settings.audiences[audience].send_to[destination].template
    if template is not None and (brand.forbidden or brand.required):
        from jobs.content.brand import problems  # loads Jinja

        files = approval.files_of(template, type_of(destination, settings).templates, settings.folder)
        told += problems(settings, files, tone=False)
    return told


def not_approved(audience: str, destination: str, settings: Settings) -> list[str]:
    """What has to be approved of before the action may write there: file, why, what to do."""
    declared = settings.audiences[audience]
    template = declared.send_to[destination].template
    if template is None or not approval.asked(declared, template, settings):
        return []
    return approval.waiting(template, type_of(destination, settings).templates, settings)


def used_by(settings: Settings) -> dict[str, list[str]]:
    """Files of config/templates to the actions that write with them, those that others include among them."""
    from jobs.content.templates import with_referenced  # loads Jinja

    found: dict[str, list[str]] = {}
    for name, audience in settings.audiences.items():
        mine: set[str] = set()
        for destination, delivery in audience.send_to.items():
            if delivery.template is not None:
                endings = type_of(destination, settings).templates
                files = approval.files_of(delivery.template, endings, settings.folder)
                mine.update(with_referenced(files, settings.folder)[0])
        for one in sorted(mine):
            found.setdefault(one, []).append(name)
    return found
