"""Traits: what they count, on which days, and that nothing is known before its time."""

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as fuzz
from hypothesis import strategies as st

from jobs.activity import analysis, checks, traits
from jobs.activity.known_rows import Known
from jobs.config.yaml_files import ConfigError
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from jobs.lake.tables.canonical import CANONICAL

ROOT = Path(__file__).parents[2]
DAY = dt.date(2017, 6, 30)
COUNT = {"title": "t", "over": "orders", "value": "count(*)", "type": "bigint"}


@pytest.fixture
def computed(settings, rows):
    """Traits of Ann (login ann): `computed({name: changes of COUNT}, orders=[...], day=..., named=rows)`."""

    def build(declared, day=DAY, named=None, **tables):
        traits_ = {name: {**COUNT, **trait} for name, trait in declared.items()}
        loaded = settings({"traits.yaml": {"rows": named or {}, "traits": traits_}})
        assert checks.check(loaded) == []
        ann, bob = ({"identifier": identifier_hash("login", n, loaded), "customer_id": n} for n in ("ann", "bob"))
        known = {"arrived": "2017-01-01", "source": "shop", "updated_at": "2017-01-01"}
        data = {}
        for name in traits_tables():
            table = f"valid/{name}"
            own = set(rows(table).columns)
            who = {"login_id": "ann"} if "login_id" in own else {}
            given_rows = [{**known, **who, **row} for row in tables.get(name, [])]
            data[table] = rows(table, *[{k: v for k, v in row.items() if k in own} for row in given_rows])
        known = Known(data.__getitem__, rows("identity/map", ann, bob), [day], loaded)
        found = traits.traits_on(known).select("customer_id", "as_of", *declared).collect()
        return {row["customer_id"]: row.asDict() for row in found}

    return build


def traits_tables():
    return sorted(
        name for name, table in CANONICAL.items() if table.moment or name in ("contacts", "products", "rates")
    )


def order(id_, at, **values):
    return {"order_id": str(id_), "ordered_at": at, "status": "completed", "channel": "web", "total": 10, **values}


def test_a_window_holds_the_day_itself_and_the_days_before(computed):
    orders = [order(n, f"2017-06-{day:02d}T10:00") for n, day in enumerate((23, 24, 30))]
    assert computed({"week": {"days": 7}}, orders=orders)["ann"]["week"] == 2


def test_a_window_can_end_before_the_day(computed):
    orders = [order(n, f"2017-06-{day:02d}T10:00") for n, day in enumerate((16, 17, 23, 24, 30))]
    assert computed({"week_before": {"days": 7, "ending_days_ago": 7}}, orders=orders)["ann"]["week_before"] == 2


def test_days_begin_at_midnight_in_the_company_s_time_zone(computed):
    # 22:30 UTC is half past midnight of the next day in Amsterdam in summer, half past eleven in winter
    late = [order(1, "2017-06-29T22:30"), order(2, "2017-06-30T22:30")]
    assert computed({"today": {"days": 1}}, orders=late)["ann"]["today"] == 1
    winter = [order(1, "2017-12-30T22:30"), order(2, "2017-12-30T23:30")]
    assert computed({"today": {"days": 1}}, day=dt.date(2017, 12, 31), orders=winter)["ann"]["today"] == 1


def test_on_the_days_the_clock_changes_a_day_has_23_or_25_hours(computed):
    spring = [order(n, at) for n, at in enumerate(("2017-03-25T22:30", "2017-03-25T23:30", "2017-03-26T21:30"))]
    assert computed({"today": {"days": 1}}, day=dt.date(2017, 3, 26), orders=spring)["ann"]["today"] == 2
    autumn = [order(n, at) for n, at in enumerate(("2017-10-28T22:30", "2017-10-29T22:30", "2017-10-29T23:30"))]
    assert computed({"today": {"days": 1}}, day=dt.date(2017, 10, 29), orders=autumn)["ann"]["today"] == 2


def test_weekdays_count_from_monday_to_sunday(computed):
    week = [order(n, f"2017-06-{19 + n}T10:00") for n in range(7)]
    found = computed({f"on_{n}": {"where": f"weekday = {n}", "value": "sum(hour)"} for n in range(1, 8)}, orders=week)
    assert [found["ann"][f"on_{n}"] for n in range(1, 8)] == [12] * 7
    assert computed({"sunday": {"where": "weekday = 7", "value": "max(day)", "type": "date"}}, orders=week)["ann"][
        "sunday"
    ] == dt.date(2017, 6, 25)


