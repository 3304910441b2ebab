"""Sources whose contact ids are those of another source: one customer, in everything that has a contact id."""

import datetime as dt
import random
import shutil
from itertools import chain
from pathlib import Path

import pytest

from jobs.identity import identity
from jobs.identity.customer_of import with_customer
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from jobs.profiles import customers
from jobs.profiles.golden import current_contacts
from tests.table_rows import table_rows

FIRST = dt.date(2024, 5, 1)
DATASET = {"files": "x", "columns": {"contact_id": "a", "updated_at": "b"}}
WRITES = (*identity.WRITES, *customers.WRITES)


@pytest.fixture
def company(settings):
    """A company with users, authors of comments and leads; `ids_of` of the authors. Days of rows, by table."""

    def build(days, ids_of="users"):
        sources = {
            name: {"source": name, "group": "g", "datasets": {"contacts": DATASET}} for name in ("users", "leads")
        }
        sources["authors"] = {**sources["users"], "source": "authors"} | ({"ids_of": ids_of} if ids_of else {})
        loaded = settings({f"sources/{name}.yaml": one for name, one in sources.items()})

        def live(*groups):
            for number in groups:
                day = FIRST + dt.timedelta(days=number)
                for name, told in days[number].items():
                    lineage = [{"arrived": str(day), "file_id": str(day), "line": n} for n in range(len(told))]
                    data = table_rows(name, *[row | at for row, at in zip(told, lineage, strict=True)])
                    Lake.of(loaded).append(name, data, Lake.of(loaded).transaction("arrive", day).part(name))

        return loaded, live

    return build


def run(loaded, number):
    day = FIRST + dt.timedelta(days=number)
    identity.run(day, loaded)
    customers.run(day, loaded)


def contact(source, id, at=1, **values):
    return {"source": source, "contact_id": id, "updated_at": f"2024-04-{at:02}", **values}


def people(loaded):
    """The records of each customer."""
    found = Lake.of(loaded).arrow("profiles/customers", columns=["records"])["records"].to_pylist()
    return sorted(sorted(one) for one in found if one)


ONE_DAY = {
    "valid/contacts": [contact("users", "1111"), contact("authors", "1111"), contact("leads", "1111")],
}


def test_a_user_and_an_author_with_one_id_are_one_customer_where_it_is_said_and_a_lead_is_another(company):
    loaded, live = company([ONE_DAY])
    live(0)
    run(loaded, 0)
    assert people(loaded) == [["authors:1111", "users:1111"], ["leads:1111"]]


def test_they_are_two_customers_where_it_is_not_said_and_one_once_it_is(company, settings):
    apart, live = company([ONE_DAY], ids_of=None)
    live(0)
    run(apart, 0)
    assert people(apart) == [["authors:1111"], ["leads:1111"], ["users:1111"]]
    together, _ = company([ONE_DAY])
    run(together, 0)
    assert people(together) == [["authors:1111", "users:1111"], ["leads:1111"]]


def test_rows_of_every_kind_and_merges_go_by_the_ids_of_the_other_source(company, rows):
    loaded, live = company(
        [{"valid/contacts": [contact("users", "1"), contact("users", "2"), contact("authors", "3", previous_ids="2",
                                                                                   email="c@x.nl")]}]
    )  # fmt: skip
    live(0)
    run(loaded, 0)
    assert people(loaded) == [["authors:3", "users:2"], ["users:1"]]
    found = {}
    for name in ("orders", "tickets", "events"):
        told = rows(f"valid/{name}", {"source": "authors", "contact_id": "1"}, {"source": "users", "contact_id": "1"})
        known = with_customer(told, Lake.of(loaded).read("identity/map"), loaded)
        found[name] = {row["customer_id"] for row in known.collect()}
    assert len(set.union(*found.values())) == 1
    assert None not in set.union(*found.values())


def test_a_user_that_is_deleted_ends_as_an_author_too_until_one_of_them_is_written_again(company, rows):
    loaded, _ = company([])
    every = [
        [contact("users", "1"), contact("authors", "1"), contact("leads", "1")],
        [contact("users", "1", at=2, deleted=True)],
        [contact("authors", "1", at=3)],
        [contact("users", "1", at=4)],
    ]
    names = [{"identifier": identifier_hash("contact", f"{source}:1", loaded), "customer_id": source}
             for source in ("users", "leads")]  # fmt: skip
    known, left = rows("identity/map", *names), []
    for number in range(len(every)):
        told = [
            row | {"arrived": "2024-05-01", "line": n} for n, row in enumerate(chain.from_iterable(every[: number + 1]))
        ]
        current = current_contacts(rows("valid/contacts", *told), known, loaded)
        left.append(sorted(row["source"] for row in current.collect()))
    assert left == [["authors", "leads", "users"], ["leads"], ["authors", "leads"], ["authors", "leads", "users"]]


@pytest.mark.usefixtures("going_on")
def test_days_one_by_one_give_the_tables_of_all_at_once_whatever_is_deleted_and_comes_back(company):
    chance = random.Random(1)
    told = [
        contact(chance.choice(["users", "authors", "leads"]), chance.choice("12"), at=chance.randint(1, 9),
                deleted=chance.random() < 0.3 or None, email=chance.choice([None, "a@x.nl", "b@x.nl"]))
        for _ in range(18)
    ]  # fmt: skip
    once = list({(row["source"], row["contact_id"], row["updated_at"]): row for row in told}.values())
    loaded, live = company([{"valid/contacts": once[number::3]} for number in range(3)])
    for number in range(3):
        live(number)
        run(loaded, number)
    one_by_one = {name: Lake.of(loaded).content_hash(name) for name in WRITES}
    for zone in ("identity", "profiles"):
        shutil.rmtree(Path(loaded.lake) / zone)
    run(loaded, 2)
    assert {name: Lake.of(loaded).content_hash(name) for name in WRITES} == one_by_one
