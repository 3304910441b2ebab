"""The items each customer is most likely to buy next: a kind of model, with its table models/recommendations."""

from __future__ import annotations

import io
import json
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import scipy.sparse as sp
import yaml

from jobs.activity import traits
from jobs.activity.lasting_consent import agreed, through
from jobs.config.models.recommend import Recommend
from jobs.config.settings import Settings
from jobs.models import gate, plots, training
from jobs.models.artifacts import requirements
from jobs.models.gate import Check, Verdict
from jobs.models.intervals import Interval
from jobs.models.models import ROWS, Asked, Scored
from jobs.models.recommend import item_rows, recommend_served, recommender
from jobs.models.recommend.bought import Bought
from jobs.models.recommend.ranking import Allowed, Weights
from jobs.models.recommend.recommended import ANSWER, first_of, rows_of
from jobs.models.recommend.recommender import Period
from jobs.models.registry import Registry, Trained, Version

ANSWERS: tuple[str, ...] = (ANSWER,)
CONSENT = "profiles/consent"
ITEMS_FILE, SIMILAR_FILE = "items.json", "similar.npz"
NOBODY = "nobody is known by that day who may be recommended anything"


def train(name: str, day: date, settings: Settings) -> dict[str, Any]:
    """Learn, judge on a later period against what is popular, register, and promote if better than the champion.

    The same day, data and configuration again change nothing. Too little history is no error: the decision is
    `waiting` and the reason says what is missing.
    """
    declared = _declared(name, settings)
    config = [settings.models, declared, *traits.configuration(settings)]
    read = item_rows.tables_of(declared.rows_of, settings)
    txn = training.transaction(name, day, settings, read, config, __name__)

    def collect() -> training.Lesson:
        days = [day - timedelta(days=n * declared.judge_days) for n in (2, 1, 0)]
        found = item_rows.bought_on(txn, days, declared.rows_of, declared.item, settings)
        earlier, before, now = (found[one] for one in days)

        def against(registry: Registry, champion: Version | None) -> tuple[Trained, Verdict]:
            return challenge(earlier, before, now, declared, load(registry, champion) if champion else None)

        return training.Lesson(pd.concat([earlier, before, now]), against)

    return training.trained(name, day, settings, txn, collect)


def reads(name: str, settings: Settings) -> list[str]:
    """Purchases, the product list, and consent where a purpose is asked for."""
    declared = _declared(name, settings)
    return [*item_rows.tables_of(declared.rows_of, settings), *([CONSENT] if declared.purpose else [])]


def challenge(
    earlier: pd.DataFrame, before: pd.DataFrame, now: pd.DataFrame, declared: Recommend, champion: Weights | None
) -> tuple[Trained, Verdict]:
    """Choose weights on one period, judge them on the next beside what is popular and the champion, and learn anew."""
    recommender.check(Period.between(before, now, declared.judge_days), declared)
    ridge, chosen = recommender.choose(Period.between(earlier, before, declared.judge_days), declared)
    makers = {"model": recommender.fit(Bought.of(before), ridge, chosen)}
    makers |= {"champion": champion} if champion else {}
    judged = recommender.judged(Period.between(before, now, declared.judge_days), makers, declared)
    found, metric = judged.metrics(), f"MAP@{declared.top}"
    over_champion = judged.gain("model", "champion") if champion else None
    checks = [
        _beats_popular(metric, found["map"], found["popular_map"], judged.gain("model", "popular")),
        gate.beats_champion(
            metric, found["map"], found.get("champion_map"), over_champion, declared.minimum_improvement
        ),
    ]
    found |= gate.figures(checks)
    weights = recommender.fit(Bought.of(now), ridge, chosen)
    return _trained(weights, ridge, found, declared), gate.decide(checks)


def _beats_popular(metric: str, ours: float, theirs: float, gain: Interval) -> Check:
    """What everybody can have without a model must be beaten, and not only equalled."""
    told = f"{metric} {ours:.4f} against {theirs:.4f} of what is popular, a difference of {gain}"
    how = "beats what is popular" if gain.above_zero else "not beyond noise better than what is popular"
    return Check("gain_over_popular", gain.above_zero, gain.value, 0.0, f"{how}: {told}", gain)


