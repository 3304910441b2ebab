"""The page of preferences and unsubscribing, for a company whose Airflow can be reached by its customers.

Without login: the signed link of a message is the proof. Nothing is imported when Airflow loads this file. Others serve
the same page by `klantreis feedback serve`.
"""

from functools import cache
from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/preferences"


@cache
def build_app() -> Any:
    """The web app, as `klantreis feedback serve` has it."""
    from jobs.activation.feedback.page import app

    return app()


async def page(scope: Any, receive: Any, send: Any) -> None:
    """The web app, built at the first request."""
    await build_app()(scope, receive, send)


class PreferencesPage(AirflowPlugin):
    """Serves the page at `/preferences/` of Airflow: the address that `unsubscribe_url` names."""

    name = "klantreis_preferences"
    fastapi_apps = [{"app": page, "url_prefix": PREFIX, "name": "Klantreis preferences"}]
