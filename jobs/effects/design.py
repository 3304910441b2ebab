"""How large an experiment has to be, told before it begins."""

from __future__ import annotations

import numpy as np
from scipy import stats

from jobs.config.actions.experiments import Experiment
from jobs.effects import estimates

_MANY = 1_000_000
"""Units at which an interval that always holds is tightest has the same width in standard errors as at any other."""


def level(one: Experiment) -> float:
    """How often the primary metric of a variant may be wrong: 5 % in all comparisons with the control together."""
    return estimates.ALPHA / (len(one.variants) - 1)


def needed(one: Experiment) -> int:
    """Units in the whole experiment to see the minimum effect, in every variant, with the power asked for."""
    spread = one.spread**2 if one.spread is not None else one.baseline * (1 - one.baseline)
    control = one.variants[one.control].share
    smallest = min(variant.share for name, variant in one.variants.items() if name != one.control)
    if one.allocation.adapts:  # in the end one variant has all but the floors
        control, smallest = 1 - one.allocation.floor * (len(one.variants) - 1), one.allocation.floor
    width = estimates.always_valid(1.0, _MANY, _MANY, level(one)) if one.stop == "any_day" else _fixed(one)
    distance = width + stats.norm.ppf(one.power)
    return int(np.ceil(distance**2 * spread * (1 / control + 1 / smallest) / one.minimum_effect**2))


def half_width(one: Experiment, error: float, units: int, alpha: float) -> float:
    """Half of the interval of a difference: that of any day, or that of a single look at the end."""
    if one.stop == "any_day":
        return estimates.always_valid(error, units, needed(one), alpha)
    return float(stats.norm.ppf(1 - alpha / 2) * error)


def _fixed(one: Experiment) -> float:
    return float(stats.norm.ppf(1 - level(one) / 2))
