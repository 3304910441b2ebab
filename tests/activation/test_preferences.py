"""The page behind the link of a message, asked over a real socket. Costs about 4 s of processor time."""

import datetime as dt
import socket

import httpx
import pyarrow as pa
import pytest

from jobs.activation.feedback import page
from jobs.activation.feedback.heard import refusing
from jobs.activation.unsubscribe import agreed, choose, found, object_to, standing, unsubscribe
from jobs.activation.unsubscribe_link import token_of
from jobs.config.settings import load_settings
from jobs.config.yaml_files import ConfigError
from jobs.lake.tables import catalogue
from tests.activation.answering_company import FILES, Answering, environment, served

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with environment():
        yield Answering(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def site(shop):
    with served(page.app(lambda: shop.settings)) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


def stand(shop, number):
    return dict(standing(found(shop.link(number), shop.settings), shop.settings).choices)


YES = {("marketing", "email"): True, ("service", "email"): True, ("ads", "ads"): True}


def test_one_click_ends_all_messages_of_the_channel_and_is_evidence(shop, site):
    answer = site.post("/", params={"t": shop.link(1)}, data=ONE_CLICK)
    assert answer.status_code == 200
    assert shop.suppressed(1) == [("email", "unsubscribed")]
    assert shop.heard(1) == [("unsubscribe", "", "email")]
    row = shop.rows("activation/feedback", operation_id=shop.sent(1))[0]
    assert (row["source"], row["customer_id"], row["audience"]) == ("one_click", shop.customer(1), "winback")
    assert dt.datetime.now(dt.UTC) - row["at"] < dt.timedelta(minutes=5)
    assert stand(shop, 1) == {**YES, ("marketing", "email"): False, ("service", "email"): False}


def test_one_click_may_come_as_multipart_and_twice_and_counts_once(shop, site):
    for _ in range(2):
        answer = site.post("/", params={"t": shop.link(2)}, files={"List-Unsubscribe": (None, "One-Click")})
        assert answer.status_code == 200
    assert shop.heard(2) == [("unsubscribe", "", "email")]
    assert shop.suppressed(2) == [("email", "unsubscribed")]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_only_a_post_changes_anything_since_mail_programs_open_links_by_themselves(shop, site, method):
    site.request(method, "/", params={"t": shop.link(3), **ONE_CLICK, "do": "stop"})
    assert (shop.heard(3), shop.suppressed(3)) == ([], [])


@pytest.mark.parametrize(
    "body", [b"", b"x=1", b"List-Unsubscribe=", b"List-Unsubscribe=One-Click-Not", b"\xff\xfe", b"do=other", b"&" * 999]
)
def test_a_post_that_asks_for_nothing_changes_nothing(shop, site, body):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert site.post("/", params={"t": shop.link(3)}, content=body, headers=headers).status_code == 400
    assert (shop.heard(3), shop.suppressed(3)) == ([], [])


def test_a_body_without_end_is_not_read(shop, site):
    assert site.post("/", params={"t": shop.link(3)}, content=(b"a" * 1000 for _ in range(40))).status_code == 413


def raw(site, target):
    """The answer to a request as nobody's library would write it."""
    with socket.create_connection((site.base_url.host, site.base_url.port), timeout=30) as line:
        body = b"List-Unsubscribe=One-Click"
        head = b"POST " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        head += b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body)
        line.sendall(head + body)
        answer = b""
        while part := line.recv(65536):
            answer += part
    return answer


def wrong_links(shop):
    right = shop.link(4)
    message, day, signature = right.split(".")
    old = (dt.datetime.now(dt.UTC) - dt.timedelta(days=91)).date()
    ahead = (dt.datetime.now(dt.UTC) + dt.timedelta(days=3)).date()
    of_nobody = shop.link(999)
    return [
        "", ".", "..", "é", f"{right}é", f"é{right}", right[:-1], right + "0", right.upper(), f" {right}", f"{right}\n",
        f"{message}.{signature}", f"{message}.20260101.{signature}", f"{message}.{day}.{signature[::-1]}",
        f"{message}.٢٠٢٦٠١٠١.{signature}", shop.link(5).split(".")[0] + f".{day}.{signature}", of_nobody,
        shop.link(4, old), shop.link(4, ahead), "\ud800", "x" * 5000, "' or 1=1 --", "<script>alert(1)</script>",
    ]  # fmt: skip


def test_every_link_that_is_not_valid_gets_one_and_the_same_answer(shop, site):
    answers = set()
    for wrong in wrong_links(shop):
        coded = httpx.QueryParams({"t": wrong.encode("utf-8", "surrogatepass").decode("latin-1")})
        for answer in (site.get("/", params=coded), site.post("/", params=coded, data=ONE_CLICK)):
            answers.add((answer.status_code, answer.text))
    assert len(answers) == 1
    status, text = answers.pop()
    assert status == 404
    assert "This link is not valid." in text
    assert "script" not in text
    assert (shop.heard(4), shop.suppressed(4)) == ([], [])


