"""The moments that the product was asked for, each by a few rows and rules as a company would write them.

About 20 seconds, with the engine started.
"""

import datetime as dt

import pandas as pd
import pytest
import yaml

from jobs.activity.sessions import with_session
from jobs.activity.touchpoints import OF_DATASET, touchpoints
from jobs.config.journey.journey import Journey
from jobs.config.yaml_files import ConfigError, load
from jobs.journeys.moments.evidence import expected_before
from jobs.journeys.moments.in_records import record_moments
from jobs.journeys.moments.in_visits import moments
from jobs.journeys.moments.nearby import with_nearby
from jobs.models.habits.recurrence import expected

ZONE = "Europe/Amsterdam"
TODAY = dt.date(2017, 3, 10)
AMSTERDAM, DELFT = (52.3731, 4.8926), (52.0116, 4.3571)
YARD = 0.9144 / 111_195.08
"""In degrees north."""
RULES = yaml.safe_load("""
stages: [{stage: awareness, name: seen, when: "true"}]
valence:
  - {name: bad, when: "type = 'resolution' and score <= 2", valence: negative}
  - {name: good, when: "type = 'resolution' and score >= 4", valence: positive}
minimum_evidence: 3
location: {purpose: location, places: {amsterdam: [52.3731, 4.8926], delft: [52.0116, 4.3571]}}
moments:
  know:
    records:
      contract_ends:
        over: subscriptions
        when: status = 'active' and ends_at is not null
        each: concat_ws(' ', subscription_id, cast(ends_at as string))
        begins_at: ends_at - interval 60 days
        expires_at: ends_at
        served_by_change: true
      asked_what:
        over: messages
        when: author = 'customer' and text rlike '(?i)(welke|verschil|which|what is the difference)'
        each: conversation_id
        served_when: type = 'resolution'
    expires_after_minutes: 1440
  go:
    signals:
      around_the_corner: {when: metres_to_place <= 91, weight: 3}
    records:
      on_the_way:
        over: appointments
        when: status in ('booked', 'moved') and channel = 'store'
        each: concat_ws(' ', appointment_id, cast(starts_at as string))
        begins_at: starts_at - interval 3 hours
        expires_at: starts_at
        served_when: type = 'appointment_kept'
    expires_after_minutes: 30
    served_when: type = 'offer_view'
  do:
    signals:
      scanned_a_code: {when: type = 'qr_scan', weight: 3}
      waits_in_a_queue: {when: "type in ('wifi_join', 'location') and store_id rlike '^lobby'", weight: 2, at_most: 2}
    records:
      called:
        over: conversations
        when: channel in ('phone', 'chat')
        begins_at: opened_at
        expires_at: opened_at + interval 3 days
        served_when: type = 'resolution'
      application_moved:
        over: tickets
        when: topic = 'mortgage'
        each: concat_ws(' ', ticket_id, status)
        expires_at: updated_at + interval 7 days
        served_when: type = 'delivered' and subject = 'mortgage_status'
    expires_after_minutes: 60
    served_when: type = 'check_in'
""")
JOURNEY = Journey.model_validate(RULES)


@pytest.fixture
def beside(known, rows):
    """`beside({"conversations": [...]})`: moments of these records and of the touchpoints they make."""

    def of(records, more=(), as_of=TODAY, journey=JOURNEY):
        tables = {f"valid/{name}": known_rows(known, rows, name, given) for name, given in records.items()}
        parts = [
            part
            for name, make in OF_DATASET.items()
            if f"valid/{name}" in tables
            for part in make(tables[f"valid/{name}"], journey, ZONE)
        ]
        contacts = rows("journeys/touchpoints", *more)
        if parts:
            made = touchpoints(parts, journey.valence)
            contacts = contacts.unionByName(made.select(*contacts.columns))
        found = record_moments(tables.get, contacts, journey, as_of, ZONE)
        every = [] if found is None else [in_utc(row.asDict()) for row in found.collect()]
        return sorted(every, key=lambda row: row["started_at"])

    return of


def known_rows(known, rows, name, given):
    defaults = {"source": "s", "contact_id": "c", "arrived": TODAY, "file_id": "f", "line": 1}
    return rows(f"valid/{name}", *[{**defaults, **one} for one in given]).withColumnRenamed("contact_id", "customer_id")


def in_utc(row):
    return {k: v.replace(tzinfo=dt.UTC) if isinstance(v, dt.datetime) else v for k, v in row.items()}


def at(day, hour=10):
    return dt.datetime(2017, 3, day, hour, tzinfo=dt.UTC)


