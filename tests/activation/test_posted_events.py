"""Events that Amazon SNS posts to the page. Costs about 3 s of processor time, without the engine."""

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from jobs.activation.feedback import intake, page
from jobs.config.settings import load_settings
from jobs.config.yaml_files import ConfigError
from tests.activation.answering_company import FILES, Answering, environment, served
from tests.activation.sns_server import HOST, TOPIC, SnsServer, as_posted

EVENTS = {"live": {"topic": TOPIC}, "files": {"folder": "ses_events"}}
CERTIFICATE = f"https://{HOST}/SimpleNotificationService-{{}}.pem"


def ses(kind, request_id, address="a@b.example"):
    what = {
        "Bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": address, "status": "5.1.1"}]},
        "Complaint": {"complaintFeedbackType": "abuse", "complainedRecipients": [{"emailAddress": address}]},
    }[kind]
    told = {"timestamp": "2026-01-01T10:00:00.000Z", "feedbackId": f"f-{request_id}{address}"}
    return json.dumps({"eventType": kind, kind.lower(): told | what, "mail": {"messageId": request_id}})


@pytest.fixture(scope="module")
def sns(tmp_path_factory):
    server = SnsServer(tmp_path_factory.mktemp("sns"))
    with environment(), pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment().items():
            patch.setenv(name, value)
        yield server
    server.stop()


@pytest.fixture(scope="module")
def shop(tmp_path_factory, sns):
    return Answering(
        tmp_path_factory.mktemp("shop"), 9, {"feedback.yaml": {**FILES["feedback.yaml"], "events": EVENTS}}
    )


@pytest.fixture(scope="module")
def post(shop):
    with served(page.app(lambda: shop.settings)) as address, httpx.Client(base_url=address, timeout=60) as client:
        client.headers["Content-Type"] = "text/plain; charset=UTF-8"
        yield lambda message, to="live": client.post(f"/events/{to}", content=as_posted(message)).status_code


def test_a_topic_that_is_expected_is_confirmed_without_following_an_address_in_its_message(sns, post):
    asked = sns.message("SubscriptionConfirmation", Message="visit", SubscribeURL="https://evil.example/?Action=x")
    assert post(asked) == 204
    assert sns.confirmed == ["2336412f37"]
    assert {address.partition("?")[0] for address in sns.asked} == {
        f"https://{HOST}:443/SimpleNotificationService-0a.pem",
        f"https://{HOST}:443/",
    }
    assert post(sns.message("UnsubscribeConfirmation", Message="gone")) == 204
    assert sns.confirmed == ["2336412f37"]


@pytest.mark.parametrize(("number", "version", "subject"), [(1, "1", "Amazon SES"), (2, "2", None)])
def test_bounces_and_complaints_that_are_posted_count_at_once_and_once(sns, shop, post, number, version, subject):
    kind, why = (("Bounce", "bounced"), ("Complaint", "complained"))[number - 1]
    message = sns.message(version=version, Message=ses(kind, f"ses-{number}"), Subject=subject)
    assert post(message) == 204
    assert shop.suppressed(number) == [("email", why)]
    evidence = shop.rows("activation/feedback", operation_id=shop.sent(number))
    assert [(row["kind"], row["source"]) for row in evidence] == [(kind.lower(), "live")]
    assert post(message) == 204, "SNS posts again what it had no answer to"
    assert shop.rows("activation/feedback", operation_id=shop.sent(number)) == evidence


def test_an_address_counts_too_and_all_of_it_lands_with_the_next_run(sns, shop, post):
    assert post(sns.message(Message=ses("Bounce", "unknown", shop.email(3)))) == 204
    assert post(sns.message(Message=ses("Bounce", "unknown", "nobody@mail.example"))) == 204
    assert shop.suppressed(3) == [("email", "bounced")]
    waiting = len(shop.rows("activation/feedback", landed=""))
    assert intake.run("feedback", shop.today, shop.settings)["landed"] >= 1
    assert waiting > len(shop.rows("activation/feedback", landed="")) == 0


