"""The steps of a day in order, written here once: `klantreis run` executes them, the DAGs call them by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from importlib import import_module
from typing import Any

from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError
from jobs.errors import StepFailed, Stopped
from jobs.lake.engine import told_plainly

Part = tuple[str, ...]
"""What one call of a step is about: nothing, a source, a model, or an audience and its destination."""


def _once(day: date, settings: Settings) -> list[Part]:
    return [()]


def _per_source(day: date, settings: Settings) -> list[Part]:
    return [(source,) for source in settings.sources]


def _what_comes_back(day: date, settings: Settings) -> list[Part]:
    return [(settings.feedback.source,)] if settings.feedback.source else []


def _per_model_due(day: date, settings: Settings) -> list[Part]:
    from jobs.models import models

    return [(model,) for model in models.due(day, settings)]


def _per_delivery(day: date, settings: Settings) -> list[Part]:
    from jobs.activation import plan

    return list(plan.deliveries(settings))


@dataclass(frozen=True)
class Step:
    """One step of the flow, for the whole day or for each part of it. `name` is what `--until` takes."""

    name: str
    job: str
    """Module and function that do it, loaded when needed: a short run loads only what it uses."""

    parts: Callable[[date, Settings], list[Part]] = _once

    @property
    def function(self) -> Callable[..., dict[str, Any]]:
        """Called as `function(*part, day, settings)`; returns counts. Raises StepFailed."""
        module, name = self.job.split(":")
        found: Callable[..., dict[str, Any]] = getattr(import_module(module), name)
        return found


STEPS = (
    Step("feedback", "jobs.activation.feedback.intake:run", _what_comes_back),
    Step("ingest", "jobs.ingest.load:run", _per_source),
    Step("validate", "jobs.validate.step:run", _per_source),
    Step("keep_out", "jobs.privacy.returned:run"),
    Step("identity", "jobs.identity.identity:run"),
    Step("profiles", "jobs.profiles.customers:run"),
    Step("texts", "jobs.models.text.reading:run"),
    Step("journeys", "jobs.journeys.journeys:run"),
    Step("traits", "jobs.activity.traits:run"),
    Step("paths", "jobs.journeys.paths.step:run"),
    Step("map", "jobs.journeys.journey_map.step:run"),
    Step("train", "jobs.models.models:train", _per_model_due),
    Step("score", "jobs.models.scoring:run"),
    Step("audiences", "jobs.audiences.membership:run"),
    Step("effects", "jobs.effects.step:run"),
    Step("context", "jobs.audiences.context_file:run"),
    Step("plan", "jobs.activation.plan:run"),
    Step("push", "jobs.activation.push:run", _per_delivery),
)
"""The order of the flow. The command line runs it; the DAGs name these steps, and a test compares their order."""

STEP_NAMES = tuple(step.name for step in STEPS)
OF_SOURCES = tuple(step.name for step in STEPS if step.parts in (_per_source, _what_comes_back))
"""Steps that each source takes for itself; all others wait for every source."""


def step(name: str) -> Step:
    """The step of that name. Raises KeyError if there is none."""
    return {step.name: step for step in STEPS}[name]


@dataclass(frozen=True)
class Outcome:
    """What one step did for one part: its counts, or why it failed."""

    step: str
    part: str
    seconds: float
    counts: dict[str, Any] = field(default_factory=dict)
    error: StepFailed | None = None


def what_waits(outcomes: Iterable[Outcome], until: str | None = None) -> str:
    """What failed on a day, and what of it up to `until` waits for that; empty if all is well."""
    failed = [outcome for outcome in outcomes if outcome.error]
    if not failed:
        return ""
    named = ", ".join(f"{outcome.step} {outcome.part}".strip() for outcome in failed)
    last = OF_SOURCES[-1] if failed[0].step in OF_SOURCES else failed[0].step
    wanted = STEP_NAMES[: STEP_NAMES.index(until) + 1] if until else STEP_NAMES
    after = wanted[STEP_NAMES.index(last) + 1 :]
    return f"{named} failed" + (f"; these steps wait for that: {', '.join(after)}" if after else "")


def run_day(day: date, settings: Settings, until: str | None = None) -> Iterator[Outcome]:
    """Do everything that arrived up to `day` and is not done yet; yield the outcome of each step as it ends.

    A source that fails does not stop the other sources, which are ingested and validated; nothing after the sources
    runs until all are well. A delivery that fails does not stop other deliveries, one that was told to end does.
    """
    failed: set[str] = set()
    for step in STEPS:
        if failed and step.name not in OF_SOURCES:
            return
        for part in step.parts(day, settings):
            about = " to ".join(part)
            if about in failed:
                continue
            outcome = _run(step, part, day, settings)
            yield outcome
            if outcome.error:
                failed.add(about)
            if isinstance(outcome.error, Stopped):
                return
        if step.name == until:
            return


def _run(step: Step, part: Part, day: date, settings: Settings) -> Outcome:
    about, started = " to ".join(part), time.monotonic()
    try:
        with told_plainly(f"{step.name} {about}".strip()):
            counts = step.function(*part, day, settings)
    except StepFailed as error:
        return Outcome(step.name, about, time.monotonic() - started, error=error)
    return Outcome(step.name, about, time.monotonic() - started, counts)


def newest_landed(settings: Settings) -> date:
    """The newest day that any source's files arrived on. A source that cannot be read fails later, in its own step."""
    from jobs.ingest.landing.landing import Landing

    days: list[date] = []
    failed: list[StepFailed] = []
    for name, source in settings.sources.items():
        patterns = [pattern for dataset in source.datasets.values() for pattern in dataset.patterns]
        dated = [pattern for pattern in patterns if "{day}" in pattern]
        try:
            days += [file.arrived for files in dated for file in Landing(name, settings).files(files, date.max)]
        except StepFailed as error:
            failed.append(error)
    if not days and failed:
        raise failed[0]
    if not days:
        raise ConfigError([f"{settings.landing}: no file of any source has landed here; name the day with --to"])
    return max(days)
