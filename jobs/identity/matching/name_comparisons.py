"""How the names of two records are compared: see `jobs.identity.matching.comparisons`."""

from __future__ import annotations

from dataclasses import replace

from jobs.identity.matching.given_names import SPELLINGS
from jobs.identity.matching.levels import (
    ANOTHER_NAME,
    SIBLING,
    Comparison,
    Level,
    alike,
    both,
    common,
    equal,
    near,
    one_slip,
    two_slips,
    words,
)
from jobs.identity.matching.values import SOFT_VOWELS, SPOKEN


def given(slot: str) -> Comparison:
    another = both("given_known", "({l} AND {r})")
    first = both("given_forms", f"starts_with({{l}}[1], '{SPOKEN}') AND starts_with({{r}}[1], '{SPOKEN}')")
    listed = f"coalesce({first}, false)"
    nickname = f"(CASE WHEN {common('given_forms')} THEN NOT {listed} OR {_ONE_NAME} ELSE false END)"
    initial = both(slot, "(least(length({l}), length({r})) = 1 AND left({l}, 1) = left({r}, 1))")
    return Comparison(
        slot,
        (slot, "given_forms", "given_known", "given_sound"),
        (
            Level("equal", equal(slot), 0.72, 0.004, slot, kin=0.02),
            Level("nickname", nickname, 0.04, 0.003),
            Level("near", f"(CASE WHEN {one_slip(slot, 4)} THEN NOT {listed} ELSE false END)", 0.07, 0.003),
            Level("initial", initial, 0.04, 0.005),
            Level(
                "sound",
                f"(CASE WHEN {equal('given_sound')} AND NOT {listed} THEN {alike(slot, 0.8)} ELSE false END)",
                0.03,
                0.003,
            ),
            Level(ANOTHER_NAME, another, 0.015, 0.25),
            Level(
                "two slips",
                f"(CASE WHEN {alike(slot, 0.82)} THEN {two_slips(slot)} ELSE false END)",
                0.025,
                0.003,
                kin=0.01,
            ),
            Level(SIBLING, alike(slot, 0.82), 0.012, 0.015, kin=0.05),
            Level("other", "ELSE", 0.05, 0.72),
        ),
    )


def middle(slot: str) -> Comparison:
    initial = both(slot, "(least(length({l}), length({r})) = 1 AND left({l}, 1) = left({r}, 1))")
    return Comparison(
        slot,
        (slot,),
        (
            Level("equal", equal(slot), 0.6, 0.01, slot),
            Level("near", f"({near(slot, 0.82)} OR {initial})", 0.25, 0.03),
            Level("other", "ELSE", 0.15, 0.96),
        ),
    )


def family(slot: str) -> Comparison:
    return Comparison(
        slot,
        (slot, "family_core", "family_sound"),
        (
            Level("equal", equal(slot), 0.78, 0.002, slot),
            Level("near", near(slot, 0.92), 0.1, 0.002),
            Level("part", f"({equal('family_core')} OR {words('family_core', 0.01)})", 0.03, 0.001),
            Level("alike", f"(CASE WHEN {alike(slot, 0.84)} THEN true ELSE {equal('family_sound')} END)", 0.03, 0.012),
            Level("other", "ELSE", 0.06, 0.98),
        ),
        shared=True,
    )


def told_once(comparison: Comparison) -> Comparison:
    """What first and last names tell together is told once: by comparing first names if they are swapped, by comparing
    last names if the one name of a record is the other's last name."""
    columns = tuple(dict.fromkeys((*comparison.columns, "given", "family", "one_name")))
    here, there = (f"coalesce(one_name_{side}, false)" for side in ("l", "r"))
    if comparison.slot == "family":
        silent = (
            f"(CASE WHEN {here} AND {there} THEN true WHEN {here} OR {there} THEN NOT {_SAME_FAMILY} "
            f"ELSE {_SWAPPED} OR {_MISSPELT} END)"
        )
        return replace(comparison, columns=columns, silent=f"coalesce({silent}, false)")
    if comparison.slot == "given":
        silent = f"({here} <> {there} AND given_l <> given_r AND {_SAME_FAMILY})"
        first, *rest = comparison.levels
        swapped = (
            Level("swapped", f"({_SWAPPED})", 0.01, 0.00001),
            Level("swapped and misspelt", f"({_MISSPELT})", 0.005, 0.00002),
        )
        return replace(
            comparison, columns=columns, silent=f"coalesce({silent}, false)", levels=(first, *swapped, *rest)
        )
    if comparison.slot == "email":
        made_of_name = '(email_user_l = email_user_r AND email_l <> email_r AND contains(email_user_l, "family_l"))'
        silent = f"({comparison.silent} OR coalesce({made_of_name}, false))"
        return replace(comparison, columns=(*comparison.columns, "family"), silent=silent)
    return comparison


def _crosswise() -> str:
    """Both names are nearly the other one's, and not as near straight.

    Most pairs are ruled out by the first letters, of which a slip seldom is one."""
    there, back = (near("x", 0.92).replace('"x_l"', one).replace('"x_r"', other) for one, other in _CROSSED)
    straight = (near(slot, 0.92) for slot in ("given", "family"))
    letters = " AND ".join(f"left({one}, 1) = left({other}, 1)" for one, other in _CROSSED)
    return f"(CASE WHEN {letters} THEN {there} AND {back} AND NOT ({' AND '.join(straight)}) ELSE false END)"


_CROSSED = (("given_l", "family_r"), ("family_l", "given_r"))
_SWAPPED = '("given_l" = "family_r" AND "family_l" = "given_r" AND "given_l" <> "given_r")'
"""First and last name are in each other's box."""
_MISSPELT = _crosswise()
_SAME_FAMILY = f"({near('family', 0.92)})"
_SKELETON_L, _SKELETON_R = (
    f"regexp_replace(given_forms_{side}[1], '{SOFT_VOWELS}', '\\1', 'g')" for side in ("l", "r")
)
_ONE_NAME = (
    "(list_contains(given_forms_l, given_r) OR list_contains(given_forms_r, given_l) "
    "OR (abs(length(given_l) - length(given_r)) > 1 "
    "AND (starts_with(given_l, given_r) OR starts_with(given_r, given_l)))"
    f" OR {_SKELETON_L} = {_SKELETON_R} "
    f"OR list_has_any(list_intersect(given_forms_l, given_forms_r), {list(SPELLINGS)}))"
)
"""Two listed names that share a form are one name: `values.one_name`."""
