"""Amounts of other currencies: at the rate of the day, beside what was paid, and in no sum without a rate."""

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from jobs.activity.currency import Exchange, repriced, without_rate
from jobs.activity.touchpoints import orders, touchpoints
from jobs.config.company import General
from jobs.config.yaml_files import ConfigError, load
from jobs.lake.tables import catalogue

ZONE = "Europe/Amsterdam"


def order(order_id, currency, total, day="2017-03-03 12:00"):
    return {"order_id": order_id, "currency": currency, "total": total, "discount": "1.00", "ordered_at": day,
            "updated_at": day}  # fmt: skip


def rate(currency, day, value, arrived="2017-03-01", **more):
    return {"source": "ecb", "file_id": "f", "line": 1, "currency": currency, "day": day, "rate": value,
            "arrived": arrived, **more}  # fmt: skip


def exchange(rates=None, **fixed):
    return Exchange("EUR", fixed, rates, ZONE)


def test_amounts_are_worth_what_the_newest_rate_up_to_that_day_says(known, rows, expect):
    rates = rows(
        "valid/rates",
        rate("USD", "2017-03-01", 0.9),
        rate("USD", "2017-03-04", 0.5),
        rate("JPY", "2017-03-03", 0.00825),
        rate("JPY", "2017-03-03", 0.5, arrived="2017-02-28"),
    )
    versions = known(
        "valid/orders",
        order("euro", "EUR", "100.00"),
        order("told nothing", None, "100.00"),
        order("friday", "USD", "100.00"),
        order("before midnight here", "USD", "100.00", "2017-03-03 22:59"),
        order("after midnight here", "usd", "100.00", "2017-03-03 23:00"),
        order("before the first rate", "JPY", "16000.00", "2017-03-02 12:00"),
        order("yen", "JPY", "16015.00"),
        order("no rate at all", "GBP", "1.00"),
    )
    expect(
        exchange(rates).converted(versions, "orders", "ordered_at"),
        "order_id total paid_total discount",
        ("euro", "100.00", "100.00", "1.00"),
        ("told nothing", "100.00", "100.00", "1.00"),
        ("friday", "90.00", "100.00", "0.90"),
        ("before midnight here", "90.00", "100.00", "0.90"),
        ("after midnight here", "50.00", "100.00", "0.50"),
        ("before the first rate", None, "16000.00", None),
        ("yen", "132.12", "16015.00", "0.01"),
        ("no rate at all", None, "1.00", None),
    )


def test_a_rate_of_the_settings_counts_where_no_dataset_tells_one(known, rows, expect):
    rates = rows("valid/rates", rate("USD", "2017-03-02", 0.9))
    versions = known(
        "valid/orders",
        order("told", "USD", "10.00"),
        order("before", "USD", "10.00", "2017-03-01 12:00"),
        order("other", "GBP", "10.00"),
    )
    both = exchange(rates, USD=0.5, GBP=1.2).converted(versions, "orders", "ordered_at")
    expect(both, "order_id total", ("told", "9.00"), ("before", "5.00"), ("other", "12.00"))


def test_a_contact_keeps_what_was_paid_and_amounts_without_a_rate_are_counted(known, expect):
    versions = known("valid/orders", order("o1", "USD", "10.00"), order("o2", "JPY", "16000.00"))
    priced = exchange(USD=0.9).converted(versions, "orders", "ordered_at")
    found = touchpoints(orders(priced, ZONE), [])
    expect(
        found,
        "reference amount amount_paid currency",
        ("o1", "9.00", "10.00", "USD"),
        ("o2", None, "16000.00", "JPY"),
    )
    columns = ("amount", "amount_paid", "currency")
    stored = pa.Table.from_pylist(
        [row.asDict() for row in found.select(*columns).collect()],
        pa.schema([catalogue.get("journeys/touchpoints").arrow_schema().field(name) for name in columns]),
    )
    assert without_rate(ds.dataset(stored)) == {"JPY": 1}


def test_a_credit_note_without_a_rate_is_a_return_and_no_order(known, expect):
    versions = known("valid/orders", order("o1", "JPY", "-16000.00"), order("o2", "JPY", "0.30"))
    found = touchpoints(orders(exchange(JPY=0.001).converted(versions, "orders", "ordered_at"), ZONE), [])
    expect(found, "type subject amount", ("return", "credit", "-16.00"), ("order", "completed", "0.00"))
    apart = touchpoints(orders(exchange().converted(versions, "orders", "ordered_at"), ZONE), [])
    expect(apart, "type subject amount", ("return", "credit", None), ("order", "completed", None))


def test_new_rates_may_change_orders_in_their_currency_from_their_first_day_on(known, rows, expect):
    versions = known(
        "valid/orders",
        order("before", "USD", "1", "2017-03-01 12:00"),
        order("that day", "USD", "1", "2017-03-02 12:00"),
        order("later", "usd", "1"),
        order("other", "JPY", "1"),
        order("own", "EUR", "1"),
    )
    new = rows("valid/rates", rate("USD", "2017-03-02", 0.9), rate("EUR", "2017-01-01", 1.0))
    expect(repriced(versions, new, "EUR", "ordered_at", ZONE), "order_id", ("that day",), ("later",))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rates: {USD: 0}", "rates.USD: 0.0 is no price of a currency"),
        ("rates: {USD: .nan}", "rates.USD: nan is no price of a currency"),
        ("rates: {EUR: 1.1}", "rates.EUR: is the company's own currency"),
        ("rates: {dollar: 1.1}", "rates"),
        ("currency: euro", "currency"),
    ],
)
def test_a_rate_that_is_none_is_refused_when_the_settings_are_read(tmp_path, text, told):
    path = tmp_path / "settings.yaml"
    path.write_text(f"company: Winkel\nlanding: in\nlake: lake\n{text}\n")
    with pytest.raises(ConfigError, match=told):
        load(path, General)
