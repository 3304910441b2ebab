"""Columns of other files of a source: also through two files, and also when one of them arrives days later."""

import datetime as dt
import shutil
from pathlib import Path

import pytest

from jobs.cli import checks
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import step
from jobs.validate.quarantine import database
from jobs.validate.reconciliation import after_replays
from tests.killed import killed_after

CRM = """
source: crm
group: crm
datasets:
  orders:
    files: "{day}/deals*.csv"
    lookups:
      deal_contact: {files: "{day}/deal_contacts*.csv", on: {deal: id}}
      contact: {files: "{day}/people*.jsonl", format: {type: jsonl}, on: {ids.crm: deal_contact.contact}}
      tags: {files: "{day}/tags*.csv", on: {deal: id}, keep: all}
    columns:
      order_id: id
      updated_at: at
      ordered_at: coalesce(deal_contact.since, at)
      status: status
      currency: "'EUR'"
      total: total
      contact_id: deal_contact.contact
      email: contact.address.email
    attributes: {tags: tags.tag}
"""
DEALS = "id,at,status,total\n1,2024-04-30,completed,10.00\n2,2024-04-30,open,20.00\n"
LINKS = "deal,contact,since\n1,c1,2024-04-29\n2,c1,2024-04-28\n"
PEOPLE = '{"ids": {"crm": "c1"}, "address": {"email": "ann@mail.example"}}\n'
FILES = {
    "2024-05-01/deals.csv": DEALS,
    "2024-05-01/tags.csv": "deal,tag\n1,a\n1,b\n",
    "2024-05-02/deal_contacts.csv": LINKS,
    "2024-05-03/people.jsonl": PEOPLE,
    "2024-05-04/deal_contacts.csv": "deal,contact,since\n2,c2,2024-04-27\n",
}
DAYS = [dt.date(2024, 5, day) for day in range(1, 5)]


@pytest.fixture
def crm(spark, settings):
    """The company with deals, whose contacts are in other files."""

    def build(files=FILES, source=CRM):
        loaded = settings({"sources/crm.yaml": source})
        for name, text in files.items():
            path = Path(loaded.landing) / "crm" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return loaded

    return build


def validated(company, *days):
    for day in days:
        load.run("crm", day, company)
        done = step.run("crm", day, company)
    return done


def orders(company):
    names = ("order_id", "contact_id", "email", "attributes")
    rows = Lake.of(company).arrow("valid/orders").sort_by("order_id").to_pylist()
    return [tuple(row[name] for name in names) for row in rows]


def test_a_row_is_used_without_its_partner_and_completed_when_that_arrives_through_two_files(crm, caplog):
    company = crm()
    validated(company, DAYS[0])
    assert orders(company) == [("1", None, None, '{"tags":"[\\"a\\",\\"b\\"]"}'), ("2", None, None, None)]
    assert any("2 of 2 rows have no partner in deal_contact yet" in one.getMessage() for one in caplog.records)
    validated(company, DAYS[1])
    assert [row[:3] for row in orders(company)] == [("1", "c1", None), ("2", "c1", None)]
    validated(company, DAYS[2])
    assert [row[:3] for row in orders(company)] == [("1", "c1", "ann@mail.example"), ("2", "c1", "ann@mail.example")]
    validated(company, DAYS[3])
    assert [row[:3] for row in orders(company)] == [("1", "c1", "ann@mail.example"), ("2", "c2", None)]


def test_days_one_by_one_and_all_at_once_give_the_same_rows_and_a_day_twice_changes_nothing(crm):
    company = crm()
    validated(company, *DAYS, DAYS[-1])
    one_by_one = Lake.of(company).content_hash("valid/orders")
    version = Lake.of(company).version("valid/orders")
    validated(company, DAYS[-1])
    assert Lake.of(company).version("valid/orders") == version
    shutil.rmtree(company.lake)
    validated(company, DAYS[-1])
    assert Lake.of(company).content_hash("valid/orders") == one_by_one


def test_a_row_that_needs_its_partner_waits_in_quarantine_and_comes_out_when_it_arrives(crm):
    needs = CRM.replace("coalesce(deal_contact.since, at)", "deal_contact.since")
    company = crm(source=needs)
    validated(company, DAYS[0])
    assert not Lake.of(company).exists("valid/orders") or orders(company) == []
    validated(company, DAYS[1])
    assert [row[0] for row in orders(company)] == ["1", "2"]
    with database(Lake.of(company)) as tables:
        files = tables.sql(f"select rows_in, accepted, waiting, open from ({after_replays()}) where dataset = 'orders'")
        assert files.fetchall() == [(2, 2, 0, 0)]


