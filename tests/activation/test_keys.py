"""A new key: what is made from now on is under it, and what was made before still counts while its key is listed."""

import datetime as dt
from dataclasses import replace

import pytest

from jobs.activation.bounce_address import bounce_address, operation_named
from jobs.activation.channel import Operation, Recipient
from jobs.activation.eligibility import _points
from jobs.activation.late_refusals import LateRefusals
from jobs.activation.measured_link import measured_link, measured_of
from jobs.activation.suppressions import suppress
from jobs.activation.unsubscribe_link import token_of, unsubscribe_link
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from jobs.lake.tables.privacy import KEPT_OUT
from jobs.privacy import person, source_rows
from jobs.privacy.receipts import Receipt

DAY, OPERATION = dt.date(2026, 3, 2), "0123456789abcdef" * 2
RECEIPT = Receipt("r1", "valid/crm", dt.datetime(2026, 3, 1, tzinfo=dt.UTC), "erased", 1, "", "asked", "tester")


def signed(settings):
    return {
        "link": unsubscribe_link("https://x", OPERATION, settings, DAY).partition("t=")[2],
        "click": measured_link("https://x", OPERATION, "offers", settings, DAY).partition("m=")[2],
        "bounce": bounce_address("b+{message}@shop.example", OPERATION, settings),
        "receipt": RECEIPT.seal(settings),
    }


def counts(made, settings):
    return {
        "link": token_of(made["link"], settings, DAY) is not None,
        "click": measured_of(made["click"], settings) is not None,
        "bounce": operation_named(made["bounce"], settings) == OPERATION,
        "receipt": RECEIPT.has(made["receipt"], settings),
    }


@pytest.mark.parametrize(
    ("now", "are_good"),
    [
        ({"KLANTREIS_SIGNING_KEY": "second"}, True),
        ({"KLANTREIS_HASH_KEY": "third", "KLANTREIS_PREVIOUS_KEYS": "older test-key"}, True),
        ({"KLANTREIS_HASH_KEY": "third", "KLANTREIS_SIGNING_KEY": "second"}, False),
        ({"KLANTREIS_HASH_KEY": "third", "KLANTREIS_PREVIOUS_KEYS": "older"}, False),
    ],
)
def test_what_was_signed_before_counts_while_its_key_is_listed(settings, monkeypatch, now, are_good):
    loaded = settings()
    before = signed(loaded)
    for name, value in now.items():
        monkeypatch.setenv(name, value)
    after = signed(loaded)
    assert not set(before.values()) & set(after.values())
    assert counts(before, loaded) == dict.fromkeys(before, are_good)
    assert counts(after, loaded) == dict.fromkeys(after, True)


@pytest.fixture
def rotated(settings, monkeypatch):
    """The settings of a company that went over to another hash key, and those of before."""
    loaded = settings()
    before = replace(loaded, other_key="test-key")
    monkeypatch.setenv("KLANTREIS_HASH_KEY", "third")
    monkeypatch.setenv("KLANTREIS_PREVIOUS_KEYS", "test-key")
    return loaded, before


def test_an_address_that_was_suppressed_under_the_key_of_before_is_not_written_to(rotated, rows):
    now, before = rotated
    lake, told = Lake.of(now), {"c1": "ann@mail.example", "c2": "bob@mail.example", "c3": "cor@mail.example"}
    suppress(lake, "email", [identifier_hash("email", told["c1"], before)], "complained", DAY)
    suppress(lake, "email", [identifier_hash("email", told["c2"], now)], "bounced", DAY)
    points = rows(
        "profiles/contact_points", *[{"customer_id": one, "kind": "email", "value": to} for one, to in told.items()]
    )
    answers = points.selectExpr("customer_id", "true as consented").limit(0)
    found = _points(points, lake.read("activation/suppressions"), answers, "email", now).collect()
    assert {row["customer_id"]: row["blocked_for"] for row in found} == {
        "c1": "complained",
        "c2": "bounced",
        "c3": None,
    }

    late = LateRefusals(lake, "marketing", "email", now)
    late.look()
    send = Operation("o1", "c1", "send", 1, "fingerprint", Recipient(emails=(told["c1"],)))
    assert late.barrier(send) == "suppressed"


def test_who_was_forgotten_under_the_key_of_before_is_known_when_their_rows_come_again(rotated, rows):
    now, before = rotated
    eva = identifier_hash("email", "eva@mail.example", before)
    lake, told = Lake.of(now), {"source": "crm", "file_id": "f", "arrived": "2026-03-02"}
    lake.append(
        KEPT_OUT, rows(KEPT_OUT, {"identifier": eva, "kind": "email", "request": "r1"}), lake.transaction("k", DAY)
    )
    asked = person.Who("email", "Eva@mail.example")
    assert person.resolved(asked, now).request == "r1"

    theirs = person.Person("r1", {eva: "email"}, ())
    contacts = rows("valid/contacts", {**told, "contact_id": "1", "email": "EVA@mail.example", "line": 1},
                    {**told, "contact_id": "2", "email": "bob@mail.example", "line": 2})  # fmt: skip
    found = source_rows.whose(contacts, source_rows._sides(lake, theirs), "crm", now).collect()
    assert {row["contact_id"]: row["customer_id"] for row in found} == {"1": source_rows.THEIRS, "2": None}
    assert source_rows._values(contacts.toArrow(), "crm", theirs, now) == {"EVA@mail.example"}
