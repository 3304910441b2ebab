"""Audiences sent by e-mail, against a real SMTP server."""

import copy
import datetime as dt
import email as mail
import re
import ssl
from email.policy import default
from ipaddress import ip_address

import pytest

from examples.sandboxes.smtp import SmtpSandbox, received, recipient_hash
from jobs.activation import ledger, moments, plan, push
from jobs.activation.bounce_address import operation_named
from jobs.activation.channels.smtp.addresses import wire_address
from jobs.activation.channels.smtp.options import Options
from jobs.activation.feedback.heard import Heard, keep
from jobs.activation.measured_link import measured_of
from jobs.activation.suppressions import suppress
from jobs.cli.local.processes import wait_until
from jobs.errors import DeliveryIncomplete
from jobs.identity.identifiers import identifier_hash
from tests.activation.small_company import CONFIG, DAY, email, points
from tests.company import MINIMAL


def channels(**destination):
    """destinations.yaml with other values for the e-mail destination."""
    changed = copy.deepcopy(CONFIG["destinations.yaml"])
    options = destination.pop("options", {})
    changed["destinations"]["email"] |= destination
    changed["destinations"]["email"]["options"] |= options
    return {"destinations.yaml": changed}


def test_every_member_with_consent_gets_one_message_and_the_rest_a_reason(company, sink):
    shop = company("winback")
    names = shop.customers(6)
    shop.consent(*names[:5])
    shop.members(*names, holdout=(names[0],))

    counts = shop.push("winback", "email")

    assert counts | {"members": 6, "held_out": 1, "no_consent": 1, "delivered": 4, "to_add": 4} == counts
    assert sink.recipients() == sorted(recipient_hash(email(name)) for name in names[1:5])
    assert shop.lake.arrow("activation/deliveries").to_pylist()[0]["delivered"] == 4


def test_each_message_has_a_bounce_address_of_its_own_that_names_it_and_nobody(company, sink):
    shop = company("winback", files=channels(options={"bounce_address": "bounces+{message}@shop.example"}))
    shop.customers(2)
    shop.push("winback", "email")
    sent = sink.received()
    assert [operation_named(one["sender"], shop.settings) for one in sent] == [
        one["message_id"].strip("<>").partition("@")[0] for one in sent
    ]
    for one in sent:
        assert re.fullmatch(r"bounces\+[0-9a-f]{48}@shop\.example", one["sender"])


