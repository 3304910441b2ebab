"""Text messages: to the preferred number, once a day, and not to who said STOP. Costs about 4 s."""

import datetime as dt

import pytest

from jobs.activation.channels.types import problems
from jobs.activation.feedback.heard import refusing
from jobs.config.yaml_files import ConfigError
from jobs.errors import DeliveryIncomplete
from tests.activation.small_company import AUDIENCE, CONFIG, DAY, email, phone
from tests.servers.base import LOST

TO_SMS = {"type": "twilio", "channel": "sms", "connection": "to_twilio", "options": {"sender": "+31970100000"}}
FILES = {
    "destinations.yaml": {"destinations": {"texts": TO_SMS}},
    "audiences/winback.yaml": CONFIG["audiences/winback.yaml"]
    | {"send_to": {"texts": {"template": "winback", "cooldown_days": 1}}},
    "templates/winback.en.sms": "Hi {{ first_name or 'there' }}, {{ company }} misses you.",
    "templates/winback.nl.sms": "Dag {{ first_name }}, {{ company }} mist je.",
}


@pytest.fixture
def shop(company, start):
    """Three customers who agreed to text messages, and the server."""
    server, _ = start("twilio")
    shop = company("winback", files=FILES)
    shop.customers(3, channel="sms")
    return shop, server


def test_each_person_gets_one_text_at_their_number_in_their_language(shop):
    shop, server = shop
    counts = shop.push("winback", "texts")
    assert counts["delivered"] == 3
    assert dict(server.sent)[phone("c0001")] == "Dag Voornaamc0001, Test company mist je."
    assert shop.push("winback", "texts") == counts
    assert len(server.sent) == 3, "a second push sends nothing"


def test_who_said_stop_is_refused_and_not_asked_again_the_next_day(shop):
    shop, server = shop
    server.refuse(email("c0002"), phone("c0002"))
    with pytest.raises(DeliveryIncomplete, match=r"1 of 3 refused.*400 error_21610"):
        shop.push("winback", "texts")
    (row,) = shop.lake.arrow("activation/feedback").to_pylist()
    assert (row["kind"], row["channel"], row["purpose"]) == ("unsubscribe", "sms", ""), "a no, not a dead number"
    assert (row["customer_id"], row["source"]) == ("c0002", "texts")
    assert [one["reason"] for one in shop.lake.arrow("activation/suppressions").to_pylist()] == ["unsubscribed"]
    assert "c0002" in refusing(shop.lake, "service", "sms")
    asked = len(server.calls)
    later = DAY + dt.timedelta(days=1)
    shop.members("c0001", "c0002", "c0003", day=later)
    counts = shop.push("winback", "texts", later)
    assert (counts["suppressed"], counts["delivered"], len(server.calls) - asked) == (1, 2, 2)


def test_a_text_of_which_no_answer_came_is_unknown_and_never_sent_again(shop):
    shop, server = shop
    server.fail(LOST)
    with pytest.raises(DeliveryIncomplete, match="1 may or may not have arrived"):
        shop.push("winback", "texts")
    with pytest.raises(DeliveryIncomplete, match="1 may or may not have arrived"):
        shop.push("winback", "texts")
    assert sorted(number for number, _ in server.sent) == [phone(f"c000{n}") for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("Hi {{ nickname }}", "'nickname' is undefined"),
        ("{% if %}", "Expected an expression"),
        ("x" * 1501, "1501 characters; write at least one and at most 1500"),
        ("", "0 characters; write at least one and at most 1500"),
    ],
)
def test_a_template_that_cannot_be_sent_is_told_by_check(settings, template, told):
    audience = {"audience": "winback", "title": "T", **AUDIENCE, "purpose": "marketing"}
    audience["send_to"] = {"texts": {"template": "bad"}}
    loaded = settings({**FILES, "audiences/winback.yaml": audience, "templates/bad.en.sms": template})
    (problem,) = problems(loaded)
    assert told in problem


@pytest.mark.parametrize("sender", ["0612345678", "a name that is too long", "12345", ""])
def test_a_sender_that_cannot_send_is_refused_on_load(settings, sender):
    told = TO_SMS | {"options": {"sender": sender}}
    with pytest.raises(ConfigError, match="cannot send"):
        settings({**FILES, "destinations.yaml": {"destinations": {"texts": told}}})
