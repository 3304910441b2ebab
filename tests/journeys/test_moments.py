"""Micro-moments: evidence, confidence, whether it was served and until when it matters."""

import pytest

from jobs.activity.sessions import with_session
from jobs.config.journey import Journey
from jobs.journeys.moments import moments

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
        {"event_id": f"e{minute}", "occurred_at": f"2017-03-01 10:{minute:02d}", "type": type_, "url": url}
        for minute, type_, url in events
    ]
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
            "[searched: 2 events from e5, read: 1 event e10]",
        ),
    )  # fmt: skip


@pytest.mark.parametrize(("last", "served"), [("purchase", "true"), ("checkout", "false")])
def test_a_moment_is_served_if_an_event_of_the_visit_reaches_its_goal(known, expect, last, served):
    expect(found(known, journey(), (0, "add_to_cart", None), (1, last, None)), "type served", ("buy", served))


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
    "looks up the way to a store": ("go", "served", ["store_locator:/stores", "page_view:/stores/12/directions"]),
    "looks for a store and finds none": ("go", "missed", ["store_locator:/stores"]),
    "scans a package and reads a recipe": ("do", "served", ["qr_scan:/qr/1", "page_view:/recipes/pea-soup"]),
    "leaves at the checkout": ("buy", "missed", ["product_view:/p/1", "add_to_cart:/p/1", "checkout:/checkout"]),
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