def in_visit(known, *events, history=None, journey=JOURNEY):
    """Type, place and whether it was served, of the moments of a visit of (minute, type, more columns)."""
    made = [
        {
            "event_id": f"e{minute}",
            "occurred_at": f"2017-03-10 10:{minute:02d}",
            "type": type_,
            "device": "mobile",
            **more,
        }
        for minute, type_, more in events
    ]
    visited = with_session(known("valid/events", *made), 30)
    located = with_nearby(visited, history, journey.location, ZONE)
    return {
        (row["type"], row["place"], row["served"], row["device"]) for row in moments(located, journey, ZONE).collect()
    }


def test_who_stands_in_the_queue_of_the_hotel_wants_to_check_in(known):
    queue = [(0, "wifi_join", {"store_id": "lobby-12"}), (2, "location", {"store_id": "lobby-12"})]
    assert in_visit(known, *queue) == {("do", "lobby-12", False, "mobile")}
    assert in_visit(known, *queue, (5, "check_in", {})) == {("do", "lobby-12", True, "mobile")}
    assert in_visit(known, queue[0]) == set(), "who walks through the lobby waits for nothing"


def test_who_scans_a_code_in_a_shop_and_does_nothing_else_wants_to_do_something(known, shipped):
    assert in_visit(known, (0, "qr_scan", {"store_id": "s7"})) == {("do", "s7", False, "mobile")}
    with_shipped = shipped.model_copy(update={"location": None})
    assert in_visit(known, (0, "qr_scan", {"store_id": "s7"}), journey=with_shipped) == {("do", "s7", False, "mobile")}


@pytest.fixture
def history(rows):
    """`history(("app", "granted", 1), ...)`: what the customer answered by which channel, from which day of March."""

    def of(*answers, expires=None):
        made = [
            {"customer_id": "c", "purpose": "location", "channel": channel, "status": status,
             "valid_from": dt.date(2017, 3, since), "valid_to": dt.date(2017, 3, *until) if until else None,
             "expires_at": expires}
            for channel, status, since, *until in answers
        ]  # fmt: skip
        return rows("profiles/consent_history", *made)

    return of


def near(yards, place=AMSTERDAM):
    return (0, "location", {"latitude": place[0] + yards * YARD, "longitude": place[1]})


def test_who_is_within_a_hundred_yards_of_the_store_and_said_yes_wants_to_go_there(known, history):
    yes = history(("app", "granted", 1))
    assert in_visit(known, near(99), history=yes) == {("go", "amsterdam", False, "mobile")}
    assert in_visit(known, near(0), history=yes) == {("go", "amsterdam", False, "mobile")}
    assert in_visit(known, near(-99, DELFT), (3, "offer_view", {}), history=yes) == {("go", "delft", True, "mobile")}
    assert in_visit(known, near(101), history=yes) == set()
    assert in_visit(known, (0, "location", {"latitude": AMSTERDAM[0]}), history=yes) == set(), "half a place is none"


def test_nobody_is_located_without_a_yes_to_it_on_that_day(known, history):
    refused = [
        None,
        history(),
        history(("app", "withdrawn", 1)),
        history(("app", "granted", 1), ("email", "withdrawn", 1)),
        history(("app", "granted", 11)),
        history(("app", "granted", 1, 9), ("app", "withdrawn", 10)),
        history(("app", "granted", 1), expires=dt.datetime(2017, 3, 10, 9, 59, tzinfo=dt.UTC)),
    ]
    for one in refused:
        assert in_visit(known, near(10), history=one) == set()
    assert in_visit(known, near(10), history=history(("app", "granted", 10))) != set()


def call(**more):
    return {"conversation_id": "k1", "channel": "phone", "opened_at": at(8), "updated_at": at(8, 11), **more}


def test_a_call_is_a_moment_and_good_or_bad_by_how_it_was_answered(beside):
    numbers = ("type", "started_at", "served", "valence", "seconds", "steps")
    solved = {"closed_at": at(8, 12), "status": "closed"}
    for csat, valence in ((5.0, "positive"), (1.0, "negative"), (None, "neutral")):
        (found,) = beside({"conversations": [call(csat=csat, **solved)]})
        assert tuple(found[name] for name in numbers) == ("do", at(8), True, valence, 7200, 1)
    (found,) = beside({"conversations": [call()]})
    assert tuple(found[name] for name in numbers) == ("do", at(8), False, None, None, None)
    assert found["expires_at"] == at(11)
    assert beside({"conversations": [call(channel="e-mail")]}) == []


def test_an_answer_that_comes_when_the_moment_is_over_does_not_serve_it(beside):
    (found,) = beside({"conversations": [call(closed_at=at(12), status="closed")]}, as_of=dt.date(2017, 3, 20))
    assert (found["served"], found["served_at"]) == (False, None)


