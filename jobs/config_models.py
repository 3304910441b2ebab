"""The models that check config/*.yaml: every key, its type, its default and what it means."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from jobs import schemas
from jobs.config_formats import Limits
from jobs.config_sources import known_zone
from jobs.yaml_files import Strict, nearest


class General(Strict):
    """config/settings.yaml: the company and where its data is."""

    company: str
    timezone: str = "UTC"
    currency: str = "EUR"
    country: str = Field("NL", pattern="^[A-Z]{2}$", description="used for phone numbers without country code")
    landing: str
    lake: str
    limits: Limits = Limits()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return known_zone(value)


Stage = Literal["awareness", "consideration", "purchase", "service", "loyalty"]
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]


class Measure(Strict):
    """A number per customer and day that stage rules use: touchpoints for which `when` is true in the last `days`."""

    when: str
    days: int | None = Field(None, gt=0, description="window, the day itself included; default: ever")
    sum: str | None = Field(None, description="add up this expression; default: count the touchpoints")


class StageRule(Strict):
    """A customer is in `stage` on days on which `when` is true; the first rule that is true wins."""

    stage: Stage
    name: str
    when: str


class ValenceRule(Strict):
    """A touchpoint for which `when` is true was good or bad for the customer; the first rule that is true wins."""

    name: str
    when: str
    valence: Literal["positive", "negative", "neutral"]


class Signal(Strict):
    """Evidence for a micro-moment: events for which `when` is true count for `weight`."""

    when: str
    weight: int = Field(1, gt=0)
    at_most: int = Field(1, gt=0, description="events of one visit that count; more of the same proves nothing more")


class MomentType(Strict):
    """One type of micro-moment: its evidence, how long acting on it is useful, and what serves it."""

    signals: dict[Name, Signal]
    expires_after_minutes: int = Field(gt=0, description="minutes after the last evidence")
    served_when: str = Field(description="condition on events: one such event in the visit serves the moment")


class Kpi(Strict):
    """A number per day: `numerator` out of `denominator`, aggregates in SQL over the rows of `table` of that day.

    Over `customers` and `stages`, both are conditions instead, and count the customers for whom they hold that day.
    """

    stage: Stage
    title: str
    unit: Literal["count", "share", "currency", "points", "score", "minutes", "per visit"]
    table: Literal["sessions", "carts", "touchpoints", "moments", "stages", "customers"]
    where: str = "true"
    numerator: str
    denominator: str | None = Field(None, description="default: the numerator is the value")
    dimension: str | None = Field(None, description="also one value for each of these, such as channel")


class Journey(Strict):
    """config/journey.yaml: sessions, touchpoints, stages, micro-moments and KPIs."""

    session_gap_minutes: int = Field(30, gt=0)
    cart_days: int = Field(3, gt=0, description="a basket untouched for longer is abandoned")
    click_days: int = Field(7, gt=0, description="a click longer after the message is no answer to it")
    channels: dict[Name, str] = Field({}, description="traffic channel to a condition on a visit's first event")
    valence: list[ValenceRule] = []
    measures: dict[Name, Measure] = {}
    stages: list[StageRule]
    minimum_evidence: int = Field(1, ge=1, description="a moment with less weight of evidence is too little to tell")
    minimum_confidence: float = Field(0.5, ge=0, le=1, description="a moment with a smaller share of evidence is none")
    moments: dict[Literal["know", "go", "do", "buy"], MomentType] = {}
    kpis: dict[Name, Kpi] = {}

    @field_validator("stages")
    @classmethod
    def _everybody_has_a_stage(cls, rules: list[StageRule]) -> list[StageRule]:
        if not rules or rules[-1].when.strip().lower() != "true":
            raise ValueError('the last rule must be `when: "true"`, so that every customer has a stage')
        names = [rule.name for rule in rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two rules are named {twice[0]!r}; the history could not say which one decided")
        return rules


class Words(Strict):
    """How a feature is called in a segment's name: an adjective for much of it, and one for little."""

    high: str
    low: str


