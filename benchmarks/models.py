"""A classifier for many customers: learning against LightGBM alone with as many trees, and scoring against its own.

`python -m benchmarks.models --size 1` is 1 million customers of 60 features, ten of them categories. Learning is all of
`blend.fit`: how many trees, the line beside them and how much it counts; LightGBM alone learns as many trees from a
matrix that is in memory. Scoring is the probability of everybody; reasons of some are told beside it, against
LightGBM's own contributions. Processor seconds, so that ratios hold on a busy machine.
"""

from __future__ import annotations

import argparse
import resource
import sys

import lightgbm as lgb
import numpy as np
import pandas as pd

from benchmarks.processor import timed
from jobs.models.classify import blend, classifier
from jobs.models.classify.chances import prepared

TRAINING, SCORING, MEMORY = 2.0, 1.5, 8.0
"""Limits: times LightGBM alone, times its own prediction, GiB."""
NUMBERS, CATEGORIES = 50, 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=0.3, help="1 is 1 million customers")
    frame, label = customers(int(1_000_000 * parser.parse_args().size))
    ours, model = timed(lambda: blend.fit(frame, label, np.arange(len(frame)), 1))
    inputs = prepared(frame)
    settings = {**classifier.DEFAULTS, "seed": 1}
    alone, plain = timed(lambda: lgb.train(settings, lgb.Dataset(inputs, label), model.booster.num_trees()))
    told, _ = timed(lambda: model.predict(frame))
    theirs, _ = timed(lambda: plain.predict(inputs, num_threads=1))
    some = frame.iloc[:20_000]
    reasons, _ = timed(lambda: classifier.in_words(model.names, some, model.contributions(some), {}, "the chance"))
    shapley, _ = timed(lambda: plain.predict(inputs.iloc[:20_000], pred_contrib=True, num_threads=1))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"customers x features             {len(frame):>12,} x {frame.shape[1]}, {model.booster.num_trees()} trees, "
          f"line {model.weight}")  # fmt: skip
    print(f"learned                          {ours:>12.1f} s = {ours / alone:.2f} times LightGBM alone ({alone:.1f} s)")
    print(
        f"scored                           {told:>12.1f} s = {told / theirs:.2f} times LightGBM's own ({theirs:.1f} s)"
    )
    print(f"reasons of 20,000                {reasons:>12.1f} s = {reasons / shapley:.2f} times its contributions")
    print(f"memory                           {memory:>12.2f} GiB")
    return 0 if ours / alone <= TRAINING and told / theirs <= SCORING and memory <= MEMORY else 1


def customers(number: int, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    """Features of which some tell an outcome: by steps, even rises and categories; some numbers are empty."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({f"n{i}": random.gamma(2, 10, number).round(2) for i in range(NUMBERS)})
    for i in range(CATEGORIES):
        frame[f"c{i}"] = np.array([f"value {v}" for v in range(12)], dtype=object)[random.integers(0, 12, number)]
    odds = 0.6 * np.log1p(frame["n0"]) - 0.03 * frame["n1"] + np.where((frame["n2"] > 20) & (frame["n3"] < 15), 1.5, 0)
    odds += frame["c0"].isin(["value 1", "value 5"]) * 1.2 - 2.5
    label = (random.random(number) < 1 / (1 + np.exp(-odds.to_numpy(dtype=float)))).astype(int)
    for i in range(0, NUMBERS, 5):
        frame.loc[random.random(number) < 0.5, f"n{i}"] = np.nan
    return frame, label


if __name__ == "__main__":
    sys.exit(main())