def test_only_who_said_yes_to_being_measured_gets_a_picture_and_links_that_tell(company, sink):
    """c1 said yes, c2 nothing, c3 no since the plan was made; of c4 and c5, who share an address, only one said yes."""
    page = "<html><body><a href='{{ links.shop }}'>Shop</a> <a href='{{ unsubscribe_url }}'>Stop</a></body></html>"
    files = {
        "identity.yaml": {**MINIMAL["identity.yaml"], "purposes": {
            "marketing": {"channels": ["email"]}, "measuring": {"channels": ["email"]}, "ads": {"channels": ["ads"]}}},
        "feedback.yaml": {"opens_and_clicks": {
            "purpose": "measuring", "opens": True, "links": {"shop": "https://shop.example/?a=1&b=2"}}},
        "templates/winback.nl.html": page,
        "templates/winback.nl.txt": "Subject: Nieuws\n\n{{ links.shop }}\n{{ unsubscribe_url }}\n",
    }  # fmt: skip
    shop = company("winback", files=files)
    names = shop.customers(5)
    shared = {"kind": "email", "value": "family@mail.example", "preference": 1}
    both = [{**shared, "customer_id": name} for name in names[3:]]
    shop.replace("profiles/contact_points", *[point for name in names[:3] for point in points(name)], *both)
    yes = {"channel": "email", "status": "granted"}
    told = [{**yes, "customer_id": name, "purpose": "measuring"} for name in (names[0], names[2], names[3])]
    wanted = [{**yes, "customer_id": name, "purpose": "marketing"} for name in names]
    shop.replace("profiles/consent", *wanted, *told)
    plan.run(DAY, shop.settings)
    hashed = identifier_hash("email", email(names[2]), shop.settings)
    keep([Heard("withdrawn", dt.datetime.now(dt.UTC), "email", "page", hashed, names[2], purpose="measuring")], DAY,
         shop.settings)  # fmt: skip

    assert push.run("winback", "email", DAY, shop.settings)["delivered"] == 4

    measured = {}
    for file in (sink.folder / "mail").iterdir():
        written = mail.message_from_bytes(file.read_bytes(), policy=default)
        text, html = (part.get_content() for part in written.iter_parts())
        tells = "?m=" in text
        assert (tells, tells) == ("?m=" in html, "<img" in html), "all of it or nothing"
        assert tells or ("https://shop.example/?a=1&b=2\r\n" in text and "https://shop.example/?a=1&amp;b=2" in html)
        assert html.rstrip().endswith("</body></html>")
        measured[written["To"]] = [measured_of(one, shop.settings).target for one in re.findall(r"\?m=([\w.-]+)", html)]
    assert measured == {
        email("c0001"): ["shop", ""], email("c0002"): [], email("c0003"): [], "family@mail.example": []
    }  # fmt: skip


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("bounces", "is not an address"),
        ("bounces@bücher.example", "a domain as it is on the wire"),
        ("b <b@shop.example>", "is not an address"),
        ("bounces+{mesage}@shop.example", "{message} may stand once"),
        ("{message}{message}@shop.example", "{message} may stand once"),
        ("b@{message}.shop.example", "{message} may stand once"),
        ("bounces-of-shop-+{message}@shop.example", "at most 16 signs beside {message}"),
    ],
)
def test_a_bounce_address_that_could_not_be_used_is_told_on_load(address, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        Options(sender="a@b.nl", unsubscribe_url="https://b.nl/u", bounce_address=address)
    for right in ("bounces@b.nl", "bounces-of-shop+{message}@b.nl", "{message}@bounces.b.nl"):
        assert Options(sender="a@b.nl", unsubscribe_url="https://b.nl/u", bounce_address=right).bounce_address == right


def test_a_second_push_of_the_day_opens_no_connection_and_reports_the_same(company, sink):
    shop = company("winback")
    shop.customers(3)
    first = shop.push("winback", "email")
    before = (
        sink.connections(),
        shop.lake.content_hash("activation/plans"),
        shop.lake.content_hash("activation/ledger"),
    )

    second = shop.push("winback", "email")

    assert second == first
    assert before == (
        sink.connections(),
        shop.lake.content_hash("activation/plans"),
        shop.lake.content_hash("activation/ledger"),
    )
    assert len(sink.received()) == 3


def test_the_same_person_is_not_written_to_again_before_the_cool_down_ends(company, sink):
    shop = company("winback")
    names = shop.customers(2)
    shop.push("winback", "email")
    for later, sent in ((29, 0), (30, 2)):
        day = DAY + dt.timedelta(days=later)
        shop.members(*names, day=day)
        counts = shop.push("winback", "email", day)
        assert (counts["delivered"], counts["suppressed"]) == (sent, 2 - sent)
    assert len(sink.received()) == 4


def test_consent_withdrawn_between_plan_and_push_stops_the_message(company, sink):
    shop = company("winback")
    names = shop.customers(3)
    assert plan.run(DAY, shop.settings)["deliveries"][0]["send"] == 3
    shop.consent(*names, withdrawn=tuple(names[:2]))

    counts = push.run("winback", "email", DAY, shop.settings)

    assert (counts["delivered"], counts["no_consent"]) == (1, 2)
    assert sink.recipients() == [recipient_hash(email(names[2]))]


def test_without_a_consent_table_nobody_is_written_to(company, sink):
    shop = company("winback")
    shop.customers(2)
    shop.replace("profiles/consent")
    assert shop.push("winback", "email")["no_consent"] == 2
    assert sink.received() == []


def test_consent_that_ends_during_the_day_is_no_consent(company, sink, monkeypatch):
    shop = company("winback")
    monkeypatch.setattr(moments, "now", lambda: dt.datetime(2017, 6, 1, 21, 59, 59, tzinfo=dt.UTC))
    shop.customers(2)
    answer = {"purpose": "marketing", "channel": "email", "status": "granted"}
    shop.replace(
        "profiles/consent",
        {**answer, "customer_id": "c0001", "expires_at": "2017-06-01T21:00:00"},
        {**answer, "customer_id": "c0002", "expires_at": "2017-06-01T22:00:00"},  # midnight in Amsterdam
    )
    assert shop.push("winback", "email")["delivered"] == 1
    assert sink.recipients() == [recipient_hash(email("c0002"))]


def test_one_refusing_owner_of_a_shared_address_decides_for_all(company, sink):
    shop = company("winback")
    shop.customers(2)
    shared = {"kind": "email", "value": "family@mail.example", "preference": 1}
    shop.replace("profiles/contact_points", {**shared, "customer_id": "c0001"}, {**shared, "customer_id": "c0002"})
    shop.consent("c0001", "c0002", withdrawn=("c0002",))
    counts = shop.push("winback", "email")
    assert (counts["no_address"], counts["no_consent"], counts["delivered"]) == (1, 1, 0)
    assert sink.received() == []


def test_two_customers_with_one_address_get_one_message(company, sink):
    shop = company("winback")
    shop.customers(2)
    shared = {"kind": "email", "value": "family@mail.example", "preference": 1}
    shop.replace("profiles/contact_points", {**shared, "customer_id": "c0001"}, {**shared, "customer_id": "c0002"})
    counts = shop.push("winback", "email")
    assert (counts["no_address"], counts["delivered"]) == (1, 1)
    assert len(sink.received()) == 1


def test_a_domain_in_letters_of_any_language_is_mailed_as_the_internet_knows_it(company, sink):
    shop = company("winback")
    shop.customers(3)
    addresses = {"c0001": "ann@bücher.example", "c0002": "jörg@mail.example", "c0003": "kim@пример.example"}
    told = [
        {"customer_id": name, "kind": "email", "value": value, "preference": 1} for name, value in addresses.items()
    ]
    shop.replace("profiles/contact_points", *told)
    with pytest.raises(DeliveryIncomplete):
        shop.push("winback", "email")
    mailed = [
        mail.message_from_bytes(path.read_bytes(), policy=default)["To"] for path in sink.folder.glob("mail/*.eml")
    ]
    assert sorted(mailed) == ["ann@xn--bcher-kva.example", "kim@xn--e1afmkfd.example"]
    reasons = {row["customer_id"]: row["reason"] for row in shop.ledger() if row["state"] == "rejected"}
    assert reasons == {"c0002": "address cannot be used with SMTP"}


@pytest.mark.parametrize(
    "address",
    [
        "a@bücher..example",
        "a b@mail.example",
        "a@mail.example>",
        "ä@mail.example",
        "a@",
        f"a@{'ü' * 64}.nl",
        "a@b.nl,c@d.nl",
        '"a"@b.nl',
    ],
)
def test_an_address_that_could_end_a_command_or_has_no_domain_is_not_used(address):
    assert wire_address(address) is None


def test_a_message_has_one_click_unsubscribe_a_stable_id_and_the_language_of_the_person(company, sink):
    shop = company("winback")
    shop.customers(1)
    shop.push("winback", "email")
    message = mail.message_from_bytes((sink.folder / "mail" / "000001.eml").read_bytes(), policy=default)
    operation_id = next(row["operation_id"] for row in shop.ledger())

    assert message["Message-ID"] == f"<{operation_id}@shop.example>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Unsubscribe"].startswith(f"<https://shop.example/u?t={operation_id}.")
    assert "mail.example" not in message["List-Unsubscribe"]
    raw = (sink.folder / "mail" / "000001.eml").read_bytes()
    assert b"\r\nList-Unsubscribe: <https://shop.example/u?t=" in raw, "an encoded or folded link is not a link"
    assert message["Subject"] == "Nieuws for Voornaamc0001"
    assert {part.get_content_type() for part in message.walk()} >= {"text/plain", "text/html"}


