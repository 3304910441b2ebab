"""Messages through a real mail server, and the reports it writes. Costs about 2 s, without the engine."""

import copy
import json
import mailbox

import pytest

from jobs.activation.bounce_address import operation_named
from jobs.activation.channel import Operation, Recipient
from jobs.activation.channels.types import open_channel
from jobs.activation.feedback import intake, reports
from jobs.cli.local.processes import wait_until
from tests.activation.answering_company import FILES, Answering, environment
from tests.mail_server import mail_server, why_not

EMAIL = copy.deepcopy(FILES["destinations.yaml"])
EMAIL["destinations"]["email"]["options"]["bounce_address"] = "bounces+{message}@shop.example"
FEEDBACK = {**FILES["feedback.yaml"], "mailboxes": {"bounces": {"maildir": "boxes/bounces"}}}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if reason := why_not():
        pytest.skip(reason)
    home = tmp_path_factory.mktemp("mail")
    with mail_server(home, "mail.example", ("person1", "person3"), "person3", "shop.example") as running:
        yield running


@pytest.fixture(scope="module")
def shop(server):
    with environment():
        yield Answering(server.boxes.parent, 3, {"destinations.yaml": EMAIL, "feedback.yaml": FEEDBACK})


def deliver(shop, port, numbers, monkeypatch):
    connection = {"host": "127.0.0.1", "port": port, "extra": {"security": "none"}}
    monkeypatch.setenv("AIRFLOW_CONN_TEST_SMTP", json.dumps(connection))
    channel = open_channel("winback", "email", shop.settings)
    people = [(n, Recipient((shop.email(n),), (), "Kim", "nl")) for n in numbers]
    try:
        return channel.deliver([Operation(shop.sent(n), shop.customer(n), "send", 1, "f", who) for n, who in people])
    finally:
        channel.close()


def test_a_mail_to_nobody_comes_back_for_real_and_ends_the_address(server, shop, monkeypatch):
    """Person 1 is known there, person 2 is not, and mail to person 3 is blocked."""
    outcomes = deliver(shop, server.port, (1, 2, 3), monkeypatch)
    assert [(one.state, one.dead_address) for one in outcomes] == [("accepted", False)] * 3

    def mails(user):
        box = server.boxes / user
        return list(mailbox.Maildir(box, create=False)) if (box / "new").is_dir() else []

    wanted = {"person1": 1, "bounces": 2}
    assert wait_until({user: lambda user=user: len(mails(user)) == wanted[user] for user in wanted}, 60) == []
    (arrived,) = mails("person1")
    assert operation_named(arrived["Return-Path"], shop.settings) == shop.sent(1)
    assert arrived["List-Unsubscribe"].endswith(f"{shop.link(1)}>"), "no server on the way folds the link"
    told = [one for mail in mails("bounces") for one in reports.of_mail(mail.as_bytes(), lambda text: "") or ()]
    assert sorted((one.operation_id, one.kind, one.detail) for one in told) == [
        (shop.sent(2), "bounce", "5.0.0"),
        (shop.sent(3), "soft_bounce", "5.7.1"),
    ], "by what came back of the message, too"

    counts = intake.run("feedback", shop.today, shop.settings)

    assert (counts["heard"], counts["not_understood"], counts["unmatched"]) == (2, 0, 0)
    assert [shop.suppressed(number) for number in (1, 2, 3)] == [[], [("email", "bounced")], []]
    assert [shop.heard(number) for number in (2, 3)] == [[("bounce", "", "email")], [("soft_bounce", "", "email")]]
    assert mails("bounces") == []


def test_a_refusal_at_once_is_final_but_without_an_exact_code_may_be_about_us_and_ends_no_address(
    server, shop, monkeypatch
):
    outcomes = deliver(shop, server.customers, (1, 2, 3), monkeypatch)
    assert [(one.state, one.reason, one.dead_address) for one in outcomes] == [
        ("accepted", "250", False),
        ("rejected", "550", False),
        ("rejected", "550 5.7.1", False),
    ]
