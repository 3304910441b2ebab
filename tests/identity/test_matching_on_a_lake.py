"""What matching learned and compared is kept in the lake from day to day, and changes nothing but the work."""

import datetime as dt
import shutil
from pathlib import Path

import pytest

from jobs.activity.as_of import profiles_on
from jobs.identity import identity, model_store
from jobs.identity.matching.scoring import Scorer
from jobs.lake.lake import Lake
from tests.identity.matching import people
from tests.killed import killed_after

DAYS = (dt.date(2017, 1, 1), dt.date(2017, 1, 2), dt.date(2017, 1, 5))
TABLES = (*identity.WRITES, *model_store.TABLES)
COLUMNS = {"FirstName": "first_name", "LastName": "last_name", "Birthdate": "birth_date", "MailingStreet": "street"}
COLUMNS |= {"MailingPostalCode": "postcode", "MailingCity": "city", "Phone": "phone", "Email": "email"}


@pytest.fixture
def company(settings, rows):
    """Settings of a company whose contacts arrived on three days: 210, then a few, then as many again."""
    loaded = settings()
    lake = Lake.of(loaded)
    crm = people.four_systems(17, 260)["crm"].rename(columns=COLUMNS)[list(COLUMNS.values())]
    told = crm.astype(object).where(crm.notna(), None).to_dict("records")
    for day, some in zip(DAYS, (slice(210), slice(210, 220), slice(220, None)), strict=True):
        lineage = {"source": "crm", "updated_at": "2017-01-01", "arrived": day, "file_id": str(day)}
        records = [
            {**record, **lineage, "birth_date": None, "contact_id": str(number), "line": number}
            for number, record in list(enumerate(told))[some]
        ]
        lake.append("valid/contacts", rows("valid/contacts", *records), lake.transaction("arrive", day))
    return loaded


def hashes(settings):
    return {name: Lake.of(settings).content_hash(name) for name in TABLES}


def forget(settings):
    """Remove what was found out about who is who."""
    for name in TABLES:
        shutil.rmtree(Path(settings.lake) / name, ignore_errors=True)


def test_what_days_leave_behind_is_what_all_at_once_gives(company):
    for day in DAYS:
        identity.run(day, company)
    day_by_day = hashes(company)
    (model,) = Lake.of(company).arrow("models/matching").to_pylist()
    assert model["trained_on"] == DAYS[2]
    assert Lake.of(company).rows("models/matching_links") > 0
    forget(company)
    identity.run(DAYS[2], company)
    assert hashes(company) == day_by_day


def test_a_day_trains_nothing_and_compares_its_own_records_only(company, monkeypatch):
    identity.run(DAYS[0], company)
    compared, candidates = [], Scorer.candidates
    monkeypatch.setattr(Scorer, "candidates", lambda *a: (candidates(*a), compared.append(a[0].compared))[0])
    identity.run(DAYS[1], company)
    assert compared == [10 * 210 + 10 * 9 // 2]  # with so few records each new one is compared with all


def test_a_past_day_is_rebuilt_with_the_model_of_that_day_and_leaves_today_alone(company):
    identity.run(DAYS[0], company)
    then = Lake.of(company).content_hash("identity/map")
    identity.run(DAYS[2], company)
    today = hashes(company)
    with profiles_on(DAYS[0], company) as past:
        assert past.content_hash("identity/map") == then
        assert past.arrow("models/matching")["trained_on"].to_pylist() == [DAYS[0]]
    assert hashes(company) == today


WRITTEN_ON_A_DAY = 8
"""Pairs, rows, review, links, what is set aside, decisions, map, events."""


@pytest.mark.slow
def test_a_run_that_is_killed_between_any_two_of_its_tables_is_completed_by_the_next_one(company):
    identity.run(DAYS[0], company)
    identity.run(DAYS[1], company)
    expected = hashes(company)
    for survived in range(WRITTEN_ON_A_DAY):
        forget(company)
        identity.run(DAYS[0], company)
        with killed_after(survived, "replace"):
            identity.run(DAYS[1], company)
        identity.run(DAYS[1], company)
        assert hashes(company) == expected
