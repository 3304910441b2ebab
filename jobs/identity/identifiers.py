"""One spelling per identifier, and the keyed hash that stands for it everywhere outside `valid/` and `profiles/`.

`normalised_text` is for one value, `normalised` for a column; both give the same result.
A value that cannot identify anybody (empty, invalid, a word for nobody, listed as junk in identity.yaml) is null.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from jobs.config import nobody
from jobs.config.settings import Settings
from jobs.config.sources.trust import strangers
from jobs.identity.spelling import email_text, phone_speller, phone_text
from jobs.lake.keyed import keyed_hash
from jobs.lake.tables.canonical_row import IDS_OF
from jobs.validate.mapping.email_addresses import email_speller
from jobs.validate.mapping.hashed_emails import HASHED_EMAIL
from jobs.validate.mapping.nobody import compact, is_nobody

PERSON_COLUMNS = {
    "contact": "contact_id",
    "login": "login_id",
    "email": "email",
    "phone": "phone",
    "loyalty": "loyalty_id",
    "cookie": "cookie_id",
}
"""Kind of identifier to the column that holds it, most telling kind first."""
IDENTIFYING = tuple(
    (kind, column)
    for kind, own in PERSON_COLUMNS.items()
    for column in ((own, HASHED_EMAIL) if kind == "email" else (own,))
)
"""Every column that holds an identifier after its kind, most telling first; the hash of an address stands for it."""

_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_BLANK = " \t\n\r\f\x0b\u00a0"
_HASH_LENGTH = 32


def trimmed(value: Column) -> Column:
    """Without surrounding blanks and invisible characters; null if nothing is left."""
    return F.nullif(F.btrim(F.translate(value, _INVISIBLE, ""), F.lit(_BLANK)), F.lit(""))


def trimmed_text(value: str | None) -> str | None:
    bare = (value or "").translate(dict.fromkeys(map(ord, _INVISIBLE))).strip(_BLANK)
    return bare or None


def normalised(
    kind: str, value: Column, settings: Settings, source: Column | None = None, country: Column | None = None
) -> Column:
    """The one spelling of an identifier of that kind, or null.

    A contact id only means something within its source, or the source whose ids that has (`ids_of`).
    """
    if kind in _SPELLERS:
        allowed, junk = listed_values(kind, settings.identity.not_junk, settings), junk_values(kind, settings)
        default = F.lit(settings.general.country)
        given = [value] if kind == "email" else [value, default if country is None else F.coalesce(country, default)]
        named = _named(_SPELLERS[kind](), nobody.judge(kind), frozenset(allowed), frozenset(junk))
        # Made here, not as a decorator: PySpark needs a session to know whether it is a Spark Connect function.
        return F.arrow_udf(named, StringType())(*given)  # type: ignore[call-overload,no-any-return]
    return _of_somebody(kind, _id(value), settings, source)


def _of_somebody(
    kind: str, bare: Column, settings: Settings, source: Column | None, in_letters: Column | None = None
) -> Column:
    """An id as `normalised` gives it, or null; `in_letters` is what `is_nobody` asks for."""
    allowed, junk = listed_values(kind, settings.identity.not_junk, settings), junk_values(kind, settings)
    somebody = ~is_nobody(kind, bare, in_letters)
    somebody = somebody | bare.isin(*allowed) if allowed else somebody
    own = F.concat(_space(source, settings), F.lit(":"), bare) if kind == "contact" and source is not None else bare
    somebody = somebody & ~bare.isin(*junk) & ~own.isin(*junk) if junk else somebody
    return F.when(somebody, own)


def _space(source: Column, settings: Settings) -> Column:
    """The source whose contact ids a source has."""
    found = source
    for name, other in settings.id_spaces.items():
        found = F.when(source == F.lit(name), F.lit(other)).otherwise(found)
    return found


def _named(
    spell: Callable[..., pa.Array], nobodys: Callable[[str], bool], allowed: frozenset[str], junk: frozenset[str]
) -> Callable[..., pa.Array]:
    """A function that spells arrays of addresses or numbers, of which those that are nobody's become null: one
    function in the plan, where a condition for each test would repeat the spelling. Like `spell` it travels whole."""

    def named(*given: pa.Array) -> pa.Array:
        import pyarrow as pa

        distinct = spell(*given).dictionary_encode()
        names = [
            None if name is None or name in junk or (nobodys(name) and name not in allowed) else name
            for name in distinct.dictionary.to_pylist()
        ]
        return pa.array(names, pa.string()).take(distinct.indices)

    return named


def email_digest(value: Column, settings: Settings) -> Column:
    """SHA-256 in hex of the normal form of an address, which may be told as that hash; null if it is nobody's."""
    allowed = frozenset(listed_values("email", settings.identity.not_junk, settings))
    junk = frozenset(junk_values("email", settings))
    named = _named(email_speller(), nobody.judge("email"), allowed, junk)
    # Made here, not as a decorator: PySpark needs a session to know whether it is a Spark Connect function.
    return F.arrow_udf(_digester(named, _nobodys_hashes(junk)), StringType())(value)  # type: ignore[call-overload,no-any-return]


