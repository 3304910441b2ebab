"""Each row finds its customer by the most telling identifier it carries."""

import pytest

from jobs.identity.customer_of import with_customer
from jobs.identity.identifiers import identifier_hash


@pytest.fixture
def find(rows, settings):
    """Customers of rows of a table, given identifiers that are known: `find(table, known, *records)`."""
    loaded = settings({"identity.yaml": {"golden_record": {}, "purposes": {}, "junk": {"email": ["test@test.com"]}}})

    def run(table, known, *records):
        known_rows = [
            {"identifier": identifier_hash(kind, value, loaded), "kind": kind, "customer_id": customer}
            for (kind, value), customer in known.items()
        ]
        found = with_customer(rows(table, *records), rows("identity/map", *known_rows), loaded)
        key = "event_id" if "event_id" in found.columns else "order_id"
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
        {"order_id": "2", "source": "pos", "phone": "06-12 34 56 79"},
    )
    assert found == {"1": "c-mail", "2": "c-phone"}
