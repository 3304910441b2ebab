"""config/feedback.yaml: what comes back from what is sent: unsubscribes, preferences, bounces and complaints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, field_validator, model_validator

from jobs.config.sources.trust import strangers
from jobs.config.yaml_files import Strict, line_of, nearest

if TYPE_CHECKING:
    from jobs.config.identity import Identity
    from jobs.config.sources.source import Source

FILE = "feedback.yaml"
DATASETS = ("consents", "campaign_events")
"""Datasets that answers, and what mail servers report, become rows of."""


class SoftBounces(Strict):
    """Temporary refusals after which an address is not used any more."""

    number: int = Field(5, ge=1, description="messages that came back, by which the address counts as dead")
    days: int = Field(30, ge=1, le=365, description="within so many days")


class Mailbox(Strict):
    """A mailbox that bounces and complaints come to. Reports that were understood are deleted, all else is left."""

    connection: str = Field("", description="Airflow connection of an IMAP server (extra: {security: tls or none})")
    folder: str = Field("INBOX", description="folder on that server")
    maildir: str = Field("", description="instead of a server: a Maildir folder, below the home folder")

    @model_validator(mode="after")
    def _one_place(self) -> Mailbox:
        if bool(self.connection) == bool(self.maildir):
            raise ValueError("name a `connection` or a `maildir`, one of them")
        return self


class Events(Strict):
    """What a mail service reports, as JSON in the form of Amazon SES and SNS: in a folder, or posted to the page. Files
    that were read are deleted: they hold addresses."""

    folder: str = Field("", description="folder below the landing root, or s3://bucket/prefix")
    connection: str = Field("", description="Airflow connection of the S3 bucket")
    topic: str = Field(
        "",
        description="instead of a folder: ARN of the topic of Amazon SNS that posts to `events/NAME` of the page",
        pattern=r"^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})?$",
    )

    @model_validator(mode="after")
    def _one_place(self) -> Events:
        if bool(self.folder) == bool(self.topic):
            raise ValueError("name a `folder` or a `topic`, one of them")
        return self


class OpensAndClicks(Strict):
    """What is measured of e-mail, of people who said yes to it and nobody else: others get plain links, no picture."""

    purpose: str | None = Field(
        description="purpose of config/identity.yaml that people have to say yes to, over the channel; null: nothing "
        "is measured any more, and links of messages that were sent still lead to their targets"
    )
    opens: bool = Field(
        False, description="put a picture of one point in messages, which is asked for when they are read"
    )
    links: dict[str, str] = Field({}, description="targets by name: `{{ links.NAME }}` in a template, https only")

    @field_validator("links")
    @classmethod
    def _safe(cls, links: dict[str, str]) -> dict[str, str]:
        for name, target in links.items():
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
                raise ValueError(f"{name!r} is no name for a link: use small letters, digits and _")
            if not re.fullmatch(r"https://[a-z0-9.-]+(:[0-9]+)?(/[!-;=?-~]*)?", target):
                raise ValueError(f"{name}: {target!r} is no address to lead to; use https://shop.example/page")
        return links


class Named(Strict):
    """What a purpose or channel is called on the page; default: its name."""

    en: str = ""
    nl: str = ""


class Feedback(Strict):
    """config/feedback.yaml. Without the file the page is there too; answers are on the suppression list only."""

    source: str = Field("", description="source of config/sources that reads the answers, as any other file that lands")
    links_valid_days: int = Field(365, ge=60, le=3650, description="days after the message in which its links work")
    soft_bounces: SoftBounces = SoftBounces()
    mailboxes: dict[str, Mailbox] = {}
    events: dict[str, Events] = {}
    opens_and_clicks: OpensAndClicks | None = Field(None, description="what is measured of messages; default: nothing")
    purposes: dict[str, Named] = Field({}, description="what purposes of config/identity.yaml are called on the page")
    channels: dict[str, Named] = Field({}, description="what channels are called on the page")


def problems(path: Path, feedback: Feedback, sources: Mapping[str, Source], identity: Identity) -> list[str]:
    """Names that are nowhere else, and a source that could not read the answers: file, line, key, what to do."""

    def place(*keys: str) -> str:
        return f"{path}:{line_of(path, *keys)}: {'.'.join(keys)}"

    found = []
    source = sources.get(feedback.source)
    if feedback.source and source is None:
        found.append(f"{place('source')}: no source {feedback.source!r}{nearest(feedback.source, sources)}")
    if source is not None and (missing := [name for name in DATASETS if name not in source.datasets]):
        found.append(
            f"{place('source')}: source {feedback.source!r} does not read {missing[0]}; see the guide, feedback"
        )
    apart = sorted(strangers(sources))
    if source is not None and apart and not missing:
        found += [
            f"{place('source')}: source {feedback.source!r} does not map ids_of of {name}, and {apart[0]!r} has people "
            "of its own (trust.identifies), whose answers would count for somebody else; add `ids_of: ids_of`"
            for name in DATASETS
            if "ids_of" not in source.datasets[name].columns
        ]
    if not feedback.source and (feedback.mailboxes or feedback.events):
        found.append(f"{path}: key 'source' is missing: the source that reads what mailboxes and events tell; add it")
    asked = feedback.opens_and_clicks
    if asked and asked.purpose is not None and asked.purpose not in identity.purposes:
        near = nearest(asked.purpose, identity.purposes)
        found.append(
            f"{place('opens_and_clicks', 'purpose')}: no purpose {asked.purpose!r} in config/identity.yaml{near}"
        )
    for key, known in (("purposes", identity.purposes), ("channels", identity.contact_channels)):
        given: dict[str, Named] = getattr(feedback, key)
        found += [
            f"{place(key, name)}: unknown name{nearest(name, known)}; config/identity.yaml has the names"
            for name in given
            if name not in known
        ]
    return found
