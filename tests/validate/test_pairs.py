"""Rows that each tell one column of a record, and field history: together they are the record, over all deliveries."""

import datetime as dt
import itertools
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.config.sources.source import SourceDataset
from jobs.config.yaml_files import ConfigError
from jobs.ingest import load
from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake
from jobs.validate import step
from jobs.validate.mapping.inner_rows import expanded
from jobs.validate.versions.counting import newest_versions
from jobs.validate.versions.partial import filled

CRM = """
source: crm
group: crm
datasets:
  contacts:
    files: "{day}/properties*.csv"
    pairs: {key: property, value: value}
    columns: {contact_id: contact, updated_at: at, first_name: first, last_name: "coalesce(last, family)", email: mail}
    attributes: {tier: tier, points: {from: points, type: number}}
"""
HEADER = "contact,property,value,at\n"
TOLD = [
    "1,first,Ann,2024-04-01T10:00:00Z",
    "1,mail,ann@mail.example,2024-04-01T10:00:00Z",
    "1,tier,gold,2024-04-02T10:00:00Z",
    "1,points,12.50,2024-04-03T10:00:00Z",
    "2,family,Bos,2024-04-03T10:00:00Z",
    "1,first,Anna,2024-04-04T10:00:00Z",
    "1,mail,,2024-04-05T10:00:00Z",
    "1,shoe size,38,2024-04-05T10:00:00Z",
]
NEWEST = [("1", "Anna", None, None, '{"points":12.50,"tier":"gold"}'), ("2", None, "Bos", None, None)]


@pytest.fixture
def crm(spark, settings):
    """The company with files of pairs, landed as (day, lines)."""

    def build(*landed, source=CRM, header=HEADER):
        loaded = settings({"sources/crm.yaml": source})
        for folder in (loaded.landing, loaded.lake):
            shutil.rmtree(folder, ignore_errors=True)
        for place, (day, lines) in enumerate(landed):
            path = Path(loaded.landing) / "crm" / f"2024-05-0{day}" / f"properties{place}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(header + "\n".join(lines) + "\n")
        return loaded

    return build


def validated(company, *days):
    for day in days:
        load.run("crm", dt.date(2024, 5, day), company)
        done = step.run("crm", dt.date(2024, 5, day), company)
    return done


def newest(company):
    rows = newest_versions(Lake.of(company).read("valid/contacts"), "contact_id").toArrow().to_pylist()
    names = ("contact_id", "first_name", "last_name", "email", "attributes")
    return sorted(tuple(row[name] for name in names) for row in rows)


def test_pairs_are_one_record_with_the_newest_value_of_each_and_those_of_no_column_are_left_out(crm):
    done = validated(crm((1, TOLD)), 1)
    assert done == {"files": 1, "rows_in": 8, "accepted": 7, "quarantined": 0, "duplicates": 0, "left_out": 1}


def test_a_record_that_comes_in_pieces_in_any_order_ends_as_the_whole_and_a_day_twice_writes_nothing(crm):
    whole = crm((1, TOLD))
    validated(whole, 1)
    assert newest(whole) == NEWEST
    for order in ((0, 1, 2), (2, 0, 1)):
        parts = [TOLD[part::3] for part in order]
        pieces = crm(*enumerate(parts, 1))
        validated(pieces, 1, 2, 3)
        assert newest(pieces) == NEWEST
        version = Lake.of(pieces).version("valid/contacts")
        validated(pieces, 3)
        assert Lake.of(pieces).version("valid/contacts") == version
        one_by_one = Lake.of(pieces).content_hash("valid/contacts")
        shutil.rmtree(pieces.lake)
        validated(pieces, 3)
        assert Lake.of(pieces).content_hash("valid/contacts") == one_by_one


def test_history_that_is_delivered_again_is_the_versions_that_are_there_though_a_column_was_added(crm, settings):
    company = crm((1, TOLD), (2, TOLD[::-1]))
    validated(company, 1)
    more = CRM.replace("attributes: {", "attributes: {age: age, size: '`shoe size`', zip: zip, ")
    done = validated(settings({"sources/crm.yaml": more}), 2)
    assert done == {"files": 1, "rows_in": 8, "accepted": 1, "quarantined": 0, "duplicates": 7}
    assert newest(company)[0][-1] == '{"points":12.50,"size":"38","tier":"gold"}'


