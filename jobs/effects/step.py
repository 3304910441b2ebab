"""The step `effects`: what each action did, when it is responded to, and what each experiment tells."""

from __future__ import annotations

from datetime import date
from typing import Any

from jobs.config.settings import Settings
from jobs.effects import effects, experiments, timing


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Estimate all effects and experiments from what is known on `day`; counts of verdicts."""
    told = experiments.run(day, settings)
    timing.run(day, settings)
    return effects.run(day, settings) | ({"experiments": told} if told else {})