@pytest.mark.parametrize("sign", [b"\xe9", b"%e9", b"%00", b"%ed%a0%80", b"%F0%9F%92%A9", b"\xff\xff"])
def test_bytes_that_are_no_text_are_a_link_that_is_not_valid(shop, site, sign):
    answer = raw(site, b"/?t=" + shop.link(4).encode() + sign)
    assert b" 404 " in answer.split(b"\r\n", 1)[0] or b" 400 " in answer.split(b"\r\n", 1)[0]
    assert (shop.heard(4), shop.suppressed(4)) == ([], [])


def test_a_link_works_as_long_as_configured_and_not_a_day_longer(shop):
    written = dt.date(2026, 1, 1)
    link = shop.link(4, written)
    assert token_of(link, shop.settings, written + dt.timedelta(days=90)).operation_id == shop.sent(4)
    assert token_of(link, shop.settings, written + dt.timedelta(days=91)) is None


def test_the_page_is_in_dutch_or_english_as_the_browser_and_then_the_person_asks(shop, site):
    def asked(accept, **more):
        answer = site.get("/", params={"t": shop.link(6), **more}, headers={"Accept-Language": accept})
        return (
            answer.headers["content-language"],
            "Mijn keuzes bewaren" in answer.text,
            "Save my choices" in answer.text,
        )

    assert asked("nl-BE,fr;q=0.5") == ("nl", True, False)
    assert asked("fr, en;q=0.4, nl;q=0.8") == ("nl", True, False)
    assert asked("de") == ("en", False, True)
    assert asked("nl", lang="en") == ("en", False, True)
    assert asked(";;q=,nl;q=x") == ("en", False, True)


def test_the_page_says_what_holds_shows_no_person_and_cannot_be_framed_or_kept(shop, site):
    answer = site.get("/", params={"t": shop.link(6)})
    assert answer.text.count(" checked") == 3
    assert "News &lt;and&gt; offers" in answer.text
    assert shop.email(6) not in answer.text
    assert shop.customer(6) not in answer.text
    headers = answer.headers
    assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "set-cookie" not in headers


def test_a_choice_withdraws_and_grants_per_purpose_and_channel_and_writes_only_what_changes(shop, site):
    def save(*choices):
        assert site.post("/", params={"t": shop.link(7)}, data={"do": "choose", "choice": choices}).status_code == 200

    save("service|email")
    assert shop.heard(7) == [("withdrawn", "ads", "ads"), ("withdrawn", "marketing", "email")]
    assert stand(shop, 7) == {("marketing", "email"): False, ("service", "email"): True, ("ads", "ads"): False}
    save("service|email")
    assert len(shop.heard(7)) == 2
    save("service|email", "ads|ads", "nothing|email", "marketing|ads", "without a bar")
    assert shop.heard(7)[0] == ("granted", "ads", "ads")
    assert len(shop.heard(7)) == 3
    assert stand(shop, 7) == {**YES, ("marketing", "email"): False}


def test_who_unsubscribed_and_then_chooses_one_purpose_gets_that_one_only(shop):
    assert unsubscribe(shop.link(8), None, shop.settings)
    after = choose(shop.link(8), [("service", "email"), ("ads", "ads")], shop.settings)
    assert dict(after.choices) == {**YES, ("marketing", "email"): False}
    assert shop.suppressed(8) == []
    assert shop.customer(8) in refusing(shop.lake, "marketing", "email")
    assert shop.customer(8) not in refusing(shop.lake, "service", "email")

    assert unsubscribe(shop.link(8), None, shop.settings)
    assert shop.suppressed(8) == [("email", "unsubscribed")]
    assert shop.customer(8) in refusing(shop.lake, "service", "email")


@pytest.mark.parametrize(
    ("number", "language", "label"), [(14, "en", "Make no profile of me"), (15, "nl", "Maak geen profiel van mij")]
)
def test_an_objection_is_made_and_taken_back_on_the_page_and_no_other_choice_with_it(
    shop, site, number, language, label
):
    def save(*objections, do="object"):
        given = {"do": do, "object": objections, "choice": [f"{purpose}|{channel}" for purpose, channel in YES]}
        answer = site.post("/", params={"t": shop.link(number), "lang": language}, data=given)
        return answer.text.count('name="object"'), answer.text.count(" checked"), label in answer.text

    assert save("profiling", "profiling", "marketing", "x") == (2, 4, True)
    assert shop.heard(number) == [("withdrawn", "profiling", "email")]
    assert stand(shop, number) == YES
    assert shop.suppressed(number) == []
    save(do="choose")
    assert len(shop.heard(number)) == 1, "who saves choices takes back no objection"
    assert save("processing") == (2, 4, True)
    assert shop.heard(number)[:1] + shop.heard(number)[2:] == [
        ("granted", "profiling", "email"),
        ("withdrawn", "profiling", "email"),
    ]
    assert standing(found(shop.link(number), shop.settings), shop.settings).objections == {
        "profiling": False,
        "processing": True,
    }


