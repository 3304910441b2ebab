"""The coverage report: which attribute is filled from where, and which source delivers nothing."""

import datetime as dt

import pytest

from jobs.identity.identifiers import identifier_hash
from jobs.profiles.contact_points import contact_points
from jobs.profiles.coverage import counted, coverage
from jobs.profiles.golden import current_contacts, golden_records

DAY = dt.date(2017, 6, 1)
MAPPED = {"contact_id": "id", "updated_at": "at", "city": "city", "email": "email"}


def source(name, **columns):
    contacts = {"files": "x.csv", "columns": {**MAPPED, **columns}}
    return {"source": name, "group": "crm", "datasets": {"contacts": contacts}}


CONFIG = {
    "sources/crm.yaml": source("crm", postcode="zip"),
    "sources/shop.yaml": source("shop"),
    "sources/till.yaml": source("till"),
    "identity.yaml": {
        "golden_record": {
            "postcode": {"sources": ["crm"], "together": ["city"]},
            "email": {"sources": ["crm", "shop"]},
        },
        "purposes": {},
    },
}


@pytest.fixture
def report(rows, settings):
    """Rows of the report by (attribute, source), from contact records; `customer` is whose they are."""

    def build(*contacts):
        loaded = settings(CONFIG)
        given = [{"updated_at": "2017-01-01", "arrived": "2017-01-01", "country": "NL"} | c for c in contacts]
        known = [
            {"identifier": identifier_hash("contact", c["contact_id"], loaded, c["source"]), "kind": "contact",
             "customer_id": c.pop("customer"), "sources": [c["source"]], "first_seen": "2017-01-01"}
            for c in given
        ]  # fmt: skip
        identity_map = rows("identity/map", *known)
        current = current_contacts(rows("valid/contacts", *given), identity_map, loaded)
        golden = golden_records(current, identity_map, rows("identity/set_aside"), loaded)
        made = coverage(counted(current, golden, contact_points(current, loaded), loaded), DAY, loaded).collect()
        return {(row["attribute"], row["source"]): row.asDict() for row in made}

    return build


def numbers(row):
    return tuple(row[name] for name in ("records", "filled", "filled_share", "wins", "conflicts"))


ANN = {"customer": "ann", "contact_id": "1", "source": "crm", "postcode": "1234 AB", "city": "Ede", "email": "Ann@x.nl"}
ANN_TOO = {"customer": "ann", "contact_id": "2", "source": "shop", "city": "Delft", "email": "ann@x.nl "}
BOB = {
    "customer": "bob",
    "contact_id": "3",
    "source": "shop",
    "city": " ",
    "email": "bob@x.nl",
    "updated_at": "2017-03-01",
}


def test_it_counts_what_is_filled_what_wins_and_what_differs(report):
    found = report(ANN, ANN_TOO, BOB)
    assert numbers(found["city", "crm"]) == (1, 1, 1.0, 1, 0)
    assert numbers(found["city", "shop"]) == (2, 1, 0.5, 0, 1)
    assert numbers(found["city", "golden"]) == (2, 1, 0.5, 0, 0)
    assert found["city", "shop"]["last_updated"] == dt.datetime(2017, 1, 1)


def test_spellings_of_one_address_are_no_conflict(report):
    found = report(ANN, ANN_TOO, BOB)
    assert numbers(found["email", "shop"]) == (2, 2, 1.0, 1, 0)
    assert numbers(found["email", "golden"]) == (2, 2, 1.0, 0, 0)


def test_a_source_that_is_configured_but_delivers_nothing_is_shown(report):
    found = report(ANN, BOB)
    till = found["city", "till"]
    assert (till["mapped"], numbers(till), till["last_updated"]) == (True, (0, 0, None, 0, 0), None)


def test_what_a_source_is_not_configured_to_give_is_only_shown_if_it_does(report):
    found = report(ANN, BOB)
    assert ("postcode", "shop") not in found
    assert not found["country", "shop"]["mapped"]
    assert found["country", "shop"]["filled"] == 1
