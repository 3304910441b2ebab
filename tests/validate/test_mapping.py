"""Raw records become typed columns by the expressions of a source; what cannot be read is named, never dropped."""

import datetime as dt
import json
from decimal import Decimal

import pytest

from jobs.config_sources import SourceDataset
from jobs.validate.mapping import Mapping, mapped
from jobs.yaml_files import ConfigError


@pytest.fixture
def map_records(spark):
    """Map records of a dataset: `map_records("contacts", {canonical: expression}, record, ...)`."""
    import pyarrow as pa

    def run(name, columns, *records, type_="csv", zone="Europe/Amsterdam", attributes=None):
        dataset = SourceDataset(files="x", format={"type": type_}, columns=columns, attributes=attributes or {})
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
        frame = mapped(spark.createDataFrame(raw), Mapping(name, dataset, zone))
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
