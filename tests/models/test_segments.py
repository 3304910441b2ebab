"""Segments are found, described in words, and keep their names."""

import numpy as np
import pandas as pd
import pytest

from jobs.config.models.segment import Words
from jobs.errors import NotTrainable
from jobs.models import segments
from jobs.models.segments import Choice, Segments, plain

FEATURES = ["orders_90d", "revenue_90d", "recency_days"]
MEANINGS = {
    "orders_90d": "orders in the last 90 days",
    "revenue_90d": "revenue in the last 90 days",
    "recency_days": "days since last order",
}
WORDS = {
    "orders_90d": Words(high="frequent", low="occasional"),
    "revenue_90d": Words(high="high-spending", low="low-spending"),
    "recency_days": Words(high="lapsing", low="recent"),
}
PLANTED = {"loyal": (30, 900, 2), "steady": (10, 150, 12), "gone": (1, 20, 75)}


def customers(sizes=(150, 150, 150), seed=0):
    """Planted groups of customers, with noise; column `group` tells which."""
    random = np.random.default_rng(seed)
    parts = [
        pd.DataFrame(
            {name: random.gamma(20, value / 20, size) for name, value in zip(FEATURES, centre, strict=True)}
        ).assign(group=group)
        for (group, centre), size in zip(PLANTED.items(), sizes, strict=True)
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(customer_id=[f"c{i:04d}" for i in range(len(frame))])


def fit(frame, features=FEATURES, kept=None, seed=1, k_range=(2, 6)):
    model, _ = segments.fit(frame, features, k_range, 0.05, 0.05, seed)
    return segments.named(model, WORDS, MEANINGS, kept or {})


def names_by_group(model, frame):
    """The segment most customers of each planted group are in."""
    placed = pd.Series(np.array(model.names)[model.assign(frame)[0]])
    return placed.groupby(frame["group"]).agg(lambda s: s.mode()[0]).to_dict()


def test_planted_groups_are_found_and_named_after_what_sets_them_apart():
    frame = customers()
    model = fit(frame)
    assert segments.agreement(frame["group"].to_numpy(), model.assign(frame)[0]) > 0.95
    names = names_by_group(model, frame)
    assert set(names["loyal"].split()) & {"frequent", "high-spending", "recent"}
    assert set(names["gone"].split()) & {"occasional", "low-spending", "lapsing"}
    assert all(name.endswith("customers") for name in names.values())


def test_a_description_says_what_is_high_or_low_and_what_others_have():
    model = fit(customers())
    loyal = next(i for i, name in enumerate(model.names) if "frequent" in name or "high-spending" in name)
    assert "revenue in the last 90 days high: about" in model.descriptions[loyal]


def test_the_same_customers_give_the_same_segments_to_the_last_digit():
    assert fit(customers()).to_json() == fit(customers()).to_json()


def test_segments_keep_their_names_after_retraining_on_shuffled_customers_with_another_seed():
    frame = customers()
    old = fit(frame)
    shuffled = frame.sample(frac=1, random_state=3).reset_index(drop=True)
    unnamed, _ = segments.fit(shuffled, FEATURES, (2, 6), 0.05, 0.05, 99)
    kept = segments.kept_names(old, unnamed, shuffled, 0.3)
    new = segments.named(unnamed, {}, {}, kept)  # without words: every name must come from before
    assert names_by_group(new, frame) == names_by_group(old, frame)


def test_names_follow_the_customers_when_segments_change_in_size():
    old = fit(customers((300, 150, 60)))
    grown = customers((60, 150, 300), seed=5)
    unnamed, _ = segments.fit(grown, FEATURES, (2, 6), 0.05, 0.05, 1)
    new = segments.named(unnamed, WORDS, {}, segments.kept_names(old, unnamed, grown, 0.3))
    assert names_by_group(new, grown) == names_by_group(old, customers((300, 150, 60)))


def test_a_segment_whose_customers_scattered_gets_a_new_name():
    frame = customers()
    old = fit(frame)
    assert segments.kept_names(old, old, frame, 1.0) == dict(enumerate(old.names))
    flat = Segments(**{**old.__dict__, "centres": [[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]], "names": ["all", "nobody"]})
    assert segments.kept_names(flat, old, frame, 0.5) == {}


def test_a_new_name_never_repeats_one_in_use():
    old = fit(customers())
    other = 1 if len(old.names) > 1 else 0
    renamed = segments.named(old, WORDS, {}, {other: old.names[0]})
    assert renamed.names[other] == old.names[0]
    assert len(set(renamed.names)) == len(renamed.names)


def test_two_segments_never_differ_in_the_order_of_their_words_alone():
    old = fit(customers())
    centres = [[1.0, 0.9, 0.0], [0.9, 1.0, -0.8]]  # orders, revenue, recency: the clearest two are the same
    model = segments.named(Segments(**{**old.__dict__, "features": FEATURES, "centres": centres}), WORDS, {}, {})
    assert model.names == ["frequent high-spending customers", "high-spending frequent recent customers"]


def test_segments_alike_in_everything_are_numbered_rather_than_confused():
    old = fit(customers())
    average = Segments(**{**old.__dict__, "centres": [[0.0] * 3, [0.1] * 3]})
    assert segments.named(average, WORDS, {}, {}).names == ["average customers", "average customers 2"]


@pytest.mark.parametrize(
    ("choices", "chosen"),
    [
        ([Choice(2, 0.50, 0.4), Choice(3, 0.48, 0.2), Choice(4, 0.30, 0.1)], 3),  # 0.48 is within 10 % of 0.50
        ([Choice(2, 0.50, 0.4), Choice(3, 0.60, 0.01)], 2),  # the best one has a segment too small to use
        ([Choice(2, 0.50, 0.4), Choice(3, 0.40, 0.3)], 2),
    ],
)
def test_as_many_segments_as_stay_well_apart_and_large_enough(choices, chosen):
    assert segments.choose(choices, 0.05, 0.1).k == chosen


def test_no_number_of_segments_with_large_enough_segments_is_refused_with_what_was_tried():
    with pytest.raises(NotTrainable, match=r"smallest holds less than 5\.0% of customers \(2: 1\.0%\)"):
        segments.choose([Choice(2, 0.9, 0.01)], 0.05, 0.1)


def test_a_constant_and_an_empty_feature_are_left_out():
    frame = customers().assign(orders_90d=3.0, recency_days=np.nan)
    assert fit(frame).features == ["revenue_90d"]


def test_nothing_but_constant_features_is_refused():
    with pytest.raises(NotTrainable, match="every segmentation feature is constant or empty"):
        fit(customers().assign(orders_90d=1.0, revenue_90d=2.0, recency_days=np.nan))


def test_too_few_customers_are_refused_with_how_many_are_needed():
    with pytest.raises(NotTrainable, match="9 customers to learn from; 2 segments need at least 10"):
        fit(customers((3, 3, 3)))


def test_infinite_features_are_refused():
    frame = customers()
    frame.loc[0, "orders_90d"] = np.inf
    with pytest.raises(NotTrainable, match="infinite"):
        fit(frame)


def test_an_empty_value_is_placed_as_the_typical_customer_would_be():
    frame = customers()
    model = fit(frame)
    empty = frame.iloc[[0]].assign(revenue_90d=np.nan)
    typical = frame.iloc[[0]].assign(revenue_90d=frame["revenue_90d"].median())
    assert model.assign(empty)[1] == pytest.approx(model.assign(typical)[1], abs=1e-4)


def test_a_model_survives_its_json_form():
    model = fit(customers())
    assert Segments.from_json(model.to_json()) == model


def test_reasons_name_the_features_that_put_a_customer_in_its_segment():
    frame = customers()
    model = fit(frame)
    why = segments.standout(model, frame, model.assign(frame)[0], MEANINGS)
    assert any(reason.startswith("days since last order: ") and reason.endswith("(high)") for reason in why[-1])
    assert all(1 <= len(reasons) <= 3 for reasons in why)


@pytest.mark.parametrize(
    ("value", "text"), [(9.28e-07, "0"), (-3.2e-08, "0"), (0.097123, "0.0971"), (20.84, "20.8"), (1487.3, "1,490")]
)
def test_numbers_in_descriptions_read_like_numbers(value, text):
    assert plain(value) == text
