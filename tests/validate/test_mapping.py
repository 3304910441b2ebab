"""Raw records become typed columns by the expressions of a source; what cannot be read is named, never dropped."""

import datetime as dt
import itertools
import json
import os
import random
import subprocess
import sys
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from pydantic import ValidationError

from jobs.config.sources.date_patterns import LANGUAGES
from jobs.config.sources.source import Conventions, SourceDataset, Value
from jobs.config.yaml_files import ConfigError
from jobs.lake import engine as engine_module
from jobs.validate.mapping.columns import Mapping, mapped

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def map_records(spark):
    """Map records of a dataset: `map_records("contacts", {canonical: expression}, record, ...)`."""
    return mapper(spark)


@pytest.fixture
def apache_session(apache_spark):
    """A session on a real Apache Spark server."""
    session = engine_module._connect(apache_spark)
    yield session
    session.stop()


def mapper(spark):
    def run(
        name,
        columns,
        *records,
        type_="csv",
        zone="Europe/Amsterdam",
        attributes=None,
        conventions=None,
        nulls=(),
        engine=None,
    ):
        dataset = SourceDataset(
            files="x",
            format={"type": type_, "nulls": list(nulls)},
            columns=columns,
            attributes=attributes or {},
            conventions=conventions or {},
        )
        count = len(records)
        raw = pa.table(
            {
                "file_id": ["f"] * count,
                "line": list(range(2, count + 2)),
                "arrived": [dt.date(2024, 5, 1)] * count,
                "source": ["crm"] * count,
                "record": [json.dumps(record) for record in records],
            }
        )
        frame = mapped((engine or spark).createDataFrame(raw), Mapping(name, dataset, zone))
        return frame.orderBy("line").toArrow().to_pylist()

    return run


def moment(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-07-01 10:00:00", "2024-07-01 08:00"),  # no zone: that of the source, in summer
        ("2024-01-01T10:00", "2024-01-01 09:00"),  # in winter
        ("2024-01-01", "2023-12-31 23:00"),
        ("2024-01-01T10:00:00Z", "2024-01-01 10:00"),
        ("2024-01-01T10:00:00.250+05:30", "2024-01-01 04:30:00.250"),
        (" 2024-01-01 10:00:00 ", "2024-01-01 09:00"),
    ],
)
def test_moments_without_a_zone_are_in_the_time_zone_of_the_source(map_records, text, expected):
    (row,) = map_records("messages", {"message_id": "id", "sent_at": "at"}, {"id": "m", "at": text})
    assert row["sent_at"] == moment(expected)
    assert row["unreadable_columns"] is None


@pytest.mark.parametrize("text", ["31-02-2017", "not a date", "2017-13-45 10:00:00", "2017-02-30", "2017", "10:00"])
def test_a_moment_that_is_none_is_unreadable_not_empty(map_records, text):
    (row,) = map_records("messages", {"message_id": "id", "sent_at": "at"}, {"id": "m", "at": text})
    assert row["sent_at"] is None
    assert row["unreadable_columns"] == "sent_at"


@pytest.mark.parametrize(
    "expression",
    [
        "to_date(born, 'dd-MM-yyyy')",
        "cast(to_timestamp(born, 'dd-MM-yyyy') as date)",
        "regexp_replace(born, '^([0-9]{2})-([0-9]{2})-([0-9]{4})$', '$3-$2-$1')",
    ],
)
def test_days_written_day_first_are_read_by_expression(map_records, expression):
    columns = {"contact_id": "id", "updated_at": "at", "birth_date": expression}
    good, bad, empty = map_records(
        "contacts", columns, *({"id": "1", "born": b} for b in ("31-12-1980", "31-02-1980", ""))
    )
    assert good["birth_date"] == dt.date(1980, 12, 31)
    assert (bad["birth_date"], bad["unreadable_columns"]) == (None, "birth_date")
    assert (empty["birth_date"], empty["unreadable_columns"]) == (None, None)


