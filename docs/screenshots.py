"""Take the pictures of README and guides anew: `python -m docs.screenshots [--airflow]`, or `make screenshots`.

The journey page is that of a fiftieth of the demo company, which is made and lived in a folder that is thrown away
(some minutes). With `--airflow` it is instead the pages of Airflow and MLflow, of a demo that runs (`make demo`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, FloatRect, Page, sync_playwright

from jobs.cli.local import stack
from jobs.config.settings import load_settings

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SIZE = "0.02"
LARGEST = 200_000
"""Bytes of a picture; what is larger is not for a repository."""


def main(of_airflow: bool) -> None:
    """Save the pictures. Exits if one is too large to keep."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-background-networking"]
        )
        if of_airflow:
            _services(browser)
        else:
            with tempfile.TemporaryDirectory() as folder:
                _journey_page(browser, Path(folder))
        browser.close()
    if large := [file.name for file in IMAGES.glob("*.png") if file.stat().st_size > LARGEST]:
        raise SystemExit(f"larger than {LARGEST:,} bytes: {', '.join(large)}")


def _journey_page(browser: Browser, home: Path) -> None:
    """Live a small company in `home` and take its page."""
    state = {"KLANTREIS_HOME": home, "KLANTREIS_LANDING": home / "landing", "KLANTREIS_LAKE": home / "lake"}
    environment = {**os.environ, **{name: str(path) for name, path in state.items()}, "KLANTREIS_HASH_KEY": "pictures"}

    def done(*command: str) -> None:
        subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=environment, check=True)

    done("examples.retail", "--size", SIZE, "--out", str(home))
    done("jobs.cli", "run", "--until", "plan")
    for language in ("en", "nl"):
        done("jobs.cli", "report", "--html", str(home / f"{language}.html"), "--language", language)
    _page_files(browser, home)


def _page_files(browser: Browser, home: Path) -> None:
    """The page as a file, `en.html` on a desk and `nl.html` on a phone."""
    desk = browser.new_page(viewport={"width": 1300, "height": 900})
    _save(desk, (home / "en.html").as_uri(), "journey-page")
    desk.evaluate("document.querySelector('header').style.position = 'static'")  # it would stand over the section
    desk.locator("section#journey").screenshot(path=str(IMAGES / "journey-map.png"))
    phone = browser.new_page(viewport={"width": 390, "height": 844})
    _save(phone, (home / "nl.html").as_uri(), "journey-page-phone", part="journey")


def _services(browser: Browser) -> None:
    """The assets in Airflow and a training in MLflow."""
    services = stack.start(load_settings())
    page = browser.new_page(viewport={"width": 2600, "height": 760})
    _log_in(page, services.urls["Airflow"], services)
    graph: FloatRect = {"x": 130, "y": 265, "width": 1660, "height": 330}
    assets = f"{services.urls['Airflow']}/assets/{_asset_id(services, 'activation/deliveries')}"
    _save(page, assets, "airflow-assets", clip=graph)
    page.set_viewport_size({"width": 1300, "height": 900})
    _save(page, _model_run(services.urls["MLflow"]), "mlflow-churn")


def _log_in(page: Page, airflow: str, services: stack.Stack) -> None:
    page.goto(f"{airflow}/")
    page.get_by_role("textbox").first.wait_for()
    page.locator("input[name=username]").fill(services.user)
    page.locator("input[name=password]").fill(services.password)
    page.locator("button[type=submit]").click()
    page.wait_for_url(lambda url: "login" not in url)


def _save(page: Page, url: str, name: str, clip: FloatRect | None = None, part: str = "") -> None:
    page.goto(url)
    page.wait_for_timeout(1000 if url.startswith("file:") else 8000)  # charts and graphs are drawn after the page
    close = page.get_by_role("button", name="Close")
    if close.count():
        close.first.click()
        page.wait_for_timeout(1000)
    if part:
        page.locator(f"section#{part}").evaluate("section => section.scrollIntoView({behavior: 'instant'})")
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
    main(of_airflow="--airflow" in sys.argv)
