"""What waits for a person's approval, and how a person gives it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from pathlib import Path

import yaml

from jobs.config.actions.audiences import Audience
from jobs.config.actions.content import APPROVALS, PROPOSED, TEMPLATES, Approvals, load_content
from jobs.config.settings import Settings
from jobs.config.wrong import CommandError, nearest
from jobs.config.yaml_files import ConfigError, load
from jobs.content.standing import Standing, read

_HEAD = """# Who approved of which text, written by `klantreis content approve`. An approval is of exactly the text with
# that hash; the newest of a file counts. Remove one to take it back. The history of this file is the audit.
approvals:
"""

_ENTRY = re.compile(r"^( *)- ", re.MULTILINE)


class Plain(yaml.SafeDumper):
    """Writes a value that comes twice, twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def asked(audience: Audience, template: str, settings: Settings) -> bool:
    """Whether an action sends only what a person approved of with a template: always if that, or a text it includes,
    was proposed."""
    proposed = {one.template for one in settings.content.proposed}
    if any(name.rsplit(".", 2)[0] == template for name in proposed):
        return True
    if proposed:
        from jobs.content.templates import with_referenced  # loads Jinja

        every = files_of(template, ("*",), settings.folder)
        if not proposed.isdisjoint(with_referenced(every, settings.folder)[0]):
            return True
    return (audience.content_approval or settings.content.rules.approval) == "person"


def files_of(template: str, endings: Collection[str], folder: Path) -> list[str]:
    """The files of a template that a destination could write with: every language, each ending."""
    below = folder / TEMPLATES
    return sorted(path.relative_to(below).as_posix() for end in endings for path in below.glob(f"{template}.*.{end}"))


def all_files(folder: Path) -> list[str]:
    """Every text in config/templates."""
    below = folder / TEMPLATES
    found = (path.relative_to(below) for path in below.rglob("*") if path.is_file())
    named = (path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts))
    return sorted(name for name in named if f"{TEMPLATES}/{name}" not in (APPROVALS, PROPOSED))


def waiting(template: str, endings: Collection[str], settings: Settings) -> list[str]:
    """Why the texts of a template may not be sent yet, one line a file with what to do; empty if all were approved of.

    Files that these include are texts like any other.
    """
    from jobs.content.templates import with_referenced  # loads Jinja

    files, problems = with_referenced(files_of(template, endings, settings.folder), settings.folder)
    read_ = (read(name, settings.folder, settings.content) for name in files)
    return [*problems, *(one.told(settings.folder) for one in read_ if one.state != "approved")]


def chosen(names: Sequence[str], settings: Settings) -> list[Standing]:
    """The files that are meant: by the name of a file, or by that of a template for all its files.

    Raises CommandError for a name that is neither.
    """
    known = all_files(settings.folder)
    templates = {name.rsplit(".", 2)[0] for name in known}
    found: dict[str, Standing] = {}
    for name in names:
        mine = [one for one in known if one == name or one.rsplit(".", 2)[0] == name]
        if not mine:
            told = nearest(name, {*known, *templates})
            raise CommandError([f"no text of {settings.folder / TEMPLATES} is called {name!r}{told}"])
        found |= {one: read(one, settings.folder, settings.content) for one in mine}
    return list(found.values())


def approve(
    texts: Sequence[Standing], by: str, because: str | None, on: date, settings: Settings
) -> Iterator[Standing]:
    """Write down that a person approved of these texts, as they were read; those of which that was not known yet.

    Raises CommandError for a text that cannot be read, or if the file of approvals cannot be added to.
    """
    if wrong := [one.told(settings.folder) for one in texts if one.state == "unreadable"]:
        raise CommandError(wrong)
    path = settings.folder / APPROVALS
    new = [one for one in texts if one.state != "approved"]
    if not new:
        return
    entries = [
        {"template": one.template, "text": one.hash, "by": by, "on": on} | ({"because": because} if because else {})
        for one in new
    ]
    before = path.read_text(encoding="utf-8") if settings.content.approvals else ""
    _replace(path, _added(before, entries) if before else _HEAD + _as_yaml(entries, "  "))
    given = load_content(settings.folder)
    for one in new:
        standing = read(one.template, settings.folder, given)
        yield Standing(one.template, one.text, standing.state, standing.approval)


def _added(before: str, entries: list[dict[str, object]]) -> str:
    """The file with more entries at its end, as it is otherwise, comments included."""
    found = _ENTRY.search(before)
    return before.rstrip("\n") + "\n" + _as_yaml(entries, found[1] if found else "  ")


def _as_yaml(entries: list[dict[str, object]], indent: str) -> str:
    """Entries of a list; `on` in quotes, which YAML else takes for true."""
    text = yaml.dump(entries, Dumper=Plain, sort_keys=False, allow_unicode=True, width=110)
    return "".join(f"{indent}{line}\n" for line in text.splitlines())


def _replace(path: Path, text: str) -> None:
    """Put the text in the place of the file, if it can be read again; the file stays as it is otherwise."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    try:
        load(draft, Approvals)
        draft.replace(path)
    except ConfigError as error:
        told = "; ".join(error.problems).replace(str(draft), str(path))
        raise CommandError([f"{path}: an approval cannot be added at its end, nothing was written: {told}"]) from None
    finally:
        draft.unlink(missing_ok=True)