def test_a_name_cannot_add_headers_or_markup(company, sink):
    shop = company("winback")
    shop.customers(1)
    hostile = "Eve\r\nBcc: all@mail.example <b>"
    shop.replace("profiles/customers", {"customer_id": "c0001", "known": True, "first_name": hostile, "language": "en"})
    shop.push("winback", "email")
    message = mail.message_from_bytes((sink.folder / "mail" / "000001.eml").read_bytes(), policy=default)
    assert message["Bcc"] is None
    assert "<b>" not in message.get_body(("html",)).get_content()
    assert len(sink.received()) == 1


def test_the_unsubscribe_link_stops_all_further_messages_and_a_forged_one_nothing(company, sink):
    from jobs.activation.unsubscribe import unsubscribe

    shop = company("winback")
    names = shop.customers(2)
    shop.push("winback", "email")
    message = mail.message_from_bytes((sink.folder / "mail" / "000001.eml").read_bytes(), policy=default)
    token = message["List-Unsubscribe"].strip("<>").split("t=")[1]

    assert not unsubscribe(token[:-1] + ("0" if token[-1] != "0" else "1"), DAY, shop.settings)
    for wrong in ("é", f"{token}é", "\udcff", "", ".", f"é.{token}"):
        assert not unsubscribe(wrong, DAY, shop.settings)
    assert not shop.lake.exists("activation/suppressions")
    assert unsubscribe(token, DAY, shop.settings)
    assert unsubscribe(token, DAY, shop.settings)

    later = DAY + dt.timedelta(days=31)
    shop.members(*names, day=later)
    counts = shop.push("winback", "email", later)
    assert (counts["delivered"], counts["suppressed"]) == (1, 1)
    assert recipient_hash(message["To"]) not in sink.recipients()[2:] or len(sink.received()) == 3