def test_names_told_at_one_moment_are_versions_of_their_own_within_a_second(crm):
    names = [f"n{n}" for n in range(300)]
    attributes = "".join(f"{name}: {name}, " for name in names)
    source = CRM.replace("attributes: {", f"attributes: {{{attributes}")
    company = crm((1, [f"1,{name},{name},2024-04-01T10:00:00Z" for name in names]), source=source)
    assert validated(company, 1)["accepted"] == 300
    moments = Lake.of(company).arrow("valid/contacts")["updated_at"].to_pylist()
    assert len(set(moments)) == 300
    assert {moment.replace(microsecond=0) for moment in moments} == {dt.datetime(2024, 4, 1, 10, tzinfo=dt.UTC)}


def test_without_a_time_what_arrived_last_counts(crm):
    timeless = CRM.replace("updated_at: at, ", "")
    landed = [(1, ["1,first,Ann", "1,mail,a@x.nl", "1,first,Anne"]), (2, ["1,tier,gold"]), (3, ["1,first,Anna"])]
    company = crm(*landed, source=timeless, header="contact,property,value\n")
    validated(company, 1, 2)
    assert newest(company) == [("1", "Anne", None, "a@x.nl", '{"tier":"gold"}')]
    validated(company, 3)
    assert newest(company) == [("1", "Anna", None, "a@x.nl", '{"tier":"gold"}')]


def test_a_record_that_ended_stays_so_whatever_else_is_told_of_it_until_it_is_said_to_be_back(crm):
    ends = CRM.replace("    columns:", "    deleted_when: gone = 'true'\n    columns:")
    told = ["1,first,Ann,2024-04-01T10:00:00Z", "1,gone,true,2024-04-02T10:00:00Z"]
    later = ["1,tier,gold,2024-04-03T10:00:00Z"]
    back = ["1,gone,false,2024-04-04T10:00:00Z"]
    company = crm((1, told), (2, later), (3, back), source=ends)
    validated(company, 1, 2)
    assert newest(company) == []
    validated(company, 3)
    assert newest(company) == [("1", "Ann", None, None, '{"tier":"gold"}')]


DEALS = """
source: crm
group: crm
datasets:
  orders:
    files: "{day}/properties*.csv"
    pairs: {key: property, value: value}
    columns: {order_id: contact, updated_at: at, ordered_at: created, status: stage, total: amount, currency: "'EUR'"}
"""


def test_the_log_of_changes_of_an_order_is_its_versions_though_each_tells_one_column(crm):
    told = [
        "d1,created,2024-04-01,2024-04-01T10:00:00Z",
        "d1,stage,open,2024-04-01T10:00:00Z",
        "d1,amount,80,2024-04-02T10:00:00Z",
        "d1,stage,completed,2024-04-09T10:00:00Z",
        "d1,amount,eighty,2024-04-10T10:00:00Z",
    ]
    company = crm((1, told), source=DEALS)
    done = validated(company, 1)
    assert done == {"files": 1, "rows_in": 5, "accepted": 4, "quarantined": 1, "duplicates": 0}
    rows = Lake.of(company).arrow("valid/orders").sort_by("updated_at").to_pylist()
    assert [(row["status"], row["total"]) for row in rows] == [
        ("open", None),  # told at the same moment as `created`: one of the two comes first, whatever else is mapped
        ("open", None),
        ("open", 80),
        ("completed", 80),
    ]


@pytest.mark.parametrize("column", ["contact", "at"])
def test_a_pair_without_a_column_of_the_key_waits_alone(crm, column):
    told = [
        {"contact": str(n), "property": "first", "value": "Ann", "at": "2024-04-01T10:00:00Z"} for n in range(1, 31)
    ]
    told.append({name: value for name, value in told[0].items() if name != column})
    company = crm(
        (1, map(json.dumps, told)),
        source=CRM.replace("*.csv", "*").replace("    pairs", "    format: {type: jsonl}\n    pairs"),
        header="",
    )
    done = validated(company, 1)
    assert done == {"files": 1, "rows_in": 31, "accepted": 30, "quarantined": 1, "duplicates": 0}
    (waits,) = Lake.of(company).arrow("quarantine/rows").to_pylist()
    key = {"contact": "contact_id", "at": "updated_at"}[column]
    assert (waits["line"], waits["rule"]) == (31, f"{key}:not_null")


@pytest.mark.parametrize("column", ["contact", "at"])
def test_a_file_of_pairs_without_a_column_of_the_key_is_set_aside_with_what_it_lacks(crm, column):
    company = crm((1, TOLD), header=HEADER.replace(column, f"new_{column}"))
    assert validated(company, 1)["accepted"] == 0
    (waits,) = Lake.of(company).arrow("quarantine/rows").to_pylist()
    assert waits["rule"].startswith("file:"), waits
    assert f"column {column!r} is missing" in waits["reason"]


