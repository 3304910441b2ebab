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

from jobs.config.actions.brand import Brand
from jobs.config.decisions import Dated, Text
from jobs.config.yaml_files import Strict, load

FILE, TEMPLATES = "content.yaml", "templates"
APPROVALS, PROPOSED = f"{TEMPLATES}/approvals.yaml", f"{TEMPLATES}/proposals.yaml"
Approval = Literal["none", "person"]


class Proposals(Strict):
    """Who is asked for texts: any endpoint that speaks OpenAI's chat completions."""

    connection: Text = Field(
        description="Airflow connection: host, and the API key as password; `path` in extra, if not /v1"
    )
    model: Text = Field(description="name of the model there")
    calls: int = Field(5, ge=1, le=100, description="at most so many calls of one command, tries again included")
    tokens: int = Field(20_000, ge=1, description="at most so many tokens of one command, as the server counts them")
    answer_tokens: int = Field(1_500, ge=50, description="at most so many tokens of one answer")
    timeout_seconds: float = Field(60.0, gt=0, description="longest time for one whole answer")
    wait_seconds: float = Field(1.0, ge=0, description="longest wait before the second try; doubles each time")
    longest_wait_seconds: float = Field(30.0, gt=0, description="longest wait between two tries, whatever is asked")


class ContentRules(Strict):
    """config/content.yaml: what holds for every text that is sent. A company without the file asks for nothing."""

    approval: Approval = Field(
        "none",
        description="person: only texts that somebody approved of are sent, by `klantreis content approve`; an action "
        "may say otherwise by its `content_approval`",
    )
    brand: Brand = Brand()
    proposals: Proposals | None = Field(
        None, description="default: proposals are made from patterns, without a network"
    )
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


class Proposed(Dated):
    """Where one proposed file of config/templates comes from."""

    template: Text
    text: str = Field(pattern="^[0-9a-f]{64}$", description="hash of the text as it was proposed")
    by: Text = Field(description="patterns, or the model")
    on: date
    action: Text = Field(description="the action it was proposed for")
    facts: list[str] = Field([], description="items of the catalogue it rests on")


class AllProposed(Strict):
    """config/templates/proposals.yaml, to which `klantreis content propose` adds; what it names needs approval."""

    proposals: list[Proposed] = []


@dataclass(frozen=True)
class Content:
    """What is said about texts: the rules, and the approvals in the order of the file."""

    rules: ContentRules = field(default_factory=ContentRules)
    approvals: tuple[Approved, ...] = ()
    proposed: tuple[Proposed, ...] = ()

    def newest(self, template: str) -> Approved | None:
        """The approval of a file that counts."""
        return next((one for one in reversed(self.approvals) if one.template == template), None)


def load_content(folder: Path) -> Content:
    """These files of a configuration folder, of which there may be none. Raises ConfigError with file, line and key."""
    rules = load(path, ContentRules) if (path := folder / FILE).exists() else ContentRules()
    told = load(path, Approvals).approvals if (path := folder / APPROVALS).exists() else []
    made = load(path, AllProposed).proposals if (path := folder / PROPOSED).exists() else []
    return Content(rules, tuple(told), tuple(made))