def test_messages_that_are_posted_side_by_side_are_written_one_after_another(sns, shop, post, monkeypatch):
    take, writing, most = intake.take, [], []

    def watched(*told, **more):
        writing.append(1)
        most.append(len(writing))
        take(*told, **more)
        writing.pop()

    monkeypatch.setattr(intake, "take", watched)
    told = [sns.message(Message=ses("Bounce", f"ses-{number % 2 + 7}")) for number in range(6)]
    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(post, told)) == [204] * 6
    assert most == [1] * 6
    assert (shop.heard(7), shop.heard(8)) == ([("bounce", "", "email")],) * 2


def test_a_sentence_with_which_a_topic_is_tried_out_is_no_event(sns, post):
    assert post(sns.message(Message="Successfully validated SNS topic for Amazon SES event publishing.")) == 204


def forged(sns, shop):
    right = sns.message(Message=ses("Bounce", "ses-4"))
    other = sns.message(Message=ses("Bounce", "ses-4"), TopicArn=TOPIC.replace("ses", "own"))
    pages = [
        *("http" + CERTIFICATE.format("0a")[5:], CERTIFICATE.format("0a") + "?x", CERTIFICATE.format("../0a")),
        *(CERTIFICATE.format("0a").replace(HOST, host) for host in (
            "s3.amazonaws.com", "sns.us-east-1.amazonaws.com", f"{HOST}.evil.example", f"{HOST}@evil.example",
            f"evil.example/{HOST}", f"{HOST}:8443", "sns.eu-west-1xamazonaws.com", f"evil.{HOST}",
        )),
        *(CERTIFICATE.format(name) for name in ("00", "e1", "e2", "e3", "e4")),
    ]  # fmt: skip
    return [
        *({**right, "SigningCertURL": page} for page in pages),
        {**right, "Message": ses("Bounce", "ses-5")}, {**right, "Timestamp": "2027-01-01T10:00:00.000Z"},
        {**right, "Subject": "added"}, {**right, "Signature": ""}, {**right, "Signature": right["Signature"][4:]},
        {**right, "SignatureVersion": "2"}, {**right, "SignatureVersion": "3"}, {**right, "Type": "Other"},
        {**right, "Message": 1}, {**right, "Message": "\ud800"}, {**right, "Timestamp": None},
        {**right, "Signature": "é"}, other, {**other, "TopicArn": TOPIC}, ses("Bounce", "ses-4").encode(),
        b"", b"[]", b"\xff", b"[" * 100_000, {**right, "SigningCertURL": None},
    ]  # fmt: skip


def test_what_is_not_of_the_topic_or_not_of_amazon_is_refused_and_no_other_host_is_asked(sns, shop, post, caplog):
    wrong = forged(sns, shop)
    assert [post(message) for message in wrong] == [403] * len(wrong)
    assert post(sns.message(Message="x" * (1 << 20))) == 413
    right = sns.message(Message=ses("Bounce", "ses-4"))
    assert [post(right, name) for name in ("files", "other", "live%0Aforged")] == [404, 404, 404]
    assert (shop.heard(4), shop.heard(5), shop.suppressed(4)) == ([], [], [])
    assert {address.split("/")[2] for address in sns.asked} == {f"{HOST}:443"}
    assert "ses-4" not in caplog.text
    assert "feedback.events.live: a message was refused: its signature is wrong" in caplog.text
    assert post(right) == 204


def test_while_amazon_cannot_be_asked_a_message_is_to_be_posted_again(sns, shop, post):
    sns.pages["0b"] = sns.pages["0a"]
    message = sns.message(Message=ses("Complaint", "ses-6")) | {"SigningCertURL": CERTIFICATE.format("0b")}
    sns.away = True
    assert post(message) == 503
    assert shop.suppressed(6) == []
    sns.away = False
    assert post(message) == 204
    assert shop.suppressed(6) == [("email", "complained")]


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ({"folder": "x", "topic": TOPIC}, "name a `folder` or a `topic`, one of them"),
        ({}, "name a `folder` or a `topic`, one of them"),
        ({"topic": "ses-events"}, "topic"),
    ],
)
def test_a_topic_is_told_by_its_arn_and_instead_of_a_folder(config, events, told):
    files = {name: FILES[name] for name in ("identity.yaml", "destinations.yaml", "sources/feedback.yaml")}
    with pytest.raises(ConfigError, match=told):
        load_settings(config({**files, "feedback.yaml": {"source": "feedback", "events": {"live": events}}}))
