"""Segments are found, described in words, and keep their names while these hold. Costs about 6 CPU seconds."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from jobs.config.models.segment import Words
from jobs.errors import NotTrainable
from jobs.models.segment import segment_fit, segment_names, segments
from jobs.models.segment.segment_fit import Choice
from jobs.models.segment.segment_names import plain
from jobs.models.segment.segments import Segments

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


def fit(frame, features=FEATURES, seed=1, k_range=(2, 4)):
    model, _ = segment_fit.fit(frame, features, k_range, 0.05, 0.05, seed)
    return segment_names.named(model, frame, WORDS, MEANINGS, {})


def refit(old, frame, words=WORDS, seed=1):
    """Segments found anew, with the names of `old` that still hold."""
    model, _ = segment_fit.fit(frame, FEATURES, (2, 4), 0.05, 0.05, seed)
    return segment_names.named(model, frame, words, MEANINGS, *segment_names.kept_names(old, model, frame, 0.3))


def placed_by(centres, features=FEATURES, **parts):
    """A segment model with these centres in scaled units, in a space where a scaled unit is a step of the logarithm."""
    zero, one = [0.0] * len(features), [1.0] * len(features)
    space = {"fill": zero, "low": [-9.0] * len(features), "high": [9.0] * len(features), "mean": zero, "scale": one}
    return Segments(features=list(features), **space, centres=centres, names=[], descriptions=[], **parts)


def members(centres, features=FEATURES, each=5):
    """Customers who stand exactly on the centres."""
    points = np.repeat(np.array(centres), each, axis=0)
    return pd.DataFrame(np.sign(points) * np.expm1(np.abs(points)), columns=list(features))


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
    assert names_by_group(refit(old, shuffled, seed=99), frame) == names_by_group(old, frame)


def test_a_segment_whose_customers_scattered_passes_its_name_to_nobody():
    frame = customers()
    old = fit(frame)
    assert segment_names.kept_names(old, old, frame, 1.0)[0] == dict(enumerate(old.names))
    flat = Segments(**{**old.__dict__, "centres": [[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]], "names": ["all", "nobody"]})
    assert segment_names.kept_names(flat, old, frame, 0.5)[0] == {}


def test_a_name_that_no_longer_holds_changes_and_the_description_says_what_it_was():
    """The frequent ones order little now; nothing but that changed, so they are the same segment with another name."""
    was = [[2.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    old = segment_names.named(placed_by(was), members(was), WORDS, MEANINGS, {})
    assert old.names == ["frequent customers", "average customers", "high-spending customers"]
    now = [[-2.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    kept, claimed = dict(enumerate(old.names)), dict(enumerate(old.claims))
    new = segment_names.named(placed_by(now), members(now), WORDS, MEANINGS, kept, claimed)
    assert new.names == ["occasional customers", "average customers", "high-spending customers"]
    assert new.descriptions[0].endswith("was called 'frequent customers' until now")
    assert "was called" not in new.descriptions[2]


def test_a_name_says_what_is_true_for_the_median_member_and_not_for_a_few():
    """Two in five of the first segment order very much: its centre is high, its median member is not."""
    frame = pd.DataFrame({"orders_90d": [0.0, 0, 0, 90, 90, 0, 0, 0, 0, 0], "revenue_90d": [50.0] * 5 + [0.0] * 5})
    model = placed_by([[1.8, 3.9], [0.0, 0.0]], ["orders_90d", "revenue_90d"])
    assert model.assign(frame)[0].tolist() == [0] * 5 + [1] * 5
    names = segment_names.named(model, frame, WORDS, MEANINGS, {}).names
    assert names == ["high-spending customers", "low-spending customers"]


def test_a_migration_counts_every_customer_once_from_the_old_segment_to_the_new():
    old = placed_by([[0.0], [3.0]], ["a"])
    new = placed_by([[0.0], [2.0], [4.0]], ["a"])
    old, new = dataclasses.replace(old, names=["few", "many"]), dataclasses.replace(new, names=["few", "some", "most"])
    frame = members([[0.0], [2.0], [4.0]], ["a"], each=2)
    assert segments.migration(old, new, frame).to_dict("records") == [
        {"segment_from": "few", "segment_to": "few", "customers": 2},
        {"segment_from": "many", "segment_to": "most", "customers": 2},
        {"segment_from": "many", "segment_to": "some", "customers": 2},
    ]
    assert segments.moved(old.assign(frame)[0], new.assign(frame)[0], 2, 3) == pytest.approx(1 / 3)


def test_new_words_in_the_configuration_rename_the_segments_they_are_about():
    frame = customers()
    old = fit(frame)
    words = {**WORDS, "recency_days": Words(high="sleeping", low="fresh")}
    renamed = {name.replace("lapsing", "sleeping").replace("recent", "fresh") for name in old.names}
    assert set(refit(old, frame, words).names) == renamed


@pytest.mark.parametrize("words", [WORDS, {}])
@pytest.mark.parametrize(
    "centres",
    [
        [[1.0, 0.9, 0.0], [0.9, 1.0, -0.8], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
        [[2.0, 0.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.1], [-1.0, 0.0, 0.0]],
        [[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, 0.1, 0.0], [0.2, 0.0, 0.0]],
    ],
)
def test_no_two_segments_have_one_name_or_differ_in_the_order_of_its_words_alone(centres, words):
    names = segment_names.named(placed_by(centres), members(centres), words, MEANINGS, {}).names
    assert len({frozenset(name.split()) for name in names}) == len(names)


def test_of_two_segments_alike_in_words_the_second_is_told_apart_by_comparing_it_with_the_first():
    centres = [[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [3.0, 0.0, 0.0], [-2.0, 0.0, 0.0], [-2.2, 0.0, 0.0]]
    names = segment_names.named(placed_by(centres), members(centres), WORDS, MEANINGS, {}).names
    assert names == ["average customers", "frequent customers", "frequent more frequent customers",
                     "occasional customers", "occasional less frequent customers"]  # fmt: skip


@pytest.mark.parametrize(
    ("choices", "chosen"),
    [
        ([Choice(2, 0.50, 0.4, 0.9), Choice(3, 0.48, 0.2, 0.9), Choice(4, 0.30, 0.1, 0.9)], 3),  # 0.48 is close to 0.50
        ([Choice(2, 0.50, 0.4, 0.9), Choice(3, 0.60, 0.01, 0.9)], 2),  # the best one has a segment too small to use
        ([Choice(2, 0.50, 0.4, 0.9), Choice(3, 0.40, 0.3, 0.9)], 2),
        ([Choice(4, 0.25, 0.2, 0.82), Choice(8, 0.26, 0.1, 0.55)], 4),  # eight would not be found again
        ([Choice(3, 0.25, 0.2, 0.45), Choice(4, 0.26, 0.1, 0.4)], 3),  # nothing holds; the gate will say so
    ],
)
def test_as_many_segments_as_stay_well_apart_large_enough_and_would_be_found_again(choices, chosen):
    assert segment_fit.choose(choices, 0.05, 0.1, 0.6).k == chosen


def test_no_number_of_segments_with_large_enough_segments_is_refused_with_what_was_tried():
    with pytest.raises(NotTrainable, match=r"smallest holds less than 5\.0% of customers \(2: 1\.0%\)"):
        segment_fit.choose([Choice(2, 0.9, 0.01, 0.9)], 0.05, 0.1)


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
