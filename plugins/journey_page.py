"""The page "Customer journey" in the Airflow UI: the newest numbers of the lake, with links to the proof behind them.

The page is read when it is asked for; nothing is read or imported when Airflow loads this file, which every task does.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/klantreis"
LAST = ("Rows per source",)
TEMPLATE = Path(__file__).with_name("journey_page.html")


@cache
def build_app() -> Any:
    """The web app: `/` is the page, `/data-docs/` the validation results; both only for people who are logged in."""
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi import Depends, FastAPI, HTTPException
    from fastapi.responses import FileResponse, HTMLResponse

    from jobs.config.settings import load_settings

    app = FastAPI(title="Klantreis", dependencies=[Depends(get_user)], docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/", response_class=HTMLResponse)
    def page() -> str:
        return render(load_settings())

    @app.get("/data-docs/{path:path}")
    def data_docs(path: str) -> FileResponse:
        root = data_docs_folder(load_settings())
        file = (root / (path or "index.html")).resolve()
        if not file.is_relative_to(root) or not file.is_file():
            raise HTTPException(404, "There is no such page; validation results appear after the first validation.")
        return FileResponse(file)

    return app


def render(settings: Any) -> str:
    """The page for the lake as it is now."""
    import jinja2

    from jobs.report import proofs, sections

    found = {
        section.title: (columns, _newest_day([dict(zip(columns, row, strict=True)) for row in rows]))
        for section, columns, rows in sections.sections(settings)
    }
    ordered = {
        title: found[title] for title in sorted(found, key=lambda title: (title in LAST, list(found).index(title)))
    }
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = _number
    return environment.from_string(TEMPLATE.read_text()).render(
        company=settings.general.company,
        sections=ordered,
        problems=proofs.problems(settings),
        mlflow=os.environ.get("KLANTREIS_MLFLOW_URL"),
        data_docs=f"{PREFIX}/data-docs/" if data_docs_folder(settings).exists() else None,
    )


def _number(value: Any) -> Any:
    """Thousands apart, at most three decimals."""
    return f"{round(value, 3):,}" if isinstance(value, int | float) else value


def _newest_day(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of rows that each belong to a day those of the newest, else all."""
    days = [row["day"] for row in rows if "day" in row]
    return [row for row in rows if row["day"] == max(days)] if days else rows


def data_docs_folder(settings: Any) -> Path:
    """Where validation writes its pages."""
    return settings.home / "var" / "data_docs"


async def page(scope: Any, receive: Any, send: Any) -> None:
    """The web app, built at the first request."""
    await build_app()(scope, receive, send)


class JourneyPage(AirflowPlugin):
    """Adds "Customer journey" to the navigation of Airflow."""

    name = "klantreis"
    fastapi_apps = [{"app": page, "url_prefix": PREFIX, "name": "Klantreis"}]
    external_views = [
        {
            "name": "Customer journey",
            "href": f"{PREFIX}/",
            "destination": "nav",
            "url_route": "customer-journey",
            "nav_top_level": True,
        }
    ]
