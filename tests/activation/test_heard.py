"""What a person said last holds, from whichever address; mailboxes are taken in by parts. Costs about 1 s."""

import datetime as dt
import json
from contextlib import nullcontext
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from jobs.activation.feedback import intake
from jobs.activation.feedback.heard import Heard, keep, newest_answers, refusing, said
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from tests.activation.answering_company import FILES, Answering, environment

DAY = dt.date(2026, 3, 1)
OWNERS = {"x": "c1", "y": "c1", "z": "c2"}


class Answers:
    """Customer c1 has the addresses x and y, c2 has z."""

    def __init__(self, settings):
        self.settings, self.lake = settings, Lake.of(settings)
        rows = [{"identifier": one, "kind": "email", "customer_id": owner} for one, owner in OWNERS.items()]
        schema = catalogue.get("identity/map").arrow_schema()
        self.lake.replace("identity/map", pa.Table.from_pylist(rows, schema), self.lake.transaction("map", DAY))

    def say(self, hour, kind, address, customer="", purpose=""):
        at = dt.datetime(2026, 3, 1, hour, tzinfo=dt.UTC)
        keep([Heard(kind, at, "email", "page", address, customer, purpose=purpose)], DAY, self.settings)

    def refused(self, purpose="marketing"):
        return set(refusing(self.lake, purpose, "email"))


@pytest.fixture
def answers(settings):
    return Answers(settings())


def test_a_no_by_one_address_is_taken_back_by_a_later_yes_by_another_and_the_other_way_round(answers):
    answers.say(1, "unsubscribe", "x", "c1")
    assert answers.refused() == {"c1", "x"}
    answers.say(2, "granted", "y", "c1", purpose="marketing")
    assert answers.refused() == set()
    assert answers.refused("service") == {"c1", "x", "y"}, "the yes was to one purpose"
    answers.say(3, "withdrawn", "x", "c1", purpose="marketing")
    assert answers.refused() == {"c1", "x", "y"}


def test_an_answer_of_before_two_became_one_counts_for_who_has_the_address_now(answers):
    answers.say(1, "unsubscribe", "x", "c0")
    assert {"c1", "x"} <= answers.refused()
    answers.say(2, "granted", "y", "c1", purpose="marketing")
    assert {"c1", "x", "y"}.isdisjoint(answers.refused())


def test_a_complaint_is_taken_back_by_no_yes_and_says_nothing_about_others(answers):
    answers.say(1, "complaint", "x", "c1")
    answers.say(2, "granted", "y", "c1", purpose="marketing")
    assert answers.refused() == {"c1", "x", "y"}


def test_two_people_behind_one_message_both_have_to_say_yes_and_nobody_says_nothing(answers):
    answers.say(1, "withdrawn", "x", "c1", purpose="marketing")
    answers.say(2, "granted", "z", "c2", purpose="marketing")
    known = newest_answers(answers.lake, "email")
    assert said(known, ["c1", "c2"], "marketing") is False
    assert said(known, ["c2", "z"], "marketing") is True
    assert said(known, ["c3"], "marketing") is None


def test_an_address_of_nobody_keeps_its_own_no(answers):
    answers.say(1, "unsubscribe", "gone")
    assert answers.refused() == {"gone"}


@pytest.mark.parametrize(("sizes", "batches"), [([1] * 7, [3, 3, 1]), ([9, 9, 40, 1], [2, 1, 1]), ([], [])])
def test_of_a_full_mailbox_a_bounded_part_is_held_at_once(settings, monkeypatch, sizes, batches):
    """Mails are read only once those of the batch before are settled."""
    monkeypatch.setattr(intake, "AT_ONCE", 3)
    monkeypatch.setattr(intake, "BYTES_AT_ONCE", 20)
    read, settled = [], []

    class Box:
        def unread(self):
            for number, size in enumerate(sizes):
                read.append(number)
                assert len(read) - sum(settled) <= 4, "all are read before any is settled"
                yield str(number), b"x" * size

        def settle(self, done, left):
            settled.append(len(list(done)) + len(list(left)))

    loaded, counts = settings(), {"heard": 0, "not_understood": 0, "unmatched": 0}
    monkeypatch.setattr(intake, "opened", lambda *_: nullcontext(Box()))
    monkeypatch.setitem(loaded.feedback.mailboxes, "bounces", None)
    intake._mailbox("bounces", loaded, counts)
    assert (settled, counts["not_understood"]) == (batches, len(sizes))


def test_what_lands_says_whose_the_address_is_where_only_a_source_of_its_own_knows_it(tmp_path):
    """Of one address with two customers, each answers for itself: who is known by `desk` alone is told as such."""
    with environment():
        desk = {**FILES["sources/feedback.yaml"], "source": "desk", "trust": {"identifies": "nobody"}}
        heard = yaml.safe_load(yaml.safe_dump(FILES["sources/feedback.yaml"]))
        for dataset in heard["datasets"].values():
            dataset["columns"]["ids_of"] = "ids_of"
        shop = Answering(tmp_path, 2, {"sources/desk.yaml": desk, "sources/feedback.yaml": heard})
        (Path(shop.settings.landing) / "crm").mkdir(parents=True)
        own = identifier_hash("email", shop.email(1), shop.settings, "desk")
        shop.write("identity/map", [{"identifier": own, "kind": "email", "customer_id": "cdesk"}])
        shop.write("profiles/contact_points", [{"customer_id": "cdesk", "kind": "email", "value": shop.email(1)}])
        at = dt.datetime.now(dt.UTC)
        for who in ("cdesk", shop.customer(1)):
            one = Heard("withdrawn", at, "email", "page", shop.identifier(1), who, purpose="marketing", mark=who)
            keep([one], shop.today, shop.settings)
        assert intake.land(shop.today, shop.settings) == 2
        (landed,) = Path(shop.settings.landing).rglob("consents-*.jsonl")
        rows = [json.loads(line) for line in landed.read_text().splitlines()]
    assert sorted((row["email"], row["ids_of"] or "") for row in rows) == [(shop.email(1), ""), (shop.email(1), "desk")]