def test_a_purpose_switched_off_on_the_page_counts_in_a_push_that_was_planned_before(company, sink):
    from jobs.activation.unsubscribe import choose

    shop = company("winback")
    names = shop.customers(2)
    shop.push("winback", "email")
    message = mail.message_from_bytes((sink.folder / "mail" / "000001.eml").read_bytes(), policy=default)
    later = DAY + dt.timedelta(days=31)
    shop.members(*names, day=later)
    assert plan.run(later, shop.settings)["deliveries"][0]["send"] == 2

    assert choose(message["List-Unsubscribe"].strip("<>").split("t=")[1], [], shop.settings)

    counts = push.run("winback", "email", later, shop.settings)
    assert (counts["delivered"], counts["no_consent"]) == (1, 1)
    assert sink.recipients().count(recipient_hash(message["To"])) == 1


@pytest.mark.parametrize("reason", ["unsubscribed", "no_consent"])
def test_who_says_no_while_a_push_is_going_on_gets_nothing(company, sink, monkeypatch, reason):
    shop = company("winback", files=channels(batch_size=1))
    names = shop.customers(3)
    opened = push.open_channel
    address = identifier_hash("email", email(names[2]), shop.settings)

    def open_and_hear(*about):
        channel = opened(*about)
        deliver = channel.deliver

        def then(batch):
            if reason == "unsubscribed":
                suppress(shop.lake, "email", [address], reason, DAY)
            else:
                at = dt.datetime.now(dt.UTC)
                heard = Heard("withdrawn", at, "email", "page", address, names[2], purpose="marketing")
                keep([heard], DAY, shop.settings)
            return deliver(batch)

        channel.deliver = then
        return channel

    monkeypatch.setattr(push, "open_channel", open_and_hear)
    counts = shop.push("winback", "email")
    assert sink.recipients() == sorted(recipient_hash(email(name)) for name in names[:2])
    assert counts["delivered"] == counts["to_add"] == 2
    assert counts["suppressed" if reason == "unsubscribed" else reason] == 1


