"""Bounces, complaints and answers, from mailboxes, events and the page to suppressions, files that land and tables.

Costs about 15 s of processor time: one company, one day of the first steps of the flow.
"""

import datetime as dt
import json
import mailbox
from pathlib import Path

import pytest

from jobs import pipeline
from jobs.activation.bounce_address import bounce_address
from jobs.activation.feedback import intake, reports
from jobs.activation.unsubscribe import choose, unsubscribe
from jobs.errors import StepFailed
from tests.activation.answering_company import FILES, Answering, environment
from tests.activation.imap_server import ImapServer

BOXES = {
    "bounces": {"connection": "test_imap", "folder": 'In "box'},
    "local": {"maildir": "bounces"},
}
FEEDBACK = {**FILES["feedback.yaml"], "mailboxes": BOXES, "events": {"ses": {"folder": "ses_events"}}}


def dsn(
    message, status="5.1.1", action="failed", diagnostic="", head="text/rfc822-headers", recipient="gone@x.example",
    to="bounces@shop.example", words="I am sorry.",
):  # fmt: skip
    """A report as RFC 3464 has it; `message` is the Message-ID of what came back, `to` where the report was sent."""
    diagnostic = f"Diagnostic-Code: smtp; {diagnostic}\n" if diagnostic else ""
    returned = f"Message-ID: {message}\nSubject: News\n"
    text = f"""From: MAILER-DAEMON@mx.example
To: {to}
Date: Thu, 1 Jan 2026 10:00:00 +0100
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

{words}
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Thu, 1 Jan 2026 09:00:00 +0100

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
{diagnostic}
--b
Content-Type: {head}

{returned}
--b--
"""
    return text.encode()


def arf(kind="abuse", message_id="<x@y>", link=""):
    """A complaint as RFC 5965 has it."""
    link = f"List-Unsubscribe: <https://shop.example/u?t={link}>\n" if link else ""
    return f"""From: fbl@mailbox.example
To: fbl@shop.example
Date: Thu, 1 Jan 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

A complaint.
--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Mailbox/1.0
Version: 1
Original-Mail-From: <bounces@shop.example>

--b
Content-Type: message/rfc822

From: hello@shop.example
Message-ID: {message_id}
{link}Subject: News

Hello
--b--
""".encode()


def read(content, named=lambda text: ""):
    return reports.of_mail(content, named)


def ses(kind, request_id="", address="a@b.example", wrap=False, **more):
    """An event in the form of Amazon SES; `wrap` as SNS delivers it."""
    what = {
        "bounce": {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [
            {"emailAddress": address, "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 no such user"}]},
        "complaint": {"complaintFeedbackType": "abuse", "complainedRecipients": [{"emailAddress": address}]},
        "delivery": {"recipients": [address]},
    }[kind]  # fmt: skip
    what |= {"timestamp": "2026-01-01T10:00:00.000Z", "feedbackId": f"f-{request_id}{address}", **more}
    event = {"eventType": kind.title(), kind: what, "mail": {"messageId": request_id, "headers": []}}
    return {"Type": "Notification", "Message": json.dumps(event)} if wrap else event


