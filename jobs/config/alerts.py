"""config/alerts.yaml: who is told what went wrong, where, and at most how often."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, field_validator

from jobs.config.yaml_files import Strict, line_of, nearest

FILE = "alerts.yaml"
About = Literal["delivery", "guard_rail", "quarantine", "silence", "volume", "kpi", "drift", "model"]
EVERYTHING: tuple[About, ...] = get_args(About)
_SECRET = re.compile(r"pass|secret|token|key|auth|credential", re.IGNORECASE)


class Route(Strict):
    """One way to tell people, by any notifier of Airflow."""

    about: list[About] = Field(
        list(EVERYTHING),
        min_length=1,
        description="delivery: not everybody was delivered; guard_rail: a push is held back; quarantine: much more "
        "was set aside than usual; silence: a source is silent; volume: odd numbers of rows or values; kpi: a breach; "
        "drift: customers are others than a model learned from; model: a model was refused. default: all",
    )
    owners: list[str] = Field([], description="only what these owners answer for; default: everything")
    notifier: str = Field(description="class of the notifier, such as dags.webhook.Webhook")
    arguments: dict[str, Any] = Field(
        {},
        description="its arguments; {{ alerts.subject }}, {{ alerts.text }} and {{ alerts.html }} are the notice",
    )
    every_hours: float = Field(0, ge=0, description="at most one notice in so many hours; what waits is in the next")

    @field_validator("notifier")
    @classmethod
    def _a_class(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", value):
            raise ValueError(f"{value!r} is no class; write module.Class, such as dags.webhook.Webhook")
        return value

    @field_validator("arguments")
    @classmethod
    def _no_secrets(cls, value: dict[str, Any]) -> dict[str, Any]:
        if secret := next((name for name in value if _SECRET.search(name)), None):
            raise ValueError(f"{secret}: secrets are never written here; put it into an Airflow connection")
        return value


class Alerts(Strict):
    """config/alerts.yaml. Without it nobody is told; alerts are on the page and in the tables."""

    routes: dict[str, Route] = {}


def problems(path: Path, alerts: Alerts, owners: Collection[str]) -> Iterator[str]:
    """Owners who answer for nothing: file, line, key."""
    for name, route in alerts.routes.items():
        for number, owner in enumerate(route.owners):
            if owner not in owners:
                place = f"{path}:{line_of(path, 'routes', name, 'owners', number)}: routes.{name}.owners"
                yield f"{place}: nobody called {owner!r} owns an audience, KPI or model{nearest(owner, owners)}"
