"""config/maturity.yaml: from which number on `klantreis maturity` says which level."""

from __future__ import annotations

from pydantic import Field, model_validator

from jobs.config.yaml_files import Strict, nearest

FILE = "maturity.yaml"
LEVELS = 4
DEFAULTS: dict[str, tuple[float, ...]] = {
    "datasets": (2, 4, 8, 12),
    "channels": (1, 3, 5, 7),
    "accepted": (0.5, 0.9, 0.98, 0.995),
    "known": (0.1, 0.3, 0.5, 0.7),
    "joined": (0.1, 0.25, 0.4, 0.6),
    "answered": (0.25, 0.5, 0.8, 0.95),
    "proven": (0.5, 0.8, 0.95, 0.999),
    "days_run": (0.25, 0.5, 0.8, 0.95),
    "on_time": (0.5, 0.8, 0.9, 1),
    "actions": (1, 3, 6, 10),
    "arrived": (0.8, 0.95, 0.99, 0.999),
    "held_out": (0.25, 0.5, 0.8, 1),
    "judged": (0.1, 0.3, 0.6, 0.9),
    "experiments": (1, 2, 4, 8),
    "decided": (0.1, 0.25, 0.5, 0.75),
    "learnings": (1, 2, 4, 8),
    "models": (1, 2, 3, 5),
}
"""Measure to the numbers of levels 1 to 4. They are a beginning: what is much for one company is little for another."""
COUNTS = ("datasets", "channels", "actions", "experiments", "learnings", "models")
"""Measures that are a number of things; the others are shares."""


class Maturity(Strict):
    """config/maturity.yaml. Without it, and for measures it does not name, the defaults hold."""

    days: int = Field(28, ge=1, le=365, description="days up to the newest on which anything landed that are looked at")
    fewest_days: int = Field(
        14, ge=1, description="a lake whose files are of fewer days is too young to say what was done in `days`"
    )
    levels: dict[str, list[float]] = Field(
        {},
        description=f"measure to the numbers from which levels 1 to {LEVELS} begin, shares as 0.5; measures: "
        f"{', '.join(DEFAULTS)}",
    )

    @model_validator(mode="after")
    def _reachable(self) -> Maturity:
        if self.fewest_days > self.days:
            raise ValueError(f"fewest_days: {self.fewest_days} is more than days {self.days}; nothing would be said")
        for name, numbers in self.levels.items():
            if name not in DEFAULTS:
                raise ValueError(f"levels.{name}: there is no such measure{nearest(name, DEFAULTS)}")
            if len(numbers) != LEVELS or sorted(set(numbers)) != numbers:
                raise ValueError(f"levels.{name}: write {LEVELS} numbers, each more than the one before")
            if numbers[0] <= 0 or (name not in COUNTS and numbers[-1] > 1):
                most = "" if name in COUNTS else " and at most 1, for it is a share"
                raise ValueError(f"levels.{name}: each number has to be above 0{most}")
        return self

    def of(self, measure: str) -> tuple[float, ...]:
        """The numbers from which levels 1 to 4 of a measure begin."""
        return tuple(self.levels.get(measure, DEFAULTS[measure]))