def test_what_arrived_or_happened_after_the_day_is_not_known(computed):
    orders = [
        order(1, "2017-06-29T10:00", arrived="2017-07-01"),
        order(2, "2017-07-01T10:00", arrived="2017-06-30"),
        order(3, "2017-06-29T10:00", arrived="2017-06-30"),
    ]
    assert computed({"orders": {}}, orders=orders)["ann"]["orders"] == 1


def test_of_an_order_the_newest_version_that_had_arrived_counts(computed):
    orders = [
        order(1, "2017-06-01T10:00"),
        order(1, "2017-06-01T10:00", updated_at="2017-06-20", arrived="2017-06-20", status="returned"),
    ]
    declared = {"returns": {"where": "status = 'returned'"}}
    assert computed(declared, orders=orders)["ann"]["returns"] == 1
    assert computed(declared, orders=orders, day=dt.date(2017, 6, 19))["ann"]["returns"] == 0


def test_customers_without_rows_count_nothing_and_have_the_default(computed):
    declared = {
        "orders": {},
        "revenue": {"value": "sum(total)", "type": "decimal(18,2)"},
        "spent": {"value": "sum(total)", "type": "decimal(18,2)", "default": 0},
        "last_channel": {"value": "latest(channel)", "type": "string", "default": "none"},
    }
    found = computed(declared, orders=[order(1, "2017-06-01T10:00")])
    nothing = {"orders": 0, "revenue": None, "spent": Decimal("0.00"), "last_channel": "none"}
    assert found["bob"] == {"customer_id": "bob", "as_of": DAY, **nothing}
    assert found["ann"]["revenue"] == Decimal("10.00")


def test_a_customer_whose_rows_are_all_outside_the_window_is_like_one_without_rows(computed):
    spent = {"value": "sum(total)", "type": "decimal(18,2)", "days": 7, "default": 0}
    declared = {"orders": {"days": 7}, "spent": spent, "ever": {}}
    found = computed(declared, orders=[order(1, "2017-01-01T10:00")])["ann"]
    assert (found["orders"], found["spent"], found["ever"]) == (0, 0, 1)


def test_latest_and_earliest_look_past_rows_without_the_value(computed):
    orders = [
        order(1, "2017-06-01T10:00", channel="app"),
        order(2, "2017-06-02T10:00", channel="web"),
        order(3, "2017-06-03T10:00", channel=None),
        order(0, "2017-05-01T10:00", channel=None),
    ]
    declared = {
        "last_channel": {"value": "latest(channel)", "type": "string"},
        "first_channel": {"value": "earliest(channel)", "type": "string"},
    }
    found = computed(declared, orders=orders)["ann"]
    assert (found["last_channel"], found["first_channel"]) == ("web", "app")


def test_the_most_frequent_value_wins_and_of_equals_the_most_recent(computed):
    orders = [
        order(n, f"2017-06-0{n}T10:00", channel=c) for n, c in enumerate(("web", "web", "app", "store", "app"), 1)
    ]
    declared = {
        "favourite": {"value": "most_frequent(channel)", "type": "string"},
        "favourite_early": {"value": "most_frequent(channel)", "type": "string", "where": "day <= '2017-06-03'"},
    }
    found = computed(declared, orders=orders)
    assert (found["ann"]["favourite"], found["ann"]["favourite_early"]) == ("app", "web")
    assert found["bob"]["favourite"] is None


def test_lines_know_order_and_product_as_last_known(computed):
    products = [{"product_id": "p", "department": "Dairy"}, {"product_id": "q", "department": "Wine"}]
    lines = [
        {"order_id": "1", "line_id": "1", "product_id": "p", "quantity": 2.0, "amount": 5},
        {"order_id": "1", "line_id": "2", "product_id": "q", "quantity": 1.0, "amount": 7},
        {"order_id": "2", "line_id": "1", "product_id": "p", "quantity": 1.0, "amount": 3},
        {"order_id": "unknown", "line_id": "1", "product_id": "p", "quantity": 1.0, "amount": 100},
    ]
    orders = [order(1, "2017-06-01T10:00"), order(2, "2017-06-02T10:00", status="cancelled")]
    declared = {
        "dairy": {"over": "order_lines", "value": "sum(amount)", "type": "decimal(18,2)",
                  "where": "department = 'Dairy' and status <> 'cancelled'"},
        "departments": {"over": "order_lines", "value": "count(distinct department)"},
        "units": {"over": "order_lines", "value": "sum(quantity)", "type": "double"},
    }  # fmt: skip
    found = computed(declared, order_lines=lines, orders=orders, products=products)["ann"]
    assert (found["dairy"], found["departments"], found["units"]) == (Decimal("5.00"), 2, 4.0)


