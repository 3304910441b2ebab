"""Attribution: published and hand-computed examples; every model adds up to the orders and what they were worth."""

import datetime as dt
import random
from collections import Counter
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.config.journey.paths import Paths
from jobs.journeys.paths import attribution
from jobs.journeys.paths.attribution import MODELS, WHOLE, apportioned, removal_effects
from jobs.journeys.paths.funnels import Days
from jobs.journeys.paths.ways import path_contacts

WINDOW = Days.up_to(dt.date(2017, 3, 31), 31, "UTC")
RULES = Paths(lookback_days=30, attribute_to={"channel": "channel", "campaign": "subject"})


@pytest.fixture
def credited(rows):
    """`credited(("x", 1, "ad"), ("x", 2, "order", "10.00"))`: model to (orders, revenue) of each channel."""

    def credit(*touches, name="channel", costs=None, paths=RULES):
        contacts = path_contacts(
            rows("journeys/touchpoints", *[touch(n, *t) for n, t in enumerate(touches)]), paths, WINDOW
        )
        made = (attribution.shared_out(contacts, name, paths), attribution.steps_between(contacts, name))
        shared, between = ([row.asDict() for row in one.collect()] for one in made)
        (conversions,) = [row.asDict() for row in attribution.conversions_of(contacts, name).collect()]
        return [
            row
            for one in attribution.models(shared, between, conversions)
            for row in attribution.attribution_rows(one, name, costs or {}, WINDOW, conversions["conversions"])
        ]

    return credit


def touch(number, customer, day, channel, more=None, hour=9):
    at = f"2017-03-{day:02d} {hour:02d}:00"
    made = {"type": "order", "nth": 1, "amount": more} if channel == "order" else {"type": "click", "subject": more}
    return {
        "touchpoint_id": f"t{number:05d}",
        "customer_id": customer,
        "occurred_at": at,
        "day": at[:10],
        "channel": channel,
        **made,
    }


def orders(rows, model):
    return {row["credited"]: row["orders"] for row in rows if row["model"] == model}


def revenue(rows, model):
    return {row["credited"]: row["revenue"] for row in rows if row["model"] == model}


FOUR = (("x", 3, "ad"), ("x", 10, "mail"), ("x", 10, "shop"), ("x", 17, "ad"), ("x", 17, "order", "100.01"))


def test_one_order_is_shared_among_its_four_contacts_as_each_rule_says(credited):
    rows = credited(*FOUR)
    assert orders(rows, "first") == {"ad": 1, "mail": 0, "shop": 0}
    assert orders(rows, "last") == {"ad": 1, "mail": 0, "shop": 0}
    assert orders(rows, "linear") == {"ad": 0.5, "mail": 0.25, "shop": 0.25}
    assert orders(rows, "position") == {"ad": 0.8, "mail": 0.1, "shop": 0.1}
    # 14, 7, 7 and 0 days before: weights 1/4, 1/2, 1/2 and 1, of 9/4.
    assert orders(rows, "time_decay") == pytest.approx({"ad": 5 / 9, "mail": 2 / 9, "shop": 2 / 9}, abs=2e-6)
    assert orders(rows, "shapley") == pytest.approx({"ad": 1 / 3, "mail": 1 / 3, "shop": 1 / 3}, abs=2e-6)
    assert revenue(rows, "linear") == {"ad": Decimal("50.01"), "mail": Decimal("25.00"), "shop": Decimal("25.00")}


@pytest.mark.parametrize(("contacts", "shares"), [(["ad"], {"ad": 1}), (["ad", "mail"], {"ad": 0.5, "mail": 0.5})])
def test_of_one_contact_position_gives_it_all_and_of_two_half_each(credited, contacts, shares):
    rows = credited(*[("x", 2 + n, name) for n, name in enumerate(contacts)], ("x", 9, "order", "1.00"))
    assert orders(rows, "position") == shares


def test_shapley_shares_each_order_equally_among_the_different_channels_of_its_path(credited):
    """v({a}) = 1, v({a,b}) = 3 in all, v({a,b,c}) = 6: so the exact values are 1 + 2/2 + 3/3, 2/2 + 3/3 and 3/3."""
    paths = [*["a"] * 1, *["ab"] * 2, *["abc"] * 3]
    rows = credited(
        *[(f"x{n}", 2, letter, None, hour) for n, path in enumerate(paths) for hour, letter in enumerate(path)],
        *[(f"x{n}", 3, "order", "1.00") for n in range(len(paths))],
    )
    assert orders(rows, "shapley") == pytest.approx({"a": 3, "b": 2, "c": 1}, abs=1e-5)


def test_markov_gives_the_published_removal_effects():
    """Three paths of the well-known example: C1 > C2 > C3 converts, C1 does not, C2 > C3 does not."""
    steps = {
        ("(start)", "c:C1"): 2, ("(start)", "c:C2"): 1, ("c:C1", "c:C2"): 1, ("c:C1", "drop-off"): 1,
        ("c:C2", "c:C3"): 2, ("c:C3", "conversion"): 1, ("c:C3", "drop-off"): 1,
    }  # fmt: skip
    assert removal_effects(steps) == pytest.approx({"C1": 0.5, "C2": 1, "C3": 1})


