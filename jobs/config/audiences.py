"""config/audiences/NAME.yaml: an action. Who it is for, why it is done, where it goes, who answers for it."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from jobs.config.kpis import Name
from jobs.config.moments import Moment
from jobs.config.yaml_files import Strict


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


class Audience(Strict):
    """config/audiences/NAME.yaml: who is in it, why it exists, where it goes."""

    audience: Name
    title: str
    goal: str
    owner: str
    kpi: str = Field(description="the KPI of journey.yaml that it is to move")
    expires: date = Field(description="the last day it is done; on a later one nobody is in it, and lists are emptied")
    stage: Literal["awareness", "consideration", "purchase", "service", "loyalty"]
    where: str
    moment: Moment | None = Field(
        None, description="only who has such a micro-moment that nothing served yet, and only while it lasts"
    )
    evidence: list[str] = []
    holdout: float = Field(0.1, ge=0, lt=1)
    priority: int = Field(0, description="of audiences that want to write to one person, the one with more goes first")
    effect: Effect = Effect()
    purpose: str
    send_to: dict[str, Delivery]