def test_a_message_without_a_person_is_of_the_person_of_its_conversation(computed):
    talks = [{"conversation_id": "k", "opened_at": "2017-06-01T10:00"}]
    said = [
        {
            "message_id": "1",
            "conversation_id": "k",
            "sent_at": "2017-06-01T10:00",
            "author": "customer",
            "login_id": None,
        },
        {"message_id": "2", "conversation_id": "k", "sent_at": "2017-06-01T10:01", "author": "agent", "login_id": None},
        {
            "message_id": "3",
            "conversation_id": "z",
            "sent_at": "2017-06-01T10:01",
            "author": "customer",
            "login_id": None,
        },
    ]
    declared = {"said": {"over": "messages", "where": "author = 'customer'"}}
    assert computed(declared, conversations=talks, messages=said)["ann"]["said"] == 1


def test_traits_can_be_made_of_traits_in_any_order_of_writing(computed):
    declared = {
        "twice": {"over": None, "value": "average * 2", "type": "double"},
        "average": {"over": None, "value": "revenue / nullif(orders, 0)", "type": "double"},
        "revenue": {"value": "sum(total)", "type": "decimal(18,2)"},
        "orders": {},
    }
    found = computed(declared, orders=[order(1, "2017-06-01T10:00"), order(2, "2017-06-02T10:00", total=15)])
    assert (found["ann"]["average"], found["ann"]["twice"], found["bob"]["average"]) == (12.5, 25.0, None)


def test_an_average_of_amounts_is_a_plain_quotient(computed):
    declared = {
        "basket": {"value": "avg(total)", "type": "double"},
        "net": {"value": "sum(total - discount) / nullif(count(*), 0)", "type": "double"},
    }
    orders = [order(n, "2017-06-01T10:00", total=total, discount=1) for n, total in enumerate((1, 2, 2))]
    found = computed(declared, orders=orders)["ann"]
    assert found["basket"] == 5 / 3
    assert found["net"] == 2 / 3


def test_attributes_of_the_source_can_be_used(computed):
    declared = {"gifts": {"where": "get_json_object(attributes, '$.gift') = 'yes'"}}
    orders = [order(1, "2017-06-01T10:00", attributes='{"gift": "yes"}'), order(2, "2017-06-01T10:00")]
    assert computed(declared, orders=orders)["ann"]["gifts"] == 1


MOMENTS = st.datetimes(dt.datetime(2017, 3, 20), dt.datetime(2017, 4, 2))
EVENTS = st.lists(
    st.tuples(MOMENTS, st.integers(0, 3), st.sampled_from(("ann", "bob")), st.sampled_from("abc")), max_size=25
)