def test_a_question_in_a_chat_is_a_moment_by_its_words_once_per_conversation(beside):
    talk = [
        {"message_id": f"m{n}", "conversation_id": "k1", "sent_at": at(8, 9 + n), "author": author, "text": text}
        for n, (author, text) in enumerate(
            [("customer", "hoi"), ("customer", "Welke koffie is sterker?"), ("agent", "Which?"), ("customer", "welke!")]
        )
    ]
    found = beside({"messages": talk, "conversations": [call(channel="email", closed_at=at(8, 12), status="closed")]})
    (row,) = [one for one in found if one["type"] == "know"]
    assert row["evidence"] == ["asked_what: messages m1"]
    assert (row["type"], row["started_at"], row["served"], row["seconds"]) == ("know", at(8), True, 7200)
    assert beside({"messages": talk[:1]}) == []


def contract(version, ends, status="active", **more):
    return {"subscription_id": "p1", "updated_at": version, "ends_at": ends, "status": status, **more}


def test_a_contract_that_is_about_to_expire_is_a_moment_until_it_ends(beside):
    first = contract(dt.datetime(2016, 4, 1, tzinfo=dt.UTC), at(31))
    (found,) = beside({"subscriptions": [first]})
    assert found["evidence"] == ["contract_ends: subscriptions p1"]
    assert (found["type"], found["started_at"], found["expires_at"]) == (
        "know",
        dt.datetime(2017, 1, 30, 10, tzinfo=dt.UTC),
        at(31),
    )
    assert found["served"] is False
    assert beside({"subscriptions": [first]}, as_of=dt.date(2017, 1, 29)) == [], "sixty days before it is too early"
    assert len(beside({"subscriptions": [first]}, as_of=dt.date(2017, 1, 30))) == 1


def test_a_contract_that_was_renewed_drops_out_and_one_that_was_renewed_long_ago_never_was_a_moment(beside):
    first = contract(dt.datetime(2016, 4, 1, tzinfo=dt.UTC), at(31))
    renewed = contract(at(9, 8), dt.datetime(2018, 3, 31, tzinfo=dt.UTC))
    (found,) = beside({"subscriptions": [first, renewed]})
    assert (found["expires_at"], found["served_at"], found["served"], found["served_by"]) == (
        at(9, 8),
        at(9, 8),
        True,
        None,
    )
    early = contract(dt.datetime(2016, 12, 1, tzinfo=dt.UTC), dt.datetime(2018, 3, 31, tzinfo=dt.UTC))
    assert beside({"subscriptions": [first, early]}) == []
    (found,) = beside({"subscriptions": [first, contract(at(9, 8), at(31), "cancelled")]})
    assert found["expires_at"] == at(9, 8)
    (found,) = beside({"subscriptions": [first, contract(at(9, 8), at(31), amount=7)]})
    assert found["expires_at"] == at(31), "another price is the same contract"
    (found,) = beside({"subscriptions": [first, contract(at(9, 8), at(31), deleted=True)]})
    assert found["expires_at"] == at(9, 8)


def test_each_new_status_of_an_application_is_a_moment_until_the_next_and_served_by_one_message(beside):
    def told(n, status):
        return {"ticket_id": "h1", "topic": "mortgage", "opened_at": at(1), "updated_at": at(n), "status": status}

    statuses = [told(1, "received"), told(3, "received"), told(4, "valued"), told(8, "offered")]
    message = {
        "touchpoint_id": "t9", "customer_id": "c", "type": "delivered", "subject": "mortgage_status",
        "occurred_at": at(4, 12), "day": at(4).date(), "valence": "neutral",
    }  # fmt: skip
    made = beside({"tickets": statuses}, [message])
    shown = [(row["started_at"], row["expires_at"], row["served"], row["served_by"]) for row in made]
    assert shown == [
        (at(1), at(4), False, None),
        (at(4), at(8), True, "t9"),
        (at(8), at(15), False, None),
    ]
    assert {row["type"] for row in made} == {"do"}


def test_an_appointment_is_a_moment_on_the_way_there_and_moves_with_it(beside):
    def booked(n, starts, status="booked"):
        return {"appointment_id": "a1", "channel": "store", "booked_at": at(1), "updated_at": at(n),
                "starts_at": starts, "status": status}  # fmt: skip

    (found,) = beside({"appointments": [booked(1, at(9, 15)), booked(5, at(10, 15), "moved")]})
    assert (found["type"], found["started_at"], found["expires_at"]) == ("go", at(10, 12), at(10, 15))
    kept = [booked(1, at(9, 15)), booked(10, at(9, 15), "kept")]
    (found,) = beside({"appointments": kept})
    assert (found["served"], found["served_at"]) == (True, at(9, 15))
    assert beside({"appointments": [booked(1, at(9, 15)), booked(5, at(9, 15), "cancelled")]}) == []