def test_a_formatted_local_time_is_in_the_time_zone_of_the_source_and_an_epoch_is_not(map_records):
    record = {"id": "m", "at": "01-07-2024 10:00", "epoch": "1719828000000"}
    local = {"message_id": "id", "sent_at": "to_timestamp(at, 'dd-MM-yyyy HH:mm')"}
    absolute = {"message_id": "id", "sent_at": "timestamp_millis(cast(epoch as bigint))"}
    assert map_records("messages", local, record)[0]["sent_at"] == moment("2024-07-01 08:00")
    assert map_records("messages", absolute, record)[0]["sent_at"] == moment("2024-07-01 10:00")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12.345", "12.35"), ("-0.5", "-0.50"), ("+7", "7.00"), (" 1 ", "1.00"), (".5", "0.50")],
)
def test_amounts_are_decimals_rounded_half_up(map_records, text, expected):
    (row,) = map_records("orders", {"order_id": "id", "updated_at": "at", "total": "t"}, {"id": "1", "t": text})
    assert row["total"] == Decimal(expected)


@pytest.mark.parametrize("text", ["many", "1,5", "1e3", "NaN", "0x1F", "99999999999999999999", "1 2"])
def test_amounts_that_are_none_are_unreadable(map_records, text):
    (row,) = map_records("orders", {"order_id": "id", "updated_at": "at", "total": "t"}, {"id": "1", "t": text})
    assert (row["total"], row["unreadable_columns"]) == (None, "total")


def test_a_decimal_comma_is_read_by_expression(map_records):
    columns = {"response_id": "id", "question_id": "q", "score": "replace(score, ',', '.')"}
    good, bad = map_records("survey_responses", columns, {"id": "1", "score": "7,5"}, {"id": "2", "score": "zeven"})
    assert good["score"] == 7.5
    assert bad["unreadable_columns"] == "score"


def test_nested_json_is_reached_by_path_or_expression_and_absent_fields_are_empty(map_records):
    columns = {
        "event_id": "id",
        "url": "context.page.url",
        "value": "get_json_object(properties, '$.value')",
        "product_id": "get_json_object(properties, '$.items[0].id')",
    }
    full, bare = map_records(
        "events",
        columns,
        {"id": 17, "context": {"page": {"url": "/a"}}, "properties": {"value": 9.5, "items": [{"id": "p1"}]}},
        {"id": "e2", "properties": {"other": 1}},
        type_="jsonl",
    )
    assert (full["event_id"], full["url"], full["value"], full["product_id"]) == ("17", "/a", Decimal("9.50"), "p1")
    assert (bare["url"], bare["value"], bare["unreadable_columns"]) == (None, None, None)


def test_text_is_trimmed_and_empty_text_is_no_value(map_records):
    columns = {"contact_id": "id", "updated_at": "at", "email": "email", "first_name": "name"}
    (row,) = map_records("contacts", columns, {"id": " 1 ", "email": "  ", "name": ""})
    assert (row["contact_id"], row["email"], row["first_name"]) == ("1", None, None)


def test_blanks_of_every_kind_around_a_value_are_no_part_of_it(map_records):
    columns = {"contact_id": "id", "updated_at": "at", "email": "email", "first_name": "name", "birth_date": "born"}
    record = {
        "id": "\u00a01\t",
        "at": "\u20092024-05-01\u00a0",
        "email": "\ufeffann@x.example\u00a0\u200b",
        "name": "\u3000Ann Bos\n",
    }
    full, blank = map_records(
        "contacts", columns, record, {**record, "name": "\u00a0", "born": "\u202f\u00a0"}, attributes={"note": "name"}
    )
    assert (full["contact_id"], full["email"], full["first_name"]) == ("1", "ann@x.example", "Ann Bos")
    assert full["updated_at"].date() == dt.date(2024, 4, 30)
    assert (blank["first_name"], blank["birth_date"], blank["unreadable_columns"]) == (None, None, None)
    assert (json.loads(full["attributes"]), blank["attributes"]) == ({"note": "Ann Bos"}, None)


def test_further_columns_are_kept_as_json_without_the_empty_ones(map_records):
    columns = {"contact_id": "id", "updated_at": "at"}
    attributes = {"income": "`Income band`", "cats": "cats", "size": "cast(size as int)"}
    full, none = map_records(
        "contacts",
        columns,
        {"id": "1", "Income band": " A ", "cats": "", "size": "3"},
        {"id": "2"},
        attributes=attributes,
    )
    assert json.loads(full["attributes"]) == {"income": "A", "size": 3}
    assert none["attributes"] is None


