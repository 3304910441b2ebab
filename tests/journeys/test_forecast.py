"""What is usual, what will be and what moves: planted trends, breaks and odd days are found, noise is not."""

import numpy as np
import pytest

from jobs.journeys.kpis.forecast import ahead, band, is_unusual, level_breaks, trend

DAYS, SERIES = 280, 150
WEEK = np.array([1, 1, 1.1, 1.2, 1.5, 2, 1.7])[np.arange(DAYS) % 7]
JUDGED = slice(120, None)
NOISE = {
    "counts": lambda chance: chance.poisson(100 * WEEK, (SERIES, DAYS)).astype(float),
    "small counts": lambda chance: chance.poisson(2, (SERIES, DAYS)).astype(float),
    "shares": lambda chance: chance.binomial(400, 0.3, (SERIES, DAYS)) / 400,
    "amounts": lambda chance: 30 * WEEK + chance.normal(0, 3, (SERIES, DAYS)),
}


@pytest.fixture(params=NOISE)
def noise(request):
    return NOISE[request.param](np.random.default_rng(7))


def counts(seed=3):
    return NOISE["counts"](np.random.default_rng(seed))


def test_noise_is_hardly_ever_unusual_nor_a_trend_nor_a_break(noise):
    assert is_unusual(noise, band(noise))[:, JUDGED].mean() < 0.002
    found = [trend(series) for series in noise]
    assert np.mean([one.direction != "flat" for one in found]) < 0.05
    assert np.mean([one.broke_at is not None for one in found]) < 0.05


def test_19_of_20_values_lie_in_their_interval_one_day_and_four_weeks_ahead(noise):
    usual = band(noise)
    inside = ((noise >= usual.low) & (noise <= usual.high))[:, JUDGED]
    assert 0.93 < inside.mean() < 0.985
    later = ahead(noise[:, :-28], 28)
    last = noise[:, -28:]
    assert 0.92 < ((last >= later.low) & (last <= later.high)).mean() < 0.99


def test_a_day_of_a_third_is_unusual_and_the_days_around_it_are_not():
    values = counts()
    values[:, 200] *= 0.33
    found = is_unusual(values, band(values))
    assert found[:, 200].mean() > 0.9
    assert found[:, 201:].mean() < 0.002


def test_a_level_that_breaks_is_found_on_its_day_with_both_levels():
    values = counts()
    values[:, 220:] *= 1.25
    found = [trend(series) for series in values]
    near = [one for one in found if one.broke_at is not None and abs(one.broke_at - 220) <= 4]
    assert len(near) > 0.9 * SERIES
    assert np.median([one.after / one.before for one in near]) == pytest.approx(1.25, abs=0.03)


@pytest.mark.parametrize(("per_day", "direction"), [(0.6, "up"), (-0.6, "down")])
def test_a_trend_of_eight_weeks_is_found_with_its_size_in_its_interval(per_day, direction):
    values = counts() + per_day * np.maximum(0, np.arange(DAYS) - (DAYS - 56))
    found = [trend(series) for series in values]
    assert np.mean([one.direction == direction for one in found]) > 0.95
    assert np.mean([one.low <= 7 * per_day <= one.high for one in found]) > 0.95


def test_what_is_said_of_a_day_does_not_change_when_later_days_come():
    values = counts()
    whole, short = band(values), band(values[:, :200])
    for name in ("expected", "low", "high", "far"):
        np.testing.assert_array_equal(getattr(whole, name)[:, :200], getattr(short, name))


def test_with_too_few_days_or_values_nothing_is_said():
    values = counts()[:, :40]
    assert np.isnan(band(values).expected).all()
    assert np.isnan(ahead(values, 28).expected).all()
    assert not is_unusual(values, band(values)).any()
    assert trend(np.full(DAYS, np.nan)) is None
    assert level_breaks(np.array([1.0, 2.0])) == []
    assert np.isnan(band(np.full((1, DAYS), np.nan)).expected).all()


def test_days_without_a_value_are_left_out_of_what_is_usual():
    values = counts()
    values[:, ::9] = np.nan
    usual = band(values)
    assert not np.isnan(usual.expected[:, JUDGED]).any()
    assert is_unusual(values, usual)[:, JUDGED].mean() < 0.002
