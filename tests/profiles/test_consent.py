"""Consent: the strictest of the newest answers; no answer is no."""

import datetime as dt
import hashlib

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as fuzz
from hypothesis import strategies as st
from pyspark.sql import functions as F

from jobs.config.yaml_files import ConfigError
from jobs.identity.identifiers import identifier_hash
from jobs.profiles.consent import consent, consent_history, every_answer, standing, with_people

TODAY = dt.date(2017, 6, 1)
PEOPLE = ("ann", "bob")


@pytest.fixture
def answers(rows, settings):
    """Status per (customer, purpose, channel), given answers of contacts; contact `ann1` belongs to customer `ann`."""

    def build(*given, as_of=TODAY, events=(), points=(), **identity):
        loaded = settings(identity and {"identity.yaml": {"golden_record": {}, **identity}})
        given = [
            {"consent_id": str(number), "source": "crm", "purpose": "marketing", "channel": "email"}
            | {"changed_at": "2017-01-01", "arrived": "2017-01-02", "status": "granted"}
            | row
            for number, row in enumerate(given)
        ]
        contacts = {(row["source"], row["contact_id"]) for row in given if row["contact_id"] != "stranger"}
        known = [
            {"identifier": identifier_hash("contact", id_, loaded, source), "customer_id": id_.rstrip("0123456789")}
            for source, id_ in sorted(contacts)
        ]
        known += [{"identifier": identifier_hash("email", f"{who}@x.nl", loaded), "customer_id": who} for who in PEOPLE]
        events = [
            {"event_id": f"e{n}", "source": "mail", "channel": "email", "email": "ann@x.nl", "arrived": "2017-01-02"}
            | row
            for n, row in enumerate(events)
        ]
        every = every_answer(rows("valid/consents", *given), rows("valid/campaign_events", *events), loaded)
        names = ("customer_id", "kind", "value")
        points = [dict(zip(names, one, strict=True)) if isinstance(one, tuple) else one for one in points]
        owned = with_people(every, rows("identity/map", *known), rows("profiles/contact_points", *points), loaded)
        found = consent(owned, as_of, loaded).collect()
        return {(row["customer_id"], row["purpose"], row["channel"]): row["status"] for row in found}

    return build


EMAIL = ("ann", "marketing", "email")


def test_the_newest_answer_of_a_record_counts(answers):
    granted, withdrawn = {"contact_id": "ann1"}, {"contact_id": "ann1", "status": "withdrawn"}
    later = {"changed_at": "2017-03-01"}
    assert answers(granted, withdrawn | later) == {EMAIL: "withdrawn"}
    assert answers(granted | later, withdrawn) == {EMAIL: "granted"}


def test_a_yes_that_its_source_deleted_ends_and_a_deleted_no_stays_one(answers):
    granted, withdrawn = {"contact_id": "ann1"}, {"contact_id": "ann1", "status": "withdrawn"}
    gone = {"changed_at": "2017-03-01", "deleted": True}
    assert answers(granted, granted | gone) == {EMAIL: "expired"}
    assert answers(withdrawn, withdrawn | gone) == {EMAIL: "withdrawn"}
    assert answers(granted, granted | gone, granted | {"changed_at": "2017-04-01"}) == {EMAIL: "granted"}
    assert answers(granted, granted | gone, granted | {"source": "shop"}) == {EMAIL: "granted"}


def test_a_deleted_yes_lifts_no_unsubscribe(answers):
    left = {"type": "unsubscribe", "email": "ann@x.nl", "occurred_at": "2017-02-01"}
    granted = {"contact_id": "ann1"}
    deleted = granted | {"changed_at": "2017-03-01", "deleted": True}
    assert answers(granted, deleted, events=[left]) == {EMAIL: "withdrawn"}


def test_of_answers_given_at_one_moment_the_strictest_counts(answers):
    assert answers({"contact_id": "ann1"}, {"contact_id": "ann1", "status": "withdrawn"}) == {EMAIL: "withdrawn"}


