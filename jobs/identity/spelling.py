"""One spelling per e-mail address and phone number, the same for a value and for a column."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from jobs.validate.mapping.email_addresses import email_speller


def email(value: Column) -> Column:
    """Lower case, trimmed, its domain in letters (no xn--); null if it is not an e-mail address.

    Dots and plus tags stay: they can be other people. Letters that only look like others stay too.
    """
    # Made here, not as a decorator: PySpark needs a session to know whether it is a Spark Connect function.
    spell = F.arrow_udf(email_speller(), StringType())  # type: ignore[call-overload]
    return spell(value)


@lru_cache(maxsize=100_000)
def email_text(value: str | None) -> str | None:
    spelled: str | None = email_speller()(pa.array([value], pa.string()))[0].as_py()
    return spelled


def phone(value: Column, country: Column | str) -> Column:
    """E.164, such as +31612345678; null if the number cannot exist. `country` is for numbers without country code."""
    # Made here, not as a decorator: PySpark needs a session to know whether it is a Spark Connect function.
    spell = F.arrow_udf(phone_speller(), StringType())  # type: ignore[call-overload]
    return spell(value, F.lit(country) if isinstance(country, str) else country)


@lru_cache(maxsize=100_000)
def phone_text(value: str | None, country: str) -> str | None:
    spelled: str | None = phone_speller()(pa.array([value], pa.string()), pa.array([country], pa.string()))[0].as_py()
    return spelled


def phone_speller() -> Callable[[pa.Array, pa.Array], pa.Array]:
    """A function that spells an array of numbers, given their countries, parsing each distinct number once.

    It is made here and imports what it needs, so that it travels whole to the workers of a Spark cluster: they have
    `phonenumbers`, but not this package.
    """

    def spell(values: pa.Array, countries: pa.Array) -> pa.Array:
        import re

        import phonenumbers
        import pyarrow as pa
        import pyarrow.compute as pc

        def one(text: str) -> str | None:
            country, value = text.split("|", 1)
            if not country:  # what is dialled from anywhere
                value = re.sub("^[ (]*00", "+", value)
            try:
                number = phonenumbers.parse(value, country)
            except phonenumbers.NumberParseException:
                return None
            valid = phonenumbers.is_valid_number(number)
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if valid else None

        distinct = pc.binary_join_element_wise(countries, values, "|").dictionary_encode()
        spelled = pa.array([one(text) for text in distinct.dictionary.to_pylist()], pa.string())
        return spelled.take(distinct.indices)

    return spell
