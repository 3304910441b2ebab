"""How often customers come back: published fits, what must hold for every history. Costs 3 seconds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import hyp2f1
from scipy.stats import beta

from jobs.errors import NotTrainable
from jobs.models.value import repeat_buying, spend
from jobs.models.value.repeat_buying import Buying
from tests.shared_data import folder

PUBLISHED = Buying(0.243, 4.414, 0.793, 2.426, first_may_be_last=False)


@pytest.fixture(scope="module")
def cdnow():
    """2,357 customers as of week 39: purchases after the first, weeks to the last, weeks until then; and the future."""
    known = pd.read_csv(folder("orders_cdnow") / "cdnow_rfm_summary_week39.csv.gz")
    rows = pd.read_csv(folder("orders_cdnow") / "cdnow_sample_transactions.csv.gz", dtype={"date": str})
    days = rows.groupby(["customer_id", "date"], as_index=False)["amount"].sum()
    first = days.groupby("customer_id")["date"].transform("min")
    again = days[(days["date"] <= "19970930") & (days["date"] > first)].groupby("customer_id")["amount"]
    later = days[days["date"] > "19970930"].groupby("customer_id").size().reindex(known["ID"], fill_value=0)
    history = [known[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T")]
    return history, again.size().to_numpy(), again.mean().to_numpy(), later.to_numpy()


def test_the_fit_of_cdnow_is_the_published_one(cdnow):
    found = repeat_buying.fit(*cdnow[0])
    assert [round(getattr(found, name), 3) for name in ("r", "alpha", "a", "b")] == [0.243, 4.413, 0.793, 2.426]
    assert round(found.log_likelihood, 1) == -9582.4


def test_purchases_of_the_39_weeks_after_it_are_told_as_well_as_published(cdnow):
    history, _, _, later = cdnow
    told = repeat_buying.fit(*history).expected(*history, 39.0)
    assert np.abs(told - later).mean() <= 0.786
    assert round(float(told.mean()), 4) == 0.7015
    assert np.corrcoef(told, later)[0, 1] >= 0.625


def test_what_a_purchase_is_worth_is_fitted_as_published(cdnow):
    _, purchases, mean, _ = cdnow
    found = spend.fit(purchases, mean)
    assert len(mean) == 946
    assert [round(getattr(found, name), 2) for name in ("p", "q", "gamma")] == [6.25, 3.74, 15.44]
    assert round(found.log_likelihood, 1) == -4055.9


def test_the_unit_of_time_changes_only_the_unit_of_the_rate(cdnow):
    x, last, now = cdnow[0]
    weeks, days = repeat_buying.fit(x, last, now), repeat_buying.fit(x, last * 7, now * 7)
    assert days.alpha == pytest.approx(weeks.alpha * 7, rel=1e-3)
    assert [days.r, days.a, days.b] == pytest.approx([weeks.r, weeks.a, weeks.b], rel=1e-3)
    np.testing.assert_allclose(days.expected(x, last * 7, now * 7, 273), weeks.expected(x, last, now, 39), rtol=2e-3)


def test_whoever_bought_once_may_have_left_only_in_the_modified_form():
    once = np.zeros(1), np.zeros(1), np.array([500.0])
    assert PUBLISHED.alive(*once) == [1.0]
    modified = Buying(0.525, 6.183, 0.891, 1.613, first_may_be_last=True)
    assert modified.alive(*once)[0] < 0.2 < modified.alive(np.zeros(1), np.zeros(1), np.zeros(1))[0]


histories = st.tuples(st.integers(0, 300), st.floats(0.01, 1), st.floats(1, 400))
parameters = st.tuples(*[st.floats(low, high).map(np.exp) for low, high in ((-5, 3), (-3, 6), (-5, 6), (-5, 6))])


@given(parameters, histories, st.booleans())
def test_a_longer_silence_is_never_a_better_sign_and_more_time_never_brings_fewer_purchases(four, history, modified):
    frequency, share, span = history
    x = np.array([float(frequency)])
    last = np.array([span * share if frequency else 0.0])
    model = Buying(*four, modified)
    alive = [model.alive(x, last, last + silence)[0] for silence in (0, 10, 100)]
    assert 1 >= alive[0] >= alive[1] >= alive[2] >= 0
    told = [model.expected(x, last, last + 30, ahead)[0] for ahead in (1, 30, 365)]
    assert np.isfinite(told).all()
    assert 0 <= told[0] <= told[1] + 1e-6 <= told[2] + 2e-6


@given(parameters, histories, st.booleans(), st.sampled_from([1.0, 90.0, 365.0]))
def test_the_expectation_is_the_mean_over_all_chances_to_drop_out(four, history, modified, ahead):
    frequency, _, span = history
    r, alpha, a, b = four
    x, last = np.array([float(frequency)]), np.array([span if frequency else 0.0])
    model = Buying(*four, modified)
    chances = beta(a, b + frequency + modified).ppf((np.arange(20_000) + 0.5) / 20_000)
    age = last[0] + 40
    bought = -np.expm1((r + frequency) * np.log1p(-chances * ahead / (alpha + age + chances * ahead)))
    without_end = (r + frequency) * ahead / (alpha + age)
    mean = np.where(chances > 1e-12, bought / np.maximum(chances, 1e-12), without_end).mean()
    told = model.expected(x, last, np.array([age]), ahead)[0]
    assert told == pytest.approx(mean * model.alive(x, last, np.array([age]))[0], rel=0.02, abs=1e-6)


@given(st.integers(0, 12), st.floats(0, 30), st.floats(1, 60))
def test_the_expectation_is_that_of_equation_10_as_it_is_printed(frequency, silence, ahead):
    r, alpha, a, b = PUBLISHED.r, PUBLISHED.alpha, PUBLISHED.a, PUBLISHED.b
    x, last = float(frequency), 8.0 if frequency else 0.0
    age = last + silence
    z = ahead / (alpha + age + ahead)
    shrunk = ((alpha + age) / (alpha + age + ahead)) ** (r + x)
    above = (a + b + x - 1) / (a - 1) * (1 - shrunk * hyp2f1(r + x, b + x, a + b + x - 1, z))
    below = 1 + (x > 0) * a / (b + x - 1) * ((alpha + age) / (alpha + last)) ** (r + x)
    told = PUBLISHED.expected(np.array([x]), np.array([last]), np.array([age]), ahead)
    assert told[0] == pytest.approx(above / below, rel=1e-6)


@pytest.mark.parametrize("modified", [False, True])
def test_futures_that_are_drawn_have_the_mean_that_is_expected(modified):
    model = Buying(0.6, 9.0, 0.8, 2.4, modified)
    x, last, age = np.array([0.0, 3.0, 40.0]), np.array([0.0, 20.0, 300.0]), np.array([30.0, 60.0, 310.0])
    drawn = model.drawn(x, last, age, [90.0, 365.0], 20_000, np.random.default_rng(1))
    for place, ahead in enumerate((90.0, 365.0)):
        np.testing.assert_allclose(drawn[place].mean(axis=1), model.expected(x, last, age, ahead), rtol=0.06)
    assert (drawn[0] <= drawn[1]).all()


def test_nothing_is_learned_where_nobody_came_back_and_impossible_histories_are_refused():
    never, age = np.zeros(5), np.full(5, 100.0)
    with pytest.raises(NotTrainable, match="nobody has bought on a second day"):
        repeat_buying.fit(never, never, age)
    with pytest.raises(ValueError, match="recency <= age"):
        repeat_buying.fit(np.array([1.0]), np.array([9.0]), np.array([8.0]))


def test_purchases_that_are_all_worth_the_same_are_worth_that():
    found = spend.fit(np.array([1.0, 4.0, 2.0]), np.array([20.0, 20.0, 20.0]))
    assert found.expected(np.array([0.0, 9.0]), np.array([0.0, 20.0])).tolist() == [20.0, 20.0]
    counts = np.array([[[2, 0]], [[3, 1]]])
    drawn = found.drawn(counts, np.array([1.0]), np.array([20.0]), np.random.default_rng(1))
    assert drawn.tolist() == [[[40.0, 0.0]], [[60.0, 20.0]]]


def test_who_sent_back_more_than_was_kept_is_expected_to_spend_little_and_never_less_than_nothing():
    model = spend.fit(np.array([1.0, 3.0, 5.0, 2.0, 1.0]), np.array([10.0, 30.0, 22.0, 17.0, 55.0]))
    few, many, usual = model.expected(np.array([1.0, 20.0, 0.0]), np.array([-40.0, -40.0, 0.0]))
    assert 0 <= many < few < usual
    with pytest.raises(NotTrainable, match="no purchase has an amount above 0"):
        spend.fit(np.array([1.0, 2.0]), np.array([0.0, -5.0]))