def test_a_lookup_that_goes_by_one_that_is_written_after_it_is_told_with_its_line(spark, settings):
    contact = (
        '      contact: {files: "{day}/people*.jsonl", format: {type: jsonl}, on: {ids.crm: deal_contact.contact}}\n'
    )
    source = CRM.replace(contact, "").replace("    lookups:\n", f"    lookups:\n{contact}")
    told = [problem for problem in checks.problems(settings({"sources/crm.yaml": source})) if "lookups" in problem]
    assert len(told) == 1
    assert "crm.yaml:8: datasets.orders.lookups.contact.on.ids.crm: it goes by 'deal_contact'" in told[0]


def test_of_several_partners_the_one_that_arrived_last_or_first_counts(crm):
    links = {"2024-05-01/deal_contacts.csv": "deal,contact,since\n1,c1,\n1,c2,\n"}
    company = crm({"2024-05-01/deals.csv": DEALS, **links})
    validated(company, DAYS[0])
    assert [row[1] for row in orders(company)] == ["c2", None]
    shutil.rmtree(company.lake)
    first = crm({}, CRM.replace("on: {deal: id}}", "on: {deal: id}, keep: first}", 1))
    validated(first, DAYS[0])
    assert [row[1] for row in orders(first)] == ["c1", None]


def test_both_engines_look_up_and_complete_alike(on_engine, settings):
    company = settings({"sources/crm.yaml": CRM})
    for name, text in FILES.items():
        path = Path(company.landing) / "crm" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    validated(company, *DAYS)
    assert orders(company) == [
        ("1", "c1", "ann@mail.example", '{"tags":"[\\"a\\",\\"b\\"]"}'),
        ("2", "c2", None, None),
    ]


WON = """
source: crm
group: crm
datasets:
  orders:
    files: "{day}/deals*.csv"
    lookups:
      stage: {files: "{day}/stages*.csv", on: {deal: id}}
    where: stage.name = 'won'
    columns: {order_id: id, updated_at: at, ordered_at: at, status: status, currency: "'EUR'", total: total}
"""
STAGES = {
    "2024-05-01/deals.csv": DEALS.replace("20.00", "x") + "3,2024-04-30,open,7\n",
    "2024-05-01/stages.csv": "deal,name\n1,won\n",
    "2024-05-02/stages.csv": "deal,name\n1,lost\n2,won\n3,won\n",
    "2024-05-03/stages.csv": "deal,name\n1,won\n3,lost\n",
}


def test_a_condition_over_a_lookup_takes_rows_when_their_partner_says_so_and_lets_them_go_when_it_does_not(crm, caplog):
    company = crm(STAGES, WON)
    assert checks.problems(company) == []

    def stood(day):
        validated(company, day)
        with database(Lake.of(company)) as tables:
            counted = f"select rows_in, accepted, waiting, left_out, duplicates from ({after_replays()})"
            counts = tables.sql(f"{counted} where dataset = 'orders'").fetchall()
        return [row["order_id"] for row in Lake.of(company).arrow("valid/orders").to_pylist()], counts

    assert stood(DAYS[0]) == (["1"], [(3, 1, 0, 2, 0)])
    assert "2 rows are left out until their partner in stage arrives" in caplog.text
    assert stood(DAYS[1]) == (["3"], [(3, 1, 1, 1, 0)])  # the total of 2 is no number
    assert stood(DAYS[1]) == (["3"], [(3, 1, 1, 1, 0)])
    assert stood(DAYS[2]) == (["1"], [(3, 1, 1, 1, 0)])
    one_by_one = Lake.of(company).content_hash("valid/orders")
    shutil.rmtree(company.lake)
    assert stood(DAYS[2]) == (["1"], [(3, 1, 1, 1, 0)])
    assert Lake.of(company).content_hash("valid/orders") == one_by_one


@pytest.mark.parametrize("survived", [1, 3])
def test_a_run_killed_while_rows_are_taken_or_let_go_and_run_again_gives_the_same(crm, survived):
    company = crm(STAGES, WON)
    validated(company, DAYS[0])
    load.run("crm", DAYS[1], company)
    with killed_after(survived, "append", "revise"):
        step.run("crm", DAYS[1], company)
    validated(company, DAYS[1])
    assert [row["order_id"] for row in Lake.of(company).arrow("valid/orders").to_pylist()] == ["3"]
    with database(Lake.of(company)) as tables:
        counted = f"select accepted, waiting, open, left_out from ({after_replays()}) where dataset = 'orders'"
        assert tables.sql(counted).fetchall() == [(1, 1, 1, 1)]


def test_a_condition_over_a_lookup_is_not_for_items(spark, settings):
    source = WON.replace("    where:", "    each: items\n    where:")
    told = [problem for problem in checks.problems(settings({"sources/crm.yaml": source})) if ".where" in problem]
    assert len(told) == 1
    assert "it is about columns of the file, not of `lookups`" in told[0]