def test_source_columns_may_have_the_names_of_our_own(map_records):
    columns = {"contact_id": "line", "updated_at": "arrived", "first_name": "record", "last_name": "source"}
    record = {"line": "7", "arrived": "2024-01-01", "record": "R", "source": "S"}
    (row,) = map_records("contacts", columns, record)
    assert (row["contact_id"], row["first_name"], row["last_name"]) == ("7", "R", "S")
    assert (row["line"], row["source"], row["arrived"]) == (2, "crm", dt.date(2024, 5, 1))


def test_an_expression_that_the_engine_does_not_understand_is_named(map_records):
    columns = {"contact_id": "id", "updated_at": "at", "first_name": "no_such_function(name)", "email": "lower(mail)"}
    with pytest.raises(ConfigError, match=r"columns\.first_name: .*no_such_function") as error:
        map_records("contacts", columns, {"id": "1"})
    assert len(error.value.problems) == 1


def test_conventions_of_a_dataset_hold_for_its_columns_and_a_column_says_otherwise(map_records):
    columns = {
        "order_id": "id",
        "updated_at": "at",
        "ordered_at": {"from": "at", "timezone": "America/New_York"},
        "total": "total",
        "discount": {"from": "less", "decimal": "."},
    }
    conventions = {"decimal": ",", "dates": ["dd-MM-yyyy HH:mm"], "timezone": "Europe/London"}
    record = {"id": "1", "at": "01-07-2024 10:00", "total": "1.234,5", "less": "1,234.5"}
    (row,) = map_records("orders", columns, record, conventions=conventions)
    assert (row["updated_at"], row["ordered_at"]) == (moment("2024-07-01 09:00"), moment("2024-07-01 14:00"))
    assert (row["total"], row["discount"]) == (Decimal("1234.50"), Decimal("1234.50"))


COMMA = {
    "1.234,56": "1234.56",
    "1 234,56": "1234.56",
    "1\u00a0234\u202f567,8": "1234567.80",
    "1'234,56": "1234.56",
    "€ 1.234,56": "1234.56",
    "1.234,56 EUR": "1234.56",
    "EUR -12,50": "-12.50",
    "−12,50": "-12.50",
    "(12,50)": "-12.50",
    "(€ 12,50)": "-12.50",
    "12,50-": "-12.50",
    "-€12": "-12.00",
    "€ 12,-": "12.00",
    "12.345": "12345.00",
    ",5": "0.50",
    "1.5": None,
    "1.23,45": None,
    "1,234.56": None,
    "1.234.56": None,
    "--5": None,
    "(5": None,
    "-5-": None,
    "(-5)": None,
    "5 apples": None,
    "€": None,
}
POINT = {
    "1,234.56": "1234.56",
    "$1,234.56": "1234.56",
    "-$42.00": "-42.00",
    "$ -42": "-42.00",
    "USD 100": "100.00",
    "US$ 7": "7.00",
    "₹1,23,456.78": "123456.78",
    "(12.50)": "-12.50",
    "12.50-": "-12.50",
    "1.234,56": None,
    "1,5": None,
    "free": None,
}


@pytest.mark.parametrize(("mark", "texts"), [(",", COMMA), (".", POINT)])
def test_amounts_are_read_by_their_decimal_mark_and_never_guessed(map_records, mark, texts):
    columns = {"order_id": "id", "updated_at": "at", "total": {"from": "t", "decimal": mark}}
    rows = map_records("orders", columns, *({"id": str(i), "t": text} for i, text in enumerate(texts)))
    found = {text: row["total"] for text, row in zip(texts, rows, strict=True)}
    assert found == {text: None if amount is None else Decimal(amount) for text, amount in texts.items()}
    assert [r["unreadable_columns"] for r in rows] == [None if amount else "total" for amount in texts.values()]