@pytest.mark.parametrize(
    ("status", "action", "diagnostic", "found"),
    [
        ("5.1.1", "failed", "", ("bounce", "5.1.1")),
        ("5.0.0", "failed", "550 5.1.1 <x>: unknown", ("bounce", "5.1.1")),
        ("5.0.0", "failed", "550 no", ("bounce", "5.0.0")),
        ("5.4.1", "failed", "550 5.4.1 Recipient address rejected", ("bounce", "5.4.1")),
        ("5.2.1", "Failed ", "", ("bounce", "5.2.1")),
        ("5.2.2", "failed", "552 5.2.2 mailbox full", ("soft_bounce", "5.2.2")),
        ("5.7.1", "failed", "550 5.7.1 blocked", ("soft_bounce", "5.7.1")),
        ("4.4.7", "failed", "", ("soft_bounce", "4.4.7")),
        ("", "failed", "", ("bounce", "5.0.0")),
    ],
)
def test_a_failed_delivery_is_hard_only_where_the_address_is_dead(status, action, diagnostic, found):
    (report,) = read(dsn("<op1@shop.example>", status, action, diagnostic))
    assert (report.kind, report.detail, report.operation_id) == (*found, "op1")
    assert report.at == dt.datetime(2026, 1, 1, 9, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("a@b.nl: 550 5.1.1 gone\ngone@x.example: 550 5.7.1 blocked, see 5.6.7.8", ("soft_bounce", "5.7.1")),
        ("gone@x.example: 550 no such user\n\na@b.nl: 550 5.7.1 blocked", ("bounce", "5.0.0")),
        ("gone@x.example: connection to 5.1.2.3 refused", ("bounce", "5.0.0")),
    ],
)
def test_a_general_code_is_made_exact_by_what_is_said_of_this_recipient_only(words, found):
    (report,) = read(dsn("<op1@shop.example>", "5.0.0", words=words))
    assert (report.kind, report.detail) == found


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded", "", "é"])
def test_what_was_delayed_or_delivered_is_no_bounce(action):
    assert read(dsn("<op1@shop.example>", action=action)) == []


@pytest.mark.parametrize("head", ["text/rfc822-headers", "message/rfc822", "message/global-headers"])
def test_the_message_is_found_however_it_is_returned(head):
    assert [one.operation_id for one in read(dsn("<op1@shop.example>", head=head))] == ["op1"]


def test_a_report_is_one_whatever_it_is_called_as_a_whole_but_not_if_a_person_passes_it_on():
    report = dsn("<op1@shop.example>")
    mixed = report.replace(b"multipart/report; report-type=delivery-status", b"multipart/mixed")
    assert [(one.kind, one.operation_id) for one in read(mixed)] == [("bounce", "op1")]
    head = b'From: kim@x.example\nContent-Type: multipart/mixed; boundary="f"\n\n--f\n'
    assert read(head + b"Content-Type: message/rfc822\n\n" + report + b"\n--f--\n") is None


def test_a_report_in_the_international_form_is_read():
    mail = dsn("<op1@shop.example>").replace(b"message/delivery-status", b"message/global-delivery-status")
    assert [(one.kind, one.operation_id) for one in read(mail)] == [("bounce", "op1")]