def test_grey_listing_is_tried_again_and_succeeds(company, sink):
    shop = company("winback")
    shop.customers(3)
    sink.plan(replies={email("c0002"): ["451 4.7.1 Try again later", "250"]})
    assert shop.push("winback", "email")["delivered"] == 3
    assert len(sink.received()) == 3


def test_a_temporary_refusal_is_left_to_the_next_push_which_sends_only_that_message(company, sink):
    shop = company("winback")
    shop.customers(3)
    sink.plan(replies={email("c0002"): ["451 4.7.1 Later"]})
    with pytest.raises(DeliveryIncomplete, match=r"1 of 3 refused.*1x rejected temporary 451 4\.7\.1"):
        shop.push("winback", "email")
    sink.plan(replies={})
    assert shop.push("winback", "email") | {"delivered": 3, "refused": 0} == shop.push("winback", "email")
    assert len(sink.received()) == 3


def test_an_unknown_mailbox_is_refused_with_its_code_and_never_used_again(company, sink):
    shop = company("winback")
    names = shop.customers(3)
    sink.plan(replies={email("c0002"): ["550 5.1.1 <c0002@mail.example> does not exist"]})
    with pytest.raises(DeliveryIncomplete, match=r"1 of 3 refused.*550 5\.1\.1") as failed:
        shop.push("winback", "email")
    assert "mail.example" not in str(failed.value)
    with pytest.raises(DeliveryIncomplete):  # a retry does not turn the refusal into success
        shop.push("winback", "email")

    sink.plan(replies={})
    later = DAY + dt.timedelta(days=40)
    shop.members(*names, day=later)
    counts = shop.push("winback", "email", later)
    assert (counts["delivered"], counts["suppressed"]) == (2, 1)
    assert recipient_hash(email("c0002")) not in sink.recipients()


@pytest.mark.parametrize("reply", ["550 5.7.1 no", "552 5.2.2 full", "DATA 554 5.6.0 content", "DATA 554 no"])
def test_a_final_refusal_is_not_tried_again_on_that_day(company, sink, reply):
    shop = company("winback")
    shop.customers(2)
    sink.plan(replies={email("c0002"): [reply]})
    with pytest.raises(DeliveryIncomplete, match="1 of 2 refused"):
        shop.push("winback", "email")
    sink.plan(replies={})
    with pytest.raises(DeliveryIncomplete, match="1 of 2 refused"):
        shop.push("winback", "email")
    assert len(sink.received()) == 1


@pytest.mark.parametrize(
    "reply", ["DATA 250 ok", "DATA 252 2.5.0 will try", "DATA 251 2.1.5 forwarded", "251 forwarded"]
)
def test_any_answer_that_begins_with_a_two_is_an_acceptance(company, sink, reply):
    shop = company("winback")
    shop.customers(2)
    sink.plan(replies={email("c0002"): [reply]})
    assert shop.push("winback", "email")["delivered"] == 2
    assert shop.push("winback", "email")["delivered"] == 2
    assert shop.states() == {"claimed": 2, "accepted": 2}


def test_an_answer_after_the_message_that_is_none_of_smtp_leaves_it_unknown(company, sink):
    shop = company("winback")
    shop.customers(2)
    sink.plan(replies={email("c0002"): ["DATA 299x"], email("c0001"): ["DATA 777 what"]})
    with pytest.raises(DeliveryIncomplete):
        shop.push("winback", "email")
    assert shop.states()["unknown"] >= 1
    assert "rejected" not in shop.states()