DATES = {
    ("31/12/1980", "dd/MM/yyyy"): "1980-12-31",
    ("1/2/1980", "d/M/yyyy"): "1980-02-01",
    ("12/31/80 ", "MM/dd/yy"): "2080-12-31",
    ("19801231", "yyyyMMdd"): "1980-12-31",
    ("31.12.1980", "dd.MM.yyyy"): "1980-12-31",
    ("29/02/2024", "dd/MM/yyyy"): "2024-02-29",
    ("Jan 2, 2020", "MMM d, yyyy"): "2020-01-02",
    ("2 mrt. 2020", "d MMM yyyy"): "2020-03-02",
    ("2 märz 2020", "d MMMM yyyy"): "2020-03-02",
    ("Tue 3 March 2020", "E d MMMM yyyy"): "2020-03-03",
    ("sept 2021", "MMM yyyy"): "2021-09-01",
    ("2 o'clock 2020-01-05", "d 'o''clock' yyyy-MM-'05'"): "2020-01-02",
    ("2020-01-02", "dd/MM/yyyy"): "2020-01-02",
    ("2020-01-02T23:30:00-05:00", "dd/MM/yyyy"): "2020-01-03",
    ("2020-01-02T00:00:00-05:00", "dd/MM/yyyy"): "2020-01-02",
    ("1577923200", "seconds"): "2020-01-02",
    ("1577919600000", "milliseconds"): "2020-01-02",
    ("0001-01-01", "dd/MM/yyyy"): "0001-01-01",
    ("9999-12-31", "dd/MM/yyyy"): "9999-12-31",
    ("29/02/2023", "dd/MM/yyyy"): None,
    ("31/12/80", "dd/MM/yyyy"): None,
    ("12/31/1980", "dd/MM/yyyy"): None,
    ("1/2/1980", "dd/MM/yyyy"): None,
    ("0000-01-01", "dd/MM/yyyy"): None,
    ("99999999999999", "seconds"): None,
    ("2 foo 2020", "d MMM yyyy"): None,
}


@pytest.mark.parametrize(("written", "expected"), DATES.items(), ids=lambda x: str(x))
def test_a_day_is_read_by_the_listed_patterns_only(map_records, written, expected):
    text, pattern = written
    columns = {"contact_id": "id", "updated_at": "at", "birth_date": {"from": "born", "dates": [pattern]}}
    (row,) = map_records("contacts", columns, {"id": "1", "born": text})
    assert row["birth_date"] == (expected and dt.date.fromisoformat(expected))
    assert row["unreadable_columns"] == (None if expected else "birth_date")


def test_the_first_pattern_that_fits_wins(map_records):
    for dates, expected in ((["dd/MM/yyyy", "MM/dd/yyyy"], (2, 1)), (["MM/dd/yyyy", "dd/MM/yyyy"], (1, 2))):
        columns = {"contact_id": "id", "updated_at": "at", "birth_date": {"from": "born", "dates": dates}}
        (row,) = map_records("contacts", columns, {"id": "1", "born": "01/02/2020"})
        assert (row["birth_date"].month, row["birth_date"].day) == expected


