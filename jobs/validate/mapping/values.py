"""How the text of a source becomes a number, a boolean, a day or a moment, by the conventions of its dataset.

Every function takes trimmed text and gives NULL for what it cannot read: the mapping reports that. Text is first
brought into one form with regular expressions, and cast only then: engines agree on that form and on little else.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.config.sources.date_patterns import EPOCHS, DatePattern, compiled, month_names
from jobs.config.sources.source import Conventions

BLANKS = (
    " \t\n\r\x0b\f\u0085\u00a0\u1680"
    + "".join(map(chr, range(0x2000, 0x200C)))
    + "\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
"""What may stand around a value and is no part of it: blanks of all kinds, as web pages and spreadsheets write them."""
ISO_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
ISO_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?"
ISO_MOMENT = ISO_DAY + rf"([T ]{ISO_TIME}( ?(Z|[+-][0-9]{{2}}:?[0-9]{{2}}))?)?$"
ISO_PLAIN = ISO_DAY + rf"([T ]{ISO_TIME}|[T ][0-9:]{{8}}([.][0-9]+)? ?(Z|[+-][0-9]{{2}}:?[0-9]{{2}}))?$"
"""What every engine casts as it is: with a zone there are seconds too."""
ISO_ZONE = r":[0-9.]+ ?(Z|[+-][0-9]{2}:?[0-9]{2})$"
MIDNIGHT = r"[T ]00:00(:00([.]0+)?)? ?(Z|[+-][0-9]{2}:?[0-9]{2})$"
WHOLE = r"^[+-]?[0-9]{1,18}$"
DECIMAL = r"^[+-]?([0-9]+([.][0-9]+)?|[.][0-9]+)$"
NUMBER = r"^[+-]?([0-9]+([.][0-9]+)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$"
PATTERNS = {"int": WHOLE, "bigint": WHOLE, "double": NUMBER, "decimal(18,2)": DECIMAL}
"""What text must look like before it is cast: engines agree on these, and differ on what else they take."""
NO_DAY = (
    r"^(?:[0-9]{4}-(?:00|1[3-9]|[2-9][0-9]|[0-9]{2}-(?:00|3[2-9]|[4-9][0-9])|02-3[01]|(?:0[469]|11)-31)"
    r"|(?:[0-9]{2}(?:[02468][1235679]|[13579][01345789])|(?:[02468][1235679]|[13579][01345789])00)-02-29).*$"
)
"""What looks like a date of ISO 8601 and is in no calendar."""
EPOCH = {
    "seconds": r"^(-(?:[0-9]{1,10}|[1-5][0-9]{10})|[0-9]{1,11}|1[0-9]{11}|2[0-4][0-9]{10})([.][0-9]{1,9})?$"
    r"|^[1-9][.][0-9]{1,17}[eE](?:[89]|10)$|^[1-9][.][0-9]{7,17}[eE][+](?:0[89]|10)$",
    "milliseconds": r"^(-(?:[0-9]{1,13}|[1-5][0-9]{13})|[0-9]{1,14}|1[0-9]{14}|2[0-4][0-9]{13})([.][0-9]{1,9})?$"
    r"|^[1-9][.][0-9]{1,17}[eE]1[1-3]$|^[1-9][.][0-9]{7,17}[eE][+]1[1-3]$",
    "microseconds": r"^(-(?:[0-9]{1,16}|[1-5][0-9]{16})|[0-9]{1,17}|1[0-9]{17}|2[0-4][0-9]{16})([.][0-9]{1,9})?$"
    r"|^[1-9][.][0-9]{1,17}[eE]1[4-6]$|^[1-9][.][0-9]{7,17}[eE][+]1[4-6]$",
}
"""Numbers since 1970 up to the year 9891, also as programs write a floating point number. A spreadsheet's 1.71447E+12
has lost the hour, and is not read."""
EARLY = {
    "seconds": r"^(?:[0-9]{1,7}|[12][0-9]{7}|3[01][0-9]{6})([.][0-9]+)?$",
    "milliseconds": r"^[0-9]{1,11}([.][0-9]+)?$",
    "microseconds": r"^[0-9]{1,14}([.][0-9]+)?$",
}
"""Numbers that are nearly always in another unit, or no moment at all: they would all be of about the year 1970."""
QUARTER = 900
"""Seconds: an early moment is believed on a quarter of an hour, where days begin in the zones of the world."""


def trimmed(value: Column) -> Column:
    """Text without the blanks around it."""
    return F.btrim(value, F.lit(BLANKS))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


TRUE = _words("true t yes y 1 on ja j waar aan wahr ein oui o vrai si sí sì verdadero vero sim verdadeiro tak")
FALSE = _words("false f no n 0 off nee onwaar uit nein falsch aus non faux falso não nao nie nej nei falsk")
"""Spellings of yes and no, in lower case; no word is in both."""

_FIRST = {"date": "0001-01-01", "timestamp": "0001-01-01 00:00:00"}
_LAST = {"date": "9999-12-31", "timestamp": "9999-12-31 23:59:59.999999"}
_CURRENCY = r"(?:[A-Z]{1,3}\p{Sc}|\p{Sc}|[A-Z]{3}|[Kk]r\.?|zł|Kč|Fr\.?)"
_GROUPED = {
    ".": r"(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{2,3})*,[0-9]{3}|[0-9]{1,3}(?: [0-9]{3})+|[0-9]{1,3}(?:'[0-9]{3})+)",
    ",": r"(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{1,3}(?: [0-9]{3})+|[0-9]{1,3}(?:'[0-9]{3})+)",
}


def plain_number(text: Column, conventions: Conventions) -> Column:
    """Digits with a decimal point and perhaps a minus; text that is no number in these conventions is NULL.

    Without `decimal` the text has to be so already. With it, separators of thousands that fit, a currency sign or code,
    a trailing minus, brackets for a negative amount and ",-" for no cents are understood.
    """
    if conventions.decimal is None:
        return text
    mark = conventions.decimal
    # A minus is written with several signs, and a space between thousands often is a no-break one.
    plain = F.translate(text, "−–\u00a0\u202f\u2009’", "--   '")
    plain = F.regexp_replace(plain, f"[{mark}]-{{1,2}}$", "")
    number = rf"(?:{_GROUPED[mark]}(?:[{mark}][0-9]+)?|[{mark}][0-9]+)"
    body = f"(?:{_CURRENCY} ?)?{number}(?: ?{_CURRENCY})?"
    shape = rf"^(?:[+-]? ?{body}|{_CURRENCY} ?[+-] ?{number}|{body} ?-|\( ?{body} ?\))$"
    digits = F.translate(F.regexp_replace(plain, f"[^0-9{mark}]", ""), mark, ".")
    sign = F.when(plain.rlike("[-(]"), F.lit("-")).otherwise(F.lit(""))
    return F.when(plain.rlike(shape), F.concat(sign, digits))


def number(text: Column, type_: str, conventions: Conventions) -> Column:
    """A number of a Spark SQL type; a decimal is rounded half up."""
    plain = plain_number(text, conventions)
    return F.when(plain.rlike(PATTERNS[type_]), plain.try_cast(type_))


def is_rounded(text: Column, conventions: Conventions) -> Column:
    """Whether a number has decimals beyond the two that a decimal(18,2) holds; zeros are none."""
    return plain_number(text, conventions).rlike(r"[.][0-9]{2}[0-9]*[1-9]")


def json_number(text: Column, conventions: Conventions) -> Column:
    """The number as JSON writes it, digit for digit as it was given."""
    plain = plain_number(text, conventions)
    bare = F.regexp_replace(F.regexp_replace(plain, "^[+]", ""), "^(-?)0*([0-9])", "$1$2")
    bare = F.regexp_replace(F.regexp_replace(bare, r"^\.", "0."), r"^-\.", "-0.")
    return F.when(plain.rlike(NUMBER), bare)


def boolean(text: Column) -> Column:
    """True or false, in the spellings of TRUE and FALSE."""
    word = F.lower(text)
    return F.when(word.isin(*TRUE), F.lit(True)).when(word.isin(*FALSE), F.lit(False))


def day(iso: Column, zone: str) -> Column:
    """The day as written, of what `iso` gives. A moment with a zone, other than midnight, is cut to days in `zone`."""
    written = F.substring(iso, 1, 10).try_cast("date")
    elsewhere = iso.rlike(ISO_ZONE) & ~iso.rlike(MIDNIGHT)
    cut = F.from_utc_timestamp(iso.try_cast("timestamp"), zone).cast("date")
    return F.when(iso.rlike(ISO_MOMENT), _known(F.when(elsewhere, cut).otherwise(written), "date"))


def moment(iso: Column, zone: str) -> Column:
    """The moment in UTC, of what `iso` gives. A local time that the clock skipped is read as if it had not been set
    forward yet, one that it showed twice is the first of both."""
    read = F.when(iso.rlike(ISO_MOMENT), iso.try_cast("timestamp"))
    if zone == "UTC":
        return _known(read, "timestamp")
    return _known(F.when(iso.rlike(ISO_ZONE), read).otherwise(F.to_utc_timestamp(read, zone)), "timestamp")


def _known(value: Column, type_: str) -> Column:
    """NULL outside the years 1 to 9999, which is all that Python and Parquet readers can hold."""
    return F.when(value.between(F.lit(_FIRST[type_]).cast(type_), F.lit(_LAST[type_]).cast(type_)), value)


def iso(text: Column, conventions: Conventions) -> Column:
    """A date or moment in ISO 8601, from that or from the first listed pattern that it matches and that gives one."""
    plain = F.when(text.rlike(ISO_PLAIN), text).otherwise(_with_plain_zone(text))
    if not conventions.dates:
        return plain
    tries = [F.when(plain.rlike(ISO_MOMENT), plain)]
    for pattern in conventions.dates:
        if pattern in EPOCHS:
            tries.append(_from_epoch(text, pattern))
            continue
        shape = compiled(pattern)
        found = _from_pattern(text, shape)
        if "zone" in shape.groups:
            found = _with_plain_zone(found)
        if shape.takes_iso:
            tries[0] = _if_any(tries[0])
        tries.append(F.when(text.rlike(shape.regex), _if_any(found) if pattern != conventions.dates[-1] else found))
    return F.coalesce(*tries)


def _if_any(iso: Column) -> Column:
    """The text if the calendar has that day: the 31st of February lets the next pattern try."""
    return F.nullif(F.regexp_replace(iso, NO_DAY, ""), F.lit(""))


def _with_plain_zone(text: Column) -> Column:
    """The moment with a zone as ISO 8601 writes it: `+00`, `UTC`, `+00:00Z` and `+02:00[Europe/Amsterdam]` are not.

    A `Z` after another offset than zero contradicts it, and stays.
    """
    plain = F.regexp_replace(text, r"(Z|[+-][0-9]{2}:?[0-9]{2})\[[A-Za-z0-9_+/-]+\]$", "$1")
    plain = F.regexp_replace(plain, r" ?(?:[Uu][Tt][Cc]|[Gg][Mm][Tt]|[Zz])$", "Z")
    plain = F.regexp_replace(plain, r" ?[+-]00(?::?00)?Z$", "Z")
    plain = F.regexp_replace(plain, r"(:[0-9]{2}(?:[.,][0-9]+)?) ?([+-][0-9]{2})$", "$1$2:00")
    plain = F.regexp_replace(plain, r"([T ][0-9]{2}:[0-9]{2})( ?(?:Z|[+-][0-9]{2}:?[0-9]{2}))$", "$1:00$2")
    return F.regexp_replace(plain, r"(:[0-9]{2}),([0-9]+(?:Z| ?[+-][0-9]{2}:?[0-9]{2})?)$", "$1.$2")


def _from_epoch(text: Column, unit: str) -> Column:
    """A moment from a number since 1970, NULL if it is nothing such or surely in another unit."""
    quarters = text.try_cast("bigint") % (QUARTER * 1_000_000 // EPOCHS[unit]) == 0
    believed = ~text.rlike(EARLY[unit]) | (quarters & ~text.rlike("^[0.]+$"))
    number = F.coalesce(text.try_cast("decimal(28,9)"), text.try_cast("double").try_cast("decimal(28,9)"))
    micros = (number * F.lit(EPOCHS[unit])).cast("decimal(38,0)").try_cast("bigint")
    fits = text.rlike(EPOCH[unit]) & believed
    return F.when(fits, F.concat(F.timestamp_micros(micros).cast("string"), F.lit("Z")))


def _from_pattern(text: Column, shape: DatePattern) -> Column:
    groups = shape.groups
    if shape.fixed:
        return F.regexp_replace(text, shape.regex, _template(groups))

    def part(field: str, width: int) -> Column:
        return F.lpad(F.regexp_extract(text, shape.regex, groups[field]), width, "0")

    year = part("yyyy", 4) if "yyyy" in groups else F.concat(F.lit("20"), part("yy", 2))
    month = F.lit("01") if "M" not in groups else _month(text, shape) if shape.names else part("M", 2)
    pieces = [year, F.lit("-"), month, F.lit("-"), part("d", 2) if "d" in groups else F.lit("01")]
    if {"H", "h"} & set(groups):
        pieces += [F.lit(" "), part("H", 2) if "H" in groups else _hour_of_day(text, shape), F.lit(":")]
        pieces += [part("m", 2) if "m" in groups else F.lit("00")]
        pieces += [F.lit(":"), part("s", 2) if "s" in groups else F.lit("00")]
        pieces += [F.lit("."), F.regexp_extract(text, shape.regex, groups["S"])] if "S" in groups else []
        pieces += [F.regexp_extract(text, shape.regex, groups["zone"])] if "zone" in groups else []
    return F.concat(*pieces)


def _template(groups: dict[str, int]) -> str:
    """ISO 8601 for regexp_replace, from groups that have the right number of digits."""

    def place(field: str, otherwise: str) -> str:
        return f"${groups[field]}" if field in groups else otherwise

    year = place("yyyy", "20" + place("yy", ""))
    text = f"{year}-{place('M', '01')}-{place('d', '01')}"
    if "H" in groups:
        text += f" {place('H', '00')}:{place('m', '00')}:{place('s', '00')}"
        text += f".{place('S', '')}" if "S" in groups else ""
        text += place("zone", "")
    return text


def _month(text: Column, shape: DatePattern) -> Column:
    name = F.regexp_replace(F.lower(F.regexp_extract(text, shape.regex, shape.groups["M"])), r"\.$", "")
    by_number: dict[int, list[str]] = {}
    for word, place in month_names().items():
        by_number.setdefault(place, []).append(word)
    found = F.when(F.lit(False), F.lit(""))
    for place, words in sorted(by_number.items()):
        found = found.when(name.isin(*sorted(words)), F.lit(f"{place:02d}"))
    return found


def _hour_of_day(text: Column, shape: DatePattern) -> Column:
    """Hours from 0 to 23, of hours from 1 to 12 with AM or PM."""
    hour = F.regexp_extract(text, shape.regex, shape.groups["h"]).try_cast("int") % 12
    afternoon = F.regexp_extract(text, shape.regex, shape.groups["a"]).rlike("^[Pp]")
    return F.lpad(F.when(afternoon, hour + 12).otherwise(hour).cast("string"), 2, "0")
