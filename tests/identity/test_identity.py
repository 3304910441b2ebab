"""Identifiers that occur together are one customer, unless a rule says they only share something."""

import random
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.config.identity import Identifier
from jobs.identity.evidence import EPOCH
from jobs.identity.links import KINDS
from tests.identity.any_people import PEOPLE, groups
from tests.identity.identity_rows import customers, events, identity, together


def test_identifiers_of_one_row_are_one_customer():
    found = identity({"contact": "crm:1", "email": "ann@x"}, {"email": "ann@x", "cookie": "k1"}, {"cookie": "k2"})
    assert customers(found) == {frozenset({"crm:1", "ann@x", "k1"}), frozenset({"k2"})}


def test_a_customer_is_named_after_its_oldest_identifier():
    found = identity({"cookie": "k1", "day": 2}, {"login": "ann", "cookie": "k1", "day": 5})
    assert {row["customer_id"] for row in found.map.to_pylist()} == {"ck1"}


def test_of_identifiers_that_arrived_together_the_smallest_gives_the_name():
    found = identity({"login": "b", "cookie": "k", "email": "a"})
    assert {row["customer_id"] for row in found.map.to_pylist()} == {"ca"}


def test_the_map_says_since_when_and_from_where_an_identifier_is_known():
    found = identity(
        {"email": "a", "source": "survey", "day": 4},
        {"email": "a", "source": "crm", "day": 3},
        {"email": "a", "day": 9},
    )
    (row,) = found.map.to_pylist()
    assert ((row["first_seen"] - EPOCH).days, row["sources"], row["kind"]) == (3, ["crm", "survey"], "email")


class TestSharing:
    def test_an_email_address_seen_with_too_many_contacts_links_nobody(self):
        contacts = [{"contact": f"crm:{n}", "email": "info@x"} for n in range(4)]
        assert together(identity(*contacts[:3], email=Identifier(shared_by_at_most=3)), "crm:0", "crm:1", "crm:2")
        found = identity(*contacts, email=Identifier(shared_by_at_most=3))
        assert len(customers(found)) == 5
        assert found.counts["identifiers_shared"] == {"email": 1}

    def test_a_walk_in_contact_of_many_cards_does_not_join_their_owners(self):
        rows = [{"contact": "pos:0", "loyalty": f"card {n}"} for n in range(4)]
        assert len(customers(identity(*rows, contact=Identifier(shared_by_at_most=3)))) == 5

    def test_what_else_is_in_the_row_of_a_shared_identifier_still_belongs_together(self):
        rows = [{"contact": "pos:0", "loyalty": f"card {n}", "email": f"mail {n}"} for n in range(4)]
        assert together(identity(*rows, contact=Identifier(shared_by_at_most=3)), "card 1", "mail 1")

    def test_a_browser_on_which_two_people_log_in_links_nobody(self):
        found = identity({"login": "ann", "cookie": "tablet"}, {"login": "bob", "cookie": "tablet"})
        assert customers(found) == {frozenset({"ann"}), frozenset({"bob"}), frozenset({"tablet"})}

    def test_a_browser_with_the_login_of_one_and_the_mail_of_another_person_links_nobody(self):
        ann = {"contact": "shop:1", "login": "ann", "name": "ann bos"}
        bob = {"contact": "crm:2", "email": "bob@x", "name": "bob bos"}
        uses = [{"login": "ann", "cookie": "tablet"}, {"email": "bob@x", "cookie": "tablet"}]
        assert not together(identity(ann, bob, *uses), "shop:1", "crm:2")
        found = identity(ann, bob | {"name": "a bos"}, *uses)
        assert together(found, "shop:1", "crm:2", "tablet")

    def test_one_person_may_have_many_browsers(self):
        found = identity(*[{"login": "ann", "cookie": f"k{n}"} for n in range(30)])
        assert len(customers(found)) == 1

    def test_a_kind_that_may_not_link_only_recognises(self):
        found = identity({"login": "ann", "cookie": "k1"}, cookie=Identifier(links=False))
        assert customers(found) == {frozenset({"ann"}), frozenset({"k1"})}


