"""Kinds of customers, found in their behaviour, named in words, and stable under retraining."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, cast

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import yaml
from mlflow.models import infer_signature

from jobs.config.models.segment import Segment
from jobs.config.settings import Settings
from jobs.config.traits import FEATURES
from jobs.errors import NotTrainable
from jobs.lake.lake import Lake, Txn
from jobs.lake.tables import catalogue
from jobs.models import drift, gate, plots, training
from jobs.models.artifacts import requirements
from jobs.models.classify import classifier
from jobs.models.gate import Verdict
from jobs.models.models import ROWS, Asked, Scored
from jobs.models.registry import Registry, Trained, Version
from jobs.models.segment import placing, segment_fit, segment_gate, segment_names, segments
from jobs.models.segment.segment_fit import Choice
from jobs.models.segment.segments import Segments

NOBODY = "nobody has ordered by that day, so there is nobody to look at"
ANSWERS: tuple[str, ...] = ()
TABLE = "models/segments"
MOVES = "models/segment_moves"
MODEL_FILE = "segments.json"


@dataclass(frozen=True)
class Loaded:
    """A segment model read back from the registry, with what it remembers."""

    version: Version
    segments: Segments
    reference: dict[str, dict[str, Any]]


def train(name: str, day: date, settings: Settings) -> dict[str, Any]:
    """Find segments among all customers who ever ordered, register them, and promote them if they are further apart.

    The same day, data and configuration again change nothing. Too few customers is no error: the decision is `waiting`.
    """
    lake, declared = Lake.of(settings), _declared(name, settings)
    config = [settings.models, declared]
    txn = training.transaction(name, day, settings, [FEATURES], config, __name__)
    found = cache(lambda: buyers(txn.arrow(FEATURES, day=day).to_pandas(), settings.models.recency))

    def collect() -> training.Lesson:
        frame = found()
        if frame.empty:
            raise NotTrainable(
                f"nobody in models/features has a {settings.models.recency!r} by {day}; it waits for the first who has"
            )

        def against(registry: Registry, champion: Version | None) -> tuple[Trained, Verdict]:
            return challenge(frame, declared, settings, load(registry, champion) if champion else None)

        return training.Lesson(frame[["customer_id", *settings.models.features]], against)

    def write(registry: Registry, version: Version) -> None:
        _describe(lake, txn, load(registry, version), found())
        _migrate(lake, txn, registry, version, found())

    return training.trained(name, day, settings, txn, collect, write, [TABLE, MOVES])


def buyers(frame: pd.DataFrame, recency: str) -> pd.DataFrame:
    """Customers who did at least once what `recency` counts, in the order of their ids; without it, everybody."""
    some = frame[frame[recency].notna()] if recency in frame.columns else frame
    return some.sort_values("customer_id", ignore_index=True)


def held_out(customer_ids: pd.Series) -> np.ndarray:
    """A fifth of the customers, always the same ones: chosen by a hash of their id."""
    return np.array([hashlib.sha256(str(one).encode()).digest()[0] % 5 == 0 for one in customer_ids], dtype=bool)


def challenge(
    frame: pd.DataFrame, config: Segment, settings: Settings, champion: Loaded | None
) -> tuple[Trained, Verdict]:
    """Fit new segments and measure how well apart they and the champion's are, for customers neither was fitted on.

    Both are measured on one scale, that of the new model. Names go on where most customers stay together.
    """
    seed = settings.models.seed
    held = held_out(frame["customer_id"])
    fitted, choices = segment_fit.fit(
        frame[~held].reset_index(drop=True),
        config.features,
        (config.k_min, config.k_max),
        config.minimum_share,
        config.silhouette_tolerance,
        seed,
        config.minimum_stability,
    )
    old = champion.segments if champion else None
    kept, claimed = segment_names.kept_names(old, fitted, frame, config.minimum_overlap) if old else ({}, {})
    model = segment_names.named(fitted, frame, config.words, training.meanings(settings), kept, claimed)
    checks = segment_gate.checks(model, choices, old, frame, held, config, seed)
    numbers = model.assign(frame)[0]
    found = gate.figures(checks) | {
        "segments": float(len(model.centres)),
        "smallest_share": float(np.bincount(numbers, minlength=len(model.centres)).min() / len(frame)),
        "learned_rows": float((~held).sum()),
        "judged_rows": float(held.sum()),
        "names_kept": float(sum(model.names[number] == name for number, name in kept.items())),
    }
    if old:
        found["agreement_with_champion"] = segments.agreement(old.assign(frame)[0], numbers)
    return _trained(model, choices, frame, config, settings, found), gate.decide(checks)


def reads(name: str, settings: Settings) -> list[str]:
    """Nothing but the features."""
    return []


def _declared(name: str, settings: Settings) -> Segment:
    return cast(Segment, settings.learned[name])


def score(asked: Asked) -> Scored:
    """Segment of everyone who ever ordered, with the distance to its centre."""
    settings, loaded = asked.settings, load(asked.registry, asked.version)
    model, people = loaded.segments, buyers(asked.features, settings.models.recency)
    if people.empty:
        return Scored(pd.DataFrame(columns=ROWS), people, loaded.reference, {}, why_nobody=NOBODY)
    numbers, distances = model.assign(people)
    rows = pd.DataFrame(
        {
            "customer_id": people["customer_id"],
            "score": np.round(distances, 6),
            "label": np.array(model.names, dtype=object)[numbers],
            "reasons": segments.standout(model, people, numbers, training.meanings(settings)),
        }
    )
    return Scored(rows, people, loaded.reference, weights(model))


def load(registry: Registry, version: Version) -> Loaded:
    """A registered version, from its checked files."""
    files = registry.files(version)
    metadata = yaml.safe_load(files["MLmodel"])["metadata"]
    document = next(data for name, data in files.items() if name.endswith(MODEL_FILE))
    return Loaded(version, Segments.from_json(document.decode()), metadata["reference"])


def weights(model: Segments) -> dict[str, float]:
    """How much each feature sets the segments apart: the spread of their centres along it."""
    return {name: float(np.std([c[i] for c in model.centres])) for i, name in enumerate(model.features)}


def _describe(lake: Lake, txn: Txn, loaded: Loaded, frame: pd.DataFrame) -> None:
    model = loaded.segments
    counts = np.bincount(model.assign(frame)[0], minlength=len(model.centres))
    rows = [
        {
            "model": loaded.version.name,
            "model_version": loaded.version.number,
            "segment": name,
            "description": description,
            "customers": int(count),
            "share": round(float(count / counts.sum()), 6),
            "trained_on": loaded.version.day,
        }
        for name, description, count in zip(model.names, model.descriptions, counts, strict=True)
    ]
    lake.append(TABLE, pa.Table.from_pylist(rows, schema=catalogue.get(TABLE).arrow_schema()), txn)


def _migrate(lake: Lake, txn: Txn, registry: Registry, version: Version, frame: pd.DataFrame) -> None:
    """Who would go where: customers per segment of the champion at the time and segment of this version."""
    earlier = version.tags.get("previous_champion")
    champion = next((v for v in registry.versions(version.name) if v.number == earlier), None) if earlier else None
    rows = []
    if champion:
        old, new = (load(registry, one).segments for one in (champion, version))
        found = segments.migration(old, new, frame)
        found["share"] = (found["customers"] / len(frame)).round(6)
        numbers = {"model": version.name, "model_version": version.number, "previous_version": champion.number}
        rows = found.assign(**numbers).to_dict("records")
    lake.append(MOVES, pa.Table.from_pylist(rows, schema=catalogue.get(MOVES).arrow_schema()), txn)


def _trained(
    model: Segments,
    choices: list[Choice],
    frame: pd.DataFrame,
    config: Segment,
    settings: Settings,
    found: dict[str, float],
) -> Trained:
    example = classifier.typical_row(frame, model.features)
    spread = weights(model)
    sizes = np.bincount(model.assign(frame)[0], minlength=len(model.centres))

    def log_model() -> Any:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / MODEL_FILE
            path.write_text(model.to_json(), encoding="utf-8")
            return mlflow.pyfunc.log_model(
                name="model",
                python_model=placing.__file__,
                artifacts={placing.DOCUMENT: str(path)},
                signature=infer_signature(example, np.array(model.names[:1])),
                input_example=example,
                pip_requirements=requirements("mlflow", "numpy", "pandas"),
                metadata={"reference": drift.reference(frame[model.features])},
            )

    return Trained(
        log_model,
        parameters={
            **config.model_dump(exclude={"features", "words", *training.DESCRIBED}),
            "features": " ".join(model.features),
            "left_out": " ".join(name for name in config.features if name not in model.features) or "none",
            "seed": settings.models.seed,
        },
        metrics=found,
        figures={
            "sizes.png": plots.bars(dict(zip(model.names, sizes.tolist(), strict=True)), "Segments", "customers"),
            "spread.png": plots.bars(spread, "What sets segments apart", "spread of centres"),
            "silhouette.png": plots.bars(
                {f"{choice.k} segments": choice.silhouette for choice in choices}, "Numbers tried", "silhouette"
            ),
            "stability.png": plots.bars(
                {f"{choice.k} segments": choice.stability for choice in choices}, "Found again", "adjusted Rand index"
            ),
        },
        tables={
            "choices.csv": "k,silhouette,smallest_share,stability\n"
            + "".join(f"{c.k},{c.silhouette:.6f},{c.smallest_share:.6f},{c.stability:.6f}\n" for c in choices),
            "segments.json": model.to_json(),
        },
        told={
            "Segments": "; ".join(
                f"{name}: {what}" for name, what in zip(model.names, model.descriptions, strict=True)
            ),
            "Learned from": f"{int(found['learned_rows']):,} customers who ordered at least once",
            "Judged on": f"{int(found['judged_rows']):,} others, always the same ones",
            "Limits": "a customer next to two segments may be in the other after a retrain; see segment_moves",
        },
    )
