"""Pages that were measured, for whom and in which moment; and events that no person made."""

import datetime as dt

from jobs.activity.known_rows import Known
from jobs.activity.sessions import Bots, of_people, sessions, with_session
from jobs.identity.identifiers import identifier_hash
from jobs.journeys import journeys
from jobs.journeys.bots import bots_per_day
from jobs.journeys.vitals import vitals
from jobs.lake.lake import Lake
from tests.journey_rows import RULES
from tests.lived_company import FIRST, Company

ZONE = "Europe/Amsterdam"
CRAWLER = Bots((("user_agent rlike '(?i)bot'", "crawler"),))


def page(id_, at, **more):
    return {"event_id": id_, "occurred_at": f"2017-03-01 {at}", "url": f"/{id_}", **more}


def test_a_measured_page_has_the_surest_moment_of_its_visit_and_others_are_none(known, rows, expect):
    events = with_session(
        known(
            "valid/events",
            page("a", "10:00", lcp=2.5, device="mobile"),
            page("b", "10:01"),
            page("c", "23:30", cls=0.2, inp=0.1),
        ),
        30,
    )
    (visit,) = [row[0] for row in events.where("event_id = 'a'").select("session_id").collect()]
    moments = rows(
        "journeys/moments",
        {"session_id": visit, "type": "know", "confidence": 0.5, "moment_id": "1"},
        {"session_id": visit, "type": "buy", "confidence": 0.5, "moment_id": "2"},
        {"session_id": visit, "type": "go", "confidence": 0.4, "moment_id": "3"},
    )
    expect(
        vitals(events, moments, ZONE),
        "event_id page day device moment lcp inp cls",
        ("a", "/a", "2017-03-01", "mobile", "buy", 2.5, None, None),
        ("c", "/c", "2017-03-02", None, None, None, 0.1, 0.2),
    )


def test_what_a_program_did_is_in_no_visit(known, expect):
    events = known(
        "valid/events",
        page("a", "10:00", user_agent="Mozilla/5.0"),
        page("b", "10:01", user_agent="Googlebot/2.1"),
        page("c", "10:02"),
    )
    expect(sessions(with_session(events, 30, bots=CRAWLER), {}, ZONE), "events", (2,))
    expect(sessions(with_session(events, 30), {}, ZONE), "events", (3,))
    expect(of_people(events, CRAWLER), "event_id", ("a",), ("c",))


def test_events_of_programs_are_counted_per_day_and_rule_also_of_nobody_known(rows, expect):
    events = rows(
        "valid/events",
        {"event_id": "a", "occurred_at": "2017-03-01 10:00", "user_agent": "Googlebot", "cookie_id": "k1"},
        {"event_id": "b", "occurred_at": "2017-03-01 23:30", "user_agent": "Googlebot", "cookie_id": "k1"},
        {"event_id": "c", "occurred_at": "2017-03-01 23:40", "user_agent": "Bingbot"},
        {"event_id": "d", "occurred_at": "2017-03-01 23:50", "user_agent": "curl/8"},
        {"event_id": "e", "occurred_at": "2017-03-01 23:50", "user_agent": "Mozilla/5.0"},
        {"event_id": "f", "occurred_at": "2017-03-01 23:50"},
    )
    rules = Bots((("user_agent rlike 'bot'", "crawler"), ("user_agent rlike '^(curl|Google)'", "program")))
    expect(
        bots_per_day(events, rules, ZONE),
        "day rule events visitors",
        ("2017-03-01", "crawler", 1, 1),
        ("2017-03-02", "crawler", 2, 2),
        ("2017-03-02", "program", 1, 1),
    )


def test_a_browser_that_is_faster_than_any_person_is_a_program_as_long_as_it_is(known, expect):
    fast = [page(f"f{second}", f"10:00:{second:02d}", cookie_id="k1") for second in range(0, 60, 10)]
    others = [
        page("slow", "10:02", cookie_id="k1"),
        page("other browser", "10:00:30", cookie_id="k2"),
        page("other customer", "10:00:30", cookie_id="k1", contact_id="d"),
        page("crawler", "10:02:01", cookie_id="k1", user_agent="Googlebot"),
    ]
    events = known("valid/events", *fast, *others)
    slow = [("slow",), ("other browser",), ("other customer",), ("crawler",)]
    expect(of_people(events, Bots(most_per_minute=5)), "event_id", *slow)
    expect(of_people(events, Bots(most_per_minute=6)), "event_id", *slow, *[(one["event_id"],) for one in fast])
    both = Bots(CRAWLER.conditions, 5)
    expect(
        bots_per_day(events, both, ZONE),
        "day rule events visitors",
        ("2017-03-01", "crawler", 1, 1),
        ("2017-03-01", "too_fast", 6, 1),
    )
    expect(sessions(with_session(events, 30, bots=both), {}, ZONE), "events", (1,), (1,), (1,))


def test_events_exactly_a_minute_apart_are_not_in_one_minute(known, expect):
    events = known("valid/events", page("a", "10:00:00"), page("b", "10:01:00"), page("c", "10:01:59.999999"))
    expect(of_people(events, Bots(most_per_minute=1)), "event_id", ("a",))


def test_every_event_is_in_a_visit_of_a_program_or_of_nobody_known(settings):
    company, found = Company(4), settings(RULES)
    lake = Lake.of(found)
    last = len(company.runs) - 1
    company.deliver(lake, range(last + 1))
    company.name_customers(lake, last, found)
    day = FIRST + dt.timedelta(days=5)
    counts = journeys.run(day, found)
    programs = [row for row in company.rows["events"] if "bot" in row["user_agent"]]
    assert counts["bot_events"] == {"crawler": len(programs)}
    assert programs
    visited = sum(lake.arrow("journeys/sessions")["events"].to_pylist())
    assert counts["events_without_visit"] == len(company.rows["events"]) - visited >= len(programs)
    measured = {row["event_id"] for row in lake.arrow("journeys/vitals").to_pylist()}
    assert measured
    assert measured <= {row["event_id"] for row in company.rows["events"] if row["lcp"] is not None} - {
        row["event_id"] for row in programs
    }


def test_traits_over_events_leave_programs_out(settings, rows):
    loaded = settings({"journey.yaml": {**JOURNEY, "bots": {"crawler": "user_agent rlike 'bot'"}}})
    events = [
        {**EVENT, "event_id": "a", "user_agent": "Googlebot"},
        {**EVENT, "event_id": "b", "user_agent": "Mozilla"},
    ]
    who = {"identifier": identifier_hash("cookie", "k1", loaded), "customer_id": "c"}
    identity_map, found = rows("identity/map", who), rows("valid/events", *events)
    day, absent = dt.date(2017, 3, 2), {"valid/rates"}
    known = Known({"valid/events": found}.__getitem__, identity_map, [day], loaded, absent=absent)
    assert [row["event_id"] for row in known.rows("events", None).collect()] == ["b"]


JOURNEY = {"stages": [{"stage": "awareness", "name": "seen", "when": "true"}]}
EVENT = {
    "source": "web",
    "type": "page_view",
    "occurred_at": "2017-03-01 10:00",
    "arrived": "2017-03-01",
    "cookie_id": "k1",
}
