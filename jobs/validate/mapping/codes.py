"""Countries, currencies and languages as ISO codes, from what people write in many languages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F

LANGUAGES = ("en", "nl", "de", "fr", "es", "it", "pt", "pl", "sv", "da", "nb", "fi")
"""Languages in which the names of countries, currencies and languages are known."""
USUAL_COUNTRIES = {
    "uk": "GB",
    "great britain": "GB",
    "holland": "NL",
    "the netherlands": "NL",
    "the united states": "US",
    "united states of america": "US",
    "america": "US",
    "turkey": "TR",
    "ivory coast": "CI",
    "burma": "MM",
}
"""Names in daily use that the libraries leave out, as `_folder` spells them."""
SIGNS_OF_SEVERAL = {"$", "¥"}
"""Signs that the library gives to one currency and that others have too."""


def coded(column: str, text: Column) -> Column:
    """The code of each text in a column named as in CODES; a text without one stays as it is."""
    # Made here, not as a decorator: PySpark needs a session to know whether it is a Spark Connect function.
    spell = F.arrow_udf(_speller(coder(column)), "string")  # type: ignore[call-overload]
    return spell(text)


def _speller(code_of: Callable[[str], str | None]) -> Callable[[pa.Array], pa.Array]:
    """A function that spells an array of texts, looking up each distinct one once."""

    def spell(values: pa.Array) -> pa.Array:
        import pyarrow as pa

        distinct = values.dictionary_encode()
        spelled = pa.array([code_of(text) or text for text in distinct.dictionary.to_pylist()], pa.string())
        return spelled.take(distinct.indices)

    return spell


@lru_cache
def coder(column: str) -> Callable[[str], str | None]:
    """What gives the code of one text, None if it has none or could have two.

    A country's from its name or codes, or of a part of it such as England; a currency's from its code, name or a sign
    that no other has; a language's from its code, name or a locale such as nl-BE. It holds all it needs, so that it
    travels whole to the workers of a cluster.
    """
    folded = _folder()
    known = {folded(name): code for name, code in CODES[column]().items()}
    locales = column == "language"

    def code_of(value: str) -> str | None:
        name = folded(value)
        return known.get(name) or (known.get(name.replace("_", " ").partition(" ")[0]) if locales else None)

    return code_of


def _folder() -> Callable[[str], str]:
    def folded(value: str) -> str:
        """What spellings of one name share: no accents, capitals, full stops, hyphens or surplus blanks."""
        import unicodedata

        letters = unicodedata.normalize("NFKD", value).casefold().replace(".", "").replace("-", " ")
        return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())

    return folded


def countries() -> dict[str, str]:
    """Names and codes of all countries in use, to the code."""
    import pycountry
    from babel import Locale

    codes = {country.alpha_2 for country in pycountry.countries}
    names = [(code, code) for code in codes]
    for country in pycountry.countries:
        names += _fields(country, ("alpha_3", "name", "common_name", "official_name"), country.alpha_2)
    for language in LANGUAGES:
        names += [(name, code) for code, name in Locale(language).territories.items() if code in codes]
    parts = [part for part in pycountry.subdivisions.get(country_code="GB") if part.type in ("Country", "Province")]
    names += [(part.name.split(" [")[0], "GB") for part in parts]
    return _telling(names) | USUAL_COUNTRIES


def currencies() -> dict[str, str]:
    """Names, codes and signs of all currencies in use, to the code."""
    import pycountry
    from babel import Locale

    codes = {currency.alpha_3 for currency in pycountry.currencies}
    names = [(code, code) for code in codes]
    for language in LANGUAGES:
        names += [(name, code) for code, name in Locale(language).currencies.items() if code in codes]
    signs = {**Locale("pl").currency_symbols, **Locale("en").currency_symbols}.items()
    names += [(sign, code) for code, sign in signs if code in codes and sign not in SIGNS_OF_SEVERAL]
    return _telling(names)


def languages() -> dict[str, str]:
    """Names and codes of all languages that have an ISO 639-1 code, to the code."""
    import pycountry
    from babel import Locale

    known = [language for language in pycountry.languages if hasattr(language, "alpha_2")]
    codes = {language.alpha_2 for language in known}
    names = [(code, code) for code in codes]
    for language in known:
        names += _fields(language, ("alpha_3", "bibliographic", "name"), language.alpha_2)
    for spoken in LANGUAGES:
        names += [(name, code) for code, name in Locale(spoken).languages.items() if code in codes]
    return _telling(names)


CODES: dict[str, Callable[[], dict[str, str]]] = {
    "country": countries,
    "currency": currencies,
    "language": languages,
}
"""Canonical columns that hold a code, and the names of the codes."""


def _fields(entry: object, fields: Iterable[str], code: str) -> list[tuple[str, str]]:
    return [(getattr(entry, field), code) for field in fields if hasattr(entry, field)]


def _telling(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names that mean one code; a code itself always does."""
    folded = _folder()
    meanings: dict[str, set[str]] = {}
    for name, code in names:
        meanings.setdefault(folded(name), set()).add(code)
    return {name: codes.pop() for name, codes in meanings.items() if len(codes) == 1} | {
        folded(code): code for _, code in names
    }
