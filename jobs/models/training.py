"""What every training does around the model itself: know its data, skip what was done, keep the verdict."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa

from jobs.activity import objections, traits
from jobs.activity.known_rows import LINKS
from jobs.config.models.learned import Learned
from jobs.config.settings import Settings
from jobs.config.traits import FEATURES, needed
from jobs.errors import NotTrainable
from jobs.lake.lake import Lake, Txn
from jobs.lake.tables import catalogue
from jobs.models.gate import Verdict
from jobs.models.registry import Registry, Trained, Version

EVALUATIONS = "models/evaluations"
DESCRIBED = ("title", "about", "owner", "approval")
"""Keys of a model that are for people, and change nothing of what is learned."""


def transaction(
    name: str, day: date, settings: Settings, reads: Sequence[str], config: Sequence[Any], code: str
) -> Txn:
    """Of the training of a model: it reads nothing of people who object to profiling."""
    read = [*reads, *objections.tables(settings)]
    told = [*config, settings.identity.objections] if objections.tables(settings) else list(config)
    begun = Lake.of(settings).transaction(f"train_{name}", day, reads=read, config=told, code=code)
    return objections.respecting(begun, day, settings)


Rows = TypeVar("Rows")
Model = TypeVar("Model")


@dataclass(frozen=True)
class Lesson:
    """Rows to learn from, and how: `challenge` trains and compares with the champion, if there is one."""

    rows: pd.DataFrame
    challenge: Callable[[Registry, Version | None], tuple[Trained, Verdict]]


def trained(
    name: str,
    day: date,
    settings: Settings,
    txn: Txn,
    collect: Callable[[], Lesson],
    write: Callable[[Registry, Version], None] | None = None,
    tables: Sequence[str] = (),
) -> dict[str, Any]:
    """Learn, judge, register, and promote if better than the champion: the result of the day, for its log.

    The same day, data and configuration again change nothing. `collect` gives what there is to learn from; too little
    (NotTrainable) is no failure of the day: the decision is `waiting` and the reason says until when. `write` fills
    `tables` with what a judged version tells beside its metrics.
    """
    registry, lake = Registry(settings), Lake.of(settings)
    answered = done_before(txn, registry, name, *tables) or overtaken(registry, name, day)
    if answered:
        return answered
    try:
        lesson = collect()
        found = fingerprint(lesson.rows, configuration(settings.learned[name], settings))
        version = judged(registry, name, day, found, txn, lambda champion: lesson.challenge(registry, champion))
    except NotTrainable as why:
        return waiting(registry, name, day, why)
    if write:
        write(registry, version)
    return record(lake, txn, registry, version)


def of_features(names: Iterable[str], declared: Learned, settings: Settings) -> tuple[list[str], list[Any]]:
    """For the transaction of a training on features: the tables that these traits and the people of a past day are
    told from, and the configuration that decides what is learned."""
    learned = [settings.traits[one] for one in needed(list(names), settings.traits)]
    reads = [*traits.reads(learned), FEATURES, LINKS]
    return reads, [settings.models, declared, *traits.configuration(settings)]


def compared(
    name: str,
    day: date,
    settings: Settings,
    txn: Txn,
    split: Callable[[], Rows],
    frame: Callable[[Rows], pd.DataFrame],
    load: Callable[[Registry, Version], Model],
    challenge: Callable[[Rows, Model | None], tuple[Trained, Verdict]],
) -> dict[str, Any]:
    """`trained` of a model that is judged on rows kept apart: `split` gives them, `frame` all of them as one table, and
    `challenge` fits a model and measures it beside the champion, which `load` reads back."""

    def collect() -> Lesson:
        rows = split()

        def against(registry: Registry, champion: Version | None) -> tuple[Trained, Verdict]:
            return challenge(rows, load(registry, champion) if champion else None)

        return Lesson(frame(rows), against)

    return trained(name, day, settings, txn, collect)


def fingerprint(frame: pd.DataFrame, config: Any) -> str:
    """Same rows in the same order and the same configuration: same fingerprint, whatever lake they came from."""
    digest = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode())
    digest.update(",".join(frame.columns).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:32]


def configuration(declared: Learned, settings: Settings) -> dict[str, Any]:
    """What of the configuration decides what is learned: who calls the model what does not."""
    return declared.model_dump(exclude=set(DESCRIBED)) | {"seed": settings.models.seed}


def tags(day: date, found: str, txn: Txn) -> dict[str, str]:
    """What a version must remember to be found and reproduced: the Delta version of every table it learned from."""
    versions = {name: version for name, version in txn.pins.items() if version is not None}
    return {
        "day": day.isoformat(),
        "fingerprint": found,
        "transaction": str(txn.version),
        "data_version": json.dumps(versions, sort_keys=True),
    }


def done_before(txn: Txn, registry: Registry, name: str, *tables: str) -> dict[str, Any] | None:
    """The result of this very training if it ended before, without looking at any data."""
    version = registry.find(name, "transaction", str(txn.version))
    finished = version is not None and version.tags.get("settled") == "true" and txn.done(EVALUATIONS, *tables)
    return summary(registry, version) if version and finished else None


def overtaken(registry: Registry, name: str, day: date) -> dict[str, Any] | None:
    """The result of training for too old a day: a champion that saw later data cannot be judged on earlier days."""
    champion = registry.champion(name)
    if champion and champion.day > day:
        reason = f"the champion (version {champion.number}) was trained for {champion.day}, after {day}"
        return _not_trained(name, day, reason)
    return None


def judged(
    registry: Registry,
    name: str,
    day: date,
    found: str,
    txn: Txn,
    challenge: Callable[[Version | None], tuple[Trained, Verdict]],
) -> Version:
    """The version with fingerprint `found`: trained, registered and given its verdict once.

    `challenge` trains and compares with the champion, if there is one.
    """
    version = registry.find(name, "fingerprint", found)
    if version is not None:
        return registry.settle(version)
    trained, verdict = challenge(registry.champion(name))
    return registry.settle(registry.register(name, trained, tags(day, found, txn)), verdict)


def waiting(registry: Registry, name: str, day: date, reason: str | NotTrainable) -> dict[str, Any]:
    """Nothing could be learned, which is no failure of the day: say why, here and where scoring will look."""
    registry.explain_absence(name, f"{day}: {reason}")
    return _not_trained(name, day, str(reason))


def _not_trained(name: str, day: date, reason: str) -> dict[str, Any]:
    return {"model": name, "day": day.isoformat(), "decision": "waiting", "reason": reason}


def record(lake: Lake, txn: Txn, registry: Registry, version: Version) -> dict[str, Any]:
    """Keep every metric of a judged version, with the verdict, in models/evaluations; return what the log shows."""
    metrics = registry.metrics(version)
    decision, reason = version.tags["decision"], version.tags["reason"]
    rows = [
        {
            "model": version.name,
            "model_version": version.number,
            "day": version.day,
            "metric": metric,
            "value": round(float(value), 6),
            "decision": decision,
            "reason": reason,
        }
        for metric, value in sorted(metrics.items())
    ]
    lake.append(EVALUATIONS, pa.Table.from_pylist(rows, schema=catalogue.get(EVALUATIONS).arrow_schema()), txn)
    return summary(registry, version)


def summary(registry: Registry, version: Version) -> dict[str, Any]:
    """What the log of the day shows of a judged version."""
    return {
        "model": version.name,
        "version": version.number,
        "decision": version.tags["decision"],
        "reason": version.tags["reason"],
        **{metric: round(float(value), 4) for metric, value in sorted(registry.metrics(version).items())},
    }


def meanings(settings: Settings) -> Mapping[str, str]:
    """What each feature means: the title of its trait as part of a sentence."""
    titles = {name: settings.traits[name].title for name in settings.models.features}
    return {name: title if title[:2].isupper() else title[:1].lower() + title[1:] for name, title in titles.items()}
