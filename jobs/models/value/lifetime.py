"""What customers will still buy and what that is worth: how often they buy (repeat_buying) times how much (spend).

A purchase is a day on which a customer bought; times are in days. The interval of a customer is predictive: of what
one with this history may do if the fitted model is right, from `DRAWS` possible futures of rate, drop-out, number and
worth.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from jobs.errors import NotTrainable
from jobs.models.value import repeat_buying, spend
from jobs.models.value.repeat_buying import Buying
from jobs.models.value.spend import Spend

HISTORY = ("customer_id", "purchases", "first_ago", "last_ago", "worth")
"""One row per customer: days with a purchase, days since the first and the last of them, and what they kept of it."""
DRAWS = 100
INSIDE = 0.8
"""Share of the possible futures inside of an interval: a tenth is below it, a tenth above."""
CHUNK = 20_000


@dataclass(frozen=True)
class Lifetime:
    """A fitted model of value."""

    buying: Buying
    spend: Spend

    def to_json(self) -> str:
        return json.dumps({"buying": asdict(self.buying), "spend": asdict(self.spend)}, sort_keys=True, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Lifetime:
        told = json.loads(text)
        return cls(Buying(**told["buying"]), Spend(**told["spend"]))

    def alive(self, history: pd.DataFrame) -> np.ndarray:
        """Probability that each customer may still buy."""
        return self.buying.alive(*_times(history))

    def orders(self, history: pd.DataFrame, days: float) -> np.ndarray:
        """Days with a purchase expected in the next `days`."""
        return self.buying.expected(*_times(history), days)

    def worth(self, history: pd.DataFrame) -> np.ndarray:
        """What the next purchase is expected to be worth."""
        return self.spend.expected(*_spent(history))

    def value(self, history: pd.DataFrame, days: float) -> np.ndarray:
        """What purchases of the next `days` are expected to be worth."""
        return self.orders(history, days) * self.worth(history)

    def intervals(self, history: pd.DataFrame, days: Sequence[float], seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Low and high of orders, and of value, in each of `days` (ascending): two arrays of days, 2, customers."""
        ends = [round(DRAWS * share) - 1 for share in ((1 - INSIDE) / 2, (1 + INSIDE) / 2)]
        parts: list[tuple[np.ndarray, np.ndarray]] = []
        for number, start in enumerate(range(0, len(history), CHUNK)):
            rows, rng = history.iloc[start : start + CHUNK], np.random.default_rng([seed, number])
            counts = self.buying.drawn(*_times(rows), list(days), DRAWS, rng)
            worth = self.spend.drawn(counts, *_spent(rows), rng)
            ordered = [np.partition(drawn, ends, axis=2)[:, :, ends].swapaxes(1, 2) for drawn in (counts, worth)]
            parts.append((ordered[0], ordered[1]))
        if not parts:
            none = np.zeros((len(days), 2, 0))
            return none, none
        return np.concatenate([one for one, _ in parts], axis=2), np.concatenate([two for _, two in parts], axis=2)


def fit(history: pd.DataFrame, minimum_repeat_buyers: int) -> Lifetime:
    """The model of these customers: BG/NBD or its modified form, whichever makes what was seen likelier.

    Raises NotTrainable, saying what is missing, if too few bought on a second day or nothing was worth anything.
    """
    if history.empty:
        raise NotTrainable("nobody has bought anything; what customers are worth cannot be learned yet")
    again = int((history["purchases"] > 1).sum())
    if again < minimum_repeat_buyers:
        raise NotTrainable(
            f"{again} of {len(history)} customers bought on more than one day; at least {minimum_repeat_buyers} are "
            "needed to learn how they come back: load more history, or lower minimum_repeat_buyers"
        )
    forms = [repeat_buying.fit(*_times(history), first_may_be_last) for first_may_be_last in (False, True)]
    return Lifetime(max(forms, key=lambda form: form.log_likelihood), spend.fit(*_spent(history)))


def own_pace(history: pd.DataFrame, days: float) -> np.ndarray:
    """Without a model: everybody goes on as fast, and as high, as until now; nobody was faster than once a day."""
    return (
        np.maximum(history["worth"].to_numpy(dtype=float), 0.0)
        / (history["first_ago"].to_numpy(dtype=float) + 1)
        * days
    )


def _times(history: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    purchases, first, last = (history[name].to_numpy(dtype=float) for name in ("purchases", "first_ago", "last_ago"))
    return purchases - 1, first - last, first


def _spent(history: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    purchases, worth = (history[name].to_numpy(dtype=float) for name in ("purchases", "worth"))
    return purchases, worth / np.maximum(purchases, 1)
