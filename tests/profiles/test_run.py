"""Identity and profiles on the lake: from valid tables to profile tables, day by day or at once."""

import datetime as dt
from pathlib import Path

import pytest

from jobs.identity import identity
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from jobs.profiles import customers
from tests.company import loaded
from tests.profiles.two_weeks import ARRIVALS, CRM, TABLES
from tests.table_rows import table_rows


@pytest.fixture
def company(settings):
    """Settings of a company whose files of the given days have arrived: `company("2017-01-01", ...)`."""
    found = settings()
    return lambda *days: arrived(found, *days)


def arrived(settings, *days):
    lake = Lake.of(settings)
    for day in days:
        for name, records in ARRIVALS[day].items():
            lineage = {"arrived": day, "file_id": day}
            data = table_rows(name, *[row | lineage | {"line": n} for n, row in enumerate(records)])
            lake.append(name, data, lake.transaction("arrive", dt.date.fromisoformat(day)).part(day))
    return settings


@pytest.fixture(scope="module")
def at_once(tmp_path_factory):
    """A company whose days have all arrived, after one run for the last of them."""
    with loaded(tmp_path_factory.mktemp("at_once") / "config") as settings:
        live(arrived(settings, *ARRIVALS), "2017-01-04")
        yield settings


def live(settings, *days):
    for day in days:
        identity.run(dt.date.fromisoformat(day), settings)
        customers.run(dt.date.fromisoformat(day), settings)


def hashes(settings):
    return {name: Lake.of(settings).content_hash(name) for name in TABLES}


@pytest.mark.usefixtures("going_on")
def test_day_by_day_gives_the_same_tables_as_all_days_at_once(company, at_once):
    assert list(ARRIVALS)[-1] == "2017-01-04"
    for day in ARRIVALS:
        live(company(day), day)
    assert hashes(company()) == hashes(at_once)


def test_a_day_run_twice_changes_nothing(company):
    settings = company("2017-01-01", "2017-01-02")
    live(settings, "2017-01-02")
    lake = Lake.of(settings)
    versions = {name: lake.version(name) for name in TABLES}
    live(settings, "2017-01-02")
    assert {name: lake.version(name) for name in TABLES} == versions


def test_records_and_answers_that_several_tables_are_made_of_are_not_left_beside_them(company):
    settings = company("2017-01-01")
    live(settings, "2017-01-01")
    files = sorted(str(path) for path in (Path(settings.lake) / "profiles/customers/data").rglob("*.parquet"))
    assert files == sorted(Lake.of(settings).dataset("profiles/customers").files)


def test_running_an_old_day_again_loses_nothing(at_once):
    before = hashes(at_once)
    live(at_once, "2017-01-01")
    assert hashes(at_once) == before


def test_only_what_had_arrived_on_a_day_is_known_on_that_day(company):
    settings = company(*ARRIVALS)
    live(settings, "2017-01-02")
    lake = Lake.of(settings)
    (row,) = lake.arrow("profiles/consent").to_pylist()
    assert row["status"] == "granted"
    assert set(lake.arrow("profiles/coverage")["as_of"].to_pylist()) == {dt.date(2017, 1, 2)}
    assert {e["type"] for e in lake.arrow("identity/events").to_pylist()} == {"created"}


def test_a_customer_is_followed_from_contact_to_account_to_browser(at_once):
    settings, lake = at_once, Lake.of(at_once)
    known = {row["identifier"]: row["customer_id"] for row in lake.arrow("identity/map").to_pylist()}
    told = [("contact", "crm:1"), ("contact", "shop:9"), ("email", "ann@x.nl"), ("login", "ann"), ("cookie", "k1")]
    ann = {known[identifier_hash(kind, value, settings)] for kind, value in told}
    assert len(ann) == 1
    profiles = {row["customer_id"]: row for row in lake.arrow("profiles/customers").to_pylist()}
    assert len(profiles) == 2
    row = profiles[ann.pop()]
    assert (row["known"], row["sources"], row["contact_records"]) == (True, ["crm", "shop", "web"], 2)
    (merge,) = [event for event in lake.arrow("identity/events").to_pylist() if event["type"] == "merged"]
    assert (merge["day"], merge["customer_id"]) == (dt.date(2017, 1, 4), row["customer_id"])
    assert lake.arrow("profiles/consent").to_pylist()[0]["status"] == "withdrawn"


def test_a_lake_without_any_person_gives_empty_tables(company):
    settings = company()
    counts = identity.run(dt.date(2017, 1, 1), settings)
    assert (counts["identifiers"], counts["customers"]) == (0, 0)
    assert customers.run(dt.date(2017, 1, 1), settings)["customers"] == 0


def test_counts_hold_numbers_and_no_personal_data(company):
    settings = company(*ARRIVALS)
    counts = identity.run(dt.date(2017, 1, 4), settings)
    assert counts == {
        "identifiers": 7,
        "customers": 2,
        "merged": 1,
        "split": 0,
        "values_ignored": 0,
        "identifiers_shared": {},
        "identifiers_disputed": {},
        "identifiers_too_many_records": {},
        "links_by_probability": 0,
        "pairs_to_review": 0,
        "pairs_kept_apart": 0,
        "links_cut": 0,
        "links_cut_too_many_records": 0,
        "decisions": {},
    }


