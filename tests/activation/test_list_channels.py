"""What is particular to lists at one vendor, and the bad inputs that all lists share. Costs about 3 s.

What every channel must do is in test_every_channel.py.
"""

import time

import pytest

from jobs.activation.channel import ChannelDown, Recipient
from jobs.activation.channels.meta_ads import channel as meta
from jobs.activation.channels.webhook.channel import key_of, signed
from jobs.activation.http_api import Answer, Meanings, Pace, base_url, code_of
from jobs.activation.list_channel import Taken
from jobs.config.connections import Connection
from jobs.config.yaml_files import ConfigError
from jobs.privacy import destinations
from tests.activation.small_company import email, phone
from tests.servers.base import EMPTY, sha256
from tests.servers.bench import PEOPLE, done, keys, operation, operations, states


def test_25001_members_go_in_as_few_requests_as_the_vendor_allows(start):
    server, channel = start("meta_ads")
    names = [f"c{number:05d}" for number in range(25_001)]
    assert set(states(done(channel, operations(server, names)))) == {"accepted"}
    assert [told for _, told in server.requests()] == [10_000, 10_000, 5_001]
    assert len(server.held()) == 2 * 25_001


def test_one_poison_row_among_thousands_is_found_by_halving_and_refused_alone(start):
    server, channel = start("meta_ads")
    names = [f"c{number:05d}" for number in range(5_000)]
    server.refuse(email("c03210"), phone("c03210"))
    outcomes = done(channel, operations(server, names))
    refused = {one.operation_id: one.reason for one in outcomes if one.state != "accepted"}
    assert refused == {"add-c03210-1": "invalid_entries"}
    assert len(server.requests()) <= 1 + 2 * 13
    assert server.held() == keys(server, [name for name in names if name != "c03210"])


@pytest.mark.parametrize(
    ("then", "states_of"),
    [
        (Answer("again", "429"), {"unknown"}),  # the first request took all but one, whoever that is
        (Answer("stop", "401"), {"unknown"}),
        (Answer("done"), {"accepted"}),
    ],
)
def test_of_rows_that_were_taken_in_part_nothing_is_certain_until_all_halves_are_answered(start, then, states_of):
    server, channel = start("meta_ads")
    answers = [Answer("done", body={"num_invalid_entries": 1, "invalid_entry_samples": {}}), then, then]
    channel.send = lambda change, rows: answers.pop(0)
    channel.taken = lambda change, answer, rows: Taken(some=1, why="bad") if answer.body else Taken()
    try:
        outcomes = channel.deliver(operations(server, PEOPLE[:4]))
    except ChannelDown as down:
        outcomes = down.outcomes
    assert len(outcomes) == 4
    assert set(states(outcomes)) == states_of


def test_when_no_requests_are_left_for_looking_what_was_refused_is_a_number(start):
    server, channel = start("meta_ads", isolation_requests=0)
    server.refuse(email("c0003"), phone("c0003"))
    outcomes = done(channel, operations(server, PEOPLE))
    assert {(one.state, one.reason) for one in outcomes} == {("partial", "1 of 5 refused: invalid_entries")}


@pytest.mark.parametrize("name", ["klaviyo", "brevo"])
def test_an_import_that_takes_too_long_is_settled_by_the_next_push_without_another_one(start, name):
    server, channel = start(name, status_timeout_seconds=0)
    batch = operations(server, PEOPLE)
    waiting = done(channel, batch)
    assert set(states(waiting)) == {"submitted"}
    sent = [told for _, told in server.requests() if told]
    (request,) = {one.request_id for one in waiting}
    assert set(states(channel.settle([request], {request: batch}))) == {"accepted"}
    assert [told for _, told in server.requests() if told] == sent


def test_taking_somebody_off_a_list_of_klaviyo_makes_no_profile_of_who_has_none_and_tells_no_address_in_a_url(start):
    server, channel = start("klaviyo")
    done(channel, operations(server, PEOPLE))
    there = dict(server.profiles)
    stranger = operation("c9", "remove", ("nobody@mail.example",), ("+31699999999",))
    shouted = operation("c2", "remove", (email("c0002").upper(),), ())
    begun = len(server.calls)
    leaving = [*operations(server, PEOPLE[:1], "remove"), shouted, stranger]
    assert states(done(channel, leaving)) == ["accepted"] * 3
    assert server.profiles == there, "who has no profile gets none, and who leaves a list keeps theirs"
    assert server.held() == keys(server, PEOPLE[2:])
    asked = server.calls[begun:]
    assert [call.method for call in asked] == ["GET", "GET", "GET", "DELETE"], "two on a page of five, then one request"
    assert not [call.target for call in asked if "@" in call.target or "mail.example" in call.target]


@pytest.mark.parametrize("nothing", ["", " ", "@", "a@", "@b.nl", "a b@c.nl", EMPTY, sha256("a@b.nl")])
def test_meta_gets_no_hash_of_nothing_and_none_of_a_hash(nothing):
    assert meta.email_hash(nothing) is None


@pytest.mark.parametrize("nothing", ["", "+", "0612345678", "31612345678", "+0612345678", "+31612345678\n", EMPTY])
def test_meta_gets_no_number_without_its_country(nothing):
    assert meta.phone_hash(nothing) is None


