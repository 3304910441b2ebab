"""Which content is missing. Costs about 1 s."""

import json
from collections import Counter
from datetime import UTC, date, datetime

import pyarrow as pa

from jobs.content.gaps import Customers, Texts, Wanted, gaps, texts_of
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from tests.activation.small_company import CONFIG, DAY

WANTED = Wanted(["nl", "en"], ["know", "buy"], ["loyalty"], ["price"])


def item(**told):
    return dict.fromkeys(("moment", "stage", "need", "language")) | told


def rows(found, *columns):
    return [tuple(row[name] for name in columns) for row in found]


def test_a_planted_gap_is_listed_and_what_concerns_most_customers_comes_first():
    items = [
        item(moment="know", need="price", language="nl"),
        item(moment="know", language="en"),
        item(stage="loyalty"),  # in no language in particular: in all
    ]
    actions = [Texts("winback", "loyalty", "buy", frozenset(["nl"]), {"en": ["templates/winback.en.txt"]}, "nl")]
    customers = Customers(Counter(nl=50, en=9, de=20), Counter(), Counter({("buy", "en"): 7}), known=True)
    found = gaps(items, actions, WANTED, customers)
    missing = [row for row in found if row["gap"]]
    assert rows(missing, "dimension", "value", "language", "customers") == [
        ("action", "winback", "en", 9),
        ("moment", "buy", "en", 7),
        ("need", "price", "en", None),
    ]
    assert [row["do"] for row in missing] == [
        "write templates/winback.en.txt; until then it is sent in nl",
        "write content for moment buy in en",
        "write content for need price in en; there is some in nl to translate",
    ]
    assert ("stage", "loyalty", "en", 1, 0, False) in rows(
        found, "dimension", "value", "language", "items", "actions", "gap"
    )
    assert ("language", "de", "de", 1, 20) in rows(found, "dimension", "value", "language", "items", "customers")


def test_a_language_of_customers_that_nothing_is_written_in_is_a_gap():
    found = gaps([item(language="nl")], [], Wanted(["nl"]), Customers(Counter(nl=5, de=3), known=True))
    (row,) = [row for row in found if row["gap"]]
    assert (row["value"], row["customers"]) == ("de", 3)
    assert row["do"].endswith("it is not among `languages` of settings.yaml")


def test_without_a_lake_nobody_knows_how_many_customers_it_concerns():
    assert {row["customers"] for row in gaps([], [], WANTED, Customers())} == {None}


def test_an_action_is_written_in_a_language_when_all_its_files_are_there(shop):
    settings = shop({"templates/winback.nl.html": None})
    (told,) = texts_of(settings, lambda to: ("txt", "html"), date(2026, 1, 1))
    assert (told.action, told.languages, told.fallback) == ("winback", frozenset(["en"]), "en")
    assert told.missing == {"nl": ["templates/winback.nl.html"], "en": []}
    assert texts_of(settings, lambda to: ("txt", "html"), date(2100, 1, 1)) == [], "it is over by then"


def test_the_report_counts_what_is_in_the_lake(klantreis, config, tmp_path):
    lake = Lake(str(tmp_path / "var" / "lake"))

    def write(table, *records):
        schema = catalogue.get(table).arrow_schema()
        data = pa.Table.from_pylist([{name: one.get(name) for name in schema.names} for one in records], schema)
        lake.append(table, data, lake.transaction("test", DAY))

    items = [{"stage": "loyalty", "need": "price", "language": "en"}, {"stage": " ", "language": "nl"}]
    at = {"source": "shop", "arrived": DAY, "updated_at": datetime(2017, 6, 1, tzinfo=UTC)}
    write("valid/content", *({**at, **told, "content_id": str(n)} for n, told in enumerate(items)))
    write("profiles/customers", {"customer_id": "a", "language": "nl-NL"}, {"customer_id": "b", "language": ""})
    write("journeys/stages", {"customer_id": "a", "stage": "awareness", "valid_from": DAY})
    code, output, errors = klantreis("content", "gaps", "--all", "--format", "json")
    assert (code, errors) == (0, "")
    found = {(row["dimension"], row["value"], row["language"]): row for row in json.loads(output)}
    assert found["stage", "awareness", "nl"] == {
        "dimension": "stage", "value": "awareness", "language": "nl", "items": 0, "actions": 0, "customers": 1,
        "gap": True, "do": "write content for stage awareness in nl",
    }  # fmt: skip
    assert found["need", "price", "nl"]["do"] == "write content for need price in nl; there is some in en to translate"
    assert found["need", "price", "en"]["items"] == 1
    assert found["language", "nl", "nl"]["customers"] == 1
    code, output, _ = klantreis("content", "gaps", "--format", "csv")
    assert output.splitlines()[0] == "dimension,value,language,items,actions,customers,gap,do"
    assert CONFIG["audiences/winback.yaml"]["audience"] not in output, "it is written in both languages"
