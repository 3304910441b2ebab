"""Date patterns of `config/sources/`, such as `dd/MM/yyyy HH:mm`, as regular expressions.

The letters are those of Spark's datetime patterns. A pattern is matched here and not by the engine: engines differ on
what else they let through, and then the same file would give different days.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

EPOCHS = {"seconds": 1_000_000, "milliseconds": 1_000, "microseconds": 1}
"""Words that stand for a number since 1970-01-01 UTC instead of a pattern, and their length in microseconds."""
LANGUAGES = ("en", "nl", "de", "fr", "es", "it", "pt")
"""Languages whose month names and abbreviations are read where a pattern says MMM or MMMM."""

_TOKEN = re.compile(r"'(?P<text>(?:[^']|'')*)'|(?P<letters>([A-Za-z])\3*)|(?P<sign>.)", re.DOTALL)
_NUMBERS = {
    "yyyy": "[0-9]{4}",
    "yy": "[0-9]{2}",
    "MM": "(?:0[1-9]|1[0-2])",
    "M": "(?:0?[1-9]|1[0-2])",
    "dd": "(?:0[1-9]|[12][0-9]|3[01])",
    "d": "(?:0?[1-9]|[12][0-9]|3[01])",
    "HH": "(?:[01][0-9]|2[0-3])",
    "H": "(?:[01]?[0-9]|2[0-3])",
    "hh": "(?:0[1-9]|1[0-2])",
    "h": "(?:0?[1-9]|1[0-2])",
    "mm": "[0-5][0-9]",
    "ss": "[0-5][0-9]",
}
_NAME = r"\p{L}+\.?"
_ZONE = "(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)"


@dataclass(frozen=True)
class DatePattern:
    """`regex` matches a whole text; `groups` says which of its groups holds yyyy, yy, M, d, H, h, m, s, S, a or zone.

    `fixed` is true if every group has the digits that ISO 8601 wants; `names` if the month is written as a name.
    """

    regex: str
    groups: dict[str, int]
    fixed: bool
    names: bool

    @property
    def takes_iso(self) -> bool:
        """Whether what looks like a day of ISO 8601 fits too, such as 2024-31-12 for yyyy-dd-MM."""
        return not self.names and any(re.match(self.regex, f"2024-{day}") for day in ("31-12", "31-12 10:00:00"))


@lru_cache
def compiled(pattern: str) -> DatePattern:
    """Raises ValueError saying which letters of the pattern mean nothing here."""
    groups: dict[str, int] = {}
    regex, fixed, names = "", True, False
    for token in _TOKEN.finditer(pattern):
        letters = token["letters"]
        if letters is None:
            regex += _literal(token["text"], token["sign"])
            continue
        if set(letters) == {"E"}:
            regex += _NAME
            continue
        field, part = _field(letters, pattern)
        if field in groups:
            raise ValueError(f"date pattern {pattern!r} has {letters!r} twice")
        groups[field] = len(groups) + 1
        regex += f"({part})"
        names = names or letters in ("MMM", "MMMM")
        fixed = fixed and field not in ("h", "a") and letters not in ("M", "MMM", "MMMM", "d", "H")
    if not {"yyyy", "yy"} & set(groups):
        raise ValueError(f"date pattern {pattern!r} has no year; write yyyy or yy")
    if ("h" in groups) != ("a" in groups):
        raise ValueError(f"date pattern {pattern!r}: h goes with a (AM or PM); write H for hours up to 23")
    if "[" in pattern:
        raise ValueError(f"date pattern {pattern!r}: write one pattern with and one without what is between [ and ]")
    return DatePattern(f"^{regex}$", groups, fixed, names)


@lru_cache
def month_names() -> dict[str, int]:
    """Lower-case month names and abbreviations, without full stop, to the number of the month."""
    from babel import Locale

    found = {"sept": 9}
    for language in LANGUAGES:
        months = Locale(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[context][width].items():
                    found[name.lower().rstrip(".")] = number
    return found


def _literal(text: str | None, sign: str | None) -> str:
    if text is not None:
        return re.escape(text.replace("''", "'") or "'")
    return re.escape(sign or "")


def _field(letters: str, pattern: str) -> tuple[str, str]:
    """The field that letters of a pattern stand for, and what its text looks like."""
    if letters in _NUMBERS:
        return (letters if letters[0] == "y" else letters[0]), _NUMBERS[letters]
    if letters in ("MMM", "MMMM"):
        return "M", _NAME
    if set(letters) == {"S"} and len(letters) <= 6:
        return "S", f"[0-9]{{{len(letters)}}}"
    if letters == "a":
        return "a", r"[AaPp]\.?[Mm]\.?"
    if letters in ("XX", "XXX", "xx", "xxx", "Z", "ZZ", "ZZZ"):
        return "zone", _ZONE
    raise ValueError(
        f"date pattern {pattern!r}: {letters!r} is not known; use yyyy yy MMMM MMM MM M dd d E HH H hh h a mm ss SSS "
        "XXX, text in single quotes, or one of the words seconds, milliseconds and microseconds"
    )
