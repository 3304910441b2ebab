"""The page as a person meets it: in a browser, in both languages, on a phone, with texts that mean harm.

Costs a start of Chromium for the file; no engine.
"""

import datetime as dt
import hashlib
import shutil

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from jobs.cli.main import app
from jobs.lake.lake import Lake
from jobs.report.page import document
from jobs.report.page.words import LANGUAGES

DAY = dt.date(2024, 3, 1)
HARM = "</script><img src=x onerror=alert(1)>"
LIBRARY = "b66b25aeb4df84e33199dc21694014d336d222cbd9deb0e5a7c14bd6aa0d0fd0"
"""SHA-256 of dist/echarts.min.js in the package echarts 6.1.0."""


def test_an_empty_lake_says_how_to_begin(settings):
    assert "Nothing is loaded yet" in document.file(settings(), "en")
    assert "Er is nog niets geladen" in document.file(settings(), "nl")


def test_the_charting_library_is_as_published_with_its_licences():
    library = (document.STATIC / document.ECHARTS).read_bytes()
    assert hashlib.sha256(library).hexdigest() == LIBRARY
    licences = {file.name for file in (document.STATIC / "licenses").iterdir()}
    assert licences == {"LICENSE-echarts", "NOTICE-echarts", "LICENSE-d3"}


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("needs Chromium: `apt-get install chromium`")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield started
        started.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Open the page of a lake as a file: `opened(lake, "nl", width=390)`. Complaints of the browser fail the test."""
    complaints, windows = [], []

    def open_(lake, language="en", width=1280):
        file = tmp_path / f"page.{language}.html"
        file.write_text(document.file(lake, language))
        window = browser.new_page(viewport={"width": width, "height": 844})
        window.on("console", lambda message: complaints.append(message.text))
        window.on("pageerror", lambda error: complaints.append(str(error)))
        window.on("request", lambda request: None if request.url == file.as_uri() else complaints.append(request.url))
        window.goto(file.as_uri())
        windows.append(window)
        return window

    yield open_
    for window in windows:
        window.close()
    assert complaints == []


@pytest.fixture
def company(lake_of):
    """A lake in which every table that a panel reads has rows, one text of them harmful."""
    stages = ("awareness", "consideration", "purchase", "service", "loyalty")
    moment = {"customer_id": "c1", "day": DAY, "started_at": dt.datetime(2024, 3, 1, 9, tzinfo=dt.UTC)}
    count = {"file_id": "f1", "source": "crm", "dataset": "contacts", "arrived": DAY}
    whole = {"period": "day", "day": DAY, "complete": True, "dimension": "all", "part": "all"}
    places = ("held_out", "no_consent", "no_address", "suppressed", "moment_over", "refused", "unknown", "removed")
    zeros = dict.fromkeys(places, 0)
    return lake_of(
        {
            "profiles/customers": [{"customer_id": f"c{n}", "known": n != 4} for n in range(5)],
            "journeys/stages": [
                {"customer_id": f"c{n}", "stage": stage, "state": "active", "valid_from": DAY, "since": DAY,
                 "kind": "visitor" if n == 4 else "customer"}
                for n, stage in enumerate(stages)
            ],
            "journeys/stage_moves": [
                {"customer_id": f"c{n}", "kind": "customer", "day": DAY, "from_stage": stages[n - 1], "to_stage": stage}
                for n, stage in enumerate(stages)
            ],
            "journeys/touchpoints": [
                {"touchpoint_id": f"t{n}", "customer_id": f"c{n % 5}", "channel": "chat", "type": HARM if n else "nps",
                 "occurred_at": dt.datetime(2024, 3, 1, n, tzinfo=dt.UTC), "day": DAY,
                 "valence": ("positive", "negative", "neutral")[n % 3]}
                for n in range(12)
            ] + [{"touchpoint_id": "m1", "customer_id": "c1", "channel": "email", "type": "sent", "day": DAY,
                  "occurred_at": dt.datetime(2024, 3, 1, 9, tzinfo=dt.UTC)}],
            "journeys/kpis": [
                {**whole, "stage": "purchase", "kpi": "orders", "value": 12.0, "unit": "count"},
                {**whole, "stage": "service", "kpi": "nps", "value": None, "unit": "points", "reason": "no_rows"},
                {**whole, "stage": "service", "kpi": "csat", "value": 3.5, "unit": "score", "low": 3.1, "high": 3.9,
                 "period": "month", "small": True},
            ],
            "journeys/alerts": [{"kpi": "csat", "period": "month", "day": DAY, "kind": "target", "why": HARM}],
            "journeys/kpi_outlook": [
                {"kpi": "csat", "day": DAY, "is_forecast": False, "value": 3.5, "expected": 4.0,
                 "low": 3.8, "high": 4.2}
            ],
            "journeys/map_opportunities": [{"opportunity": "o", "place": 1, "title": HARM, "score": 9.0, "as_of": DAY}],
            "journeys/map_insights": [{"insight": "i", "title": HARM, "touchpoint": "chat", "as_of": DAY}],
            "journeys/map_solutions": [{"solution": "s", "title": HARM, "verdict": "better", "as_of": DAY}],
            "journeys/map_contradictions": [
                {"kind": "claim", "touchpoint": "chat", "one": "a", "other": HARM, "told": HARM, "as_of": DAY}
            ],
            "journeys/kpi_registry": [
                {"kpi": "csat", "target": 4.2, "direction": "up", "per": "month", "alert_at": 3.6, "owner": "care"},
                {"kpi": "orders", "target": 400.0, "direction": "up", "per": "month", "alert_at": 300.0},
            ],
            "journeys/sessions": [
                {"session_id": "s1", "customer_id": "c1", "day": DAY, "started_at": moment["started_at"],
                 "ended_at": moment["started_at"], "orders": 1, "intent": 40, "intent_band": HARM,
                 "intent_signs": [f"{HARM}: +40"]}
            ],
            "journeys/moments": [
                {**moment, "moment_id": kind, "type": kind, "served": kind == "know", "evidence": ["searched"],
                 "expires_at": dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)}
                for kind in ("know", "go", "do", "buy")
            ],
            "journeys/funnels": [
                {"funnel": "shop", "period": "window", "begins": DAY, "as_of": DAY, "step": n, "name": name,
                 "customers": 9 - n}
                for n, name in enumerate(("saw", "filled", HARM), start=1)
            ],
            "journeys/transitions": [
                {"from_step": "(start)", "to_step": HARM, "transitions": 3, "as_of": DAY},
                {"from_step": HARM, "to_step": "(conversion)", "transitions": 2, "as_of": DAY},
            ],
            "journeys/paths": [{"path": HARM, "outcome": "conversion", "place": 1, "paths": 2, "as_of": DAY}],
            "journeys/attribution": [
                {"model": "markov", "dimension": "channel", "credited": HARM, "orders": 2.0, "as_of": DAY}
            ],
            "journeys/moment_effects": [
                {"comparison": "had", "type": type_, "place": place, "effect": effect, "low": effect - 0.1,
                 "high": effect + 0.1, "visits": 40, "matched": 30, "controls": 50, "last_day": DAY}
                for place, (type_, effect) in enumerate({"know": 0.2, "buy": -0.05}.items(), 1)
            ],
            "journeys/moment_contrast": [{"kind": HARM, "is_moment": False, "contacts": 5, "last_day": DAY}],
            "journeys/vitals": [
                {"source": "web", "event_id": "e1", "session_id": "s1", "day": DAY, "moment": "buy", "lcp": 2.4}
            ],
            "journeys/bots": [{"day": DAY, "rule": HARM, "events": 9, "visitors": 2}],
            "models/scores": [
                {"day": DAY, "model": "segmentation", "customer_id": "c1", "label": HARM, "model_version": "1"},
                {"day": DAY, "model": "churn", "customer_id": "c1", "label": "low", "score": 0.1, "model_version": "1"},
            ],
            "models/value": [
                {"day": DAY, "model": "value", "customer_id": f"c{n}", "alive": alive, "value_365d": 20}
                for n, alive in enumerate((1.0, 0.05))
            ],
            "models/recommendations": [
                {"day": DAY, "model": "next", "customer_id": "c1", "rank": 1, "item": "p1", "name": HARM,
                 "because": "again"}
            ],
            "models/segments": [{"model": "segmentation", "model_version": "1", "segment": HARM, "description": HARM}],
            "models/evaluations": [
                {"model": "churn", "model_version": "1", "day": DAY, "metric": "auc", "value": 0.8}
            ],
            "activation/deliveries": [
                {"day": DAY, "audience": HARM, "destination": "email", "members": 7, "delivered": 7, "kept": 0, **zeros}
            ],
            "decisions/effects": [
                {"day": DAY, "audience": HARM, "metric": "value", "difference": 0.1, "low": -0.1, "high": 0.3,
                 "incremental": 9.0, "treated": 90, "held_out": 10, "verdict": "unclear", "said": HARM}
            ],
            "activation/ledger": [
                {"operation_id": "o", "attempt": 1, "destination": "email", "audience": HARM, "customer_id": "c1",
                 "state": "accepted", "action": "send", "day": DAY}
            ],
            "profiles/consent": [
                {"customer_id": f"c{n}", "purpose": "marketing", "channel": "email", "status": status,
                 "changed_at": dt.datetime(2024, 3, 1, tzinfo=dt.UTC)}
                for n, status in enumerate(("granted", "granted", "withdrawn"))
            ],
            "decisions/timing": [
                {"day": DAY, "audience": HARM, "times": "hours", "value": 9, "sent": 9, "responded": 1, "low": 0.1,
                 "high": 0.2, "fine": True, "said": HARM}
            ],
            "decisions/experiment_results": [
                {"day": DAY, "experiment": HARM, "metric": "orders", "variant": "b", "learning": HARM, "said": HARM}
            ],
            "activation/offers": [{"day": DAY, "offer": HARM, "given": 3, "redeemed": 1, "open": 2, "said": HARM}],
            "audiences/members": [{"day": DAY, "audience": HARM, "customer_id": "c1", "arm": "treatment"}],
            "ops/files": [{"file_id": "f1", "source": "crm", "dataset": "contacts", "state": "loaded", "arrived": DAY}],
            "ops/counts": [{**count, "rows_in": 3, "accepted": 2, "quarantined": 1, "duplicates": 0}],
            "quarantine/rows": [
                {**count, "line": 1, "path": HARM, "rule": "email:not_null", "reason": HARM}
            ],
        }
    )  # fmt: skip


def test_every_chart_is_drawn_and_has_its_table_its_query_and_the_date_of_its_data(opened, company):
    window = opened(company)
    charts = [panel.name for panel in document.PANELS.values() if panel.chart.kind not in ("table", "cards")]
    for name in charts:
        panel = window.locator(f"[data-panel={name}]")
        assert panel.locator(".chart svg").count() == 1, name
        assert "2024-03-01" in panel.locator(".date").inner_text()
        panel.locator("summary").click()
        assert panel.locator("table tbody tr").count() > 0, name
        assert "select" in panel.locator("pre").inner_text()


def test_every_figure_has_a_card_in_its_stage_and_one_without_a_value_says_why(opened, company):
    cards = opened(company, "nl").locator("[data-panel=kpis]")
    (month,) = cards.locator(".card.off").all_inner_texts()
    assert [line for line in month.splitlines() if line] == [
        "csat", "3,5", "3,1 – 3,9", "doel 4,2", "over de grens", "weinig gevallen",
    ]  # fmt: skip
    cards.locator("select").select_option("day")
    assert cards.locator("h4").all_inner_texts() == ["Aankoop", "Service"]
    assert cards.locator(".card b").all_inner_texts() == ["12", "–"]
    assert "niets om door te delen" in cards.inner_text()
    assert "doel" not in cards.locator(".card").first.inner_text(), "the target of orders is for a month, not a day"


def test_what_nobody_can_tell_yet_is_told_in_words_instead_of_an_empty_chart(opened, lake_of):
    effect = {"day": DAY, "audience": "winback", "metric": "orders", "held_out": 0, "said": "nobody is held out"}
    panel = opened(lake_of({"decisions/effects": [effect]})).locator("[data-panel=effects]")
    assert panel.locator("svg").count() == 0
    assert panel.locator(".content > .scroll th").all_inner_texts() == ["audience", "measured by", "held out", "said"]
    assert "nobody is held out" in panel.locator(".content > .scroll").inner_text()


def test_harmful_text_is_shown_as_it_is_and_runs_nothing(opened, company):
    window = opened(company)
    assert window.locator("img").count() == 0
    assert HARM in window.locator("[data-panel=quarantine]").inner_text()


ATTACK = (
    "<img src=x onerror=attacked=1></script><script>attacked=1</script>\"'onfocus=attacked=1 autofocus x={{7*7}}${7*7}"
    "[red]x[/y]\x1b[2J\x1b]52;c;eA==\x07\r\n=cmd|'/c calc'!A1\u202egnp.exe\u2028javascript:attacked=1"
)
"""Markup, a formula, a template, markup of the terminal, its escapes, line breaks, and signs that turn text around."""


@pytest.fixture
def hostile(company):
    """The company, with every text of every table an attack once, the other columns of that row as they were."""
    lake = Lake.of(company)
    for name in [name for name in company.tables if lake.exists(name)]:
        contract, rows = lake.contract(name), lake.arrow(name).to_pylist()
        texts = [one.name for one in contract.columns if one.type == "string" and one.name != "model_version"]
        named = next((column for column in contract.key if column.endswith("_id") or column == "opportunity"), None)
        unlike = [
            {**rows[0], **({named: f"{rows[0][named]} {n}"} if named else {}), text: f"{ATTACK} {n}"}
            for n, text in enumerate(texts)
        ]
        data = pa.Table.from_pylist(unlike, schema=contract.arrow_schema())
        lake.append(name, data, lake.transaction("hostile", DAY, config=name))
    return company


COMMANDS = (("report",), ("query", "select * from journeys.alerts"), ("quarantine", "list"))


def test_of_a_company_whose_every_text_is_an_attack_the_page_runs_nothing_and_no_command_steers_a_terminal(
    opened, hostile
):
    window = opened(hostile)
    for summary in window.locator("summary").all():
        summary.click()
    assert window.evaluate("typeof attacked") == "undefined"
    assert window.locator("img, iframe, object, embed, [onerror], [onfocus], a[href^=javascript]").count() == 0
    shown = window.locator("body").inner_text()
    assert shown.count("<img src=x onerror=attacked=1></script><script>") > 3
    assert "{{7*7}}" in shown

    told = {words: CliRunner().invoke(app, [*words, "--config", str(hostile.folder)]) for words in COMMANDS}
    assert {words: repr(one.exception) for words, one in told.items() if one.exit_code} == {}
    assert {words: set("\x1b\x07\r\u202e\u2028") & set(one.output) for words, one in told.items()} == {
        words: set() for words in COMMANDS
    }
    assert "[red]x[/y]" in told[COMMANDS[1]].output


def test_one_kind_of_people_is_chosen_at_a_time(opened, company):
    window = opened(company)
    stages = window.locator("[data-panel=stages_now]")
    assert "loyalty" not in stages.locator("svg").text_content(), "c4, the only one in loyalty, is a visitor"
    stages.locator("select").select_option("visitors")
    assert "loyalty" in stages.locator("svg").text_content()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_fit_for_a_screen_reader_and_a_phone(opened, company, language, width):
    from axe_playwright_python.sync_playwright import Axe

    window = opened(company, language, width)
    for summary in window.locator("summary").all():
        summary.click()
    found = Axe().run(window).response["violations"]
    assert [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")
    ] == []
    assert window.evaluate("document.documentElement.scrollWidth") <= width, "nothing is cut off at the side"


def test_a_broken_promise_is_shown_in_place_of_the_good_news_without_the_ids_it_is_about(opened, lake_of):
    count = {"source": "crm", "dataset": "contacts", "arrived": DAY, "rows_in": 10, "quarantined": 1, "duplicates": 0}
    lake = lake_of({"ops/counts": [{**count, "file_id": "f1", "accepted": 9}]})
    assert opened(lake).locator("#promises.good").inner_text() == (
        "Every row and every audience member is accounted for."
    )
    lake = lake_of({"ops/counts": [{**count, "file_id": f"of {n}@mail.example", "accepted": 8} for n in "ab"]})
    told = opened(lake).locator("#promises.bad").inner_text()
    assert "neither accepted, nor quarantined, nor duplicates, nor left out: 2" in told
    assert "@" not in told


def test_a_file_that_was_set_aside_whole_is_told_above_all_until_it_came_again_or_was_settled(opened, lake_of):
    file = {"source": "crm", "dataset": "contacts", "line": 0, "rule": "file:broken", "reason": "cut short"}
    files = [
        {**file, "file_id": name, "path": f"crm/{name}.csv", "arrived": DAY} for name in ("bad", "again", "dropped")
    ]
    old = {**file, "file_id": "old", "path": "crm/old.csv", "arrived": DAY - dt.timedelta(days=14)}
    row = {**file, "file_id": "row", "path": "crm/row.csv", "line": 2, "arrived": DAY}
    plan = {"day": DAY, "customer_id": "c1", "destination": "email"}
    lake = lake_of(
        {
            "activation/plans": [{**plan, "audience": name} for name in "abc"],
            "activation/deliveries": [{"day": DAY, "destination": "email", "audience": "b"}],
            "quarantine/rows": [*files, old, row],
            "quarantine/replays": [
                {"file_id": "dropped", "line": 0, "attempt": 1, "outcome": "dropped"},
                {"file_id": "bad", "line": 0, "attempt": 1, "outcome": "refused"},
            ],
            "ops/files": [{"file_id": "better", "source": "crm", "path": "crm/again.csv", "state": "loaded"}],
        }
    )
    window = opened(lake, "nl")
    assert window.locator("#troubles > p").inner_text().startswith("2 leveringen die voor 2024-03-01 zijn gepland")
    (told,) = window.locator("#troubles article").all_inner_texts()
    title, why, todo = [line for line in told.splitlines() if line]
    assert title == "Het bestand crm/bad.csv (crm contacts, 2024-03-01) is in zijn geheel apart gezet"
    assert why == "cut short"
    assert "klantreis quarantine replay" in todo


def test_what_has_no_data_says_so_and_is_not_0(opened, lake_of):
    window = opened(lake_of({"profiles/customers": [{"customer_id": "c1", "known": True}]}))
    shown = window.locator("[data-panel=stages_now]").inner_text()
    assert "No data yet: nothing has filled journeys.stages, journeys.touchpoints" in shown


def test_single_customers_are_in_no_file(opened, company):
    assert "Single customers are shown in Airflow only" in opened(company).locator("#customer").inner_text()
