"""A source that tells the SHA-256 of an e-mail address instead of it speaks of the customer who has that address."""

import datetime as dt
import hashlib
import shutil
from pathlib import Path

import pytest

from jobs.identity import identity
from jobs.identity.customer_of import with_customer
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.profiles import customers
from jobs.validate import step

FIRST, SECOND = dt.date(2024, 5, 1), dt.date(2024, 5, 2)
SOURCE = {
    "source": "mailer",
    "group": "crm",
    "datasets": {
        "contacts": {
            "files": "{day}/contacts*.csv",
            "columns": {"contact_id": "id", "updated_at": "at", "first_name": "name", "email": "mail"},
        },
        "consents": {
            "files": "{day}/optin*.csv",
            "columns": {"consent_id": "mail", "email": "mail", "purpose": "'marketing'", "channel": "'email'"}
            | {"status": "answer", "changed_at": "at"},
        },
        "campaign_events": {
            "files": "{day}/events*.csv",
            "columns": {"event_id": "id", "email_sha256": "hash", "type": "type", "occurred_at": "at"}
            | {"channel": "'email'", "campaign_id": "'c'"},
        },
        "orders": {
            "files": "{day}/orders*.csv",
            "columns": {"order_id": "id", "email_sha256": "hash", "total": "total", "ordered_at": "at"}
            | {"updated_at": "at", "status": "'completed'", "currency": "'EUR'"},
        },
    },
}
WRITES = (*identity.WRITES, *customers.WRITES)


def sha256(address):
    return hashlib.sha256(address.encode()).hexdigest()


@pytest.fixture
def company(settings, spark):
    """A company of one source; `company({day: {name: text}})` are its files, `also` further columns of contacts."""

    def build(days, **also):
        purposes = {"marketing": {"channels": ["email"]}}
        contacts = SOURCE["datasets"]["contacts"]
        known = {**contacts, "columns": contacts["columns"] | also}
        source = {**SOURCE, "datasets": SOURCE["datasets"] | {"contacts": known}}
        company = settings(
            {"sources/mailer.yaml": source, "identity.yaml": {"golden_record": {}, "purposes": purposes}}
        )
        for day, files in days.items():
            for name, text in files.items():
                path = Path(company.landing) / "mailer" / str(day) / f"{name}.csv"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        return company

    return build


def lived(company, day):
    load.run("mailer", day, company)
    step.run("mailer", day, company)
    identity.run(day, company)
    customers.run(day, company)


def owners(company, table, key):
    """The records of the customer of each row."""
    lake = Lake.of(company)
    rows = with_customer(lake.read(table), lake.read("identity/map"), company)
    people = lake.read("profiles/customers").select("customer_id", "records")
    return {row[key]: row["records"] for row in rows.join(people, "customer_id", "left").collect()}


def granted(company):
    consent = Lake.of(company).arrow("profiles/consent", columns=["status"])
    return consent["status"].to_pylist()


def contacts(*lines):
    return "\n".join(["id,at,name,mail", *lines]) + "\n"


FARID, NORA = "farid@ex-b.nl", "Nora@ex-e.nl"
LIVED = {
    FIRST: {
        "contacts": contacts(f"1,2024-04-01 10:00:00,Farid,{FARID}"),
        "optin": f"mail,answer,at\n{sha256(FARID).upper()},granted,2024-04-01 10:00:00\n"
        f"{sha256(NORA.lower())},granted,2024-04-01 10:00:00\n",
        "orders": f"id,hash,total,at\nO1,{sha256(NORA.lower())},10,2024-04-02 10:00:00\n"
        f"O2,{sha256(FARID).upper()},10,2024-04-02 10:00:00\nO3,{sha256('')},10,2024-04-02 10:00:00\n",
    },
    SECOND: {
        "contacts": contacts(f"2,2024-05-01 10:00:00,Nora,{NORA}"),
        "events": f"id,hash,type,at\nE1,{sha256(FARID).upper()},unsubscribe,2024-05-01 12:00:00\n",
    },
}


@pytest.mark.usefixtures("going_on")
def test_hashes_find_their_customers_also_when_the_address_is_known_later_and_days_equal_all_at_once(company):
    one = company(LIVED)
    lived(one, FIRST)
    assert owners(one, "valid/orders", "order_id") == {"O1": [], "O2": ["mailer:1"], "O3": None}
    assert granted(one) == ["granted", "granted"]
    lived(one, SECOND)
    assert owners(one, "valid/orders", "order_id") == {"O1": ["mailer:2"], "O2": ["mailer:1"], "O3": None}
    assert sorted(granted(one)) == ["granted", "withdrawn"]
    one_by_one = {name: Lake.of(one).content_hash(name) for name in WRITES}
    for zone in ("identity", "profiles"):
        shutil.rmtree(Path(one.lake) / zone)
    identity.run(SECOND, one)
    customers.run(SECOND, one)
    assert {name: Lake.of(one).content_hash(name) for name in WRITES} == one_by_one


def test_a_hash_is_no_address_to_write_to_and_no_bad_address(company):
    one = company({FIRST: {"contacts": contacts(f"1,2024-04-01 10:00:00,Ann,{sha256('ann@x.nl')}")}})
    lived(one, FIRST)
    told = Lake.of(one).arrow("valid/contacts", columns=["email", "email_sha256"]).to_pylist()
    assert told == [{"email": None, "email_sha256": sha256("ann@x.nl")}]
    assert Lake.of(one).arrow("profiles/contact_points").num_rows == 0
    assert Lake.of(one).arrow("profiles/customers", columns=["records"])["records"].to_pylist() == [["mailer:1"]]


def test_a_contact_with_an_address_and_the_hash_of_another_is_whoever_has_either(company):
    told = (
        "id,at,name,mail,hash\n"
        f"1,2024-04-01 10:00:00,Ann,ann@new.nl,{sha256('ann@old.nl')}\n"
        "2,2024-04-01 10:00:00,Ann,ann@old.nl,\n3,2024-04-01 10:00:00,Ann,ann@new.nl,\n"
        f"4,2024-04-01 10:00:00,Bob,bob@x.nl,{sha256('bob@x.nl')}\n"
    )
    one = company({FIRST: {"contacts": told}}, email_sha256="hash")
    lived(one, FIRST)
    records = Lake.of(one).arrow("profiles/customers", columns=["records"])["records"].to_pylist()
    assert sorted(map(sorted, records)) == [["mailer:1", "mailer:2", "mailer:3"], ["mailer:4"]]


def test_what_is_no_hash_in_the_column_of_hashes_is_set_aside_and_says_where_addresses_go(company):
    told = f"id,at,name,mail,hash\n1,2024-04-01 10:00:00,Ann,,ann@x.nl\n2,2024-04-01 10:00:00,Bob,,{sha256('b@x.nl')}\n"
    one = company({FIRST: {"contacts": told}}, email_sha256="hash")
    lived(one, FIRST)
    aside = Lake.of(one).arrow("quarantine/rows", columns=["line", "rule", "reason"]).to_pylist()
    assert [(row["line"], row["rule"]) for row in aside] == [(2, "email_sha256:regex")]
    assert "map addresses to email" in aside[0]["reason"]
