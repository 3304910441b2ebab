"""What stops a push, and how a person lets it go on. Costs about 15 s of processor time: pushes of a few people."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.sandboxes.smtp import recipient_hash
from jobs.activation import guard_rails, push
from jobs.activation.guard_rails import models_of, odd_size, silent, too_old
from jobs.config.actions.audiences import Audience
from jobs.config.actions.guard_rails import GuardRails, Size, Stale
from jobs.config.settings import load_settings
from jobs.config.wrong import CommandError
from jobs.config.yaml_files import ConfigError
from jobs.errors import HeldBack
from tests.activation.small_company import AUDIENCE, CONFIG, DAY, email

SIZE = Size(times=3, share=0.3, pushes=3, at_least=10)


@pytest.mark.parametrize(
    ("members", "before", "odd"),
    [
        (301, [50, 100, 80], True),
        (300, [50, 100, 80], False),
        (9_000, [50, 100], False),  # two pushes are no history
        (14, [50, 100, 80], True),
        (15, [50, 100, 80], False),
        (0, [10, 10, 10], False),  # ten more or less never stop it
        (13, [1, 2, 3], False),
        (14, [1, 2, 3], True),
    ],
)
def test_a_size_is_odd_beyond_its_own_history_and_more_than_a_few(members, before, odd):
    assert bool(odd_size(members, before, SIZE)) is odd


@given(st.lists(st.integers(0, 10**7), min_size=3), st.data())
def test_a_size_that_was_seen_before_is_never_odd(before, data):
    assert odd_size(data.draw(st.sampled_from(before)), before, SIZE) == ""


def test_an_audience_about_a_moment_may_shrink_but_not_grow_out_of_its_history():
    assert odd_size(1, [1000, 1000, 1000], SIZE, passing=True) == ""
    assert odd_size(4000, [1000, 1000, 1000], SIZE, passing=True) == (
        "4,000 members are more than 3 times the most it had (1,000)"
    )


def days(*numbers):
    return [dt.date(2024, 1, 1) + dt.timedelta(days=number) for number in numbers]


def test_a_source_is_silent_after_three_times_its_longest_gap_or_as_said():
    every_day, weekly = days(*range(10)), days(0, 7, 14, 21, 28, 35)
    at = dt.date(2024, 1, 1)

    def found(arrivals, day, **options):
        return list(silent(arrivals, at + dt.timedelta(days=day), Stale(**options)))

    assert found({"crm": every_day}, 12) == []
    assert found({"crm": every_day}, 13) == [
        "nothing landed from crm since 2024-01-10, 4 days ago; at most 3 are usual"
    ]
    assert found({"pos": weekly}, 35 + 21) == []
    assert len(found({"pos": weekly}, 35 + 22)) == 1
    assert found({"once": days(0, 0, 0)}, 400) == [], "a load that came once has no history"
    assert len(found({"once": days(0)}, 5, sources={"once": 4})) == 1
    assert found({"later": days(300, 301, 302, 303, 304)}, 299) == [], "what landed later is not known yet"


def test_the_models_of_an_audience_are_those_its_rule_and_value_look_at():
    told = {"audience": "a", "title": "t", **AUDIENCE, "purpose": "p", "send_to": {}}
    one = Audience(
        **told | {"where": "Label_Churn = 'high' and age > 3", "evidence": ["score_habits"], "value": "score_value * 2"}
    )
    assert models_of(one, ["churn", "value", "habits", "chur"]) == {"churn", "value"}


def test_a_day_that_ended_long_ago_is_a_backfill(monkeypatch):
    monkeypatch.setattr(guard_rails, "now", lambda: dt.datetime(2024, 5, 3, 22, 30, tzinfo=dt.UTC))
    assert too_old(dt.date(2024, 5, 1), 3, "Europe/Amsterdam") == ""
    assert too_old(dt.date(2024, 5, 1), 2, "UTC") == ""
    assert too_old(dt.date(2024, 5, 1), 2, "Europe/Amsterdam").startswith("the day is 3 days ago"), (
        "it is the 4th there"
    )


def test_an_audience_says_only_what_is_other_for_it():
    company = GuardRails(oldest_days=2, size=Size(times=5))
    assert company.with_own(None) == company
    assert company.with_own(GuardRails.model_validate({"size": None})) == company.model_copy(update={"size": None})


def test_names_of_guard_rails_must_exist(config):
    wrong = {"stale": {"sources": {"crn": 3}}}
    audience = CONFIG["audiences/winback.yaml"] | {"guard_rails": {"stale": {"only": ["shop"]}}}
    files = {name: text for name, text in CONFIG.items() if name != "audiences/loyal.yaml"}
    with pytest.raises(ConfigError) as error:
        load_settings(config({**files, "guard_rails.yaml": wrong, "audiences/winback.yaml": audience}))
    assert "guard_rails.yaml:2: stale.sources: no source 'crn'; did you mean 'crm'" in str(error.value)
    assert "guard_rails.stale.only: no source 'shop'" in str(error.value)


def delivered(shop, audience, destination, *members):
    """Pushes of the days before, with so many members each."""
    rows = [
        {"day": DAY - dt.timedelta(days=number), "audience": audience, "destination": destination, "members": count}
        for number, count in enumerate(members, 1)
    ]
    shop.replace("activation/deliveries", *rows)


STRICT = {"guard_rails.yaml": {"size": {"times": 2, "pushes": 3, "at_least": 1}}}


def test_a_push_out_of_its_history_sends_nothing_until_a_person_allows_exactly_that(company, sink):
    shop = company("winback", files=STRICT)
    shop.customers(5)
    delivered(shop, "winback", "email", 2, 2, 2)
    with pytest.raises(HeldBack, match=r"winback to email on 2017-06-01 is held back: 5 members are more than 2 times"):
        shop.push("winback", "email")
    assert sink.received() == []
    assert shop.states() == {}
    with pytest.raises(CommandError, match="--because"):
        guard_rails.allow("winback", "email", "  ", "Ann", DAY, shop.settings)

    assert guard_rails.allow("winback", "email", "the autumn sale", "Ann", DAY, shop.settings) == {"allowed": 1}

    assert shop.push("winback", "email")["delivered"] == 5
    assert shop.push("winback", "email")["delivered"] == 5, "the same push again is still allowed"
    (row,) = guard_rails.kept(shop.settings)
    assert (row["rail"], row["allowed_by"], row["allowed_because"]) == ("size", "Ann", "the autumn sale")
    with pytest.raises(CommandError, match="nothing holds it back"):
        guard_rails.allow("winback", "email", "again", "Ann", DAY, shop.settings)


def test_what_was_allowed_holds_for_that_finding_and_day_alone(company, sink):
    shop = company("winback", files=STRICT)
    names = shop.customers(6)
    delivered(shop, "winback", "email", 2, 2, 2)
    shop.members(*names[:5])
    with pytest.raises(HeldBack):
        shop.push("winback", "email")
    guard_rails.allow("winback", "email", "meant", "Ann", DAY, shop.settings)
    shop.members(*names)
    with pytest.raises(HeldBack, match="6 members"):
        shop.push("winback", "email")
    later = DAY + dt.timedelta(days=1)
    shop.members(*names[:5], day=later)
    with pytest.raises(HeldBack, match="on 2017-06-02 is held back: 5 members"):
        shop.push("winback", "email", later)
    assert sink.received() == []


def test_a_push_that_is_held_back_is_no_history_for_the_next_one(company, sink):
    shop = company("winback", files=STRICT)
    names = shop.customers(6)
    delivered(shop, "winback", "email", 2, 2, 2)
    for number in range(3):
        day = DAY + dt.timedelta(days=number)
        shop.members(*names, day=day)
        with pytest.raises(HeldBack):
            shop.push("winback", "email", day)


def test_who_withdrew_is_taken_off_a_list_although_the_push_is_held_back(company, ads):
    shop = company("loyal", files=STRICT)
    names = shop.customers(4, purpose="ads", channel="ads")
    assert shop.push("loyal", "ads")["delivered"] == 4
    there = len(ads.members())
    delivered(shop, "loyal", "ads", 40, 40, 40)
    later = DAY + dt.timedelta(days=1)
    shop.members(*names[1:], day=later)  # one left the audience, of the others one withdrew
    shop.consent(*names, purpose="ads", channel="ads", withdrawn=(names[3],))
    with pytest.raises(HeldBack, match=r"3 members are less than 0\.3 of the least it had \(40\).* 1 were taken off"):
        shop.push("loyal", "ads", later)
    assert len(ads.members()) == there * 3 // 4
    removed = [row["customer_id"] for row in shop.ledger() if row["action"] == "remove" and row["state"] == "accepted"]
    assert removed == [names[3]]


def test_who_left_and_withdrew_is_taken_off_although_the_audience_is_suddenly_empty(company, ads):
    shop = company("loyal", files=STRICT)
    names = shop.customers(4, purpose="ads", channel="ads")
    shop.push("loyal", "ads")
    there = len(ads.members())
    delivered(shop, "loyal", "ads", 40, 40, 40)
    later = DAY + dt.timedelta(days=1)
    shop.members(names[0], day=later)
    shop.consent(*names, purpose="ads", channel="ads", withdrawn=(names[3],))
    with pytest.raises(HeldBack, match="1 were taken off"):
        shop.push("loyal", "ads", later)
    assert len(ads.members()) == there * 3 // 4


def test_an_audience_that_is_suddenly_empty_stops_and_one_that_always_was_does_not(company, sink):
    shop = company("winback", files={"guard_rails.yaml": {"empty": 6}})
    assert guard_rails.standing("winback", "email", DAY, 0, shop.settings) == []
    delivered(shop, "winback", "email", 6)
    assert guard_rails.standing("winback", "email", DAY, 0, shop.settings) == [], "a few come and go"
    delivered(shop, "winback", "email", 7)
    (found,) = guard_rails.standing("winback", "email", DAY, 0, shop.settings)
    assert found.said == "nobody is in the audience, which had 7 members when it was pushed last"


def test_a_rule_on_a_model_needs_scores_and_a_model_of_late(company):
    rule = CONFIG["audiences/winback.yaml"] | {"where": "label_churn = 'high'"}
    shop = company("winback", files={"audiences/winback.yaml": rule})

    def said(day=DAY):
        return [one.said for one in guard_rails.findings("winback", "email", day, 1, shop.settings)]

    assert said() == ["nobody was scored by churn in the last 8 days"]
    assert list(guard_rails.findings("winback", "email", DAY, 0, shop.settings)) == [], "it never put anybody in"
    score = {"day": DAY, "model": "churn", "customer_id": "c0001", "model_version": "3"}
    shop.replace("models/scores", score, day=DAY)
    assert said() == [], "nobody knows when it was trained"
    trained = DAY - dt.timedelta(days=121)
    told = {"model": "churn", "model_version": "3", "metric": "auc", "day": trained, "value": 0.8}
    shop.replace("models/evaluations", told)
    assert said() == [f"churn was trained on {trained}, 121 days ago"]
    assert said(DAY + dt.timedelta(days=9))[0].startswith("nobody was scored by churn")


def test_a_rule_that_asks_is_asked_again_at_the_send(company, sink):
    from jobs.activation import plan

    rule = CONFIG["audiences/winback.yaml"] | {"where": "city = 'Utrecht'", "guard_rails": {"recheck": True}}
    shop = company("winback", files={"audiences/winback.yaml": rule})
    names = shop.customers(3)

    def live(**cities):
        people = [
            {"customer_id": name, "known": True, "city": cities.get(name, "Utrecht"), "customer_since": DAY}
            for name in names
        ]
        shop.replace("profiles/people", *people)

    live()
    plan.run(DAY, shop.settings)
    live(c0002="Amsterdam")
    counts = push.run("winback", "email", DAY, shop.settings)
    assert (counts["delivered"], counts["moment_over"]) == (2, 1)
    assert sink.recipients() == sorted(recipient_hash(email(name)) for name in ("c0001", "c0003"))