MOMENTS = {
    ("01/07/2024 10:00", "Europe/London"): "2024-07-01 09:00",
    ("1 jul 2024 12:05:06 am", "UTC"): "2024-07-01 00:05:06",
    ("1 jul 2024 12:05:06 PM", "UTC"): "2024-07-01 12:05:06",
    ("2024-07-01T10:00:00.250+0530", "Europe/London"): "2024-07-01 04:30:00.250",
    ("31/03/2024 01:30", "Europe/London"): "2024-03-31 01:30",  # skipped: the clock went from 1:00 to 2:00
    ("27/10/2024 01:30", "Europe/London"): "2024-10-27 00:30",  # shown twice: the first, still in summer time
    ("2024-03-31 02:30", "Europe/Amsterdam"): "2024-03-31 01:30",
    ("2024-10-27 02:30", "Europe/Amsterdam"): "2024-10-27 00:30",
    ("2024-10-27 02:30:00+01:00", "Europe/Amsterdam"): "2024-10-27 01:30",
    ("10/03/2024 02:30", "America/New_York"): "2024-03-10 07:30",
    ("29/02/2024 23:59", "Pacific/Kiritimati"): "2024-02-29 09:59",  # +14:00
    ("29/02/2024 23:59", "Etc/GMT+12"): "2024-03-01 11:59",
    ("1719828000", "Europe/Amsterdam"): "2024-07-01 10:00",
    ("1719828000.5", "Europe/Amsterdam"): "2024-07-01 10:00:00.500",
    ("-1", "Europe/Amsterdam"): "1969-12-31 23:59:59",
    ("0001-01-01 00:00", "America/New_York"): "0001-01-01 04:56:02",
    ("9999-12-31 23:59", "Pacific/Kiritimati"): "9999-12-31 09:59",
    ("0001-01-01 00:00", "Europe/Amsterdam"): None,  # in UTC it is still the year 0
    ("9999-12-31 23:59", "America/New_York"): None,
    ("99999999999", "UTC"): "5138-11-16 09:46:39",
    ("999999999999", "UTC"): None,
    ("1.7198280005E9", "UTC"): "2024-07-01 10:00:00.500",  # as Java writes a floating point number
    ("1.71983E+09", "UTC"): None,  # a spreadsheet cut it
    ("20240701", "UTC"): None,  # a day as a number, and no second of 1970
    ("0", "UTC"): None,
    ("2024-07-01 10:00:00+00", "Europe/London"): "2024-07-01 10:00",
    ("2024-07-01 10:00+02", "Europe/London"): "2024-07-01 08:00",
    ("2024-07-01 10:00:00.123456+02", "Europe/London"): "2024-07-01 08:00:00.123456",
    ("2024-07-01 10:00:00,250", "UTC"): "2024-07-01 10:00:00.250",
    ("2024-07-01 10:00:00 UTC", "Europe/London"): "2024-07-01 10:00",
    ("2024-07-01 10:00:00 +0000 UTC", "Europe/London"): "2024-07-01 10:00",
    ("2024-07-01T10:00:00+00:00Z", "Europe/London"): "2024-07-01 10:00",
    ("2024-07-01T10:00:00+02:00[Europe/Amsterdam]", "UTC"): "2024-07-01 08:00",
    ("2024-07-01T10:00:00+02:00Z", "UTC"): None,  # two zones
    ("31/02/2024 10:00", "UTC"): None,
    ("01/07/2024 24:00", "UTC"): None,
    ("01/07/2024", "UTC"): None,
    ("13 jul 2024 13:05:06 PM", "UTC"): None,
}
PATTERNS = ["dd/MM/yyyy HH:mm", "d MMM yyyy h:mm:ss a", "seconds"]


def moments(map_records, **engine):
    records = [{"id": str(i), "at": text} for i, (text, _) in enumerate(MOMENTS)]
    found = {}
    for zone in dict.fromkeys(zone for _, zone in MOMENTS):
        columns = {"message_id": "id", "sent_at": {"from": "at", "dates": PATTERNS, "timezone": zone}}
        rows = map_records("messages", columns, *records, **engine)
        for written, row in zip(MOMENTS, rows, strict=True):
            if written[1] == zone:
                found[written] = (row["sent_at"], row["unreadable_columns"])
    return found


EXPECTED_MOMENTS = {written: (moment(text), None) if text else (None, "sent_at") for written, text in MOMENTS.items()}


def test_moments_are_read_in_their_zone_through_clock_changes_and_the_ends_of_time(map_records):
    assert moments(map_records) == EXPECTED_MOMENTS


def test_numbers_since_1970_in_several_units_are_told_apart_in_any_order_of_the_patterns(map_records):
    numbers = ["1714471200", "1714471200000", "1714471200000000"]
    for dates in itertools.permutations(["seconds", "milliseconds", "microseconds"]):
        columns = {"message_id": "id", "sent_at": {"from": "at", "dates": list(dates)}}
        rows = map_records("messages", columns, *({"id": "m", "at": number} for number in numbers))
        assert [row["sent_at"] for row in rows] == [moment("2024-04-30 10:00")] * 3, dates


def test_a_number_in_another_unit_than_the_only_one_listed_is_unreadable_and_not_of_the_year_1970(map_records):
    columns = {"message_id": "id", "sent_at": {"from": "at", "dates": ["milliseconds"]}}
    (row,) = map_records("messages", columns, {"id": "m", "at": "1714471200"})
    assert (row["sent_at"], row["unreadable_columns"]) == (None, "sent_at")


def test_a_pattern_that_fits_and_gives_no_moment_lets_the_next_try(map_records):
    columns = {
        "contact_id": "id",
        "updated_at": "at",
        "birth_date": {"from": "born", "dates": ["dd-MM-yy", "yy-MM-dd"]},
    }
    (row,) = map_records("contacts", columns, {"id": "1", "born": "31-02-24"})
    assert row["birth_date"] == dt.date(2031, 2, 24)
    columns["birth_date"] = {"from": "born", "dates": ["yyyy-dd-MM"]}
    (row,) = map_records("contacts", columns, {"id": "1", "born": "2001-31-12"})
    assert row["birth_date"] == dt.date(2001, 12, 31)


