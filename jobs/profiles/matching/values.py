"""How values are spelled before they are compared: plain letters, dates as eight digits, names in their parts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import jellyfish
from anyascii import anyascii
from nicknames import NickNamer

MISSING = frozenset(
    {"", "nan", "none", "null", "na", "n a", "unknown", "onbekend", "not available", "nvt", "undefined"}
)
PARTICLES = frozenset(
    [
        "van",
        "von",
        "de",
        "der",
        "den",
        "di",
        "da",
        "del",
        "della",
        "la",
        "le",
        "du",
        "dos",
        "das",
        "ten",
        "ter",
        "het",
        "t",
        "el",
        "al",
        "bin",
        "ibn",
        "mc",
        "mac",
        "st",
    ]
)
TITLES = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "dr",
        "prof",
        "sir",
        "dame",
        "lord",
        "lady",
        "rev",
        "hon",
        "dhr",
        "mw",
        "mevr",
        "mevrouw",
        "meneer",
        "drs",
        "ing",
        "ir",
    ]
)
GENERATIONS = {"jr": "jr", "junior": "jr", "sr": "sr", "senior": "sr", "ii": "2", "iii": "3", "iv": "4"}
LEGAL_FORMS = frozenset(
    [
        "inc",
        "incorporated",
        "ltd",
        "limited",
        "llc",
        "llp",
        "plc",
        "corp",
        "corporation",
        "co",
        "company",
        "bv",
        "nv",
        "gmbh",
        "ag",
        "sa",
        "sarl",
        "spa",
        "srl",
        "pty",
        "vof",
    ]
)
STREET_WORDS = {
    "street": "st",
    "strasse": "st",
    "straat": "st",
    "str": "st",
    "avenue": "ave",
    "av": "ave",
    "lane": "ln",
    "road": "rd",
    "drive": "dr",
    "place": "pl",
    "court": "ct",
    "boulevard": "blvd",
    "crescent": "cr",
    "cres": "cr",
    "highway": "hwy",
    "square": "sq",
    "terrace": "tce",
    "close": "cl",
    "parade": "pde",
    "circuit": "cct",
    "apartment": "apt",
    "apartments": "apt",
    "appt": "apt",
    "suite": "ste",
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "mount": "mt",
    "saint": "st",
    "village": "vlge",
    "building": "bld",
}
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan", "feb", "mar mrt maa", "apr", "may mei mai", "jun", "jul", "aug", "sep", "oct okt", "nov", "dec dez"), 1
    )
    for name in names.split()
}
LAST_TWO_DIGIT_YEAR = 25
_NICKNAMES = NickNamer()
_MORE_NICKNAMES = {
    short: name
    for name, shorts in {
        "mohammed": "mohamed muhammad muhammed mohammad mohamad mehmet mhd mohd muhd",
        "cornelis": "kees cor cees",
        "johannes": "jan johan hans joop",
        "johanna": "jo annie hanna hanneke",
        "wilhelmus": "wim willem will",
        "wilhelmina": "mien mina willie wil",
        "hendrik": "henk hein rik",
        "petrus": "piet pieter peter",
        "gerardus": "gerard gerrit ger",
        "antonius": "ton toon anton antoon",
        "elisabeth": "els elly betty liesbeth lies",
        "catharina": "trijn toos karin tineke",
        "jacobus": "jaap koos jacob cobus sjaak",
        "francois": "frans",
        "franciscus": "frans",
        "margaretha": "greet gre margriet marga",
        "adrianus": "ad arjan adri",
        "theodorus": "theo dorus",
    }.items()
    for short in shorts.split()
}
"""What the English list of `nicknames` lacks."""


@lru_cache(maxsize=200_000)
def plain(text: str) -> str:
    """Lower case ASCII words with single blanks; other scripts are transliterated, apostrophes close up."""
    if not text.isascii():
        text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", anyascii(text)) if _is_han(text) else anyascii(text)
    closed = re.sub(r"['`´’]", "", text.lower())
    return " ".join(re.findall(r"[a-z0-9]+", closed))


def present(text: str | None) -> str | None:
    """Plain text, or None where people and systems mean: nothing."""
    bare = plain(text) if text else ""
    return None if bare in MISSING else bare


def full_name(text: str) -> tuple[str, str]:
    """Given names and family name of a name in one piece: `Doe, John`, `John van Doe`, `王杰` (family name first)."""
    if "," in text:
        family, _, given = text.partition(",")
        return plain(given), plain(family)
    words = [word for word in plain(text).split() if word not in TITLES]
    suffix = [word for word in words if word in GENERATIONS]
    words = [word for word in words if word not in GENERATIONS]
    if _is_han(text) and len(words) > 1:
        return " ".join(words[1:]), words[0]
    if len(words) < 2:
        return " ".join(words), ""
    start = len(words) - 1
    while start > 1 and words[start - 1] in PARTICLES:
        start -= 1
    return " ".join(words[:start]), " ".join(words[start:] + suffix)


def given_names(text: str) -> tuple[str | None, str | None]:
    """The first given name and the others."""
    words = [word for word in plain(text).split() if word not in TITLES and word not in GENERATIONS]
    words = [word for word in words if not word.isdigit()]
    return (words[0], " ".join(words[1:]) or None) if words else (None, None)


def family_name(text: str) -> str | None:
    words = [word for word in plain(text).split() if word not in GENERATIONS]
    return " ".join(words) or None


def without_particles(name: str) -> str:
    """`vries` for `de vries`; the name itself if it is nothing but particles."""
    return " ".join(word for word in name.split() if word not in PARTICLES) or name


def generation(text: str | None) -> str | None:
    """`jr`, `sr`, `2`, `3`: what tells a father from a son. A lone `I` at the end is the first of his name."""
    words = plain(text or "").split()
    found = next((GENERATIONS[word] for word in words[1:] if word in GENERATIONS), None)
    return found or ("1" if len(words) > 1 and words[-1] == "i" else None)


@lru_cache(maxsize=200_000)
def name_forms(name: str) -> list[str] | None:
    """The name and what it can be short for: Bob and Robbie are both Robert. None if nothing is known about it."""
    if not well_known(name):
        return None
    spelled = _spellings(name)
    known = {full for one in spelled for full in (*_NICKNAMES.canonicals_of(one), _MORE_NICKNAMES.get(one, name))}
    return sorted(known.union(spelled))


@lru_cache(maxsize=200_000)
def well_known(name: str) -> bool:
    """Whether the lists of names have it, so that it is no misspelling of another one."""
    return any(
        one in _MORE_NICKNAMES
        or one in _MORE_NICKNAMES.values()
        or _NICKNAMES.canonicals_of(one)
        or _NICKNAMES.nicknames_of(one)
        for one in _spellings(name)
    )


def _spellings(name: str) -> set[str]:
    """Robbie is Robby."""
    ends = {"ie": "y", "y": "ie"}
    return {name, *(name.removesuffix(end) + other for end, other in ends.items() if name.endswith(end))}


def sound(name: str | None) -> str | None:
    """What a name sounds like, so that misspellings meet."""
    if not name:
        return None
    return jellyfish.metaphone(name.replace(" ", "")) or None


def date_order(values: Iterable[str]) -> bool:
    """Whether the day comes before the month in dates such as 03/04/1980, as the values that leave no doubt show."""
    first = second = 0
    for value in values:
        parts = re.match(r"^\s*(\d{1,2})\D(\d{1,2})\D\d{2,4}", value)
        if parts:
            first += int(parts[1]) > 12
            second += int(parts[2]) > 12
    return first >= second


def date_digits(text: str, day_first: bool = True) -> str | None:
    """YYYYMMDD, with zeros for what is not told. Impossible dates stay as they are typed: a typo can still be near."""
    text = text.strip().lower()
    text = re.sub(r"[t ]\d{1,2}:\d{2}.*$", "", text)
    text = re.sub(r"\.0+$", "", text)
    digits = re.sub(r"\D", "", text)
    if re.fullmatch(r"\d{8}", text):
        return (
            digits
            if 1500 <= int(digits[:4]) <= 2100 or not 1500 <= int(digits[4:]) <= 2100
            else _flip(digits, day_first)
        )
    if re.fullmatch(r"\d{4}", text):
        return f"{digits}0000"
    parts = re.findall(r"\d+|[a-z]+", text)
    named = [place for place, part in enumerate(parts) if part[:3] in _MONTHS]
    numbers = [part for part in parts if part.isdigit()]
    if named and len(numbers) >= 2:
        return _date(_longest_last(numbers[:2]), str(_MONTHS[parts[named[0]][:3]]), _shortest_first(numbers[:2]))
    if len(numbers) < 3:
        return f"{numbers[0]}{int(numbers[1]):02d}00" if len(numbers) == 2 and len(numbers[0]) == 4 else None
    one, two, three = numbers[:3]
    if len(one) == 4:
        return _date(one, two, three)
    day, month = (one, two) if day_first else (two, one)
    if int(month) > 12 >= int(day):
        day, month = month, day
    return _date(three, month, day)


def _longest_last(numbers: list[str]) -> str:
    return numbers[0] if len(numbers[0]) == 4 else numbers[1]


def _shortest_first(numbers: list[str]) -> str:
    return numbers[1] if len(numbers[0]) == 4 else numbers[0]


def _flip(digits: str, day_first: bool) -> str:
    one, two = digits[:2], digits[2:4]
    return digits[4:] + (two + one if day_first else one + two)


def _date(year: str, month: str, day: str) -> str | None:
    if len(year) <= 2:
        year = f"{20 if int(year) <= LAST_TWO_DIGIT_YEAR else 19}{int(year):02d}"
    if len(year) != 4 or len(month) > 2 or len(day) > 2:
        return None
    return f"{year}{int(month):02d}{int(day):02d}"


def address_words(text: str) -> list[str]:
    """The distinct words of an address, common ones abbreviated, numbers included."""
    return sorted({STREET_WORDS.get(word, word) for word in plain(text).split()})


def street(text: str) -> str | None:
    return " ".join(STREET_WORDS.get(word, word) for word in plain(text).split()) or None


def company_name(text: str) -> str | None:
    words = plain(text).split()
    kept = [word for word in words if word not in LEGAL_FORMS]
    return " ".join(kept or words) or None


def email_address(text: str) -> str | None:
    """Lower case, from `Name <address>` too; None if there is no @ in it."""
    inside = re.search(r"<\s*([^<>\s]+@[^<>\s]+)\s*>", text)
    bare = (inside[1] if inside else text).strip().lower()
    return bare if re.fullmatch(r"[^@\s]+@[^@\s]+", bare) else None


def email_root(address: str) -> str:
    """Without what some providers ignore: a tag after a plus, dots in the part before the @. A weak signal only."""
    user, _, domain = address.partition("@")
    return f"{user.split('+')[0].replace('.', '')}@{'gmail.com' if domain == 'googlemail.com' else domain}"


def phone_digits(text: str) -> str | None:
    """The last nine digits, which do not depend on how country and area are written."""
    digits = re.sub(r"\D", "", text).lstrip("0")
    return digits[-9:] if len(digits) >= 6 and len(set(digits)) > 1 else None


def sex(text: str) -> str | None:
    return {"m": "m", "man": "m", "f": "f", "v": "f", "w": "f", "vrouw": "f"}.get(plain(text).split(" ")[0][:1] or "")


def code(text: str) -> str | None:
    """Letters and digits only, for postcodes and document numbers."""
    return plain(text).replace(" ", "") or None


def _is_han(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)
