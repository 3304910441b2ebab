"""What each customer will still be worth, and whether it is still one.

Two models are judged on what customers spent in a later period: that of repeat buying (`lifetime`), and trees that
learned from an earlier one (`value_rival`). With `judge_days` h and training on day T::

    trees learn as of T - 2h |-- h: what was spent --| both judged as of T - h |-- h: what was spent --| T

Trees tell the value only if they are better beyond noise; the other one tells the rest in any case. Then both learn
again from what is known on T.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd
import yaml

from jobs.activity import traits
from jobs.config.models.value import Value
from jobs.config.settings import Settings
from jobs.config.traits import needed
from jobs.errors import NotTrainable
from jobs.lake.code import ROOT
from jobs.lake.lake import Lake
from jobs.models import gate, plots, training
from jobs.models.artifacts import requirements
from jobs.models.gate import Verdict
from jobs.models.intervals import Interval
from jobs.models.models import ROWS, Asked, Scored
from jobs.models.registry import Registry, Trained, Version
from jobs.models.value import lifetime, stays, value_rival, value_served
from jobs.models.value.buyers import AHEAD, Buyers, buyers_on, tables_of
from jobs.models.value.lifetime import Lifetime
from jobs.models.value.value_rows import ANSWER, told_of

ANSWERS: tuple[str, ...] = (ANSWER,)
LIFETIME_FILE, TREES_FILE = "lifetime.json", "trees.lgb"
OWN = ["purchases", "first_ago", "last_ago", "worth"]
NOBODY = "nobody has bought anything by that day, so there is nobody to value"


@dataclass(frozen=True)
class Model:
    """What is learned: how customers buy, and, where they tell the value better, trees for the days they learned of."""

    lifetime: Lifetime
    trees: lgb.Booster | None
    judge_days: int

    def value(self, people: pd.DataFrame, days: float) -> np.ndarray:
        """Expected worth of the purchases of the next `days`.

        Trees tell it for `judge_days`; other days take from them what they take from the model of repeat buying.
        """
        by_history = self.lifetime.value(people, days)
        if self.trees is None:
            return by_history
        of_period = np.maximum(self.lifetime.value(people, self.judge_days), 1e-12)
        found = np.asarray(self.trees.predict(people[self.trees.feature_name()], num_threads=1))
        return np.minimum(found * by_history / of_period, found * max(1.0, days / self.judge_days))


def train(name: str, day: date, settings: Settings) -> dict[str, Any]:
    """Learn, judge on a later period, register, and promote if better than the champion.

    The same day, data and configuration again change nothing. Too little history is no error: the decision is
    `waiting` and the reason says until when.
    """
    lake, declared = Lake.of(settings), _declared(name, settings)
    learned = [settings.traits[one] for one in needed(_features(declared, settings), settings.traits)]
    config = [settings.models, declared, *traits.configuration(settings)]
    read = sorted({*traits.reads(learned), *tables_of(declared, settings), *stays.reads(declared)})
    txn = training.transaction(name, day, settings, read, config, __name__)
    days = [day - timedelta(days=n * declared.judge_days) for n in (2, 1, 0)]
    seen = cache(lambda: buyers_on(txn, days, declared, settings, _features(declared, settings)))

    def collect() -> training.Lesson:
        def against(registry: Registry, champion: Version | None) -> tuple[Trained, Verdict]:
            return challenge(seen(), declared, settings, load(registry, champion) if champion else None)

        return training.Lesson(pd.concat(seen().by_day.values()), against)

    def write(registry: Registry, version: Version) -> None:
        lake.append(stays.TABLE, stays.curves(txn, seen().by_day[day], declared, version), txn)

    return training.trained(name, day, settings, txn, collect, write, [stays.TABLE])


def reads(name: str, settings: Settings) -> list[str]:
    """What purchases are counted from."""
    return tables_of(_declared(name, settings), settings)


def score(asked: Asked) -> Scored:
    """Value of everybody who ever bought: the expected worth of the purchases of the next year."""
    settings, declared = asked.settings, _declared(asked.name, asked.settings)
    model = load(asked.registry, asked.version)
    people = buyers_on(asked.txn, [asked.day], declared, settings, []).by_day[asked.day]
    if people.empty:
        return Scored(pd.DataFrame(columns=ROWS), people, {}, {}, why_nobody=NOBODY)
    people = people.merge(asked.features, on="customer_id", how="left")
    told = told_of(model.lifetime, model.value, people, settings.models.seed)
    rows, table = (
        told.scores(declared.bands),
        told.table(asked.day, asked.name, asked.version.number, model.trees is not None),
    )
    return Scored(rows, people, {}, {}, {ANSWER: table})


def challenge(seen: Buyers, declared: Value, settings: Settings, champion: Model | None) -> tuple[Trained, Verdict]:
    """Fit both models, measure them, the champion and everybody's own pace on the same later period."""
    earlier, judged, now = seen.by_day.values()
    if judged.empty:
        raise NotTrainable(seen.too_young(declared.judge_days))
    truth, days = np.maximum(judged[AHEAD].to_numpy(dtype=float), 0.0), float(declared.judge_days)
    if not truth.any():
        raise NotTrainable(
            f"nobody bought in the {declared.judge_days} days before; there is nothing to judge a model on"
        )
    model = Model(lifetime.fit(judged, declared.minimum_repeat_buyers), None, declared.judge_days)
    told = {"repeat buying": model.value(judged, days), "own pace": lifetime.own_pace(judged, days)}
    columns = [*OWN, *_features(declared, settings)]
    why, trees = "", None
    try:
        trees = _trees(earlier, columns, settings.models.seed)
        told["trees"] = Model(model.lifetime, trees, declared.judge_days).value(judged, days)
        gain, surely = value_rival.better(truth, told["trees"], told["repeat buying"])
        trees = trees if surely > 0 else None
        why = f"trees explain {gain:+.4f} more than the model of repeat buying, at least {surely:+.4f}"
    except NotTrainable as reason:
        why = f"no trees: {reason}"
    chosen = "trees" if trees is not None else "repeat buying"
    if champion:
        told["champion"] = champion.value(judged, days)
    found = _metrics(told, chosen, truth, model.lifetime, judged, declared, settings)
    checks = [
        gate.at_least("d2", "D2", found["d2"], declared.minimum_d2),
        *gate.holds_against(
            "D2", found["d2"], {"own pace": (found["own_pace_d2"], _gain(truth, told[chosen], told["own pace"]))}
        ),
        gate.beats_champion(
            "D2",
            found["d2"],
            found.get("champion_d2"),
            _gain(truth, told[chosen], told["champion"]) if champion else None,
            declared.minimum_improvement,
        ),
    ]
    found |= gate.figures(checks)
    verdict = gate.decide(checks)
    final = Model(
        lifetime.fit(now, declared.minimum_repeat_buyers),
        _trees(judged, columns, settings.models.seed) if trees is not None else None,
        declared.judge_days,
    )
    return _trained(final, found, told, truth, declared, settings, f"{chosen}: {why}"), verdict


