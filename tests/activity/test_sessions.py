"""Visits: which events belong together, how the visitor came, what was done."""

from itertools import permutations

import pytest
from pyspark.sql import functions as F

from jobs.activity.sessions import changed_periods, sessions, whole_visits, with_session

ZONE = "Europe/Amsterdam"
CHANNELS = {"paid": "utm_medium = 'cpc'", "direct": "referrer is null and utm_medium is null"}


def visits(events, channels=CHANNELS):
    return sessions(with_session(events, 30), channels, ZONE)


def event(event_id, at, **more):
    return {"event_id": event_id, "occurred_at": f"2017-03-01 {at}", **more}


def test_a_pause_of_exactly_the_gap_goes_on_and_a_microsecond_more_begins_a_new_visit(known, expect):
    goes_on = known("valid/events", event("e1", "10:00:00"), event("e2", "10:30:00"))
    begins = known("valid/events", event("e1", "10:00:00"), event("e2", "10:30:00.000001"))
    expect(visits(goes_on), "started_at events", ("2017-03-01 10:00:00", 2))
    expect(visits(begins).orderBy("started_at"), "events", (1,), (1,))


def test_the_gap_counts_from_the_event_before_and_not_from_the_start(known, expect):
    events = known(
        "valid/events", *[event(f"e{n}", f"10:{n * 20 % 60:02d}:00") for n in range(3)], event("e3", "11:05")
    )
    expect(visits(events), "events ended_at", (4, "2017-03-01 11:05:00"))


def test_two_browsers_of_one_customer_are_two_visits(known, expect):
    events = known("valid/events", event("e1", "10:00"), event("e2", "10:05", cookie_id="k2"))
    expect(visits(events), "customer_id events", ("c", 1), ("c", 1))


def test_without_a_cookie_the_kind_of_device_tells_visits_apart(known, expect):
    events = known(
        "valid/events",
        event("e1", "10:00", cookie_id=None, device="mobile"),
        event("e2", "10:05", cookie_id=None, device="mobile"),
        event("e3", "10:06", cookie_id=None, device="desktop"),
    )
    expect(visits(events), "device events", ("mobile", 2), ("desktop", 1))


def test_a_visit_over_midnight_is_one_visit_on_the_day_it_began_in_the_zone_of_the_company(known, expect):
    events = known("valid/events", event("e1", "22:50"), event("e2", "23:10"))  # 23:50 and 00:10 in Amsterdam
    late = known("valid/events", event("e1", "23:10"))
    expect(visits(events), "day events", ("2017-03-01", 2))
    expect(visits(late), "day events", ("2017-03-02", 1))


def test_the_order_in_which_events_arrive_changes_nothing(known):
    events = [event("e2", "10:20"), event("e1", "10:20"), event("e0", "10:00"), event("e3", "11:30")]
    results = {
        tuple(sorted(visits(known("valid/events", *mixed)).select("session_id", "events", "started_at").collect()))
        for mixed in permutations(events)
    }
    assert len(results) == 1


def test_a_late_event_between_two_visits_joins_them_as_if_it_had_been_in_time(known, expect):
    early, late = event("e1", "10:00"), event("e3", "10:50")
    apart = visits(known("valid/events", early, late))
    joined = visits(known("valid/events", early, late, event("e2", "10:25")))
    expect(apart, "events", (1,), (1,))
    expect(joined, "events", (3,))
    first = apart.orderBy("started_at").first()["session_id"]
    assert joined.first()["session_id"] == first, "the visit that began first keeps its id"


def test_the_id_of_a_visit_does_not_depend_on_who_the_visitor_turns_out_to_be(known):
    ids = {
        visits(known("valid/events", event("e1", "10:00", contact_id=who))).first()["session_id"]
        for who in ("c1", "c2")
    }
    assert len(ids) == 1


def test_events_of_nobody_are_no_visit(known):
    events = known("valid/events", event("e1", "10:00")).withColumn("customer_id", F.lit(None).cast("string"))
    assert visits(events).count() == 0


@pytest.mark.parametrize(
    ("first", "channel"),
    [({}, "direct"), ({"utm_medium": "cpc"}, "paid"), ({"utm_medium": "pigeon"}, "unknown")],
)
def test_the_first_event_says_how_a_visit_came_and_what_no_rule_knows_is_unknown(known, expect, first, channel):
    events = known("valid/events", event("e1", "10:00", **first), event("e2", "10:01", utm_medium="cpc"))
    expect(visits(events), "channel", (channel,))


def test_a_visit_counts_what_was_done_and_an_order_reported_twice_once(known, expect):
    events = known(
        "valid/events",
        event("e1", "10:00", type="login"),
        event("e2", "10:01", url="/p/1", type="product_view"),
        event("e3", "10:02", url="/search", type="search"),
        event("e4", "10:03", type="add_to_cart"),
        event("e5", "10:04", type="purchase", order_id="o1", value="12.50"),
        event("e6", "10:04:01", type="purchase", order_id="o1", value="12.50"),
        event("e7", "10:05", type="purchase", order_id="o2", value="0.10"),
    )
    expect(
        visits(events),
        "entry_url events pages searches product_views carts orders revenue",
        ("/p/1", 7, 2, 1, 1, 1, 2, "12.60"),
    )


