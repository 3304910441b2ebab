"""E-mail addresses of which only the SHA-256 is told: they say who somebody is, and get no mail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.config import nobody

HASHED_EMAIL = "email_sha256"
"""Their column: it holds identifiers of the kind `email` too."""


def hashes_apart(typed: Mapping[str, Column]) -> dict[str, Column]:
    """Both columns of addresses, of mapped columns by name, with a hash that stands among the addresses in its own."""
    if "email" not in typed:
        return {}
    email = typed["email"]
    told = typed.get(HASHED_EMAIL, F.lit(None).cast("string"))
    hashed = is_hash(email) & F.coalesce(F.lower(told) == F.lower(email), F.lit(True))
    return {"email": F.when(~hashed, email), HASHED_EMAIL: F.when(hashed, email).otherwise(told)}


def is_hash(value: Column) -> Column:
    return F.coalesce(F.lower(F.trim(value)).rlike(f"^{nobody.HASH}$"), F.lit(False))


def hashed_somebody(junk: Iterable[str]) -> Column:
    """Whether the hash of a row can be of an address of somebody; `junk` are addresses that are nobody's."""
    nobodys = " ".join(sorted(nobody.HASHES | nobody.hashes(junk)))
    return is_hash(F.col(HASHED_EMAIL)) & ~F.contains(F.lit(nobodys), F.lower(F.trim(HASHED_EMAIL)))
