"""The configuration of the company being served: YAML files in `config/`, checked on load.

What each file may hold is in the module of its name. Secrets are never in these files: see jobs/config/connections.py.
"""

from __future__ import annotations

import contextlib
import os
import secrets as random_secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.config.actions.audience_checks import problems as audience_problems
from jobs.config.actions.audiences import Audience
from jobs.config.actions.contact_policy import FILE as POLICY
from jobs.config.actions.contact_policy import ContactPolicy
from jobs.config.actions.contact_policy import problems as policy_problems
from jobs.config.actions.content import Content, load_content
from jobs.config.actions.context import Context
from jobs.config.actions.costs import FILE as COSTS
from jobs.config.actions.costs import Costs
from jobs.config.actions.costs import problems as cost_problems
from jobs.config.actions.destinations import Destination, Destinations
from jobs.config.actions.destinations import problems as destination_problems
from jobs.config.actions.experiments import Experiment
from jobs.config.actions.experiments import problems as experiment_problems
from jobs.config.actions.feedback import FILE as FEEDBACK
from jobs.config.actions.feedback import Feedback
from jobs.config.actions.feedback import problems as feedback_problems
from jobs.config.actions.guard_rails import FILE as GUARD_RAILS
from jobs.config.actions.guard_rails import GuardRails
from jobs.config.actions.guard_rails import problems as guard_problems
from jobs.config.actions.interventions import FILE as INTERVENTIONS
from jobs.config.actions.interventions import Interventions
from jobs.config.actions.interventions import problems as intervention_problems
from jobs.config.actions.offers import FILE as OFFERS
from jobs.config.actions.offers import Offers
from jobs.config.actions.offers import problems as offer_problems
from jobs.config.actions.recommended import recommended_problems
from jobs.config.alerts import FILE as ALERTS
from jobs.config.alerts import Alerts
from jobs.config.alerts import problems as alert_problems
from jobs.config.company import General
from jobs.config.decisions import Placed, load_decisions
from jobs.config.decisions import problems as decision_problems
from jobs.config.exclusive_data import problems as exclusive_problems
from jobs.config.identity import Identity
from jobs.config.identity_checks import problems as identity_problems
from jobs.config.journey import journey_map
from jobs.config.journey.journey import Journey, check_stage_value
from jobs.config.journey.journey_map import JourneyMap
from jobs.config.journey.kpis import over_tables
from jobs.config.maturity import FILE as MATURITY
from jobs.config.maturity import Maturity
from jobs.config.models.kinds import load_learned
from jobs.config.models.kinds import problems as learned_problems
from jobs.config.models.learned import Learned
from jobs.config.models.shared import Models
from jobs.config.models.shared import problems as model_problems
from jobs.config.retention import FILE as RETENTION
from jobs.config.retention import Retention
from jobs.config.retention import problems as retention_problems
from jobs.config.sources.id_spaces import id_spaces
from jobs.config.sources.id_spaces import problems as id_space_problems
from jobs.config.sources.source import Source
from jobs.config.sources.trust import problems as trust_problems
from jobs.config.sources.trust import strangers
from jobs.config.traits import FEATURES, TABLE, Rows, Trait, Traits, feature_table, trait_table
from jobs.config.yaml_files import ConfigError, line_of, load, nearest
from jobs.lake.secret_keys import KEY
from jobs.lake.tables import catalogue
from jobs.lake.tables.contract import Dataset
from jobs.lake.tables.roots import cannot_be_at


