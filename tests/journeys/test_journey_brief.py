"""The brief: plain sentences in two languages, of which every number comes from the tables."""

import datetime as dt
import re
import string
from decimal import Decimal

import duckdb
import pytest

from jobs.journeys.journey_map.brief import LINES, brief, written
from jobs.lake.tables import catalogue

AS_OF, FIRST = dt.date(2017, 3, 31), dt.date(2017, 1, 1)
WEB = {"funnel": "web", "period": "window"}
SLOW = {"insight": "slow", "title": "Waits of 5 minutes", "state": "holds"}
PAST = {"insight": "past", "title": "Long ago", "state": "does not hold"}
CUSTOMER = {"kind": "customer", "valid_from": FIRST}
ROWS = {
    "journeys/stages": [
        *[{**CUSTOMER, "customer_id": f"c{n}", "stage": "purchase"} for n in range(1200)],
        *[{**CUSTOMER, "customer_id": f"d{n}", "stage": "loyalty"} for n in range(300)],
        *[{**CUSTOMER, "customer_id": f"v{n}", "stage": "awareness", "kind": "visitor"} for n in range(5000)],
        {**CUSTOMER, "customer_id": "c1", "stage": "loyalty", "valid_to": FIRST},
    ],
    "journeys/map_touchpoints": [
        {"touchpoint": "chat", "contacts": 4711, "negative": 815, "positive": 3000, "first_day": FIRST, "as_of": AS_OF},
        {"touchpoint": "ad", "contacts": 89, "negative": 1, "positive": 0, "first_day": FIRST, "as_of": AS_OF},
    ],
    "journeys/paths": [
        {"path": "ad", "outcome": "conversion", "paths": 17},
        {"path": "ad", "outcome": "drop-off", "paths": 2345},
        {"path": "(other)", "outcome": "open", "paths": 6},
    ],
    "journeys/funnels": [
        {**WEB, "step": 1, "name": "saw", "customers": 598, "dropped": 270, "share_of_first": 1.0},
        {**WEB, "step": 2, "name": "bought", "customers": 328, "dropped": 0, "share_of_first": 0.548495},
        {"funnel": "web", "period": "week", "step": 1, "name": "saw", "customers": 77, "dropped": 66},
    ],
    "journeys/attribution": [
        {"model": "markov", "dimension": "channel", "credited": "email", "orders": 12.25, "conversions": 17},
        {"model": "markov", "dimension": "channel", "credited": "(none)", "orders": 14.0, "conversions": 17},
        {"model": "last", "dimension": "channel", "credited": "(none)", "orders": 4.0, "conversions": 17},
        {"model": "first", "dimension": "channel", "credited": "ad", "orders": 17.0, "conversions": 17},
    ],
    "journeys/map_insights": [
        {**SLOW, "told_on": AS_OF, "value": 0.45, "low": 0.356, "high": 0.548},
        {**PAST, "told_on": AS_OF, "value": 0.01, "low": 0.0, "high": 0.02},
    ],
    "journeys/map_opportunities": [
        {"opportunity": "o", "title": "Faster", "place": 1, "lost": 270, "reach": 598, "score": 67.5},
        {"opportunity": "p", "title": "Second", "place": 2, "lost": 3, "reach": 9, "score": 1.0},
    ],
    "journeys/map_solutions": [
        {
            "solution": "s", "title": "More people", "kpi": "csat", "live_from": FIRST, "before": 3.5, "after": 4.25,
            "change": 0.75, "verdict": "better",
        }
    ],
    "journeys/map_contradictions": [{"kind": "claim", "touchpoint": "chat", "one": "past", "other": "its number"}],
}  # fmt: skip


@pytest.fixture
def database():
    import pyarrow as pa

    found = duckdb.connect()
    found.execute("create schema journeys")
    for name, rows in ROWS.items():
        schema = catalogue.get(name).arrow_schema()
        table = pa.Table.from_pylist([{field.name: row.get(field.name) for field in schema} for row in rows], schema)
        found.register("given", table)
        found.execute(f"create table {name.replace('/', '.')} as select * from given")
    return found


TABLES = {name.replace("/", ".") for name in ROWS}