class Segmentation(Strict):
    """How customers are segmented."""

    features: list[str]
    words: dict[str, Words] = Field({}, description="adjectives per feature; without them names say high or low")
    k_min: int = Field(3, ge=2)
    k_max: int = Field(8, ge=2)
    minimum_share: float = Field(0.05, ge=0, lt=1, description="share of customers the smallest segment must hold")
    silhouette_tolerance: float = Field(
        0.1, ge=0, lt=1, description="share of the best silhouette given up for more segments"
    )
    minimum_overlap: float = Field(0.3, ge=0, le=1, description="share of customers a segment keeps to keep its name")
    minimum_silhouette: float = Field(0.05, description="below this, segments are not apart: the model is refused")
    minimum_improvement: float = 0.0

    @model_validator(mode="after")
    def _known_features(self) -> Segmentation:
        _check_features(self.features + list(self.words))
        if not self.features:
            raise ValueError("features: name at least one feature of models/features")
        if self.k_min > self.k_max:
            raise ValueError(f"k_min ({self.k_min}) is more than k_max ({self.k_max})")
        return self


class Churn(Strict):
    """How churn is defined and predicted: no order in the `horizon_days` after a day counts as churned."""

    features: list[str] = Field([], description="columns of models/features to learn from; default: all")
    horizon_days: int = Field(28, gt=0)
    active_days: int = Field(84, gt=0, description="only customers with an order in this many days are scored")
    training_snapshots: int = Field(6, ge=1)
    evaluation_snapshots: int = Field(2, ge=1, description="later days the model is judged on")
    snapshot_step_days: int = Field(14, gt=0)
    minimum_improvement: float = 0.0
    minimum_auc: float = 0.6
    parameters: dict[str, int | float | str] = Field({}, description="LightGBM parameters that replace ours")
    bands: dict[str, float] = {"high": 0.6, "medium": 0.3, "low": 0.0}

    @model_validator(mode="after")
    def _known_features(self) -> Churn:
        _check_features(self.features)
        if not self.bands or min(self.bands.values()) > 0:
            raise ValueError("bands: one band must start at 0, or the lowest scores have no label")
        return self


def _check_features(names: list[str]) -> None:
    valid = [name for name in schemas.get("models/features").column_names if name not in ("day", "customer_id")]
    for name in names:
        if name not in valid:
            raise ValueError(f"unknown feature {name!r}{nearest(name, valid)}")


class Drift(Strict):
    """When customers no longer look like those a model learned from."""

    psi_limit: float = Field(0.25, gt=0, description="population stability index over which a feature has moved")
    minimum_weight: float = Field(0.3, gt=0, le=1, description="share of a model's weight on moved features to retrain")


class Models(Strict):
    """config/models.yaml."""

    segmentation: Segmentation
    churn: Churn
    drift: Drift = Drift()
    retrain_days: int = Field(7, gt=0, description="days between trainings when nothing drifts")
    seed: int = 1


class Delivery(Strict):
    """One destination of an audience."""

    template: str | None = Field(None, description="message in config/templates, for e-mail")
    list_id: str | None = Field(None, description="id of the list at the destination, for ads")
    cooldown_days: int = Field(30, ge=0, description="days before the same person gets the same message again")


class Audience(Strict):
    """config/audiences/NAME.yaml: who is in it, why it exists, where it goes."""

    audience: str = Field(pattern="^[a-z][a-z0-9_]*$")
    title: str
    goal: str
    owner: str
    stage: Literal["awareness", "consideration", "purchase", "service", "loyalty"]
    where: str
    evidence: list[str] = []
    holdout: float = Field(0.1, ge=0, lt=1)
    purpose: str
    send_to: dict[str, Delivery]


class Destination(Strict):
    """config/channels.yaml: one place audiences go. `connection` names an Airflow connection."""

    type: Literal["smtp", "google_data_manager"]
    channel: str
    connection: str
    max_reject_share: float = Field(0.0, ge=0, le=1, description="share of refused rows at which the task fails")
    max_remove_share: float = Field(0.5, ge=0, le=1, description="share of members above which removals stop")
    always_remove: int = Field(10, ge=0, description="so many removals at once are never too many")
    batch_size: int | None = Field(None, gt=0, description="operations at once; default: 500 e-mails, 10,000 members")
    options: dict[str, str | int | float | bool] = {}


class Channels(Strict):
    """config/channels.yaml."""

    destinations: dict[str, Destination]