@pytest.mark.parametrize(
    "pattern", ["dd/MM", "yyyy-mm-dd hh:mm", "dd/MM/yyyy VV", "yyyy-MM-dd[ HH:mm]", "MM/dd/MM/yyyy"]
)
def test_a_pattern_that_means_nothing_is_refused_when_the_configuration_is_read(pattern):
    with pytest.raises(ValidationError, match="date pattern"):
        Conventions(dates=[pattern])


def test_values_get_the_meaning_that_the_configuration_gives_them(map_records):
    columns = {
        "contact_id": "id",
        "updated_at": "at",
        "gender": {"from": "sex", "values": {"M": "male", "V": "female", 9: None, "": "other"}},
        "birth_date": {"from": "born", "values": {"1900-01-01": None}},
    }
    records = [{"id": "1", "sex": sex, "born": "1900-01-01"} for sex in (" M ", "V", "9", "", "m")]
    rows = map_records("contacts", columns, *records)
    assert [row["gender"] for row in rows] == ["male", "female", None, "other", "m"]
    assert {(row["birth_date"], row["unreadable_columns"]) for row in rows} == {(None, None)}


def test_texts_that_mean_nothing_are_no_values_and_never_unreadable(map_records):
    columns = {"contact_id": "id", "updated_at": "at", "birth_date": "born"}
    columns |= {"email": "lower(mail)", "first_name": "name"}
    attributes = {"income": "income"}
    row, other = map_records(
        "contacts",
        columns,
        {"id": "1", "born": " N/A", "mail": "NULL", "name": "na", "income": "N/A"},
        {"id": "2", "born": "n/a", "mail": "a@x.nl"},
        attributes=attributes,
        nulls=["N/A", "NULL"],
    )
    assert (row["birth_date"], row["email"], row["first_name"], row["attributes"]) == (None, None, "na", None)
    assert (row["unreadable_columns"], other["unreadable_columns"]) == (None, "birth_date")


def test_a_value_that_yaml_takes_for_something_else_must_be_quoted():
    with pytest.raises(ValidationError, match="quotes"):
        Value.model_validate({"from": "x", "values": {True: "yes"}})


def test_a_canonical_column_has_its_own_type():
    with pytest.raises(ValidationError, match="contact_id: leave out `type`"):
        SourceDataset(files="x", columns={"contact_id": {"from": "id", "type": "number"}})


TYPED = {
    "amount": {"from": "n", "type": "number", "decimal": ","},
    "member": {"from": "b", "type": "boolean"},
    "since": {"from": "d", "type": "date", "dates": ["dd-MM-yyyy"]},
    "seen": {"from": "t", "type": "timestamp", "timezone": "Europe/London"},
    "size": {"from": "s", "type": "text", "values": {"L": 'large "L"'}},
    "plain": "p",
}


def test_attributes_have_types_and_what_cannot_be_read_is_named(map_records):
    columns = {"contact_id": "id", "updated_at": "at"}
    good = {"n": "1.000,10", "b": "Ja", "d": "31-12-1980", "t": "2024-07-01 10:00", "s": "L", "p": " é\\"}
    bad = {"n": "1,2,3", "b": "maybe", "d": "31-02-1980", "t": "noon", "s": "M", "p": ""}
    rows = map_records("contacts", columns, {"id": "1"} | good, {"id": "2"} | bad, {"id": "3"}, attributes=TYPED)
    assert json.loads(rows[0]["attributes"], parse_float=str) == {
        "amount": "1000.10",
        "member": True,
        "since": "1980-12-31",
        "seen": "2024-07-01T09:00:00.000000Z",
        "size": 'large "L"',
        "plain": "é\\",
    }
    assert json.loads(rows[1]["attributes"]) == {"size": "M"}
    assert rows[1]["unreadable_columns"] == "attributes.amount,attributes.member,attributes.since,attributes.seen"
    assert (rows[2]["attributes"], rows[2]["unreadable_columns"]) == (None, None)


