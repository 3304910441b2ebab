"""What training learns: how telling each level of agreement is, how many pairs match, how common values are.

Expectation maximisation over patterns of agreement, for three kinds of pairs at once: one person, two people who have
nothing to do with each other, and two people of one household. The levels' own probabilities weigh in like a few pairs
seen before, so four records train as safely as a million. (Splink's own EM has no such priors and no households, and
must leave out the columns it blocks on.)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from jobs.identity.matching.blocking import Rule
from jobs.identity.matching.levels import Comparison, Level

MATCHES_KNOWN, MATCHES_SHARE, PAIRS_KNOWN = 200.0, 0.1, 2_000.0
"""How many pairs of one person, and random pairs, the probabilities before training are worth."""
VALUES_KNOWN = 1_000.0
"""How many records the frequency of a value before training is worth."""
LEAST_U, RAREST = 0.05, 1e-7
PRIOR, UNRELATED = 1e-4, 30_000.0
"""Share of pairs that match before training, and how many pairs that is worth. A small file is a sample of many people:
being in it together is little evidence of being one person."""
ITERATIONS, SETTLED = 100, 1e-5
WEIGHTS_APART = 1e-3
"""Least difference between the weights of two levels of one comparison."""
IDENTIFYING = ("email", "phone", "national_id")
SHARED_BY_MANY = 5
"""Records with one e-mail address, phone or document beyond which the value tells as little as a common name."""


@dataclass(frozen=True)
class Model:
    """Everything needed to score pairs, so that a pair scores the same whenever it is scored.

    `prior` is the share of all pairs that match, `kin` the share that are of one household. `terms` holds the share of
    records with a value: slot, value, frequency.
    """

    comparisons: tuple[Comparison, ...]
    rules: tuple[Rule, ...]
    prior: float
    kin: float
    records: int
    terms: pd.DataFrame
    rarest: Mapping[str, float]
    """Per slot, the frequency of a value that `terms` does not hold; none: such a value is as usual."""

    @property
    def columns(self) -> list[str]:
        """The columns of records that are compared or looked up."""
        compared = [name for comparison in self.comparisons for name in (comparison.slot, *comparison.columns)]
        return list(dict.fromkeys([*compared, *(key for rule in self.rules for key in rule.keys)]))

    @property
    def version(self) -> str:
        """A fingerprint of the parameters."""
        return hashlib.sha256(self.parameters().encode()).hexdigest()[:12]

    def parameters(self) -> str:
        """All but the terms, as JSON. Holds no value of any record."""
        rest = {"prior": self.prior, "kin": self.kin, "records": self.records, "rarest": dict(self.rarest)}
        told = {"comparisons": [asdict(c) for c in self.comparisons], "rules": [asdict(r) for r in self.rules]}
        return json.dumps({**rest, **told}, sort_keys=True)

    @classmethod
    def load(cls, parameters: str, terms: pd.DataFrame) -> Model:
        told = json.loads(parameters)
        comparisons = [
            Comparison(
                **{**c, "columns": tuple(c["columns"]), "levels": tuple(Level(**level) for level in c["levels"])}
            )
            for c in told["comparisons"]
        ]
        rules = [Rule(tuple(rule["keys"]), rule["pairs"]) for rule in told["rules"]]
        return cls(tuple(comparisons), tuple(rules), told["prior"], told["kin"], told["records"], terms, told["rarest"])


def frequencies(records: pd.DataFrame, comparisons: Sequence[Comparison], each: float) -> pd.DataFrame:
    """How common each value is among people: slot, value, frequency. What few records tell is mixed with what is usual.

    A person with ten records has every value ten times, so a value counts 1 / `each`, the records of a person.
    """
    parts = []
    for comparison in comparisons:
        for level in comparison.levels:
            if level.frequency is None:
                continue
            counted = records[level.frequency].value_counts() / each
            total = counted.sum()
            if comparison.slot.startswith(IDENTIFYING):
                counted = counted[counted > SHARED_BY_MANY]
                share = counted / total
            else:
                share = (counted + VALUES_KNOWN * level.u) / (total + VALUES_KNOWN)
            parts.append(pd.DataFrame({"slot": level.frequency, "value": share.index, "frequency": share.to_numpy()}))
    columns = ["slot", "value", "frequency"]
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return found.sort_values(["slot", "value"], ignore_index=True)


def rarest(terms: pd.DataFrame) -> dict[str, float]:
    """Per slot that is not an identifier, the frequency of a value nobody had so far."""
    least = terms.groupby("slot")["frequency"].min()
    return {str(slot): float(share) for slot, share in least.items() if not str(slot).startswith(IDENTIFYING)}


@dataclass(frozen=True)
class Patterns:
    """Pairs counted by how they agree: `levels[i, c]` is a place in the levels of comparison c, -1 if not told."""

    levels: np.ndarray
    counts: np.ndarray


def train(
    comparisons: list[Comparison], candidates: Patterns, random: Patterns, pairs: float
) -> tuple[list[Comparison], float, float, float]:
    """Comparisons with trained probabilities, the share of `pairs` that match and that are of one household, matches.

    `candidates` are the pairs found by blocking, which hold almost all matches; `random` shows everybody else.
    """
    before = [
        [np.array([level.m for level in c.levels]), np.array([level.u for level in c.levels])] for c in comparisons
    ]
    m, u = [m.copy() for m, _ in before], [u.copy() for _, u in before]
    shared = any(c.shared for c in comparisons) and not all(c.shared for c in comparisons)
    prior = kin = min(1.0 / max(np.sqrt(2 * pairs), 2.0), 1e-3)
    kin = kin / 4 if shared else 0.0
    for _ in range(ITERATIONS):
        same, household, _ = _shares(comparisons, m, u, prior, kin, candidates)
        moved = np.array([prior, kin])
        prior = float((candidates.counts @ same + PRIOR * UNRELATED) / (pairs + UNRELATED))
        kin = float((candidates.counts @ household + PRIOR * UNRELATED) / (pairs + UNRELATED)) if shared else 0.0
        _, _, random_other = _shares(comparisons, m, u, prior, kin, random)
        for place, (m_before, u_before) in enumerate(before):
            worth = MATCHES_KNOWN + MATCHES_SHARE * float(candidates.counts @ same)
            m[place] = _estimate(candidates, place, same, m_before, worth)
            worth = max(PAIRS_KNOWN, 1 / u_before[0])  # what is rare must be seen more than once to be less rare
            estimate = _estimate(random, place, random_other, u_before, worth)
            u[place] = np.maximum(estimate, u_before * LEAST_U)
            m[place][-1] = min(m[place][-1], u[place][-1])
        if np.abs(np.array([prior, kin]) / np.maximum(moved, 1e-15) - 1).max() < SETTLED:
            break
    m = [_told_apart(ms, us) for ms, us in zip(m, u, strict=True)]
    trained = [
        replace(
            c,
            levels=tuple(
                replace(lv, m=round(float(a), 12), u=round(float(b), 12))
                for lv, a, b in zip(c.levels, ms, us, strict=True)
            ),
        )
        for c, ms, us in zip(comparisons, m, u, strict=True)
    ]
    return trained, prior, kin, float(candidates.counts @ _shares(comparisons, m, u, prior, kin, candidates)[0])


def _told_apart(m: np.ndarray, u: np.ndarray) -> np.ndarray:
    """`m` moved by a hair where two levels would weigh the same, or one nothing, as the weight names the level."""
    kept = [0.0]
    m = m.copy()
    for place in range(len(m)):
        while min(abs(np.log2(m[place] / u[place]) - weight) for weight in kept) < WEIGHTS_APART:
            m[place] *= 1 - WEIGHTS_APART
        kept.append(np.log2(m[place] / u[place]))
    return m


def kin_ratios(comparison: Comparison) -> dict[int, float]:
    """For the levels that occur more in a household than among strangers: how often, compared with one person."""
    return {place: lv.kin / lv.m for place, lv in enumerate(comparison.levels) if lv.kin is not None}


def _shares(
    comparisons: list[Comparison],
    m: list[np.ndarray],
    u: list[np.ndarray],
    prior: float,
    kin: float,
    patterns: Patterns,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each pattern, the probabilities of one person, one household, and neither."""
    logs = np.zeros((3, len(patterns.counts)))
    logs[:] = np.log([[prior], [max(kin, 1e-300)], [1 - prior - kin]])
    for place, comparison in enumerate(comparisons):
        found = patterns.levels[:, place]
        known = found >= 0
        same, other = np.log(m[place])[found], np.log(u[place])[found]
        told = [u[place][i] if level.kin is None else level.kin for i, level in enumerate(comparison.levels)]
        household = same if comparison.shared else np.log(np.array(told) / sum(told))[found]
        for row, share in enumerate((same, household, other)):
            logs[row] += np.where(known, share, 0.0)
    shares = np.exp(logs - logs.max(axis=0))
    shares /= shares.sum(axis=0)
    return shares[0], shares[1], shares[2]


def _estimate(patterns: Patterns, place: int, share: np.ndarray, before: np.ndarray, worth: float) -> np.ndarray:
    found = patterns.levels[:, place]
    known = found >= 0
    counted = np.bincount(found[known], weights=(patterns.counts * share)[known], minlength=len(before))
    estimate = (counted + before * worth) / (counted.sum() + before.sum() * worth)
    return np.clip(estimate, RAREST, 1.0)
