"""With another hash key than that of the lake nothing goes on. About a second."""

import datetime as dt

import pytest

from jobs.activation import push
from jobs.config.wrong import ConfigError
from jobs.identity import key_of_lake
from jobs.lake.lake import Lake
from jobs.privacy import returned

DAY = dt.date(2024, 5, 1)


def test_a_new_lake_is_of_the_key_it_is_made_with_and_goes_on_with_it(settings):
    company = settings()
    assert returned.run(DAY, company) == {"kept_out": 0}
    version = Lake.of(company).version(key_of_lake.TABLE)
    assert returned.run(DAY + dt.timedelta(days=1), company) == {"kept_out": 0}
    assert Lake.of(company).version(key_of_lake.TABLE) == version == 0


def test_with_another_key_neither_the_day_nor_a_push_goes_on(settings, monkeypatch):
    company = settings()
    returned.run(DAY, company)
    monkeypatch.setenv("KLANTREIS_HASH_KEY", "another")
    with pytest.raises(ConfigError, match="set the key it was"):
        returned.run(DAY, company)
    with pytest.raises(ConfigError, match="set the key it was"):
        push.run("any", "where", DAY, company)


def test_the_lake_does_not_tell_the_key(settings, monkeypatch):
    monkeypatch.setenv("KLANTREIS_HASH_KEY", "a key nobody may read")
    company = settings()
    returned.run(DAY, company)
    (told,) = Lake.of(company).arrow(key_of_lake.TABLE)["fingerprint"].to_pylist()
    assert len(told) == 16
    assert "key" not in told