def test_refusals_within_the_tolerance_are_reported_but_do_not_fail(company, sink):
    shop = company("winback", files=channels(max_reject_share=0.5))
    shop.customers(4)
    sink.plan(replies={email("c0002"): ["554 5.7.1 no"]})
    counts = shop.push("winback", "email")
    assert (counts["delivered"], counts["refused"]) == (3, 1)


def test_no_answer_after_the_message_is_unknown_and_the_message_is_not_sent_again(company, sink):
    shop = company("winback")
    shop.customers(3)
    sink.plan(replies={email("c0002"): ["hangup"]})
    for _ in range(2):
        with pytest.raises(DeliveryIncomplete, match="1 may or may not have arrived"):
            shop.push("winback", "email")
    assert len(sink.received()) == 3
    assert shop.states() == {"claimed": 3, "accepted": 2, "unknown": 1}


def test_a_server_that_is_down_leaves_everything_to_the_next_push(company, sink, monkeypatch):
    shop = company("winback")
    shop.customers(3)
    monkeypatch.setenv("AIRFLOW_CONN_TEST_SMTP", "smtp://127.0.0.1:1?security=none")
    with pytest.raises(DeliveryIncomplete, match="3 of 3 refused"):
        shop.push("winback", "email")
    monkeypatch.setenv("AIRFLOW_CONN_TEST_SMTP", f"smtp://127.0.0.1:{sink.port}?security=none")
    assert shop.push("winback", "email")["delivered"] == 3


def test_a_connection_that_the_server_ended_while_it_was_idle_is_renewed_before_the_next_message(
    company, tmp_path, monkeypatch
):
    server = SmtpSandbox(tmp_path / "impatient", idle_seconds=1.2).start()
    monkeypatch.setenv("AIRFLOW_CONN_TEST_SMTP", f"smtp://127.0.0.1:{server.port}?security=none")
    shop = company("winback", files=channels(batch_size=1, options={"tries": 1, "connections": 1}))
    shop.customers(3)
    claim = ledger.claim

    def slow_claim(*given):
        """The lake takes so long that the server loses patience."""
        assert wait_until({"421": lambda: server.handler.idle == server.handler.connections}, timeout=1800) == []
        return claim(*given)

    monkeypatch.setattr(ledger, "claim", slow_claim)

    assert shop.push("winback", "email")["delivered"] == 3
    assert (server.handler.connections, len(received(tmp_path / "impatient"))) == (3, 3)
    server.stop()


def test_a_refused_login_stops_at_once_and_says_so_without_the_password(company, tmp_path, monkeypatch):
    server = SmtpSandbox(tmp_path / "locked", login=("klantreis", "right")).start()
    shop = company("winback")
    shop.customers(3)
    monkeypatch.setenv("AIRFLOW_CONN_TEST_SMTP", f"smtp://klantreis:wrong@127.0.0.1:{server.port}?security=none")
    with pytest.raises(DeliveryIncomplete, match="refuses the login") as failed:
        shop.push("winback", "email")
    assert "wrong" not in str(failed.value)
    monkeypatch.setenv("AIRFLOW_CONN_TEST_SMTP", f"smtp://klantreis:right@127.0.0.1:{server.port}?security=none")
    assert shop.push("winback", "email")["delivered"] == 3
    server.stop()


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that signs itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*plain) + signed.public_bytes(serialization.Encoding.PEM))
    return path


def test_messages_go_over_tls_to_a_server_that_is_trusted_and_to_no_other(company, tmp_path, certificate, monkeypatch):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = SmtpSandbox(tmp_path / "tls", tls=context).start()
    shop = company("winback")
    shop.customers(2)
    monkeypatch.setenv("AIRFLOW_CONN_TEST_SMTP", f"smtp://127.0.0.1:{server.port}")
    with pytest.raises(DeliveryIncomplete, match="SSLCertVerificationError"):
        shop.push("winback", "email")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert shop.push("winback", "email")["delivered"] == 2
    server.stop()


