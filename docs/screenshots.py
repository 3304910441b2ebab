"""Take the pictures of the README from a running demo: `python -m docs.screenshots` after `make demo`."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import FloatRect, Page, sync_playwright

from jobs.cli.local import stack
from jobs.config.settings import load_settings

IMAGES = Path(__file__).resolve().parent / "images"


def main() -> None:
    """Log in to Airflow, open each page and save what it shows."""
    services = stack.start(load_settings())
    airflow, mlflow = services.urls["Airflow"], services.urls["MLflow"]
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page(viewport={"width": 2600, "height": 760})
        _log_in(page, airflow, services)
        graph = {"x": 130, "y": 265, "width": 1660, "height": 330}
        _save(page, f"{airflow}/assets/{_asset_id(services, 'activation/deliveries')}", "airflow-assets", clip=graph)
        page.set_viewport_size({"width": 1300, "height": 900})
        _save(page, f"{airflow}/klantreis/", "journey-page")
        page.set_viewport_size({"width": 390, "height": 844})
        _save(page, f"{airflow}/klantreis/?language=nl#journey", "journey-page-phone")
        page.set_viewport_size({"width": 1300, "height": 900})
        _save(page, _model_run(mlflow), "mlflow-churn")
        browser.close()


def _log_in(page: Page, airflow: str, services: stack.Stack) -> None:
    page.goto(f"{airflow}/")
    page.get_by_role("textbox").first.wait_for()
    page.locator("input[name=username]").fill(services.user)
    page.locator("input[name=password]").fill(services.password)
    page.locator("button[type=submit]").click()
    page.wait_for_url(lambda url: "login" not in url)


def _save(page: Page, url: str, name: str, clip: FloatRect | None = None) -> None:
    page.goto(url)
    page.wait_for_timeout(8000)  # graphs are laid out after the page has loaded
    close = page.get_by_role("button", name="Close")
    if close.count():
        close.first.click()
        page.wait_for_timeout(1000)
    page.screenshot(path=str(IMAGES / f"{name}.png"), clip=clip)


def _asset_id(services: stack.Stack, name: str) -> int:
    assets = services.airflow().call("GET", "assets?limit=100")["assets"]
    return next(asset["id"] for asset in assets if asset["name"] == name)


def _model_run(mlflow: str) -> str:
    """Address of the training run of the newest champion of the churn model."""
    from mlflow import MlflowClient

    version = MlflowClient(mlflow).get_model_version_by_alias("churn", "champion")
    run = MlflowClient(mlflow).get_run(version.run_id)
    return f"{mlflow}/#/experiments/{run.info.experiment_id}/runs/{version.run_id}"


if __name__ == "__main__":
    main()
