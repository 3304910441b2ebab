"""The models that check config/*.yaml: every key, its type, its default and what it means."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from jobs import schemas
from jobs.config_formats import Limits
from jobs.config_sources import known_zone
from jobs.yaml_files import Strict, nearest

IdentifierKind = Literal["contact", "email", "phone", "login", "cookie", "loyalty"]
Fact = Literal["name", "birth_date"]
RecordKind = Literal[
    "given_name",
    "family_name",
    "middle_name",
    "full_name",
    "name_suffix",
    "birth_date",
    "gender",
    "address",
    "street",
    "house_number",
    "postcode",
    "city",
    "region",
    "email",
    "phone",
    "company",
    "national_id",
    "text",
    "category",
    "ignore",
]
"""What a column of a record tells, for matching by probability."""
GOLDEN_ATTRIBUTES = (
    *("first_name", "last_name", "birth_date", "gender", "street", "postcode", "city", "country", "language"),
    *("household_id", "email", "phone", "attributes"),
)
"""Attributes of a contact of which a customer gets the best value."""


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


class Purpose(Strict):
    """A purpose personal data may be used for, and the channels people are asked about."""

    channels: list[str]
    expires_after_days: int | None = Field(
        None, gt=0, description="a yes that names no end lasts this long; default: until it is withdrawn"
    )


class ContactChannel(Strict):
    """A channel people are asked about: what it needs, and what campaign tools call it."""

    reached_by: list[Literal["email", "phone", "address"]] = Field(
        [], description="any of these makes a customer reachable; default: always reachable"
    )
    also_called: list[str] = Field([], description="names of this channel in campaign_events")


class Households(Strict):
    """Who lives together: the same declared household, or the same address and family name."""

    size_cap: int = Field(10, ge=1, description="more customers than this at one address are no household")


class Identifier(Strict):
    """How far one kind of identifier is trusted to link records."""

    links: bool = True
    shared_by_at_most: int = Field(
        10, ge=1, description="contacts, logins, ... an identifier may be seen with; beyond that it links nobody"
    )
    only_if_same: list[Fact] = Field([], description="links two contacts only if both tell these and they fit")
    unless_different: list[Fact] = Field([], description="links two contacts unless both tell these and they differ")


class Matching(Strict):
    """How records without a common identifier are found to be one person (Splink), and what then keeps them apart."""

    enabled: bool = True
    match: float = Field(0.5, gt=0, lt=1, description="probability from which two records are one person")
    review: float = Field(0.2, gt=0, lt=1, description="probability from which a person should look at the pair")
    deduplicated: list[str] = Field([], description="sources in which nobody occurs twice: never linked within")
    largest_group: int = Field(200, ge=2, description="records of one person; a group that grows beyond is cut")
    conflicts: list[Literal["given_name", "birth_date", "national_id"]] = Field(
        ["given_name", "birth_date", "national_id"],
        description="facts that, if they differ clearly, ask for more other evidence",
    )
    names_alone: bool = Field(
        False, description="whether two records of which only names can be compared may be linked"
    )
    conflict_weight: float = Field(
        6.0, ge=0, description="how much more, as log2 of the odds; a large number makes every conflict final"
    )
    pairs_per_record: float = Field(200, gt=0, description="pairs compared, on average per record")
    pairs_at_most: int = Field(20_000_000, gt=0, description="pairs compared in all")

    @property
    def weight(self) -> float:
        """`match` as log2 of the odds."""
        return math.log2(self.match / (1 - self.match))

    @property
    def doubt(self) -> float:
        """`review` as log2 of the odds."""
        return math.log2(self.review / (1 - self.review))

    @model_validator(mode="after")
    def _doubt_before_certainty(self) -> Matching:
        if self.review > self.match:
            raise ValueError(f"review ({self.review}) is more than match ({self.match}): nothing would be in doubt")
        return self


CRITERIA: dict[str, str] = {
    "source": "sources in the order of `sources`, those not named last",
    "verified": "records whose attribute `verified` is true",
    "newest": "the record written last",
    "oldest": "the record written first",
    "most_frequent": "the value most records agree on, of those equal so far",
    "longest": "the longest text",
    "longest_valid": "the value that has stood unchanged for longest",
    "most_complete": "the record with most attributes filled",
}
"""Criteria of a golden record rule and what they prefer."""


class GoldenRule(Strict):
    """Which value of an attribute wins: by the first of the criteria in `order` that tells the records apart.

    Records equal in all of them: the newest, then by name of source and id, so that the same data gives the same value.
    """

    sources: list[str] = Field([], description="sources, most trusted first")
    order: list[str] = Field(["source", "newest"], description="criteria: " + ", ".join(CRITERIA))
    verified: str | None = Field(None, description="attribute of a record that is true when it was verified")
    together: list[str] = Field([], description="attributes taken from the winning record too, such as an address")

    @field_validator("order")
    @classmethod
    def _known_criteria(cls, order: list[str]) -> list[str]:
        for name in order:
            if name not in CRITERIA:
                raise ValueError(f"unknown criterion {name!r}{nearest(name, CRITERIA)}")
        _refuse_circle(order)
        if {"newest", "oldest"} <= set(order):
            raise ValueError("newest and oldest contradict each other; keep one")
        return order

    @field_validator("sources")
    @classmethod
    def _no_circle(cls, sources: list[str]) -> list[str]:
        _refuse_circle(sources)
        return sources

    @model_validator(mode="after")
    def _verified_by_what(self) -> GoldenRule:
        if ("verified" in self.order) != (self.verified is not None):
            raise ValueError("the criterion verified and the key `verified: ATTRIBUTE` need each other")
        return self


def _refuse_circle(names: list[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValueError(f"{twice!r} is named twice: it would come before itself; keep one")


class Identity(Strict):
    """config/identity.yaml: what links records, which source wins, what people may be asked consent for."""

    identifiers: dict[IdentifierKind, Identifier] = Field({}, validate_default=True)
    junk: dict[IdentifierKind, list[str]] = {}
    matching: Matching = Matching()
    golden_record: dict[str, GoldenRule]
    purposes: dict[str, Purpose]
    channels: dict[str, ContactChannel] = {}
    households: Households = Households()

    @field_validator("identifiers", mode="before")
    @classmethod
    def _careful_defaults(cls, given: Any) -> Any:
        """A household shares its phone, its tablet and often a mailbox: unless told otherwise these link with care."""
        if not isinstance(given, dict) or not all(isinstance(rule, dict | None) for rule in given.values()):
            return given
        careful: dict[str, dict[str, Any]] = {
            "phone": {"only_if_same": ["name"], "unless_different": ["birth_date"]},
            "email": {"unless_different": ["name", "birth_date"]},
            "cookie": {"shared_by_at_most": 1, "unless_different": ["name", "birth_date"]},
        }
        kinds = [*get_args(IdentifierKind), *(kind for kind in given if kind not in get_args(IdentifierKind))]
        return {kind: {**careful.get(kind, {}), **(given.get(kind) or {})} for kind in kinds}

    @property
    def contact_channels(self) -> dict[str, ContactChannel]:
        """Every channel of a purpose, with what is known about it."""
        asked = sorted({channel for purpose in self.purposes.values() for channel in purpose.channels})
        return {name: self.channels.get(name) or _USUAL_CHANNELS.get(name, ContactChannel()) for name in asked}


_USUAL_CHANNELS = {
    "email": ContactChannel(reached_by=["email"]),
    "sms": ContactChannel(reached_by=["phone"]),
    "phone": ContactChannel(reached_by=["phone"]),
    "whatsapp": ContactChannel(reached_by=["phone"]),
    "mail": ContactChannel(reached_by=["address"]),
    "ads": ContactChannel(reached_by=["email", "phone"], also_called=["ad"]),
}


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
