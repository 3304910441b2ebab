"""One spelling per identifier, the same for a value and for a column."""

import hashlib

import pytest
from email_validator import validate_email
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import functions as F

from jobs.identity import identifiers as normalise
from jobs.identity import spelling
from jobs.identity.identifiers import PERSON_COLUMNS

EMAILS = {
    " Jan.Bakker@Example.NL ": "jan.bakker@example.nl",
    "jan+shop@example.nl": "jan+shop@example.nl",
    "j\u200ban@example.nl": "jan@example.nl",
    "\u00a0jan@example.nl\n": "jan@example.nl",
    "jos\u00e9@example.nl": "jos\u00e9@example.nl",
    "Jan@M\u00fcller.de": "jan@m\u00fcller.de",
    "jan@xn--mller-kva.de": "jan@m\u00fcller.de",
    "\uff4aan\uff20example.nl": "jan@example.nl",
    "\u202ejan@example.nl\u200f": "jan@example.nl",
    "j\u0430n@example.nl": "j\u0430n@example.nl",
    "jan.@example.nl": None,
    "jan..b@example.nl": None,
    "jan@-example.nl": None,
    "jan@example": None,
    "jan@@example.nl": None,
    "jan example.nl": None,
    "jan@example.nl, piet@example.nl": None,
    "@example.nl": None,
    "jan@example.c": None,
    "jan@example.123": None,
    f"{'j' * 64}@example.nl": f"{'j' * 64}@example.nl",
    f"{'j' * 65}@example.nl": None,
    "": None,
    "   ": None,
}
PHONES = {
    "06-12345679": "+31612345679",
    "06 12 34 56 79": "+31612345679",
    "0031612345679": "+31612345679",
    "+31 (0)6 12345679": "+31612345679",
    "020 624 1111": "+31206241111",
    "+32 470 12 34 56": "+32470123456",
    "0000000000": None,
    "12345": None,
    "geen": None,
    "": None,
}


HASHES = {
    "jan@x.nl": "jan@x.nl",
    " Jan@X.nl ": "jan@x.nl",
    hashlib.sha256(b"jan@x.nl").hexdigest(): "jan@x.nl",
    f" {hashlib.sha256(b'jan@x.nl').hexdigest().upper()} ": "jan@x.nl",
    hashlib.sha256(b"").hexdigest(): None,
    hashlib.sha256(b"undefined").hexdigest(): None,
    hashlib.sha256(b"test@test.com").hexdigest(): None,
    "0" * 64: None,
    hashlib.md5(b"jan@x.nl").hexdigest(): None,
    "not an address": None,
    "": None,
}
"""What tells an address, to the address it is."""


@pytest.fixture
def one_column(spark):
    """The results of a column function for each of the values."""

    def run(function, values):
        frame = spark.createDataFrame(list(enumerate(values)), "place int, value string")
        found = frame.select("place", function(F.col("value")).alias("result")).collect()
        return [result for _, result in sorted((row["place"], row["result"]) for row in found)]

    return run


def test_an_email_address_has_one_spelling(one_column):
    assert {value: spelling.email_text(value) for value in EMAILS} == EMAILS
    assert one_column(spelling.email, [*EMAILS, None]) == [*EMAILS.values(), None]


def test_a_phone_number_has_one_spelling(one_column):
    assert {value: spelling.phone_text(value, "NL") for value in PHONES} == PHONES
    assert one_column(lambda value: spelling.phone(value, "NL"), [*PHONES, None]) == [*PHONES.values(), None]


def test_the_country_of_a_row_decides_how_its_number_is_read(spark):
    frame = spark.createDataFrame(
        [("0470 12 34 56", "BE"), ("0470 12 34 56", "NL"), ("0470 12 34 56", None)], "v string, c string"
    )
    found = [row[0] for row in frame.select(spelling.phone(F.col("v"), F.coalesce("c", F.lit("BE")))).collect()]
    assert found == ["+32470123456", None, "+32470123456"]


def test_normalising_twice_changes_nothing():
    for value in filter(None, EMAILS.values()):
        assert spelling.email_text(value) == value
    for value in filter(None, PHONES.values()):
        assert spelling.phone_text(value, "NL") == value


