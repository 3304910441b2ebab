"""Fitting customer lifetime value: ours, on histories counted once, against the same likelihood over every customer.

`python -m benchmarks.value --size 1` is 1 million customers. Both must find the same parameters: a benchmark that is
fast because it is wrong fails. Then everybody is told probability, orders, value and interval. Ratios travel between
machines, seconds do not; the limit of ten seconds for the fit is that of a machine with two cores.
"""

from __future__ import annotations

import argparse
import resource
import sys

import numpy as np
import pandas as pd

from benchmarks.processor import timed
from jobs.models.value import lifetime, repeat_buying
from jobs.models.value.repeat_buying import Buying
from jobs.models.value.value_rows import told_of

TRUTH = Buying(0.24, 31.0, 0.79, 2.43, first_may_be_last=False)
WINDOW = 550
"""Days over which customers came; parameters and window are near those of the CDNOW customers."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=0.1, help="1 is 1 million customers")
    people = customers(int(1_000_000 * parser.parse_args().size))
    bought, age, ago = (people[name].to_numpy(dtype=float) for name in ("purchases", "first_ago", "last_ago"))
    x, last = bought - 1, age - ago
    ours, grouped = timed(lambda: repeat_buying.fit(x, last, age))
    plainly, every_row = timed(lambda: fit_over_rows(x, last, age))
    told = [[getattr(one, name) for name in ("r", "alpha", "a", "b")] for one in (grouped, every_row)]
    np.testing.assert_allclose(*told, rtol=1e-2)
    whole, model = timed(lambda: lifetime.fit(people, 50))
    scored, _ = timed(lambda: told_of(model, model.value, people, seed=1))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"customers                        {len(people):>12,}")
    print(f"fit, histories counted once      {ours:>12.2f} s")
    print(f"fit, every customer a row        {plainly:>12.2f} s = {plainly / ours:.1f} times ours")
    print(f"both forms and what is spent     {whole:>12.2f} s")
    print(f"everybody told, with intervals   {scored:>12.2f} s")
    print(f"memory                           {peak:>12.2f} GiB")
    return 0 if ours < 10 and plainly > ours else 1


def customers(number: int, seed: int = 1) -> pd.DataFrame:
    """Customers drawn from the model: `lifetime.HISTORY` after WINDOW days."""
    random = np.random.default_rng(seed)
    rate = random.gamma(TRUTH.r, size=number) / TRUTH.alpha
    leaves = random.beta(TRUTH.a, TRUTH.b, number)
    first = random.integers(0, WINDOW // 7, number) * 7.0
    bought, last, at, there = np.ones(number), np.zeros(number), np.zeros(number), np.ones(number, dtype=bool)
    while there.any():
        at = at + np.maximum(np.round(random.exponential(size=number) / np.maximum(rate, 1e-9)), 1)
        there &= at <= WINDOW - first
        bought, last = bought + there, np.where(there, at, last)
        there &= random.random(number) > leaves
    age = WINDOW - first
    worth = bought * random.gamma(6, 6, number)
    ids = np.arange(number).astype(str).astype(object)
    return pd.DataFrame(
        {"customer_id": ids, "purchases": bought, "first_ago": age, "last_ago": age - last, "worth": worth}
    )


def fit_over_rows(x: np.ndarray, last: np.ndarray, age: np.ndarray) -> Buying:
    """The same fit with a row for every customer."""
    counted = repeat_buying._unique
    repeat_buying._unique = lambda *columns: (*(one.astype(float) for one in columns), np.ones(len(x)))
    try:
        return repeat_buying.fit(x, last, age)
    finally:
        repeat_buying._unique = counted


if __name__ == "__main__":
    sys.exit(main())