def _gain(truth: np.ndarray, ours: np.ndarray, theirs: np.ndarray) -> Interval:
    value, low = value_rival.better(truth, ours, theirs)
    return Interval(value, low, 2 * value - low)


def load(registry: Registry, version: Version) -> Model:
    """A registered version, from its checked files."""
    files = registry.files(version)
    metadata = yaml.safe_load(files["MLmodel"])["metadata"]
    held = {
        Path(name).name: data.decode() for name, data in files.items() if name.endswith((LIFETIME_FILE, TREES_FILE))
    }
    trees = lgb.Booster(model_str=held[TREES_FILE]) if TREES_FILE in held else None
    return Model(Lifetime.from_json(held[LIFETIME_FILE]), trees, metadata["judge_days"])


def _declared(name: str, settings: Settings) -> Value:
    return cast(Value, settings.learned[name])


def _features(declared: Value, settings: Settings) -> list[str]:
    return declared.features or settings.models.features


def _trees(people: pd.DataFrame, columns: list[str], seed: int) -> lgb.Booster:
    if people.empty:
        raise NotTrainable("nobody had bought anything before the period to learn from")
    return value_rival.fit(people[columns], np.maximum(people[AHEAD].to_numpy(dtype=float), 0.0), seed)


def _metrics(
    told: dict[str, np.ndarray],
    chosen: str,
    truth: np.ndarray,
    fitted: Lifetime,
    judged: pd.DataFrame,
    declared: Value,
    settings: Settings,
) -> dict[str, float]:
    found = value_rival.metrics(truth, told[chosen])
    for name, values in told.items():
        key = name.replace(" ", "_")
        found |= {f"{key}_d2": value_rival.explained(truth, values), f"{key}_mae": float(np.abs(truth - values).mean())}
    _, (worth,) = (one[0][None] for one in fitted.intervals(judged, [float(declared.judge_days)], settings.models.seed))
    pace = np.where(told["repeat buying"] > 0, told[chosen] / np.maximum(told["repeat buying"], 1e-12), 1.0)
    inside = (truth >= worth[0] * pace - 1e-9) & (truth <= worth[1] * pace + 1e-9)
    spent = judged["worth"].to_numpy(dtype=float) / judged["purchases"].to_numpy(dtype=float)
    often = judged["purchases"].to_numpy(dtype=float)
    tied = np.corrcoef(often, spent)[0, 1] if np.ptp(often) > 0 and np.ptp(spent) > 0 else 0.0
    return found | {
        "interval_coverage": float(inside.mean()),
        "often_and_spend_correlation": float(tied),
        "judged_customers": float(len(judged)),
        "judged_buyers": float((truth > 0).sum()),
        "alive_share": float(fitted.alive(judged).mean()),
    }


