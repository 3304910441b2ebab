"""config/content.yaml: what holds for every text that is sent. config/templates/approvals.yaml: who approved of which.

An approval is of exactly one text, by its hash: a file that is changed by one letter needs another. The newest
approval of a file counts, so what was approved before it does not come back by itself. To take one back, remove it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field

from jobs.config.brand import Brand
from jobs.config.decisions import Dated, Text
from jobs.config.yaml_files import Strict, load

FILE, TEMPLATES = "content.yaml", "templates"
APPROVALS = f"{TEMPLATES}/approvals.yaml"
Approval = Literal["none", "person"]


class ContentRules(Strict):
    """config/content.yaml: what holds for every text that is sent. A company without the file asks for nothing."""

    approval: Approval = Field(
        "none",
        description="person: only texts that somebody approved of are sent, by `klantreis content approve`; an action "
        "may say otherwise by its `content_approval`",
    )
    brand: Brand = Brand()
    needs: list[Text] = Field(
        [], description="what readers want of content, such as price or taste; default: `need` of the catalogue's items"
    )


class Approved(Dated):
    """Somebody read one file of config/templates and approved of exactly that text."""

    template: Text = Field(description="name of the file, such as winback.nl.txt")
    text: str = Field(pattern="^[0-9a-f]{64}$", description="hash of the text, which `klantreis content show` prints")
    by: Text
    on: date
    because: Text | None = None


class Approvals(Strict):
    """config/templates/approvals.yaml, to which `klantreis content approve` adds; its history is the audit."""

    approvals: list[Approved] = []


@dataclass(frozen=True)
class Content:
    """What is said about texts: the rules, and the approvals in the order of the file."""

    rules: ContentRules = field(default_factory=ContentRules)
    approvals: tuple[Approved, ...] = ()

    def newest(self, template: str) -> Approved | None:
        """The approval of a file that counts."""
        return next((one for one in reversed(self.approvals) if one.template == template), None)


def load_content(folder: Path) -> Content:
    """Both files of a configuration folder, of which there may be none. Raises ConfigError with file, line and key."""
    rules = load(path, ContentRules) if (path := folder / FILE).exists() else ContentRules()
    told = load(path, Approvals).approvals if (path := folder / APPROVALS).exists() else []
    return Content(rules, tuple(told))