def test_a_login_is_never_sent_unprotected_to_another_machine():
    from jobs.activation.channels.smtp.channel import security
    from jobs.config.connections import Connection
    from jobs.config.yaml_files import ConfigError

    with pytest.raises(ConfigError, match="unprotected"):
        security(Connection("mail.example.com", 25, "me", "secret", extra={"security": "none"}))
    assert security(Connection("mail.example.com", 587, "me", "secret")) == "starttls"
    assert security(Connection("mail.example.com", 465, "me", "secret")) == "tls"


def test_a_dry_run_sends_nothing_and_writes_nothing_but_the_plan(company, sink):
    shop = company("winback")
    shop.customers(3)
    counts = shop.push("winback", "email", dry_run=True)
    assert (counts["to_add"], counts["delivered"], counts["problems"]) == (3, 0, [])
    assert sink.received() == []
    assert not shop.lake.exists("activation/ledger")
    assert not shop.lake.exists("activation/deliveries")


def test_an_older_day_is_refused_unless_allowed(company, sink):
    from jobs.activation import plan
    from jobs.errors import StaleDay

    shop = company("winback")
    names = shop.customers(1)
    shop.push("winback", "email")
    earlier = DAY - dt.timedelta(days=1)
    shop.members(*names, day=earlier)
    with pytest.raises(StaleDay, match="2017-06-01"):
        plan.run(earlier, shop.settings)
    assert plan.run(earlier, shop.settings, allow_old=True)["deliveries"][0]["skip"] == 1


def test_a_wrong_template_is_found_before_anything_is_sent(company):
    from jobs.activation.channels.types import problems

    wrong = {"templates/winback.en.txt": "Subject: Hi\n\n{{ frist_name }}\n"}
    assert "'frist_name' is undefined" in problems(company("winback", files=wrong).settings)[0]


@pytest.mark.parametrize(
    "code",
    [
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ first_name.format.__globals__ }}",
        "{% for n in range(10 ** 12) %}{% endfor %}",
        "{% include '../settings.yaml' %}",
        "{{ self.__init__.__globals__ }}",
    ],
)
def test_a_template_is_text_and_never_code(company, code):
    from jobs.activation.channels.types import problems

    shop = company("winback", files={"templates/winback.en.txt": f"Subject: Hi\n\n{code}\n"})
    (told,) = problems(shop.settings)
    assert "templates/winback.en" in told
    assert "uid=" not in told


def test_a_day_without_audiences_never_empties_the_lists(company, sink, ads):
    from jobs.activation import plan
    from jobs.errors import StepFailed

    shop = company("loyal")
    assert plan.run(DAY, shop.settings)["deliveries"][0]["remove"] == 0  # nothing built, nothing there: nothing to do
    shop.customers(3, purpose="ads", channel="ads")
    shop.push("loyal", "ads")
    with pytest.raises(StepFailed, match="the audiences of 2017-06-02 were never built"):
        plan.run(DAY + dt.timedelta(days=1), shop.settings)


def test_a_member_that_is_not_in_the_plan_fails_the_push(company, sink):
    shop = company("winback")
    shop.customers(2)
    plan.run(DAY, shop.settings)
    shop.members("c0001", "c0002", "c0003")
    with pytest.raises(DeliveryIncomplete, match="1 members are not in the plan"):
        push.run("winback", "email", DAY, shop.settings)


def test_the_plan_does_not_depend_on_the_order_of_rows(company, sink):
    from jobs.activation import plan

    shop = company()
    names = shop.customers(30)
    plan.run(DAY, shop.settings)
    before = shop.lake.content_hash("activation/plans")
    shop.members(*reversed(names))
    shop.replace("profiles/customers", *reversed(shop.lake.arrow("profiles/customers").to_pylist()))
    plan.run(DAY, shop.settings)
    assert shop.lake.content_hash("activation/plans") == before
