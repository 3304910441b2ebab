"""Published pairs of a value and its normal form, against the functions that have a use here.

What comes out otherwise is in DEVIATIONS with its reason, and what nothing here needs is in NOT_OFFERED.
"""

import json
from pathlib import Path

import phonenumbers
from pyspark.sql import functions as F

from jobs.config.sources.source import Conventions
from jobs.identity import identifiers, spelling
from jobs.validate.mapping import codes, values
from tests.shared_data import folder


def or_same(function):
    """Text that a function does not know stays as it is, as a mapping leaves it."""
    return lambda value: function(value) or value


def engine(function):
    """A function of columns, for one value."""

    def run(value):
        from jobs.lake.engine import get_spark

        frame = get_spark().createDataFrame([(value,)], "v string")
        return frame.select(function(F.nullif(F.trim("v"), F.lit("")))).collect()[0][0]

    return run


def as_number(mark):
    def run(value):
        found = engine(lambda v: values.number(v, "decimal(18,2)", Conventions(decimal=mark)))(value)
        return None if found is None else float(found)

    return run


OFFERED = {
    "strip": lambda v: identifiers.trimmed_text(v) or "",
    "phone_digits": phonenumbers.normalize_digits_only,
    "email_lowercase": spelling.email_text,
    "email_normalize": spelling.email_text,
    "email_canonical": spelling.email_text,
    "email_validate": lambda v: spelling.email_text(v) is not None,
    "email_extract_domain": lambda v: (spelling.email_text(v) or "@").partition("@")[2] or None,
    "country_standardize": or_same(codes.coder("country")),
    "currency_strip": as_number("."),
    "comma_decimal": as_number(","),
    "boolean_normalize": engine(values.boolean),
}
"""Transform to what does it here."""

NOT_OFFERED = {
    "email_mask": "addresses are hashed, never shown in part",
    "url_normalize": "a page is compared as its tracker sends it; a mapping cuts the query string by expression",
    "url_strip_tracking": "a mapping keeps the address without its query string, and the campaign in utm columns",
    "url_strip_www": "a page keeps its address",
    "url_canonical": "as url_normalize",
    "company_extract_legal": "nothing compares legal forms",
    "address_standardize": "abbreviations of the United States only; addresses are compared as text",
    "address_expand": "as address_standardize",
    "state_abbreviate": "no canonical column holds a state",
    "state_expand": "no canonical column holds a state",
    "title_case": "names are kept as received and compared in small letters",
    "null_standardize": "which texts mean nothing is said by `nulls` of a source's format: NA and None are names too",
    "gender_standardize": "the values of contacts.gender are those that the mapping says",
    "iban_validate": "no canonical column holds a bank account",
    "vat_validate": "no canonical column holds a VAT number",
    "name_script": "nothing asks for the script of a name",
    "fix_mojibake": "a file is read in the encoding of its source",
    "url_extract_domain": "a mapping cuts the address by expression",
    "zip_normalize": "postcodes are compared by matching, which takes them apart itself",
    "name_initials": "names are kept as received; matching compares them by its own spelling",
    "strip_middle": "names are kept as received; matching compares them by its own spelling",
    "strip_titles": "names are kept as received; matching compares them by its own spelling",
    "strip_suffixes": "names are kept as received; matching compares them by its own spelling",
    "name_proper": "names are kept as received; matching compares them by its own spelling",
    "nickname_standardize": "names are kept as received; matching compares them by its own spelling",
    "soundex": "names are kept as received; matching compares them by its own spelling",
    "double_metaphone_primary": "names are kept as received; matching compares them by its own spelling",
    "double_metaphone_alt": "names are kept as received; matching compares them by its own spelling",
    "company_normalize": "names are kept as received; matching compares them by its own spelling",
    "company_strip_legal": "names are kept as received; matching compares them by its own spelling",
    "name_transliterate": "names are kept as received; matching compares them by its own spelling",
    "normalize_unicode": "names are kept as received; matching compares them by its own spelling",
    "lowercase": "a mapping does it by expression",
    "category_normalize_key": "a mapping does it by expression",
    "collapse_whitespace": "a mapping does it by expression",
}