@pytest.mark.parametrize(
    ("kind", "value", "spelled"),
    [
        ("email", " Ann@X.nl", f"email:{hashlib.sha256(b'ann@x.nl').hexdigest()}"),
        ("phone", "06-12345679", "phone:+31612345679"),
        ("login", " ann ", "login:ann"),
        ("contact", "7", "contact:crm:7"),
    ],
)
def test_the_identifier_of_a_column_is_that_of_the_value(settings, spark, kind, value, spelled):
    loaded = settings()
    expected = hashlib.sha256(f"test-key|{spelled}".encode()).hexdigest()[:32]
    frame = spark.createDataFrame([("crm", value)], "source string, value string")
    assert frame.select(normalise.identifier_column(kind, "value", loaded)).collect()[0][0] == expected
    assert normalise.identifier_hash(kind, value, loaded, source="crm") == expected
    assert normalise.identifier_hash(kind, spelled.split(":", 1)[1], loaded) == expected


def shared_ids(**sources):
    """Files of sources, each with contacts and the source whose ids it has."""
    dataset = {"files": "x", "columns": {"contact_id": "a", "updated_at": "b"}}
    told = {name: {"source": name, "group": "crm", "datasets": {"contacts": dataset}} for name in sources}
    return {
        f"sources/{name}.yaml": one | ({"ids_of": sources[name]} if sources[name] else {}) for name, one in told.items()
    }


def test_a_contact_is_who_has_its_id_in_the_source_whose_ids_these_are(settings, spark):
    junk = {"golden_record": {}, "purposes": {}, "junk": {"contact": ["comments:9"]}}
    loaded = settings({**shared_ids(crm=None, users=None, comments="users"), "identity.yaml": junk})
    given = [("users", "7"), ("comments", "7.0"), ("crm", "7"), ("users", "9"), ("comments", "9"), ("crm", "9")]
    frame = spark.createDataFrame(given, "source string, contact_id string")
    found = frame.select(normalise.identifier_column("contact", "contact_id", loaded)).collect()
    user, author, customer, *nobody = (row[0] for row in found)
    assert user == author != customer
    assert [one is None for one in nobody] == [True, True, False]
    assert [row[0] for row in found] == [normalise.identifier_hash("contact", id, loaded, one) for one, id in given]
    assert normalise.identifier_hash("contact", "comments:7", loaded) == user


def test_junk_is_no_identifier_however_it_is_written(settings, spark):
    loaded = settings(
        {
            "identity.yaml": {
                "golden_record": {},
                "purposes": {},
                "junk": {"email": ["Test@Test.com"], "phone": ["06 12345678"], "loyalty": ["000000"]},
            }
        }
    )
    frame = spark.createDataFrame(
        [("crm", "test@TEST.com", "+31612345678", "000000")], "source string, e string, p string, l string"
    )
    columns = [
        normalise.identifier_column(kind, name, loaded)
        for kind, name in (("email", "e"), ("phone", "p"), ("loyalty", "l"))
    ]
    assert list(frame.select(*columns).collect()[0]) == [None, None, None]
    assert normalise.identifier_hash("phone", "0612345678", loaded) is None
    assert normalise.identifier_hash("phone", "0612345679", loaded) is not None


IDS = [kind for kind in PERSON_COLUMNS if kind not in ("email", "phone")]
NOBODY = [
    *[(kind, value) for kind in IDS for value in ("undefined", " NULL ", "N/A", '""', "-1", "0", "0.0", "(not set)")],
    *[(kind, value) for kind in IDS for value in ("Anonymous", "[object Object]", "999999", "-", "1.23457E+12", "NaN")],
    *[(kind, value) for kind in IDS for value in ("{{user_id}}", "${id}", "%%ID%%", "#REF!", "#DIV/0!", r"\N")],
    *[("login", value) for value in ("k.A.", "sin nombre", "void 0", "не указано", "unassigned", "[[Name]]")],
    *[("email", value) for value in ("x@x.nl", "asdf@asdf.nl", "email@email.com")],
    *[("login", value) for value in ("gast", "niet bekend", "unbekannt", "Invité", "desconocido", "неизвестно")],
    *[("loyalty", "1111111"), ("cookie", "00000000-0000-0000-0000-000000000000")],
    *[("email", f"{local}@x.nl") for local in ("noreply", "undefined", "no-email", "Guest", "onbekend")],
    *[("email", one) for one in ("info@example.com", "Sales@test.nl", "john.doe@example.org", "naam@domein.nl")],
    ("email", "n.one@x.nl"),
    *[("email", "nan@nan.com"), ("phone", "0611111111"), ("phone", "+31612345678")],
]
SOMEBODY = [
    *[(kind, value) for kind in IDS for value in ("1", "11", "10", "-x1", "a0", "7e12", "007")],
    *[
        ("contact", "1111"),
        ("loyalty", "1111"),
        ("login", "nancy"),
        ("login", "ka"),
        ("login", "{ann}"),
        ("contact", "#REF12"),
        ("email", "asdf@x.nl"),
        ("email", "x@y.nl"),
        ("login", "tom"),
        ("email", "nan@gmail.com"),
        ("email", "0@x.nl"),
        ("email", "info@bakker.nl"),
        ("email", "john.doe@bakker.nl"),
        ("email", "j.bos@example.com"),
    ],
    *[("phone", "0612345679"), ("phone", "+32471000001")],
]


