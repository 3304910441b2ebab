"""The golden record: one test per step of precedence."""

import datetime as dt
import json

import pytest

from jobs.normalise.identifiers import identifier_hash
from jobs.profiles.golden import current_contacts, golden_records

TODAY = dt.date(2017, 6, 1)


@pytest.fixture
def customer(rows, settings):
    """The golden record of one customer: `customer(rules, *contact records)`; its records are linked already."""

    def build(rules, *contacts, cookies=()):
        loaded = settings({"identity.yaml": {"golden_record": rules, "purposes": {}}, **SOURCES})
        contacts = [{"updated_at": "2017-01-01", "arrived": "2017-01-01", "source": "crm"} | row for row in contacts]
        known = {("contact", f"{row['source']}:{row['contact_id']}", row["source"]) for row in contacts}
        known |= {("cookie", cookie, "web") for cookie in cookies}
        identity_map = rows(
            "identity/map",
            *[
                {
                    "identifier": identifier_hash(kind, value, loaded),
                    "kind": kind,
                    "customer_id": "c1",
                    "first_seen": "2017-01-03",
                    "sources": [source],
                }
                for kind, value, source in known
            ],
        )
        current = current_contacts(rows("valid/contacts", *contacts), identity_map, loaded)
        (found,) = golden_records(current, identity_map, TODAY, loaded).collect()
        return found

    return build


def source(name):
    columns = {"contact_id": "id", "updated_at": "updated_at"}
    return {"source": name, "group": "crm", "datasets": {"contacts": {"files": "x.csv", "columns": columns}}}


SOURCES = {f"sources/{name}.yaml": source(name) for name in ("crm", "shop", "desk")}


def test_the_most_trusted_source_wins_over_a_newer_one(customer):
    found = customer(
        {"city": {"sources": ["crm", "shop"]}},
        {"contact_id": "1", "city": "Utrecht"},
        {"contact_id": "2", "city": "Delft", "source": "shop", "updated_at": "2017-05-01"},
    )
    assert found["city"] == "Utrecht"


def test_a_trusted_source_without_the_value_leaves_it_to_the_next(customer):
    found = customer(
        {"city": {"sources": ["crm", "shop"]}},
        {"contact_id": "1", "city": "  "},
        {"contact_id": "2", "city": "Delft", "source": "shop"},
    )
    assert found["city"] == "Delft"


def test_a_source_that_is_not_named_comes_last(customer):
    found = customer(
        {"city": {"sources": ["shop"]}},
        {"contact_id": "1", "city": "Utrecht", "source": "desk", "updated_at": "2017-05-01"},
        {"contact_id": "2", "city": "Delft", "source": "shop"},
    )
    assert found["city"] == "Delft"


def test_within_a_source_the_newest_record_wins(customer):
    found = customer(
        {"city": {"sources": ["crm"]}},
        {"contact_id": "1", "city": "Utrecht", "updated_at": "2017-02-01"},
        {"contact_id": "2", "city": "Delft", "updated_at": "2017-03-01"},
    )
    assert found["city"] == "Delft"


def test_without_a_rule_the_newest_record_of_any_source_wins(customer):
    found = customer(
        {},
        {"contact_id": "1", "city": "Utrecht", "updated_at": "2017-02-01"},
        {"contact_id": "2", "city": "Delft", "source": "shop", "updated_at": "2017-03-01"},
    )
    assert found["city"] == "Delft"


def test_the_most_frequent_value_can_win(customer):
    found = customer(
        {"birth_date": {"then": "most_frequent"}},
        {"contact_id": "1", "birth_date": "1980-05-01"},
        {"contact_id": "2", "birth_date": "1980-05-01"},
        {"contact_id": "3", "birth_date": "1980-01-05", "updated_at": "2017-03-01"},
    )
    assert found["birth_date"] == dt.date(1980, 5, 1)


def test_the_longest_value_can_win(customer):
    found = customer(
        {"first_name": {"then": "longest"}},
        {"contact_id": "1", "first_name": "Johanna"},
        {"contact_id": "2", "first_name": "J.", "updated_at": "2017-03-01"},
    )
    assert found["first_name"] == "Johanna"


def test_records_that_are_equal_in_everything_are_told_apart_by_source_and_id(customer):
    found = customer(
        {},
        {"contact_id": "2", "city": "Delft"},
        {"contact_id": "1", "city": "Utrecht"},
        {"contact_id": "3", "city": "Ede"},
    )
    assert found["city"] == "Utrecht"


def test_an_address_is_taken_whole_from_one_record(customer):
    found = customer(
        {"postcode": {"sources": ["shop"], "together": ["street", "city"]}},
        {"contact_id": "1", "postcode": "2611 AA", "city": "Delft", "source": "shop"},
        {"contact_id": "2", "postcode": "3511 AB", "city": "Utrecht", "street": "Oudegracht 1"},
    )
    assert (found["postcode"], found["city"], found["street"]) == ("2611 AA", "Delft", None)


def test_only_the_latest_version_of_a_record_counts(customer):
    found = customer(
        {"city": {"then": "longest"}},
        {"contact_id": "1", "city": "Capelle aan den IJssel", "updated_at": "2017-02-01"},
        {"contact_id": "1", "city": "Delft", "updated_at": "2017-03-01"},
    )
    assert (found["city"], found["contact_records"]) == ("Delft", 1)


def test_every_value_says_where_it_came_from(customer):
    found = customer(
        {"first_name": {"sources": ["crm"]}},
        {"contact_id": "1", "first_name": "Ann", "updated_at": "2017-02-01 23:30"},
        {"contact_id": "9", "city": "Delft", "source": "shop"},
    )
    assert json.loads(found["provenance"]) == {
        "first_name": {"source": "crm", "record": "1", "date": "2017-02-02"},
        "city": {"source": "shop", "record": "9", "date": "2017-01-01"},
    }


def test_further_attributes_come_from_the_winning_record(customer):
    found = customer(
        {"attributes": {"sources": ["crm"]}},
        {"contact_id": "1", "attributes": '{"income_band": "50-74K"}'},
        {"contact_id": "2", "attributes": '{"newsletter": "yes"}', "source": "shop"},
    )
    assert found["attributes"] == '{"income_band": "50-74K"}'


def test_a_customer_knows_its_sources_and_its_first_day(customer):
    found = customer({}, {"contact_id": "1"}, {"contact_id": "1", "source": "shop"}, cookies=["k1"])
    assert (found["sources"], found["contact_records"], found["known"]) == (["crm", "shop", "web"], 2, True)
    assert (found["customer_since"], found["as_of"]) == (dt.date(2017, 1, 3), TODAY)


def test_a_customer_known_by_cookie_only_is_an_anonymous_customer(customer):
    found = customer({}, cookies=["k1", "k2"])
    assert (found["known"], found["contact_records"], found["provenance"]) == (False, 0, "{}")
    assert found["first_name"] is None
