"""The gate before a model is used: a list of checks, each with its figure, its limit and a sentence that says why.

Any kind of model uses it: it measures what it can about its challenger, and `decide` promotes only what passed every
check. What a person must approve waits, however good its figures are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.models.intervals import Interval

LIMIT, PASSED, LOW, HIGH = ".limit", ".passed", ".low", ".high"
"""What the figures of a check are called beside its own value, in MLflow and in models/evaluations."""


@dataclass(frozen=True)
class Verdict:
    """Whether a challenger becomes champion, and why."""

    promoted: bool
    reason: str
    waits: bool = False
    """Good enough, but a person has to say yes first."""

    @property
    def decision(self) -> str:
        if self.waits:
            return "awaiting approval"
        return "promoted" if self.promoted else "refused"


@dataclass(frozen=True)
class Check:
    """One thing looked at before a model is used. `value` is compared with `limit`; `reason` says it as a sentence."""

    name: str
    passed: bool
    value: float
    limit: float
    reason: str
    interval: Interval | None = None

    def figures(self) -> dict[str, float]:
        """Its numbers as metrics: the value under its own name, limit and outcome beside it."""
        found = {self.name: self.value, self.name + LIMIT: self.limit, self.name + PASSED: float(self.passed)}
        if self.interval:
            found |= {self.name + LOW: self.interval.low, self.name + HIGH: self.interval.high}
        return found


def decide(checks: Sequence[Check]) -> Verdict:
    """Promoted if every check passed; else refused with the reason of each that did not, the first one first."""
    failed = [check.reason for check in checks if not check.passed]
    return Verdict(not failed, "; ".join(failed or (check.reason for check in checks)))


def awaiting(verdict: Verdict) -> Verdict:
    """The verdict on a model that a person must approve: what passed waits, what was refused stays so."""
    if not verdict.promoted:
        return verdict
    told = f"waits for approval by a person (klantreis models promote); {verdict.reason}"
    return Verdict(False, told, waits=True)


def figures(checks: Sequence[Check]) -> dict[str, float]:
    """The numbers of all checks, as metrics."""
    return {name: value for check in checks for name, value in check.figures().items()}


def at_least(name: str, what: str, value: float, minimum: float, advice: str = "") -> Check:
    """`what`, in words, must be `minimum` or more; a value that is no number fails."""
    passed = bool(value >= minimum)
    told = "at least the minimum" if passed else "below the minimum"
    return Check(name, passed, value, minimum, f"{what} {value:.4f} is {told} {minimum:g}{_more(passed, advice)}")


def at_most(name: str, what: str, value: float, maximum: float, advice: str = "") -> Check:
    """`what`, in words, must be `maximum` or less; a value that is no number fails."""
    passed = bool(value <= maximum)
    told = "within the limit" if passed else "over the limit"
    return Check(name, passed, value, maximum, f"{what} {value:.4f} is {told} {maximum:g}{_more(passed, advice)}")


def beats_champion(metric: str, ours: float, champion: float | None, gain: Interval | None, minimum: float) -> Check:
    """A gain over the champion that its own noise could explain, or that is below `minimum`, is no gain."""
    if champion is None or gain is None:
        return Check("gain_over_champion", True, 0.0, minimum, f"first model, {metric} {ours:.4f}")
    told = f"{metric} {ours:.4f} against the champion's {champion:.4f} on the same customers, a difference of {gain}"
    if not gain.value > 0:
        return Check("gain_over_champion", False, gain.value, minimum, f"does not beat the champion: {told}", gain)
    if not gain.above_zero:
        told = f"does not beat the champion beyond the noise: {told}"
        return Check("gain_over_champion", False, gain.value, minimum, told, gain)
    if gain.value < minimum:
        told = f"does not beat the champion by {minimum:g}: {told}"
        return Check("gain_over_champion", False, gain.value, minimum, told, gain)
    return Check("gain_over_champion", True, gain.value, minimum, f"beats the champion: {told}", gain)


def holds_against(metric: str, ours: float, baselines: Mapping[str, tuple[float, Interval]]) -> list[Check]:
    """Every baseline counts: a model that loses to one beyond the noise is not worth its trouble.

    Per baseline, by its name in words: what it reaches and how much more the model does.
    """
    checks = []
    for name, (theirs, gain) in baselines.items():
        passed = not gain.below_zero
        told = "holds against" if passed else "is worse than"
        key = f"gain_over_{name.replace(' ', '_')}"
        reason = f"{metric} {ours:.4f} {told} {name} ({theirs:.4f}, a difference of {gain})"
        checks.append(Check(key, passed, gain.value, 0.0, reason, gain))
    return checks


def rows(checks: Sequence[Check]) -> list[dict[str, object]]:
    """All checks as rows of a table, the interval as people write it."""
    return [vars(check) | {"interval": str(check.interval or "")} for check in checks]


def _more(passed: bool, advice: str) -> str:
    return f" ({advice})" if advice and not passed else ""
