"""What a person said last holds, from whichever address; mailboxes are taken in by parts. Costs about 1 s."""

import datetime as dt
from contextlib import nullcontext

import pyarrow as pa
import pytest

from jobs.activation.feedback import intake
from jobs.activation.feedback.heard import Heard, keep, newest_answers, refusing, said
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

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