def test_records_of_nobody_known_and_datasets_nobody_delivers_make_no_moments(beside):
    assert beside({}) == []
    assert beside({"conversations": [call(contact_id=None)]}) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"moments": {"know": {"expires_after_minutes": 5}}}, "nothing shows it"),
        ({"moments": {"know": {"signals": {"a": {"when": "true"}}, "expires_after_minutes": 5}}}, "served_when"),
        ({"location": {"purpose": "location", "places": {"x": [4.9, 252.4]}}}, "is nowhere"),
        ({"location": {"purpose": "location", "places": {}}}, "places"),
    ],
)
def test_what_cannot_be_is_refused_with_file_and_line(tmp_path, change, told):
    path = tmp_path / "journey.yaml"
    path.write_text(yaml.safe_dump({**RULES, **change}))
    with pytest.raises(ConfigError, match=f"journey.yaml:[0-9]+.*{told}"):
        load(path, Journey)


FLOWERS = yaml.safe_load("""
stages: [{stage: awareness, name: seen, when: "true"}]
moments:
  buy:
    records:
      every_year:
        over: recurrences
        when: every = 'year' and item = 'flowers'
        begins_at: date_sub(next_from, 14)
        expires_at: date_add(next_until, 1)
        served_when: type = 'order'
    expires_after_minutes: 60
""")
LEAP_DAY = ["2012-02-29", "2013-02-28", "2014-03-01", "2016-02-29"]  # a year was skipped
SECOND_SUNDAY_OF_MAY = ["2014-05-11", "2015-05-10", "2016-05-08"]


def flowers(rows, bought, days, as_of, orders=()):
    """Begin, end and whether it was served, of the moments of who bought flowers, told evening by evening."""
    purchases = pd.DataFrame({"customer_id": "c", "item": "flowers", "day": pd.to_datetime(bought).date})
    told = []
    for day in days:
        known = purchases[purchases["day"] <= day]
        found = expected(known, day).to_dict("records")
        told += [{**one, "day": day, "model": "habits", "about": "department"} for one in found]
    names = rows("models/recurrences", *told)
    mapped = rows("identity/map", {"identifier": "x", "customer_id": "c"})
    contacts = rows("journeys/touchpoints", *[
        {"touchpoint_id": at, "customer_id": "c", "type": "order", "occurred_at": f"{at} 12:00:00", "day": at}
        for at in orders
    ])  # fmt: skip
    journey = Journey.model_validate(FLOWERS)
    known = lambda name: expected_before(names, mapped, as_of)  # noqa: E731
    found = record_moments(known, contacts, journey, as_of, ZONE).collect()
    return sorted((row["type"], str(row["started_at"].date()), str(row["expires_at"].date()), row["served"])
                  for row in found)  # fmt: skip


def days(first, number):
    return [dt.date.fromisoformat(first) + dt.timedelta(days=n) for n in range(number)]


def test_who_buys_flowers_every_year_wants_to_buy_them_from_two_weeks_before(rows):
    told = days("2017-02-01", 30)
    assert flowers(rows, LEAP_DAY, told, dt.date(2017, 2, 6)) == [], "more than two weeks before"
    begun = [("buy", "2017-02-07", "2017-03-08", False)]  # a year without the 29th: from a week before the 28th
    assert flowers(rows, LEAP_DAY, told, dt.date(2017, 2, 20)) == begun
    served = [("buy", "2017-02-07", "2017-03-08", True)]
    bought = [*LEAP_DAY, "2017-02-24"]
    assert flowers(rows, bought, told, dt.date(2017, 3, 2), ["2017-02-24"]) == served, "and not once more"


def test_a_day_that_moves_widens_the_moment_and_what_ended_is_none(rows):
    found = flowers(rows, SECOND_SUNDAY_OF_MAY, days("2017-04-01", 5), dt.date(2017, 5, 9))
    ((_, begin, end, _),) = found
    assert (begin <= "2017-04-30", end >= "2017-05-14") == (True, True), "Mother's Day of 2017 is in it"
    assert flowers(rows, ["2011-02-14", "2012-02-14"], days("2017-01-20", 5), dt.date(2017, 2, 10)) == []


def test_what_a_model_tells_in_the_evening_is_known_the_next_day(rows):
    assert flowers(rows, LEAP_DAY, days("2017-02-10", 1), dt.date(2017, 2, 10)) == []
    assert len(flowers(rows, LEAP_DAY, days("2017-02-10", 1), dt.date(2017, 2, 11))) == 1