def test_a_withdrawal_in_one_source_beats_a_newer_grant_in_another(answers):
    found = answers(
        {"contact_id": "ann1", "status": "withdrawn"},
        {"contact_id": "ann1", "source": "shop", "changed_at": "2017-05-01"},
    )
    assert found == {EMAIL: "withdrawn"}


def test_customers_that_turn_out_to_be_one_keep_the_stricter_answer(answers):
    found = answers({"contact_id": "ann1", "status": "withdrawn"}, {"contact_id": "ann2", "changed_at": "2017-05-01"})
    assert found == {EMAIL: "withdrawn"}


BOTH = (("ann", "email", "us@x.nl"), ("bob", "email", "us@x.nl"))
YES = ({"contact_id": "ann1"}, {"contact_id": "bob1"})


@pytest.mark.parametrize("who", [{}, {"contact_id": "subscriber 7"}])
def test_an_unsubscribe_from_a_mailbox_that_two_people_share_counts_for_both(answers, who):
    left = {"type": "unsubscribe", "email": "Us@x.nl", "occurred_at": "2017-02-01", **who}
    found = answers(*YES, events=[left], points=BOTH)
    assert found[EMAIL] == found[("bob", *EMAIL[1:])] == "withdrawn"


def test_a_yes_from_a_shared_mailbox_counts_for_nobody_and_the_no_of_one_person_only_for_that_person(answers):
    yes = {"contact_id": "stranger", "email": "us@x.nl"}
    assert answers(yes, points=BOTH) == {}
    no = {"contact_id": "ann1", "email": "us@x.nl", "status": "withdrawn", "changed_at": "2017-02-01"}
    assert answers(*YES, no, points=BOTH) == {EMAIL: "withdrawn", ("bob", *EMAIL[1:]): "granted"}


def test_answers_about_another_purpose_or_channel_do_not_count(answers):
    found = answers(
        {"contact_id": "ann1", "purpose": "Marketing "},
        {"contact_id": "ann1", "purpose": "ads", "channel": "ads", "status": "withdrawn"},
    )
    assert found == {EMAIL: "granted", ("ann", "ads", "ads"): "withdrawn"}


@pytest.mark.parametrize(
    ("as_of", "status"),
    [(dt.date(2017, 5, 30), "granted"), (dt.date(2017, 5, 31), "expired"), (dt.date(2017, 6, 1), "expired")],
)
def test_a_consent_ends_on_its_last_day_in_the_company_s_time_zone(answers, as_of, status):
    # 22:30 UTC on the 30th is half past midnight on the 31st in Amsterdam
    assert answers({"contact_id": "ann1", "expires_at": "2017-05-30 22:30"}, as_of=as_of) == {EMAIL: status}


def test_an_expired_answer_neither_grants_nor_takes_away(answers):
    expired = {"contact_id": "ann1", "expires_at": "2017-02-01"}
    assert answers(expired, {"contact_id": "ann2"}) == {EMAIL: "granted"}
    assert answers(expired, {"contact_id": "ann2", "status": "withdrawn"}) == {EMAIL: "withdrawn"}


def test_an_older_grant_does_not_come_back_when_a_newer_one_expires(answers):
    found = answers(
        {"contact_id": "ann1"}, {"contact_id": "ann1", "changed_at": "2017-02-01", "expires_at": "2017-03-01"}
    )
    assert found == {EMAIL: "expired"}


def test_without_an_answer_there_is_no_row(answers):
    assert answers({"contact_id": "stranger"}) == {}


def test_anything_but_a_plain_yes_is_no(answers):
    assert answers({"contact_id": "ann1", "status": None}) == {EMAIL: "withdrawn"}
    assert answers({"contact_id": "ann1", "status": "pending"}) == {EMAIL: "withdrawn"}


UNSUBSCRIBED = {"type": "unsubscribe", "occurred_at": "2017-03-01"}
TWO_PURPOSES = {"marketing": {"channels": ["email", "ads"]}, "surveys": {"channels": ["email"]}}