@given(events=EVENTS, day=st.dates(dt.date(2017, 3, 20), dt.date(2017, 4, 2)), days=st.integers(1, 9))
@fuzz(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_are_those_of_looking_at_every_row(computed, events, day, days):
    from zoneinfo import ZoneInfo

    zone = ZoneInfo("Europe/Amsterdam")
    rows = [
        {"event_id": str(n), "occurred_at": at, "type": kind, "login_id": who,
         "arrived": at.date() + dt.timedelta(days=late)}
        for n, (at, late, who, kind) in enumerate((at.replace(tzinfo=dt.UTC), *rest) for at, *rest in events)
    ]  # fmt: skip
    declared = {
        "a": {"over": "events", "where": "type = 'a'", "days": days},
        "kinds": {"over": "events", "value": "count(distinct type)"},
        "last": {"over": "events", "value": "max(day)", "type": "date", "days": days, "ending_days_ago": 1},
    }
    found = computed(declared, day=day, events=rows)
    first = min((row["arrived"] for row in rows), default=day)

    def told(row):  # a first load that came after the day is known at its own time
        return (first > day and row["arrived"] == first) or row["arrived"] <= day

    for who in ("ann", "bob"):
        known = [
            (row["occurred_at"].astimezone(zone).date(), row["type"])
            for row in rows
            if row["login_id"] == who and told(row) and row["occurred_at"].astimezone(zone).date() <= day
        ]
        assert found[who]["a"] == sum(kind == "a" and (day - on).days < days for on, kind in known)
        assert found[who]["kinds"] == len({kind for _, kind in known})
        assert found[who]["last"] == max((on for on, _ in known if 1 <= (day - on).days < days + 1), default=None)


def problems(settings, **declared):
    return checks.check(settings({"traits.yaml": {"traits": {n: {**COUNT, **t} for n, t in declared.items()}}}))


@pytest.mark.parametrize(
    ("trait", "key", "problem"),
    [
        ({"where": "statuz = 'x'"}, "where", "unknown column 'statuz'; did you mean 'status'?"),
        ({"value": "summ(total)"}, "value", "unknown function 'summ'; did you mean 'sum'?"),
        ({"value": "max(email)"}, "value", "unknown column 'email'"),
        ({"where": "status = 'a' or rand() < 1"}, "where", "rand() depends on chance"),
        ({"value": "count(*) -- all"}, "value", "comments are not allowed"),
        ({"value": "(select 1)"}, "value", "a query is not allowed"),
        ({"value": "total"}, "value", "aggregates nothing"),
        ({"value": "total + count(*)"}, "value", "column 'total' is outside of an aggregate"),
        ({"value": "sum(max(total))"}, "value", "sum() holds another aggregate"),
        ({"value": "sum(*)"}, "value", "sum(*) needs a column"),
        ({"value": "count(*"}, "value", "not valid SQL: Expecting )"),
        ({"where": "status = 'a') or (true"}, "where", "not valid SQL: it does not go on so, at ')'"),
        ({"where": "status = 'a' and and true"}, "where", "not valid SQL: a value is missing, at 'and'"),
        ({"where": "status = = 'x'"}, "where", "not valid SQL: a value is missing, at '='"),
        ({"value": "sum(total) / count(*)"}, "value", "divides by what may be 0"),
        ({"where": "count(*) > 1"}, "where", "count() is computed from many rows, and there is one here"),
        ({"over": None, "value": "other + 1"}, "value", "unknown column 'other'"),
        ({"over": None, "value": "count(*)"}, "value", "count() needs rows"),
    ],
)
def test_a_trait_that_cannot_be_is_refused_with_its_place(settings, trait, key, problem):
    found = problems(settings, number=trait)[0]
    assert f"traits.number.{key}: {problem}" in found
    assert re.search(r"traits\.yaml:\d+: ", found)


def test_traits_that_need_each_other_are_refused(settings):
    derived = {"over": None, "type": "double"}
    found = problems(
        settings, a={**derived, "value": "b + 1"}, b={**derived, "value": "c"}, c={**derived, "value": "a"}
    )
    assert found[-1].endswith("traits.a.value: is computed from itself: a -> b -> c -> a")


@pytest.mark.parametrize(
    ("trait", "problem"),
    [
        ({"type": "bigint", "value": "sum(total)"}, "gives decimal(28,2), not bigint; correct `type`"),
        ({"type": "string"}, "gives bigint, not string"),
        ({"where": "upper() = status"}, "not an expression the engine understands"),
    ],
)
def test_the_engine_refuses_bad_grammar_and_other_types(spark, settings, trait, problem):
    loaded = settings({"traits.yaml": {"traits": {"number": {**COUNT, **trait}}}})
    assert checks.check(loaded) == []
    assert problem in analysis.analyse(loaded)[0]


@pytest.mark.parametrize(
    ("trait", "key", "problem"),
    [
        ({"where": "concat_ws() = status"}, "where", "not an expression the engine understands"),
        ({"where": "total"}, "where", "gives decimal"),
        ({"where": "status > 5"}, "where", "fails on text"),
        ({"value": "sum(status)", "type": "double"}, "value", "fails on text"),
        ({"value": "avg(status)", "type": "double", "where": "status = 'x'"}, "value", "fails on text"),
    ],
)
def test_what_would_fail_on_the_first_row_is_refused_with_its_key(spark, settings, trait, key, problem):
    fine = {**COUNT, "value": "sum(try_cast(get_json_object(attributes, '$.x') as double))", "type": "double"}
    loaded = settings({"traits.yaml": {"traits": {"number": {**COUNT, **trait}, "fine": fine}}})
    assert checks.check(loaded) == []
    (found,) = analysis.analyse(loaded)
    assert f"traits.number.{key}: {problem}" in found
    assert re.search(r"traits\.yaml:\d+: ", found)


@pytest.mark.parametrize(
    "changes",
    [
        {"default": "none"},
        {"while_open": True},
        {"over": None, "while_open": True},
        {"over": None, "days": 7},
        {"default": True},
        {"over": "consents"},
        {"type": "map"},
    ],
)
def test_a_key_that_does_not_fit_is_refused_on_load(settings, changes):
    with pytest.raises(ConfigError, match=r"traits\.yaml:\d+: traits\.number"):
        problems(settings, number=changes)


OF_MODELS = {"recency_days": None, "orders_90d": 0}
"""Traits of the minimal configuration, of a customer of whom nothing is known."""


def stored(settings):
    (row,) = Lake.of(settings).arrow("profiles/traits").to_pylist()
    return row


def test_a_trait_more_or_less_is_a_column_more_or_less(settings, rows):
    loaded = settings({"traits.yaml": {"traits": {"orders": COUNT}}})
    lake = Lake.of(loaded)
    lake.replace(
        "identity/map", rows("identity/map", {"identifier": "i", "customer_id": "c"}), lake.transaction("x", DAY)
    )
    traits.run(DAY, loaded)
    more = settings({"traits.yaml": {"traits": {"orders": COUNT, "carts": {**COUNT, "over": "events", "default": 0}}}})
    traits.run(DAY, more)
    assert stored(more) == {"customer_id": "c", "as_of": DAY, "orders": 0, "carts": 0, **OF_MODELS}
    assert Lake(more.lake).read("profiles/traits").columns == ["customer_id", "as_of", "orders", "carts", *OF_MODELS]
    fewer = settings({"traits.yaml": {"traits": {"carts": {**COUNT, "over": "events", "type": "double"}}}})
    traits.run(DAY, fewer)
    assert stored(fewer) == {"customer_id": "c", "as_of": DAY, "carts": 0.0, **OF_MODELS}


def test_a_second_run_changes_nothing(settings, rows):
    loaded = settings({"traits.yaml": {"traits": {"orders": COUNT}}})
    lake = Lake.of(loaded)
    lake.replace(
        "identity/map", rows("identity/map", {"identifier": "i", "customer_id": "c"}), lake.transaction("x", DAY)
    )
    traits.run(DAY, loaded)
    version = lake.version("profiles/traits")
    assert traits.run(DAY, loaded) == {"traits": 3, "customers": 1, "in_features": 0}
    assert lake.version("profiles/traits") == version


def test_the_traits_of_the_demo_company_are_fine(spark, monkeypatch):
    from jobs.config.settings import load_settings

    for name in ("KLANTREIS_LANDING", "KLANTREIS_LAKE"):
        monkeypatch.setenv(name, "var/x")
    loaded = load_settings(ROOT / "config")
    assert checks.check(loaded) + analysis.analyse(loaded) == []


PLACED = {"placed": {"over": "orders", "where": "status <> 'cancelled'"}}


def test_named_rows_are_said_once_and_narrowed_further_by_each_trait(computed):
    orders = [
        order(1, "2017-06-01T10:00"),
        order(2, "2017-06-02T10:00", status="cancelled"),
        order(3, "2017-06-03T10:00", channel="store"),
    ]
    declared = {"placed_all": {"over": "placed"}, "placed_online": {"over": "placed", "where": "channel = 'web'"}}
    found = computed(declared, named=PLACED, orders=orders)["ann"]
    assert (found["placed_all"], found["placed_online"]) == (2, 1)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ({"placed": {"over": "orders", "where": "statuz = 'x'"}}, "rows.placed.where: unknown column 'statuz'"),
        ({"placed": {"over": "orders", "where": "(true"}}, "rows.placed.where: not valid SQL: Expecting )"),
    ],
)
def test_a_mistake_in_named_rows_is_told_once_where_it_is(settings, rows, problem):
    loaded = settings({"traits.yaml": {"rows": rows, "traits": {"n": {**COUNT, "over": "placed"}}}})
    (found,) = checks.check(loaded)
    assert problem in found
    assert re.search(r"traits\.yaml:4: ", found)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (
            {"placed": {"over": "order", "where": "true"}},
            "rows.placed.over: unknown table 'order'; did you mean 'orders'",
        ),
        ({"orders": {"over": "orders", "where": "true"}}, "rows.orders: there is a table of that name"),
    ],
)
def test_named_rows_of_no_table_or_named_like_one_are_refused(settings, rows, problem):
    with pytest.raises(ConfigError, match=problem):
        settings({"traits.yaml": {"rows": rows}})


