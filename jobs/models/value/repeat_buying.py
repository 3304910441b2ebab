"""How often customers come back to buy, and whether they still will: the BG/NBD model and its modified form.

A customer buys at a rate of its own until it drops out, which may happen after each purchase:

- BG/NBD: Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2). Nobody drops
  out before a second purchase, so whoever bought once counts as a customer for ever.
- MBG/NBD: Batislam, Denizel and Filiztekin (2007), Int. J. of Research in Marketing 24(3); Hoppe and Wagner (2007),
  Marketing JRM 3(2). One may also drop out after the first purchase.

In all formulas the second is the first with one more purchase after which a customer could have dropped out
(`chances` below). Times are in any unit, the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln, expit, gammaln, hyp2f1

from jobs.errors import NotTrainable

MEAN_AGE = 10.0
"""Time is scaled so that customers are this old on average: parameters are then near 1, where the search begins."""
LIMITS = ((-7.0, 3.0), (-12.0, 12.0), (-7.0, 7.0), (-7.0, 7.0))
"""Smallest and largest logarithm of r, alpha, a and b. Without bounds the likelihood of customers who are all alike
runs to infinity; at these, they are as good as alike."""
SOON, TERMS = 20.0, 500
"""Terms of the hypergeometric series shrink as k to the power -(c - a - b + 1); above SOON, TERMS are many."""
SINGULAR = 1e-6
"""The expectation divides by a - 1; nearer to 1 than this, a is moved away from it, which changes no digit shown."""


@dataclass(frozen=True)
class Buying:
    """Purchase rates are Gamma(r, alpha) over customers, the chance to drop out after a purchase Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float
    first_may_be_last: bool
    """MBG/NBD: a customer may drop out after the first purchase already."""

    log_likelihood: float = float("nan")

    @property
    def name(self) -> str:
        return "MBG/NBD" if self.first_may_be_last else "BG/NBD"

    def alive(self, frequency: np.ndarray, recency: np.ndarray, age: np.ndarray) -> np.ndarray:
        """Probability that a customer with this history may still buy, from 0 to 1 (2005, and 2007 with `chances`)."""
        return expit(-self._log_odds_gone(frequency, recency, age))

    def expected(self, frequency: np.ndarray, recency: np.ndarray, age: np.ndarray, ahead: float) -> np.ndarray:
        """Purchases expected in the time `ahead` of a customer with this history: equation (10) of the 2005 paper.

        The hypergeometric function in it is written as printed, or by Euler's transformation, in which the number of
        purchases cancels: whichever of the two stays small.
        """
        a = self.a if abs(self.a - 1) > SINGULAR else 1 + SINGULAR
        stays = self.b + self._chances(frequency)
        bought = self.r + frequency
        share = ahead / (self.alpha + age + ahead)
        whole = a + stays - 1
        whole = np.where(np.abs(whole) > SINGULAR, whole, SINGULAR)
        printed = bought < a - 1
        first = np.where(printed, bought, whole - bought)
        second = np.where(printed, stays, a - 1)
        power = np.where(printed, bought, a - 1)
        if_alive = whole / (a - 1) * (1 - (1 - share) ** power * _hypergeometric(first, second, whole, share))
        no_more = bought * ahead / (self.alpha + age)  # of who never drops out: what is left of rounding is cut off
        return np.clip(if_alive, 0.0, no_more) * self.alive(frequency, recency, age)

    def drawn(
        self,
        frequency: np.ndarray,
        recency: np.ndarray,
        age: np.ndarray,
        ahead: list[float],
        draws: int,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Possible numbers of purchases in each time of `ahead` (ascending): array of times, customers, draws.

        From the posterior of each customer: the rate is Gamma(r + x, alpha + T) and the chance to drop out
        Beta(a, b + chances) for whoever is still there.
        """
        size = (len(frequency), draws)
        rate = rng.gamma(self.r + frequency[:, None], size=size) / (self.alpha + age)[:, None]
        leaves = rng.beta(self.a, (self.b + self._chances(frequency))[:, None], size=size)
        there = rng.random(size) < self.alive(frequency, recency, age)[:, None]
        until = np.where(there, rng.geometric(np.clip(leaves, 1e-12, 1.0)), 0)
        steps = np.diff([0.0, *ahead])
        wanted = np.cumsum([rng.poisson(np.minimum(rate * step, 1e6)) for step in steps], axis=0)
        return np.minimum(wanted, until)

    def _chances(self, frequency: np.ndarray) -> np.ndarray:
        """After how many purchases the customer could have dropped out, and did not before the last one."""
        return frequency + float(self.first_may_be_last)

    def _log_odds_gone(self, frequency: np.ndarray, recency: np.ndarray, age: np.ndarray) -> np.ndarray:
        chances = self._chances(frequency)
        could = chances > 0
        odds = np.log(self.a) - np.log(np.where(could, self.b + chances - 1, 1.0))
        waited = (self.r + frequency) * (np.log(self.alpha + age) - np.log(self.alpha + recency))
        return np.where(could, odds + waited, -np.inf)


def fit(frequency: np.ndarray, recency: np.ndarray, age: np.ndarray, first_may_be_last: bool = False) -> Buying:
    """The parameters of largest likelihood: equation (6) of the 2005 paper, or its modified form.

    `frequency` is the number of purchases after the first, `recency` the time from the first to the last, `age` the
    time from the first until now. Customers with the same history are counted, not repeated. Raises NotTrainable if
    nobody bought again or no time passed, ValueError if a history is impossible.
    """
    if (
        np.any(frequency < 0)
        or np.any(recency < 0)
        or np.any(recency > age)
        or np.any((frequency == 0) != (recency == 0))
    ):
        raise ValueError("0 <= recency <= age, and recency is 0 where frequency is 0, and only there")
    if not np.any(frequency > 0):
        raise NotTrainable("nobody has bought on a second day; what brings customers back cannot be learned yet")
    unit = float(age.mean()) / MEAN_AGE
    x, last, now, count = _unique(frequency, recency / unit, age / unit)

    def loss(logs: np.ndarray) -> float:
        return -float((count * _log_likelihood(np.exp(logs), x, last, now, first_may_be_last)).sum()) / count.sum()

    begin = np.log([1.0, 1.0, 1.0, 1.0])
    found = minimize(loss, begin, method="L-BFGS-B", bounds=LIMITS, options={"maxiter": 500, "ftol": 1e-13})
    r, alpha, a, b = (float(value) for value in np.exp(found.x))
    whole = -found.fun * count.sum() - np.log(unit) * float(frequency.sum())  # densities in the unit of the caller
    return Buying(r, alpha * unit, a, b, first_may_be_last, float(whole))


def _log_likelihood(
    parameters: np.ndarray, x: np.ndarray, last: np.ndarray, now: np.ndarray, first_may_be_last: bool
) -> np.ndarray:
    r, alpha, a, b = parameters
    chances = x + float(first_may_be_last)
    rates = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stayed = betaln(a, b + chances) - betaln(a, b) - (r + x) * np.log(alpha + now)
    could = chances > 0
    left = (
        np.log(a)
        - np.log(np.where(could, b + chances - 1, 1.0))
        + (r + x) * (np.log(alpha + now) - np.log(alpha + last))
    )
    return rates + stayed + np.logaddexp(0.0, np.where(could, left, -np.inf))


def _hypergeometric(a: np.ndarray, b: np.ndarray, c: np.ndarray, z: np.ndarray) -> np.ndarray:
    """2F1(a, b; c; z). SciPy overflows for large c and z near 1, where the series itself ends soon."""
    a, b, c, z = (np.asarray(one, dtype=float) for one in np.broadcast_arrays(a, b, c, z))
    soon = c - a - b > SOON
    found = np.empty(c.shape)
    found[~soon] = hyp2f1(a[~soon], b[~soon], c[~soon], z[~soon])
    term, total = np.ones(int(soon.sum())), np.ones(int(soon.sum()))
    for k in range(TERMS):
        term = term * (a[soon] + k) * (b[soon] + k) / (c[soon] + k) * z[soon] / (k + 1)
        total = total + term
        if not len(term) or np.abs(term / total).max() < 1e-13:
            break
    found[soon] = total
    return found


def _unique(frequency: np.ndarray, recency: np.ndarray, age: np.ndarray) -> tuple[np.ndarray, ...]:
    histories = pd.DataFrame({"x": frequency.astype(float), "last": recency, "now": age})
    counted = histories.groupby(["x", "last", "now"], sort=True).size().reset_index(name="customers")
    return tuple(counted[name].to_numpy(dtype=float) for name in ("x", "last", "now", "customers"))