def score(asked: Asked) -> Scored:
    """The list of every customer who may be recommended anything; who bought nothing gets what is popular."""
    settings, declared, weights = (
        asked.settings,
        _declared(asked.name, asked.settings),
        load(asked.registry, asked.version),
    )
    rows = item_rows.bought_on(asked.txn, [asked.day], declared.rows_of, declared.item, settings)[asked.day]
    known = pd.unique(pd.concat([asked.features["customer_id"], rows["customer_id"]]).astype(object))
    if declared.purpose:
        until = through(asked.day, settings.general.timezone)
        said_yes = agreed(asked.txn.read(CONSENT), declared.purpose, until).collect()
        known = known[np.isin(known, np.array([row["customer_id"] for row in said_yes], dtype=object))]
    customers = np.sort(known)
    if not len(customers):
        return Scored(pd.DataFrame(columns=ROWS), asked.features.iloc[:0], {}, {}, why_nobody=NOBODY)
    recent = rows.loc[rows["last_ago"] < declared.popular_days, "item"]
    weights = weights.on(np.sort(pd.unique(pd.concat([pd.Series(weights.items, dtype=object), recent])).astype(object)))
    products = item_rows.products_on(asked.txn, asked.day, settings)
    allowed = allowed_on(rows, weights.items, products, declared)
    bought, lists = recommender.lists_for(rows, customers, weights, allowed, declared)
    names = item_rows.names_of(products, declared.item)
    found = rows_of(bought, lists, weights.items, names, declared.popular_days)
    same = {"day": asked.day, "model": asked.name, "model_version": asked.version.number}
    return Scored(first_of(found), asked.features.iloc[:0], {}, {}, {ANSWER: _table(found, same)})


def allowed_on(rows: pd.DataFrame, items: np.ndarray, products: pd.DataFrame, declared: Recommend) -> Allowed:
    """What may be shown on a day, and what makes sense to buy again: as declared, and as buyers show."""
    everybody = Bought.of(rows, items)
    gone = item_rows.of_items(
        items, products, declared.item, item_rows.out_of_stock(products, declared.stock), every=True
    )
    hidden = item_rows.named_items(items, products, declared.item, declared.do_not_recommend)
    once = item_rows.named_items(items, products, declared.item, declared.never_again)
    once |= everybody.hardly_repeated(declared.hardly_ever, 2 * declared.judge_days)
    return Allowed(~(gone | hidden), ~once & declared.again)


def load(registry: Registry, version: Version) -> Weights:
    """A registered version, from its checked files."""
    files = registry.files(version)
    metadata = yaml.safe_load(files["MLmodel"])["metadata"]
    held = {Path(name).name: data for name, data in files.items()}
    return weights_of(held[ITEMS_FILE], held[SIMILAR_FILE], metadata)


def weights_of(items: bytes, similar: bytes, metadata: dict[str, Any]) -> Weights:
    """Weights from the files of a model. Nothing of them is executed."""
    names = np.array(json.loads(items), dtype=object)
    table = sp.csr_matrix(sp.load_npz(io.BytesIO(similar)))
    return Weights(names, table, metadata["popularity"], metadata["repeats"], metadata["only_due"])


def _declared(name: str, settings: Settings) -> Recommend:
    return cast(Recommend, settings.learned[name])


def _table(found: pd.DataFrame, same: dict[str, Any]) -> pa.Table:
    from jobs.lake.tables import catalogue

    schema = catalogue.get(ANSWER).arrow_schema()
    return pa.Table.from_pandas(found.assign(**same)[schema.names], schema=schema, preserve_index=False)


def _trained(weights: Weights, ridge: float, found: dict[str, float], declared: Recommend) -> Trained:
    told = {"popularity": weights.popularity, "repeats": weights.repeats, "only_due": weights.only_due}

    def log_model() -> Any:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / ITEMS_FILE).write_text(json.dumps(weights.items.tolist()), encoding="utf-8")
            sp.save_npz(Path(folder) / SIMILAR_FILE, weights.similar)
            return mlflow.pyfunc.log_model(
                name="model",
                python_model=recommend_served.__file__,
                artifacts={
                    recommend_served.ITEMS: str(Path(folder) / ITEMS_FILE),
                    recommend_served.SIMILAR: str(Path(folder) / SIMILAR_FILE),
                },
                pip_requirements=requirements("mlflow", "numpy", "pandas", "scipy"),
                metadata=told,
            )

    kinds = ("", "new_")
    shown = {
        f"{kind}{who}": found[f"{prefix}{kind}map"]
        for kind in kinds
        for who, prefix in (("model", ""), ("popular", "popular_"))
    }
    return Trained(
        log_model,
        parameters={
            **declared.model_dump(
                exclude={"ridge", "popularity", "repeats", "never_again", "do_not_recommend", *training.DESCRIBED}
            ),
            **{f"chosen_{key}": value for key, value in told.items()},
            "chosen_ridge": ridge,
            "items": len(weights.items),
        },
        metrics=found,
        figures={"map.png": plots.bars(shown, "Held-out period", f"MAP@{declared.top}")},
    )
