"""Data Docs: whole pages that load nothing, show rules, reasons and counts, and never a value of a row."""

import datetime as dt
import shutil

import pytest

from jobs.validate import data_docs
from jobs.validate.batch import Batch
from jobs.validate.rules.broken import tally
from jobs.validate.rules.great_expectations import judge
from tests.validate.rules_of_orders import KINDS, judged, random_orders

SECRET = "someone@private.example"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The folder of pages after a batch that breaks every kind of rule."""

    class Home:
        home = tmp_path_factory.mktemp("home")

    rows = [{**row, "file_id": "f", "email": SECRET} for row in random_orders(1)]
    rules = [*KINDS, {"column": "email", "rule": "regex", "pattern": "^<b>$", "severity": "critical", "mostly": 0.5}]
    frame, expectations, found = judged(rows, *rules)
    counts = tally(frame, found)["f"].by_rule
    judgement = judge(frame, "orders", expectations, len(rows), counts)
    file = {"file_id": "f", "state": "loaded", "rows_in": len(rows)}
    for source in ("pos", "shop"):
        batch = Batch(source, "orders", dt.date(2024, 5, 1), [file], {})
        data_docs.write(Home(), batch, judgement)
    return Home.home / "var" / "data_docs"


def test_every_rule_of_the_suite_is_told_in_the_words_of_great_expectations(pages):
    page = (pages / "pos.orders.html").read_text()
    for sentence in (
        "Values of currency must be those of the clear majority of the rows with the same store_id",
        "The customer of an order (loyalty_id) must be known in contacts.loyalty_id",
        "Values must match this regular expression: ^[A-Z]{3}$",
        "Rows must meet",
    ):
        assert sentence in page
    assert "attribute_" not in page
    assert "holds_" not in page


def test_no_value_of_a_row_is_shown_and_text_of_the_configuration_is_no_markup(pages):
    for file in pages.iterdir():
        text = file.read_text()
        assert SECRET not in text
        assert "euro" not in text
        assert "<b>$" not in text or file.suffix == ".json"
    assert "&lt;b&gt;" in (pages / "pos.orders.html").read_text()


def test_a_browser_opens_the_pages_without_asking_any_host(pages):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("needs Chromium: `apt-get install chromium`")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        window = browser.new_page()
        asked, complaints = [], []
        window.on("request", lambda request: asked.append(request.url))
        window.on("console", lambda message: complaints.append(message.text))
        window.goto((pages / "index.html").as_uri())
        window.click("text=orders >> nth=0")
        window.wait_for_url("**/pos.orders.html")
        verdict = window.inner_text("tr:has(code:text-is('email:regex'))")
        cards = [window.locator(".card").nth(n).inner_text() for n in range(3)]
        window.click("text=pos >> nth=0")
        window.wait_for_url("**/pos.html")
        listed = window.inner_text("table")
        browser.close()
    assert [url.rpartition("/")[2] for url in asked] == ["index.html", "pos.orders.html", "pos.html"]
    assert all(url.startswith("file://") for url in asked)
    assert complaints == []
    assert verdict.split("\t")[0].strip() == "✗ broken"
    assert "critical" in verdict
    assert verdict.split("\t")[-3:] == ["60", "60", "100.00%"]
    assert cards[0].split() == ["60", "rows"]
    assert cards[2].split() == ["1", "broken,", "critical"]
    assert "shop" not in listed
