"""Personal data in texts, found by rules and masked: addresses, numbers that identify, secrets and names.

A number that is none of the kinds below is masked too if it is long enough to identify somebody: an order number that
is gone costs less than a customer number that stays. What is validated (IBAN, BSN, card) is so by its check digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from stdnum import iban, luhn
from stdnum.nl import bsn

from jobs.text.names import name_spans

LONGEST = 20_000
"""Characters of a text that are kept, masked; what follows is left out, for nobody has looked for names in it."""

LONG_NUMBER = 7
"""Digits from which on a number of no known kind is masked."""


@dataclass(frozen=True, order=True)
class Span:
    """A part of a text that is personal: from `start` up to `end`."""

    start: int
    end: int
    kind: str


PROVIDERS = (
    r"(?:gmail|googlemail|hotmail|outlook|yahoo|icloud|ziggo|kpnmail|planet|xs4all|live|proton(?:mail)?|gmx|aol)"
)
EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}\s?(?:@|\(at\)|\[at\])\s?(?:[\w-]{1,63}\.)+[^\W\d_]{2,24}")
SPOKEN_EMAIL = re.compile(
    rf"(?i)\b[\w.+-]{{1,64}}(?:\s+(?:dot|punt)\s+[\w-]+)*\s*(?:\bat\b|\bapenstaartje\b)?\s*{PROVIDERS}"
    r"\s*(?:\.|\bdot\b|\bpunt\b)?\s*(?:com|nl|be|net|org|de|co\.?uk)\b"
)
IBAN = re.compile(r"(?i)\b[a-z]{2}\d{2}(?:[ .-]?[a-z0-9]){11,30}\b")
NUMBER = re.compile(r"(?<![\w.,])[+(]?\d(?:[ ().\-/]{0,2}\d){3,24}(?!\w|[.,]\d)")
POSTCODE = re.compile(r"\b[1-9]\d{3}\s?(?!SA|SD|SS)[A-Z]{2}\b")
DATE = re.compile(r"(?:19|20)\d\d[-/.]\d\d?[-/.]\d\d?(?:\D.*)?|\d\d?[-/.]\d\d?[-/.](?:19|20)?\d\d(?:\D.*)?")
NO_SECRET = (
    r"(?!(?:not|niet|no|nog|wrong|incorrect|invalid|expired|correct|reset|verkeerd|fout|verlopen|ongeldig|vergeten|the|a|an"
    r"|my|mijn|een|het|de|not|never|always|too|te|changed|gewijzigd|lost|kwijt|and|en|or|of|please|working|but|maar)\b)"
)
PIECES = r"[^\s,;]{1,40}(?:\s(?:\w{0,3}\d\w{0,10}|[a-z]\b(?!\s[a-z]{2})))*"
SECRET = re.compile(
    r"(?i)\b(?:(?:pass(?:word|code|phrase)|wachtwoord)(?:\s*(?:is|are|:|=|luidt)|(?=\s+\S*\d))"
    r"|(?:pass|pincode|pin|account|rekening(?:nummer)?|klantnummer|customer|bsn|sofinummer|ssn|id)"
    r"(?:\s*(?:number|no|nr|nummer|id|is|:|=))*(?=\s+(?:[a-z]{1,4}\s)?\S*\d))"
    rf"(?:\s+(?:my|mijn|it|het|the|is|as|als))*\s+{NO_SECRET}(?P<secret>{PIECES})"
)


def found(text: str, country: str = "NL", more: Sequence[Span] = ()) -> list[Span]:
    """Everything personal in a text, in order, no part twice. `country` is where numbers are dialled from.

    `more` is what a tagger found of the text beside the rules; where both found something, the rules know its kind.
    """
    text = text[:LONGEST]
    if not text:
        return []
    wanted: list[Span] = []
    for span in _rules(text, country):
        _add(wanted, span)
    for name in name_spans(text):
        _add(wanted, Span(*name, "name"))
    for span in more:
        _add(wanted, span)
    return sorted(span for span in wanted if any(map(str.isalnum, text[span.start : span.end])))


def masked(text: str | None, country: str = "NL", more: Sequence[Span] = ()) -> str:
    """The text with each personal part as its kind in brackets, such as `[email]`; no longer than LONGEST."""
    text = (text or "")[:LONGEST]
    parts, at = [], 0
    for span in found(text, country, more):
        parts += [text[at : span.start], f"[{span.kind}]"]
        at = span.end
    return "".join([*parts, text[at:]])


def _rules(text: str, country: str) -> Iterator[Span]:
    small = text.lower()
    if "@" in text or "at" in small:
        yield from (Span(*match.span(), "email") for match in EMAIL.finditer(text))
    if any(one in small for one in ("mail", "outlook", "yahoo", "cloud", "live", "ziggo", "planet", "xs4all", "gmx")):
        yield from (Span(*match.span(), "email") for match in SPOKEN_EMAIL.finditer(text))
    if any(character.isdigit() for character in text):
        yield from _numbers(text, country)
    yield from (Span(*match.span("secret"), "secret") for match in SECRET.finditer(text))


def _numbers(text: str, country: str) -> Iterator[Span]:
    for match in IBAN.finditer(text):
        written = _longest_iban(match.group())
        if written:
            yield Span(match.start(), match.start() + written, "iban")
    for match in NUMBER.finditer(text):
        kind = number_kind(match.group(), country)
        if kind:
            yield Span(*match.span(), kind)
    yield from (Span(*match.span(), "postcode") for match in POSTCODE.finditer(text))


def _longest_iban(written: str) -> int:
    """How much of what follows two letters and digits is an IBAN; what comes after it may be words."""
    for end in range(len(written), 14, -1):
        if written[end - 1].isalnum() and iban.is_valid(written[:end]):
            return end
    return 0


@lru_cache(maxsize=65_536)
def number_kind(written: str, country: str) -> str | None:
    """What a written number is: card, bsn, phone, another long `number`, or nothing personal."""
    digits = "".join(character for character in written if character.isdigit())
    if 13 <= len(digits) <= 19 and digits[0] in "23456" and luhn.is_valid(digits):
        return "card"
    if len(digits) == 9 and bsn.is_valid(digits) and not written.startswith(("0", "+")):
        return "bsn"
    if len(digits) >= LONG_NUMBER and not DATE.fullmatch(written):
        try:
            number = phonenumbers.parse(written, country)
        except phonenumbers.NumberParseException:
            return "number"
        return "phone" if phonenumbers.is_valid_number(number) else "number"
    return None


def _add(spans: list[Span], new: Span) -> None:
    """Keep of a part what nothing that was found before covers."""
    at = new.start
    for one in sorted(one for one in spans if one.start < new.end and new.start < one.end):
        if at < one.start:
            spans.append(Span(at, one.start, new.kind))
        at = max(at, one.end)
    if at < new.end:
        spans.append(Span(at, new.end, new.kind))
