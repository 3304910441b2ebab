"""How values are spelled before they are compared: plain letters, names in their parts, phones as digits."""

from __future__ import annotations

import re
from functools import lru_cache

from anyascii import anyascii
from metaphone import doublemetaphone
from nicknames import NickNamer

from jobs.config.sources.name_words import GENERATIONS, PARTICLES, TITLES
from jobs.identity.matching.given_names import LISTED, MORE_NICKNAMES, SPELLINGS
from jobs.identity.matching.words import LEGAL_FORMS, MISSING, STREET_WORDS

_NICKNAMES = NickNamer()
_FULL_NAMES: dict[str, set[str]] = {}
for _full, _shorts in MORE_NICKNAMES.items():
    for _short in (_full, *_shorts.split()):
        _FULL_NAMES.setdefault(_short, set()).add(_full)
_SPOKEN = [
    *((re.compile(pattern), sound) for pattern, sound in (("ph", "f"), ("th", "t"), ("ij|y", "ie"), ("ck|c|q", "k"))),
    *((re.compile(pattern), sound) for pattern, sound in (("x", "ks"), ("z", "s"), ("w", "v"), ("j", "i"), ("h", ""))),
    (re.compile(r"(.)\1+"), r"\1"),
]
"""Ways to write one sound, in the order they are told apart: Eric is Erik, Sophie Sofie, Mathijs Matthijs."""
SPOKEN = "="
SOFT_VOWELS = "[aeiou]+([^aeiou])|e$"
"""What two spellings of one name differ in, as they are spoken: Susan is Susanne. A last `o` makes another name."""
SHORTEST_WITH_ENDING = 3
"""Letters beyond which a last `a` or `e` is an ending: Julie is Julia, but Noa is not Noe."""


@lru_cache(maxsize=200_000)
def plain(text: str) -> str:
    """Lower case ASCII words with single blanks; other scripts are transliterated, apostrophes close up."""
    if text.isascii() and text.isalnum():
        return text.lower()
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
    """The name, what it can be short for, and how it is spoken: Bob and Robbie are both Robert, Erik is Eric.

    None if nothing is known about it. Only names that are listed here have a form for how they are spoken, which
    begins with SPOKEN and comes first.
    """
    if not well_known(name):
        return None
    spelled = _spellings(name)
    known = {full for one in spelled for full in (*_NICKNAMES.canonicals_of(one), *_FULL_NAMES.get(one, ()))}
    return [*([SPOKEN + _spoken(name)] if listed(name) else []), *sorted({*known, *spelled})]


@lru_cache(maxsize=200_000)
def one_name(one: str, other: str) -> bool:
    """Whether two names may be one person's: one is short for the other, or both for a third.

    Two listed names that are short for a third are two names of brothers (Tim and Timo, Jan and Hans, Nick and Niels),
    unless they are two spellings of one (Michel and Michiel, Mohamed and Muhammad) or one is the other's beginning (Jan
    and Jantje). `name_comparisons.given` asks the same.
    """
    here, there = name_forms(one), name_forms(other)
    shared = {*(here or [one])} & {*(there or [other])}
    if not shared or not here or not there or not (listed(one) and listed(other)):
        return bool(shared)
    skeletons = {re.sub(SOFT_VOWELS, r"\1", forms[0]) for forms in (here, there)}
    begins = abs(len(one) - len(other)) > 1 and (one.startswith(other) or other.startswith(one))
    return one in there or other in here or begins or len(skeletons) == 1 or not shared.isdisjoint(SPELLINGS)


@lru_cache(maxsize=200_000)
def listed(name: str) -> bool:
    """Whether it is a name of its own, however alike to others: two listed names without a form in common are two."""
    return any(one in LISTED or one in _FULL_NAMES for one in _spellings(name))


def _spoken(name: str) -> str:
    """One spelling for those that sound alike. Anna and Anne are the one name of two languages."""
    for pattern, sound_of_it in _SPOKEN:
        name = pattern.sub(sound_of_it, name)
    return name[:-1] + "e" if len(name) > SHORTEST_WITH_ENDING and name[-1] in "ae" else name


@lru_cache(maxsize=200_000)
def well_known(name: str) -> bool:
    """Whether the lists of names have it, so that it is no misspelling of another one."""
    known = (_NICKNAMES.canonicals_of(one) or _NICKNAMES.nicknames_of(one) for one in _spellings(name))
    return listed(name) or any(known)


def _spellings(name: str) -> set[str]:
    """Robbie is Robby."""
    ends = {"ie": "y", "y": "ie"}
    return {name, *(name.removesuffix(end) + other for end, other in ends.items() if name.endswith(end))}


def sound(name: str | None) -> str | None:
    """What a name sounds like, so that misspellings meet."""
    if not name:
        return None
    return doublemetaphone(name.replace(" ", ""))[0] or None


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
