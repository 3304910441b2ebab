"""Numbers of several days in one pass know what was known on each day, no more and no less."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jobs.activity.known_rows import ALSO_NEEDED, Known
from jobs.activity.on_days import values_on
from jobs.config.traits import ROWS
from jobs.identity.identifiers import identifier_hash
from jobs.lake.tables.canonical import PERSON_COLUMNS

DAY, LATER = dt.date(2017, 6, 30), dt.date(2017, 7, 5)
JOURNEY = {
    "stages": [{"stage": "awareness", "name": "seen", "when": "true"}],
    "valence": [
        {"name": "detractor", "when": "type = 'nps' and score <= 6", "valence": "negative"},
        {"name": "sent_back", "when": "type = 'return'", "valence": "negative"},
    ],
}
DEFAULTS = {
    "orders": {"source": "pos", "file_id": "f", "line": 1, "status": "completed", "channel": "store"},
    "order_lines": {"source": "pos", "line_id": "1"},
    "products": {"source": "pos", "file_id": "f", "line": 1, "updated_at": "2016-12-01"},
    "events": {"source": "web", "type": "page_view"},
    "conversations": {"source": "chat", "file_id": "f", "line": 1},
    "tickets": {"source": "desk", "file_id": "f", "line": 1},
    "messages": {"source": "chat"},
    "survey_responses": {"source": "survey", "question_id": "q"},
    "campaign_events": {"source": "campaigns"},
}
SHORT = {"models/texts": "texts", "journeys/touchpoints": "published"}
"""Tables outside valid/ by the name under which a test gives their rows."""
PHONE = "+32470123456"
PEOPLE = tuple(f"person{n}" for n in range(10))
COUNT = {"title": "t", "value": "count(*)", "type": "bigint"}


@pytest.fixture
def on_days(settings, rows):
    """`on_days({name: trait}, orders=[...], days=[...])`: {(day, customer): values}; `loyalty_id` is the customer."""

    def build(declared, days=(DAY, LATER), **tables):
        traits = {name: {**COUNT, **trait} for name, trait in declared.items()}
        loaded = settings({"traits.yaml": {"traits": traits}, "journey.yaml": JOURNEY})
        names = {name: loaded.traits[name] for name in declared}
        identities = [
            {"identifier": identifier_hash("loyalty", who, loaded), "customer_id": who}
            for who in ("anna", "bob", *PEOPLE)
        ]
        identities.append({"identifier": identifier_hash("phone", PHONE, loaded), "customer_id": "anna"})
        needed = {n for kind in ROWS for n in (kind, *ALSO_NEEDED.get(kind, ()))} - {"sessions", "touchpoints"}
        data = {f"valid/{n}": rows(f"valid/{n}", *tables.get(n, [])) for n in needed - {"carts", "moments"}}
        data["models/texts"] = rows("models/texts", *tables.get("texts", []))
        data["journeys/touchpoints"] = rows("journeys/touchpoints", *tables.get("published", []))
        for name, default in DEFAULTS.items():
            records = [_on_time({**default, **record}) for record in tables.get(name, [])]
            data[f"valid/{name}"] = rows(f"valid/{name}", *records)
        absent = {name for name in data if not tables.get(SHORT.get(name, name.removeprefix("valid/")))}
        unfilled = lambda name: _unfilled(tables.get(name.removeprefix("valid/"), []))  # noqa: E731
        known = Known(
            data.__getitem__, rows("identity/map", *identities), list(days), loaded, absent=absent, unfilled=unfilled
        )
        found = values_on(known, names).collect()
        return {(row["snapshot"], row["customer_id"]): row.asDict() for row in found}

    return build


def _unfilled(records):
    """Identifiers that no record has, as statistics of files tell them."""
    return {column for column in PERSON_COLUMNS if all(record.get(column) is None for record in records)}


def _on_time(record):
    """A record is written and arrives on the day it is about, unless the test says otherwise."""
    moments = ("ordered_at", "occurred_at", "opened_at", "answered_at", "sent_at")
    moment = next((record[name] for name in moments if name in record), "2017-01-01")
    versions = {"updated_at": moment} if "file_id" in record else {}
    return {"arrived": moment[:10], **versions, **record}


OPEN = {"over": "touchpoints", "where": "type = 'conversation'", "while_open": True}


def test_a_conversation_can_count_only_until_it_is_solved(on_days):
    def talk(number, opened, closed=None):
        record = {"conversation_id": number, "loyalty_id": "anna", "opened_at": f"{opened} 10:00:00"}
        solved = {**record, "closed_at": f"{closed} 11:00:00", "arrived": closed, "updated_at": f"{closed} 11:00:00"}
        return [record, *([solved] if closed else [])]

    conversations = [
        *talk("solved in between", "2017-06-20", "2017-07-02"),
        *talk("waits", "2017-06-30"),
        *talk("solved the same day", "2017-06-29", "2017-06-29"),
        *talk("waits for long", "2017-06-21"),
        *talk("solved by then", "2017-06-25", "2017-06-28"),
    ]
    found = on_days({"waiting": OPEN, "waiting_14d": {**OPEN, "days": 14}}, conversations=conversations)
    assert told(found, "waiting") == [3, 2]
    assert told(found, "waiting_14d") == [3, 1]


def order(day, number=None, **more):
    return {"order_id": number or f"o{day}", "loyalty_id": "anna", "ordered_at": f"{day} 10:00:00", "total": 20, **more}


def event(moment, number=None, **more):
    return {"event_id": number or moment, "loyalty_id": "anna", "occurred_at": moment, **more}


def told(found, name, days=(DAY, LATER)):
    """The value of Anna on each day; None also where she is not known."""
    return [found.get((day, "anna"), {}).get(name) for day in days]


ORDERS = {"n": {"over": "orders"}, "spent": {"over": "orders", "value": "sum(total)", "type": "decimal(18,2)"}}


def test_a_window_moves_with_the_day(on_days):
    orders = [order("2017-06-03"), order("2017-06-02"), order("2017-07-05")]
    assert told(on_days({"month": {"over": "orders", "days": 28}}, orders=orders), "month") == [1, 1]
    before = {"over": "orders", "days": 28, "ending_days_ago": 28}
    assert told(on_days({"month_before": before}, orders=orders), "month_before") == [1, 2]


def test_a_day_is_cut_at_midnight_of_the_company_not_of_greenwich(on_days):
    late = order("2017-06-30", ordered_at="2017-06-30 22:30:00")  # 00:30 on 1 July in Amsterdam
    assert told(on_days({"ago": {"over": "orders", "value": "min(days_ago)"}}, orders=[late]), "ago") == [None, 4]


def test_an_order_that_arrives_late_is_unknown_until_then(on_days):
    orders = [order("2017-06-01"), order("2017-06-28", arrived="2017-07-02")]
    assert told(on_days(ORDERS, orders=orders), "n") == [1, 2]


def test_an_order_is_what_its_newest_version_known_on_the_day_says(on_days):
    versions = [
        order("2017-06-01", "o1", updated_at="2017-06-01", arrived="2017-06-01"),
        order("2017-06-01", "o1", updated_at="2017-06-20", arrived="2017-07-05", status="cancelled", total=0),
        order("2017-05-01", "o2"),
    ]
    placed = {**ORDERS, "placed": {"over": "orders", "where": "status <> 'cancelled'"}}
    found = on_days(placed, orders=versions)
    assert (told(found, "n"), told(found, "placed"), told(found, "spent")) == ([2, 2], [2, 1], [40, 20])


def test_an_older_version_that_arrives_after_a_newer_one_changes_nothing(on_days):
    versions = [
        order("2017-06-01", "o1", updated_at="2017-06-20", arrived="2017-06-20", total=30),
        order("2017-06-01", "o1", updated_at="2017-06-01", arrived="2017-07-01", total=20),
    ]
    assert told(on_days(ORDERS, orders=versions), "spent") == [30, 30]


def test_latest_and_most_frequent_are_those_of_each_day(on_days):
    orders = [
        order("2017-06-01", channel="web"),
        order("2017-06-02", channel="app"),
        order("2017-07-01", channel="store"),
        order("2017-07-02", channel="store"),
    ]
    declared = {
        "last": {"over": "orders", "value": "latest(channel)", "type": "string"},
        "first": {"over": "orders", "value": "earliest(channel)", "type": "string"},
        "mostly": {"over": "orders", "value": "most_frequent(channel)", "type": "string"},
        "channels": {"over": "orders", "value": "count(distinct channel)"},
        "mean": {"over": "orders", "value": "avg(total)", "type": "double"},
        "old": {"over": "orders", "value": "count(*)", "where": "days_ago > 20"},
    }
    for some in (declared, {name: trait for name, trait in declared.items() if name != "old"}):
        found = on_days(some, orders=orders)
        assert told(found, "last") == ["app", "store"]
        assert told(found, "first") == ["web", "web"]
        assert told(found, "mostly") == ["app", "store"]
        assert told(found, "channels") == [2, 3]
        assert told(found, "mean") == [20, 20]
    assert told(on_days(declared, orders=orders), "old") == [2, 2]


def test_events_are_one_session_until_more_than_half_an_hour_of_silence(on_days):
    moments = ["2017-06-29 10:00:00", "2017-06-29 10:30:00", "2017-06-29 11:00:01", "2017-06-29 11:00:02"]
    assert told(on_days({"n": {"over": "sessions"}}, events=[event(moment) for moment in moments]), "n") == [2, 2]


def test_an_event_that_arrives_late_joins_two_sessions_from_that_day_on(on_days):
    events = [
        event("2017-06-29 10:00:00", type="add_to_cart"),
        event("2017-06-29 10:20:00", arrived="2017-07-03"),
        event("2017-06-29 10:40:00", type="add_to_cart"),
    ]
    declared = {"n": {"over": "sessions"}, "most": {"over": "sessions", "value": "max(carts)"}}
    found = on_days(declared, events=events)
    assert (told(found, "n"), told(found, "most")) == ([2, 1], [1, 2])


def test_a_session_over_midnight_is_known_as_far_as_it_went(on_days):
    events = [event("2017-06-30 21:50:00"), event("2017-06-30 22:10:00")]  # ten to midnight, ten past, in Amsterdam
    assert told(on_days({"n": {"over": "sessions", "value": "sum(events)"}}, events=events), "n") == [1, 2]


def test_contacts_of_every_channel_are_as_known_on_the_day(on_days):
    responses = [
        {"response_id": "r1", "kind": "nps", "score": 9.0, "answered_at": "2017-06-01 10:00:00"},
        {"response_id": "r2", "kind": "nps", "score": 8.0, "scale_max": 20.0, "answered_at": "2017-06-10 10:00:00"},
        {"response_id": "r3", "kind": "nps", "score": 10.0, "answered_at": "2017-06-20 10:00:00"}
        | {"arrived": "2017-07-01"},
    ]
    returned = [
        order("2017-06-01", "o1", updated_at="2017-06-01"),
        order("2017-06-01", "o1", updated_at="2017-07-02", arrived="2017-07-02", status="returned"),
    ]
    clicks = [
        {"event_id": kind, "loyalty_id": "anna", "type": kind, "occurred_at": "2017-06-20 10:00:00"}
        for kind in ("sent", "click", "redeem")
    ]
    over = {"over": "touchpoints"}
    declared = {
        "nps": {**over, "where": "type = 'nps'", "value": "latest(score)", "type": "double"},
        "negative": {**over, "where": "valence = 'negative'"},
        "clicks": {**over, "where": "type in ('click', 'redeem')"},
        "kept": {**over, "where": "type = 'order' and subject <> 'returned'"},
        "visits": {**over, "where": "type = 'visit'"},
    }
    answers = [{**response, "loyalty_id": "anna"} for response in responses]
    found = on_days(
        declared,
        survey_responses=answers,
        orders=returned,
        campaign_events=clicks,
        events=[event("2017-06-20 10:00:00")],
    )
    assert (told(found, "nps"), told(found, "negative")) == ([4, 10], [1, 2])
    assert (told(found, "clicks"), told(found, "kept"), told(found, "visits")) == ([2, 2], [1, 0], [1, 1])


def test_a_return_told_of_twice_is_of_the_first_day_it_was_known_for(on_days):
    versions = [
        order("2017-06-01", "o1", status="returned", updated_at="2017-06-12", arrived="2017-06-12"),
        order("2017-06-01", "o1", status="returned", updated_at="2017-06-09", arrived="2017-07-01"),
    ]
    ago = {"over": "touchpoints", "where": "type = 'return'", "value": "max(day)", "type": "date"}
    assert told(on_days({"on": ago}, orders=versions), "on") == [dt.date(2017, 6, 12), dt.date(2017, 6, 9)]


def test_a_product_counts_for_the_department_it_was_in_on_the_day(on_days):
    line = {"ordered_at": "2017-06-01 10:00:00", "arrived": "2017-06-01"}
    found = on_days(
        {
            "departments": {"over": "order_lines", "value": "count(distinct department)"},
            "lines": {"over": "order_lines"},
        },
        orders=[order("2017-06-01", "o1"), order("2017-06-02", "o2")],
        order_lines=[{"order_id": f"o{n}", "product_id": f"p{n}", **line} for n in (1, 2)],
        products=[
            {"product_id": "p1", "department": "grocery", "arrived": "2017-01-01"},
            {"product_id": "p2", "department": "grocery", "arrived": "2017-01-01"},
            {"product_id": "p2", "department": "toys", "updated_at": "2017-07-01", "arrived": "2017-07-01"},
        ],
    )
    assert (told(found, "departments"), told(found, "lines")) == ([1, 2], [2, 2])


def test_a_line_counts_before_its_product_is_listed_and_a_message_before_its_conversation_is_known(on_days):
    found = on_days(
        {
            "lines": {"over": "order_lines"},
            "listed": {"over": "order_lines", "where": "department is not null"},
            "said": {"over": "messages"},
        },
        orders=[order("2017-06-01", "o1")],
        order_lines=[{"order_id": "o1", "product_id": "p", "ordered_at": "2017-06-01 10:00:00"}],
        products=[
            {"product_id": "first", "arrived": "2017-01-01"},
            {"product_id": "p", "department": "toys", "arrived": "2017-07-01"},
        ],
        conversations=[
            {"conversation_id": "first", "opened_at": "2017-01-01 10:00:00"},
            {"conversation_id": "k", "loyalty_id": "anna", "opened_at": "2017-06-01 10:00:00", "arrived": "2017-07-01"},
        ],
        messages=[{"message_id": "m", "conversation_id": "k", "sent_at": "2017-06-01 10:00:00"}],
    )
    assert [told(found, name) for name in ("lines", "listed", "said")] == [[1, 1], [0, 1], [0, 1]]


def test_lines_and_messages_have_the_country_of_the_number_of_their_order_and_conversation(on_days):
    belgian = {"loyalty_id": None, "phone": "0470 12 34 56", "attributes": '{"country":"BE"}'}
    found = on_days(
        {"lines": {"over": "order_lines"}, "said": {"over": "messages"}},
        orders=[order("2017-06-01", "o1", **belgian)],
        order_lines=[{"order_id": "o1", "product_id": "p", "ordered_at": "2017-06-01 10:00:00"}],
        conversations=[{"conversation_id": "k", "opened_at": "2017-06-01 10:00:00", **belgian}],
        messages=[{"message_id": "m", "conversation_id": "k", "sent_at": "2017-06-01 10:00:00"}],
    )
    assert (told(found, "lines"), told(found, "said")) == ([1, 1], [1, 1])


def test_rows_of_nobody_are_nobodys_numbers(on_days):
    nobody = on_days(
        {"n": {"over": "orders"}, "v": {"over": "sessions"}},
        orders=[order("2017-06-01", loyalty_id=None)],
        events=[event("2017-06-29 10:00:00", loyalty_id=None)],
    )
    assert nobody == {}


DAYS = st.integers(0, 60).map(lambda back: DAY + dt.timedelta(days=30 - back))


@st.composite
def histories(draw):
    """Orders with versions and events of ten people, each happening and arriving on any day around the days asked for.

    The engine is asked once for all of them.
    """
    orders = [
        order(
            draw(DAYS).isoformat(),
            f"{draw(st.sampled_from('ab'))} of {who}",
            loyalty_id=who,
            updated_at=draw(DAYS).isoformat(),
            arrived=draw(DAYS).isoformat(),
            status=draw(st.sampled_from(["completed", "returned"])),
            line=number,
        )
        for who in PEOPLE
        for number in range(draw(st.integers(0, 5)))
    ]
    events = [
        event(
            f"2017-06-{draw(st.integers(9, 11)):02d} 10:{draw(st.integers(0, 59)):02d}:00",
            f"e{number} of {who}",
            loyalty_id=who,
            type=draw(st.sampled_from(["product_view", "add_to_cart", "page_view"])),
            arrived=draw(DAYS).isoformat(),
        )
        for who in PEOPLE
        for number in range(draw(st.integers(0, 6)))
    ]
    return orders, events


@hypothesis_settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(histories())
def test_each_of_several_days_is_as_if_it_were_the_only_one_and_nothing_had_arrived_since(on_days, history):
    orders, events = history
    declared = {
        **ORDERS,
        "ago": {"over": "orders", "value": "min(days_ago)", "where": "status = 'completed'"},
        "sessions": {"over": "sessions", "days": 28},
        "longest": {"over": "sessions", "value": "max(events)"},
        "sent_back": {"over": "touchpoints", "where": "type = 'return'", "value": "max(day)", "type": "date"},
        "contacts": {"over": "touchpoints", "days": 14},
    }
    days = [DAY - dt.timedelta(days=15), DAY]
    everything = on_days(declared, days=days, orders=orders, events=events)
    for day in days:
        known = [[row for row in some if row["arrived"] <= day.isoformat()] for some in (orders, events)]
        then = on_days(declared, days=[day], orders=known[0], events=known[1])
        assert {key: row for key, row in everything.items() if key[0] == day} == then


def test_of_a_line_that_is_edited_later_each_day_counts_the_version_it_knew_and_only_that(on_days):
    lines = {"over": "order_lines", "value": "sum(amount)", "type": "decimal(18,2)"}
    first = {"ordered_at": "2017-06-01 10:00:00", "updated_at": "2017-06-01", "arrived": "2017-06-02"}
    later = {**first, "updated_at": "2017-07-01", "arrived": "2017-07-01"}
    found = on_days(
        {"lines": {"over": "order_lines"}, "spent": lines, "of_a": {**lines, "where": "product_id = 'A'"}},
        orders=[order("2017-06-01", "o1"), order("2017-06-01", "o2")],
        order_lines=[
            {"order_id": "o1", "line_id": "1", "product_id": "A", "amount": 30, **first},
            {"order_id": "o1", "line_id": "2", "product_id": "B", "amount": 30, **first},
            {"order_id": "o2", "line_id": "1", "product_id": "A", "amount": 5, **first},
            {"order_id": "o1", "line_id": "1", "product_id": "A", "amount": 10, **later},
            {"order_id": "o1", "line_id": "2", "product_id": "B", "amount": 30, "deleted": True, **later},
        ],
    )
    assert [told(found, name) for name in ("lines", "spent", "of_a")] == [[3, 2], [65, 15], [35, 15]]