def _trained(
    model: Model,
    found: dict[str, float],
    told: dict[str, np.ndarray],
    truth: np.ndarray,
    declared: Value,
    settings: Settings,
    chosen: str,
) -> Trained:
    buying, spend = model.lifetime.buying, model.lifetime.spend

    def log_model() -> Any:
        with tempfile.TemporaryDirectory() as folder:
            told, package = Path(folder) / LIFETIME_FILE, Path(folder) / "code" / "jobs"
            told.write_text(model.lifetime.to_json(), encoding="utf-8")
            held = {value_served.DOCUMENT: str(told)}
            if model.trees is not None:
                (Path(folder) / TREES_FILE).write_text(model.trees.model_to_string(), encoding="utf-8")
                held["trees"] = str(Path(folder) / TREES_FILE)
            for part in value_served.CARRIED:
                (package / part).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / "jobs" / part, package / part)
            for inner in (package, package / "models", package / "models" / "value"):
                (inner / "__init__.py").write_text("", encoding="utf-8")
            return mlflow.pyfunc.log_model(
                name="model",
                python_model=value_served.__file__,
                artifacts=held,
                code_paths=[str(package)],
                pip_requirements=requirements("mlflow", "numpy", "pandas", "scipy"),
                metadata={"judge_days": declared.judge_days},
            )

    return Trained(
        log_model,
        parameters={
            **declared.model_dump(exclude={"features", "bands", *training.DESCRIBED}),
            **{f"buying_{key}": round(getattr(buying, key), 6) for key in ("r", "alpha", "a", "b")},
            **{f"spend_{key}": round(getattr(spend, key), 6) for key in ("p", "q", "gamma")},
            "buying": buying.name,
            "value_told_by": chosen[:500],
            "seed": settings.models.seed,
        },
        metrics=found,
        figures={
            "told_and_seen.png": plots.told_and_seen(truth, told),
            "explained.png": plots.bars(
                {name: value_rival.explained(truth, values) for name, values in told.items()}, "Held-out period", "D2"
            ),
        },
        tables={"lifetime.json": model.lifetime.to_json()},
    )