def test_an_unsubscribe_that_arrives_today_counts_today_with_the_event_as_proof(company):
    settings = company("2017-01-01", "2017-01-02")
    lake = Lake.of(settings)
    event = {"event_id": "u1", "source": "mail", "type": "unsubscribe", "channel": "email", "email": "ANN@x.nl"}
    event |= {"occurred_at": "2017-01-02T18:00", "arrived": "2017-01-02", "file_id": "f", "line": 1}
    day = dt.date(2017, 1, 2)
    lake.append("valid/campaign_events", table_rows("valid/campaign_events", event), lake.transaction("arrive", day))
    live(settings, "2017-01-02")
    (row,) = [r for r in lake.arrow("profiles/consent").to_pylist() if r["purpose"] == "marketing"]
    assert (row["status"], row["source"], row["proof"]) == ("withdrawn", "mail", "unsubscribe u1")


def test_records_without_any_identifier_stay_single_customers_and_are_counted(company):
    settings = company("2017-01-01")
    lake = Lake.of(settings)
    bare = [CRM | {"contact_id": id_, "email": "", "phone": "?", "arrived": "2017-01-01"} for id_ in ("7", "8")]
    txn = lake.transaction("arrive", dt.date(2017, 1, 1)).part("bare")
    lake.append("valid/contacts", table_rows("valid/contacts", *bare), txn)
    live(settings, "2017-01-01")
    counts = customers.run(dt.date(2017, 1, 1), settings)
    assert (counts["customers"], counts["known"], counts["anonymous"], counts["without_identifier"]) == (5, 3, 2, 2)


def test_junior_and_senior_who_share_a_mailbox_and_a_phone_are_two_customers_and_it_is_reported(settings):
    loaded = settings()
    lake = Lake.of(loaded)
    shared = {
        "source": "crm",
        "updated_at": "2017-01-01",
        "first_name": "Willem",
        "email": "dekker@d.nl",
        "phone": "0201112223",
    }
    records = [
        shared | {"contact_id": name, "last_name": name, "arrived": "2017-01-01", "file_id": "f", "line": n}
        for n, name in enumerate(("Dekker Sr.", "Dekker jr", "Dekker junior"))
    ]
    lake.append(
        "valid/contacts", table_rows("valid/contacts", *records), lake.transaction("arrive", dt.date(2017, 1, 1))
    )
    live(loaded, "2017-01-01")
    found = [row["records"] for row in lake.arrow("profiles/customers").to_pylist() if row["records"]]
    assert sorted(found) == [["crm:Dekker Sr."], ["crm:Dekker jr", "crm:Dekker junior"]]
    told = {(row["kind"], row["reason"]) for row in lake.arrow("identity/set_aside").to_pylist()}
    assert told == {("email", "disputed"), ("phone", "disputed")}


@pytest.mark.parametrize(
    ("decided", "found", "too_many", "links_cut"),
    [("", [["crm:1", "crm:2", "crm:3"], ["crm:4"], ["crm:5"]], 0, 3), ("012", None, 1, 0)],
)
def test_a_chain_of_identifiers_is_cut_at_the_cap_and_decisions_beyond_it_are_reported(
    settings, decided, found, too_many, links_cut
):
    same = {"decision": "same", "by": "ann", "on": "2017-01-01", "because": "seen"}
    record = [{"source": "crm", "record": str(n + 1)} for n in range(4)]  # a contact 0 would be nobody
    told = [{"left": record[int(n)], "right": record[int(n) + 1], **same} for n in decided]
    loaded = settings(
        {
            "identity.yaml": {"golden_record": {}, "purposes": {}, "largest_customer": 3},
            "decisions.yaml": {"decisions": told},
        }
    )
    chain = [{"email": "a@x.nl"}, {"email": "a@x.nl", "login_id": "b"}, {"login_id": "b", "loyalty_id": "c"}]
    chain += [{"loyalty_id": "c"}, {"email": "other@x.nl"}]
    known = CRM | {"arrived": "2017-01-01", "file_id": "f"}
    records = [known | row | {"contact_id": str(n), "line": n} for n, row in enumerate(chain, 1)]
    lake = Lake.of(loaded)
    lake.append(
        "valid/contacts", table_rows("valid/contacts", *records), lake.transaction("arrive", dt.date(2017, 1, 1))
    )
    cut = identity.run(dt.date(2017, 1, 1), loaded)["links_cut_too_many_records"]
    counts = customers.run(dt.date(2017, 1, 1), loaded)
    everyone = sorted(row["records"] for row in lake.arrow("profiles/customers").to_pylist() if row["records"])
    assert everyone == (found or [["crm:1", "crm:2", "crm:3", "crm:4"], ["crm:5"]])
    assert (counts["too_many_records"], cut) == (too_many, links_cut)


def test_with_few_rows_everything_is_made_anew_each_day(company, caplog):
    """To find out what is new would take longer."""
    caplog.set_level("INFO")
    live(company("2017-01-01"), "2017-01-01")
    live(company("2017-01-02"), "2017-01-02")
    assert "profiles: everything is made anew: that is faster with so few rows" in caplog.messages
