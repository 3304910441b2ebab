"""Whether two contact records can be one person, judged by name and birth date."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pandas as pd


def plain(name: str | None) -> str:
    """Letters only, lower case, without accents: `De Vries-Öz` is `devriesoz`."""
    letters = unicodedata.normalize("NFKD", (name or "").lower())
    return "".join(letter for letter in letters if letter.isalpha())


def agree(pairs: pd.DataFrame, on: list[str]) -> pd.Series:
    """For each pair (columns first_name, last_name, birth_date with `_left` and `_right`): could it be one person?

    Names are as `plain` gives them. On `name`: both last names are known and the same, give or take one slip of the
    pen, and the first names are the same or one is the initial of the other. On `birth_date`: not both known and
    different. Equal birth dates excuse one slip in the first name too.
    """
    both_born = pairs["birth_date_left"].notna() & pairs["birth_date_right"].notna()
    same_birth = both_born & (pairs["birth_date_left"] == pairs["birth_date_right"])
    verdict = pd.Series(True, index=pairs.index)
    if "birth_date" in on:
        verdict &= ~both_born | same_birth
    if "name" in on:
        last = _compare(pairs, "last_name", _alike)
        first = _compare(pairs, "first_name", _same_or_initial)
        first |= same_birth & _compare(pairs, "first_name", _alike)
        verdict &= last & first
    return verdict


def _compare(pairs: pd.DataFrame, column: str, rule: Callable[[str, str], bool]) -> pd.Series:
    sides = zip(pairs[f"{column}_left"], pairs[f"{column}_right"], strict=True)
    verdicts = [bool(left and right) and rule(left, right) for left, right in sides]
    return pd.Series(verdicts, index=pairs.index, dtype=bool)


def _same_or_initial(left: str, right: str) -> bool:
    return left == right or (min(len(left), len(right)) == 1 and left[0] == right[0])


def _alike(left: str, right: str) -> bool:
    """Equal, or at least four letters of which one is missing, extra, wrong, or swapped with its neighbour."""
    if left == right:
        return True
    if min(len(left), len(right)) < 4 or abs(len(left) - len(right)) > 1:
        return False
    short, long = sorted((left, right), key=len)
    start = next((place for place, letter in enumerate(short) if letter != long[place]), len(short))
    rest_short, rest_long = short[start:], long[start:]
    if len(short) < len(long):
        return rest_short == rest_long[1:]
    swapped = len(rest_short) > 1 and rest_short[:2] == rest_long[1::-1] and rest_short[2:] == rest_long[2:]
    return rest_short[1:] == rest_long[1:] or swapped
