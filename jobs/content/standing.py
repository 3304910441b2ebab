"""Whether a text is what a person approved of."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from jobs.config.actions.content import TEMPLATES, Approved, Content

State = Literal["approved", "changed", "new", "unreadable"]


@dataclass(frozen=True)
class Standing:
    """One file of config/templates. `state`: approved; changed since the approval; new, of which there is none."""

    template: str
    text: str
    state: State
    approval: Approved | None

    @property
    def hash(self) -> str:
        """Hash of the text."""
        return text_hash(self.text)

    def told(self, folder: Path) -> str:
        """What is to be done before it may be sent: file, why, command."""
        place = folder / TEMPLATES / self.template
        do = f"read it (klantreis content show {self.template}), then klantreis content approve {self.template}"
        if self.state == "unreadable":
            return f"{place}: cannot be read; save it as UTF-8 text"
        if self.approval is None:
            return f"{place}: nobody approved of it: {do}"
        return f"{place}: was changed since {self.approval.by} approved of it on {self.approval.on}: {do}"


def text_hash(text: str) -> str:
    """The same for the same text, however its lines end."""
    return sha256(text.replace("\r\n", "\n").replace("\r", "\n").encode()).hexdigest()


def standing_of(template: str, text: str, content: Content) -> Standing:
    """How the text of a file stands."""
    approval = content.newest(template)
    same = approval is not None and approval.text == text_hash(text)
    return Standing(template, text, "approved" if same else "changed" if approval else "new", approval)


def read(template: str, folder: Path, content: Content) -> Standing:
    """A file of config/templates as it is now."""
    try:
        text = (folder / TEMPLATES / template).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return Standing(template, "", "unreadable", content.newest(template))
    return standing_of(template, text, content)
