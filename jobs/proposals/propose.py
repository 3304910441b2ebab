"""Proposals that hold, written as files: each still needs a person's approval, and no action uses one by itself."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from jobs.config.actions.content import PROPOSED, TEMPLATES, AllProposed
from jobs.config.settings import Settings
from jobs.config.wrong import CommandError
from jobs.config.yaml_files import load
from jobs.content.approval import Plain
from jobs.content.brand import SAMPLE, Written, broken
from jobs.content.seen import seen
from jobs.content.standing import text_hash
from jobs.errors import BudgetUsed
from jobs.proposals.brief import Brief, Provider, Variant
from jobs.proposals.patterns import closing
from jobs.proposals.truth import untrue
from jobs.text.language import languages_of

_HEAD = """# Where proposed texts come from, written by `klantreis content propose`. Whatever is named here needs
# a person's approval before it is sent, whether the company or the action asks for it or not.
proposals:
"""
_FRAME = """<!doctype html>
<html lang="{language}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <meta name="color-scheme" content="light dark">
    <meta name="supported-color-schemes" content="light dark">
    <style>
      @media (prefers-color-scheme: dark) {{
        body {{ background: #17191c !important; color: #e6e6e6 !important }}
        p {{ color: inherit !important }}
        a {{ color: #8ab4f8 !important }}
      }}
    </style>
  </head>
  <body style="font-family: Arial, sans-serif; color: #222; max-width: 36em">
{paragraphs}
  </body>
</html>
"""


@dataclass(frozen=True)
class Refused:
    """A proposed text that is not kept, and why."""

    number: int
    why: str


@dataclass(frozen=True)
class Proposal:
    """A text that holds: its files, by ending."""

    variant: Variant
    files: dict[str, str]


def held(brief: Brief, provider: Provider, number: int, settings: Settings) -> tuple[list[Proposal], list[Refused]]:
    """At most so many proposals in which nothing is wrong, and those in which something was."""
    kept: list[Proposal] = []
    refused: list[Refused] = []
    tried = 0
    found = provider.variants(brief, number)
    while found:
        wrong: list[str] = []
        for variant in found[: number - len(kept)]:
            tried += 1
            proposal = Proposal(variant, files_of(variant, brief))
            if any(one.files == proposal.files for one in kept):
                told = ["says the same as another"]
            else:
                told = list(dict.fromkeys((*untrue(variant, brief), *_against_the_rules(proposal, brief, settings))))
            refused += [Refused(tried, one) for one in told]
            wrong += told
            if not told:
                kept.append(proposal)
        try:
            found = provider.again(brief, number - len(kept), wrong) if len(kept) < number and wrong else ()
        except (BudgetUsed, CommandError) as error:  # what holds is kept, and why there is no more is told
            refused.append(Refused(tried + 1, str(error)))
            found = ()
    return kept, refused


def files_of(variant: Variant, brief: Brief) -> dict[str, str]:
    """The template files of a text; what it says is text in them, never code."""
    words = closing(brief.language)
    paragraphs = [" ".join(one.split()) for one in variant.paragraphs if one.strip()]
    if brief.form == "sms":
        return {"sms": " ".join((*paragraphs, "{{ company }}")) + "\n"}
    hello = f"{{{{ '{words['hello']} ' ~ first_name if first_name else '{words['hello']}' }}}},"
    subject = " ".join(variant.subject.split())
    plain = [hello, *paragraphs, f"{words['bye']}\n{{{{ company }}}}"]
    end = f"-- \n{words['why']}\n{words['unsubscribe']}: {{{{ unsubscribe_url }}}}\n"
    small = f'{words["why"]} <a href="{{{{ unsubscribe_url }}}}">{words["unsubscribe"]}</a>'
    shown = [hello, *map(_as_html, paragraphs), f"{words['bye']}<br>{{{{ company }}}}"]
    lines = [*(f"    <p>{one}</p>" for one in shown), f'    <p style="font-size: 80%; color: #666">{small}</p>']
    return {
        "txt": f"Subject: {subject}\n\n" + "\n\n".join(plain) + "\n\n" + end,
        "html": _FRAME.format(language=brief.language, paragraphs="\n".join(lines)),
    }


def _as_html(paragraph: str) -> str:
    text = html.escape(paragraph)
    return f'<a href="{text}">{text}</a>' if paragraph.startswith("https://") and " " not in paragraph else text


def _against_the_rules(proposal: Proposal, brief: Brief, settings: Settings) -> Iterator[str]:
    """What it breaks of the brand rules, and whether it is in the language that was asked for."""
    for form, text in proposal.files.items():
        filled = text.replace("{{ company }}", brief.company).replace(
            "{{ unsubscribe_url }}", SAMPLE["unsubscribe_url"]
        )
        reader = seen(filled, form)
        at = Path(form)
        written = Written(at, brief.language, form, filled, reader, {at: reader})
        yield from (line.split(": ", 1)[1] for line in broken(written, brief.brand, brief.company))
    words = " ".join((proposal.variant.subject, *proposal.variant.paragraphs))
    among = sorted({*settings.general.languages, brief.language})
    if len(words) > 80 and (found := languages_of([words], among)[0]) not in (brief.language, None):
        yield f"is in {found}, not in {brief.language}"


def write(proposals: Sequence[Proposal], brief: Brief, provider: str, day: date, settings: Settings) -> list[str]:
    """Write proposals to config/templates under names that are free, and where they come from; gives their names."""
    folder = settings.folder / TEMPLATES
    folder.mkdir(parents=True, exist_ok=True)
    written: list[str] = []
    rows: list[dict[str, Any]] = []
    number = 0
    for one in proposals:
        number += 1
        while any(folder.glob(f"{brief.action}_{number}.*")):
            number += 1
        for ending, text in one.files.items():
            name = f"{brief.action}_{number}.{brief.language}.{ending}"
            rows.append(
                {"template": name, "text": text_hash(text), "by": provider, "on": day, "action": brief.action,
                 "facts": list(one.variant.facts)}
            )  # fmt: skip
            written.append(name)
    _note(settings.folder / PROPOSED, rows)  # first: a file that is there is known to be a proposal
    texts = [text for one in proposals for text in one.files.values()]
    for name, text in zip(written, texts, strict=True):
        with (folder / name).open("x", encoding="utf-8") as file:
            file.write(text)
    return written


def _note(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    known = load(path, AllProposed).proposals if path.exists() else []
    told = [one.model_dump() for one in known]
    text = yaml.dump([*told, *rows], Dumper=Plain, sort_keys=False, allow_unicode=True, width=110)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(_HEAD + text, encoding="utf-8")
    draft.replace(path)