def test_pairs_are_for_records_in_versions_and_not_for_rows_in_a_row(settings):
    events = CRM.replace("contacts:", "events:")
    for source, message in (
        (events, "crm.yaml:5: datasets.events: `pairs` is for datasets with `updated_at`"),
        (
            CRM.replace("    columns", "    each: a\n    columns"),
            "crm.yaml:5: datasets.contacts: give `each` or `pairs`",
        ),
        (CRM.replace("    columns", "    absent: empty\n    columns"), "datasets.contacts: leave out `absent: empty`"),
    ):
        with pytest.raises(ConfigError) as refused:
            settings({"sources/crm.yaml": source})
        assert message in str(refused.value)


def test_both_engines_make_the_same_rows_of_pairs_and_of_lists(on_engine, rows):
    spark = get_spark()
    record = {"contact": 1, "property": "first", "value": "Ann\n\t1.00", "at": "2024-04-01", "list": [1.00, {"a": "é"}]}
    table = pa.table(
        {"record": [json.dumps(record)], "arrived": [dt.date(2024, 5, 1)], "line": [3], "file_id": ["00000f"]}
    )
    form = {"files": "x", "format": {"type": "jsonl"}}
    pair = {"pairs": {"key": "property", "value": "value"}, "columns": {"contact_id": "contact", "first_name": "first"}}
    each = {"each": "list", "columns": {"order_id": "_parent.at", "line_id": "_index", "product_id": "_value"}}
    found = [
        sorted((row["item_"], row["record"]) for row in expanded(spark.createDataFrame(table), told).collect())
        for told in (SourceDataset.model_validate(form | some) for some in (pair, each))
    ]
    first = '{"_value":1.0,"_parent":{"at":"2024-04-01"},"_index":1}'
    second = '{"a":"\\u00e9","_parent":{"at":"2024-04-01"},"_index":2}'
    assert found[1] == [(1, first), (2, second)]
    ((item, told),) = found[0]
    place = 15 * 1_000_000 + 3  # its file, and its line
    assert (item, json.loads(told)) == (place, record | {"first": "Ann\n\t1.00", "_arrived": "2024-05-01"})


def test_a_name_and_its_value_are_found_by_their_ways_through_lists(spark):
    told = {"files": "x", "format": {"type": "jsonl"}, "pairs": {"key": "changes[0].name", "value": "changes[0].to[1]"}}
    dataset = SourceDataset.model_validate(told | {"columns": {"contact_id": "contact", "first_name": "first"}})
    lines = [
        {"contact": 1, "changes": [{"name": "first", "to": ["Ann", "Anna"]}]},
        {"contact": 2, "changes": [{"name": "first", "to": ["Bob"]}]},
        {"contact": 3, "changes": {"name": "first", "to": ["Cas", "Cees"]}},
    ]
    raw = pa.table(
        {
            "record": [json.dumps(line) for line in lines],
            "arrived": [dt.date(2024, 5, 1)] * 3,
            "line": [1, 2, 3],
            "file_id": ["00000f"] * 3,
        }
    )
    found = [json.loads(row["record"]) for row in expanded(spark.createDataFrame(raw), dataset).collect()]
    assert sorted((row["contact"], row["first"]) for row in found if row["contact"] != 2) == [(1, "Anna")]
    assert [row["first"] for row in found if row["contact"] == 2] == [None]


def test_attributes_told_one_by_one_are_kept_each_by_itself_whatever_was_filled_before(on_engine, rows):
    told = [
        {"updated_at": "2024-04-01", "attributes": '{"a":1.00}', "absent": "attributes.b"},
        {"updated_at": "2024-04-02", "attributes": '{"b":"x"}', "absent": "attributes.a"},
        {"updated_at": "2024-04-03", "attributes": None, "absent": "attributes.b"},
    ]
    expected = ['{"a":1.00}', '{"a":1.00,"b":"x"}', '{"b":"x"}']
    keep = ["source", "contact_id", "updated_at"]
    orders = {"".join(map(str, order)): order for order in itertools.permutations(range(3))}
    known = {}
    for turn in range(3):  # a contact for each order in which the three can come
        for who, order in orders.items():
            known[who, order[turn]] = told[order[turn]] | {"source": "crm", "contact_id": who, "line": order[turn]}
        changed = filled(rows("valid/contacts", *known.values()), ["contact_id"], keep, apart=True).toArrow()
        for row in changed.to_pylist():
            known[row["contact_id"], row["line"]]["attributes"] = row["attributes"]
    assert {who: [known[who, line]["attributes"] for line in range(3)] for who in orders} == dict.fromkeys(
        orders, expected
    )
