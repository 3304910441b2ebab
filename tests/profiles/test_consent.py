"""Consent: the strictest of the newest answers; no answer is no."""

import datetime as dt

import pytest

from jobs.normalise.identifiers import identifier_hash
from jobs.profiles.consent import consent, every_answer

TODAY = dt.date(2017, 6, 1)


@pytest.fixture
def answers(rows, settings):
    """Status per (customer, purpose, channel), given answers of contacts; contact `ann1` belongs to customer `ann`."""

    def build(*given, as_of=TODAY):
        loaded = settings()
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
        every = every_answer(rows("valid/consents", *given), rows("valid/campaign_events"), loaded)
        found = consent(every, rows("identity/map", *known), as_of, loaded).collect()
        return {(row["customer_id"], row["purpose"], row["channel"]): row["status"] for row in found}

    return build


EMAIL = ("ann", "marketing", "email")


def test_the_newest_answer_of_a_record_counts(answers):
    granted, withdrawn = {"contact_id": "ann1"}, {"contact_id": "ann1", "status": "withdrawn"}
    later = {"changed_at": "2017-03-01"}
    assert answers(granted, withdrawn | later) == {EMAIL: "withdrawn"}
    assert answers(granted | later, withdrawn) == {EMAIL: "granted"}


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