def test_an_objection_that_another_source_told_is_shown_and_is_taken_back_there(shop):
    no = {"customer_id": shop.customer(16), "channel": "sms", "status": "withdrawn"}
    told = {"profiling": "crm", "processing": "feedback"}
    shop.write("profiles/consent", [{**no, "purpose": purpose, "source": source} for purpose, source in told.items()])
    assert object_to(shop.link(16), list(told), shop.settings).objections == {"profiling": True, "processing": True}
    assert object_to(shop.link(16), [], shop.settings).objections == {"profiling": True, "processing": False}
    assert object_to("no link", ["profiling"], shop.settings) is None


def test_a_complaint_is_not_taken_back_by_a_choice(shop, site):
    from jobs.activation.suppressions import suppress

    unsubscribe(shop.link(9), None, shop.settings)
    suppress(shop.lake, "email", [shop.identifier(9)], "complained", shop.today)
    assert shop.suppressed(9) == [("email", "complained")]
    after = choose(shop.link(9), list(YES), shop.settings)
    assert dict(after.choices) == {**YES, ("marketing", "email"): False, ("service", "email"): False}
    assert shop.suppressed(9) == [("email", "complained")]
    assert "You reported a message as unwanted" in site.get("/", params={"t": shop.link(9)}).text


@pytest.mark.parametrize(("number", "hours", "shown"), [(12, 1, False), (13, -1, True)])
def test_a_yes_of_the_page_holds_until_a_later_no_elsewhere_and_allows_nothing_beside_one(shop, number, hours, shown):
    message = found(shop.link(number), shop.settings)
    choose(shop.link(number), [("service", "email")], shop.settings)
    choose(shop.link(number), [("service", "email"), ("marketing", "email")], shop.settings)
    assert agreed([message], "marketing", shop.settings) == [message]
    at = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)
    schema = catalogue.get("profiles/consent").arrow_schema()
    told = {"customer_id": shop.customer(number), "purpose": "marketing", "channel": "email", "status": "withdrawn",
            "changed_at": at}  # fmt: skip
    row = pa.Table.from_pylist([{name: told.get(name) for name in schema.names}], schema=schema)
    shop.lake.upsert("profiles/consent", row, shop.lake.transaction("crm", shop.today, config=number))
    assert stand(shop, number)["marketing", "email"] is shown
    assert agreed([message], "marketing", shop.settings) == []
    assert agreed([message], "service", shop.settings) == [message]


def test_an_address_that_is_given_to_nobody_any_more_can_say_no_but_not_yes(shop):
    unsubscribe(shop.link(10), None, shop.settings)
    gone = pa.table({"customer_id": [shop.customer(10)]})
    txn = shop.lake.transaction("moved", shop.today)
    shop.lake.delete("profiles/contact_points", gone, txn)
    assert dict(choose(shop.link(10), list(YES), shop.settings).choices)["marketing", "email"] is False
    assert shop.heard(10) == [("unsubscribe", "", "email")]


def test_where_the_lake_cannot_be_reached_nobody_is_told_why(shop):
    def broken():
        raise OSError("s3://secret-bucket is not there")

    with served(page.app(broken)) as address:
        answer = httpx.post(address, params={"t": shop.link(11)}, data=ONE_CLICK)
    assert answer.status_code == 503
    assert "secret" not in answer.text


def test_what_feedback_yaml_names_must_exist(config):
    files = {name: FILES[name] for name in ("identity.yaml", "destinations.yaml", "sources/feedback.yaml")}
    wrong = {
        "source": "feedbak",
        "purposes": {"marketting": {"en": "x"}},
        "mailboxes": {"both": {"connection": "a", "maildir": "b"}},
    }
    with pytest.raises(ConfigError) as error:
        load_settings(config({**files, "feedback.yaml": wrong}))
    assert "mailboxes.both: name a `connection` or a `maildir`" in str(error.value)
    wrong.pop("mailboxes")
    with pytest.raises(ConfigError) as error:
        load_settings(config({**files, "feedback.yaml": wrong}))
    assert "feedback.yaml:1: source: no source 'feedbak'" in str(error.value)
    assert "purposes.marketting: unknown name" in str(error.value)
    assert "did you mean 'marketing'" in str(error.value)
