"""What a reader sees of a template or a message, letter by letter with the line of the file it stands in."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser

_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|(,|\b(?:if|else|or|and)\b)", re.DOTALL)
"""Texts in an expression, and what parts them."""
_WITHIN = frozenset(
    ("a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "em", "font", "i", "ins", "kbd", "mark", "q", "s", "small",
     "span", "strong", "sub", "sup", "u", "wbr")
)  # fmt: skip
"""Tags that part no word."""
_UNSEEN = frozenset(("head", "style", "script", "template", "title"))
_SHOWN = ("alt", "title", "aria-label", "placeholder")
"""Attributes that a reader sees, or hears."""


@dataclass(frozen=True)
class Seen:
    """Text as it is seen. `lines` has the line, from 1, of each of its characters."""

    text: str
    lines: tuple[int, ...] = field(repr=False)

    def folded(self) -> Seen:
        """The same without capitals, accents and signs that cannot be seen, blanks as one."""
        letters: list[str] = []
        lines: list[int] = []
        for sign, line in zip(self.text, self.lines, strict=True):
            for letter in _plain(sign):
                if letter != " " or (letters and letters[-1] != " "):
                    letters.append(letter)
                    lines.append(line)
        return Seen("".join(letters), tuple(lines))


def seen(source: str, form: str, template: bool = True) -> Seen:
    """What is seen of a text with that ending; of a template also what it may fill in by itself."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    text = _JINJA.sub(_constants, source) if template else source
    if form != "html":
        lines, line = [], 1
        for sign in text:
            lines.append(line)
            line += sign == "\n"
        return Seen(text, tuple(lines))
    parser = _Reader()
    parser.feed(text)
    parser.close()
    return Seen("".join(parser.letters), tuple(parser.lines))


def _constants(found: re.Match[str]) -> str:
    """The texts in an expression, put together, and as many lines as it has."""
    code = found[0]
    parts = [] if code.startswith("{#") else _QUOTED.findall(code)
    texts = [" " if parted else one or other for one, other, parted in parts]
    joined = ("" if code.startswith("{{") else " ").join(texts)
    return joined.replace("\n", " ") + "\n" * code.count("\n")


class _Reader(HTMLParser):
    """Collects what is shown."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.letters: list[str] = []
        self.lines: list[int] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag not in _WITHIN:
            self._add("\n")
        for name, value in attrs:
            if name in _SHOWN and value:
                self._add(f"\n{value}\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag not in _WITHIN:
            self._add("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._add(data, counts=True)

    def _add(self, text: str, counts: bool = False) -> None:
        """`counts`: line ends of the text are those of the file."""
        line = self.getpos()[0]
        for sign in text:
            self.letters.append(sign)
            self.lines.append(line)
            line += counts and sign == "\n"


@lru_cache(maxsize=4096)
def _plain(sign: str) -> str:
    if sign.isspace():
        return " "
    if unicodedata.category(sign) == "Cf":  # soft hyphens, signs without width
        return ""
    apart = unicodedata.normalize("NFKD", sign)
    return "".join(one for one in apart if not unicodedata.combining(one)).casefold()
