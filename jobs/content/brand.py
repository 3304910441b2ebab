"""What texts break of the brand rules of config/content.yaml, with file and line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import jinja2

from jobs.config.actions.brand import Brand, Forbidden, Required, Tone
from jobs.config.actions.content import TEMPLATES
from jobs.config.settings import Settings
from jobs.content.approval import all_files
from jobs.content.seen import Seen, seen
from jobs.content.templates import sandbox, with_referenced

FORMS = ("txt", "html", "sms")
SAMPLE = {"first_name": "Kim", "audience": "news", "unsubscribe_url": "https://example.com/unsubscribe/0"}
"""What is filled in while a text is looked at."""
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n\s*\n")
_LOUD = re.compile(r"\b[^\W\d_]{4,}\b")


@dataclass(frozen=True)
class Written:
    """One text as its reader sees it. `sources` are the files it is made of, itself first."""

    path: Path
    language: str
    form: str
    raw: str
    reader: Seen
    sources: dict[Path, Seen]

    @property
    def subject(self) -> str:
        """The subject of an e-mail; empty where it has none."""
        first = self.raw.partition("\n")[0]
        return first.removeprefix("Subject: ").strip() if self.form == "txt" and first.startswith("Subject: ") else ""

    @property
    def body(self) -> str:
        """What is read, the subject not counted."""
        return self.reader.text.partition("\n")[2] if self.subject else self.reader.text


def problems(settings: Settings, names: Iterable[str] | None = None, tone: bool = True) -> list[str]:
    """What texts of config/templates break, one line each; by default all texts. Without brand rules nothing is read.

    Without `tone` only what may never be sent: what is forbidden, and what is required and missing.
    """
    brand = settings.content.rules.brand
    if brand == Brand():
        return []
    found: list[str] = []
    for name in all_files(settings.folder) if names is None else names:
        for written in _written(name, settings):
            found += broken(written, brand, settings.general.company, tone)
    return list(dict.fromkeys(found))


def broken(text: Written, brand: Brand, company: str, tone: bool = True) -> Iterator[str]:
    """What one text breaks: file, line, what is wrong, why."""
    for forbidden in brand.forbidden:
        if forbidden.concerns(text.language, text.form):
            yield from _forbidden(text, forbidden)
    for required in brand.required:
        if required.concerns(text.language, text.form) and not _holds(text, required, company):
            what = f"{{{{ {required.value} }}}}" if required.value else " or ".join(map(repr, required.any_of))
            yield f"{text.path}:1: {what} has to be in it: {required.because}"
    for limits in brand.tone if tone else ():
        if limits.concerns(text.language, text.form):
            yield from _too_much(text, limits, company)


def _written(name: str, settings: Settings) -> Iterator[Written]:
    """A file as readers with and without a name see it, as far as that can be told; nothing of what is no message."""
    parts = name.rsplit("/", 1)[-1].split(".")
    if len(parts) < 3 or parts[-1] not in FORMS:
        return  # a part that others include is looked at with these
    folder, form = settings.folder / TEMPLATES, parts[-1]
    try:
        source = (folder / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return  # what cannot be read is told where it is used
    sources = {}
    for file in with_referenced([name], settings.folder)[0]:
        try:
            sources[folder / file] = seen((folder / file).read_text(encoding="utf-8"), form)
        except UnicodeDecodeError:
            continue
    measured = settings.feedback.opens_and_clicks
    known: dict[str, object] = {
        "company": settings.general.company,
        "links": SimpleNamespace(**(measured.links if measured else {})),
    }
    known["offer"] = SimpleNamespace(code="CODE-1234", title="", until=date(2030, 12, 31))
    for first_name in (SAMPLE["first_name"], ""):
        values = SAMPLE | known | {"first_name": first_name}
        try:
            raw = sandbox(settings.folder).get_template(name).render(values)
            reader = seen(raw, form, template=False)
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError):
            raw, reader = source, sources[folder / name]  # that it cannot be rendered is told where it is used
        yield Written(folder / name, parts[-2], form, raw, reader, sources)


def _forbidden(text: Written, rule: Forbidden) -> Iterator[str]:
    sources = {path: one.folded() for path, one in text.sources.items()}
    reader = text.reader.folded()
    for words in rule.words:
        pattern = _pattern(words)
        places = [
            f"{path}:{one.lines[match.start()]}"
            for path, one in sources.items()
            for match in pattern.finditer(one.text)
        ]
        if not places and pattern.search(reader.text):
            places = [f"{text.path}:1"]  # nothing but the whole says it
        yield from (f"{place}: {words!r} is forbidden: {rule.because}" for place in dict.fromkeys(places))


def _pattern(words: str) -> re.Pattern[str]:
    """Whole words, as they are folded; blanks are any blanks."""
    plain = Seen(words, (0,) * len(words)).folded().text.strip()
    body = re.escape(plain.removesuffix("*")) + (r"\w*" if plain.endswith("*") else "")
    before = r"(?<!\w)" if plain[:1].isalnum() else ""
    after = r"(?!\w)" if plain[-1:].isalnum() or plain.endswith("*") else ""
    return re.compile(before + body + after)


def _holds(text: Written, rule: Required, company: str) -> bool:
    if rule.value:
        value = (SAMPLE | {"company": company})[rule.value]
        return value in text.raw or value in text.reader.text
    reader = text.reader.folded().text
    return any(Seen(one, (0,) * len(one)).folded().text.strip() in reader for one in rule.any_of)


def _too_much(text: Written, limits: Tone, company: str) -> Iterator[str]:
    body = " ".join(text.body.split())
    counted = [
        ("longest", len(body), limits.longest, "characters"),
        ("longest_subject", len(text.subject), limits.longest_subject, "characters in the subject"),
        ("exclamation_marks", text.reader.text.count("!"), limits.exclamation_marks, "exclamation marks"),
        ("words_in_capitals", len(_loud(text.reader.text, company)), limits.words_in_capitals, "words in capitals"),
    ]
    for key, count, most, what in counted:
        if most is not None and count > most:
            yield f"{text.path}:{_line(text, key)}: {count} {what}, more than {key} {most} (brand.tone of content.yaml)"
    if limits.longest_sentence is not None:
        for sentence in _SENTENCE.split(text.body):
            words = sentence.split()
            if len(words) > limits.longest_sentence:
                begin = " ".join(words[:5])
                told = f"a sentence of {len(words)} words, more than longest_sentence {limits.longest_sentence}"
                yield f"{text.path}:{_line(text, begin)}: {told}: {begin!r} ..."


def _loud(text: str, company: str) -> list[str]:
    return [word for word in _LOUD.findall(text.replace(company, "")) if word.isupper()]


def _line(text: Written, about: str) -> int:
    """The line of the file where it is seen first; 1 if that cannot be told."""
    own = text.sources[text.path]
    if about == "exclamation_marks":
        at = own.text.find("!")
    elif about == "words_in_capitals":
        at = next((match.start() for match in _LOUD.finditer(own.text) if match[0].isupper()), -1)
    elif about.startswith("longest"):
        return 1
    else:
        at = own.folded().text.find(Seen(about, (0,) * len(about)).folded().text)
        return own.folded().lines[at] if at >= 0 else 1
    return own.lines[at] if at >= 0 else 1
