"""Journeys of several steps, drawn from what actions say of one another. No engine, no browser."""

import re

from jobs.config.actions.audiences import Audience
from jobs.report.page import document
from jobs.report.page.waiting_actions import picture, steps
from tests.activation.small_company import CONFIG


def action(name, after=None, outcome="not_opened"):
    given = {**CONFIG["audiences/winback.yaml"], "audience": name, "title": f"<b>{name}</b> & more"}
    return Audience(**given, **({"after": {"action": after, "outcome": outcome, "days": 3}} if after else {}))


CHAIN = {one.audience: one for one in (
    action("welcome"), action("again", "welcome"), action("thanks", "welcome", "ordered"), action("last", "again"),
    action("alone"),
)}  # fmt: skip


def test_each_wait_is_one_step_in_the_words_of_the_language():
    told = [(step.before, step.after, step.said) for step in steps(CHAIN, "en")]
    assert told == [
        ("welcome", "again", "not opened, day 3 to 30"),
        ("again", "last", "not opened, day 3 to 30"),
        ("welcome", "thanks", "ordered, day 3 to 30"),
    ]
    assert steps(CHAIN, "nl")[0].said == "niet geopend, dag 3 tot 30"


def test_the_picture_has_what_comes_first_on_the_left_and_no_markup_of_titles():
    drawn = picture(CHAIN, "en")
    boxes = re.findall(r"<title>(\w+): .*?<rect x=\"(\d+)\" y=\"(\d+)\"", drawn)
    assert {name: (int(x), int(y)) for name, x, y in boxes} == {
        "welcome": (2, 2), "again": (362, 2), "last": (722, 2), "thanks": (362, 70)}  # fmt: skip
    assert "<b>" not in drawn
    assert "alone" not in drawn
    assert picture({"alone": CHAIN["alone"]}, "en") == ""


def test_the_page_has_picture_and_table_once_something_is_loaded(lake_of):
    first, then = CONFIG["audiences/winback.yaml"], "audiences/again.yaml"
    told = {**first, "audience": "again", "after": {"action": "winback", "outcome": "opened", "days": 2}}
    lake = lake_of({"profiles/customers": [{"customer_id": "c1", "known": True}]}, {**CONFIG, then: told})
    page = document.page(lake, "nl", "/", None, None)
    assert "Reizen van meer stappen" in page
    assert "<td>again</td><td>winback</td><td>geopend, dag 2 tot 30</td>" in page
    assert page.count('role="img"') == 1
