"""config/audiences/NAME.yaml: an action. Who it is for, why, where and when, what it is worth, who answers for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from jobs.config.actions.guard_rails import GuardRails
from jobs.config.actions.recommended import RecommendedInMessages
from jobs.config.journey.kpis import Name
from jobs.config.journey.moments import Moment
from jobs.config.sources.source import Source
from jobs.config.yaml_files import Strict, nearest
from jobs.lake.tables.canonical import CANONICAL

TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Outcome = Literal["sent", "opened", "not_opened", "clicked", "not_clicked", "ordered", "not_ordered"]


DECIDES = ("objective", "after", "value", "slot", "budget", "offer", "when", "approval")
"""Keys of an action that competes with others; one of them asks for the KPI it is to move and for its last day."""


class Delivery(Strict):
    """One destination of an audience."""

    template: str | None = Field(None, description="message in config/templates, for e-mail")
    list_id: str | None = Field(None, description="id of the list at the destination, for ads")
    cooldown_days: int = Field(30, ge=0, description="days before the same person gets the same message again")


class Effect(Strict):
    """How what an audience does is measured, against those held out."""

    within_days: int = Field(14, ge=1, le=365, description="days after somebody came in whose orders count")
    cost: float = Field(0, ge=0, description="of reaching one customer, in the company's currency")
    margin: float = Field(1, gt=0, le=1, description="share of revenue that is kept")


class Learn(Strict):
    """What is learned of when to write, from how people responded whom the action wrote to before."""

    of: list[Literal["days", "hours"]] = Field(
        ["hours"], min_length=1, description="days: how long after `since`, inside `at_least` and `at_most`; hours: at "
        "which hour of the customer's clock, inside `earliest`, `latest` and quiet hours"
    )  # fmt: skip
    response: Literal["ordered", "clicked", "opened"] = Field("ordered", description="what counts as a response")
    within_days: int = Field(7, ge=1, le=90, description="days after a message in which it counts")
    of_days: int = Field(
        180, ge=14, le=730, description="messages of so many days; what is older is forgotten, and tried again"
    )
    least: int = Field(30, ge=1, description="responses below which nothing is learned")
    most_refusals: float = Field(
        0.02, gt=0, le=1, description="share of messages that may be answered by unsubscribing or complaining"
    )


class When(Strict):
    """When a message may be sent, by the clock of the customer, and how fresh what it rests on has to be."""

    earliest: TimeOfDay = Field("00:00", description="time of day from which on it may be sent, such as '09:00'")
    latest: TimeOfDay = Field("23:59", description="last time of day at which it may be sent")
    evidence_days: int | None = Field(
        None, ge=0, description="scores that its rule or value looks at are no older than so many days, or it waits"
    )

    since: Name | None = Field(
        None, description="column of the customer view with the days since what it is about, such as basket_age_days"
    )
    at_least: int | None = Field(None, ge=0, description="days since then, at least: earlier is creepy")
    at_most: int | None = Field(None, ge=0, description="days since then, at most: later is waste")
    learn: Learn | None = None

    @model_validator(mode="after")
    def _guarded(self) -> When:
        if self.since is None and (self.at_least is not None or self.at_most is not None):
            raise ValueError("since: say of which column at_least and at_most are days")
        if self.since is not None and (self.at_least is None or self.at_most is None):
            raise ValueError("at_least: `since` needs at_least and at_most; nothing is learned beyond these")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_most: {self.at_most} is less than at_least {self.at_least}; nobody would ever be in")
        if self.learn and "days" in self.learn.of and self.since is None:
            raise ValueError("learn: to learn days say `since`, at_least and at_most")
        return self

    @model_validator(mode="after")
    def _some_time(self) -> When:
        if self.earliest > self.latest:
            raise ValueError(
                f"latest: {self.latest!r} is before earliest {self.earliest!r}; nothing would ever be sent"
            )
        return self


class Budget(Strict):
    """What may be spent on an action in any so many days in a row, today included. The most valuable come first."""

    count: int | None = Field(None, ge=0, description="messages and additions to lists, at most")
    amount: float | None = Field(
        None, ge=0, description="`cost` of these and of the codes given along, at most, in the company's currency"
    )
    margin: float | None = Field(
        None, ge=0, description="what the codes given along take of the margin, at most, in the company's currency"
    )
    days: int = Field(1, ge=1, le=365, description="in any so many days in a row")

    @model_validator(mode="after")
    def _of_something(self) -> Budget:
        if self.count is None and self.amount is None and self.margin is None:
            raise ValueError("say count, amount, margin or several of them")
        return self


class After(Strict):
    """Which other action has to have come out how before this one, for each customer."""

    action: str = Field(description="name of the other action")
    outcome: Outcome = Field(description="what came of it since it was sent; `sent`: whatever came of it")
    days: int = Field(1, ge=0, le=365, description="days that have to have passed since it was sent")
    within_days: int = Field(30, ge=1, le=365, description="not later than so many days after it was sent")

    @model_validator(mode="after")
    def _in_order(self) -> After:
        if self.days > self.within_days:
            raise ValueError(f"within_days: {self.within_days} is less than days {self.days}; nobody would ever be in")
        return self


class Audience(Strict):
    """config/audiences/NAME.yaml: who is in it, why it exists, where it goes."""

    audience: Name
    title: str
    goal: str
    owner: str
    kpi: str | None = Field(None, description="the KPI of journey.yaml that it is to move; what decides has one")
    expires: date | None = Field(
        None,
        description="the last day it is done; later nobody is in it, and lists are emptied; what decides has one",
    )
    objective: Name | None = Field(None, description="what actions have in common, so that a cap can be about them all")
    stage: Literal["awareness", "consideration", "purchase", "service", "loyalty"]
    where: str
    moment: Moment | None = Field(
        None, description="only who has such a micro-moment that nothing served yet, and only while it lasts"
    )
    after: After | None = Field(None, description="only who had another action, and how that came out")
    evidence: list[str] = []
    needs: list[str] = Field(
        [],
        description="datasets without which its rule would say something else than it means, such as tickets, or "
        "those of one source, as network/tickets: while no source delivers one of them it is off, and "
        "`klantreis check` says so",
    )
    holdout: float = Field(0.1, ge=0, lt=1)
    priority: int = Field(0, description="of audiences that want to write to one person, the one with more goes first")
    value: str | None = Field(
        None,
        description="revenue expected of reaching a customer, an expression over the customer view; of one "
        "priority, who has more after `margin` and `cost` of `effect` goes first; who costs more than it brings is "
        "left out",
    )
    slot: Name = Field("contact", description="actions of one slot compete: one of them per customer and day")
    budget: Budget | None = None
    offer: Name | None = Field(
        None, description="an offer of offers.yaml, of which each customer is given a code of its own"
    )
    recommended: RecommendedInMessages | None = Field(
        None, description="items that messages show as `recommended`, from the list of a model; default: none"
    )
    when: When = When()
    approval: Literal["none", "person"] = Field(
        "none",
        description="person: nothing is sent before somebody approves of it, in Airflow or config/interventions.yaml",
    )
    content_approval: Literal["none", "person"] | None = Field(
        None,
        description="person: it sends only texts that somebody approved of by `klantreis content approve`; default: "
        "`approval` of content.yaml",
    )
    effect: Effect = Effect()
    guard_rails: GuardRails | None = Field(None, description="what stops it, where other than guard_rails.yaml says")
    purpose: str
    send_to: dict[str, Delivery] = Field(
        description="destinations; of those that write, each customer is written to by one: the customer's own best "
        "channel if it is among them, else the first here that may be used"
    )

    @field_validator("needs")
    @classmethod
    def _known_datasets(cls, names: list[str]) -> list[str]:
        for name in names:
            dataset = name.rpartition("/")[2]
            if dataset not in CANONICAL:
                raise ValueError(f"unknown dataset {dataset!r}{nearest(dataset, CANONICAL)}")
        return names

    @property
    def last_day(self) -> date:
        """The last day it is done."""
        return self.expires or date.max

    def lacks(self, sources: Mapping[str, Source]) -> list[str]:
        """What it needs and no source delivers; while there is any, it is off."""
        named = [(name, dataset) for name, source in sources.items() for dataset in source.datasets]
        delivered = {one for name, dataset in named for one in (dataset, f"{name}/{dataset}")}
        return [name for name in self.needs if name not in delivered]

    @property
    def decides(self) -> list[str]:
        """The keys by which it is more than who gets something where: by what it is worth, when, after what."""
        return [key for key in DECIDES if key in self.model_fields_set]

    def gain(self, revenue: float) -> float:
        """What reaching a customer brings, given the revenue expected of it, after margin and cost."""
        return self.effect.margin * revenue - self.effect.cost

    @property
    def most(self) -> int | None:
        """How many the budget pays for in its days; None without one that says so. What codes cost is no matter of
        counting: see `jobs/activation/offer_limits.py`."""
        if self.budget is None:
            return None
        counts = [] if self.budget.count is None else [self.budget.count]
        if self.budget.amount is not None and self.effect.cost and not self.offer:
            counts.append(int(round(self.budget.amount / self.effect.cost, 9)))
        return min(counts, default=None)
