"""Whether two contact records can be one person, judged by name and birth date.

Names are compared as `plain` spells them, in Latin letters: Łukasz is Lukasz, Иван is Ivan. Pairs are rows with the
columns first_name, last_name and birth_date of both sides, ending in `_left` and `_right`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from difflib import SequenceMatcher

import pandas as pd
from anyascii import anyascii

from jobs.config.identity import Fact
from jobs.identity.matching.values import generation, listed, one_name

SHORTEST_FAMILY_NAME = 3
SHORTEST_WITH_SLIP = 4
ENDINGS_OF_WOMEN = ("ne", "na", "ine", "ina", "la", "le", "lle", "ella", "elle", "ia", "ien", "ke", "neke", "ette")
"""What makes of a man's name one of a woman."""
ALIKE = 0.6
"""Share of letters in common from which a name may be another one, misspelt."""


def plain(name: str | None) -> str:
    """Letters only, lower case, without accents: `De Vries-Öz` is `devriesoz`; and the generation: `vos jr`."""
    told = generation(name)
    words = (name or "").split()
    if told:
        words = [word for place, word in enumerate(words) if not place or not generation(f"x {word}")]
    letters = unicodedata.normalize("NFKD", " ".join(words).lower())
    bare = "".join(letter for letter in letters if letter.isalpha())
    return f"{bare} {told}" if told else bare


def same(pairs: pd.DataFrame, fact: Fact) -> pd.Series:
    """The fact is known on both sides and fits.

    Names fit if the last names are the same, give or take one slip of the pen or a second family name, and the first
    names are the same or one is the other's initial; equal birth dates excuse a slip in the first name. First and last
    name may have been typed in each other's box. Junior is not senior.
    """
    equal_birth = _birth(pairs)["equal"]
    if fact == "birth_date":
        return equal_birth
    first = _compare(pairs, "first_name", "first_name", _same_or_initial)
    first |= equal_birth & _compare(pairs, "first_name", "first_name", _one_slip_apart)
    fits = (first & _compare(pairs, "last_name", "last_name", _same_family)) | _crosswise(pairs)
    return fits & (equal_birth | ~_other_generation(pairs))


def different(pairs: pd.DataFrame, fact: Fact) -> pd.Series:
    """The fact is known on both sides and contradicts.

    Names contradict if the first names start with different letters, unless the birth dates are equal or the names were
    typed in each other's box; and if one says junior, the other senior. Equal birth dates excuse what may be one name
    (Cornelis is Kees), no others: twins share theirs. Two names that are clearly others contradict however they start.
    """
    birth = _birth(pairs)
    if fact == "birth_date":
        return birth["known"] & ~birth["equal"]
    other_initial = _compare(pairs, "first_name", "first_name", _other_initial) | _other_generation(pairs)
    other_name = _compare(pairs, "first_name", "first_name", _clearly_other)
    return ((other_initial & ~birth["equal"]) | other_name) & ~_crosswise(pairs)


def _birth(pairs: pd.DataFrame) -> pd.DataFrame:
    known = pairs["birth_date_left"].notna() & pairs["birth_date_right"].notna()
    return pd.DataFrame({"known": known, "equal": known & (pairs["birth_date_left"] == pairs["birth_date_right"])})


def _crosswise(pairs: pd.DataFrame) -> pd.Series:
    """One side has its first and last name in each other's box."""
    there = _compare(pairs, "first_name", "last_name", str.__eq__)
    return there & _compare(pairs, "last_name", "first_name", str.__eq__)


def _compare(pairs: pd.DataFrame, left: str, right: str, rule: Callable[[str, str], bool]) -> pd.Series:
    """The verdict of a rule on two names, in Latin letters and without generations; False if one is unknown."""
    sides = zip(pairs[f"{left}_left"].map(_bare), pairs[f"{right}_right"].map(_bare), strict=True)
    verdicts = [bool(one and other) and rule(one, other) for one, other in sides]
    return pd.Series(verdicts, index=pairs.index, dtype=bool)


def _bare(name: str) -> str:
    bare = name.partition(" ")[0]
    return bare if bare.isascii() else "".join(filter(str.isalpha, anyascii(bare).lower())) or bare


def _other_generation(pairs: pd.DataFrame) -> pd.Series:
    """Both sides tell a generation, behind the first or the last name, and it is not the same."""
    left, right = (
        [
            last.partition(" ")[2] or first.partition(" ")[2]
            for first, last in zip(pairs[f"first_name_{side}"], pairs[f"last_name_{side}"], strict=True)
        ]
        for side in ("left", "right")
    )
    differs = [bool(one and other) and one != other for one, other in zip(left, right, strict=True)]
    return pd.Series(differs, index=pairs.index, dtype=bool)


def _same_or_initial(left: str, right: str) -> bool:
    return left == right or (min(len(left), len(right)) == 1 and left[0] == right[0])


def _other_initial(left: str, right: str) -> bool:
    return left[0] != right[0]


def _clearly_other(left: str, right: str) -> bool:
    """Two whole names that are neither one name in short and in full nor slips of the pen apart.

    Names that are both listed are no slips of each other, however alike: Tim and Tom, Lars and Lara.
    """
    if min(len(left), len(right)) < SHORTEST_FAMILY_NAME or one_name(left, right):
        return False
    if listed(left) and listed(right):
        return not _in_short(*sorted((left, right), key=len))
    if left[:SHORTEST_FAMILY_NAME] == right[:SHORTEST_FAMILY_NAME]:
        return False
    return unlike(left, right)


def unlike(left: str, right: str) -> bool:
    """Two names have too few letters in common to be one, misspelt."""
    one, other = sorted((left, right))  # what they have in common would depend on which is looked for in which
    return SequenceMatcher(None, one, other, autojunk=False).ratio() < ALIKE


def _in_short(short: str, long: str) -> bool:
    """Mart is Martijn in short; Jan is not Janneke, nor Daniel Danielle, nor Julia Julian."""
    rest = long.removeprefix(short)
    return long.startswith(short) and len(rest) > 1 and rest not in ENDINGS_OF_WOMEN


def _same_family(left: str, right: str) -> bool:
    """Vries and De Vries, Bakker and Bakker-Vos, Visser and Viser."""
    short, long = sorted((left, right), key=len)
    part = len(short) >= SHORTEST_FAMILY_NAME and (long.startswith(short) or long.endswith(short))
    return part or _one_slip_apart(left, right)


def _one_slip_apart(left: str, right: str) -> bool:
    """Equal, or long enough and one letter is missing, extra, wrong, or swapped with its neighbour."""
    if left == right:
        return True
    short, long = sorted((left, right), key=len)
    if len(short) < SHORTEST_WITH_SLIP or len(long) - len(short) > 1:
        return False
    start = next((place for place, letter in enumerate(short) if letter != long[place]), len(short))
    rest_short, rest_long = short[start:], long[start:]
    if len(short) < len(long):
        return rest_short == rest_long[1:]
    swapped = rest_short[:2] == rest_long[1::-1] and rest_short[2:] == rest_long[2:]
    return rest_short[1:] == rest_long[1:] or swapped
