"""What matching learned and compared is kept in the lake from day to day, and changes nothing but the work."""

import datetime as dt
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.identity import identity
from jobs.identity.matching.scoring import Scorer
from jobs.journeys.as_of import profiles_on
from jobs.lake.lake import Lake
from tests.company import MINIMAL, loaded
from tests.identity.lived_days import trained_once
from tests.identity.matching import people
from tests.killed import killed_before_each
from tests.table_rows import table_rows

DAYS = (dt.date(2017, 1, 1), dt.date(2017, 1, 2), dt.date(2017, 1, 5))
TABLES = identity.WRITES
COLUMNS = {"FirstName": "first_name", "LastName": "last_name", "Birthdate": "birth_date", "MailingStreet": "street"}
COLUMNS |= {"MailingPostalCode": "postcode", "MailingCity": "city", "Phone": "phone", "Email": "email"}


@pytest.fixture(scope="module", autouse=True)
def one_training():
    with trained_once():
        yield


@pytest.fixture(scope="module")
def after(tmp_path_factory):
    """Lakes after each of the days, lived one by one, on which contacts arrived: 210, then a few, then as many again.

    None is changed; a test gets its own copy (`company`).
    """
    crm = people.four_systems(17, 260)["crm"].rename(columns=COLUMNS)[list(COLUMNS.values())]
    told = crm.astype(object).where(crm.notna(), None).to_dict("records")
    copies = tmp_path_factory.mktemp("days")
    with loaded(tmp_path_factory.mktemp("company")) as settings:
        lake = Lake.of(settings)
        for day, some in zip(DAYS, (slice(210), slice(210, 220), slice(220, None)), strict=True):
            lineage = {"source": "crm", "updated_at": "2017-01-01", "arrived": day, "file_id": str(day)}
            records = [
                {**record, **lineage, "birth_date": None, "contact_id": str(number), "line": number}
                for number, record in list(enumerate(told, 1))[some]
            ]
            lake.append("valid/contacts", table_rows("valid/contacts", *records), lake.transaction("arrive", day))
        for day in DAYS:
            identity.run(day, settings)
            shutil.copytree(settings.lake, copies / str(day))
    return {day: copies / str(day) for day in DAYS}


@pytest.fixture
def company(settings, after):
    """Settings of the company as it was after a day: `company(DAYS[0])`."""
    found = settings()

    def as_of(day):
        shutil.rmtree(found.lake, ignore_errors=True)
        shutil.copytree(after[day], found.lake)
        return found

    return as_of


@pytest.fixture
def built(monkeypatch):
    """The days of runs that build all anew."""
    days, rebuild = [], identity.rebuild
    monkeypatch.setattr(identity, "rebuild", lambda *a: (days.append(a[3]), rebuild(*a))[1])
    return days


def hashes(settings):
    found = {name: Lake.of(settings).content_hash(name) for name in TABLES}
    return found | {"as_of": Lake.of(settings).arrow("identity/standing", ["as_of"])["as_of"].to_pylist()}


def forget(settings):
    """Remove what was found out about who is who."""
    for name in TABLES:
        shutil.rmtree(Path(settings.lake) / name, ignore_errors=True)


def test_what_days_leave_behind_is_what_all_at_once_gives(company, built):
    one = company(DAYS[1])
    two_days = hashes(one)
    forget(one)
    identity.run(DAYS[1], one)
    assert hashes(one) == two_days
    day_by_day = hashes(company(DAYS[2]))
    (model,) = Lake.of(one).arrow("models/matching").to_pylist()
    assert model["trained_on"] == DAYS[2]
    assert Lake.of(one).rows("models/matching_links") > 0
    forget(one)
    identity.run(DAYS[2], one)
    assert hashes(one) == day_by_day
    assert built == [DAYS[1], DAYS[2]]


def test_a_day_trains_nothing_and_compares_its_own_records_only(company, monkeypatch):
    compared, weigh = [], Scorer.scored
    monkeypatch.setattr(Scorer, "scored", lambda *a: (weigh(*a), compared.append(a[0].compared))[0])
    identity.run(DAYS[1], company(DAYS[0]))
    assert compared == [10 * 210 + 10 * 9 // 2]  # with so few records each new one is compared with all


def test_a_past_day_is_rebuilt_with_the_model_of_that_day_and_leaves_today_alone(company):
    then = Lake.of(company(DAYS[0])).content_hash("identity/map")
    one = company(DAYS[2])
    today = hashes(one)
    with profiles_on(DAYS[0], one) as past:
        assert past.content_hash("identity/map") == then
        assert past.arrow("models/matching")["trained_on"].to_pylist() == [DAYS[0]]
    assert hashes(one) == today


@pytest.mark.slow
def test_a_run_that_is_killed_between_any_two_of_its_tables_is_completed_by_the_next_one(company, tmp_path):
    one = company(DAYS[0])
    lake = Lake.of(one)
    before = {name: lake.version(name) for name in TABLES}
    with killed_before_each(tmp_path, "replace", "revise") as left:
        identity.run(DAYS[1], one)
    expected = hashes(one)
    written = [name for name in TABLES if lake.version(name) != before[name]]
    assert {"identity/prepared", "identity/sightings", "models/matching_pairs", "identity/map"} < set(written)
    assert len(left) >= len(written)
    for killed in left:
        shutil.rmtree(one.lake)
        shutil.copytree(killed, one.lake)
        identity.run(DAYS[1], one)
        assert hashes(one) == expected


def test_a_day_goes_on_from_what_is_kept_and_a_change_of_settings_or_removed_rows_build_all_anew(
    company, settings, built
):
    one = company(DAYS[0])
    identity.run(DAYS[1], one)
    assert built == []
    told = dict(MINIMAL["identity.yaml"], largest_customer=50)
    others = settings({"identity.yaml": told})
    identity.run(DAYS[1], others)
    assert built == [DAYS[1]]
    lake = Lake.of(one)
    erased = pa.table({"contact_id": ["3"]})
    lake.delete("valid/contacts", erased, lake.transaction("erase", DAYS[1]))
    identity.run(DAYS[1], others)
    assert built == [DAYS[1], DAYS[1]]
    assert lake.rows("identity/prepared") == 219


def test_the_hash_key_names_customers_and_decides_nothing(company, monkeypatch):
    one = company(DAYS[2])

    def told():
        lake = Lake.of(one)
        names = {
            row["contact"]: row["name"] for row in lake.arrow("identity/prepared", ["contact", "name"]).to_pylist()
        }
        customers = lake.arrow("identity/map").to_pandas().groupby("customer_id")["identifier"]
        links = lake.arrow("identity/links").to_pylist()
        review = lake.arrow("identity/review").drop_columns("first_seen").to_pylist()
        return {
            "customers": sorted(
                (len(group), sorted(names[one] for one in group if one in names)) for _, group in customers
            ),
            "links": sorted(
                (*sorted(names.get(link[end], "") for end in ("left", "right")), link["rule"], link["state"])
                for link in links
            ),
            "review": sorted(map(str, review)),
            "set aside": sorted(
                (row["kind"], row["reason"], row["since"]) for row in lake.arrow("identity/set_aside").to_pylist()
            ),
            "learned": lake.arrow("models/matching", ["version", "parameters"]).to_pylist(),
        }

    found = told()
    assert any(rule == "probabilistic" for _, _, rule, _ in found["links"])
    monkeypatch.setenv("KLANTREIS_HASH_KEY", "another-key")
    forget(one)
    for day in DAYS:
        identity.run(day, one)
    assert told() == found
