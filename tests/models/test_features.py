"""Features know what was known on the day, no more and no less."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jobs.config.journey import Journey
from jobs.models.features import features_as_of, ratio

DAY = dt.date(2017, 6, 30)
JOURNEY = Journey(
    stages=[{"stage": "awareness", "name": "seen", "when": "true"}],
    valence=[
        {"name": "detractor", "when": "type = 'nps' and score <= 6", "valence": "negative"},
        {"name": "unhappy", "when": "score <= 2 and type in ('csat', 'resolution')", "valence": "negative"},
        {"name": "gone wrong", "when": "type in ('return', 'complaint')", "valence": "negative"},
    ],
)


def as_of(inputs, *days):
    """Features by (day, customer), computed in one pass."""
    found = features_as_of(inputs, days or [DAY], "Europe/Amsterdam", JOURNEY).collect()
    return {(row["day"], row["customer_id"]): row.asDict() for row in found}


def of(inputs, customer="anna", day=DAY):
    return as_of(inputs, day)[day, customer]


def order(day, number=None, **more):
    return {
        "order_id": number or f"o{day}",
        "loyalty_id": "anna",
        "ordered_at": f"{day} 10:00:00",
        "total": 20,
        "discount": 0,
        **more,
    }


def event(moment, number=None, **more):
    return {"event_id": number or moment, "loyalty_id": "anna", "occurred_at": moment, **more}


def conversation(number, opened, closed, **more):
    return {"conversation_id": number, "loyalty_id": "anna", "opened_at": opened, "closed_at": closed, **more}


def test_a_window_of_28_days_is_the_day_itself_and_the_27_before_it(inputs):
    orders = [order("2017-06-30"), order("2017-06-03"), order("2017-06-02"), order("2017-04-01"), order("2017-03-31")]
    found = of(inputs(orders=orders))
    assert (found["orders_28d"], found["orders_91d"], found["orders_all"]) == (2, 4, 5)
    assert (found["revenue_28d"], found["revenue_91d"], found["revenue_all"]) == (40, 80, 100)


def test_a_day_is_cut_at_midnight_of_the_company_not_of_greenwich(inputs):
    late = order("2017-06-30", ordered_at="2017-06-30 22:30:00")  # 00:30 on 1 July in Amsterdam
    tables = inputs(orders=[late])
    assert as_of(tables, DAY) == {}
    assert of(tables, day=dt.date(2017, 7, 1))["recency_days"] == 0


def test_recency_tenure_gap_and_overdue_come_from_the_days_of_orders(inputs):
    found = of(inputs(orders=[order(f"2017-06-{day}") for day in ("01", "11", "21")]))
    assert found["tenure_days"] == 29
    assert found["recency_days"] == 9
    assert found["gap_days"] == 10
    assert found["overdue"] == 0.9


def test_someone_with_one_order_has_no_gap_and_cannot_be_overdue(inputs):
    found = of(inputs(orders=[order("2017-06-01")]))
    assert found["gap_days"] is None
    assert found["overdue"] is None


def test_a_cancelled_order_is_none_and_a_returned_one_earns_nothing(inputs):
    orders = [
        order("2017-06-01", status="cancelled"),
        order("2017-06-02", status="returned"),
        order("2017-06-03", total=12.34, discount=1.66),
    ]
    found = of(inputs(orders=orders))
    assert found["orders_91d"] == 2
    assert found["revenue_91d"] == 12.34
    assert found["negative_contacts_91d"] == 1
    assert found["discount_share_91d"] == 0.118571


def test_an_order_that_arrives_late_is_unknown_until_then(inputs):
    tables = inputs(orders=[order("2017-06-01"), order("2017-06-28", arrived="2017-07-02")])
    found = as_of(tables, DAY, dt.date(2017, 7, 2))
    assert found[DAY, "anna"]["orders_all"] == 1
    assert found[dt.date(2017, 7, 2), "anna"]["orders_all"] == 2


def test_an_order_is_what_its_newest_version_known_on_the_day_says(inputs):
    versions = [
        order("2017-06-01", "o1", updated_at="2017-06-01", arrived="2017-06-01"),
        order("2017-06-01", "o1", updated_at="2017-06-20", arrived="2017-07-05", status="cancelled"),
        order("2017-05-01", "o2"),
    ]
    found = as_of(inputs(orders=versions), DAY, dt.date(2017, 7, 5))
    assert found[DAY, "anna"]["orders_all"] == 2
    assert found[dt.date(2017, 7, 5), "anna"]["orders_all"] == 1


def test_an_older_version_that_arrives_after_a_newer_one_changes_nothing(inputs):
    versions = [
        order("2017-06-01", "o1", updated_at="2017-06-20", arrived="2017-06-20", total=30),
        order("2017-06-01", "o1", updated_at="2017-06-01", arrived="2017-06-25", total=20),
    ]
    assert of(inputs(orders=versions))["revenue_all"] == 30


def test_events_are_one_visit_until_more_than_half_an_hour_of_silence(inputs):
    moments = ["2017-06-29 10:00:00", "2017-06-29 10:30:00", "2017-06-29 11:00:01", "2017-06-29 11:00:02"]
    events = [event(moment, device="mobile") for moment in moments[:2]] + [
        event(m, device="desktop") for m in moments[2:]
    ]
    found = of(inputs(events=events))
    assert found["sessions_28d"] == 2
    assert found["mobile_share_91d"] == 0.5


def test_an_event_that_arrives_late_joins_two_visits_from_that_day_on(inputs):
    events = [
        event("2017-06-29 10:00:00"),
        event("2017-06-29 10:20:00", arrived="2017-07-03"),
        event("2017-06-29 10:40:00"),
    ]
    found = as_of(inputs(events=events), DAY, dt.date(2017, 7, 3))
    assert found[DAY, "anna"]["sessions_28d"] == 2
    assert found[dt.date(2017, 7, 3), "anna"]["sessions_28d"] == 1


def test_two_events_at_the_same_moment_are_one_visit(inputs):
    assert (
        of(inputs(events=[event("2017-06-29 10:00:00", "a"), event("2017-06-29 10:00:00", "b")]))["sessions_28d"] == 1
    )


def test_departments_are_counted_once_and_only_of_orders_that_were_kept(inputs):
    tables = inputs(
        orders=[order("2017-06-01", "o1"), order("2017-06-02", "o2"), order("2017-06-03", "o3", status="returned")],
        order_lines=[
            {"order_id": "o1", "product_id": "p1", "ordered_at": "2017-06-01 10:00:00", "arrived": "2017-06-01"},
            {"order_id": "o2", "product_id": "p2", "ordered_at": "2017-06-02 10:00:00", "arrived": "2017-06-02"},
            {"order_id": "o3", "product_id": "p3", "ordered_at": "2017-06-03 10:00:00", "arrived": "2017-06-03"},
        ],
        products=[
            {"product_id": "p1", "department": "grocery", "arrived": "2017-01-01"},
            {"product_id": "p2", "department": "grocery", "arrived": "2017-01-01"},
            {"product_id": "p3", "department": "toys", "arrived": "2017-01-01"},
        ],
    )
    assert of(tables)["departments_91d"] == 1


def test_a_product_counts_for_the_department_it_was_in_on_the_day(inputs):
    tables = inputs(
        orders=[order("2017-06-01", "o1"), order("2017-06-02", "o2")],
        order_lines=[
            {"order_id": "o1", "product_id": "p1", "ordered_at": "2017-06-01 10:00:00", "arrived": "2017-06-01"},
            {"order_id": "o2", "product_id": "p2", "ordered_at": "2017-06-02 10:00:00", "arrived": "2017-06-02"},
        ],
        products=[
            {"product_id": "p1", "department": "grocery", "arrived": "2017-01-01"},
            {"product_id": "p2", "department": "grocery", "arrived": "2017-01-01"},
            {"product_id": "p2", "department": "toys", "updated_at": "2017-07-01", "arrived": "2017-07-01"},
        ],
    )
    found = as_of(tables, DAY, dt.date(2017, 7, 1))
    assert [row["departments_91d"] for _, row in sorted(found.items())] == [1, 2]


def test_answers_are_the_newest_known_and_unhappy_ones_are_negative_contacts(inputs):
    responses = [
        {"response_id": "r1", "kind": "nps", "score": 9.0, "answered_at": "2017-06-01 10:00:00"},
        {"response_id": "r2", "kind": "nps", "score": 3.0, "answered_at": "2017-06-10 10:00:00"},
        {
            "response_id": "r3",
            "kind": "nps",
            "score": 10.0,
            "answered_at": "2017-06-20 10:00:00",
            "arrived": "2017-07-01",
        },
        {"response_id": "r4", "kind": "csat", "score": 8.0, "scale_max": 10.0, "answered_at": "2017-01-10 10:00:00"},
        {"response_id": "r5", "kind": "text", "comment": "nice", "answered_at": "2017-06-21 10:00:00"},
    ]
    found = of(inputs(survey_responses=[{**response, "loyalty_id": "anna"} for response in responses]))
    assert (found["nps_last"], found["csat_last"]) == (3, 4.11)
    assert found["negative_contacts_91d"] == 1


def test_clicks_conversations_and_complaints_are_counted(inputs):
    tables = inputs(
        campaign_events=[
            {"event_id": kind, "loyalty_id": "anna", "type": kind, "occurred_at": "2017-06-20 10:00:00"}
            for kind in ("sent", "click", "redeem", "complaint")
        ],
        conversations=[
            conversation("c1", "2017-06-20 10:00:00", "2017-06-21 10:00:00", csat=1.0),
            conversation("c2", "2017-03-01 10:00:00", "2017-03-01 11:00:00", csat=5.0),
        ],
    )
    found = of(tables)
    assert (found["clicks_91d"], found["conversations_91d"], found["negative_contacts_91d"]) == (2, 1, 2)
    assert found["csat_last"] == 1


def test_rows_of_nobody_are_nobodys_features(inputs):
    assert (
        as_of(
            inputs(
                orders=[order("2017-06-01", loyalty_id=None)], events=[event("2017-06-29 10:00:00", loyalty_id=None)]
            )
        )
        == {}
    )


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"), [(1, 3, 0.333333), (2, 3, 0.666667), (1, 128, 0.007813), (1, 0, None)]
)
def test_a_ratio_is_rounded_half_up_to_six_digits_and_empty_over_zero(spark, numerator, denominator, expected):
    frame = spark.sql(f"select cast({numerator} as bigint) as a, cast({denominator} as bigint) as b")
    assert frame.select(ratio("a", "b").alias("x")).collect()[0]["x"] == expected


DAYS = st.integers(0, 120).map(lambda back: DAY + dt.timedelta(days=30 - back))


@st.composite
def histories(draw):
    """Orders with versions and events, each happening and arriving on any day around the snapshots."""
    orders = [
        order(
            draw(DAYS).isoformat(),
            draw(st.sampled_from("abc")),
            updated_at=draw(DAYS).isoformat(),
            arrived=draw(DAYS).isoformat(),
            status=draw(st.sampled_from(["completed", "cancelled", "returned"])),
            line=number,
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    events = [
        event(
            f"{draw(DAYS)} 10:{draw(st.integers(0, 59)):02d}:00",
            f"e{number}",
            type=draw(st.sampled_from(["product_view", "add_to_cart", "page_view"])),
            arrived=draw(DAYS).isoformat(),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    return orders, events


@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories())
def test_what_arrives_or_happens_after_a_day_never_changes_the_features_of_that_day(inputs, history):
    orders, events = history
    earlier = DAY - dt.timedelta(days=20)

    def known_by(day, records):
        return [record for record in records if record["arrived"] <= day.isoformat()]

    everything = as_of(inputs(orders=orders, events=events), DAY, earlier)
    for day in (DAY, earlier):
        then = as_of(inputs(orders=known_by(day, orders), events=known_by(day, events)), day)
        assert {key: row for key, row in everything.items() if key[0] == day} == then
