"""The steps of a day in order, as `klantreis run` executes them; the DAGs call the same functions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError
from jobs.errors import StepFailed


@dataclass(frozen=True)
class Step:
    """One unit of work. `name` is what `--until` takes; `part` says which source or delivery it is about."""

    name: str
    part: str
    call: Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Outcome:
    """What one step did: its counts, or why it failed."""

    step: str
    part: str
    seconds: float
    counts: dict[str, Any] = field(default_factory=dict)
    error: StepFailed | None = None


STEP_NAMES = (
    "ingest",
    "validate",
    "identity",
    "profiles",
    "traits",
    "journeys",
    "features",
    "train",
    "score",
    "audiences",
    "plan",
    "push",
)

OF_SOURCES = ("ingest", "validate")
"""Steps that each source takes for itself; all others wait for every source."""


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
    runs until all are well. A delivery that fails does not stop other deliveries.
    """
    failed: set[str] = set()
    for name in STEP_NAMES:
        if failed and name not in OF_SOURCES:
            return
        for step in _steps(name, day, settings):
            if step.part in failed:
                continue
            outcome = _run(step)
            yield outcome
            if outcome.error:
                failed.add(step.part)
        if name == until:
            return


def _run(step: Step) -> Outcome:
    started = time.monotonic()
    try:
        counts = step.call()
    except StepFailed as error:
        return Outcome(step.name, step.part, time.monotonic() - started, error=error)
    return Outcome(step.name, step.part, time.monotonic() - started, counts)


def _steps(name: str, day: date, settings: Settings) -> list[Step]:
    """The steps of that name. Modules are imported here so that a short run loads only what it needs."""
    if name == "ingest":
        from jobs.ingest import load

        return [Step(name, source, _of(load.run, source, day, settings)) for source in settings.sources]
    if name == "validate":
        from jobs.validate import publish

        return [Step(name, source, _of(publish.run, source, day, settings)) for source in settings.sources]
    if name == "train":
        from jobs.models import churn, matching_card, registry, segmentation

        due = [
            (model, train)
            for model, train in (("segmentation", segmentation.train), ("churn", churn.train))
            if registry.training_due(model, day, settings)
        ]
        if matching_card.due(settings):
            due.append((matching_card.NAME, matching_card.run))
        return [Step(name, model, _of(train, day, settings)) for model, train in due]
    if name == "push":
        from jobs.activation import plan, push

        return [
            Step(name, f"{audience} to {destination}", _of(push.run, audience, destination, day, settings))
            for audience, destination in plan.deliveries(settings)
        ]
    return [Step(name, "", _of(_single(name), day, settings))]


def _single(name: str) -> Callable[..., dict[str, Any]]:
    from importlib import import_module

    module = {
        "identity": "jobs.identity.identity",
        "profiles": "jobs.profiles.customers",
        "traits": "jobs.activity.traits",
        "journeys": "jobs.journeys.journeys",
        "features": "jobs.models.features",
        "score": "jobs.models.scoring",
        "audiences": "jobs.audiences.membership",
        "plan": "jobs.activation.plan",
    }[name]
    return import_module(module).run


def _of(call: Callable[..., dict[str, Any]], *arguments: Any) -> Callable[[], dict[str, Any]]:
    return lambda: call(*arguments)


def newest_landed(settings: Settings) -> date:
    """The newest day that any source's files arrived on. A source that cannot be read fails later, in its own step."""
    from jobs.ingest.landing.landing import Landing

    days: list[date] = []
    failed: list[StepFailed] = []
    for name, source in settings.sources.items():
        dated = [dataset.files for dataset in source.datasets.values() if "{day}" in dataset.files]
        try:
            days += [file.arrived for files in dated for file in Landing(name, settings).files(files, date.max)]
        except StepFailed as error:
            failed.append(error)
    if not days and failed:
        raise failed[0]
    if not days:
        raise ConfigError([f"{settings.landing}: no file of any source has landed here; name the day with --to"])
    return max(days)
