"""Hand alerts to people by the notifiers of Airflow that config/alerts.yaml names, each alert once per route."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier, get_current_context
from airflow.sdk.module_loading import import_string

from dags.common import SETTINGS
from dags.steps import call, skip

if TYPE_CHECKING:
    from jobs.report.alerts.telling import Notice


def tell_alerts() -> dict[str, Any]:
    """Tell what every route is about; skipped where there is none. A route that fails does not hold up the others."""
    if not SETTINGS.alerts.routes:
        skip("alerts are on the page and in the tables; to have them sent, write config/alerts.yaml")
    counts: dict[str, Any] = {}
    failed: Exception | None = None
    for name in SETTINGS.alerts.routes:
        try:
            counts[name] = _tell(name)
        except Exception as error:  # raised at the end, when the others were told
            failed = failed or error
    if failed:
        raise failed
    return counts


def _tell(name: str) -> Any:
    route = SETTINGS.alerts.routes[name]

    def send(notice: Notice) -> None:
        notifier: BaseNotifier = import_string(route.notifier)(**route.arguments)
        notifier({**get_current_context(), "alerts": asdict(notice)})

    from jobs.report.alerts import telling  # loads the lake, which parsing this folder must not

    return call(telling.run, name, send)
