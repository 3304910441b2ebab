"""Hand alerts to a person by any notifier of Airflow that the environment names, each alert once."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier, get_current_context
from airflow.sdk.module_loading import import_string

from dags.steps import call, skip

if TYPE_CHECKING:
    from jobs.journeys.notices import Notice

SETTING = "KLANTREIS_ALERTS"
"""A JSON object: `notifier` is the class, all else its arguments, in which {{ alerts.subject }}, {{ alerts.text }} and
{{ alerts.html }} stand for what there is to tell."""


def tell_alerts() -> dict[str, Any]:
    """Tell the alerts of the day; skipped where no notifier is named."""
    given = os.environ.get(SETTING)
    if not given:
        skip(f"alerts are in journeys/alerts; to have them sent, set {SETTING}")
    options = json.loads(given)
    name = options.pop("notifier")

    def send(notice: Notice) -> None:
        notifier: BaseNotifier = import_string(name)(**options)
        notifier({**get_current_context(), "alerts": asdict(notice)})

    from jobs.journeys import notices  # loads the lake, which parsing this folder must not

    return call(notices.run, name, send)