@pytest.mark.parametrize(
    "content",
    [b"", b"Subject: Out of office\n\nback on Monday", b"\xff\xfe\x00", b"Content-Type: multipart/report\n\nnothing",
     b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: text/plain\n\nhello\n--b--"],
)  # fmt: skip
def test_a_mail_that_is_no_report_is_left_for_a_person(content):
    assert read(content) is None


QMAIL = """Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.

<gone@mx.example>:
192.0.2.55 does not like recipient.
Remote host said: 550 no such user

--- Below this line is a copy of the message.

Version 5.7.1 of our shop
"""


@pytest.mark.parametrize(
    ("sender", "more", "text", "found"),
    [
        ("MAILER-DAEMON@mx.example", "", QMAIL, [("bounce", "5.0.0")]),
        ("Mail <Mailer-Daemon@mx.example>", "", "host mx [5.6.7.8] said: 552 5.2.2 full", [("soft_bounce", "5.2.2")]),
        ("MAILER-DAEMON@mx.example", "", "550 5.7.1 Message rejected", [("soft_bounce", "5.7.1")]),
        ("MAILER-DAEMON@mx.example", "", "550 5.2.2 mailbox full", [("soft_bounce", "5.2.2")]),
        ("MAILER-DAEMON@mx.example", "", "550-5.1.1 no such user", [("bounce", "5.1.1")]),
        ("info@mx.example", "X-Failed-Recipients: gone@mx.example", "#5.1.1.", [("bounce", "5.1.1")]),
        ("postmaster@mx.example", "", "delayed: 450 4.2.0, tried again until 5.6.7.8 answers", None),
        ("MAILER-DAEMON@mx.example", "", "it did not work\n\n--- copy\n\n550 5.1.1", None),
        ("kim@mx.example", "Auto-Submitted: auto-replied", "Back on Monday; call 550 5.1.1", None),
    ],
)
def test_a_server_in_words_of_its_own_is_understood_at_the_bounce_address_of_a_message_only(sender, more, text, found):
    mail = f"From: {sender}\nTo: here\nDate: Thu, 1 Jan 2026 10:00:00 +0100\n{more}\n\n{text}".replace("\n\n\n", "\n\n")
    at_message = read(mail.encode(), lambda text: "op1" if "here" in text else "")
    assert (at_message and [(one.kind, one.detail) for one in at_message]) == found
    assert {one.operation_id for one in at_message or ()} <= {"op1"}
    assert read(mail.encode()) is None


def test_the_bounce_address_of_a_message_is_believed_before_what_a_report_returns():
    def operations(mail):
        return [one.operation_id for one in read(mail, lambda text: text.partition("named-")[2][:3])]

    assert operations(dsn("<op1@shop.example>", to="named-op2")) == ["op2"]
    assert operations(dsn("", to="named-op2")) == ["op2"]
    assert operations(arf().replace(b"Mail-From: <bounces", b"Mail-From: <named-op2")) == ["op2"]
    assert operations(arf().replace(b"\n\nFrom: hello", b"\n\nReturn-Path: <named-op2>\nFrom: hello")) == ["op2"]


def test_a_complaint_names_its_message_by_id_or_by_link_and_not_spam_is_none():
    def told(**options):
        return [(one.kind, one.operation_id) for one in read(arf(**options))]

    assert told(message_id="<op1@shop.example>") == [("complaint", "op1")]
    assert told(message_id="<redacted>", link="op2.20260101.abc") == [("complaint", "op2")]
    assert told(kind="opt-out", message_id="<op1@shop.example>") == [("unsubscribe", "op1")]
    assert told(kind="not-spam", message_id="<op1@shop.example>") == []


def test_events_are_read_bare_wrapped_listed_and_by_line():
    bounce, complaint, delivery = ses("bounce", "r1"), ses("complaint", "r2", wrap=True), ses("delivery", "r3")
    wanted = [("bounce", "r1", "5.1.1"), ("complaint", "r2", "abuse")]
    bridge = {"detail-type": "Email Bounced", "detail": bounce}
    for text in (
        json.dumps([bounce, complaint, delivery]),
        "\n".join(json.dumps(one) for one in (bridge, complaint, delivery)),
        json.dumps([bounce, complaint, {"Type": "SubscriptionConfirmation", "Message": "confirm", "Token": "t"}, {}]),
    ):
        assert [(one.kind, one.request_id, one.detail) for one in reports.of_events(text)] == wanted
    soft = ses("bounce", "r1", bounceType="Transient")
    assert [one.kind for one in reports.of_events(json.dumps(soft))] == ["soft_bounce"]
    tagged = {**bounce, "mail": {"tags": {"operation": ["op7"]}, "headers": "none"}}
    assert [one.operation_id for one in reports.of_events(json.dumps(tagged))] == ["op7"]
    for wrong in ("no json", "[1]", '"text"', "[" * 100_000):
        with pytest.raises((ValueError, RecursionError)):
            reports.of_events(wrong)


@pytest.fixture(scope="module")
def imap():
    server = ImapServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shop(tmp_path_factory, imap):
    with environment() as _, pytest.MonkeyPatch.context() as patch:
        connection = {"host": "127.0.0.1", "port": imap.port, "login": "reports", "password": "geheim"}
        patch.setenv("AIRFLOW_CONN_TEST_IMAP", json.dumps({**connection, "extra": {"security": "none"}}))
        home = tmp_path_factory.mktemp("shop")
        shop = Answering(home, files={"feedback.yaml": FEEDBACK})
        mailbox.Maildir(home / "bounces", create=True)
        shop.home, shop.maildir = home, lambda: mailbox.Maildir(home / "bounces", create=False)
        (Path(shop.settings.landing) / "crm").mkdir(parents=True)
        yield shop


def message_id(shop, number):
    return f"<{shop.sent(number)}@shop.example>"


def take_in(shop, day=None):
    return intake.run("feedback", day or shop.today, shop.settings)


def drop(shop, name, content):
    path = Path(shop.settings.landing) / "ses_events" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_mailbox_is_read_over_imap_reports_are_deleted_and_all_else_is_left(shop, imap):
    imap.put(dsn(message_id(shop, 1)), b"Subject: hello\n\nWhen are you open?", arf(message_id=message_id(shop, 2)))
    counts = take_in(shop)
    assert (counts["heard"], counts["not_understood"]) == (2, 1)
    assert shop.suppressed(1) == [("email", "bounced")]
    assert shop.suppressed(2) == [("email", "complained")]
    assert [(flags, content[:14]) for flags, content in imap.mails.values()] == [({"\\Seen"}, b"Subject: hello")]
    assert take_in(shop)["not_understood"] == 0, "it waits for a person, and is not counted again"


def test_the_same_report_that_is_read_again_after_a_crash_changes_nothing(shop, imap):
    imap.put(dsn(message_id(shop, 3)))
    imap.breaks_after = "UID STORE"
    with pytest.raises(StepFailed, match=r"feedback\.mailboxes\.bounces: cannot be read: \w+; check it"):
        take_in(shop)
    imap.breaks_after = None
    before = shop.rows("activation/feedback", operation_id=shop.sent(3))
    assert len(before) == 1
    assert take_in(shop)["heard"] == 0
    assert shop.rows("activation/feedback", operation_id=shop.sent(3)) == before
    assert 3 not in {number for number, (flags, _) in imap.mails.items() if "\\Seen" not in flags}


def test_a_server_without_uidplus_gets_no_expunge_of_what_others_deleted(shop, imap):
    imap.uidplus = False
    imap.put(dsn(message_id(shop, 4)))
    take_in(shop)
    imap.uidplus = True
    assert "\\Deleted" in list(imap.mails.values())[-1][0]
    assert take_in(shop)["heard"] == 0


def test_a_refused_login_does_not_repeat_the_password_and_other_places_are_read(shop, imap):
    imap.password = "anders"
    drop(shop, "other.json", ses("bounce", "ses-5"))
    with pytest.raises(StepFailed, match=r"mailboxes\.bounces") as error:
        take_in(shop)
    imap.password = "geheim"
    assert "geheim" not in str(error.value)
    assert shop.suppressed(5) == [("email", "bounced")]


def test_anybody_can_write_to_a_mailbox_so_only_messages_of_ours_count(shop):
    box = shop.maildir()
    box.add(dsn("<guess@shop.example>", recipient=shop.email(6)))
    box.add(dsn("", recipient=shop.email(6)))
    box.add(arf(link=shop.link(999)))
    counts = take_in(shop)
    assert (counts["heard"], counts["unmatched"]) == (0, 3)
    assert shop.suppressed(6) == []
    assert len(shop.maildir()) == 0


def test_the_bounce_address_of_a_message_cannot_be_made_up_and_needs_no_message_that_came_back(shop):
    def address(number):
        return bounce_address("bounces+{message}@shop.example", shop.sent(number), shop.settings)

    box = shop.maildir()
    box.add(dsn("", to=address(10).upper()))
    box.add(f"From: MAILER-DAEMON@mx.example\nDelivered-To: {address(11)}\n\n{QMAIL}".encode())
    box.add(dsn("", to=address(6).replace(shop.sent(6), shop.sent(13))))
    box.add(f"From: kim@mx.example\nTo: {address(6)}\n\nPlease call me".encode())
    counts = take_in(shop)
    assert (counts["heard"], counts["unmatched"], counts["not_understood"]) == (2, 1, 1)
    assert [shop.suppressed(number) for number in (10, 11)] == [[("email", "bounced")]] * 2
    assert [shop.suppressed(number) for number in (6, 13)] == [[], []]
    shop.maildir().clear()


def test_events_count_by_message_or_by_address_and_their_files_hold_addresses_and_go(shop):
    file = drop(shop, "2026/01/one.json", [ses("complaint", "ses-7", wrap=True), ses("bounce", "", shop.email(8))])
    stranger = drop(shop, "two.json", ses("bounce", "", "nobody-here@mail.example"))
    broken = drop(shop, "three.json", f"{{{shop.email(8)}")
    counts = take_in(shop)
    assert (counts["heard"], counts["not_understood"]) == (3, 1)
    assert shop.suppressed(7) == [("email", "complained")]
    assert shop.suppressed(8) == [("email", "bounced")]
    assert (file.exists(), stranger.exists(), broken.exists()) == (False, False, True)
    broken.unlink()


def test_soft_bounces_end_an_address_only_after_as_many_as_declared_within_the_days(shop):
    def bounced(number, day, name):
        when = f"2026-01-{day:02d}T10:00:00Z"
        drop(shop, f"{name}.json", ses("bounce", "", shop.email(number), bounceType="Transient", timestamp=when,
                                       feedbackId=name))  # fmt: skip
        take_in(shop)
        return shop.suppressed(number)

    assert bounced(9, 1, "a") == []
    assert bounced(9, 12, "b") == [], "the first one is more than ten days ago"
    assert bounced(9, 13, "c") == []
    assert bounced(9, 13, "c") == [], "the same report twice is one"
    assert bounced(9, 14, "d") == [("email", "bounced")]


def test_what_comes_back_reaches_consent_and_the_journey_of_the_same_run(shop):
    yesterday = shop.today - dt.timedelta(days=1)
    at = dt.datetime.combine(yesterday, dt.time(12), dt.UTC)
    contacts = ["id,updated_at,email,name"]
    contacts += [f"{number},{yesterday} 08:00:00,{shop.email(number)},Kim" for number in range(20, 25)]
    landed = Path(shop.settings.landing) / "crm" / str(yesterday) / "contacts.csv"
    landed.parent.mkdir(parents=True)
    landed.write_text("\n".join(contacts) + "\n")
    unsubscribe(shop.link(20), yesterday, shop.settings, at=at)
    choose(shop.link(21), [("service", "email")], shop.settings, at=at)
    choose(shop.link(21), [("service", "email"), ("ads", "ads")], shop.settings, at=at + dt.timedelta(hours=1))
    drop(shop, "x.json", ses("complaint", "ses-22", timestamp=at.isoformat()))
    unsubscribe(shop.link(23), None, shop.settings)  # today: a later day than that of the run

    outcomes = list(pipeline.run_day(yesterday, shop.settings, until="journeys"))

    assert [str(outcome.error) for outcome in outcomes if outcome.error] == []

    def holds(number, *columns):
        rows = shop.rows("profiles/consent", customer_id=owner(shop, number))
        return sorted(tuple(row[name] for name in ("purpose", "channel", "status", *columns)) for row in rows)

    noes = [("ads", "ads"), ("marketing", "email"), ("service", "email")]
    assert holds(20) == [(*asked, "withdrawn") for asked in noes if asked[1] == "email"]
    later = at + dt.timedelta(hours=1)
    assert holds(21, "changed_at", "source") == [
        ("ads", "ads", "granted", later, "feedback"),
        ("marketing", "email", "withdrawn", at, "feedback"),
    ]
    assert [status for *_, status in holds(22)] == ["withdrawn", "withdrawn"]
    assert holds(23) == []
    contacts = shop.rows("journeys/touchpoints")
    assert sorted(
        (row["customer_id"], row["type"], row["subject"]) for row in contacts if row["source"] == "feedback"
    ) == (sorted([(owner(shop, 20), "unsubscribe", "winback"), (owner(shop, 22), "complaint", "winback")]))
    evidence = shop.rows("activation/feedback", operation_id=shop.sent(20))
    assert evidence[0]["landed"].startswith(f"feedback/{yesterday}/events-")
    assert shop.rows("activation/feedback", operation_id=shop.sent(23))[0]["landed"] == ""

    before = shop.lake.content_hash("activation/feedback"), shop.rows("valid/consents")
    assert take_in(shop, yesterday)["landed"] == 0
    assert (shop.lake.content_hash("activation/feedback"), shop.rows("valid/consents")) == before


def owner(shop, number):
    return shop.rows("identity/map", identifier=shop.identifier(number))[0]["customer_id"]
