"""What a purchase of a customer is worth: the Gamma-Gamma model.

Fader and Hardie (2013), "The Gamma-Gamma Model of Monetary Value", brucehardie.com/notes/025. Purchases of a customer
are Gamma(p, nu), and nu is Gamma(q, gamma) over customers: who bought little so far is drawn to what others spend, who
bought often keeps its own mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln

from jobs.errors import NotTrainable

LIMIT = 10.0
ALIKE = 1e-4
"""Means that differ by a smaller share are the same: then what a purchase is worth is one number."""
LEAST_Q = 1.05
"""At q = 1 the mean over customers is infinite; a fit below is held here."""


@dataclass(frozen=True)
class Spend:
    """The parameters; with `constant`, every purchase of everybody is worth the same."""

    p: float
    q: float
    gamma: float
    constant: float | None = None
    log_likelihood: float = float("nan")

    def expected(self, purchases: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Worth of the next purchase of who made so many of this mean: equation (5) of the note.

        A mean below 0, of who sent back more than was kept, counts as 0. Without purchases: the mean over customers.
        """
        if self.constant is not None:
            return np.full(len(purchases), self.constant)
        paid = purchases * np.maximum(np.where(purchases > 0, mean, 0.0), 0.0)
        return self.p * (self.gamma + paid) / (self.p * purchases + self.q - 1)

    def drawn(
        self, counts: np.ndarray, purchases: np.ndarray, mean: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Possible worth of the further purchases in `counts` (ascending in time; times, customers, draws)."""
        if self.constant is not None:
            return counts * self.constant
        paid = purchases * np.maximum(np.where(purchases > 0, mean, 0.0), 0.0)
        shape, rate = self.q + self.p * purchases, self.gamma + paid
        nu = rng.gamma(shape[:, None], size=counts.shape[1:]) / rate[:, None]
        added = np.diff(counts, axis=0, prepend=0)
        worth = np.zeros(counts.shape)
        some = added > 0
        worth[some] = rng.gamma(self.p * added[some]) / np.maximum(np.broadcast_to(nu, counts.shape)[some], 1e-300)
        return np.cumsum(worth, axis=0)


def fit(purchases: np.ndarray, mean: np.ndarray) -> Spend:
    """The parameters of largest likelihood, equation (1a) of the note, from customers with a purchase worth something.

    Raises NotTrainable if no purchase is worth anything.
    """
    usable = (purchases > 0) & np.isfinite(mean) & (mean > 0)
    x, z = purchases[usable].astype(float), mean[usable].astype(float)
    if not len(x):
        raise NotTrainable("no purchase has an amount above 0; what customers are worth cannot be learned")
    unit = float(z.mean())
    z = z / unit
    if float(z.std()) < ALIKE:
        return Spend(0.0, 0.0, 0.0, constant=unit)
    logs_x, logs_z = np.log(x), np.log(z)

    def loss(logs: np.ndarray) -> float:
        p, q, gamma = np.exp(logs)
        px = p * x
        found = gammaln(px + q) - gammaln(px) - gammaln(q) + q * np.log(gamma) + (px - 1) * logs_z + px * logs_x
        return -float((found - (px + q) * np.log(gamma + x * z)).mean())

    bounds = [(-LIMIT, LIMIT), (np.log(LEAST_Q), LIMIT), (-LIMIT, LIMIT)]
    found = minimize(
        loss, np.log([1.0, 2.0, 1.0]), method="L-BFGS-B", bounds=bounds, options={"maxiter": 500, "ftol": 1e-13}
    )
    p, q, gamma = (float(value) for value in np.exp(found.x))
    return Spend(p, q, gamma * unit, log_likelihood=-float(found.fun) * len(x) - len(x) * float(np.log(unit)))
