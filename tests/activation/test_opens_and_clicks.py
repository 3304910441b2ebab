"""Opens and clicks, asked over a real socket. Costs about 2 s of processor time, without the engine."""

import dataclasses
import datetime as dt
import json
from pathlib import Path

import httpx
import pytest

from jobs.activation.feedback import intake, page
from jobs.activation.measured_link import PICTURE, measured_link
from jobs.activation.unsubscribe import choose, unsubscribe
from jobs.config.settings import load_settings
from jobs.config.yaml_files import ConfigError
from tests.activation.answering_company import FILES, Answering, environment, served

TARGET = "https://shop.example/offers?a=1&b=2"
ASKED = {"purpose": "service", "opens": True, "links": {"offers": TARGET}}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with environment():
        files = {"feedback.yaml": {**FILES["feedback.yaml"], "opens_and_clicks": ASKED}}
        yield Answering(tmp_path_factory.mktemp("shop"), 9, files)


def token(shop, number, target="offers", written=None):
    return measured_link("https://x", shop.sent(number), target, shop.settings, written).partition("m=")[2]


def asked(shop, *tokens, method="GET"):
    """The answers to these tokens; what they tell is kept when the page stops."""
    with served(page.app(lambda: shop.settings)) as address, httpx.Client(base_url=address, timeout=60) as client:
        return [client.request(method, "/", params={"m": one}) for one in tokens]


def test_who_said_yes_is_taken_to_the_target_and_the_click_is_a_touchpoint_of_the_campaign(shop):
    opened, *clicked = asked(shop, token(shop, 1, PICTURE), token(shop, 1), token(shop, 1))
    assert (opened.status_code, opened.headers["Content-Type"], opened.content[:6]) == (200, "image/gif", b"GIF89a")
    assert {(one.status_code, one.headers["Location"]) for one in clicked} == {(302, TARGET)}
    assert {one.headers["Cache-Control"] for one in (opened, *clicked)} == {"no-store"}
    rows = shop.rows("activation/opens_and_clicks", operation_id=shop.sent(1))
    assert len(rows) in (2, 3), "one click a minute"
    assert {(row["kind"], row["detail"], row["audience"], row["channel"]) for row in rows} == {
        ("open", "", "winback", "email"), ("click", "offers", "winback", "email")
    }  # fmt: skip
    assert {row["day"] for row in rows} == {shop.today}
    assert shop.rows("activation/feedback", operation_id=shop.sent(1)) == [], (
        "answers have a table of their own, which no open makes longer"
    )
    assert shop.suppressed(1) == []

    assert intake.run("feedback", shop.today, shop.settings)["landed"] == len(rows)
    (file,) = (Path(shop.settings.landing) / "feedback" / str(shop.today)).glob("events-*.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert {(one["type"], one["campaign"], one["channel"], one["email"]) for one in lines} == {
        ("open", "winback", "email", shop.email(1)), ("click", "winback", "email", shop.email(1))
    }  # fmt: skip


def test_who_said_no_since_or_stopped_all_messages_is_taken_there_and_nothing_is_kept(shop):
    choose(shop.link(2), [("marketing", "email"), ("ads", "ads")], shop.settings)
    unsubscribe(shop.link(3), None, shop.settings)
    tokens = [token(shop, number, target) for number in (2, 3) for target in ("offers", PICTURE)]
    assert [one.status_code for one in asked(shop, *tokens)] == [302, 200, 302, 200]
    kinds = {kind for number in (2, 3) for kind, *_ in shop.heard(number)}
    assert kinds == {"withdrawn", "unsubscribe"}


def test_where_nothing_is_measured_any_more_links_of_messages_that_were_sent_still_lead_there(shop):
    off = shop.settings.feedback.opens_and_clicks.model_copy(update={"purpose": None})
    feedback = shop.settings.feedback.model_copy(update={"opens_and_clicks": off})
    stopped = dataclasses.replace(shop.settings, feedback=feedback)
    with served(page.app(lambda: stopped)) as address, httpx.Client(base_url=address, timeout=60) as client:
        answers = [client.get("/", params={"m": token(shop, 7, target)}) for target in ("offers", PICTURE)]
    assert [one.status_code for one in answers] == [302, 200]
    assert answers[0].headers["Location"] == TARGET
    assert shop.heard(7) == []


def test_an_old_link_still_leads_there_and_neither_it_nor_a_scanner_that_asks_for_the_head_is_kept(shop):
    old = (dt.datetime.now(dt.UTC) - dt.timedelta(days=91)).date()
    assert [one.status_code for one in asked(shop, token(shop, 4, written=old))] == [302]
    assert [one.status_code for one in asked(shop, token(shop, 4), method="HEAD")] == [302]
    assert [one.status_code for one in asked(shop, token(shop, 4), method="POST")] == [404]
    assert shop.heard(4) == []


def test_a_link_leads_to_declared_targets_only_and_everything_else_is_not_valid(shop):
    right = token(shop, 5)
    operation, day, _, signature = right.split(".")
    wrong = [
        "", "x", right[:-1], right.upper(), f"{operation}.{day}.other.{signature}", f"{operation}.{day}..{signature}",
        f"{operation}.{day}.https://evil.example.{signature}", f"{shop.sent(6)}.{day}.offers.{signature}",
        token(shop, 5, "gone"), shop.link(5), "é", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    ]  # fmt: skip
    answers = asked(shop, *wrong)
    assert {one.status_code for one in answers} == {404}
    assert not any("Location" in one.headers for one in answers)
    assert len({one.text for one in answers}) == 1
    assert (shop.heard(5), shop.heard(6)) == ([], [])


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"purpose": "servise"}, "opens_and_clicks.purpose: no purpose 'servise' in config/identity.yaml"),
        ({"purpose": "service", "links": {"shop": "http://shop.example"}}, "no address to lead to"),
        ({"purpose": "service", "links": {"shop": "https://a@evil.example"}}, "no address to lead to"),
        ({"purpose": "service", "links": {"Shop": "https://shop.example"}}, "no name for a link"),
        ({"links": {}}, "purpose"),
    ],
)
def test_a_target_or_purpose_that_is_none_is_told_on_load(config, asked, told):
    files = {name: FILES[name] for name in ("identity.yaml", "destinations.yaml", "sources/feedback.yaml")}
    with pytest.raises(ConfigError, match=told):
        load_settings(config({**files, "feedback.yaml": {"opens_and_clicks": asked}}))
