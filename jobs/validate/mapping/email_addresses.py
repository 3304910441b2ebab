"""What an e-mail address is: the one spelling of it, which rows are judged by and people are known by later."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

LONGEST = 254
"""Characters of an address; a longer text is told as too long, not looked into."""


def no_address(value: Column, shape: str) -> Column:
    """Whether a text is no address that anybody could be known by or get mail at, though it may have its `shape`."""
    # Made here, not as a decorator: PySpark needs a session to know whether it is a Spark Connect function.
    spell = F.arrow_udf(email_speller(), StringType())  # type: ignore[call-overload]
    shaped = value.rlike(shape)
    spelled = spell(F.when(shaped & (F.length(value) <= LONGEST), value))
    return ~shaped | ((F.length(value) <= LONGEST) & spelled.isNull())


def email_speller() -> Callable[[pa.Array], pa.Array]:
    """A function that spells an array of addresses, looking at each distinct one once.

    It imports what it needs, so that it travels whole; the workers of a cluster need `email-validator`.
    """

    def spell(values: pa.Array) -> pa.Array:
        import re
        import unicodedata

        import pyarrow as pa
        from email_validator import EmailNotValidError, validate_email

        usual = re.compile(r"[a-z0-9_+-]+(\.[a-z0-9_+-]+)*@([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,24}").fullmatch

        def one(text: str) -> str | None:
            lower = text.strip().lower()
            if usual(lower) and len(lower) <= 64:  # what the library would say, without its time
                return lower
            seen = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
            try:
                found = validate_email(seen.strip(), check_deliverability=False, globally_deliverable=False)
            except EmailNotValidError:
                return None
            top = found.ascii_domain.rpartition(".")[2] if "." in found.domain else ""
            mailable = len(top) > 1 and not top.isdigit() and len(found.local_part.encode()) <= 64
            return str(found.normalized).lower() if mailable else None

        distinct = values.dictionary_encode()
        return pa.array([one(text) for text in distinct.dictionary.to_pylist()], pa.string()).take(distinct.indices)

    return spell
