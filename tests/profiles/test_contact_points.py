"""At which addresses a customer can be reached, best first."""

import pytest

from jobs.profiles.contact_points import contact_points

RULES = {"email": {"sources": ["shop", "crm"]}, "phone": {"sources": ["crm"]}}


@pytest.fixture
def points(spark, rows, settings):
    """(kind, value) to (preference, source, record) of the contact points of one customer."""

    def build(*contacts):
        source = {"source": "shop", "group": "crm"} | {
            "datasets": {"contacts": {"files": "x", "columns": {"contact_id": "id", "updated_at": "at"}}}
        }
        identity = {"golden_record": RULES, "purposes": {}, "junk": {"email": ["test@test.com"]}}
        loaded = settings({"identity.yaml": identity, "sources/shop.yaml": source})
        contacts = [{"updated_at": "2017-01-01", "source": "crm"} | row for row in contacts]
        frame = rows("valid/contacts", *contacts).selectExpr("*", "'c1' as customer_id")
        found = contact_points(frame, loaded).collect()
        return {(row["kind"], row["value"]): (row["preference"], row["source"], row["record"]) for row in found}

    return build


def test_the_address_of_the_most_trusted_source_comes_first(points):
    assert points(
        {"contact_id": "1", "email": "Crm@x.nl", "updated_at": "2017-05-01"},
        {"contact_id": "2", "email": "shop@x.nl", "source": "shop"},
    ) == {("email", "shop@x.nl"): (1, "shop", "2"), ("email", "crm@x.nl"): (2, "crm", "1")}


def test_of_one_source_the_newest_address_comes_first(points):
    found = points(
        {"contact_id": "1", "phone": "0612345679", "updated_at": "2017-02-01"},
        {"contact_id": "2", "phone": "0612345677", "updated_at": "2017-03-01"},
    )
    assert [found["phone", number][0] for number in ("+31612345677", "+31612345679")] == [1, 2]


def test_one_address_written_in_two_ways_is_one_contact_point(points):
    found = points({"contact_id": "1", "phone": "06-12345679"}, {"contact_id": "2", "phone": "+31 6 12345679"})
    assert found == {("phone", "+31612345679"): (1, "crm", "1")}


def test_addresses_that_reach_nobody_are_left_out(points):
    assert points({"contact_id": "1", "email": "test@test.com", "phone": "0000000000"}, {"contact_id": "2"}) == {}


def test_a_foreign_number_is_read_by_the_country_of_the_contact(points):
    assert ("phone", "+32470123456") in points({"contact_id": "1", "phone": "0470 12 34 56", "country": "BE"})
