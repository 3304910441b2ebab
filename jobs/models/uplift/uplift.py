"""Whom it helps to approach: trained on a draw by chance, judged on other customers of it, and scored."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from typing import Any, cast

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd
import yaml
from mlflow.models import infer_signature

from jobs.config.models.uplift import Uplift
from jobs.config.settings import Settings
from jobs.models import drift, gate, plots, training
from jobs.models.artifacts import requirements
from jobs.models.classify import classifier
from jobs.models.classify.outcomes import LABEL
from jobs.models.gate import Verdict
from jobs.models.models import ROWS, Asked, Scored
from jobs.models.registry import Registry, Trained, Version
from jobs.models.uplift import uplift_fit, uplift_served
from jobs.models.uplift.uplift_fit import Draw, Effect
from jobs.models.uplift.uplift_rows import ARMS, TREATED, Split, split

ANSWERS: tuple[str, ...] = ()
APPROACH, LEAVE, HARM = "approach", "leave", "harm"
"""Labels: it pays to approach them; it does not; approaching them makes the outcome less likely."""


def train(name: str, day: date, settings: Settings) -> dict[str, Any]:
    """Learn, judge on other customers of the draw, register, and promote if it orders them beyond chance.

    The same day, data and configuration again change nothing. Too little history is no error: the decision is
    `waiting` and the reason says until when.
    """
    declared = _declared(name, settings)
    told = [declared.label.about, *([declared.treated.trait] if declared.treated else [])]
    read, config = training.of_features([*settings.models.features, *told], declared, settings)
    read = [*read, ARMS] if declared.action else read
    txn = training.transaction(name, day, settings, read, config, __name__)
    return training.compared(
        name, day, settings, txn,
        lambda: split(txn, day, declared, settings),
        lambda rows: pd.concat([rows.learn, rows.judge]),
        lambda registry, version: load(registry, version)[0],
        lambda rows, champion: challenge(rows, declared, settings, champion),
    )  # fmt: skip


def reads(name: str, settings: Settings) -> list[str]:
    """Nothing but the features."""
    return []


def _declared(name: str, settings: Settings) -> Uplift:
    return cast(Uplift, settings.learned[name])


def challenge(rows: Split, declared: Uplift, settings: Settings, champion: Effect | None) -> tuple[Trained, Verdict]:
    """Fit a challenger and measure it and the champion on the same held-out customers."""
    names, called = declared.learned_from(settings.models), declared.action or str(declared.treated and "the draw")
    draws = [Draw(one[TREATED].to_numpy(), one[LABEL].to_numpy(), one["customer_id"].to_numpy())
             for one in (rows.learn, rows.judge)]  # fmt: skip
    for draw in draws:
        uplift_fit.refuse_one_arm(draw, called)
    model = uplift_fit.fit(rows.learn[names], draws[0], settings.models.seed, declared.parameters)
    effect, draw = model.of(rows.judge), draws[1]
    chosen = declared.worth * effect > declared.cost
    theirs = champion.of(rows.judge) if champion else None
    checks = uplift_fit.checks(
        effect, chosen, draw, declared.worth, declared.cost, theirs, declared.minimum_improvement
    )
    everybody = uplift_fit.figures(np.ones(len(chosen), dtype=bool), draw, declared.worth, declared.cost)
    found = {
        **uplift_fit.figures(chosen, draw, declared.worth, declared.cost),
        **{f"everybody_{name}": everybody[name] for name in ("incremental_rate", "net_value")},
        **gate.figures(checks),
        "learned_rows": float(len(rows.learn)),
        "judged_rows": float(len(rows.judge)),
        "approached_share": draw.share,
    }
    return _trained(model, rows, effect, draw, found, checks, declared, settings), gate.decide(checks)


def _trained(
    model: Effect,
    rows: Split,
    effect: np.ndarray,
    draw: Draw,
    found: dict[str, float],
    checks: list[gate.Check],
    declared: Uplift,
    settings: Settings,
) -> Trained:
    names = model.approached.feature_name()
    example = classifier.typical_row(rows.learn[names], names)
    metadata = {"reference": drift.reference(rows.judge[names])}
    days = sorted({str(one) for one in rows.learn["day"]})
    tables = {
        "tenths.csv": tenths(effect, draw),
        "checks.csv": pd.DataFrame(gate.rows(checks)),
    }
    return Trained(
        lambda: _logged(model, example, metadata),
        parameters={
            **declared.model_dump(exclude={"features", "parameters", "label", "treated", *training.DESCRIBED}),
            **{f"label.{key}": value for key, value in declared.label.model_dump(exclude_defaults=True).items()},
            **classifier.DEFAULTS,
            **declared.parameters,
            "seed": settings.models.seed,
            "features": " ".join(names),
        },
        metrics=found,
        figures={"looked_at.png": plots.bars(importance(model), "What the model looks at", "share of gain")},
        tables={name: table.to_csv(index=False, lineterminator="\n") for name, table in tables.items()},
        told={
            "What is predicted": "by how much approaching a customer raises the probability of the outcome",
            "Learned from": f"{days[0]} to {days[-1]} ({int(found['learned_rows']):,} customers, drawn by chance)",
            "Judged on": f"{int(found['judged_rows']):,} other customers of the same draw",
        },
    )


def tenths(effect: np.ndarray, draw: Draw) -> pd.DataFrame:
    """The effect that was told and the one that was seen, in ten equal groups, the largest first."""
    rows = []
    for number, part in enumerate(np.array_split(np.argsort(-effect, kind="stable"), 10), 1):
        mine = Draw(draw.treated[part], draw.outcome[part], draw.customers[part])
        seen = uplift_fit.figures(np.ones(len(part), dtype=bool), mine, 1.0, 0.0)["incremental_rate"]
        rows.append((number, len(part), round(float(effect[part].mean()), 6), round(seen, 6)))
    return pd.DataFrame(rows, columns=["tenth", "customers", "told", "seen"])


def importance(model: Effect) -> dict[str, float]:
    """Mean share of gain over both arms, largest first."""
    both = [classifier.importance(one) for one in (model.approached, model.left_alone)]
    shares = {name: (both[0][name] + both[1][name]) / 2 for name in both[0]}
    return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


def _logged(model: Effect, example: pd.DataFrame, metadata: dict[str, Any]) -> Any:
    """The model in the open run: trees of both arms as text, and the file that reads them; no pickle."""
    with tempfile.TemporaryDirectory() as folder:
        places = {
            name: str(Path(folder) / f"{name}.lgb") for name in (uplift_served.APPROACHED, uplift_served.LEFT_ALONE)
        }
        model.approached.save_model(places[uplift_served.APPROACHED])
        model.left_alone.save_model(places[uplift_served.LEFT_ALONE])
        return mlflow.pyfunc.log_model(
            name="model",
            python_model=uplift_served.__file__,
            artifacts=places,
            signature=infer_signature(example, model.of(example)),
            input_example=example,
            pip_requirements=requirements("mlflow", "lightgbm", "numpy", "pandas"),
            metadata=metadata,
        )


def score(asked: Asked) -> Scored:
    """The effect of approaching everybody (score), and whether it pays (label)."""
    frame, settings, declared = asked.features, asked.settings, _declared(asked.name, asked.settings)
    model, reference = load(asked.registry, asked.version)
    if frame.empty:
        return Scored(pd.DataFrame(columns=ROWS), frame, reference, {}, why_nobody="no customer has features yet")
    effect, words = model.of(frame), training.meanings(settings)
    rows = pd.DataFrame({"customer_id": frame["customer_id"], "score": effect.round(6)})
    rows["label"] = np.where(declared.worth * effect > declared.cost, APPROACH, np.where(effect < 0, HARM, LEAVE))
    names = model.approached.feature_name()
    rows["reasons"] = classifier.in_words(names, frame, model.parts(frame), words, declared.outcome)
    return Scored(rows[list(ROWS)], frame, reference, importance(model))


def load(registry: Registry, version: Version) -> tuple[Effect, dict[str, dict[str, Any]]]:
    """A registered version, from its checked files, and the customers it knows (`drift.reference`)."""
    files = registry.files(version)
    metadata = yaml.safe_load(files["MLmodel"])["metadata"]
    arms = [
        next(data for name, data in files.items() if name.endswith(f"{arm}.lgb"))
        for arm in (uplift_served.APPROACHED, uplift_served.LEFT_ALONE)
    ]
    return Effect(*(lgb.Booster(model_str=data.decode()) for data in arms)), metadata["reference"]
