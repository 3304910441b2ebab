"""Models of texts (`kind: text`): sentiment and intent learned from the company's own labels, themes found in texts.

A fifth of the texts is never learned from; on it the model, the champion and whoever knows nothing are compared. What
is learned is used by the step `texts` (`jobs.models.text.reading`), so a model of texts scores no customer.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, cast

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.metrics import f1_score

from jobs.config.models.text import SENTIMENT, THEME, Text
from jobs.config.settings import Settings
from jobs.errors import NotTrainable
from jobs.lake.code import ROOT
from jobs.models import gate, intervals, plots, training
from jobs.models.artifacts import requirements
from jobs.models.models import ROWS, Asked, Scored
from jobs.models.registry import Registry, Trained, Verdict, Version
from jobs.models.segment.segmentation import held_out
from jobs.models.text import labelled_texts, text_serving
from jobs.text import linear, sentiment, topics
from jobs.text.linear import Classifier
from jobs.text.topics import Topics

ANSWERS: tuple[str, ...] = ()
SCORES_NOBODY = "a model of texts reads texts in the step `texts`, and scores no customer"
JUDGED_ON = 20
"""Texts there must be to judge a model on."""
COVERED = 0.2
"""Share of texts that must be about one of the themes."""
CARRIED = ("__init__.py", "tokens.py", "features.py", "linear.py", "listed.py", "topics.py", "data/ordinary.txt")
"""What of jobs/text a model needs to be used where Klantreis is not installed."""
NEEDS = ("mlflow", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")

Model = Classifier | Topics


def train(name: str, day: date, settings: Settings) -> dict[str, Any]:
    """Learn from texts known on a day, judge on others, register, and promote if better than the champion.

    The same day, texts and configuration again change nothing. Too few labelled texts are no error: the decision is
    `waiting`.
    """
    declared = cast(Text, settings.learned[name])
    tables, config = labelled_texts.reads(declared, settings), [declared, settings.models.seed]
    txn = training.transaction(name, day, settings, tables, config, __name__)
    gather = labelled_texts.of_tones if declared.answers == THEME else labelled_texts.labelled
    challenge = _find_themes if declared.answers == THEME else _classify

    def collect() -> training.Lesson:
        frame = gather(txn, declared, day)

        def against(registry: Registry, champion: Version | None) -> tuple[Trained, Verdict]:
            try:
                return challenge(frame, declared, settings, load(registry, champion) if champion else None)
            except (linear.TooFewTexts, topics.TooFewTexts) as why:
                raise NotTrainable(str(why)) from None

        return training.Lesson(frame, against)

    return training.trained(name, day, settings, txn, collect)


def reads(name: str, settings: Settings) -> list[str]:
    """Nothing: texts were read in a step of their own."""
    return []


def score(asked: Asked) -> Scored:
    """Nobody is scored; texts are read in the step `texts`."""
    return Scored(pd.DataFrame(columns=ROWS), pd.DataFrame(), {}, {}, why_nobody=SCORES_NOBODY)


def load(registry: Registry, version: Version) -> Model:
    """A registered version, from its checked files. Raises ModelRefused if they are not those registered."""
    for path, data in registry.files(version).items():
        reader = text_serving.READERS.get(Path(path).name)
        if reader:
            return cast(Model, reader.from_bytes(data))
    raise NotTrainable(f"model {version.name} version {version.number} holds no texts; train again")


def _split(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    held = held_out(frame["key"]) if len(frame) else np.zeros(0, dtype=bool)
    if held.sum() < JUDGED_ON:
        wanted = JUDGED_ON * 5
        raise NotTrainable(f"{len(frame)} texts to learn from; about {wanted} are needed to learn and to judge")
    return frame[~held].reset_index(drop=True), frame[held].reset_index(drop=True)


def _classify(
    frame: pd.DataFrame, declared: Text, settings: Settings, champion: Model | None
) -> tuple[Trained, Verdict]:
    """Learn classes and compare with the champion, with the commonest class and, for sentiment, with the lexicon."""
    learn, judge = _split(frame)
    model = linear.learn(learn["text"].tolist(), learn["label"].tolist(), settings.models.seed, declared.in_texts)
    texts, truth = judge["text"].tolist(), judge["label"].to_numpy()
    found = np.array(model.predicted(texts)[0], dtype=object)
    right = (found == truth).astype(float)
    commonest = str(learn["label"].mode().iloc[0])
    rivals = {"the commonest class": np.full(len(judge), commonest, dtype=object)}
    if declared.answers == SENTIMENT:
        told = sentiment.by_lexicon(texts, judge["language"].tolist())[0]
        rivals["the lexicon"] = np.array(told, dtype=object)
    shares = {name: (theirs == truth).astype(float) for name, theirs in rivals.items()}
    against = {name: (float(one.mean()), intervals.mean(right - one)) for name, one in shares.items()}
    old = None
    if isinstance(champion, Classifier):
        old = (np.array(champion.predicted(texts)[0], dtype=object) == truth).astype(float)
    gain = None if old is None else intervals.mean(right - old)
    reached = float(right.mean())
    checks = [
        gate.at_least("accuracy", "accuracy", reached, declared.minimum_accuracy, "label more texts"),
        gate.beats_champion(
            "accuracy", reached, None if old is None else float(old.mean()), gain, declared.minimum_improvement
        ),
        *gate.holds_against("accuracy", reached, against),
    ]
    classes = sorted(set(truth))
    per_class = f1_score(truth.astype(str), found.astype(str), labels=classes, average=None, zero_division=0)
    figures = gate.figures(checks) | model.facts | {"macro_f1": float(per_class.mean())}
    figures |= {"learned_rows": float(len(learn)), "judged_rows": float(len(judge))}
    figures |= {f"f1_{_plain(name)}": float(one) for name, one in zip(classes, per_class, strict=True)}
    telling = "".join(f"{name}: {', '.join(model.telling(name, 20))}\n" for name in model.classes)
    named = dict(zip(classes, map(float, per_class), strict=True))
    trained = Trained(
        _logged(model.to_bytes(), "classes.npz", model.classes[0]),
        parameters=_parameters(declared, settings),
        metrics=figures,
        figures={"f1.png": plots.bars(named, "How well each class is known", "F1 on texts not learned from")},
        tables={"telling_words.txt": telling},
    )
    return trained, gate.decide(checks)


def _find_themes(
    frame: pd.DataFrame, declared: Text, settings: Settings, champion: Model | None
) -> tuple[Trained, Verdict]:
    """Find themes and compare how many texts they cover with those of the champion."""
    learn, judge = _split(frame)
    model = topics.learn(learn["text"].tolist(), declared.themes, settings.models.seed)
    texts = judge["text"].tolist()
    covered = np.array([theme is not None for theme in model.of(texts)], dtype=float)
    old = None
    if isinstance(champion, Topics):
        old = np.array([theme is not None for theme in champion.of(texts)], dtype=float)
    reached = float(covered.mean())
    checks = [
        gate.at_least("covered", "share of texts about one of the themes", reached, COVERED, "look for more themes"),
        gate.beats_champion(
            "share of texts covered",
            reached,
            None if old is None else float(old.mean()),
            None if old is None else intervals.mean(covered - old),
            declared.minimum_improvement,
        ),
    ]
    figures = gate.figures(checks) | {"learned_rows": float(len(learn)), "judged_rows": float(len(judge))}
    shares = model.shares(learn["text"].tolist())
    sizes = dict(zip(model.names, map(float, shares.sum(axis=0)), strict=True))
    trained = Trained(
        _logged(model.to_bytes(), "themes.npz", model.names[0]),
        parameters=_parameters(declared, settings),
        metrics=figures,
        figures={"themes.png": plots.bars(sizes, "Themes", "texts")},
        tables={"themes.txt": "".join(f"{name}\n" for name in model.names)},
    )
    return trained, gate.decide(checks)


def _plain(name: str) -> str:
    """A class as part of the name of a metric."""
    return "".join(character if character.isalnum() else "_" for character in name)[:80]


def _parameters(declared: Text, settings: Settings) -> dict[str, Any]:
    learned = ", ".join(f"{one.texts} by {one.told_by}" for one in declared.learns_from) or "no labels"
    own = declared.model_dump(exclude={"learns_from", "tones", *training.DESCRIBED})
    return own | {"learns_from": learned, "tones": " ".join(declared.tones), "seed": settings.models.seed}


def _logged(numbers: bytes, file: str, answer: str) -> Callable[[], Any]:
    example = pd.DataFrame({"text": ["prima geholpen"]})

    def log_model() -> Any:
        with tempfile.TemporaryDirectory() as folder:
            path, package = Path(folder) / file, Path(folder) / "code" / "jobs"
            path.write_bytes(numbers)
            for part in CARRIED:
                (package / "text" / part).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / "jobs" / "text" / part, package / "text" / part)
            (package / "__init__.py").write_text("", encoding="utf-8")
            return mlflow.pyfunc.log_model(
                name="model",
                python_model=text_serving.__file__,
                artifacts={text_serving.DOCUMENT: str(path)},
                code_paths=[str(package)],
                signature=infer_signature(example, np.array([answer])),
                input_example=example,
                pip_requirements=requirements(*NEEDS),
            )

    return log_model