def test_an_unsubscribe_withdraws_the_channel_for_every_purpose(answers):
    asked = (("marketing", "email"), ("marketing", "ads"), ("surveys", "email"))
    given = [{"contact_id": "ann1", "purpose": purpose, "channel": channel} for purpose, channel in asked]
    found = answers(*given, events=[UNSUBSCRIBED], purposes=TWO_PURPOSES)
    assert found == {
        EMAIL: "withdrawn",
        ("ann", "surveys", "email"): "withdrawn",
        ("ann", "marketing", "ads"): "granted",
    }


def test_who_never_answered_has_said_no_by_unsubscribing(answers):
    assert answers(events=[UNSUBSCRIBED | {"email": "bob@x.nl"}]) == {("bob", "marketing", "email"): "withdrawn"}


def test_a_yes_after_an_unsubscribe_counts_again_but_not_one_before_it(answers):
    later, before = {"changed_at": "2017-03-02"}, {"changed_at": "2017-02-28"}
    assert answers({"contact_id": "ann1"} | later, events=[UNSUBSCRIBED]) == {EMAIL: "granted"}
    assert answers({"contact_id": "ann1"} | before, events=[UNSUBSCRIBED]) == {EMAIL: "withdrawn"}


def test_a_complaint_stays_whatever_is_answered_later(answers):
    complaint = UNSUBSCRIBED | {"type": "Complaint"}
    assert answers({"contact_id": "ann1", "changed_at": "2017-05-02"}, events=[complaint]) == {EMAIL: "withdrawn"}


def test_other_campaign_events_say_nothing(answers):
    events = [UNSUBSCRIBED | {"type": type_} for type_ in ("click", "open", "soft_bounce", "delivered", None)]
    assert answers(events=events) == {}


def test_an_unsubscribe_without_a_channel_or_over_one_that_nobody_knows_concerns_every_channel(answers):
    asked = (("marketing", "email"), ("marketing", "ads"), ("surveys", "email"))
    for channel in (None, "  ", "newsletter"):
        found = answers(events=[UNSUBSCRIBED | {"channel": channel}], purposes=TWO_PURPOSES)
        assert found == {("ann", *one): "withdrawn" for one in asked}
    assert answers(events=[UNSUBSCRIBED | {"channel": "app"}], purposes=TWO_PURPOSES) == {}


AT = {"customer_id": "ann", "kind": "email", "preference": 1}
BOUNCED = UNSUBSCRIBED | {"type": "bounce", "email": "Ann@x.nl"}


def test_a_bounce_stops_mail_as_long_as_it_is_of_the_address_that_is_written_to(answers):
    yes = {"contact_id": "ann1"}
    assert answers(yes, events=[BOUNCED], points=[AT | {"value": "ann@x.nl"}]) == {EMAIL: "withdrawn"}
    moved = [AT | {"value": "ann@new.nl"}, AT | {"value": "ann@x.nl", "preference": 2}]
    assert answers(yes, events=[BOUNCED], points=moved) == {EMAIL: "granted"}
    assert answers(yes, events=[BOUNCED | {"email": None, "contact_id": "ann1", "source": "crm"}]) == {
        EMAIL: "withdrawn"
    }


def test_mail_that_arrives_after_a_bounce_lifts_it(answers):
    points = [AT | {"value": "ann@x.nl"}]
    arrived = UNSUBSCRIBED | {"type": "open", "email": "ann@x.nl"}
    for moment, status in (("2017-03-02", "granted"), ("2017-02-28", "withdrawn")):
        events = [BOUNCED, arrived | {"occurred_at": moment}]
        assert answers({"contact_id": "ann1"}, events=events, points=points) == {EMAIL: status}
    assert answers(events=[BOUNCED, arrived | {"occurred_at": "2017-03-02"}], points=points) == {EMAIL: "withdrawn"}


