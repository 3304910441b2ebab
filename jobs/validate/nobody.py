"""Values that stand for nobody, in columns: see `jobs.config.nobody`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.config import nobody

KINDS = {
    "contact": "contact_id",
    "email": "email",
    "phone": "phone",
    "login": "login_id",
    "loyalty": "loyalty_id",
    "cookie": "cookie_id",
}


def is_nobody(kind: str, bare: Column) -> Column:
    """Whether a value without surrounding blanks is nobody's; of a phone number that in the form of E.164."""
    if kind == "phone":
        return bare.rlike(nobody.PHONE)
    if kind == "email":
        mailbox, host = (_compact(F.regexp_extract(bare, part, 1)) for part in ("^([^@]*)", "@([^.]*)"))
        word = mailbox.isin(*_WORDS) & ((mailbox == host) | host.isin(*_WORDS))
        return mailbox.isin(*sorted(nobody.MAILBOXES)) | word
    compact = _compact(bare)
    odd = bare.rlike(nobody.ZEROS) | bare.rlike(nobody.NEGATIVE) | bare.rlike(nobody.ROUNDED)
    return (compact == "") | compact.isin(*_WORDS) | odd | compact.rlike(nobody.repeated(kind))


def names_somebody(junk: Mapping[str, list[str]], not_junk: Mapping[str, list[str]]) -> Column:
    """Whether any id, address or number of a row can be somebody's; the lists are those of config/identity.yaml."""
    return reduce(or_, (_somebody(kind, junk.get(kind, []), not_junk.get(kind, [])) for kind in KINDS))


def _somebody(kind: str, junk: list[str], not_junk: list[str]) -> Column:
    bare = F.trim(KINDS[kind])
    shape = {"email": r"^[^\s@]+@[^\s@]+$", "phone": "[0-9].*[0-9].*[0-9].*[0-9].*[0-9].*[0-9]"}.get(kind, ".")
    found = bare.rlike(shape) & (~is_nobody(kind, bare) | F.lower(bare).isin(_lower(not_junk)))
    return F.coalesce(found & ~F.lower(bare).isin(_lower(junk)), F.lit(False))


def _lower(values: list[str]) -> list[str]:
    return [value.strip().lower() for value in values] or [""]


def _compact(value: Column) -> Column:
    return F.regexp_replace(F.lower(value), nobody.LETTERS_AND_DIGITS, "")


_WORDS = sorted(nobody.WORDS)