def test_markov_shares_the_orders_of_the_published_example_by_removal_effect(credited):
    rows = credited(
        ("x", 1, "C1"), ("x", 2, "C2"), ("x", 3, "C3"), ("x", 4, "order", "10.00"), ("y", 1, "C1", None, 0),
        ("z", 1, "C2", None, 0), ("z", 1, "C3", None, 1), paths=RULES.model_copy(update={"lookback_days": 20}),
    )  # fmt: skip
    assert orders(rows, "markov") == {"C1": 0.2, "C2": 0.4, "C3": 0.4}
    assert revenue(rows, "markov") == {"C1": Decimal("2.00"), "C2": Decimal("4.00"), "C3": Decimal("4.00")}


@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from("abcd"), min_size=1, max_size=5), st.booleans()), min_size=1, max_size=12
    )
)
def test_the_removal_effect_is_what_is_lost_when_a_channel_is_taken_out_of_the_chain(paths):
    steps = Counter()
    for contacts, converted in paths:
        way = ["(start)", *[f"c:{name}" for name in contacts], "conversion" if converted else "drop-off"]
        steps.update(pairwise(way))
    effects, chance = removal_effects(steps), chance_to_convert(steps)
    assert chance == pytest.approx(sum(converted for _, converted in paths) / len(paths)), "the chain keeps the share"
    for name, effect in effects.items():
        lost = 1 - chance_to_convert(steps, without=f"c:{name}") / chance if chance else 0
        assert effect == pytest.approx(lost, abs=1e-9)


def chance_to_convert(steps, without=None):
    """By following the chain until nothing moves any more."""
    totals = Counter()
    for (before, _), times in steps.items():
        totals[before] += times
    there, converted = {"(start)": 1.0}, 0.0
    for _ in range(3000):
        later = Counter()
        for (before, after), times in steps.items():
            if after != without and there.get(before):
                later[after] += there[before] * times / totals[before]
        converted += later.pop("conversion", 0)
        later.pop("drop-off", None)
        there = later
    return converted


def test_an_order_without_a_contact_is_credited_to_none_by_every_model(credited):
    rows = credited(("x", 2, "ad"), ("x", 3, "order", "7.00"), ("y", 3, "order", "5.00"), ("z", 1, "mail", None, 0))
    for model in MODELS:
        assert orders(rows, model) == {"(none)": 1, "ad": 1, "mail": 0}
        assert revenue(rows, model) == {"(none)": Decimal("5.00"), "ad": Decimal("7.00"), "mail": 0}


def test_contacts_without_a_campaign_take_no_share_of_what_campaigns_get(credited):
    touches = (("x", 2, "mail", "spring"), ("x", 3, "chat"), ("x", 4, "order", "8.00"))
    assert orders(credited(*touches, name="campaign"), "linear") == {"spring": 1}
    assert orders(credited(*touches), "linear") == {"chat": 0.5, "mail": 0.5}


def test_a_channel_that_only_led_to_drop_off_is_told_with_nothing(credited):
    rows = credited(
        ("x", 2, "ad", None, 1),
        ("y", 20, "mail"),
        ("y", 21, "order", "8.00"),
        paths=RULES.model_copy(update={"lookback_days": 9}),
    )
    assert [orders(rows, model) for model in MODELS] == [{"ad": 0, "mail": 1}] * len(MODELS)


def test_the_cost_of_an_order_is_told_where_the_cost_is_known(credited):
    rows = credited(*FOUR, costs={"mail": Decimal("5.00"), "radio": Decimal("9.00")})
    told = {row["credited"]: (row["cost"], row["cost_per_order"]) for row in rows if row["model"] == "linear"}
    assert told == {"ad": (None, None), "mail": (5, 20), "radio": (9, None), "shop": (None, None)}


@pytest.mark.parametrize("name", ["channel", "campaign"])
def test_every_model_adds_up_to_the_orders_and_their_value_to_the_cent(credited, name):
    chance = random.Random(name)
    touches = []
    for _ in range(400):
        channel = chance.choices(["ad", "mail", "shop", "order"], [3, 3, 3, 1])[0]
        more = (
            f"{chance.randint(1, 99999) / 100:.2f}" if channel == "order" else chance.choice([None, "spring", "summer"])
        )
        touches.append((f"c{chance.randint(1, 25)}", chance.randint(1, 31), channel, more, chance.randint(0, 23)))
    paid = [Decimal(more) for _, _, channel, more, _ in touches if channel == "order"]
    rows = credited(*touches, name=name)
    for model in MODELS:
        assert round(sum(orders(rows, model).values()), 5) == len(paid), model
        assert sum(revenue(rows, model).values()) == sum(paid), model
    assert {row["conversions"] for row in rows} == {len(paid)}
    assert all(value >= 0 for model in MODELS for value in orders(rows, model).values())


def test_a_path_that_is_still_open_says_nothing_about_channels(credited):
    assert credited(("x", 20, "ad")) == []


def test_without_any_order_every_model_gives_nothing(credited):
    rows = credited(("x", 1, "ad", None, 0))
    assert {(row["model"], row["orders"], row["share"]) for row in rows} == {(model, 0, None) for model in MODELS}
    assert credited() == []


@given(st.integers(0, 10**9), st.dictionaries(st.text("abc", max_size=3), st.floats(0, 1e6), max_size=8))
def test_parts_add_up_to_the_whole_and_nobody_is_off_by_more_than_one(total, weights):
    parts, whole = apportioned(total, weights), sum(weights.values())
    assert sum(parts.values()) == (total if whole else 0)
    if whole:
        assert all(abs(parts[name] - total * weight / whole) <= 1 + total * 1e-12 for name, weight in weights.items())


def test_the_shares_are_whole_millionths(credited):
    assert all(round(row["orders"] * WHOLE) / WHOLE == row["orders"] for row in credited(*FOUR))
