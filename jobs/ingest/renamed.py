"""Which new column is the new name of one that is gone. A wrong guess costs more than none, so it takes evidence."""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher
from itertools import zip_longest

from jobs.ingest.columns import Seen, Shape

ALIKE = 0.8
"""Likeness of two words, from 0 to 1, from which one is a way to write the other."""
SHORTEST = 3
"""Letters of an abbreviation."""
_WHOLE = """
account active activity addition address age agent amount article bedrag besteld betaald bezoek bezorgd billing
brand campaign car card care cart case cash change channel charge city click close code color comment consent
contact content contract cost count country county coupon created creator credit dag date datum day debit delivery
device discount district due duration duty edited event first form from geboren gemeente gender geslacht given gross
group height hours house image invoice item jaar klacht klant kort korting laatste label land language last lead
lijn line link list load locale location logic login maand maat mail main male market member merk message mobile
mode model month naam name net network note number offer office officer older open opener option order owner page
paid part partner party pay person personal phase phone plaat plaats place plan plane point postal prefix price
prijs prize product profile provincie quality quantity query quota quote rate ratio read reader reason reden region
religion report result return route sale score season seller sender sent service session size soort source spent
staat stad stage state status stock store straat street suffix taal tax taxi team term text tile time title token
total type unit update use user value variant versie version view viewer visit visitor waarde wait website week
weight winkel year
"""
WHOLE_WORDS = frozenset(_WHOLE.split())
"""Words of headings, English and Dutch, each with a meaning of its own however near another: country and county, count
and country, price and prize. A slip makes none of them of another."""
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+")


def new_name(column: str, candidates: list[str], seen: Seen, before: Shape) -> str:
    """The candidate that is likely the new name of `column`; empty if none is.

    It holds no other kind of values, and either the name is the same but for its spelling, or it is the only difference
    between the columns of two files and its values, no text, are of the same kind.
    """
    fitting = [name for name in candidates if not _other_kind(column, name, seen, before)]
    likely = [name for name in fitting if alike(column, name)]
    if likely:
        return max(likely, key=lambda name: SequenceMatcher(None, _bare(column), _bare(name), autojunk=False).ratio())
    return next((name for name in fitting if _only_difference(column, name, seen, before)), "")


def alike(first: str, second: str) -> bool:
    """Whether two names are one, written otherwise: e-mail, Email; cust_no, customerNo; telephone, tel.

    Each word of one is a word of the other. Other digits, one word more, or two words that both mean something make
    another column: address1 and address2, created_at and updated_at, email and email_opt_in, subscribed and
    unsubscribed, country and county are two.
    """
    if _bare(first) == _bare(second):
        return True
    if re.findall(r"\d+", first) != re.findall(r"\d+", second):
        return False
    words, others = WORD.findall(first), WORD.findall(second)
    if len(words) != len(others):
        return bool(words and others) and _same_word(_bare(first), _bare(second), abbreviated=False)
    pairs = zip(words, others, strict=True)
    return bool(words) and all(_same_word(one.casefold(), other.casefold()) for one, other in pairs)


def _same_word(one: str, other: str, abbreviated: bool = True) -> bool:
    short, long = sorted((one, other), key=len)
    if short == long:
        return True
    if short in WHOLE_WORDS and long in WHOLE_WORDS:
        return False
    if long.startswith(short):
        return abbreviated and len(short) >= SHORTEST
    if long.endswith(short):  # un-subscribed, sub-total
        return False
    return SequenceMatcher(None, short, long, autojunk=False).ratio() >= ALIKE


def _other_kind(column: str, name: str, seen: Seen, before: Shape) -> bool:
    known = before.get(column)
    kinds: Counter[str] = seen.kinds(name)
    return bool(known and known.kind not in ("empty", "text") and kinds[known.kind] * 2 < kinds.total())


def _only_difference(column: str, name: str, seen: Seen, before: Shape) -> bool:
    known = before.get(column)
    if not known or not known.position or known.kind in ("empty", "text") or not seen.kinds(name).total():
        return False
    pairs = [pair for pair in zip_longest(before, seen.names) if pair[0] != pair[1]]
    return pairs == [(column, name)]


def _bare(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))
