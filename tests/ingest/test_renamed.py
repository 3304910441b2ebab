"""A new column is called the new name of one that is gone only where that is likely."""

import pyarrow as pa
import pytest

from jobs.ingest.columns import Chunk, Seen
from jobs.ingest.renamed import alike, new_name


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("email", "e_mail"),
        ("E-mail", "Email"),
        ("first_name", "firstName"),
        ("first name", "FIRSTNAME"),
        ("telephone", "tel"),
        ("cust_number", "customerNumber"),
        ("postcode", "postal_code"),
        ("klantnumer", "klantnummer"),
        ("adress1", "address1"),
        ("HTTPStatus", "http_status"),
        ("countrry", "country"),
        ("prices", "price"),
        ("adres", "adress"),
    ],
)
def test_one_name_written_otherwise(first, second):
    assert alike(first, second)
    assert alike(second, first)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("first_name", "last_name"),
        ("created_at", "updated_at"),
        ("billing_city", "shipping_city"),
        ("address1", "address2"),
        ("address", "address2"),
        ("email", "email_opt_in"),
        ("name", "first_name"),
        ("id", "uid"),
        ("subscribed", "unsubscribed"),
        ("total", "subtotal"),
        ("phone", "iphone"),
        ("min_price", "max_price"),
        ("start_date", "end_date"),
        ("q1", "q2"),
        ("prijs", "aantal"),
        ("country", "county"),
        ("Billing Country", "billing_county"),
        ("country", "count"),
        ("price", "prize"),
        ("state", "status"),
        ("quantity", "quality"),
        ("sent", "spent"),
        ("use", "user"),
        ("straat", "staat"),
    ],
)
def test_names_of_two_columns(first, second):
    assert not alike(first, second)
    assert not alike(second, first)


def seen(**columns):
    table = pa.table({name: [str(value) for value in values] for name, values in columns.items()})
    found = Seen([], all_names=False, nulls=[], most=100)
    found.look(Chunk(pa.array(range(table.num_rows)), columns=table))
    return found


DAYS = [f"2024-05-0{number}" for number in range(1, 6)]
BEFORE = seen(id=range(5), born=DAYS, shoe=range(40, 45)).shape()


def test_the_only_column_that_differs_with_the_same_kind_of_values_is_the_new_name():
    assert new_name("born", ["geboren"], seen(id=range(5), geboren=DAYS, shoe=range(5)), BEFORE) == "geboren"


def test_a_column_in_its_place_is_another_one_where_more_changed_or_its_values_are_of_another_kind():
    assert new_name("born", ["since"], seen(id=range(5), since=DAYS, hat=range(5)), BEFORE) == ""
    assert new_name("born", ["since"], seen(id=range(5), since=["a"] * 5, shoe=range(5)), BEFORE) == ""
    assert new_name("born", ["Born on"], seen(id=range(5), **{"Born on": range(5)}, shoe=range(5)), BEFORE) == ""


def test_of_two_names_that_are_alike_the_nearer_one_is_meant():
    found = seen(id=range(5), boorn=DAYS, Born=DAYS)
    assert new_name("born", ["boorn", "Born"], found, BEFORE) == "Born"