@dataclass(frozen=True)
class Settings:
    """Everything under `config/`, loaded and checked."""

    folder: Path
    home: Path
    general: General
    sources: dict[str, Source]
    identity: Identity
    journey: Journey
    models: Models
    audiences: dict[str, Audience]
    destinations: dict[str, Destination]
    learned: dict[str, Learned] = field(default_factory=dict)
    """The declared models, by name."""
    traits: dict[str, Trait] = field(default_factory=dict)
    rows: dict[str, Rows] = field(default_factory=dict)
    decisions: tuple[Placed, ...] = ()
    journey_map: JourneyMap = field(default_factory=JourneyMap)
    content: Content = field(default_factory=Content)
    context: Context = field(default_factory=Context)
    feedback: Feedback = field(default_factory=Feedback)
    guard_rails: GuardRails = field(default_factory=GuardRails)
    alerts: Alerts = field(default_factory=Alerts)
    retention: Retention = field(default_factory=Retention)
    maturity: Maturity = field(default_factory=Maturity)
    costs: Costs = field(default_factory=Costs)
    offers: Offers = field(default_factory=Offers)
    policy: ContactPolicy = field(default_factory=ContactPolicy)
    interventions: Interventions = field(default_factory=Interventions)
    experiments: dict[str, Experiment] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    """Zones of the lake that are at another root: a rebuild for a past day leaves today's tables alone."""
    other_key: str = field(default="", repr=False)
    """A hash key in the place of the company's own, see `jobs.config.keys`."""

    @property
    def contracts(self) -> dict[str, Dataset]:
        """Tables to which this configuration adds columns, with those."""
        return {TABLE: trait_table(self.traits), FEATURES: feature_table(self.traits, self.models.features)}

    @property
    def owners(self) -> set[str]:
        """Everybody who answers for an audience, a KPI or a model."""
        owned = [one.owner for one in self.audiences.values()] + [one.owner for one in self.learned.values()]
        return {owner for owner in (*owned, *(one.owner for one in self.journey.kpis.values())) if owner}

    @property
    def id_spaces(self) -> dict[str, str]:
        """Sources whose contact ids are those of another source, with that source."""
        return id_spaces(self.sources)

    @property
    def whose_rows(self) -> list[Mapping[str, str]]:
        """What sources say that decides, beside the identifiers on a row, whose it is."""
        return [self.id_spaces, strangers(self.sources)]

    @property
    def tables(self) -> list[str]:
        """All tables this configuration can have, raw tables of its sources first."""
        raw = [catalogue.raw(source.source, name).name for source in self.sources.values() for name in source.inputs]
        return raw + list(catalogue.DATASETS)

    @property
    def lake(self) -> str:
        return self._place(self.general.lake)

    @property
    def landing(self) -> str:
        return self._place(self.general.landing)

    @property
    def context_file(self) -> Path | None:
        """Where the rows of decisions/context are put for other systems; None if config/context.yaml names no file."""
        return self.home / self.context.file if self.context.file else None

    @property
    def mlflow_uri(self) -> str:
        """Tracking store: MLFLOW_TRACKING_URI, or the SQLite file in `mlruns/`."""
        return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{self.home / 'mlruns' / 'mlflow.db'}"

    @property
    def mlflow_artifacts(self) -> Path:
        return self.home / "mlruns" / "artifacts"

    def hash_key(self) -> str:
        """The key of all keyed hashes: KLANTREIS_HASH_KEY, or a random one kept in the home folder."""
        from_environment = self.other_key or os.environ.get(KEY)
        if from_environment:
            return from_environment
        path = self.home / "var" / "hash.key"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f"hash.key.{random_secrets.token_hex(4)}")
            draft.touch(mode=0o600)
            draft.write_text(random_secrets.token_hex(32))
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)  # atomic: of two processes that start together, one key wins
            draft.unlink()
        return path.read_text().strip()

    def _place(self, value: str) -> str:
        return value if "://" in value else str((self.home / value).resolve())


def load_settings(folder: str | Path | None = None) -> Settings:
    """All of `folder` (default: KLANTREIS_CONFIG, or `config/` of the project), checked.

    Relative paths inside are below KLANTREIS_HOME, by default the parent of `folder`.
    Raises ConfigError with every problem found, not only the first.
    """
    project = Path(__file__).resolve().parents[2]
    folder = Path(folder or os.environ.get("KLANTREIS_CONFIG") or project / "config").resolve()
    if not folder.is_dir():
        raise ConfigError([f"{folder}: the configuration folder does not exist; give one with --config"])
    problems: list[str] = []

    def part(path: Path, model: type[Any]) -> Any:
        try:
            return load(path, model)
        except ConfigError as error:
            problems.extend(error.problems)
            return None

    def optional(name: str, model: type[Any]) -> Any:
        """A file that a company may leave out: all of it has defaults."""
        return part(folder / name, model) if (folder / name).exists() else model()

    declared = optional("traits.yaml", Traits)
    journey = part(folder / "journey.yaml", Journey)
    if journey and declared:
        try:
            check_stage_value(journey, declared.traits, folder / "journey.yaml")
            kpis = over_tables(journey.kpis, declared.rows, folder / "journey.yaml")
            journey = journey.model_copy(update={"kpis": kpis})
        except ConfigError as error:
            problems.extend(error.problems)
    settings = Settings(
        folder=folder,
        home=Path(os.environ.get("KLANTREIS_HOME") or folder.parent).resolve(),
        general=part(folder / "settings.yaml", General),
        sources={path.stem: part(path, Source) for path in sorted(folder.glob("sources/*.yaml"))},
        identity=part(folder / "identity.yaml", Identity),
        journey=journey,
        models=part(folder / "models.yaml", Models),
        learned=_listed(load_learned, folder, problems, {}),
        audiences={path.stem: part(path, Audience) for path in sorted(folder.glob("audiences/*.yaml"))},
        experiments={path.stem: part(path, Experiment) for path in sorted(folder.glob("experiments/*.yaml"))},
        destinations=_destinations(part, folder, problems),
        traits=declared.over_tables() if declared else {},
        rows=declared.rows if declared else {},
        decisions=_listed(load_decisions, folder, problems, ()),
        journey_map=optional(journey_map.FILE, JourneyMap),
        content=_listed(load_content, folder, problems, Content()),
        context=optional("context.yaml", Context),
        feedback=optional(FEEDBACK, Feedback),
        retention=optional(RETENTION, Retention),
        maturity=optional(MATURITY, Maturity),
        costs=optional(COSTS, Costs),
        offers=optional(OFFERS, Offers),
        alerts=optional(ALERTS, Alerts),
        guard_rails=optional(GUARD_RAILS, GuardRails),
        policy=optional(POLICY, ContactPolicy),
        interventions=optional(INTERVENTIONS, Interventions),
    )
    if not problems:
        problems = _cross_checks(settings)
    if problems:
        raise ConfigError(problems)
    return settings