STRICT = "an address that cannot receive mail has no normal form"
PEOPLE = "dots and tags can be other people; they are a weak signal for matching, not a key"
DEVIATIONS = {
    ("email_normalize", "John.Doe+tag@Gmail.com"): PEOPLE,
    ("email_normalize", "a+b@x.com"): PEOPLE,
    ("email_normalize", "j.o.h.n@googlemail.com"): PEOPLE,
    ("email_normalize", "user+spam@example.com"): PEOPLE,
    ("email_canonical", "j.o.h.n@googlemail.com"): PEOPLE,
    ("email_canonical", "John.Doe+tag@Gmail.com"): PEOPLE,
    ("email_canonical", "a+b@x.com"): PEOPLE,
    ("email_normalize", "notanemail"): STRICT,
    ("email_canonical", "notanemail"): STRICT,
    ("email_extract_domain", "a@b@c.com"): STRICT,
    ("email_normalize", "   "): STRICT,
    ("comma_decimal", "1.5"): "with a decimal comma 1.5 is no number: it is reported, not guessed",
}
DATES = ["yyyy/MM/dd", "yyyy-M-d", "MM/dd/yyyy", "MM-dd-yyyy", "dd-MM-yyyy", "MM/dd/yy", "MMM d, yyyy", "MMMM d, yyyy"]
DATES += ["d MMMM yyyy", "d MMM yyyy", "MMM d yyyy", "MMM yyyy", "MMMM yyyy", "yyyy", "MM/dd/yyyy HH:mm"]


def agrees(transform, found, expected):
    return found == expected or {found, expected} == {None, ""}  # here no value is never an empty text


def vectors(name):
    return [json.loads(line) for line in (folder("normalisation_vectors") / name).read_text().splitlines()]


def test_published_vectors_are_reproduced_but_for_listed_deviations(spark):
    rows = vectors("identifier_vectors.jsonl")
    asked = [row for row in rows if row["transform"] not in NOT_OFFERED and row["input"] is not None]
    other = {
        (row["transform"], row["input"])
        for row in asked
        if not agrees(row["transform"], OFFERED[row["transform"]](row["input"]), row["expected"])
    }
    print(f"{len(asked) - len(other)} of {len(asked)} rows of {len(OFFERED)} transforms; {len(rows)} rows in all")  # noqa: T201
    assert other == set(DEVIATIONS)
    assert {row["transform"] for row in rows} == OFFERED.keys() | NOT_OFFERED.keys()


def test_published_dates_are_read_by_listed_patterns(spark):
    rows = vectors("date_vectors.jsonl")
    frame = spark.createDataFrame([(row["input"],) for row in rows], "v string")
    day, moment = (
        read(values.iso(F.nullif(F.trim("v"), F.lit("")), Conventions(dates=DATES)), "UTC").cast("string")
        for read in (values.day, values.moment)
    )
    other = set()
    for row, found in zip(rows, frame.select(day, moment).collect(), strict=True):
        read_day, read_moment = found[0] or row["input"], (found[1] or row["input"]).replace(" ", "T")
        if (read_day, read_moment) != (row["iso"], row["datetime"].replace(" ", "T")):
            other.add(row["input"])
    assert other == set()


def test_the_guide_names_every_deviation_and_what_is_not_offered():
    page = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "normal-forms.md").read_text()
    listed = [f"| `{transform}` | `{value!r}` | {reason} |" for (transform, value), reason in DEVIATIONS.items()]
    listed += [f"| `{transform}` | {reason} |" for transform, reason in NOT_OFFERED.items()]
    assert [row for row in listed if row not in page] == []
