"""What stops a send at the instant of the send: by the clock, by what a source told since, by what people said here.

Costs a push of three people to a list (1 s); the rest starts no engine.
"""

import datetime as dt

import pytest

from examples.sandboxes.smtp import recipient_hash
from jobs.activation import plan, push
from jobs.activation.channel import Operation, Recipient
from jobs.activation.feedback.heard import Heard, keep
from jobs.activation.late_refusals import LateRefusals
from jobs.audiences.judged import objections_to
from jobs.config.actions.audiences import Audience
from jobs.lake.lake import Lake
from tests.activation.small_company import DAY, email
from tests.company import MINIMAL
from tests.table_rows import table_rows

NOON = dt.datetime(2017, 6, 2, 12, tzinfo=dt.UTC)
OBJECTIONS = {"profiling": "profiling", "restriction": "processing"}
IDENTITY = {"identity.yaml": {**MINIMAL["identity.yaml"], "objections": OBJECTIONS}}


class Sending:
    """A push of marketing by e-mail: `stopped(c1, c2)` are those of the customers that may not be sent to now."""

    def __init__(self, settings):
        self.settings, self.lake, self._edits = settings, Lake.of(settings), 0
        self.late = LateRefusals(self.lake, "marketing", "email", settings, ["processing"])

    def consent(self, **ends):
        """All say yes until so many minutes after noon, None for ever, or no (False); of others nothing is known."""
        rows = [
            {"customer_id": who, "purpose": "marketing", "channel": "email",
             "status": "withdrawn" if end is False else "granted",
             "expires_at": None if not end else NOON + dt.timedelta(minutes=end)}
            for who, end in ends.items()
        ]  # fmt: skip
        self.told(*rows)

    def told(self, *rows):
        self._edits += 1
        txn = self.lake.transaction("test", DAY, config=self._edits)
        self.lake.replace("profiles/consent", table_rows("profiles/consent", *rows), txn)

    def stopped(self, *people):
        return set(self.why(*people))

    def why(self, *people, to=()):
        """The reason by customer; `to` is the address that all of them are written to."""
        self.late.look()
        sends = [Operation(one, one, "send", 1, f"address of {one}", Recipient(emails=to)) for one in people]
        return {one.customer_id: reason for one in sends if (reason := self.late.barrier(one))}

    def addresses(self, **owners):
        """Who has which address, and no other customers any."""
        self._edits += 1
        txn = self.lake.transaction("points", DAY, config=self._edits)
        points = [{"customer_id": one, "kind": "email", "value": to} for to, own in owners.items() for one in own]
        self.lake.replace("profiles/contact_points", table_rows("profiles/contact_points", *points), txn)


@pytest.fixture
def sending(settings, clock):
    return Sending(settings(IDENTITY))


def test_a_yes_counts_until_the_minute_in_which_it_ends_while_a_push_goes_on(sending, clock):
    sending.consent(c1=5, c2=None, c3=-1)
    assert sending.stopped("c1", "c2", "c3") == {"c3"}, "it ended since the plan, which holds for the day before"
    clock(4)
    assert sending.stopped("c1", "c2", "c3") == {"c3"}
    clock(5)
    assert sending.stopped("c1", "c2", "c3") == {"c1", "c3"}


def test_a_no_and_a_yes_that_is_gone_count_from_the_next_batch_on(sending):
    sending.consent(c1=None, c2=None, c3=None)
    assert sending.stopped("c1", "c2", "c3") == set()
    sending.consent(c1=False, c2=None)
    assert sending.stopped("c1", "c2", "c3") == {"c1", "c3"}
    removal = Operation("o", "c1", "remove", 1, "", Recipient())
    assert sending.late.barrier(removal) is None


def test_which_rule_stood_in_the_way_is_told_apart(sending, clock):
    yes = {"purpose": "marketing", "channel": "email", "status": "granted"}
    ended = {**yes, "expires_at": NOON - dt.timedelta(days=400)}
    no = {**yes, "status": "withdrawn"}
    objects = {**no, "purpose": "processing"}
    sending.told(
        {**yes, "customer_id": "c1"},
        {**ended, "customer_id": "c2"},
        {**no, "customer_id": "c3"},
        {**objects, "customer_id": "c4"},
        {**ended, "customer_id": "c5"},
    )
    keep([Heard("unsubscribe", NOON, "email", "page", "address of c5", "c5")], DAY, sending.settings)
    assert sending.why("c1", "c2", "c3", "c4", "c5") == {
        "c2": "consent_ended", "c3": "no_consent", "c4": "objected", "c5": "no_consent",
    }  # fmt: skip