def _digester(named: Callable[..., pa.Array], nobodys: frozenset[str]) -> Callable[[pa.Array], pa.Array]:
    """A function that gives the digests of an array of addresses and hashes. Like `named` it travels whole."""
    shape = nobody.HASH

    def digested(values: pa.Array) -> pa.Array:
        import hashlib
        import re

        import pyarrow as pa

        distinct = values.dictionary_encode()
        told = [text.strip().lower() for text in distinct.dictionary.to_pylist()]
        names = named(distinct.dictionary).to_pylist()
        digests = [
            hashlib.sha256(name.encode()).hexdigest()
            if name is not None
            else (text if re.fullmatch(shape, text) and text not in nobodys else None)
            for name, text in zip(names, told, strict=True)
        ]
        return pa.array(digests, pa.string()).take(distinct.indices)

    return digested


def _digest_text(value: str | None, settings: Settings) -> str | None:
    """`email_digest` for one value."""
    name = normalised_text("email", value, settings)
    if name is not None:
        return hashlib.sha256(name.encode()).hexdigest()
    told = (value or "").strip().lower()
    hashed = re.fullmatch(nobody.HASH, told) and told not in _nobodys_hashes(junk_values("email", settings))
    return told if hashed else None


def _nobodys_hashes(junk: Iterable[str]) -> frozenset[str]:
    return nobody.HASHES | nobody.hashes(junk)


_SPELLERS: dict[str, Callable[[], Callable[..., pa.Array]]] = {"email": email_speller, "phone": phone_speller}


def _id(value: Column) -> Column:
    """An id without blanks, and without the decimals that a tool added: 101.0 is 101."""
    return F.regexp_replace(trimmed(value), nobody.WHOLE, "$1")


def normalised_text(kind: str, value: str | None, settings: Settings, source: str | None = None) -> str | None:
    """`normalised` for one value. Values that are normalised already stay as they are."""
    if kind == "contact" and source is None and ":" in (value or ""):
        source, _, value = str(value).partition(":")
    bare, junk = _spelled(kind, value, settings), junk_values(kind, settings)
    own = f"{settings.id_spaces.get(source, source)}:{bare}" if kind == "contact" and source else bare
    if bare is None or bare in junk or own in junk:
        return None
    allowed = bare in listed_values(kind, settings.identity.not_junk, settings)
    return own if allowed or not nobody.nobody(kind, bare) else None


def _spelled(kind: str, value: str | None, settings: Settings) -> str | None:
    if kind == "email":
        return email_text(value)
    if kind == "phone":
        return phone_text(value, settings.general.country)
    bare = trimmed_text(value)
    return bare.rstrip("0").rstrip(".,") if bare and re.search(nobody.WHOLE, bare) else bare


def junk_values(kind: str, settings: Settings) -> list[str]:
    """Values of config/identity.yaml that identify nobody, spelled as the normaliser spells them."""
    return listed_values(kind, settings.identity.junk, settings)


def listed_values(kind: str, listed: Mapping[Any, list[str]], settings: Settings) -> list[str]:
    """Values of a list of config/identity.yaml, spelled as the normaliser spells them."""
    spelled = [_spelled(kind, value, settings) for value in listed.get(kind, [])]
    if kind == "contact":
        spelled = [value and _in_space(value, settings) for value in spelled]
    return sorted({value for value in spelled if value})


def _in_space(value: str, settings: Settings) -> str:
    """A contact that is listed as source:id under the source whose ids these are."""
    source, sign, bare = value.partition(":")
    return f"{settings.id_spaces[source]}:{bare}" if sign and source in settings.id_spaces else value


