"""Salesforce, Shopify and Online Retail files are loaded by YAML alone: every row is where it belongs."""

import datetime as dt
import json
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby

import pytest

from tests.examples.source_company import Company, table
from tests.shared_data import folder


@pytest.mark.parametrize(
    ("dataset", "file", "key", "column"),
    [
        ("orders", "sf_order_data.csv", "order_id", "id"),
        ("order_lines", "sf_opportunity_line_item_data.csv", "line_id", "id"),
        ("products", "sf_product_2_data.csv", "product_id", "id"),
        ("tickets", "sf_task_data.csv", "ticket_id", "id"),
        ("conversations", "sf_event_data.csv", "conversation_id", "id"),
    ],
)
def test_every_salesforce_record_arrives_under_its_own_id(salesforce, dataset, file, key, column):
    assert sorted(row[key] for row in salesforce.rows(dataset)) == sorted(
        row[column] for row in table("source_salesforce", file)
    )


@pytest.fixture(scope="module")
def salesforce(tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        company = Company("salesforce", tmp_path_factory.mktemp("salesforce"), monkeypatch)
        company.land_all("source_salesforce")
        company.counts = company.run()
        yield company


def test_salesforce_contacts_and_leads_are_contacts_of_two_sources(salesforce):
    contacts = table("source_salesforce", "sf_contact_data.csv")
    leads = table("source_salesforce", "sf_lead_data.csv")
    expected = {("salesforce", row["id"]) for row in contacts} | {("salesforce_leads", row["id"]) for row in leads}
    rows = {(row["source"], row["contact_id"]): row for row in salesforce.rows("contacts")}
    assert rows.keys() == expected
    assert sum(counts["quarantined"] for counts in salesforce.counts.values()) == 0
    lead = rows["salesforce_leads", leads[0]["id"]]
    assert json.loads(lead["attributes"])["annual_revenue"] == int(leads[0]["annual_revenue"])
    assert json.loads(lead["attributes"])["converted"] is True


def test_salesforce_words_become_ours(salesforce):
    tickets = table("source_salesforce", "sf_task_data.csv")
    assert {row["status"] for row in tickets} == {"Completed"}
    assert {row["status"] for row in salesforce.rows("tickets")} == {"closed"}
    calls = {row["id"] for row in table("source_salesforce", "sf_event_data.csv") if row["type"] == "Call"}
    assert {row["conversation_id"] for row in salesforce.rows("conversations") if row["channel"] == "phone"} == calls
    totals = {row["id"]: Decimal(row["total_amount"]) for row in table("source_salesforce", "sf_order_data.csv")}
    assert {row["order_id"]: row["total"] for row in salesforce.rows("orders")} == totals


def test_shopify_tables_arrive_whole(tmp_path, monkeypatch):
    company = Company("shopify", tmp_path, monkeypatch)
    company.land_all("source_shopify")
    counts = company.run()["shopify"]
    files = {"contacts": "customer", "orders": "order", "order_lines": "order_line", "products": "product"}
    given = {name: table("source_shopify", f"shopify_{file}_data.csv") for name, file in files.items()}
    assert counts["accepted"] == counts["rows_in"] == sum(map(len, given.values()))
    keys = {"contacts": "contact_id", "orders": "order_id", "order_lines": "line_id", "products": "product_id"}
    for name, key in keys.items():
        assert sorted(row[key] for row in company.rows(name)) == sorted(row["id"] for row in given[name]), name
    orders = {row["order_id"]: row for row in company.rows("orders")}
    for row in given["orders"]:
        order = orders[row["id"]]
        assert (order["currency"], order["total"]) == (row["currency"], Decimal(row["total_price"]))
        assert (order["channel"], order["contact_id"]) == (row["source_name"], row["customer_id"])
    lines = {row["line_id"]: row["amount"] for row in company.rows("order_lines")}
    assert lines == {r["id"]: Decimal(r["price"]) * int(r["quantity"]) for r in given["order_lines"]}


def in_cents(amount):
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.slow
def test_online_retail_lands_in_219_daily_files_and_gives_its_orders_and_lines(tmp_path, monkeypatch):
    name = "online_retail_2010-12_2011-08.csv.gz"
    folder("orders_online_retail")
    given = table("orders_online_retail", name)
    company = Company("online_retail", tmp_path, monkeypatch)
    columns = [column for column in given[0] if column != "file_date"]
    days = {day: list(rows) for day, rows in groupby(given, key=lambda row: row["file_date"])}
    assert len(days) == 219
    for day, rows in days.items():
        company.land(f"retail_{day}.csv", in_csv(columns, rows), dt.date.fromisoformat(day))
    counts = company.run(dt.date(2011, 8, 31))["online_retail"]

    totals, amounts, versions, negative = defaultdict(Decimal), defaultdict(list), set(), 0
    for row in given:
        amount = int(row["Quantity"]) * Decimal(row["UnitPrice"])
        totals[row["InvoiceNo"]] += amount
        versions.add((row["InvoiceNo"], row["InvoiceDate"]))
        if amount < 0 <= int(row["Quantity"]):
            negative += 1  # two corrections of a debt: the price itself is below zero
        else:
            amounts[row["InvoiceNo"], row["StockCode"]].append(in_cents(amount))
    orders = company.rows("orders")
    lines = company.rows("order_lines")
    assert {row["order_id"] for row in orders} == totals.keys()
    assert len(orders) == len(versions)
    assert {row["order_id"]: row["total"] for row in orders} == {k: max(in_cents(v), 0) for k, v in totals.items()}
    assert {row["order_id"] for row in orders if row["status"] == "returned"} == {k for k in totals if k[0] == "C"}
    assert {row["contact_id"] for row in orders} - {None} == {r["CustomerID"][:-2] for r in given} - {""}
    found = defaultdict(list)
    for row in lines:
        found[row["order_id"], row["product_id"]].append(row["amount"])
    assert {k: sorted(v) for k, v in found.items()} == {k: sorted(v) for k, v in amounts.items()}
    assert (
        company.set_aside()
        == {("order_lines", "amount:not_negative"): negative}
        == {("order_lines", "amount:not_negative"): 2}
    )
    assert counts == {
        "files": 2 * 219,
        "rows_in": 2 * len(given),
        "accepted": len(versions) + len(given) - 2,
        "quarantined": 2,
        "duplicates": len(given) - len(versions),
    }
    assert company.run(dt.date(2011, 8, 31))["online_retail"]["rows_in"] == 0


def in_csv(columns, rows):
    import csv
    import io

    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
