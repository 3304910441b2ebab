"""Recommendations for many customers: learning, and the ten best items with reasons for all, against five minutes.

`python -m benchmarks.recommendations --size 1` is 1 million customers with 20 purchases each of 5,000 items; what is
learned costs the same at any size, so the limit for it stays and that for the lists shrinks with the customers. Beside
it: the scores alone, as one product of matrices, the least that has to be computed; the lists of both must be the same.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

import numpy as np
import pandas as pd

from jobs.models.recommend import ranking, recommender
from jobs.models.recommend.bought import COLUMNS, Bought
from jobs.models.recommend.ranking import Allowed, Weights
from jobs.models.recommend.recommended import rows_of

LIMIT = 300.0
LEARNING = 100.0
"""Seconds of the limit that learning may take."""
ITEMS, EACH, TOP = 5_000, 20, 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=0.05, help="1 is 1 million customers")
    size = parser.parse_args().size
    bought = Bought.of(purchases(int(1_000_000 * size)))
    begun = time.monotonic()
    weights = recommender.fit(bought, 300.0, Weights(bought.items, None, 0.1, 0.3, False))
    learned = time.monotonic()
    recent = ranking.popular(bought, 60)
    lists = ranking.ranked(bought, weights, Allowed.everything(ITEMS, again=False), recent, 90.0, TOP)
    ranked = time.monotonic()
    told = rows_of(bought, lists, weights.items, {}, 60)
    done = time.monotonic()
    sample = slice(0, min(20_000, len(bought.customers)))
    plain = time.monotonic()
    scores = np.asarray((bought.decayed(90.0)[sample] @ weights.similar).todense())
    plain = (time.monotonic() - plain) * len(bought.customers) / (sample.stop - sample.start)
    scores += weights.popularity * recent
    scores[bought.ones()[sample].nonzero()] = -np.inf
    best = np.sort(scores, axis=1)[:, ::-1][:, :TOP]
    np.testing.assert_allclose(lists.score[sample], best, rtol=1e-5)
    spent, allowed = (done - begun), LEARNING + (LIMIT - LEARNING) * size
    print(f"customers x items            {len(bought.customers):>12,} x {len(bought.items):,}")
    print(f"learned                      {learned - begun:>12.1f} s")
    ratio = (ranked - learned) / plain
    print(f"lists                        {ranked - learned:>12.1f} s = {ratio:.1f} times the scores alone")
    print(f"reasons, {len(told):,} rows     {done - ranked:>12.1f} s")
    print(f"of the limit for this size   {spent / allowed:>12.2f}")
    print(f"memory                       {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:>12.2f} GiB")
    return 0 if spent <= allowed else 1


def purchases(customers: int, seed: int = 1) -> pd.DataFrame:
    """EACH purchases of every customer, mostly of its own kind of items, popular ones more than others."""
    random = np.random.default_rng(seed)
    who = np.repeat(np.arange(customers), EACH)
    rank = np.minimum(random.pareto(1.0, len(who)) * 60, ITEMS - 1).astype(int)
    kind = np.where(random.random(len(who)) < 0.7, (who % 50) * (ITEMS // 50), 0)
    item = (rank + kind) % ITEMS
    ago = random.integers(0, 365, len(who)).astype(float)
    frame = pd.DataFrame({"who": who, "item": item, "ago": ago}).drop_duplicates(["who", "item"], ignore_index=True)
    extra = pd.DataFrame({"who": 0, "item": np.arange(ITEMS), "ago": 300.0})
    frame = pd.concat([frame, extra]).drop_duplicates(["who", "item"], ignore_index=True)
    ids, names = (
        np.array([f"{letter}{n:07d}" for n in range(m)], dtype=object) for letter, m in (("c", customers), ("i", ITEMS))
    )
    columns = (ids[frame["who"]], names[frame["item"]], np.ones(len(frame)), frame["ago"], frame["ago"])
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
