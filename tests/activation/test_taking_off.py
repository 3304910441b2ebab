"""Somebody who asked to be forgotten is taken off every list, and what was sent is said to be out of reach.

Costs about 3 s.
"""

import hashlib

import pytest

from jobs.privacy import destinations
from jobs.privacy.person import Person
from tests.activation.small_company import email, phone

ANN = Person("request", {}, ("c0001",))
PLACE = "destination ads, audience loyal"


def hashes_of(*names):
    return {hashlib.sha256(value.encode()).hexdigest() for name in names for value in (email(name), phone(name))}


@pytest.fixture
def shop(company, ads):
    """Three customers on the list."""
    shop = company("loyal")
    shop.customers(3, purpose="ads", channel="ads")
    shop.push("loyal", "ads")
    return shop


def off(shop, person=ANN, values=(), without=()):
    return list(destinations.take_off(shop.lake, person, values, shop.settings, without))


def test_the_list_does_not_hold_them_any_more(shop, ads):
    assert [tuple(one)[:3] for one in off(shop)] == [(PLACE, "erased", 1)]
    assert ads.members() == hashes_of("c0002", "c0003")


def test_an_address_of_before_is_taken_off_too(shop, ads):
    shop.replace("profiles/contact_points")
    off(shop, values=(email("c0001").upper(),))
    assert hashlib.sha256(email("c0001").encode()).hexdigest() not in ads.members()


def test_a_destination_that_does_not_confirm_is_pending(shop, ads):
    ads.fail(*[{"call": "remove", "status": 403}] * 20)
    assert [one.outcome for one in off(shop)] == ["pending"]
    assert ads.members() == hashes_of("c0001", "c0002", "c0003")


def test_a_destination_that_is_not_asked_is_left_to_a_person(shop, ads):
    assert [one.outcome for one in off(shop, without=("ads",))] == ["by_hand"]


def test_nobody_is_asked_about_who_was_never_there(shop, ads):
    calls = len(ads.calls())
    assert off(shop, Person("request", {}, ("c0009",))) == []
    assert len(ads.calls()) == calls


def test_delivered_messages_are_out_of_reach(company, sink):
    shop = company("winback")
    shop.customers(2)
    shop.push("winback", "email")
    assert [(one.outcome, one.number) for one in off(shop)] == [("out_of_reach", 1)]
