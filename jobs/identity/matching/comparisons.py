"""How two records are compared, slot by slot: levels of agreement in SQL, each with what to expect before training.

A level says how often it occurs among records of one person (`m`), among those of two (`u`), and, if it differs from
`u`, among those of two people of one household (`kin`). A comparison of what households share (`shared`) tells such
people apart as little as it tells one person: there the household behaves like one person.
Training moves `m` and `u` as far as the data can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from jobs.identity.matching import name_comparisons
from jobs.identity.matching.levels import (
    Comparison,
    Level,
    alike,
    both,
    common,
    equal,
    near,
    one_slip,
    overlap,
    two_slips,
    words,
)


def comparisons(columns: Collection[str]) -> list[Comparison]:
    """The comparisons for prepared records with these columns."""
    found = [make(name) for name in columns for prefix, make in _MAKERS.items() if _is(name, prefix)]
    found = [_told_by_postcode(comparison) if "postcode" in columns else comparison for comparison in found]
    if "given" in columns and "family" in columns:
        found = [name_comparisons.told_once(comparison) for comparison in found]
    return found


def _is(name: str, prefix: str) -> bool:
    derived = ("_words", "_sound", "_start", "_forms", "_first", "_root", "_user", "_end", "_text", "_numbers")
    return name == prefix or (
        prefix in ("street", "city", "text", "category", "national_id")
        and name.startswith(f"{prefix}_")
        and not name.endswith(derived)
    )


def _told_by_postcode(comparison: Comparison) -> Comparison:
    """Who has the same postcode lives in the same town: that is told once, by comparing postcodes."""
    if not comparison.slot.startswith(("city", "region")):
        return comparison
    same = f"coalesce({equal('postcode')}, false)"
    return replace(comparison, columns=(*comparison.columns, "postcode"), silent=same)


def _birth_date(slot: str) -> Comparison:
    """Dates are eight digits; substring() takes half the time of a slice."""
    year, month, day = (f"substring({{}}, {start}, {length})" for start, length in ((1, 4), (5, 2), (7, 2)))
    years, months, days = (f"{part.format('{l}')} = {part.format('{r}')}" for part in (year, month, day))
    swapped = f"{month.format('{l}')} = {day.format('{r}')} AND {day.format('{l}')} = {month.format('{r}')}"
    slip = "(CASE hamming({l}, {r}) WHEN 1 THEN true WHEN 2 THEN damerau_levenshtein({l}, {r}) <= 1 ELSE false END)"
    parts = f"(({years})::INT + ({months})::INT + ({days})::INT >= 2)"
    told = both(slot, "NOT ends_with({l}, '0000')")
    return Comparison(
        slot,
        (slot,),
        (
            Level("equal", f"({equal(slot)} AND {told})", 0.8, 0.00005, slot, kin=0.02),
            Level("day and month swapped", both(slot, f"({swapped} AND {years})"), 0.02, 0.00005),
            Level("one slip", both(slot, slip), 0.08, 0.0008),
            Level("two parts", both(slot, parts), 0.03, 0.004),
            Level("year", both(slot, years), 0.02, 0.015),
            Level("two digits", both(slot, "hamming({l}, {r}) <= 2"), 0.01, 0.01),
            Level("other", "ELSE", 0.04, 0.975),
        ),
    )


def _street(slot: str) -> Comparison:
    return Comparison(
        slot,
        (slot,),
        (
            Level("equal", equal(slot), 0.65, 0.0005, slot),
            Level("near", near(slot, 0.94, 6), 0.13, 0.0007),
            Level("words", f"(CASE WHEN {alike(slot, 0.85)} THEN true ELSE {words(slot, 0.67)} END)", 0.07, 0.02),
            Level("other", "ELSE", 0.15, 0.978),
        ),
        shared=True,
    )


def _house_number(slot: str) -> Comparison:
    return Comparison(
        slot,
        (slot,),
        (
            Level("equal", equal(slot), 0.75, 0.015, slot),
            Level("one slip", one_slip(slot), 0.1, 0.15),
            Level("other", "ELSE", 0.15, 0.835),
        ),
        shared=True,
    )


def _address(slot: str) -> Comparison:
    words, numbers = f"{slot}_words", f"{slot}_numbers"
    number = f"coalesce({common(numbers)}, false)"
    return Comparison(
        slot,
        (slot, words, numbers, f"{slot}_text"),
        (
            Level("equal", equal(f"{slot}_text"), 0.4, 0.00005, f"{slot}_text"),
            Level("words and number", f"({number} AND {overlap(words, 0.65)})", 0.35, 0.0001),
            Level("some words and number", f"({number} AND {overlap(words, 0.35)})", 0.1, 0.003),
            Level("words", overlap(words, 0.6), 0.04, 0.01),
            Level("other", "ELSE", 0.11, 0.987),
        ),
        shared=True,
    )


def _city(slot: str) -> Comparison:
    part = both(slot, "(starts_with({l}, {r}) OR starts_with({r}, {l}))")
    return Comparison(
        slot,
        (slot,),
        (
            Level("equal", equal(slot), 0.7, 0.03, slot),
            Level("near", f"({near(slot, 0.9)} OR {part})", 0.12, 0.006),
            Level("other", "ELSE", 0.18, 0.964),
        ),
        shared=True,
    )


def _postcode(slot: str) -> Comparison:
    return Comparison(
        slot,
        (slot,),
        (
            Level("equal", equal(slot), 0.68, 0.001, slot),
            Level("one slip", one_slip(slot), 0.1, 0.006),
            Level("area", both(slot, "left({l}, 3) = left({r}, 3)"), 0.07, 0.01),
            Level("other", "ELSE", 0.15, 0.983),
        ),
        shared=True,
    )


def _category(slot: str) -> Comparison:
    shared = slot.startswith("region")
    return Comparison(
        slot, (slot,), (Level("equal", equal(slot), 0.85, 0.2, slot), Level("other", "ELSE", 0.15, 0.8)), shared=shared
    )


def _gender(slot: str) -> Comparison:
    return Comparison(slot, (slot,), (Level("equal", equal(slot), 0.96, 0.5), Level("other", "ELSE", 0.04, 0.5)))


_LETTERS_L, _LETTERS_R = (f"translate(email_user_{side}, '0123456789', '')" for side in ("l", "r"))
OTHER_NUMBER = (
    "(starts_with(email_user_l, left(email_user_r, 2)) AND email_user_l <> email_user_r"
    f" AND {_LETTERS_L} = {_LETTERS_R} AND least(strlen(email_user_l), strlen(email_user_r)) > strlen({_LETTERS_L}))"
)
"""Mailboxes that differ in their number alone: it may be a slip, or what tells people of one name apart."""


def _email(slot: str) -> Comparison:
    user = "(length(email_user_l) >= 4 AND email_user_l = email_user_r)"
    # two slips seldom are at both ends of a name, and what is alike in most addresses is their end: looking at that
    # first rules out most pairs at a twentieth of the cost
    user_alike = (
        "(starts_with(email_l, left(email_r, 2)) OR suffix(email_user_l, right(email_user_r, 3)))"
        f" AND {alike('email_user', 0.75)}"
    )
    return Comparison(
        slot,
        (slot, "email_root", "email_user"),
        (
            Level("equal", equal(slot), 0.68, 0.00001, slot, kin=0.1),
            Level("dots and tags aside", equal("email_root"), 0.02, 0.00001),
            Level(
                "near", f"(CASE WHEN {user_alike} THEN {two_slips(slot, 8)} ELSE false END)", 0.09, 0.00002, kin=0.02
            ),
            Level("user", user, 0.05, 0.0002, kin=0.02),
            Level("user nearly", two_slips("email_user", 6), 0.03, 0.0005, kin=0.02),
            Level("other", "ELSE", 0.13, 0.9992),
        ),
        silent=f"coalesce({OTHER_NUMBER}, false)",
    )


def _phone(slot: str) -> Comparison:
    return Comparison(
        slot,
        (slot, "phone_end"),
        (
            Level("equal", equal(slot), 0.6, 0.00001, slot),
            Level("last digits", equal("phone_end"), 0.04, 0.00001),
            Level("one slip", one_slip(slot), 0.06, 0.00005),
            Level("other", "ELSE", 0.3, 0.9999),
        ),
        shared=True,
    )


def _company(slot: str) -> Comparison:
    return Comparison(
        slot,
        (slot,),
        (
            Level("equal", equal(slot), 0.6, 0.003, slot),
            Level("near", near(slot, 0.92, 5), 0.15, 0.003),
            Level("words", words(slot, 0.67), 0.1, 0.003),
            Level("alike", alike(slot, 0.85), 0.04, 0.004),
            Level("some words", words(slot, 0.01), 0.05, 0.02),
            Level("other", "ELSE", 0.1, 0.971),
        ),
    )


def _national_id(slot: str) -> Comparison:
    return Comparison(
        slot,
        (slot,),
        (
            Level("equal", equal(slot), 0.85, 0.000001, slot, kin=0.3),
            Level("one slip", one_slip(slot, 5), 0.07, 0.00003),
            Level("two slips", two_slips(slot, 7), 0.02, 0.0005),
            Level("other", "ELSE", 0.06, 0.9995),
        ),
    )


def _text(slot: str) -> Comparison:
    return Comparison(
        slot,
        (slot,),
        (
            Level("equal", equal(slot), 0.65, 0.02, slot),
            Level("near", f"(CASE WHEN {near(slot, 0.9, 5)} THEN true ELSE {words(slot, 0.67)} END)", 0.1, 0.01),
            Level("other", "ELSE", 0.25, 0.97),
        ),
    )


_MAKERS: dict[str, Callable[[str], Comparison]] = {
    "given": name_comparisons.given,
    "middle": name_comparisons.middle,
    "family": name_comparisons.family,
    "birth_date": _birth_date,
    "gender": _gender,
    "street": _street,
    "house_number": _house_number,
    "address": _address,
    "city": _city,
    "postcode": _postcode,
    "region": _category,
    "email": _email,
    "phone": _phone,
    "company": _company,
    "national_id": _national_id,
    "text": _text,
    "category": _category,
}
