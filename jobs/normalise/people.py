"""Names of people and companies: their parts, and how they sound. For comparing, never for addressing anybody."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from jobs.normalise.text import key, latin

if TYPE_CHECKING:
    from nameparser import HumanName
    from nicknames import NickNamer

GENDERS = {
    "male": {
        "male",
        "m",
        "man",
        "mr",
        "dhr",
        "mannelijk",
        "männlich",
        "homme",
        "hombre",
        "masculino",
        "masculin",
        "uomo",
    },
    "female": {"female", "f", "v", "w", "woman", "mrs", "ms", "mevr", "vrouw", "vrouwelijk", "weiblich", "frau"}
    | {"femme", "féminin", "mujer", "femenino", "donna", "femminile", "feminino"},
    "other": {"other", "x", "d", "diverse", "divers", "anders", "overig", "nonbinary", "non-binary", "autre", "otro"},
}


def without_titles(name: str) -> str:
    """`Dr. Jane Doe` is `Jane Doe`."""
    parts = _parsed(name)
    return " ".join(part for part in (parts.first, parts.middle, parts.last, parts.suffix) if part)


def without_suffixes(name: str) -> str:
    """`Jane Doe MD` is `Jane Doe`; so are Jr, III and the like."""
    parts = _parsed(name)
    return " ".join(part for part in (parts.title, parts.first, parts.middle, parts.last) if part)


def without_middle(name: str) -> str:
    """`John Q. Public` is `John Public`."""
    parts = _parsed(name)
    return " ".join(part for part in (parts.title, parts.first, parts.last, parts.suffix) if part)


def initials(name: str) -> str:
    """First letters of first, middle and last names: `John Quincy Adams` is `JQA`."""
    parts = _parsed(name)
    words = f"{parts.first} {parts.middle} {parts.last}".split()
    return "".join(word[0].upper() for word in words if word[0].isalpha())


def proper(name: str) -> str:
    """With the capitals that names have: `JAN MCDONALD` is `Jan McDonald`."""
    parts = _parsed(name)
    parts.capitalize(force=True)
    return str(parts)


def first_names(name: str) -> frozenset[str]:
    """The name, and the full names that it can be short for, in lower case: Bob can be Robert."""
    plain = key(latin(name))
    return frozenset({plain, *_nicknames().canonicals_of(plain)})


def soundex(name: str) -> str:
    """American Soundex of the letters; empty if there are none."""
    import jellyfish

    return jellyfish.soundex(_letters(name)) if _letters(name) else ""


def double_metaphone(name: str) -> tuple[str, str]:
    """How it sounds, and how it may sound too; two empty texts if it has no letters."""
    from metaphone import doublemetaphone

    first, second = doublemetaphone(_letters(name))
    return first, second or first


def without_legal_form(company: str) -> str:
    """`Bakker B.V.` is `Bakker`."""
    from cleanco import basename

    return str(basename(basename(company)))  # twice: some have two, as in Acme Co Ltd


def company(name: str) -> str:
    """What spellings of one company share: `Bakker B.V.` is `bakker`."""
    return key(without_legal_form(name))


def gender(value: str) -> str | None:
    """male, female or other, from the usual words and letters of several languages; None if it is none of them."""
    word = key(value)
    return next((meaning for meaning, words in GENDERS.items() if word in words), None)


def _parsed(name: str) -> HumanName:
    from nameparser import HumanName

    return HumanName(name)


def _letters(name: str) -> str:
    return "".join(c for c in latin(name) if c.isalpha())


@lru_cache
def _nicknames() -> NickNamer:
    from nicknames import NickNamer

    return NickNamer()
