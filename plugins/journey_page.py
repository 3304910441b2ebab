"""The page "Customer journey" in the Airflow UI: the newest numbers of the lake, with links to the proof behind them.

Aggregates are for everybody who may log in; single customers, and validation results with the values that failed, for
those whom Airflow lets run the DAG that sends. Nothing is read or imported when Airflow loads this file, which every
task does.
"""

import os
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/klantreis"
SENDS = "push_audiences"
"""The DAG that reaches people: who may run it may see single customers."""
DATA_DOCS_POLICY = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


@cache
def build_app() -> Any:
    """The web app: the page, the data of its panels, single customers, and the validation results."""
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi import Depends, FastAPI, HTTPException
    from fastapi.middleware.gzip import GZipMiddleware
    from fastapi.responses import FileResponse, HTMLResponse

    from jobs.config.settings import load_settings
    from jobs.report.page import document
    from jobs.report.page.customer import journey_of
    from jobs.report.page.words import Language, said
    from plugins.failed_steps import failed_steps

    app = FastAPI(title="Klantreis", dependencies=[Depends(get_user)], docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(GZipMiddleware, minimum_size=1000)

    @app.middleware("http")
    async def guarded(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        of_results = "/data-docs/" in request.url.path
        response.headers["Content-Security-Policy"] = DATA_DOCS_POLICY if of_results else document.SERVED_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        if "/static/" not in request.url.path:
            response.headers["Cache-Control"] = "no-store"
        return response

    def sees_persons(user: Annotated[Any, Depends(get_user)]) -> None:
        if not may_see_persons(user):
            raise HTTPException(403, said("not_allowed", "en"))

    @app.get("/", response_class=HTMLResponse)
    def page(language: Language = "en") -> str:
        settings = load_settings()
        results = "data-docs/" if data_docs_folder(settings).exists() else None
        return document.page(settings, language, "./", os.environ.get("KLANTREIS_MLFLOW_URL"), results)

    @app.get("/panels/{name}")
    def panel(name: str) -> dict[str, Any]:
        if name not in document.PANELS:
            raise HTTPException(404, "There is no such panel.")
        return document.answer(name, load_settings()).as_json()

    @app.get("/promises")
    def promises() -> dict[str, int]:
        return document.promises(load_settings())

    @app.get("/troubles")
    def troubles(user: Annotated[Any, Depends(get_user)]) -> dict[str, Any]:
        return {**document.attention(load_settings()), "steps": failed_steps(user)}

    @app.get("/customers/{customer_id}", dependencies=[Depends(sees_persons)])
    def customer(customer_id: str) -> dict[str, Any]:
        found = journey_of(customer_id, load_settings())
        if found is None:
            raise HTTPException(404, said("not_found", "en"))
        return found

    @app.get("/static/{name}")
    def static(name: str) -> FileResponse:
        if name not in (*document.SCRIPTS, document.STYLE):
            raise HTTPException(404, "There is no such file.")
        return FileResponse(document.STATIC / name)

    @app.get("/data-docs/{path:path}", dependencies=[Depends(sees_persons)])
    def data_docs(path: str) -> FileResponse:
        root = data_docs_folder(load_settings())
        file = (root / (path or "index.html")).resolve()
        if not file.is_relative_to(root) or not file.is_file():
            raise HTTPException(404, "There is no such page; validation results appear after the first validation.")
        return FileResponse(file)

    return app


def may_see_persons(user: Any) -> bool:
    """Whether Airflow lets this user run the DAG that sends to people."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails

    return get_auth_manager().is_authorized_dag(
        method="POST", access_entity=DagAccessEntity.RUN, details=DagDetails(id=SENDS), user=user
    )


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
