"""Micro-moments: evidence, confidence, whether it was served and until when it matters."""

import pytest

from jobs.activity.sessions import with_session
from jobs.config.journey.journey import Journey
from jobs.journeys.moments.in_visits import moments

ZONE = "Europe/Amsterdam"
RULES = {
    "know": {
        "signals": {
            "searched": {"when": "type = 'search'", "weight": 1, "at_most": 2},
            "read": {"when": "url like '/blog/%'", "weight": 3},
        },
        "expires_after_minutes": 60,
        "served_when": "url like '/blog/%'",
    },
    "buy": {
        "signals": {"filled": {"when": "type = 'add_to_cart'", "weight": 3}},
        "expires_after_minutes": 10,
        "served_when": "type = 'purchase'",
    },
}


def journey(**more):
    return Journey.model_validate(
        {"stages": [{"stage": "awareness", "name": "seen", "when": "true"}], "moments": RULES, **more}
    )


def found(known, rules, *events):
    """Moments of visits of which each event is (minute, type, url)."""
    records = [
        {"event_id": f"e{minute}", "occurred_at": f"2017-03-01 10:{int(minute):02d}:{round(minute % 1 * 60):02d}",
         "type": type_, "url": url}
        for minute, type_, url in events
    ]  # fmt: skip
    return moments(with_session(known("valid/events", *records), 30), rules, ZONE)


def test_confidence_is_the_share_of_the_evidence_of_the_visit(known, expect):
    visit = [(0, "search", "/search"), (1, "page_view", "/blog/a"), (2, "add_to_cart", "/p/1")]
    expect(
        found(known, journey(minimum_confidence=0.1), *visit),
        "type confidence",
        ("know", 0.571429),
        ("buy", 0.428571),
    )


def test_more_events_than_at_most_prove_nothing_more(known, expect):
    visit = [(minute, "search", None) for minute in range(5)] + [(6, "add_to_cart", None)]
    expect(found(known, journey(minimum_confidence=0.1), *visit), "type confidence", ("know", 0.4), ("buy", 0.6))


def test_a_moment_shows_its_evidence_when_it_began_and_when_it_ends(known, expect):
    visit = [(3, "page_view", "/"), (5, "search", None), (9, "search", None), (10, "page_view", "/blog/a")]
    expect(
        found(known, journey(), *visit, (15, "page_view", "/")),
        "type day started_at expires_at evidence",
        (
            "know", "2017-03-01", "2017-03-01 10:05:00", "2017-03-01 11:10:00",
            "[searched: 2 events from e5, 2 points, read: 1 event e10, 3 points]",
        ),
    )  # fmt: skip


ASKED = (0, "search", None)
ANSWERS = {
    "nothing": ([ASKED, (3, "search", None), (4, "search", None)], None),
    "the page that shows the wish": ([(0, "page_view", "/blog/a")], None),
    "a page seen before the wish": ([(0, "page_view", "/blog/a"), (9, "search", None)], None),
    "the first such page after it": (
        [ASKED, (2, "page_view", "/"), (5, "page_view", "/blog/a"), (6, "page_view", "/blog/b")],
        ("2017-03-01 10:05:00", "e5", 300, 2),
    ),
    "a page of the same minute that comes after it": ([(0, "search", None), (0.5, "page_view", "/blog/a")],
                                                       ("2017-03-01 10:00:30", "e0.5", 30, 1)),
}  # fmt: skip


@pytest.mark.parametrize("what", ANSWERS)
def test_a_moment_is_served_by_the_first_answer_after_its_first_evidence_and_by_none_of(known, expect, what):
    visit, answer = ANSWERS[what]
    rules = journey(minimum_evidence=1, minimum_confidence=0.1)
    told = ("true", *answer) if answer else ("false", None, None, None, None)
    expect(found(known, rules, *visit).where("type = 'know'"), "served served_at served_by seconds steps", told)


@pytest.mark.parametrize(("minute", "served"), [(14, "true"), (16, "false")])
def test_an_answer_after_the_moment_expired_serves_nobody(known, expect, minute, served):
    visit = [(0, "add_to_cart", None), (5, "add_to_cart", None), (minute, "purchase", None)]
    expect(found(known, journey(), *visit), "type expires_at served", ("buy", "2017-03-01 10:15:00", served))


