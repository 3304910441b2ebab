"""Each row finds its customer by the most telling identifier it carries."""

import pytest

from jobs.identity.customer_of import with_customer
from jobs.identity.identifiers import IDENTIFYING, identifier_hash


@pytest.fixture
def find(rows, settings):
    """Customers of rows of a table, given identifiers that are known: `find(table, known, *records)`."""
    loaded = settings({"identity.yaml": {"golden_record": {}, "purposes": {}, "junk": {"email": ["test@test.com"]}}})

    def run(table, known, *records, unfilled=()):
        known_rows = [
            {"identifier": identifier_hash(kind, value, loaded), "kind": kind, "customer_id": customer}
            for (kind, value), customer in known.items()
        ]
        found = with_customer(rows(table, *records), rows("identity/map", *known_rows), loaded, unfilled)
        key = {"valid/events": "event_id", "valid/orders": "order_id", "valid/contacts": "contact_id"}[table]
        return {row[key]: row["customer_id"] for row in found.collect()}

    return run


def test_a_login_tells_more_than_the_browser_it_was_used_on(find):
    known = {("login", "ann"): "c-ann", ("cookie", "k1"): "c-browser"}
    found = find(
        "valid/events",
        known,
        {"event_id": "1", "source": "web", "login_id": "ann", "cookie_id": "k1"},
        {"event_id": "2", "source": "web", "cookie_id": "k1"},
    )
    assert found == {"1": "c-ann", "2": "c-browser"}


@pytest.mark.parametrize(
    ("unfilled", "customer"), [(["login_id"], "c-browser"), ([column for _, column in IDENTIFYING], None)]
)
def test_columns_that_are_known_to_be_empty_are_not_looked_up(find, unfilled, customer):
    known = {("login", "ann"): "c-ann", ("cookie", "k1"): "c-browser"}
    event = {"event_id": "1", "source": "web", "login_id": "ann", "cookie_id": "k1"}
    assert find("valid/events", known, event, unfilled=unfilled) == {"1": customer}


def test_an_unknown_identifier_leaves_the_decision_to_the_next_one(find):
    found = find(
        "valid/events",
        {("cookie", "k1"): "c-browser"},
        {"event_id": "1", "source": "web", "login_id": "never seen", "cookie_id": "k1"},
    )
    assert found == {"1": "c-browser"}


def test_a_row_without_any_known_identifier_keeps_its_place_without_a_customer(find):
    found = find(
        "valid/events",
        {("email", "test@test.com"): "c-nobody"},
        {"event_id": "1", "source": "web"},
        {"event_id": "2", "source": "web", "email": "TEST@test.com"},
        {"event_id": "3", "source": "web", "cookie_id": ""},
    )
    assert found == {"1": None, "2": None, "3": None}


@pytest.mark.parametrize(("column", "value"), [("email", "ann@mail.example"), ("cookie_id", "k1")])
def test_rows_that_tell_one_kind_of_identifier_find_their_customer_too(rows, settings, column, value):
    loaded, kind = settings({}), column.removesuffix("_id")
    known = rows("identity/map", {"identifier": identifier_hash(kind, value, loaded), "kind": kind, "customer_id": "c"})
    told = rows("valid/events", {"event_id": "1", "source": "web", column: value}).select("source", column)
    assert [row["customer_id"] for row in with_customer(told, known, loaded).collect()] == ["c"]


def test_a_contact_id_only_counts_within_its_source(find):
    found = find(
        "valid/orders",
        {("contact", "crm:7"): "c-7"},
        {"order_id": "1", "source": "crm", "contact_id": "7"},
        {"order_id": "2", "source": "pos", "contact_id": "7"},
    )
    assert found == {"1": "c-7", "2": None}


def test_values_are_normalised_before_they_are_compared(find):
    known = {("email", "ann@x.nl"): "c-mail", ("phone", "+31612345679"): "c-phone"}
    found = find(
        "valid/orders",
        known,
        {"order_id": "1", "source": "pos", "email": " Ann@X.nl "},
        {"order_id": "2", "source": "pos", "phone": "06-12 34 56 79", "attributes": '{"country": "NL"}'},
    )
    assert found == {"1": "c-mail", "2": "c-phone"}


def test_a_phone_number_is_read_in_the_country_of_its_row_or_is_nobodys(find):
    dutch, belgian = {("phone", "+31475123456"): "c-dutch"}, {("phone", "+32475123456"): "c-belgian"}
    told = {
        "Belgian": ("0475 12 34 56", '{"country": "be"}'),
        "Dutch": ("0475 12 34 56", '{"country": "NL"}'),
        "unknown": ("0475 12 34 56", None),
        "in words": ("0475 12 34 56", '{"country": "Belgium"}'),
        "by its own code": ("+32 475 12 34 56", '{"country": "NL"}'),
        "by 00": ("0032 475 12 34 56", None),
    }
    orders = [
        {"order_id": name, "source": "pos", "phone": phone, "attributes": attributes}
        for name, (phone, attributes) in told.items()
    ]
    assert find("valid/orders", {**dutch, **belgian}, *orders) == {
        "Belgian": "c-belgian",
        "Dutch": "c-dutch",
        "unknown": None,
        "in words": None,
        "by its own code": "c-belgian",
        "by 00": "c-belgian",
    }


def test_a_contact_without_a_country_has_the_phone_number_of_the_companys_country(find):
    known = {("phone", "+31475123456"): "c-dutch", ("phone", "+32475123456"): "c-belgian"}
    contacts = [
        {"contact_id": "1", "source": "crm", "phone": "0475 12 34 56"},
        {"contact_id": "2", "source": "crm", "phone": "0475 12 34 56", "country": "BE"},
    ]
    assert find("valid/contacts", known, *contacts) == {"1": "c-dutch", "2": "c-belgian"}