def test_of_events_of_one_moment_the_one_that_tells_the_source_is_first(known, expect):
    events = known(
        "valid/events",
        event("a", "10:00", referrer="https://shop.example/"),
        event("b", "10:00", utm_medium="cpc", url="/landing"),
        event("c", "10:00", url="/none"),
    )
    expect(visits(events), "channel entry_url events", ("paid", "/landing", 3))


def test_the_order_the_tracker_gives_decides_between_events_of_one_moment(known, expect):
    events = known(
        "valid/events",
        event("a", "10:00", sequence=2, utm_medium="cpc", url="/second"),
        event("b", "10:00", sequence=1, url="/first"),
    )
    expect(visits(events), "channel entry_url", ("direct", "/first"))


def tracked(at, session, **more):
    return event(f"{session}{at}", at, tracker_session_id=session, **more)


def test_the_tracker_says_which_visit_an_event_is_of_whatever_the_pauses(known, expect):
    events = known(
        "valid/events",
        tracked("10:00", "1"), tracked("12:00", "1"),  # two hours, one visit
        tracked("12:01", "2"), tracked("12:02", "1"),  # two tabs
        tracked("12:03", " "), event("e", "12:04", tracker_session_id=None),  # it does not say: pauses count
        tracked("12:03", "2", cookie_id="k2"),  # the same number in another browser
        tracked("12:05", "2", source="app"),  # and of another tracker
    )  # fmt: skip
    found = visits(events).orderBy("started_at", "events")
    expect(found, "started_at events", ("2017-03-01 10:00:00", 3), ("2017-03-01 12:01:00", 1),
           ("2017-03-01 12:03:00", 1), ("2017-03-01 12:03:00", 2), ("2017-03-01 12:05:00", 1))  # fmt: skip
    assert visits(events).where("tracker_session is null").count() == 1


@pytest.mark.parametrize(("tracker", "periods"), [("t", [("10:00", "14:00")]), ("", [("14:00", "14:00")])])
def test_a_late_event_makes_all_of_its_trackers_visit_again_however_long_ago_that_was(spark, tracker, periods):
    told = [
        ("c", "c", "10:00", "10:05", tracker),
        ("c", None, "14:00", "14:00", tracker),
        ("c", "c", "16:00", "16:05", ""),
    ]
    spans = spark.createDataFrame(
        told, "customer_id string, before string, low string, high string, tracker_session string"
    )
    at = {name: F.to_timestamp(F.concat(F.lit("2017-03-01 "), name)) for name in ("low", "high")}
    found = changed_periods(whole_visits(spans.withColumns(at)), 30)
    clock = [F.date_format(name, "HH:mm").alias(name) for name in ("low", "high")]
    assert [tuple(row) for row in found.select(*clock).collect()] == periods


def test_a_visit_ends_at_midnight_of_the_company_where_that_is_declared(known, expect):
    events = known("valid/events", *(event(f"e{at}", at) for at in ("22:50", "22:59", "23:10")), tracked("22:58", "1"),
                   tracked("23:01", "1"))  # fmt: skip
    expect(visits(events), "events", (3,), (2,))
    parted = sessions(with_session(events, 30, midnight_in=ZONE), CHANNELS, ZONE)
    expect(parted, "day events", ("2017-03-01", 2), ("2017-03-02", 1), ("2017-03-01", 1), ("2017-03-02", 1))


def test_no_visit_is_longer_than_declared(known, expect):
    times = ("10:00", "10:20", "10:40", "11:00", "11:59", "12:01")
    events = known("valid/events", *(tracked(at, "1") for at in times), *(event(f"e{at}", at) for at in times[:3]))
    parted = sessions(with_session(events, 30, longest_minutes=30), CHANNELS, ZONE)
    expect(parted.orderBy("started_at", "tracker_session"), "started_at events",
           ("2017-03-01 10:00:00", 2), ("2017-03-01 10:00:00", 2), ("2017-03-01 10:40:00", 1),
           ("2017-03-01 10:40:00", 1), ("2017-03-01 11:00:00", 1), ("2017-03-01 11:59:00", 1),
           ("2017-03-01 12:01:00", 1))  # fmt: skip


def test_another_campaign_in_the_middle_of_a_visit_begins_a_new_one_where_that_is_declared(known, expect):
    events = known(
        "valid/events",
        event("e1", "10:00"),
        event("e2", "10:05", utm_medium="cpc", utm_campaign="spring"),
        event("e3", "10:06"),
        event("e4", "10:07", utm_medium="cpc", utm_campaign="spring"),
        event("e5", "10:08", utm_medium="cpc", utm_campaign="summer"),
    )
    expect(visits(events), "events", (5,))
    parted = sessions(with_session(events, 30, new_campaign_begins=True), CHANNELS, ZONE)
    expect(parted, "started_at channel events", ("2017-03-01 10:00:00", "direct", 1),
           ("2017-03-01 10:05:00", "paid", 3), ("2017-03-01 10:08:00", "paid", 1))  # fmt: skip