def test_the_journey_is_told_in_dutch(database):
    assert [sentence.text for sentence in brief(database, TABLES, "nl")] == [
        "Op 31 maart 2017 zijn er 1.500 klanten en 5.000 anonieme bezoekers; "
        "de meeste klanten, 1.200, zijn in de fase aankoop (80 %).",
        "Van 1 januari 2017 t/m 31 maart 2017 waren er 4.800 contacten: 816 liepen slecht en 3.000 goed.",
        "Van 2.368 routes eindigden er 17 met een aankoop, 2.345 zonder, en 6 lopen nog.",
        "In de funnel web kwamen 598 klanten bij de eerste stap en 328 bij de laatste (54,8 %).",
        "In de funnel web haken de meesten af na de stap 'saw': 270 van 598 klanten.",
        "De meeste bestellingen komen volgens het Markov-model door email: 12,2 van 17.",
        "Bij 4 van 17 bestellingen ging er geen bekend contact aan vooraf.",
        "Inzicht 'Waits of 5 minutes' klopt: 0,45 (tussen 0,356 en 0,548), geteld op 31 maart 2017.",
        "Inzicht 'Long ago' klopt niet meer: 0,01 (tussen 0 en 0,02), geteld op 31 maart 2017.",
        "De grootste kans is 'Faster': 270 van 598 gaan daar verloren; dat zijn er 67,5 per week werk.",
        "Oplossing 'More people' sinds 1 januari 2017: csat ging van 3,5 naar 4,25; oordeel: beter.",
        "Tegenstrijdigheden tussen cijfers, mensen, kanalen of boodschappen: 1.",
    ]


def test_and_in_english(database):
    told = [sentence.text for sentence in brief(database, TABLES, "en")]
    assert told[0] == (
        "On 31 March 2017 there are 1,500 customers and 5,000 anonymous visitors; "
        "most customers, 1,200, are in the stage purchase (80%)."
    )
    assert told[10] == "Solution 'More people' since 1 January 2017: csat went from 3.5 to 4.25; verdict: better."
    assert len(told) == 12


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_number_of_every_sentence_is_in_the_row_that_its_query_gives_from_the_tables(database, language):
    for sentence in brief(database, TABLES, language):
        found = database.sql(sentence.query)
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
        assert sentence.fields in rows
        text = sentence.text
        for name, value in sorted(
            sentence.fields.items(), key=lambda field: -len(written(field[0], field[1], language))
        ):
            text = text.replace(written(name, value, language), "")
        assert not re.search(r"\d", text), f"a number that is in no table: {text}"


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.en[:30])
def test_the_words_hold_no_number_of_their_own_and_both_languages_tell_the_same_fields(line):
    fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (line.nl, line.en)]
    assert fields[0] == fields[1]
    assert not any(re.search(r"\d", text) for text in (line.nl, line.en))
    assert fields[0] <= set(re.findall(r"\w+", line.sql)), "each is a column of the query"


def test_what_a_company_has_no_numbers_of_is_not_told_as_0(database):
    """No web data, so no visitors; no orders, so no conversions; nothing that tells how contacts went."""
    database.execute("delete from journeys.stages where kind = 'visitor'")
    database.execute("update journeys.map_touchpoints set negative = 0, positive = 0")
    database.execute("delete from journeys.paths where outcome = 'conversion'")
    about = {"journeys.stages", "journeys.map_touchpoints", "journeys.paths"}
    assert [sentence.text for sentence in brief(database, about, "en")] == [
        "On 31 March 2017 there are 1,500 customers; most of them, 1,200, are in the stage purchase (80%).",
        "From 1 January 2017 to 31 March 2017 there were 4,800 contacts; "
        "nothing tells whether they went badly or well.",
        "Of 2,351 paths none is known to have ended with an order; 2,345 are over and 6 are still open.",
    ]
    assert [sentence.text.split(";")[1] for sentence in brief(database, about, "nl")] == [
        " de meeste, 1.200, zijn in de fase aankoop (80 %).",
        " niets zegt of ze slecht of goed liepen.",
        " 2.345 zijn voorbij en 6 lopen nog.",
    ]


def test_of_what_has_no_tables_nothing_is_told(database):
    told = [sentence.text for sentence in brief(database, {"journeys.paths"}, "en")]
    assert told == ["Of 2,368 paths, 17 ended with an order, 2,345 without one, and 6 are still open."]
    database.execute("delete from journeys.paths")
    assert list(brief(database, {"journeys.paths"}, "en")) == []


@pytest.mark.parametrize(
    ("value", "nl", "en"),
    [
        (1234567, "1.234.567", "1,234,567"),
        (1234.56, "1.234,6", "1,234.6"),
        (0.0, "0", "0"),
        (100.0, "100", "100"),
        (Decimal("12.30"), "12,3", "12.3"),
        (None, "onbekend", "unknown"),
    ],
)
def test_numbers_are_written_as_people_of_the_language_write_them(value, nl, en):
    assert (written("x", value, "nl"), written("x", value, "en")) == (nl, en)