class TestHouseholdPhone:
    def test_a_phone_links_records_of_one_name(self):
        found = identity(
            {"contact": "crm:1", "phone": "06", "name": "j bakker"},
            {"contact": "shop:1", "phone": "06", "name": "jan bakker"},
        )
        assert together(found, "crm:1", "shop:1", "06")

    def test_a_phone_shared_by_two_names_links_nobody_and_is_nobodys(self):
        found = identity(
            {"contact": "crm:1", "phone": "020", "name": "jan bakker"},
            {"contact": "crm:2", "phone": "020", "name": "els bakker"},
        )
        assert customers(found) == {frozenset({"crm:1"}), frozenset({"crm:2"}), frozenset({"020"})}
        assert found.counts["identifiers_disputed"] == {"phone": 1}

    def test_in_a_household_the_two_records_of_one_person_are_still_joined(self):
        found = identity(
            {"contact": "crm:1", "phone": "020", "name": "jan bakker"},
            {"contact": "crm:2", "phone": "020", "name": "els bakker"},
            {"contact": "shop:9", "phone": "020", "name": "els bakker"},
        )
        assert together(found, "crm:2", "shop:9")
        assert not together(found, "crm:1", "crm:2")

    def test_father_and_son_of_one_name_are_told_apart_by_birth_date(self):
        found = identity(
            {"contact": "crm:1", "phone": "020", "name": "jan bakker", "born": "1950-01-01"},
            {"contact": "crm:2", "phone": "020", "name": "jan bakker", "born": "1980-01-01"},
        )
        assert not together(found, "crm:1", "crm:2")

    def test_a_household_phone_in_a_chat_does_not_join_the_chatter_to_the_household(self):
        found = identity(
            {"contact": "crm:1", "phone": "020", "name": "jan bakker"}, {"phone": "020", "cookie": "els' tablet"}
        )
        assert not together(found, "crm:1", "els' tablet")


class TestSharedMailbox:
    def test_an_email_address_joins_records_whose_names_do_not_contradict(self):
        found = identity(
            {"contact": "crm:1", "email": "a", "name": "jan bakker"},
            {"contact": "shop:1", "email": "a", "name": "johannes vos"},
            {"email": "a", "cookie": "k"},
        )
        assert together(found, "crm:1", "shop:1", "a", "k")

    def test_a_couple_with_one_mailbox_stays_two_and_the_mailbox_is_nobodys(self):
        found = identity(
            {"contact": "crm:1", "email": "a", "name": "jan bakker"},
            {"contact": "shop:1", "email": "a", "name": "els bakker"},
            {"email": "a", "cookie": "k"},
        )
        assert customers(found) == {frozenset({"crm:1"}), frozenset({"shop:1"}), frozenset({"a"}), frozenset({"k"})}
        assert found.counts["identifiers_disputed"] == {"email": 1}

    def test_records_of_one_person_with_a_shared_mailbox_are_still_joined(self):
        found = identity(
            {"contact": "crm:1", "email": "a", "name": "jan bakker"},
            {"contact": "crm:2", "email": "a", "name": "els bakker"},
            {"contact": "shop:1", "email": "a", "name": "els bakker"},
        )
        assert together(found, "crm:2", "shop:1")
        assert not together(found, "crm:1", "crm:2")


class TestHistory:
    def test_a_merge_keeps_the_older_id_and_says_what_joined_them(self):
        found = identity(
            {"cookie": "k1", "day": 2}, {"login": "ann", "day": 4}, {"login": "ann", "cookie": "k1", "day": 7}
        )
        assert {row["customer_id"] for row in found.map.to_pylist()} == {"ck1"}
        assert events(found, "created", "merged") == [
            (2, "created", "ck1", None, "cookie"),
            (4, "created", "cann", None, "login"),
            (7, "merged", "ck1", "cann", "cookie"),
        ]

    def test_customers_joined_by_something_new_are_merged_by_it(self):
        found = identity(
            {"contact": "crm:1", "day": 1},
            {"contact": "crm:2", "day": 2},
            {"contact": "crm:1", "email": "a", "day": 5},
            {"contact": "crm:2", "email": "a", "cookie": "k", "day": 5},
        )
        assert events(found, "merged") == [(5, "merged", "ccrm:1", "ccrm:2", "cookie, email")]

    def test_three_customers_joined_on_one_day_are_two_merges_into_the_oldest(self):
        found = identity(
            *[{"login": login, "day": day} for day, login in enumerate("abc", start=1)],
            *[{"login": login, "email": "m", "day": 4} for login in "bca"],
        )
        assert [event[2:4] for event in events(found, "merged")] == [("ca", "cb"), ("ca", "cc")]

    def test_a_customer_seen_whole_on_its_first_day_was_never_merged(self):
        found = identity({"login": "a", "email": "m"}, {"email": "m", "cookie": "k"})
        assert [event[:3] for event in events(found, "created", "merged", "split")] == [(1, "created", "ca")]

    def test_what_turns_out_to_be_shared_splits_the_customer_on_that_day(self):
        rows = [{"login": "ann", "cookie": "k", "day": 1}, {"login": "bob", "cookie": "k", "day": 6}]
        found = identity(*rows)
        assert events(found, "split") == [(6, "split", "cann", "ck", "cookie")]
        assert {row["identifier"]: row["customer_id"] for row in found.map.to_pylist()} == {
            "ann": "cann",
            "bob": "cbob",
            "k": "ck",
        }

    def test_a_part_that_joins_another_customer_on_the_day_it_leaves_counts_as_no_split(self):
        found = identity(
            {"login": "ann", "cookie": "k", "day": 1},
            {"cookie": "k", "email": "kim@x", "day": 2},
            {"login": "bob", "cookie": "k", "day": 6},
            {"login": "bob", "email": "kim@x", "day": 6},
        )
        assert together(found, "bob", "kim@x")
        assert events(found, "split", "merged") == [
            (6, "split", "cann", "ck", "cookie"),
            (6, "split", "cann", "ckim@x", "cookie"),
        ]

    def test_a_disputed_phone_goes_its_own_way_the_day_the_second_name_turns_up(self):
        found = identity(
            {"contact": "crm:1", "phone": "020", "name": "jan bakker", "day": 1},
            {"contact": "crm:2", "phone": "020", "name": "els bakker", "day": 3},
        )
        assert events(found, "split") == [(3, "split", "c020", "ccrm:1", "phone")]


