"""The golden record: one test per step of precedence."""

import datetime as dt
import json
import random
import re

import pytest

from jobs.config.yaml_files import ConfigError
from jobs.identity.identifiers import identifier_hash
from jobs.profiles.golden import current_contacts, golden_records

TODAY = dt.date(2017, 6, 1)
ADDRESS = ("street", "postcode", "city", "country")


@pytest.fixture
def golden(rows, settings):
    """Golden records by customer: `golden(rules, {"c1": [contact record, ...]})`; records are linked already."""

    def build(rules, of_customer, cookies=()):
        loaded = settings({"identity.yaml": {"golden_record": rules, "purposes": {}}, **SOURCES})
        common = {"updated_at": "2017-01-01", "arrived": "2017-01-01", "source": "crm"}
        contacts = [(who, common | row) for who, some in of_customer.items() for row in some]
        known = {("contact", f"{row['source']}:{row['contact_id']}", row["source"], who) for who, row in contacts}
        known |= {("cookie", cookie, "web", who) for who in of_customer for cookie in cookies}
        identity_map = rows(
            "identity/map",
            *[
                {
                    "identifier": identifier_hash(kind, value, loaded),
                    "kind": kind,
                    "customer_id": who,
                    "first_seen": "2017-01-03",
                    "sources": [source],
                }
                for kind, value, source, who in known
            ],
        )
        current = current_contacts(rows("valid/contacts", *(row for _, row in contacts)), identity_map, loaded)
        found = golden_records(current, identity_map, rows("identity/set_aside"), loaded).collect()
        assert len(found) == len(of_customer)
        return {row["customer_id"]: row for row in found}

    return build


@pytest.fixture
def customer(golden):
    """The golden record of one customer: `customer(rules, *contact records)`."""
    return lambda rules, *contacts, cookies=(): golden(rules, {"c1": contacts}, cookies)["c1"]


def test_an_identifier_that_is_set_aside_makes_nobody_known(rows, settings):
    loaded = settings()
    owned = [
        ("mail", "email", "c1"),
        ("card", "loyalty", "c2"),
        ("browser", "cookie", "c3"),
        ("record", "contact", "c4"),
    ]
    identity_map = rows(
        "identity/map",
        *[
            {"identifier": name, "kind": kind, "customer_id": who, "first_seen": "2017-01-03", "sources": ["crm"]}
            for name, kind, who in owned
        ],
    )
    aside = rows("identity/set_aside", {"identifier": "mail", "kind": "email", "reason": "disputed"})
    contacts = current_contacts(rows("valid/contacts"), identity_map, loaded)
    found = golden_records(contacts, identity_map, aside, loaded)
    known = {row["customer_id"]: row["known"] for row in found.collect()}
    assert known == {"c1": False, "c2": True, "c3": False, "c4": True}


def source(name):
    columns = {"contact_id": "id", "updated_at": "updated_at"}
    contacts = {
        "files": "x.csv",
        "columns": columns,
        "attributes": {"band": "band", "size": "size", "checked": "checked"},
    }
    return {"source": name, "group": "crm", "datasets": {"contacts": contacts}}


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
        {"birth_date": {"order": ["most_frequent"]}},
        {"contact_id": "1", "birth_date": "1980-05-01"},
        {"contact_id": "2", "birth_date": "1980-05-01"},
        {"contact_id": "3", "birth_date": "1980-01-05", "updated_at": "2017-03-01"},
    )
    assert found["birth_date"] == dt.date(1980, 5, 1)