@pytest.mark.parametrize(("at_once", "told"), [(False, ("false", None, None)), (True, ("true", "0", "0"))])
def test_what_shows_the_wish_serves_it_only_where_the_type_says_so(known, expect, at_once, told):
    signals = {"ordered": {"when": "type = 'purchase'", "weight": 3}}
    rules = journey(moments={"buy": RULES["buy"] | {"signals": signals, "served_at_once": at_once}})
    expect(found(known, rules, (0, "purchase", None)), "served seconds steps", told)


AFTERWARDS = {
    "was looked at for half a minute": ([(0.5, "page_view", "/")], "true"),
    "was only glanced at": ([(0.1, "page_view", "/")], "false"),
    "sent the visitor back to search": ([(2, "search", None)], "false"),
    "was the last one": ([], "true"),
}


@pytest.mark.parametrize("what", AFTERWARDS)
def test_an_answer_can_be_judged_by_what_came_after_it_such_as_a_page_that(known, expect, what):
    after, served = AFTERWARDS[what]
    looked = "url like '/blog/%' and coalesce(seconds_looked, 15) >= 15 and coalesce(next_type, '') <> 'search'"
    rules = journey(moments={"know": RULES["know"] | {"served_when": looked}}, minimum_evidence=1)
    visit = [(0, "search", None), (3, "page_view", "/blog/a"), *((3 + m, *event) for m, *event in after)]
    expect(found(known, rules, *visit), "type served", ("know", served))


def test_a_moment_has_the_device_of_its_visit(known, expect):
    events = [
        {"event_id": f"e{minute}", "occurred_at": f"2017-03-01 10:0{minute}", "type": "add_to_cart", "device": device}
        for minute, device in enumerate(["mobile", None])
    ]
    expect(moments(with_session(known("valid/events", *events), 30), journey(), ZONE), "device", ("mobile",))


@pytest.mark.parametrize(
    ("rules", "visit"),
    [
        ({}, [(0, "page_view", "/")]),
        ({"minimum_evidence": 4}, [(0, "add_to_cart", None)]),
        ({"minimum_confidence": 0.6}, [(0, "add_to_cart", None), (1, "page_view", "/blog/a")]),
    ],
    ids=["no evidence", "too little evidence", "evidence that points both ways"],
)
def test_there_is_no_moment_with(known, rules, visit):
    assert found(known, journey(**rules), *visit).count() == 0


VISITS = {
    "asks a question and reads a review": ("know", "served", ["search:/search?:welke koffie", "page_view:/reviews/9"]),
    "asks a question, reads and asks again": (
        "know",
        "missed",
        ["search:/search?:welke koffie", "page_view:/blog/a", "search:/search?:welke bonen"],
    ),
    "reads one page of advice": ("know", "missed", ["page_view:/blog/a", "search:/search?:welke koffie"]),
    "looks up the way to a store": ("go", "served", ["store_locator:/stores", "page_view:/stores/12/directions"]),
    "looks for a store and finds none": ("go", "missed", ["store_locator:/stores"]),
    "scans a package and reads a recipe": ("do", "served", ["qr_scan:/qr/1", "page_view:/recipes/pea-soup"]),
    "scans a package and finds nothing": (
        "do",
        "missed",
        ["qr_scan:/qr/1", "qr_scan:/qr/1", "search:/search?:hoe kook ik erwten"],
    ),
    "reads one recipe": ("do", "missed", ["page_view:/recipes/pea-soup"]),
    "leaves at the checkout": ("buy", "missed", ["product_view:/p/1", "add_to_cart:/p/1", "checkout:/checkout"]),
    "orders at once": ("buy", "served", ["purchase:/checkout/done"]),
    "orders": ("buy", "served", ["add_to_cart:/p/1", "checkout:/checkout", "purchase:/checkout/done"]),
}


@pytest.mark.parametrize("visit", VISITS)
def test_with_the_shipped_rules_a_visitor_who(known, shipped, expect, visit):
    moment, outcome, events = VISITS[visit]
    records = []
    for number, event in enumerate(events):
        type_, url, *query = event.replace("?:", ":").split(":")
        records.append(
            {"event_id": f"e{number}", "occurred_at": f"2017-03-01 10:0{number}", "type": type_, "url": url,
             "query": query[0] if query else None}
        )  # fmt: skip
    visited = with_session(known("valid/events", *records), 30)
    expect(moments(visited, shipped, ZONE), "type served", (moment, str(outcome == "served").lower()))