def test_a_trait_over_no_table_gets_the_nearest_one(settings):
    with pytest.raises(
        ConfigError, match=r"traits.n.over: unknown table or name of `rows` 'place'; did you mean 'placed'"
    ):
        settings({"traits.yaml": {"rows": PLACED, "traits": {"n": {**COUNT, "over": "place"}}}})


@pytest.mark.parametrize(
    ("models", "problem"),
    [
        ({"features": ["recency_days", "ordres"]}, r"models.yaml:\d+: features.1: unknown trait 'ordres'"),
        (
            {"features": ["recency_days", "since"]},
            "features.1: trait 'since' is a date; models learn from numbers",
        ),
        (
            {"features": ["recency_days", "left"]},
            "features.1: trait 'left' is over carts, which is kept for the newest day",
        ),
        (
            {"features": ["recency_days"]},
            r"models/segmentation.yaml:\d+: features.1: unknown feature 'orders_90d'",
        ),
        ({"recency": "orders_90d"}, "recency: trait 'orders_90d' must be"),
    ],
)
def test_models_learn_from_numbers_that_were_known_on_past_days(settings, models, problem):
    traits = {
        "since": {**COUNT, "over": "conversations", "value": "min(day)", "type": "date"},
        "left": {**COUNT, "over": None, "value": "left_before * 2"},
        "left_before": {**COUNT, "over": "carts"},
    }
    base = {"features": ["recency_days", "orders_90d"]}
    with pytest.raises(ConfigError, match=problem):
        settings({"traits.yaml": {"traits": traits}, "models.yaml": {**base, **models}})