@pytest.mark.parametrize("text", ["007", "-0.5", "+.5", "1e3", "12345678901234567890.10"])
def test_a_number_among_the_attributes_keeps_its_digits(map_records, text):
    columns = {"contact_id": "id", "updated_at": "at"}
    (row,) = map_records("contacts", columns, {"id": "1", "n": text}, attributes={"n": {"from": "n", "type": "number"}})
    assert Decimal(json.loads(row["attributes"], parse_float=str, parse_int=str)["n"]) == Decimal(text)


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        (("Yes", "Y", "1", "True", " true ", "T", "on", "JA", "waar", "Oui", "Sí", "wahr"), True),
        (("No", "N", "0", "False", "f", "off", "Nee", "onwaar", "non", "NEIN"), False),
        (("maybe", "2", "yess"), None),
    ],
)
def test_booleans_are_read_in_many_spellings(map_records, words, meaning):
    columns = {"contact_id": "id", "updated_at": "at"}
    records = [{"id": word, "b": word} for word in words]
    rows = map_records("contacts", columns, *records, attributes={"b": {"from": "b", "type": "boolean"}})
    assert {row["attributes"] for row in rows} == {None if meaning is None else f'{{"b":{str(meaning).lower()}}}'}
    assert {row["unreadable_columns"] for row in rows} == {"attributes.b" if meaning is None else None}


def test_items_of_a_list_are_reached_by_number_and_a_list_stays_json(map_records):
    columns = {
        "event_id": "id",
        "product_id": "items[0].sku",
        "order_id": "cart.lines[1].refs[0]",
        "query": "array_join(transform(from_json(items, 'array<struct<sku:string>>'), x -> x.sku), '|')",
    }
    items = [{"sku": "a"}, {"sku": "b"}]
    record = {"id": "e", "items": items, "cart": {"lines": [{}, {"refs": ["o9"]}]}, "tags": ["x", "y"]}
    row, bare = map_records("events", columns, record, {"id": "f"}, type_="jsonl", attributes={"tags": "tags"})
    assert (row["product_id"], row["order_id"], row["query"]) == ("a", "o9", "a|b")
    assert json.loads(json.loads(row["attributes"])["tags"]) == ["x", "y"]
    assert [bare[name] for name in columns] == ["f", None, None, None]


def test_countries_currencies_and_languages_become_codes_or_stay_as_they_are(map_records):
    columns = {"contact_id": "id", "updated_at": "at", "country": "c", "language": "l"}
    records = [
        {"id": str(i), "c": c, "l": language}
        for i, (c, language) in enumerate(
            [
                ("Nederland", "EN"),
                ("uk", "nl-BE"),
                ("U.S.A.", "Deutsch"),
                ("NL", "nl"),
                ("Atlantis", "Klingons"),
                ("", ""),
            ]
        )
    ]
    rows = map_records("contacts", columns, *records)
    assert [row["country"] for row in rows] == ["NL", "GB", "US", "NL", "Atlantis", None]
    assert [row["language"] for row in rows] == ["en", "nl", "de", "nl", "Klingons", None]
    columns = {"order_id": "id", "updated_at": "at", "currency": "c"}
    rows = map_records("orders", columns, *({"id": c, "c": c} for c in ("€", "eur", "US Dollar", "$", "GBP")))
    assert [row["currency"] for row in rows] == ["EUR", "EUR", "USD", "$", "GBP"]


def test_amounts_as_people_of_many_countries_write_them_are_read_back(map_records):
    """Babel writes them; a column says only which decimal mark its country uses."""
    chance = random.Random(1)
    for mark, locales in (
        (",", ("nl", "de", "fr", "it", "es", "pt_BR", "de_AT", "pl")),
        (".", ("en", "en_IN", "de_CH")),
    ):
        amounts = [Decimal(chance.randrange(-(10**9), 10**9)).scaleb(-2) for _ in range(80)]
        written = [
            (amount, text)
            for amount in amounts
            for locale in locales
            for text in (
                format_decimal(amount, locale=locale, decimal_quantization=False),
                format_currency(amount, "EUR", locale=locale),
                format_currency(amount, "EUR", locale=locale, format_type="accounting"),
            )
        ]
        columns = {"order_id": "id", "updated_at": "at", "total": {"from": "t", "decimal": mark}}
        rows = map_records("orders", columns, *({"id": str(i), "t": text} for i, (_, text) in enumerate(written)))
        wrong = [
            (text, row["total"]) for (amount, text), row in zip(written, rows, strict=True) if row["total"] != amount
        ]
        assert wrong == []


