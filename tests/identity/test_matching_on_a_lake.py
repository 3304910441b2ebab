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
from tests.company import MINIMAL
from tests.identity.matching import people
from tests.killed import killed_after

DAYS = (dt.date(2017, 1, 1), dt.date(2017, 1, 2), dt.date(2017, 1, 5))
TABLES = identity.WRITES
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
            for number, record in list(enumerate(told, 1))[some]
        ]
        lake.append("valid/contacts", rows("valid/contacts", *records), lake.transaction("arrive", day))
    return loaded


def hashes(settings):
    found = {name: Lake.of(settings).content_hash(name) for name in TABLES}
    return found | {"as_of": Lake.of(settings).arrow("identity/standing", ["as_of"])["as_of"].to_pylist()}


def forget(settings):
    """Remove what was found out about who is who."""
    for name in TABLES:
        shutil.rmtree(Path(settings.lake) / name, ignore_errors=True)


def test_what_days_leave_behind_is_what_all_at_once_gives(company):
    identity.run(DAYS[0], company)
    identity.run(DAYS[1], company)
    two_days = hashes(company)
    forget(company)
    identity.run(DAYS[1], company)
    assert hashes(company) == two_days
    identity.run(DAYS[2], company)
    day_by_day = hashes(company)
    (model,) = Lake.of(company).arrow("models/matching").to_pylist()
    assert model["trained_on"] == DAYS[2]
    assert Lake.of(company).rows("models/matching_links") > 0
    forget(company)
    identity.run(DAYS[2], company)
    assert hashes(company) == day_by_day


def test_a_day_trains_nothing_and_compares_its_own_records_only(company, monkeypatch):
    identity.run(DAYS[0], company)
    compared, weigh = [], Scorer.scored
    monkeypatch.setattr(Scorer, "scored", lambda *a: (weigh(*a), compared.append(a[0].compared))[0])
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


@pytest.mark.slow
def test_a_run_that_is_killed_between_any_two_of_its_tables_is_completed_by_the_next_one(company, tmp_path):
    lake = Lake.of(company)
    identity.run(DAYS[0], company)
    shutil.copytree(company.lake, tmp_path / "first day")
    before = {name: lake.version(name) for name in TABLES}
    identity.run(DAYS[1], company)
    expected = hashes(company)
    written = [name for name in TABLES if lake.version(name) != before[name]]
    assert {"identity/prepared", "identity/sightings", "models/matching_pairs", "identity/map"} < set(written)
    for survived in range(len(written)):
        shutil.rmtree(company.lake)
        shutil.copytree(tmp_path / "first day", company.lake)
        with killed_after(survived, "replace", "revise"):
            identity.run(DAYS[1], company)
        identity.run(DAYS[1], company)
        assert hashes(company) == expected


def test_a_day_goes_on_from_what_is_kept_and_a_change_of_settings_or_removed_rows_build_all_anew(
    company, settings, monkeypatch
):
    built = []
    rebuild = identity.rebuild
    monkeypatch.setattr(identity, "rebuild", lambda *a: (built.append(a[3]), rebuild(*a))[1])
    identity.run(DAYS[0], company)
    identity.run(DAYS[1], company)
    assert built == [DAYS[0]]
    told = dict(MINIMAL["identity.yaml"], largest_customer=50)
    others = settings({"identity.yaml": told})
    identity.run(DAYS[1], others)
    assert built == [DAYS[0], DAYS[1]]
    lake = Lake.of(company)
    erased = pa.table({"contact_id": ["3"]})
    lake.delete("valid/contacts", erased, lake.transaction("erase", DAYS[1]))
    identity.run(DAYS[1], others)
    assert built == [DAYS[0], DAYS[1], DAYS[1]]
    assert lake.rows("identity/prepared") == 219


def test_the_hash_key_names_customers_and_decides_nothing(company, monkeypatch):
    def lived():
        forget(company)
        for day in DAYS:
            identity.run(day, company)
        lake = Lake.of(company)
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

    found = lived()
    assert any(rule == "probabilistic" for _, _, rule, _ in found["links"])
    monkeypatch.setenv("KLANTREIS_HASH_KEY", "another-key")
    assert lived() == found