def test_amounts_are_in_the_currency_of_the_company_and_orders_are_told_apart_by_what_became_of_them(computed):
    orders = [
        order(1, "2017-06-01T10:00", currency="EUR", total="10.00"),
        order(2, "2017-06-02T10:00", currency="USD", total="10.00"),
        order(3, "2017-06-02T10:00", currency="EUR", total="-4.00"),
        order(4, "2017-06-02T10:00", currency="EUR", total="7.00", status="cancelled"),
    ]
    lines = [
        {"order_id": str(n), "line_id": "1", "quantity": 1, "amount": "10.00", "ordered_at": "2017-06-02"}
        for n in (1, 2)
    ]
    rates = [{"currency": "USD", "day": "2017-06-01", "rate": 0.5}]
    money = {"type": "decimal(18,2)", "default": 0}
    found = computed(
        {
            "spent": {**money, "over": "bought", "value": "sum(total)"},
            "of_lines": {**money, "over": "order_lines", "value": "sum(amount)"},
            "given_back": {**money, "over": "orders", "where": "outcome = 'credit'", "value": "sum(total)"},
        },
        named={"bought": {"over": "orders", "where": "outcome in ('completed', 'open', 'returned')"}},
        orders=orders,
        order_lines=lines,
        rates=rates,
    )["ann"]
    assert [str(found[name]) for name in ("spent", "of_lines", "given_back")] == ["15.00", "15.00", "-4.00"]


def test_what_a_customer_is_worth_leaves_out_what_was_undone_and_what_credit_notes_gave_back():
    shipped = yaml.safe_load((ROOT / "config" / "traits.yaml").read_text())
    touchpoints = [
        ("order", "completed", 100),
        ("return", "credit", -30),  # a credit note: test_touchpoints.py says what orders become
        ("order", "cancelled", 50),
        ("cancellation", "cancelled", -50),
        ("order", "returned", 80),
        ("return", "returned", -80),
        ("order", "free", 0),
        ("order", "open", 7),
    ]
    database = duckdb.connect()
    database.execute("create table touchpoints (type text, subject text, amount bigint)")
    database.executemany("insert into touchpoints values (?, ?, ?)", touchpoints)
    sums = {
        name: database.sql(f"select sum(amount) from touchpoints where {rows['where']}").fetchall()[0][0]
        for name, rows in shipped["rows"].items()
        if rows["over"] == "touchpoints"
    }
    assert sums == {"placed": 187, "kept": 107, "earned": 77, "turnover": 77}
    over = {name: trait["over"] for name, trait in shipped["traits"].items() if name.startswith("revenue_")}
    assert over == dict.fromkeys(("revenue_28d", "revenue_90d", "revenue_90d_before", "revenue_all"), "earned")