def test_the_longest_value_can_win(customer):
    found = customer(
        {"first_name": {"order": ["longest"]}},
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


def test_without_a_rule_an_address_is_taken_whole_too_and_the_most_complete_wins(customer):
    found = customer(
        {},
        {"contact_id": "1", "street": "Oudegracht 1", "postcode": "3511 AB", "city": "Utrecht", "country": "NL"},
        {"contact_id": "2", "city": "Delft", "country": "BE", "updated_at": "2017-05-01"},
    )
    assert [found[name] for name in ("street", "postcode", "city", "country")] == [
        *("Oudegracht 1", "3511 AB", "Utrecht", "NL")
    ]
    assert json.loads(found["provenance"])["country"] == {
        "source": "crm", "record": "1", "date": "2017-01-01", "rule": "most_complete"
    }  # fmt: skip


def test_a_country_alone_is_kept(customer):
    assert customer({}, {"contact_id": "1", "country": "NL"})["country"] == "NL"


def test_no_rule_ever_mixes_the_addresses_of_two_records(golden):
    """300 customers of one to four records with any parts of an address."""
    chance = random.Random(20170601)
    given = {
        f"c{number}": [
            {"contact_id": f"{number}-{n}", "updated_at": f"2017-01-0{n + 1}"}
            | {name: chance.choice((None, "a", "b")) for name in ADDRESS}
            for n in range(chance.randint(1, 4))
        ]
        for number in range(300)
    }
    whole = {who: [tuple(one[name] for name in ADDRESS) for one in some] for who, some in given.items()}
    for rules in ({}, {"city": {"order": ["longest"]}}, {"postcode": {"together": ["street"]}}):
        for who, found in golden(rules, given).items():
            made = tuple(found[name] for name in ADDRESS)
            assert made in whole[who] or made == (None, None, None, None), (rules, given[who])


def test_only_the_latest_version_of_a_record_counts(customer):
    found = customer(
        {"city": {"order": ["longest"]}},
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
        "first_name": {"source": "crm", "record": "1", "date": "2017-02-02", "rule": "only_value"},
        "city": {"source": "shop", "record": "9", "date": "2017-01-01", "rule": "only_value"},
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
    assert found["customer_since"] == dt.date(2017, 1, 3)


def test_a_customer_known_by_cookie_only_is_an_anonymous_customer(customer):
    found = customer({}, cookies=["k1", "k2"])
    assert (found["known"], found["contact_records"], found["provenance"]) == (False, 0, "{}")
    assert found["first_name"] is None


@pytest.mark.parametrize(
    ("rule", "other", "decided"),
    [
        ({"sources": ["crm", "shop"]}, {"source": "shop"}, "source"),
        ({"order": ["newest"]}, {"updated_at": "2016-01-01"}, "newest"),
        ({"order": ["oldest"]}, {"updated_at": "2018-01-01"}, "oldest"),
        ({"order": ["longest"]}, {"city": "Ede"}, "longest"),
        ({"order": ["most_complete"]}, {"first_name": None}, "most_complete"),
        ({"order": ["source", "longest"]}, {"city": "Ede", "source": "shop"}, "longest"),
        ({"order": ["verified"], "verified": "checked"}, {"attributes": '{"checked": "no"}'}, "verified"),
        ({}, {"contact_id": "2"}, "first_record"),
        ({}, {"city": "Utrecht"}, "all_agree"),
    ],
)
def test_provenance_names_the_criterion_that_decided(customer, rule, other, decided):
    best = {"contact_id": "1", "city": "Utrecht", "first_name": "Ann", "attributes": '{"checked": "yes"}'}
    found = customer({"city": rule}, best, {**best, "contact_id": "2", "city": "Delft"} | other)
    assert (found["city"], json.loads(found["provenance"])["city"]["rule"]) == ("Utrecht", decided)


def test_the_first_criterion_that_tells_records_apart_decides(customer):
    rule = {"sources": ["crm", "shop"], "order": ["most_frequent", "source"]}
    shop = {"source": "shop", "city": "Delft"}
    found = customer({"city": rule}, {"contact_id": "1", "city": "Utrecht"}, {"contact_id": "2"} | shop,
                     {"contact_id": "3"} | shop)  # fmt: skip
    assert found["city"] == "Delft"


def test_the_value_that_has_stood_longest_can_win(customer):
    found = customer(
        {"city": {"order": ["longest_valid"]}},
        {"contact_id": "1", "city": "Utrecht", "updated_at": "2015-01-01"},
        {"contact_id": "1", "city": "Delft", "updated_at": "2017-02-01"},
        {"contact_id": "2", "city": "Ede", "updated_at": "2016-01-01"},
        {"contact_id": "2", "city": "Ede", "updated_at": "2017-03-01"},
        {"contact_id": "3", "city": "Breda", "updated_at": "2016-06-01"},
    )
    assert found["city"] == "Ede"


def test_attributes_of_a_source_can_have_rules_of_their_own(customer):
    found = customer(
        {"attributes": {"sources": ["crm"]}, "attributes.band": {"sources": ["shop"]}},
        {"contact_id": "1", "attributes": '{"band":"low","size":"2"}'},
        {"contact_id": "2", "attributes": '{"band":"very \\"high\\"","size":"3"}', "source": "shop"},
        {"contact_id": "3", "attributes": '{"other":"x"}', "source": "desk"},
    )
    assert json.loads(found["attributes"]) == {"band": 'very "high"', "size": "2"}
    origin = json.loads(found["provenance"])
    assert (origin["attributes.band"]["source"], origin["attributes"]["source"]) == ("shop", "crm")


def test_a_customer_lists_all_its_records_logins_and_cards(customer):
    found = customer(
        {},
        {"contact_id": "2", "login_id": "ann", "loyalty_id": "77"},
        {"contact_id": "1", "login_id": " ann ", "source": "shop"},
    )
    assert (found["records"], found["login_ids"], found["loyalty_ids"]) == (["crm:2", "shop:1"], ["ann"], ["77"])


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ({"city": {"order": ["newst"]}}, ".city.order: unknown criterion 'newst'; did you mean 'newest'?"),
        ({"city": {"sources": ["crm", "shop", "crm"]}}, ".city.sources: 'crm' is named twice: it would come before"),
        ({"city": {"order": ["newest", "oldest"]}}, ".city.order: newest and oldest contradict each other"),
        ({"city": {"order": ["verified"]}}, ".city: the criterion verified and the key"),
        ({"city": {"sources": ["crn"]}}, ".city.sources.0: unknown source 'crn'; did you mean 'crm'?"),
        ({"citty": {}}, ".citty: unknown attribute 'citty'; did you mean 'city'?"),
        (
            {"attributes.bandd": {}},
            ".attributes.bandd: no source has an attribute 'bandd' of contacts; did you mean 'band'",
        ),
        (
            {"city": {"together": ["street"]}, "street": {"together": ["city"]}},
            ".city.together.0: 'street' and 'city' would each be taken with the other: a circle",
        ),
        ({"city": {}, "street": {}}, ".city: 'street' has a rule too: the address would be mixed from two records"),
        ({"city": {"together": ["street"]}, "street": {}}, ".city.together.0: 'street' has a rule of its own"),
        (
            {"city": {"together": ["street"]}, "postcode": {"together": ["street"]}},
            ".postcode.together.0: 'street' is taken with 'city' already",
        ),
    ],
)
def test_a_rule_that_cannot_decide_is_refused_with_its_place(settings, rules, problem):
    with pytest.raises(ConfigError) as refused:
        settings({"identity.yaml": {"golden_record": rules, "purposes": {}}, **SOURCES})
    assert re.search(r"identity\.yaml:\d+: golden_record" + re.escape(problem), str(refused.value))


def test_a_source_of_matching_that_is_not_there_is_refused_with_its_place(settings):
    matching = {"deduplicated": ["crn"]}
    with pytest.raises(ConfigError, match=r"identity\.yaml:\d+: matching\.deduplicated\.0: unknown source 'crn'"):
        settings({"identity.yaml": {"golden_record": {}, "purposes": {}, "matching": matching}})
