"""Alerts reach a person once per channel: by reruns, failures and crashes neither twice nor never without a word."""

import datetime as dt
import logging
from smtplib import SMTPServerDisconnected
from urllib.error import URLError

import pyarrow as pa
import pytest

from jobs.lake.lake import Lake
from jobs.lake.tables.catalogue import get
from jobs.report.alerts import telling
from jobs.report.alerts.found import Alert

DAY = dt.date(2017, 3, 12)


def alert(**more):
    told = {"kpi": "orders", "title": "Orders", "period": "week", "day": dt.date(2017, 3, 6), "kind": "target"}
    return {**told, "value": 20.0, "why": "20 is at or below 20; the target is 30", "owner": "sales", **more}


@pytest.fixture
def company(settings):
    """A company with an empty lake, and what puts alerts into it."""
    route = {"notifier": "dags.webhook.Webhook"}
    found = settings(
        {
            "alerts.yaml": {
                "routes": {
                    "mail": route,
                    "chat": {**route, "every_hours": 2},
                    "sales": {**route, "about": ["kpi", "guard_rail"]},
                }
            }
        }
    )
    lake = Lake.of(found)

    def put(*alerts):
        rows = pa.Table.from_pylist(list(alerts), get("journeys/alerts").arrow_schema())
        lake.replace("journeys/alerts", rows, lake.transaction("test", DAY, config=str(alerts)))

    return found, put


def test_an_alert_is_told_once_on_each_channel_however_often_the_day_is_run(company):
    settings, put = company
    assert telling.run("mail", lambda notice: None, DAY, settings) == {"told": 0, "unknown": 0, "waiting": 0}, (
        "no alerts yet"
    )
    put(alert())
    sent = []
    told = [telling.run(channel, sent.append, DAY, settings)["told"] for channel in ("mail", "mail", "chat", "mail")]
    assert told == [1, 0, 1, 0]
    assert [one.subject for one in sent] == ["Test company: Orders"] * 2
    put(alert(), alert(kpi="visits", title="Visits"))
    telling.run("mail", sent.append, DAY, settings)
    assert sent[-1].text == "Visits (week of 2017-03-06): 20 is at or below 20; the target is 30. Owner: sales"


def test_what_could_not_be_sent_is_raised_and_tried_again(company):
    settings, put = company
    put(alert(), alert(kpi="visits", title="Visits"))

    def refuse(notice):
        raise ConnectionRefusedError("no server")

    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            telling.run("mail", refuse, DAY, settings)
    sent = []
    assert telling.run("mail", sent.append, DAY, settings)["told"] == 2
    assert telling.run("mail", sent.append, DAY, settings)["told"] == 0
    assert [one.subject for one in sent] == ["Test company: Visits and 1 more"]


def test_what_may_have_been_sent_when_a_run_died_is_not_sent_again_and_that_is_logged(company, monkeypatch, caplog):
    settings, put = company
    put(alert())
    record = telling._record
    claims_only = lambda lake, channel, state, *rest: record(lake, channel, state, *rest) if state == "claimed" else 0  # noqa: E731
    monkeypatch.setattr(telling, "_record", claims_only)
    sent = []
    telling.run("mail", sent.append, DAY, settings)
    monkeypatch.undo()
    with caplog.at_level(logging.WARNING):
        assert telling.run("mail", sent.append, DAY, settings) == {"told": 0, "unknown": 1, "waiting": 0}
    assert len(sent) == 1
    assert "kpi|orders|week|2017-03-06|target may not have been told by mail" in caplog.text


class ReadTimeout(OSError):
    """As libraries have them, which are no TimeoutError."""


def wrapped():
    error = RuntimeError("the hook gave up")
    error.__cause__ = TimeoutError("read")
    return error


@pytest.mark.parametrize(
    "raised",
    [
        TimeoutError("no answer"), ReadTimeout("no answer"), wrapped(), URLError(TimeoutError("no answer")),
        ConnectionResetError("gone"), SMTPServerDisconnected("gone"), KeyboardInterrupt(), SystemExit(1),
    ],
    ids=repr,
)  # fmt: skip
def test_what_may_have_been_accepted_before_the_answer_was_lost_is_not_sent_again(company, caplog, raised):
    settings, put = company
    put(alert())

    def send(notice):
        raise raised

    with pytest.raises(type(raised)):
        telling.run("mail", send, DAY, settings)
    sent = []
    assert telling.run("mail", sent.append, DAY, settings) == {"told": 0, "unknown": 1, "waiting": 0}
    assert sent == []
    assert "may not have been told by mail" in caplog.text


@pytest.mark.parametrize("raised", [URLError(ConnectionRefusedError("no")), ValueError("wrong address")], ids=repr)
def test_a_refusal_is_tried_again(company, raised):
    settings, put = company
    put(alert())

    def send(notice):
        raise raised

    with pytest.raises(type(raised)):
        telling.run("mail", send, DAY, settings)
    assert telling.run("mail", lambda notice: None, DAY, settings) == {"told": 1, "unknown": 0, "waiting": 0}


@pytest.mark.parametrize(
    ("day", "told"), [(dt.date(2017, 3, 11), 0), (DAY, 1), (dt.date(2017, 3, 18), 1), (dt.date(2017, 3, 19), 0)]
)
def test_a_period_is_told_from_its_last_day_for_a_week(company, day, told):
    settings, put = company
    put(alert())
    assert telling.run("mail", lambda notice: None, day, settings)["told"] == told


def test_text_from_outside_is_data_in_the_page_and_no_line_of_a_header():
    title = "<b>Orders</b>\r\nBcc: all@x.nl {{ conn.x.password }}"
    made = telling.notice([Alert("kpi", "1", DAY, title, "said")], "Shop")
    assert "<b>" not in made.html
    assert "&lt;b&gt;Orders" in made.html
    assert "\r" not in made.subject
    assert "\n" not in made.subject


def test_a_route_is_used_no_more_often_than_it_says_and_then_tells_all_that_waited(company, monkeypatch):
    settings, put = company
    clock = [dt.datetime(2017, 3, 12, 8, tzinfo=dt.UTC)]
    monkeypatch.setattr(telling, "now", lambda: clock[0])
    sent = []
    put(alert())
    assert telling.run("chat", sent.append, DAY, settings)["told"] == 1
    put(alert(), alert(kpi="visits", title="Visits"), alert(kpi="clicks", title="Clicks"))
    clock[0] += dt.timedelta(hours=1, minutes=59)
    assert telling.run("chat", sent.append, DAY, settings) == {"told": 0, "unknown": 0, "waiting": 2}
    clock[0] += dt.timedelta(minutes=1)
    assert telling.run("chat", sent.append, DAY, settings) == {"told": 2, "unknown": 0, "waiting": 0}
    assert [len(one.text.splitlines()) for one in sent] == [1, 2]