def identifier_column(
    kind: str,
    column: str | Column,
    settings: Settings,
    source_column: str | Column = "source",
    country: Column | None = None,
) -> Column:
    """The identifier in `column`, hashed as in identity/map; null if the value identifies nobody.

    Of an e-mail address that is made of its SHA-256, so that an address and its hash are one identifier. A source that
    may not identify anyone (`trust.identifies`) has identifiers of its own: an address there and elsewhere are two.
    """
    value = F.col(column) if isinstance(column, str) else column
    source = F.col(source_column) if isinstance(source_column, str) else source_column
    email = kind == "email"
    bare = email_digest(value, settings) if email else normalised(kind, value, settings, source, country)
    return _hashed(kind, bare, settings, source)


def with_identifiers(
    rows: DataFrame, columns: Mapping[str, tuple[str, str]], settings: Settings, country: Column | None = None
) -> DataFrame:
    """`rows` with identifiers by name, each given as its kind and the column it is in: `identifier_column` of many.

    Rows have a `source`. What an id is judged by becomes columns first: an expression that others mention several times
    is planned, and perhaps computed, as often.
    """
    source = F.col("source")
    ids = {name: told for name, told in columns.items() if told[0] not in _SPELLERS}
    bare = {f"_bare_{name}": _id(F.col(column)) for name, (_, column) in ids.items()}
    letters = {f"_letters_{name}": compact(F.col(f"_bare_{name}")) for name in ids}
    made = {
        name: identifier_column(kind, column, settings, source, country)
        for name, (kind, column) in columns.items()
        if name not in ids
    }
    for name, (kind, _) in ids.items():
        told = _of_somebody(kind, F.col(f"_bare_{name}"), settings, source, F.col(f"_letters_{name}"))
        made[name] = _hashed(kind, told, settings, source)
    prepared = rows.withColumns(bare).withColumns(letters) if ids else rows
    return prepared.withColumns(made).drop(*bare, *letters)


def ids_of(columns: Collection[str], settings: Settings) -> Column:
    """The source whose ids and addresses a row with these columns has: the one it came from, but of what is answered to
    our own messages the one that knows the person, if only that does (`trust.identifies`)."""
    source, heard = F.col("source"), settings.feedback.source
    if not heard or IDS_OF not in columns or not strangers(settings.sources):
        return source
    return F.when(source == F.lit(heard), F.coalesce(IDS_OF, source)).otherwise(source)


def _hashed(kind: str, bare: Column, settings: Settings, source: Column) -> Column:
    apart = sorted(strangers(settings.sources)) if kind != "contact" else []
    usual, own = F.lit(f"{kind}:"), F.concat(F.lit(f"{kind}@"), source, F.lit(":"))
    return _keyed(F.when(source.isin(*apart), own).otherwise(usual) if apart else usual, bare, settings)


def identifier_of(kind: Column, normal: Column, settings: Settings) -> Column:
    """The identifier of a value of `profiles/contact_points`, which is normalised and of the kind beside it."""
    return _keyed(F.concat(kind, F.lit(":")), F.when(kind == "email", F.sha2(normal, 256)).otherwise(normal), settings)


def _keyed(kind: Column, bare: Column, settings: Settings) -> Column:
    return F.substring(keyed_hash(settings.hash_key(), F.concat(F.lit("|"), kind, bare)), 1, _HASH_LENGTH)


def identifier_hash(kind: str, value: str | None, settings: Settings, source: str | None = None) -> str | None:
    """`identifier_column` for one value. A contact is given as `source:id`, or as id with its `source`.

    Of another kind the source only matters if it may not identify anyone.
    """
    bare = _digest_text(value, settings) if kind == "email" else normalised_text(kind, value, settings, source)
    if bare is None:
        return None
    own = kind != "contact" and source in strangers(settings.sources)
    named = f"{kind}@{source}" if own else kind
    return hashlib.sha256(f"{settings.hash_key()}|{named}:{bare}".encode()).hexdigest()[:_HASH_LENGTH]


def identifier_hashes(kind: str, value: str | None, settings: Settings, source: str | None = None) -> list[str]:
    """All that a value may stand for: in the source that is named, or in any."""
    apart = [] if kind == "contact" or source else sorted(strangers(settings.sources))
    found = (identifier_hash(kind, value, settings, where) for where in (source, *apart))
    return [identifier for identifier in found if identifier]