def test_an_order_in_a_currency_without_a_rate_is_in_no_average(computed):
    """Three orders, one of which has no value in the company's currency: (10 + 5) / 2."""
    shipped = yaml.safe_load((ROOT / "config" / "traits.yaml").read_text())
    paid = (("EUR", "10.00"), ("USD", "10.00"), ("GBP", "10.00"))
    rates = [{"currency": "USD", "day": "2017-06-01", "rate": 0.5}]
    orders = [order(n, "2017-06-02T10:00", currency=code, total=total) for n, (code, total) in enumerate(paid)]
    priced = shipped["traits"]["priced_90d"]["value"].replace("amount", "total")
    found = computed(
        {
            "orders_90d": {"over": "orders", "value": "count(*)", "type": "bigint"},
            "priced_90d": {"over": "orders", "value": priced, "type": "bigint"},
            "revenue_90d": {"over": "orders", "value": "sum(total)", "type": "decimal(18,2)"},
            "basket_90d": {**shipped["traits"]["basket_90d"], "over": None},
        },
        orders=orders,
        rates=rates,
    )["ann"]
    assert (found["orders_90d"], found["priced_90d"], found["basket_90d"]) == (3, 2, 7.5)


def test_lines_count_as_their_order_does_returns_cancellations_credit_notes_edits_and_lines_taken_out(computed):
    shipped = yaml.safe_load((ROOT / "config" / "traits.yaml").read_text())["rows"]
    products = [
        {"product_id": id_, "department": dept} for id_, dept in {"A": "kids", "B": "home", "C": "tuin"}.items()
    ]
    placed = "2017-06-10T10:00"
    orders = [
        order("bought", placed, total="60.00"),
        order("back", placed, total="30.00", status="returned"),
        order("off", placed, total="25.00", status="cancelled"),
        order("note", "2017-06-12T10:00", total="-20.00", credits="bought"),
        order("edited", placed, total="25.00"),
        order("try", placed, total="99.00", status="test"),
        order("gift", placed, total="0.00"),
    ]
    edit = {"updated_at": "2017-06-11", "arrived": "2017-06-11"}
    lines = [
        ("bought", "1", "A", 1, "40.00", {}),
        ("bought", "2", "B", 1, "20.00", {}),
        ("back", "1", "A", 1, "30.00", {}),
        ("off", "1", "C", 1, "25.00", {}),
        ("note", "1", "B", -1, "-20.00", {}),
        ("edited", "1", "B", 2, "50.00", {}),
        ("edited", "1", "B", 1, "25.00", edit),
        ("edited", "2", "C", 1, "10.00", {}),
        ("edited", "2", "C", 1, "10.00", {**edit, "deleted": True}),
        ("try", "1", "C", 9, "99.00", {}),
        ("gift", "1", "A", 1, "0.00", {}),
    ]
    names = ("order_id", "line_id", "product_id", "quantity", "amount")
    money = {"type": "decimal(18,2)", "value": "sum(amount)", "default": 0}
    in_words = {"over": "bought_lines", "where": "quantity > 0", "type": "string"}
    declared = {
        "paid_for": {**money, "over": "bought_lines"},
        "worth": {**money, "over": "earned_lines"},
        "units": {"over": "earned_lines", "value": "sum(quantity)", "type": "double"},
        "favourite": {**in_words, "value": "most_frequent(department)"},
        "departments": {**in_words, "value": "count(distinct department)", "type": "bigint"},
    }
    found = computed(
        declared,
        named={name: shipped[name] for name in ("bought_lines", "earned_lines")},
        orders=orders,
        order_lines=[{**dict(zip(names, line, strict=False)), **line[5]} for line in lines],
        products=products,
    )["ann"]
    told = {name: str(found[name]) for name in declared}
    assert told == {"paid_for": "115.00", "worth": "65.00", "units": "3.0", "favourite": "kids", "departments": "2"}
