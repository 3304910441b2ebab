"""Adaptive experiments: with which chance a variant is drawn. Costs about 1 s, without the engine."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from jobs.audiences import adaptive
from jobs.audiences.chances import best, chances, drawn, highest, upper_bounds
from jobs.audiences.draws import Draws
from jobs.config.actions.allocation import Allocation
from jobs.config.actions.experiments import Experiment

NAMES = ("a", "b", "c")
EVEN = (1 / 3, 1 / 3, 1 / 3)
THOMPSON = Allocation(method="thompson", floor=0.05)
LINUCB = Allocation(method="linucb", floor=0.05, context={"x": "orders_90d"})
NOBODY = Draws(np.array([], object), np.array([], int), np.array([]), np.array([]), np.zeros((0, 1)), NAMES)


def lived(allocation, truth, days=40, a_day=100, late=3, drift=0.0, seed=5):
    """Draws of many days, each drawn by what came of those of `late` days before; and the chances of every day."""
    chance, seen, told, batches = np.random.default_rng(seed), NOBODY, [], []
    for day in range(days):
        x = chance.normal(size=(a_day, 1))
        p = chances(allocation, EVEN, seen, x, down=False)
        variant = drawn([f"{day}-{n}" for n in range(a_day)], "salt", p)
        outcome = (chance.random(a_day) < truth(x[:, 0])[np.arange(a_day), variant] + drift * day).astype(float)
        person = np.array([f"{day}-{n}" for n in range(a_day)], object)
        batches.append(Draws(person, variant, p[np.arange(a_day), variant], outcome, x, NAMES))
        told.append(p)
        seen = together(batches[: max(0, day + 1 - late)])
    return together(batches), told


def together(batches):
    if not batches:
        return NOBODY
    parts = ("person", "variant", "propensity", "outcome", "context")
    return Draws(*(np.concatenate([getattr(one, part) for one in batches]) for part in parts), NAMES)


def flat(x):
    return np.tile([0.15, 0.3, 0.2], (len(x), 1))


def by_customer(x):
    """a is best for whoever orders a lot, b for the others."""
    return np.stack([0.3 + 0.2 * np.tanh(2 * x), 0.3 - 0.2 * np.tanh(2 * x), np.full_like(x, 0.2)], axis=1)


def test_a_planted_best_variant_wins_and_every_variant_keeps_its_floor():
    draws, told = lived(THOMPSON, flat)
    assert told[0].tolist() == [list(EVEN)] * 100, "the shares, as long as too little is known"
    assert told[-1][0, 1] > 0.85, told[-1][0]
    assert min(p.min() for p in told) >= 0.05 - 1e-6
    assert np.allclose([p.sum(axis=1) for p in told], 1)
    assert draws.outcome.mean() > 0.255, "more than the 0.217 of equal shares"


def test_what_is_best_for_the_customer_wins_where_it_differs():
    draws, told = lived(LINUCB, by_customer)
    x, last = draws.context[-100:, 0], told[-1]
    assert (last[x > 0.5].argmax(axis=1) == 0).mean() > 0.95
    assert (last[x < -0.5].argmax(axis=1) == 1).mean() > 0.95
    assert set(np.unique(last)) == {0.05, 0.9}
    assert draws.outcome.mean() > 0.36, "more than the 0.3 of either for everybody"


def test_a_better_week_does_not_make_a_variant_look_better():
    """c is drawn rarely while little is sold and often when much is: it is no better for that."""
    early = Draws(np.arange(1000), np.repeat([0, 1, 2], [450, 450, 100]), np.repeat([0.45, 0.45, 0.1], [450, 450, 100]),
                  np.tile([1.0] + [0.0] * 9, 100), np.zeros((1000, 1)), NAMES)  # fmt: skip
    late = Draws(np.arange(1000), np.repeat([0, 1, 2], [100, 100, 800]), np.repeat([0.1, 0.1, 0.8], [100, 100, 800]),
                 np.tile([1.0, 0.0], 500), np.zeros((1000, 1)), NAMES)  # fmt: skip
    p = chances(THOMPSON, EVEN, together([early, late]), np.zeros((1, 1)), down=False)[0]
    assert p == pytest.approx(EVEN, abs=0.15), "each variant sold 10 % early and 50 % late"


def test_the_chance_of_being_best_is_that_of_the_textbook():
    two = best(np.array([0.1, 0.12]), np.array([0.01, 0.02]))
    assert two[1] == pytest.approx(stats.norm.cdf(0.02 / np.hypot(0.01, 0.02)), abs=5e-4)
    means, errors = np.array([0.1, 0.11, 0.09]), np.array([0.01, 0.001, 0.03])
    drawn_often = np.random.default_rng(1).normal(means, errors, (200_000, 3)).argmax(axis=1)
    assert best(means, errors) == pytest.approx(np.bincount(drawn_often) / 200_000, abs=0.005)
    assert best(np.array([0.0, 0.0]), np.zeros(2)).tolist() == [0.5, 0.5]


def test_variants_that_share_the_highest_bound_share_the_chance():
    assert highest(np.array([[0.2, 0.3, 0.3], [0.4, 0.1, 0.0], [0.5, 0.5, 0.5]])).tolist() == [
        [0, 0.5, 0.5],
        [1, 0, 0],
        list(EVEN),
    ]


def test_the_upper_bound_is_that_of_linucb():
    x = np.array([[-1.0], [1.0], [-1.0], [1.0]])
    seen = Draws(np.arange(4), np.array([0, 0, 1, 1]), np.full(4, 0.5), np.array([0.0, 2.0, 1.0, 1.0]), x, ("a", "b"))
    told = upper_bounds(seen, seen.outcome, np.array([[1.0]]), width=1.0)[0]
    known = np.eye(2) * 3  # D'D + I of both variants
    slopes = np.linalg.solve(known, np.array([[0.0, 0.0], [2.0, 0.0]]))  # of outcomes less their mean
    rest = np.array([-1 + 2 / 3, 1 - 2 / 3, 0, 0])
    bound = np.sqrt((rest**2).mean()) * np.sqrt(np.ones(2) @ np.linalg.inv(known) @ np.ones(2))
    assert told == pytest.approx([slopes[:, 0].sum() + bound, slopes[:, 1].sum() + bound])


def test_what_is_kept_is_how_often_it_is_drawn_and_the_same_is_drawn_again():
    p = np.tile([0.05, 0.7, 0.25], (20_000, 1))
    units = [f"c{n}" for n in range(20_000)]
    first = drawn(units, "salt", p)
    assert stats.chisquare(np.bincount(first), 20_000 * p[0]).pvalue > 0.001
    assert (drawn(units, "salt", p) == first).all()
    assert (drawn(units[::-1], "salt", p)[::-1] == first).all(), "in any order"
    assert 0.4 < (drawn(units, "other", p) == first).mean() < 0.7, "another salt draws anew"


DAY = dt.date(2017, 6, 20)
SETTINGS = SimpleNamespace(journey=SimpleNamespace(kpis={"orders": SimpleNamespace(direction="up")}))


def experiment(**allocation):
    return Experiment.model_validate({
        "experiment": "words", "hypothesis": "h", "owner": "o", "begins": "2017-05-01", "baseline": 0.2,
        "primary": "orders", "minimum_effect": 0.05, "allocation": {"method": "thompson", "floor": 0.05, **allocation},
        "variants": {name: {"action": name, "share": share} for name, share in zip(NAMES, EVEN, strict=True)},
    })  # fmt: skip


def known(*records):
    types = {"customer_id": pa.string(), "unit": pa.string(), "inside": pa.bool_(), "now": pa.string(),
             "later": pa.bool_(), "since": pa.date32(), "arm": pa.string(), "propensity": pa.float64(),
             "context": pa.string(), "because": pa.string()}  # fmt: skip
    rows = [{"inside": True, "later": False, **record, "unit": record["customer_id"]} for record in records]
    return pa.Table.from_pylist(rows, pa.schema(list(types.items())))


def test_who_was_drawn_keeps_the_variant_unless_it_is_declared_that_draws_end():
    old = {"since": dt.date(2017, 6, 1), "arm": "c", "propensity": 0.05, "context": "{}", "because": "drawn"}
    rows = known({"customer_id": "kept", **old}, {"customer_id": "new", "now": "{}"},
                 {"customer_id": "outside", "inside": False},
                 {"customer_id": "backfilled", **old, "since": dt.date(2017, 7, 1), "later": True})  # fmt: skip
    draws, _ = lived(THOMPSON, flat, days=10)
    found, told = adaptive.drawn_on(rows, experiment(), draws, SETTINGS, DAY)
    kept, new, outside, backfilled = found.to_pylist()
    assert (kept["arm"], kept["propensity"], kept["redrawn"]) == ("c", 0.05, False)
    assert new["propensity"] == {row["variant"]: row["chance"] for row in told}[new["arm"]]
    assert (outside["arm"], outside["propensity"]) == (None, None)
    assert (backfilled["arm"], backfilled["later"]) == ("c", True)
    assert [row["drawn"] for row in told] == [int(new["arm"] == name) for name in NAMES]
    assert sum(row["learned_from"] for row in told) == len(draws.outcome)
    again, _ = adaptive.drawn_on(rows, experiment(redraw_days=19), draws, SETTINGS, DAY)
    assert again["redrawn"].to_pylist() == [True, False, False, False]
    assert again["propensity"][0].as_py() in [row["chance"] for row in told]
    stays, _ = adaptive.drawn_on(rows, experiment(redraw_days=20), draws, SETTINGS, DAY)
    assert stays["redrawn"].to_pylist() == [False] * 4
    today = {**old, "since": DAY, "because": "redrawn"}
    rerun, _ = adaptive.drawn_on(known({"customer_id": "kept", **today}), experiment(redraw_days=20), draws, SETTINGS,
                                 DAY)  # fmt: skip
    assert rerun.to_pylist()[0]["redrawn"], "running the day again writes the same"
    assert rerun.to_pylist()[0]["arm"] == "c"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"allocation": {"method": "thompson", "floor": 0.4}}, "floor: 0.4 for each of 3 variants is everything"),
        ({"allocation": {"method": "thompson", "floor": 0.33}, "variants": {"a": {"action": "a", "share": 0.9},
          "b": {"action": "b", "share": 0.1}}}, "variants.b.share: 0.1 is below the floor of 0.33"),
        ({"allocation": {"method": "linucb"}}, "context: linucb decides by it"),
        ({"allocation": {"floor": 0.1}}, "floor: is of the methods thompson and linucb"),
        ({"allocation": {"method": "thompson"}, "unit": "household"}, "thompson draws customers"),
        ({"allocation": {"method": "thompson", "redraw_days": 7}}, "redraw_days: 7 is less than within_days"),
    ],
)  # fmt: skip
def test_an_allocation_that_is_not_possible_is_refused(more, message):
    with pytest.raises(ValueError, match=message):
        Experiment.model_validate({**experiment().model_dump(exclude={"allocation"}), **more})
