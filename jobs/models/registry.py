"""The model registry: which version of a model is champion, how a version becomes it, and the way back.

A version is registered once, judged once and remembers both in its tags: `decision` and `reason`, `previous_champion`
for the way back, `settled` when the alias was moved. A retry after a crash finishes what the tags say was decided.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from requests.exceptions import RequestException
from sqlalchemy.exc import SQLAlchemyError

from jobs.config.settings import Settings
from jobs.errors import ModelRefused
from jobs.models import artifacts, cards
from jobs.models.gate import Verdict, awaiting

logger = logging.getLogger(__name__)
CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True)
class Version:
    """One registered version of a model."""

    name: str
    number: str
    run_id: str
    tags: dict[str, str]

    @property
    def day(self) -> date:
        return date.fromisoformat(self.tags["day"])


@dataclass
class Trained:
    """What a training leaves behind: how to log the model, and everything to remember about it. No personal data."""

    log_model: Callable[[], Any]
    parameters: dict[str, Any]
    metrics: dict[str, float]
    figures: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    """Lines of the model card: what they are about, and what is so."""


class Registry:
    """The registry of one installation. Every failure to reach it is a ModelRefused that says where it is."""

    def __init__(self, settings: Settings):
        self.uri = settings.mlflow_uri
        self._artifacts = settings.mlflow_artifacts
        self._key = settings.hash_key()
        self._learned, self._lake = settings.learned, (settings.lake, settings.elsewhere)
        for chatty in ("mlflow", "alembic"):
            logging.getLogger(chatty).setLevel(logging.ERROR)
        if self.local:
            Path(self.uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        with self._reaching():
            mlflow.set_tracking_uri(self.uri)
            mlflow.set_registry_uri(self.uri)
            self.client = MlflowClient(self.uri, self.uri)

    @property
    def local(self) -> bool:
        return self.uri.startswith("sqlite:///")

    def versions(self, name: str) -> list[Version]:
        """All versions of a model, newest first."""
        with self._reaching():
            found = self.client.search_model_versions(f"name='{name}'", max_results=10_000)
        ordered = sorted(found, key=lambda version: -int(version.version))
        return [Version(name, str(v.version), str(v.run_id), dict(v.tags)) for v in ordered]

    def champion(self, name: str) -> Version | None:
        """The version scores are made with, or None."""
        with self._reaching():
            models = self.client.search_registered_models(f"name='{name}'")
        number = models[0].aliases.get(CHAMPION) if models else None
        return next((v for v in self.versions(name) if v.number == str(number)), None) if number else None

    def find(self, name: str, tag: str, value: str) -> Version | None:
        """The newest judged version with that tag: `fingerprint` of its data, or `transaction` it was made in."""
        same = (version for version in self.versions(name) if version.tags.get(tag) == value)
        return next((version for version in same if "decision" in version.tags), None)

    def register(self, name: str, trained: Trained, tags: dict[str, str]) -> Version:
        """Log a run with its model and register the model as a new version: the challenger."""
        with self._reaching():
            experiment = self._experiment(name)
            text = cards.card(self._learned.get(name), name, tags, trained.told)
            noted = {**tags, cards.NOTE: text}
            with mlflow.start_run(experiment_id=experiment, run_name=f"{name} {tags['day']}", tags=noted) as run:
                for table in cards.inputs(tags, *self._lake):
                    mlflow.log_input(table, context="training")
                mlflow.log_params(trained.parameters)
                mlflow.log_metrics(trained.metrics)
                for file, figure in trained.figures.items():
                    mlflow.log_figure(figure, file)
                for file, table in trained.tables.items():
                    mlflow.log_text(table, file)
                model = trained.log_model()
            self._ensure_model(name)
            location = self.client.get_logged_model(model.model_id).artifact_location
            sealed = self._seal(location, name)
            version = self.client.create_model_version(
                name,
                location,
                run_id=run.info.run_id,
                model_id=model.model_id,
                tags={**tags, **sealed},
                description=text,
            )
            self.client.set_registered_model_alias(name, CHALLENGER, version.version)
        return Version(name, str(version.version), run.info.run_id, {**tags, **sealed})

    def keep(self, name: str, tags: dict[str, str], log: Callable[[], None]) -> str:
        """Log a run of parameters, sealed like any model, and make it the version in use; return its number."""
        with self._reaching():
            experiment = self._experiment(name)
            text = cards.card(self._learned.get(name), name, tags, {})
            noted = {**tags, cards.NOTE: text}
            with mlflow.start_run(experiment_id=experiment, run_name=f"{name} {tags['day']}", tags=noted) as run:
                log()
            self._ensure_model(name)
            place = run.info.artifact_uri
            sealed = self._seal(place, name)
            version = self.client.create_model_version(
                name, place, run_id=run.info.run_id, tags={**tags, **sealed}, description=text
            )
            self.client.set_registered_model_alias(name, CHAMPION, version.version)
        return str(version.version)

    def _seal(self, location: str, name: str) -> dict[str, str]:
        """Tags that say which files were registered, and that this installation did it."""
        files = artifacts.manifest(self._folder(location, name))
        return {"files": json.dumps(files, sort_keys=True), "seal": artifacts.seal(files, self._key)}

    def settle(self, version: Version, verdict: Verdict | None = None) -> Version:
        """Write down the decision, then act on it. Without `verdict`: finish what an earlier try wrote down.

        A version of a model that a person must approve is not used, but waits.
        """
        tags = dict(version.tags)
        learned = self._learned.get(version.name)
        if verdict and learned and learned.approval == "person":
            verdict = awaiting(verdict)
        if verdict:
            champion = self.champion(version.name)
            tags |= {"decision": verdict.decision, "reason": verdict.reason}
            tags |= {"previous_champion": champion.number if champion else ""}
            self._tag(version, {key: tags[key] for key in ("reason", "previous_champion", "decision")})
        if tags.get("settled") != "true":
            if tags["decision"] == "promoted":
                self._alias(version.name, version.number)
            self._describe(version, tags)
            self._tag(version, {"settled": "true"})
            self.explain_absence(version.name, tags["reason"])
        return Version(version.name, version.number, version.run_id, {**tags, "settled": "true"})

    def approve(self, version: Version, by: str, because: str) -> None:
        """Make a version champion because a person said so; who and why stay with it."""
        champion = self.champion(version.name)
        told = {"previous_champion": champion.number if champion else "", "approved_by": by}
        told |= {"approved_because": because, "decision": "promoted", "settled": "true"}
        self._tag(version, told)
        self._alias(version.name, version.number)
        self._describe(version, {**version.tags, **told})

    def description(self, version: Version) -> str:
        """The card of a version, as MLflow shows it."""
        with self._reaching():
            return str(self.client.get_model_version(version.name, version.number).description or "")

    def _describe(self, version: Version, tags: dict[str, str]) -> None:
        """The decision on the card, of the version and of its run."""
        text = cards.decided(self.description(version), tags)
        with self._reaching():
            self.client.update_model_version(version.name, version.number, description=text)
            if version.run_id:
                self.client.set_tag(version.run_id, cards.NOTE, text)

    def explain_absence(self, name: str, reason: str) -> None:
        """Remember what the last training said, so that scoring without champion can tell why there is none."""
        with self._reaching():
            self._ensure_model(name)
            self.client.set_registered_model_tag(name, "last_training", reason)

    def absence(self, name: str) -> str | None:
        """What the last training of a model said, or None if it was never trained."""
        with self._reaching():
            models = self.client.search_registered_models(f"name='{name}'")
        return models[0].tags.get("last_training") if models else None

    def remember_drift(self, version: Version, day: date) -> None:
        """Note on a version that the customers of `day` are no longer those it learned from."""
        self._tag(version, {"drifted_on": day.isoformat()})

    def metrics(self, version: Version) -> dict[str, float]:
        """The metrics logged with a version."""
        with self._reaching():
            return dict(self.client.get_run(version.run_id).data.metrics)

    def parameters(self, version: Version) -> dict[str, str]:
        """The settings logged with a version."""
        with self._reaching():
            return dict(self.client.get_run(version.run_id).data.params)

    def files(self, version: Version, key: str = "") -> dict[str, bytes]:
        """The checked files of a version, by relative path. Raises ModelRefused if they are not as registered: sealed
        under the key of today, or the one that is given."""
        what = f"model {version.name} version {version.number}"
        with self._reaching():
            location = self.client.get_model_version_download_uri(version.name, version.number)
        if "files" not in version.tags:
            raise ModelRefused(f"{what} was not registered by Klantreis: it has no list of files; train again")
        folder = self._folder(location, version.name)
        files, seal = json.loads(version.tags["files"]), version.tags.get("seal", "")
        return artifacts.verified(folder, files, seal, key or self._key, what)

    def reseal(self, version: Version, by: str) -> None:
        """Seal a version under the key of today, because somebody vouches for its files."""
        files = json.loads(version.tags["files"])
        self._tag(version, {"seal": artifacts.seal(files, self._key), "resealed_by": by})

    def rollback(self, name: str) -> dict[str, str]:
        """Make the champion before the present one champion again. Raises ModelRefused if there was none."""
        champion = self.champion(name)
        previous = champion.tags.get("previous_champion") if champion else None
        if champion is None or not previous:
            raise ModelRefused(f"model {name} has no earlier champion to go back to")
        self._alias(name, previous)
        self._tag(champion, {"rolled_back": "true"})
        return {"model": name, "champion": previous, "was": champion.number}

    def _alias(self, name: str, number: str) -> None:
        with self._reaching():
            self.client.set_registered_model_alias(name, CHAMPION, number)

    def _tag(self, version: Version, tags: dict[str, str]) -> None:
        with self._reaching():
            for key, value in tags.items():
                self.client.set_model_version_tag(version.name, version.number, key, value)

    def _experiment(self, name: str) -> str:
        found = self.client.get_experiment_by_name(name)
        told = {cards.NOTE: cards.about(self._learned.get(name), name), cards.KIND_OF_EXPERIMENT: cards.TRAINING}
        if not found:
            place = (self._artifacts / name).as_uri() if self.local else None  # a server knows its own place
            return str(self.client.create_experiment(name, artifact_location=place, tags=told))
        for key, value in told.items():
            if found.tags.get(key) != value:
                self.client.set_experiment_tag(found.experiment_id, key, value)
        return str(found.experiment_id)

    def _ensure_model(self, name: str) -> None:
        told, found = cards.about(self._learned.get(name), name), self.client.search_registered_models(f"name='{name}'")
        if not found:
            self.client.create_registered_model(name, description=told)
        elif found[0].description != told:
            self.client.update_registered_model(name, description=told)

    def _folder(self, location: str, name: str) -> Path:
        parts = urlsplit(location)
        if parts.scheme not in ("file", ""):
            return Path(mlflow.artifacts.download_artifacts(artifact_uri=location))
        folder = Path(unquote(parts.path))
        if self.local and (".." in folder.parts or not folder.resolve().is_relative_to(self._artifacts.resolve())):
            raise ModelRefused(f"model {name}: its files are outside {self._artifacts}; train again")
        return folder

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except (MlflowException, RequestException, SQLAlchemyError, OSError) as error:
            place = urlsplit(self.uri)._replace(netloc=urlsplit(self.uri).netloc.rpartition("@")[2]).geturl()
            logger.debug("model registry", exc_info=True)
            raise ModelRefused(
                f"the model registry at {place} cannot be used ({type(error).__name__}); start the MLflow server, or "
                "correct MLFLOW_TRACKING_URI (without it, mlruns/mlflow.db is used)"
            ) from error


def rollback(name: str, settings: Settings) -> dict[str, str]:
    """One step back: the previous champion is champion again."""
    return Registry(settings).rollback(name)


def required_champion(registry: Registry, name: str) -> Version | None:
    """The champion; None if training said why there is none yet. Raises ModelRefused if nobody ever trained it."""
    champion = registry.champion(name)
    if champion is None and registry.absence(name) is None:
        raise ModelRefused(
            f"model {name} was never trained, so nobody can be scored; run `klantreis run --until train` or trigger "
            "the DAG retrain_models"
        )
    return champion


def training_due(name: str, day: date, settings: Settings) -> bool:
    """Whether to train on `day`: never done, `retrain_days` ago, or customers drifted since (see `scoring.run`)."""
    versions = Registry(settings).versions(name)
    newest = max((version.day for version in versions), default=None)
    if newest is None or newest + timedelta(days=settings.models.retrain_days) <= day:
        return True
    drifted = [date.fromisoformat(v.tags["drifted_on"]) for v in versions if "drifted_on" in v.tags]
    return any(newest < seen <= day for seen in drifted)
