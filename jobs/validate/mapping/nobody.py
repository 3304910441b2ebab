"""Values that stand for nobody, in columns: see `jobs.config.nobody`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import or_

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.config import nobody
from jobs.validate.mapping.hashed_emails import hashed_somebody

KINDS = {
    "contact": "contact_id",
    "email": "email",
    "phone": "phone",
    "login": "login_id",
    "loyalty": "loyalty_id",
    "cookie": "cookie_id",
}


def is_nobody(kind: str, bare: Column, in_letters: Column | None = None) -> Column:
    """Whether a value without surrounding blanks is nobody's; of a phone number that in the form of E.164.

    `in_letters` is `compact` of an id, if that is at hand: it is mentioned twice, and planned as often.
    """
    if kind in ("email", "phone"):
        # Made here, not as a decorator: PySpark needs a session to know whether it is a Spark Connect function.
        return F.arrow_udf(_each(nobody.judge(kind)), "boolean")(bare)  # type: ignore[call-overload,no-any-return]
    told = compact(bare) if in_letters is None else in_letters
    odd = bare.rlike(f"{nobody.ZEROS}|{nobody.NEGATIVE}|{nobody.ROUNDED}|{nobody.UNFILLED}")
    return odd | told.rlike(f"^$|{nobody.repeated(kind)}") | _among(told, nobody.WORDS)


def names_somebody(junk: Mapping[str, list[str]], not_junk: Mapping[str, list[str]]) -> Column:
    """Whether any id, address or number of a row can be somebody's; the lists are those of config/identity.yaml."""
    told = [_somebody(kind, junk.get(kind, []), not_junk.get(kind, [])) for kind in KINDS]
    return reduce(or_, [*told, hashed_somebody(junk.get("email", []))])


def _somebody(kind: str, junk: list[str], not_junk: list[str]) -> Column:
    bare = F.trim(KINDS[kind])
    shape = {"email": r"^[^\s@]+@[^\s@]+$", "phone": "[0-9].*[0-9].*[0-9].*[0-9].*[0-9].*[0-9]"}.get(kind, ".")
    found = bare.rlike(shape) & (~is_nobody(kind, bare) | F.lower(bare).isin(_lower(not_junk)))
    return F.coalesce(found & ~F.lower(bare).isin(_lower(junk)), F.lit(False))


def _lower(values: list[str]) -> list[str]:
    return [value.strip().lower() for value in values] or [""]


def compact(value: Column) -> Column:
    """Lower case, letters and digits only."""
    return F.regexp_replace(F.lower(value), nobody.LETTERS_AND_DIGITS, "")


def _each(judge: Callable[[str], bool]) -> Callable[[pa.Array], pa.Array]:
    """A function that judges an array, each distinct value once; like `judge` it travels whole."""

    def judged(values: pa.Array) -> pa.Array:
        import pyarrow as pa

        distinct = values.dictionary_encode()
        return pa.array([judge(one) for one in distinct.dictionary.to_pylist()], pa.bool_()).take(distinct.indices)

    return judged


def _among(told: Column, words: Iterable[str]) -> Column:
    """Whether a compact value, letters and digits only, is one of these words.

    Looked for in one text: a list of hundreds of values in every condition of a plan costs the engine more time than
    the rows do.
    """
    return F.contains(F.lit(f" {' '.join(sorted(words))} "), F.concat(F.lit(" "), told, F.lit(" ")))
