"""Ids of contacts that lost their leading zeros in one of two files are told, whichever of the two lost them."""

import datetime as dt

import pytest

from jobs.identity import identity
from jobs.identity.lost_zeros import lost_zeros
from jobs.lake.lake import Lake
from tests.table_rows import table_rows

DAY, NEXT = dt.date(2024, 5, 1), dt.date(2024, 5, 2)


@pytest.fixture
def told(rows, settings):
    """Datasets with ids of other zeros, given ids of contacts and of tables, each as (source, id, day)."""
    source = {"group": "g", "datasets": {"contacts": {"files": "x", "columns": {"contact_id": "a", "updated_at": "b"}}}}
    loaded = settings(
        {
            "sources/crm.yaml": {"source": "crm", **source},
            "sources/shop.yaml": {"source": "shop", "ids_of": "crm", **source},
            "sources/pos.yaml": {"source": "pos", **source},
        }
    )

    def table(name, named):
        return rows(
            f"valid/{name}", *[dict(zip(("source", "contact_id", "arrived"), one, strict=True)) for one in named]
        )

    def run(contacts, since=None, **tables):
        others = {f"valid/{name}": table(name, named) for name, named in tables.items()}
        found = lost_zeros(others, table("contacts", contacts), since, loaded)
        return [tuple(row.values()) for row in found.to_pylist()]

    return run


CRM = [("crm", id_, DAY) for id_ in ("0012", "0013", "0100", "77", "a5")]


def test_rows_without_the_zeros_of_contacts_are_told_per_dataset_with_the_length_of_the_ids(told):
    orders = [("crm", id_, DAY) for id_ in ("12", "12", "13.0", " 100 ", "77", "8", "a5", "5", None)]
    tickets = [("shop", "00012", DAY), ("pos", "12", DAY), ("crm", "0012", DAY)]
    assert told(CRM, orders=orders, tickets=tickets) == [
        ("crm", "orders", True, 3, 4),
        ("shop", "tickets", False, 1, 5),
    ]


def test_contacts_that_lost_their_zeros_themselves_are_told_too(told):
    orders = [("crm", "077", DAY), ("crm", "0077", DAY)]
    assert told(CRM, orders=orders) == [("crm", "orders", False, 2, 0)]


def test_an_id_that_is_a_contact_as_it_is_written_is_in_order(told):
    both = [*CRM, ("crm", "12", DAY)]
    assert told(both, orders=[("crm", "12", DAY), ("crm", "0012", DAY)]) == []


def test_told_is_what_came_since(told):
    assert told(CRM, since=DAY, orders=[("crm", "12", DAY)]) == []
    assert told(CRM, since=DAY, orders=[("crm", "12", DAY), ("crm", "13", NEXT)]) == [("crm", "orders", True, 1, 4)]
    late = [*CRM, ("crm", "0012", NEXT), ("crm", "0014", NEXT)]
    assert told(late, since=DAY, orders=[("crm", "14", DAY), ("crm", "12", DAY)]) == [("crm", "orders", True, 1, 4)]


def test_a_run_says_once_what_to_write_and_where(settings, caplog):
    loaded = settings()
    lake = Lake.of(loaded)
    common = {"source": "crm", "updated_at": "2024-05-01", "arrived": DAY, "file_id": "f"}
    contacts = [{**common, "contact_id": f"{n:04}", "line": n} for n in range(1, 4)]
    orders = [{**common, "contact_id": f"{n}", "order_id": f"{n}", "line": n} for n in range(1, 3)]
    lake.append("valid/contacts", table_rows("valid/contacts", *contacts), lake.transaction("contacts", DAY))
    lake.append("valid/orders", table_rows("valid/orders", *orders), lake.transaction("orders", DAY))
    for _ in range(2):
        identity.run(DAY, loaded)
    (warned,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "crm.orders names 2 contact ids that are those of contacts but for leading zeros" in warned
    assert "write lpad(ID, 4, '0') for contact_id in the columns of orders" in warned