def test_a_no_told_by_the_hash_of_an_address_counts_for_all_who_have_it_and_so_do_bounces_and_mail(answers):
    us, ann = (hashlib.sha256(address).hexdigest().upper() for address in (b"us@x.nl", b"ann@x.nl"))
    left = UNSUBSCRIBED | {"email": None, "email_sha256": us}
    found = answers(*YES, events=[left], points=BOTH)
    assert found[EMAIL] == found[("bob", *EMAIL[1:])] == "withdrawn"
    points, yes = [AT | {"value": "ann@x.nl"}], {"contact_id": "ann1"}
    hashed = BOUNCED | {"email": None, "email_sha256": ann}
    assert answers(yes, events=[hashed], points=points) == {EMAIL: "withdrawn"}
    for bounce, arrived in ((hashed, BOUNCED), (BOUNCED, hashed), (hashed, hashed)):
        later = arrived | {"type": "open", "occurred_at": "2017-03-02"}
        assert answers(yes, events=[bounce, later], points=points) == {EMAIL: "granted"}


@pytest.mark.parametrize(
    "told", ["ann news@x.nl", "mailto:ann+news@x.nl", "Ann <ann+news@x.nl>", "ann%2Bnews%40x.nl", " ANN+news @x.nl;"]
)
def test_a_no_from_a_damaged_address_counts_for_whoever_may_be_meant(answers, told):
    points = [AT | {"value": "ann+news@x.nl"}, AT | {"customer_id": "bob", "value": "bob@x.nl"}]
    found = answers(*YES, events=[UNSUBSCRIBED | {"email": told}], points=points)
    assert found == {EMAIL: "withdrawn", ("bob", *EMAIL[1:]): "granted"}


def test_a_no_from_a_phone_number_without_a_country_counts_for_every_country(answers):
    sms = {"purposes": {"marketing": {"channels": ["sms"]}}}
    points = [AT | {"kind": "phone", "value": "+32471123456"}, AT | {"customer_id": "bob", "value": "bob@x.nl"}]
    for told in ("0471 12 34 56", "0032471123456"):
        left = UNSUBSCRIBED | {"email": None, "phone": told, "channel": "sms"}
        assert answers(events=[left], points=points, **sms) == {("ann", "marketing", "sms"): "withdrawn"}
    assert answers(events=[UNSUBSCRIBED | {"email": None, "phone": "+31471123456"}], points=points, **sms) == {}


def test_a_campaign_tool_can_have_its_own_names_for_channels(answers):
    purposes = {"ads": {"channels": ["ads"]}, "news": {"channels": ["letter"]}}
    channels = {"letter": {"reached_by": ["address"], "also_called": ["mail", "post"]}}
    events = [UNSUBSCRIBED | {"channel": channel} for channel in ("ad", " Post ", "app")]
    assert answers(events=events, purposes=purposes, channels=channels) == {
        ("ann", "ads", "ads"): "withdrawn",
        ("ann", "news", "letter"): "withdrawn",
    }


def test_a_yes_without_an_end_lasts_as_long_as_its_purpose_allows(answers):
    purposes = {"marketing": {"channels": ["email"], "expires_after_days": 90}}
    yes = {"contact_id": "ann1", "changed_at": "2017-01-01 12:00"}
    assert answers(yes, purposes=purposes, as_of=dt.date(2017, 3, 31)) == {EMAIL: "granted"}
    assert answers(yes, purposes=purposes, as_of=dt.date(2017, 4, 1)) == {EMAIL: "expired"}
    assert answers(yes | {"expires_at": "2018-01-01"}, purposes=purposes) == {EMAIL: "granted"}


@pytest.mark.parametrize(
    ("channels", "problem"),
    [
        ({"emial": {}}, "channels.emial: no purpose has the channel 'emial'; did you mean 'email'?"),
        (
            {"email": {"also_called": ["mail"]}, "ads": {"also_called": ["mail"]}},
            "channels.ads.also_called.0: 'mail' is 'email' already",
        ),
        ({"email": {"reached_by": ["pigeon"]}}, "channels.email.reached_by.0"),
    ],
)
def test_a_channel_that_cannot_be_is_refused_with_its_place(settings, channels, problem):
    purposes = {"marketing": {"channels": ["email"]}, "ads": {"channels": ["ads"]}}
    with pytest.raises(ConfigError) as refused:
        settings({"identity.yaml": {"golden_record": {}, "purposes": purposes, "channels": channels}})
    assert "identity.yaml:" in str(refused.value)
    assert problem in str(refused.value)