def test_what_systems_write_where_there_is_nobody_is_no_identifier_of_any_kind(settings, spark):
    loaded = settings()
    frame = spark.createDataFrame([("crm",)], "source string")
    for expected, values in ((True, NOBODY), (False, SOMEBODY)):
        columns = [
            normalise.identifier_column(kind, F.lit(value), loaded).isNull().alias(f"c{place}")
            for place, (kind, value) in enumerate(values)
        ]
        found = frame.select(*columns).collect()[0]
        assert [one for one, nobody in zip(values, found, strict=True) if nobody != expected] == []
        texts = [normalise.identifier_hash(kind, value, loaded, source="crm") is None for kind, value in values]
        assert [one for one, nobody in zip(values, texts, strict=True) if nobody != expected] == []


def test_a_company_says_who_is_somebody_after_all_and_who_else_is_nobody(settings):
    lists = {"not_junk": {"login": ["guest"]}, "junk": {"contact": ["7", "shop:8"]}}
    loaded = settings({"identity.yaml": {"golden_record": {}, "purposes": {}, **lists}})
    assert normalise.identifier_hash("login", "guest", loaded)
    assert normalise.identifier_hash("contact", "7", loaded, source="crm") is None
    assert normalise.identifier_hash("contact", "8", loaded, source="shop") is None
    assert normalise.identifier_hash("contact", "crm:8", loaded)


def test_an_id_that_a_tool_gave_decimals_is_the_id(settings, spark):
    loaded = settings()
    frame = spark.createDataFrame([("crm", "101.0"), ("crm", "101")], "source string, id string")
    found = frame.select(normalise.identifier_column("contact", "id", loaded)).collect()
    assert {row[0] for row in found} == {normalise.identifier_hash("contact", "101.00", loaded, source="crm")}


@given(
    st.from_regex(r"\A[a-z0-9_+-]{1,8}(\.[a-z0-9_+-]{1,8}){0,2}@([a-z0-9]{1,6}(-[a-z0-9]{1,4})?\.){1,3}[a-z]{2,6}\Z")
)
def test_usual_addresses_are_spelled_as_the_library_spells_them(address):
    found = validate_email(address, check_deliverability=False, globally_deliverable=False).normalized
    assert spelling.email_text(address.upper()) == found.lower()


def test_an_address_and_its_hash_are_one_identifier_as_a_value_and_as_a_column(one_column, settings):
    loaded = settings({"identity.yaml": {"golden_record": {}, "purposes": {}, "junk": {"email": ["test@test.com"]}}})
    jan = normalise.identifier_hash("email", "jan@x.nl", loaded)
    expected = [jan if address else None for address in HASHES.values()]
    assert jan
    assert [normalise.identifier_hash("email", told, loaded) for told in HASHES] == expected
    assert (
        one_column(lambda value: normalise.identifier_column("email", value, loaded, F.lit("crm")), HASHES) == expected
    )


def test_a_hash_has_no_normal_form_as_an_address(one_column, settings):
    loaded = settings()
    assert one_column(lambda value: normalise.normalised("email", value, loaded), list(HASHES)[2:4]) == [None, None]


def test_contact_points_have_the_identifiers_of_rows(spark, settings):
    loaded = settings()
    told = [("email", "jan@x.nl"), ("phone", "+31612345679")]
    points = spark.createDataFrame(told, "kind string, value string")
    found = points.select(normalise.identifier_of(F.col("kind"), F.col("value"), loaded).alias("id")).collect()
    assert {row["id"] for row in found} == {normalise.identifier_hash(*one, loaded) for one in told}