def test_meta_says_in_minutes_when_it_may_be_asked_again():
    told = '{"123": [{"type": "custom_audience", "call_count": 100, "estimated_time_to_regain_access": 3}]}'
    assert meta.MEANINGS.wait({"X-Business-Use-Case-Usage": told}) == 180
    assert meta.MEANINGS.wait({"X-Business-Use-Case-Usage": "[1]"}) == 0


def test_who_is_forgotten_at_meta_is_taken_off_all_audiences_of_the_account(start):
    server, channel = start("meta_ads")
    done(channel, operations(server, PEOPLE))
    done(channel, operations(server, PEOPLE[:1], "remove"), "erase")
    assert server.calls[-1].path == "/v26.0/act_77/usersofanyaudience"


def test_who_unsubscribed_at_mailchimp_stays_unsubscribed_when_put_in_a_segment(start):
    server, channel = start("mailchimp")
    server.contacts[email("c0001")] = "unsubscribed"
    done(channel, operations(server, PEOPLE[:2]))
    assert server.contacts == {email("c0001"): "unsubscribed", email("c0002"): "subscribed"}


def test_who_leaves_a_segment_of_mailchimp_stays_a_contact_and_who_is_forgotten_does_not(start):
    server, channel = start("mailchimp")
    done(channel, operations(server, PEOPLE[:2]))
    done(channel, operations(server, PEOPLE[:2], "remove"))
    assert set(server.contacts) == {email("c0001"), email("c0002")}
    done(channel, operations(server, PEOPLE[:1], "remove"), "erase")
    assert set(server.contacts) == {email("c0002")}


@pytest.mark.parametrize(("name", "outcome"), [("brevo", "by_hand"), ("meta_ads", "erased")])
def test_the_receipt_says_what_stays_at_a_destination_after_an_erasure(start, every_destination, name, outcome):
    server, channel = start(name)
    done(channel, operations(server, PEOPLE[:1]))
    reached = Recipient((email("c0001"),), (phone("c0001"),))
    asked = destinations._removed("place", f"for_{name}", name, ["c0001"], reached, every_destination)
    assert (asked.outcome, asked.number, server.held()) == (outcome, 1, set())


def test_a_contact_of_mailchimp_is_named_as_mailchimp_publishes_it(start):
    server, channel = start("mailchimp")
    done(channel, [operation("c1", "remove", ("Urist.McVankab@freddiesjokes.com",), ())], "erase")
    assert "/members/62eeb292278cc15f5817cb78f7790b08/" in server.calls[-1].path


def test_a_webhook_is_signed_as_standardwebhooks_publishes_it():
    """The example of the specification of Standard Webhooks."""
    content = b'{"event_type":"ping","data":{"success":true}}'
    headers = signed(key_of("whsec_plJ3nmyCDGBKInavdOK15jsl", "c"), "msg_loFOjxBNrRLzqYUf", 1731705121, content)
    assert headers["webhook-signature"] == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (200, {"ok": 1}, "done"),
        (200, {"code": "odd"}, "rows"),
        (200, {"code": "busy"}, "again"),
        (400, {}, "rows"),
        (401, {}, "stop"),
        (404, {}, "stop"),
        (409, {}, "refused"),
        (429, {}, "again"),
        (302, {}, "refused"),
        (503, {}, "again"),
    ],
)
def test_the_retry_table_asks_the_vendor_first_and_the_status_after(status, body, meaning):
    table = Meanings(lambda status, body: [body["code"]] if "code" in body else [], {"busy": "again"})
    assert table.of(status, body)[0] == meaning


@pytest.mark.parametrize("told", ["jan@mail.example is wrong", "x" * 500, {"a": 1}, None])
def test_what_is_kept_of_an_answer_is_a_short_code_without_addresses(told):
    assert "@" not in code_of(told)
    assert " " not in code_of(told)
    assert len(code_of(told)) <= 60


def test_requests_are_begun_no_faster_than_told():
    pace, began = Pace(50), time.monotonic()
    for _ in range(6):
        pace.wait()
    assert time.monotonic() - began >= 5 / 50


def test_a_credential_goes_unprotected_to_this_machine_only():
    assert base_url(Connection("127.0.0.1", 8080, schema="http"), "", "c") == "http://127.0.0.1:8080"
    assert base_url(Connection("api.example"), "", "c") == "https://api.example"
    with pytest.raises(ConfigError, match=r"http to api\.example would show the credential"):
        base_url(Connection("api.example", schema="http"), "", "c")


def test_googles_credentials_go_nowhere_else_unprotected_either(monkeypatch):
    from google.oauth2.credentials import Credentials

    from jobs.activation.channels.google_data_manager import channel

    monkeypatch.setattr("google.auth.default", lambda scopes: (Credentials("token"), ""))
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE", "generic://data-manager:8026/http?anonymous=true")
    assert channel._client("google").transport.host == "http://data-manager:8026", "the sandbox of docker/compose.yaml"
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE", '{"host": "api.example", "schema": "http"}')
    with pytest.raises(ConfigError, match=r"'google': http to api\.example would show the credential"):
        channel._client("google")


def test_an_answer_that_redirects_is_not_followed_with_the_credential(start):
    from tests.servers.base import Reply

    server, channel = start("meta_ads")
    server.answer = lambda call: Reply(307, {}, {"Location": "http://127.0.0.1:1/elsewhere"})
    assert states(done(channel, operations(server, PEOPLE[:1]))) == ["rejected"]
    assert len(server.calls) == 1