def test_a_yes_that_is_known_by_a_national_number_counts_where_its_country_is_told(rows, settings):
    loaded = settings()
    yes = {"source": "crm", "purpose": "marketing", "channel": "email", "status": "granted", "changed_at": "2017-01-01",
           "arrived": "2017-01-02", "phone": "0470 12 34 56"}  # fmt: skip
    ann = {"identifier": identifier_hash("phone", "+32470123456", loaded), "customer_id": "ann"}

    def granted(**more):
        every = every_answer(rows("valid/consents", yes | more), rows("valid/campaign_events"), loaded)
        every = with_people(every, rows("identity/map", ann), rows("profiles/contact_points"), loaded)
        return [row["customer_id"] for row in consent(every, TODAY, loaded).collect()]

    assert granted(attributes='{"country":"BE"}') == ["ann"]
    assert granted() == granted(attributes='{"country":"NL"}') == []


DAYS = [dt.date(2017, 1, 1) + dt.timedelta(days=n) for n in range(12)]
ANSWERS = st.lists(
    st.tuples(
        st.sampled_from(("ann1", "ann2", "bob1")),
        st.sampled_from(("granted", "withdrawn")),
        st.sampled_from(DAYS),  # answered
        st.integers(0, 4),  # days until it arrives
        st.none() | st.integers(1, 6),  # days until it ends
    ),
    max_size=6,
)
EVENTS = st.lists(
    st.tuples(st.sampled_from(("unsubscribe", "complaint")), st.sampled_from(DAYS), st.integers(0, 4)), max_size=2
)


@given(people=st.lists(st.tuples(ANSWERS, EVENTS), min_size=12, max_size=12))
@fuzz(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_history_says_for_each_day_what_was_known_on_it(spark, rows, settings, people):
    """Each example is twelve pairs of customers who know nothing of each other: the engine is asked once for all."""
    loaded = settings()
    later = dt.timedelta
    given_rows = [
        {"consent_id": f"{pair}-{n}", "source": "crm", "contact_id": f"{who}-{pair}", "purpose": "marketing",
         "channel": "email", "status": status, "changed_at": f"{on}T12:00", "arrived": on + later(days=late),
         "expires_at": ends and f"{on + later(days=ends)}T12:00", "line": n}
        for pair, (answered, _) in enumerate(people)
        for n, (who, status, on, late, ends) in enumerate(answered)
    ]  # fmt: skip
    events = [
        {"event_id": f"{pair}-{n}", "source": "mail", "channel": "email", "email": f"ann@x{pair}.nl", "type": kind,
         "occurred_at": f"{on}T13:00", "arrived": on + later(days=late), "line": n}
        for pair, (_, left) in enumerate(people)
        for n, (kind, on, late) in enumerate(left)
    ]  # fmt: skip
    known = [
        {"identifier": identifier_hash(kind, value, loaded, source), "customer_id": f"{value[:3]}{pair}"}
        for pair in range(len(people))
        for kind, value, source in [
            *(("contact", f"{who}-{pair}", "crm") for who in ("ann1", "ann2", "bob1")),
            ("email", f"ann@x{pair}.nl", None),
        ]
    ]
    identity_map = rows("identity/map", *known)
    every = every_answer(rows("valid/consents", *given_rows), rows("valid/campaign_events", *events), loaded)
    every = with_people(every, identity_map, rows("profiles/contact_points"), loaded)
    days = [*DAYS, DAYS[-1] + later(days=8)]
    history = [row.asDict() for row in consent_history(every, days[-1], loaded).collect()]
    on = spark.createDataFrame([(day,) for day in days], "on date")
    asked = standing(every.join(on, F.col("arrived") <= F.col("on")), loaded).collect()
    for day in days:
        found = {
            tuple(row[name] for name in COMPARED)
            for row in history
            if row["valid_from"] <= day and (row["valid_to"] is None or row["valid_to"] >= day)
        }
        assert found == {tuple(row[name] for name in COMPARED) for row in asked if row["on"] == day}


COMPARED = ("customer_id", "purpose", "channel", "status", "changed_at", "expires_at", "source", "proof")
