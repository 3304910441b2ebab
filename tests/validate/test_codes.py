"""Published pairs of a value and its normal form, against the functions that have a use here.

What comes out otherwise is in DEVIATIONS with its reason, and what nothing here needs is in NOT_OFFERED.
"""

import json
from pathlib import Path

import phonenumbers
from pyspark.sql import functions as F

from jobs.config.sources import Conventions
from jobs.identity import identifiers
from jobs.normalise import numbers, people, text
from jobs.validate import codes, values
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
    "gender_standardize": people.gender,
    "iban_validate": numbers.is_iban,
    "vat_validate": numbers.is_vat_number,
    "name_initials": people.initials,
    "strip_middle": people.without_middle,
    "strip_titles": people.without_titles,
    "strip_suffixes": people.without_suffixes,
    "name_proper": people.proper,
    "nickname_standardize": lambda v: people.first_names(v),
    "soundex": people.soundex,
    "double_metaphone_primary": lambda v: people.double_metaphone(v)[0],
    "double_metaphone_alt": lambda v: people.double_metaphone(v)[1],
    "company_normalize": people.company,
    "company_strip_legal": people.without_legal_form,
    "name_transliterate": text.latin,
    "normalize_unicode": text.latin,
    "name_script": text.script,
    "fix_mojibake": text.readable,
    "strip": lambda v: identifiers.trimmed_text(v) or "",
    "lowercase": text.key,
    "category_normalize_key": text.key,
    "collapse_whitespace": text.key,
    "phone_digits": phonenumbers.normalize_digits_only,
    "email_lowercase": identifiers.email_text,
    "email_normalize": identifiers.email_text,
    "email_canonical": identifiers.email_text,
    "email_validate": lambda v: identifiers.email_text(v) is not None,
    "email_extract_domain": lambda v: (identifiers.email_text(v) or "@").partition("@")[2] or None,
    "url_extract_domain": numbers.web_domain,
    "zip_normalize": lambda v: numbers.postcode(v, "US"),
    "country_standardize": or_same(codes.country_code),
    "currency_strip": as_number("."),
    "comma_decimal": as_number(","),
    "boolean_normalize": engine(values.boolean),
}
"""Transform to what does it here."""

NOT_OFFERED = {
    "email_mask": "addresses are hashed, never shown in part",
    "url_normalize": "a page is compared as its tracker sends it; a mapping cuts the query string by expression",
    "url_strip_tracking": "a mapping keeps the address without its query string, and the campaign in utm columns",
    "url_strip_www": "done by url_extract_domain, and a page keeps its address",
    "url_canonical": "as url_normalize",
    "company_extract_legal": "nothing compares legal forms",
    "address_standardize": "abbreviations of the United States only; addresses are compared as text",
    "address_expand": "as address_standardize",
    "state_abbreviate": "no canonical column holds a state",
    "state_expand": "no canonical column holds a state",
    "title_case": "done by name_proper, which knows O'Brien and McDonald",
    "null_standardize": "which texts mean nothing is said by `nulls` of a source's format: NA and None are names too",
}

STRICT = "an address that cannot receive mail has no normal form"
PEOPLE = "dots and tags can be other people; they are a weak signal for matching, not a key"
LATIN = "in ASCII letters wherever the library knows them, not only where an accent comes off"
AREA = "no postcode of the United States looks so, and what is missing is not guessed"
DEVIATIONS = {
    ("vat_validate", "FR12345678901"): "its check digits are wrong",
    ("vat_validate", "RO12"): "its check digit is wrong",
    ("name_transliterate", "Æsir"): "one capital: the library spells Æ as Ae",
    ("name_transliterate", "张😀"): LATIN,
    ("name_transliterate", "Nguyễn"): "no letter is lost",
    ("normalize_unicode", "Łódź"): LATIN,
    ("normalize_unicode", "straße"): LATIN,
    ("normalize_unicode", "æøå"): LATIN,
    ("normalize_unicode", "中文"): LATIN,
    ("name_proper", "macdonald"): "the library writes Mac as it writes Mc",
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
    ("company_normalize", "The Coca-Cola Company"): "articles and hyphens are part of a name",
    ("zip_normalize", "210"): AREA,
    ("zip_normalize", "123456"): AREA,
    ("zip_normalize", "SW1A"): AREA,
    ("zip_normalize", "SW1A-1AA"): AREA,
    ("collapse_whitespace", "a\tb"): "a tab is a blank too",
    ("collapse_whitespace", "  lead"): "blanks around a text are no part of it",
    ("comma_decimal", "1.5"): "with a decimal comma 1.5 is no number: it is reported, not guessed",
    ("gender_standardize", "Nonbinary"): "other, a value of contacts.gender",
}
DATES = ["yyyy/MM/dd", "yyyy-M-d", "MM/dd/yyyy", "MM-dd-yyyy", "dd-MM-yyyy", "MM/dd/yy", "MMM d, yyyy", "MMMM d, yyyy"]
DATES += ["d MMMM yyyy", "d MMM yyyy", "MMM d yyyy", "MMM yyyy", "MMMM yyyy", "yyyy", "MM/dd/yyyy HH:mm"]
GENDER = {"M": "male", "F": "female"}


def agrees(transform, found, expected):
    if transform == "nickname_standardize":  # the names that it can be short for, in lower case
        return expected.lower() in found
    if transform == "gender_standardize":
        return (found or "") == GENDER.get(expected, expected)
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
    assert len(asked) - len(other) >= 0.88 * len(asked)


def test_published_dates_are_read_by_listed_patterns(spark):
    rows = vectors("date_vectors.jsonl")
    frame = spark.createDataFrame([(row["input"],) for row in rows], "v string")
    day, moment = (
        read(F.nullif(F.trim("v"), F.lit("")), Conventions(dates=DATES), "UTC").cast("string")
        for read in (values.day, values.moment)
    )
    other = set()
    for row, found in zip(rows, frame.select(day, moment).collect(), strict=True):
        read_day, read_moment = found[0] or row["input"], (found[1] or row["input"]).replace(" ", "T")
        if (read_day, read_moment) != (row["iso"], row["datetime"].replace(" ", "T")):
            other.add(row["input"])
    assert other == set()


def test_the_guide_names_every_deviation_and_what_is_not_offered():
    page = (Path(__file__).resolve().parents[1] / "docs" / "guides" / "normal-forms.md").read_text()
    listed = [f"| `{transform}` | `{value!r}` | {reason} |" for (transform, value), reason in DEVIATIONS.items()]
    listed += [f"| `{transform}` | {reason} |" for transform, reason in NOT_OFFERED.items()]
    assert [row for row in listed if row not in page] == []