BATCHES = groups(st.lists(PEOPLE, min_size=1, max_size=14))
LARGE = [HealthCheck.data_too_large, HealthCheck.large_base_example, HealthCheck.too_slow]
SMALL = {kind: Identifier(shared_by_at_most=2) for kind in ("contact", "email", "login", "loyalty")}


def until(rows, day):
    return identity(*[row for row in rows if row["day"] <= day], as_of=day, **SMALL)


@given(BATCHES, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=3, suppress_health_check=LARGE)
def test_the_order_of_rows_does_not_matter(rows, chance: random.Random):
    shuffled = chance.sample(rows, len(rows))
    assert until(rows, 9).map.equals(until(shuffled, 9).map)
    assert until(rows, 9).events.sort_by("event_id").equals(until(shuffled, 9).events.sort_by("event_id"))


@given(BATCHES)
@settings(deadline=None, max_examples=3, suppress_health_check=LARGE)
def test_what_a_day_told_stays_told_and_the_next_one_leads_on_from_its_ids_and_renames_nobody_else(rows):
    days = {day: until(rows, day) for day in range(1, 7)}
    told = {day: events(found, "created", "merged", "split") for day, found in days.items()}
    alive = set()
    for day, found in days.items():
        assert told[day] == [event for event in told[6] if event[0] <= day]
        for _, type_, customer, other, _ in [event for event in told[day] if event[0] == day]:
            if type_ == "merged":
                alive.remove(other)
            else:
                alive.add(other or customer)
        assert alive == {row["customer_id"] for row in found.map.to_pylist()}
    assert_nobody_is_renamed(rows, days[5], days[6])


def assert_nobody_is_renamed(rows, before, after):
    """Customers that the rows of the last day do not touch keep their ids."""
    touched = {row[kind] for row in rows if row["day"] == 6 for kind in KINDS if kind in row}
    named = {row["identifier"]: row["customer_id"] for row in after.map.to_pylist()}
    for members in customers(before):
        neighbours = {
            identifier
            for row in rows
            if touched & set(row.values())
            for identifier in row.values()
            if isinstance(identifier, str)
        }
        if not members & (touched | neighbours):
            old = {r["customer_id"] for r in before.map.to_pylist() if r["identifier"] in members}
            assert {named[member] for member in members} == old


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_alone_makes_a_customer(kind):
    assert customers(identity({kind: "x"})) == {frozenset({"x"})}


def test_whose_a_phone_is_does_not_depend_on_how_contacts_that_come_on_one_day_are_hashed():
    names = ("jan bakker", "j bakker", "johan bakker")
    for order in permutations(range(3)):
        rows = [{"contact": f"crm:{place}", "phone": "p", "name": names[who]} for place, who in enumerate(order)]
        assert identity(*rows).set_aside.num_rows == 0, order
    for order in permutations(("jan bakker", "j bakker", "piet vos")):
        rows = [{"contact": f"crm:{place}", "phone": "p", "name": name} for place, name in enumerate(order)]
        assert [row["reason"] for row in identity(*rows).set_aside.to_pylist()] == ["disputed"], order
