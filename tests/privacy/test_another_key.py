"""Under another hash key nobody who was forgotten is known again, so nothing goes on (2 s of processor time)."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from jobs.config.wrong import ConfigError
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.lake.tables.privacy import KEPT_OUT
from jobs.privacy import receipts, returned

DAY = date(2026, 3, 2)
AT = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def company(settings):
    """A company that forgot two people, by requests r1 and r2."""
    made = settings()
    lake = Lake.of(made)
    rows = [{"identifier": f"i{n}", "kind": "email", "request": f"r{n}", "since": AT.date()} for n in (1, 2)]
    txn = lake.transaction("keep_out", DAY, config=["two"], code="jobs.privacy.erasure")
    lake.append(KEPT_OUT, pa.Table.from_pylist(rows, schema=catalogue.get(KEPT_OUT).arrow_schema()), txn)
    return made


def sealed(company, *requests):
    given = [receipts.Receipt(one, "valid/crm", AT, "erased", 1, "", "asked", "tester") for one in requests]
    receipts.keep(Lake.of(company), given, company)


def test_under_the_key_they_were_forgotten_with_the_day_goes_on(company):
    sealed(company, "r1", "r2")
    assert returned.run(DAY, company) == {"kept_out": 2, "files": 0, "lines": 0}


def test_under_another_key_the_step_fails_and_says_what_to_set(company, monkeypatch):
    sealed(company, "r1", "r2")
    monkeypatch.setenv("KLANTREIS_HASH_KEY", "another-key")
    with pytest.raises(ConfigError, match="set the key it was"):
        returned.run(DAY, company)
    monkeypatch.setenv("KLANTREIS_HASH_KEY", "test-key")
    assert returned.run(DAY, company)["kept_out"] == 2


def test_receipts_of_people_who_were_let_in_again_do_not_count(company, monkeypatch):
    sealed(company, "r1", "r2")
    monkeypatch.setenv("KLANTREIS_HASH_KEY", "another-key")
    sealed(company, "r0")
    with pytest.raises(ConfigError):
        returned.run(DAY, company)


def test_a_request_that_was_killed_before_its_first_receipt_stops_nobody(company):
    assert returned.run(DAY, company)["kept_out"] == 2