def test_days_with_month_names_of_many_languages_are_read_back(map_records):
    days = [dt.date(2024, month, 3) for month in range(1, 13)]
    written = [
        (day, format_date(day, pattern, locale=language))
        for day in days
        for language in LANGUAGES
        for pattern in ("d MMMM yyyy", "d MMM yyyy")
    ]
    columns = {"contact_id": "id", "updated_at": "at", "birth_date": {"from": "born", "dates": ["d MMM yyyy"]}}
    rows = map_records("contacts", columns, *({"id": str(i), "born": text} for i, (_, text) in enumerate(written)))
    assert [(text, row["birth_date"]) for (_, text), row in zip(written, rows, strict=True)] == [
        (text, day) for day, text in written
    ]


def test_local_times_become_the_moments_that_the_time_zone_database_says(map_records):
    """Every quarter of an hour around each clock change of 2024 to 2026, against Python's own reading of the zone."""
    for zone in (
        "Europe/Amsterdam",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Santiago",
        "Africa/Casablanca",
    ):
        texts = [f"{local:%Y-%m-%d %H:%M}" for local in around_clock_changes(ZoneInfo(zone))]
        columns = {"message_id": "id", "sent_at": "at"}
        rows = map_records("messages", columns, *({"id": text, "at": text} for text in texts), zone=zone)
        expected = [dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC) for text in texts]
        assert len(texts) > 100
        assert [row["sent_at"] for row in rows] == expected, zone


def around_clock_changes(zone):
    hours = [dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=n) for n in range(3 * 8766)]
    offsets = [hour.astimezone(zone).utcoffset() for hour in hours]
    changes = [hour for hour, a, b in zip(hours, offsets, offsets[1:], strict=False) if a != b]
    for change in changes:
        local = change.astimezone(zone).replace(tzinfo=None)
        yield from (local + dt.timedelta(minutes=15 * n) for n in range(-12, 16))


@pytest.mark.slow
def test_apache_spark_reads_values_as_the_embedded_engine_does(map_records, apache_session):
    """Every case of this file whose text goes through a convention, in one go on each engine."""
    assert moments(map_records, engine=apache_session) == EXPECTED_MOMENTS
    columns = {
        "contact_id": "id",
        "updated_at": "at",
        "birth_date": {"from": "born", "dates": ["dd/MM/yyyy", "MM/dd/yyyy", "d MMM yyyy", "milliseconds"]},
        "country": "country",
        "gender": {"from": "sex", "values": {"M": "male", "": "other"}},
    }
    amounts = [*COMMA, *POINT, "007", "1e3", "+.5"]
    records = [
        {
            "id": str(i),
            "born": born,
            "n": amount,
            "m": amount,
            "b": word,
            "t": born,
            "s": "L",
            "country": country,
            "sex": sex,
        }
        for i, (born, amount, word, country, sex) in enumerate(
            zip_longest([text for text, _ in DATES], amounts, ["ja", "Nee", "x"], ["Uk", "España"], ["M"], fillvalue="")
        )
    ]
    attributes = TYPED | {
        "point": {"from": "m", "type": "number", "decimal": "."},
        "strict": {"from": "m", "type": "number"},
    }
    ours, theirs = (
        map_records("contacts", columns, *records, attributes=attributes, **engine)
        for engine in ({}, {"engine": apache_session})
    )
    assert ours == theirs
    assert sum(row["unreadable_columns"] is not None for row in ours) > 20


def test_the_time_zone_of_the_machine_changes_nothing(tmp_path):
    """The same texts in a process whose TZ is far away."""
    code = "import tests.validate.test_mapping as t; print(t.moments_of_a_process() == t.EXPECTED_MOMENTS)"
    far = os.environ | {"TZ": "Pacific/Kiritimati"}
    done = subprocess.run([sys.executable, "-c", code], env=far, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def moments_of_a_process():
    from jobs.lake.engine import get_spark

    return moments(mapper(get_spark()))
