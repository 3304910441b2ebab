"""What the value model says of each customer, as rows: models/value, and its line in models/scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.lake.tables import catalogue
from jobs.models.value.lifetime import Lifetime

ANSWER = "models/value"
DAYS = (90, 365)
TREES = "trees"


@dataclass(frozen=True)
class Told:
    """What is expected of each customer: one row per customer, columns as in models/value."""

    people: pd.DataFrame
    numbers: pd.DataFrame
    buying: str

    def scores(self, bands: dict[str, float]) -> pd.DataFrame:
        """The columns of models/scores: the score is the value of a year, the label its place among all customers."""
        value = self.numbers[f"value_{DAYS[-1]}d"].to_numpy()
        return pd.DataFrame(
            {
                "customer_id": self.people["customer_id"],
                "score": value,
                "label": ranked(value, bands),
                "reasons": self._reasons(),
            }
        )

    def table(self, day: date, model: str, version: str, by_trees: bool) -> pa.Table:
        """Rows of models/value."""
        schema = catalogue.get(ANSWER).arrow_schema()
        same = {"day": day, "model": model, "model_version": version, "told_by": TREES if by_trees else self.buying}
        frame = self.numbers.assign(customer_id=self.people["customer_id"].to_numpy(), **same)
        columns = [pa.array(frame[one.name]).cast(one.type) for one in schema]  # amounts are exact decimals
        return pa.Table.from_arrays(columns, schema=schema)

    def _reasons(self) -> list[list[str]]:
        columns = (
            self.people["purchases"],
            self.people["last_ago"],
            self.numbers["alive"],
            self.numbers["purchase_worth"],
        )
        return [
            [
                f"bought on {plural(purchases)}, last {plural(ago)} ago",
                f"still a customer with probability {alive:.2f}",
                f"a purchase of theirs is expected to be worth {worth:.2f}",
            ]
            for purchases, ago, alive, worth in zip(*columns, strict=True)
        ]


def told_of(
    fitted: Lifetime, value: Callable[[pd.DataFrame, float], np.ndarray], people: pd.DataFrame, seed: int
) -> Told:
    """Everything that is told of `people` (lifetime.HISTORY), rounded as it is kept.

    `value` tells the worth of so many days. Where it is not the model of repeat buying, the interval is that of this
    model, moved by as much as the value.
    """
    orders, worths = fitted.intervals(people, [float(days) for days in DAYS], seed)
    found = {"alive": np.round(fitted.alive(people), 4), "purchase_worth": np.round(fitted.worth(people), 2)}
    for place, days in enumerate(DAYS):
        own, told = fitted.value(people, days), value(people, days)
        moved = np.where(own > 0, told / np.maximum(own, 1e-12), 1.0)
        found |= {
            f"orders_{days}d": np.round(fitted.orders(people, days), 4),
            f"orders_{days}d_low": orders[place, 0].astype(float),
            f"orders_{days}d_high": orders[place, 1].astype(float),
            f"value_{days}d": np.round(told, 2),
            f"value_{days}d_low": np.round(worths[place, 0] * moved, 2),
            f"value_{days}d_high": np.round(worths[place, 1] * moved, 2),
        }
    return Told(people, pd.DataFrame(found), fitted.buying.name)


def ranked(values: np.ndarray, bands: dict[str, float]) -> list[str]:
    """The label of each value by the share of values below it; equal values have equal labels."""
    below = np.searchsorted(np.sort(values), values, side="left") / max(len(values), 1)
    ordered = sorted(bands.items(), key=lambda item: -item[1])
    return [next(label for label, share in ordered if one >= share) for one in below]


def plural(days: float) -> str:
    return "1 day" if days == 1 else f"{days:.0f} days"
