"""Whether an e-mail can be read by everybody: on a small screen, in the dark, read aloud, without pictures or HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from jobs.config.actions.content import TEMPLATES
from jobs.config.settings import Settings
from jobs.content.approval import all_files

NARROWEST = 320
"""Pixels of the smallest screens there are."""
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_WIDTH = re.compile(r"(?<![\w-])(?:min-)?width\s*:\s*(\d+)(?:\.\d+)?px", re.IGNORECASE)
_PIXELS = re.compile(r"\s*(\d+)(?:\.\d+)?\s*(?:px)?\s*$", re.IGNORECASE)


def notes(settings: Settings) -> Iterator[str]:
    """What stands in the way of readers of config/templates/NAME.LANGUAGE.html and of what these extend or include:
    file, line, what to write."""
    names = all_files(settings.folder)
    for name in names:
        parts = name.rsplit("/", 1)[-1].split(".")
        if parts[-1] != "html":
            continue
        path, in_a_language = settings.folder / TEMPLATES / name, len(parts) > 2
        twin = name.removesuffix("html") + "txt"
        if in_a_language and twin not in names:
            yield f"{path}:1: has no plain text beside it, so this language is not sent; write {twin}"
        try:
            source = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # told where it is used
        if in_a_language or "<html" in source.lower():
            yield from (f"{path}:{line}: {what}" for line, what in obstacles(source))


def obstacles(source: str) -> list[tuple[int, str]]:
    """What stands in the way of readers of one HTML template: line, what to write."""
    reader = _Reader()
    reader.feed(_JINJA.sub(lambda found: "x" + "\n" * found[0].count("\n"), source))
    reader.close()
    if "{% extends" not in source:  # else that is said in what it extends
        for missing, why in (
            ("lang", '<html lang="..."> is missing: whoever has it read aloud hears the wrong language'),
            ("viewport", '<meta name="viewport" content="width=device-width"> is missing: phones show it too small'),
            (
                "color-scheme",
                '<meta name="color-scheme" content="light dark"> is missing: dark mode guesses its colours',
            ),
        ):
            if missing not in reader.has:
                reader.found.append((1, why))
    return sorted(reader.found)


class _Reader(HTMLParser):
    """Looks at tags and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.has: set[str] = set()
        self.found: list[tuple[int, str]] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given, line = dict(attrs), self.getpos()[0]
        self._style = tag == "style"
        if tag == "html" and given.get("lang"):
            self.has.add("lang")
        if tag == "meta" and given.get("content"):
            self.has.add((given.get("name") or "").lower())
        if tag == "img" and given.get("alt") is None:
            self.found.append(
                (line, 'a picture without alternative text; write alt="..." (alt="" if it only decorates)')
            )
        style = given.get("style") or ""
        widths = [int(one) for one in _WIDTH.findall(style)]
        if (attribute := _PIXELS.match(given.get("width") or "")) and "max-width" not in style:
            widths.append(int(attribute[1]))
        self._too_wide(widths, line)

    def handle_data(self, data: str) -> None:
        if self._style:
            for found in _WIDTH.finditer(data):
                self._too_wide([int(found[1])], self.getpos()[0] + data.count("\n", 0, found.start()))

    def handle_endtag(self, tag: str) -> None:
        self._style = self._style and tag != "style"

    def _too_wide(self, widths: list[int], line: int) -> None:
        if widest := max((one for one in widths if one > NARROWEST), default=0):
            told = f"{widest} px wide, more than the {NARROWEST} of a small phone"
            self.found.append((line, f"{told}; write max-width instead, or width: 100%"))