def test_another_owner_of_an_address_who_says_no_during_a_push_stops_what_goes_there(sending, clock):
    sending.consent(c1=None, c2=9, c3=None)
    sending.addresses(family=["c1", "c2"], own=["c3"])
    assert sending.why("c1", "c2", to=("family",)) == {}
    clock(9)
    assert sending.why("c1", "c2", to=("family",)) == {"c1": "refused_by_other_owner", "c2": "consent_ended"}
    assert sending.why("c1", to=("of c1 alone",)) == sending.why("c3", to=("own",)) == {}
    sending.consent(c1=None, c2=None, c3=None)
    assert sending.why("c1", "c2", to=("family",)) == {}
    keep([Heard("unsubscribe", NOON, "email", "page", "elsewhere", "c2")], DAY, sending.settings)
    assert sending.why("c1", "c2", to=("family",)) == {"c1": "refused_by_other_owner", "c2": "no_consent"}
    sending.addresses(family=["c1"])
    assert sending.why("c1", to=("family",)) == {}
    removal = Operation("o", "c1", "remove", 1, "", Recipient(emails=("family",)))
    assert sending.late.barrier(removal) is None


def test_an_objection_counts_as_soon_as_it_is_told_and_until_it_is_taken_back(sending):
    sending.consent(c1=None, c2=None)

    def say(kind, who, purpose, hour):
        at = NOON + dt.timedelta(hours=hour)
        keep([Heard(kind, at, "email", "page", f"address of {who}", who, purpose=purpose)], DAY, sending.settings)

    say("withdrawn", "c1", "processing", 1)
    say("withdrawn", "c2", "profiling", 1)
    assert sending.stopped("c1", "c2") == {"c1"}, "no model decides about this audience"
    say("granted", "c1", "processing", 2)
    assert sending.stopped("c1", "c2") == set()
    yes = {"purpose": "marketing", "channel": "email", "status": "granted"}
    no = {"purpose": "processing", "channel": "sms", "status": "withdrawn"}
    sending.told({**yes, "customer_id": "c1"}, {**yes, "customer_id": "c2"}, {**no, "customer_id": "c2"})
    assert sending.stopped("c1", "c2") == {"c2"}


def test_an_objection_taken_back_frees_no_address_that_unsubscribed(sending):
    keep([Heard("unsubscribe", NOON, "email", "page", "address of c1", "c1")], DAY, sending.settings)
    keep([Heard("granted", NOON, "email", "page", "address of c1", "c1", purpose="profiling")], DAY, sending.settings)
    assert [row["reason"] for row in sending.lake.arrow("activation/suppressions").to_pylist()] == ["unsubscribed"]
    assert sending.stopped("c1") == {"c1"}


@pytest.mark.parametrize(
    ("rule", "against"),
    [("known", ["processing"]), ("known and label_churn = 'high'", ["processing", "profiling"])],
)
def test_an_objection_to_profiling_stands_in_the_way_of_what_a_model_decides_alone(settings, rule, against):
    loaded = settings(IDENTITY)
    audience = Audience.model_construct(where=rule, value=None, evidence=[])
    assert sorted(objections_to(audience, loaded)) == against


def test_who_has_their_data_restricted_leaves_a_list_at_once_and_comes_to_none(company, ads):
    shop = company("loyal", files=IDENTITY)
    names = shop.customers(4, purpose="ads", channel="ads")
    shop.members(*names[:3])
    assert shop.push("loyal", "ads")["delivered"] == 3
    there, later = len(ads.members()), DAY + dt.timedelta(days=1)
    shop.members(*names, day=later)
    plan.run(later, shop.settings)
    at = dt.datetime.now(dt.UTC)
    keep(
        [Heard("withdrawn", at, "email", "page", who, who, purpose="processing") for who in (names[0], names[3])],
        later,
        shop.settings,
    )
    counts = push.run("loyal", "ads", later, shop.settings)
    assert (counts["kept"], counts["no_consent"], counts["delivered"], counts["removed"]) == (2, 2, 0, 1)
    assert counts["reasons"] == "objected 2"
    assert len(ads.members()) == there * 2 // 3


def test_an_old_day_reaches_who_said_yes_then_and_says_yes_now_and_tells_which_of_both_lacks(
    company, sink, clock, caplog
):
    shop = company("winback")
    shop.customers(4)
    answer = {"purpose": "marketing", "channel": "email"}
    yes, now = {**answer, "status": "granted"}, NOON + dt.timedelta(days=200)
    then = [
        {**yes, "customer_id": "c0001"},
        {**yes, "customer_id": "c0002", "expires_at": now},
        {**yes, "customer_id": "c0003"},
        {**answer, "customer_id": "c0004", "status": "withdrawn"},
    ]
    shop.replace("profiles/consent", *then)
    plan.run(DAY, shop.settings)
    later = [then[0], then[1], {**then[2], "status": "withdrawn"}, {**yes, "customer_id": "c0004"}]
    shop.replace("profiles/consent", *later)
    clock(200 * 24 * 60)

    counts = push.run("winback", "email", DAY, shop.settings)

    assert sink.recipients() == [recipient_hash(email("c0001"))]
    assert (counts["delivered"], counts["no_consent"], counts["reasons"]) == (1, 3, "no_consent 2, consent_ended 1")
    assert shop.lake.arrow("activation/deliveries")["reasons"].to_pylist() == [counts["reasons"]]
    assert "1 said yes, and that ended before now" in caplog.text