def _destinations(part: Callable[[Path, type[Any]], Any], folder: Path, problems: list[str]) -> dict[str, Destination]:
    old = folder / "channels.yaml"
    if old.exists():
        problems.append(f"{old}: this file is called destinations.yaml now; rename it, what it says stays")
        return {}
    loaded = part(folder / "destinations.yaml", Destinations)
    return loaded.destinations if loaded else {}


def _listed(read: Callable[[Path], Any], folder: Path, problems: list[str], none: Any) -> Any:
    """What `read` finds in a folder of files, or `none` with its problems noted."""
    try:
        return read(folder)
    except ConfigError as error:
        problems.extend(error.problems)
        return none


def _cross_checks(settings: Settings) -> list[str]:
    """Names in one file that must exist in another."""
    path = settings.folder / "settings.yaml"
    problems = [f"{path}:{line_of(path, 'lake')}: lake: {why}"] if (why := cannot_be_at(settings.lake)) else []
    if not settings.sources:
        problems.append(f"{settings.folder / 'sources'}: no source is configured; add one file per source")
    for name, source in settings.sources.items():
        if source.source != name:
            problems.append(
                f"{settings.folder}/sources/{name}.yaml: source is {source.source!r}; name the file after it"
            )
    problems += id_space_problems(settings.folder, settings.sources)
    problems += trust_problems(settings.folder, settings.sources)
    problems += identity_problems(settings.folder / "identity.yaml", settings.identity, settings.sources)
    problems += decision_problems(settings.decisions, settings.sources)
    problems += journey_map.problems(settings.folder / journey_map.FILE, settings.journey_map, settings.journey)
    problems += model_problems(settings.folder / "models.yaml", settings.models, settings.traits)
    purposes = settings.identity.purposes
    problems += learned_problems(settings.folder, settings.learned, settings.models, settings.traits, purposes)
    problems += destination_problems(settings.folder / "destinations.yaml", settings.destinations, settings.sources)
    problems += audience_problems(
        settings.folder, settings.audiences, settings.journey.kpis, purposes, settings.destinations
    )
    problems += exclusive_problems(
        settings.folder, purposes, settings.traits, settings.audiences, settings.destinations, settings.policy,
        settings.context, settings.offers,
    )  # fmt: skip
    channels = settings.identity.contact_channels
    delivered = {dataset for source in settings.sources.values() for dataset in source.datasets}
    problems += cost_problems(
        settings.folder, settings.costs, settings.audiences, channels, settings.general, delivered
    )
    problems += offer_problems(
        settings.folder, settings.offers, settings.audiences, settings.destinations, settings.sources
    )
    problems += retention_problems(settings.folder / RETENTION, settings.retention)
    problems += alert_problems(settings.folder / ALERTS, settings.alerts, settings.owners)
    problems += guard_problems(settings.folder / GUARD_RAILS, settings.guard_rails, settings.sources)
    for name, one in settings.audiences.items():
        path = settings.folder / "audiences" / f"{name}.yaml"
        problems += guard_problems(path, one.guard_rails, settings.sources, "guard_rails")
    problems += feedback_problems(settings.folder / FEEDBACK, settings.feedback, settings.sources, settings.identity)
    problems += experiment_problems(settings.folder, settings.experiments, settings.journey.kpis, settings.audiences)
    problems += policy_problems(settings.folder / POLICY, settings.policy, channels, purposes, settings.audiences)
    problems += intervention_problems(
        settings.folder / INTERVENTIONS, settings.interventions, settings.audiences, settings.sources
    )
    if (told_for := settings.context.purpose) and told_for not in purposes:
        place = f"{settings.folder}/context.yaml:{line_of(settings.folder / 'context.yaml', 'purpose')}"
        problems.append(f"{place}: unknown purpose {told_for!r}{nearest(told_for, purposes)}")
    shown = {f"audiences/{name}.yaml": one.recommended for name, one in settings.audiences.items()}
    problems += recommended_problems(
        settings.folder, {"context.yaml": settings.context.recommended, **shown}, settings.learned
    )
    return problems
