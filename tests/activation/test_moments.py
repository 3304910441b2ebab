"""Messages about a micro-moment: sent while it lasts, never after, and never once something served it.

Against a real SMTP server. Costs the engine of the worker, a second a test.
"""

import copy
import datetime as dt

import pytest

from examples.sandboxes.smtp import recipient_hash
from jobs.activation import moments, plan, push
from jobs.audiences import membership
from tests.activation.small_company import CONFIG, DAY, email

NOON = dt.datetime(2017, 6, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def shop(company, sink):
    """Customers c0001 to c0003 with consent; an audience of open buy moments, by e-mail."""
    audience = {**CONFIG["audiences/winback.yaml"], "moment": "buy"}
    destinations = copy.deepcopy(CONFIG["destinations.yaml"])
    destinations["destinations"]["email"]["batch_size"] = 1
    built = company("winback", files={"audiences/winback.yaml": audience, "destinations.yaml": destinations})
    names = built.customers(3)
    built.members()  # nobody was in it in an earlier run
    built.replace("profiles/people", *[{"customer_id": name, "known": True, "customer_since": DAY} for name in names])
    return built


def moment(name, minutes, kind="buy", served_after=None):
    """A moment that began an hour before noon and expires so many minutes after it."""
    row = {"moment_id": f"{name}:{kind}", "customer_id": name, "type": kind, "day": DAY, "served": False}
    row |= {"started_at": NOON - dt.timedelta(hours=1), "expires_at": NOON + dt.timedelta(minutes=minutes)}
    if served_after is not None:
        row |= {"served": True, "served_at": NOON + dt.timedelta(minutes=served_after)}
    return row


def run(shop):
    membership.run(DAY, shop.settings)
    return shop.push("winback", "email")


def test_only_who_has_such_a_moment_that_nothing_served_is_in_the_audience(shop, clock):
    shop.replace(
        "journeys/moments", moment("c0001", 30), moment("c0002", 30, "know"), moment("c0003", 30, served_after=-10)
    )
    membership.run(DAY, shop.settings)
    (member,) = shop.lake.arrow("audiences/members", day=DAY).to_pylist()
    assert (member["customer_id"], member["valid_until"]) == ("c0001", NOON + dt.timedelta(minutes=30))
    assert '"buy_until": "2017-06-01 12:30:00"' in member["evidence"]


def test_a_moment_that_is_over_gets_no_message_and_is_accounted_for(shop, sink, clock):
    shop.replace("journeys/moments", moment("c0001", 30), moment("c0002", 0), moment("c0003", -1))
    counts = run(shop)
    assert (counts["members"], counts["delivered"], counts["moment_over"]) == (3, 1, 2)
    assert sink.recipients() == [recipient_hash(email("c0001"))]
    planned = shop.lake.arrow("activation/plans", day=DAY).to_pylist()
    assert {row["customer_id"]: row["reason"] for row in planned} == {
        "c0001": None, "c0002": "moment_over", "c0003": "moment_over",
    }  # fmt: skip


def test_the_clock_of_the_send_counts_not_that_of_the_plan(shop, sink, clock):
    shop.replace("journeys/moments", moment("c0001", 30), moment("c0002", 60))
    membership.run(DAY, shop.settings)
    assert plan.run(DAY, shop.settings)["deliveries"][0]["send"] == 2
    clock(30)
    counts = push.run("winback", "email", DAY, shop.settings)
    assert (counts["delivered"], counts["moment_over"]) == (1, 1)
    assert sink.recipients() == [recipient_hash(email("c0002"))]


def test_a_moment_that_ends_while_others_are_sent_to_gets_no_message(shop, sink, clock, monkeypatch):
    """Each look at the clock takes a minute: the queue moves on slowly."""
    shop.replace("journeys/moments", moment("c0001", 61), moment("c0002", 70), moment("c0003", 63))
    membership.run(DAY, shop.settings)
    plan.run(DAY, shop.settings)
    minutes = iter(range(58, 100))
    monkeypatch.setattr(moments, "now", lambda: NOON + dt.timedelta(minutes=next(minutes)))
    counts = push.run("winback", "email", DAY, shop.settings)
    assert (counts["delivered"], counts["moment_over"]) == (1, 2)
    assert sink.recipients() == [recipient_hash(email("c0002"))]


def test_a_basket_that_was_bought_meanwhile_is_not_mailed_about(shop, sink, clock):
    shop.replace("journeys/moments", moment("c0001", 30), moment("c0002", 30))
    membership.run(DAY, shop.settings)
    plan.run(DAY, shop.settings)
    shop.replace("journeys/moments", moment("c0001", 30, served_after=5), moment("c0002", 30))
    counts = push.run("winback", "email", DAY, shop.settings)
    assert (counts["delivered"], counts["moment_over"]) == (1, 1)
    assert sink.recipients() == [recipient_hash(email("c0002"))]


def test_the_day_run_again_at_night_changes_nothing_and_sends_nothing_twice(shop, sink, clock):
    shop.replace("journeys/moments", moment("c0001", 30), moment("c0002", 60))
    first = run(shop)
    before = [shop.lake.content_hash(name) for name in ("audiences/members", "activation/ledger", "activation/plans")]
    clock(600)
    assert run(shop) == first
    assert [shop.lake.content_hash(n) for n in ("audiences/members", "activation/ledger", "activation/plans")] == before
    assert len(sink.received()) == 2


def test_who_was_won_over_stays_in_the_audience_and_in_what_was_sent(shop, sink, clock):
    shop.replace("journeys/moments", moment("c0001", 30), moment("c0002", 30))
    assert run(shop)["delivered"] == 2
    clock(20)
    shop.replace("journeys/moments", moment("c0001", 30, served_after=10), moment("c0002", 30), moment("c0003", 40))
    counts = run(shop)
    assert (counts["members"], counts["delivered"], counts["moment_over"]) == (3, 3, 0)
    assert len(sink.received()) == 3


def test_an_answer_after_midnight_ends_a_moment_of_the_evening_before(shop, sink, clock):
    late = {"started_at": NOON + dt.timedelta(hours=9), "served_at": NOON + dt.timedelta(hours=12)}
    shop.replace("journeys/moments", moment("c0001", 16 * 60, served_after=0) | late)
    clock(15 * 60)
    counts = run(shop)
    assert (counts["members"], counts["delivered"], counts["moment_over"]) == (1, 0, 1), "on its day it was open"


def test_a_moment_of_the_evening_before_lasts_into_the_day(shop, sink, clock):
    clock(-11 * 60)  # one o'clock at night
    late = moment("c0001", -10 * 60, "buy") | {"started_at": NOON - dt.timedelta(hours=16)}
    shop.replace("journeys/moments", late, moment("c0002", -15 * 60) | {"started_at": NOON - dt.timedelta(hours=17)})
    counts = run(shop)
    assert (counts["members"], counts["delivered"]) == (1, 1), "that of c0002 expired before the day began"
