"""Every channel in one table: what a row of each source becomes, and whether it was good or bad."""

import pytest
from pyspark.sql import functions as F

from jobs.activity import touchpoints as contacts
from jobs.config.journey.journey import Journey
from jobs.validate.versions.counting import newest_versions

ZONE = "Europe/Amsterdam"


def journey(**settings):
    return Journey.model_validate({"stages": [{"stage": "awareness", "name": "seen", "when": "true"}], **settings})


def order(updated_at, status="completed", **more):
    return {"order_id": "o1", "ordered_at": "2017-03-01 10:00", "updated_at": updated_at, "status": status,
            "total": "20.00", **more}  # fmt: skip


def test_an_order_later_returned_is_an_order_that_day_and_a_return_on_the_day_it_was_recorded(known, expect):
    versions = known(
        "valid/orders",
        order("2017-03-01 10:00", "open"),
        order("2017-03-09 12:00", "returned"),
        order("2017-03-10 12:00", "returned", line=2),
    )
    found = contacts.touchpoints(contacts.orders(versions, ZONE), [])
    expect(
        found,
        "touchpoint_id day channel amount nth",
        ("order:pos:o1", "2017-03-01", "store", "20.00", 1),
        ("return:pos:o1", "2017-03-09", "store", "-20.00", 1),
    )


def test_a_cancellation_that_was_taken_back_is_none(known, expect):
    versions = known("valid/orders", order("2017-03-02", "cancelled"), order("2017-03-03", "completed"))
    expect(contacts.touchpoints(contacts.orders(versions, ZONE), []), "type", ("order",))


@pytest.mark.parametrize(
    ("status", "total", "expected"),
    [
        ("open", "20.00", [("order", "open", "20.00")]),
        (None, "20.00", [("order", "completed", "20.00")]),
        ("completed", None, [("order", "completed", None)]),
        ("completed", "0.00", [("order", "free", "0.00")]),
        ("returned", "20.00", [("order", "returned", "20.00"), ("return", "returned", "-20.00")]),
        ("cancelled", "20.00", [("order", "cancelled", "20.00"), ("cancellation", "cancelled", "-20.00")]),
        ("cancelled", "0.00", [("order", "cancelled", "0.00"), ("cancellation", "cancelled", "0.00")]),
        ("returned", "0.00", [("order", "returned", "0.00"), ("return", "returned", "0.00")]),
        ("completed", "-12.50", [("return", "credit", "-12.50")]),
        ("returned", "-12.50", [("return", "credit", "-12.50")]),
        ("test", "20.00", []),
    ],
)
def test_every_kind_of_order_document_has_one_meaning(known, expect, status, total, expected):
    versions = known("valid/orders", order("2017-03-01", status, total=total))
    expect(contacts.touchpoints(contacts.orders(versions, ZONE), []), "type subject amount", *expected)


def test_an_order_that_was_no_purchase_does_not_make_the_next_one_a_repeat(known, expect):
    versions = known(
        "valid/orders",
        order("2017-03-01", "cancelled", order_id="o1", ordered_at="2017-03-01"),
        order("2017-03-01", "cancelled", order_id="o2", ordered_at="2017-03-02", total="0.00"),
        order("2017-03-01", "completed", order_id="o3", ordered_at="2017-03-03"),
        order("2017-03-01", "returned", order_id="o4", ordered_at="2017-03-04"),
    )
    found = contacts.touchpoints(contacts.orders(versions, ZONE), []).where("type = 'order'")
    expect(found, "reference nth", ("o1", None), ("o2", None), ("o3", 1), ("o4", 2))


def test_the_newest_version_of_an_order_says_what_it_was_worth(known, expect):
    versions = known("valid/orders", order("2017-03-01", total="20.00"), order("2017-03-02", total="18.00"))
    expect(contacts.touchpoints(contacts.orders(versions, ZONE), []), "amount", ("18.00",))


def test_of_versions_of_the_same_time_the_one_that_arrived_last_counts(known, expect):
    versions = known(
        "valid/orders", order("2017-03-01", arrived="2017-03-02", total="1.00"), order("2017-03-01", total="2.00")
    )
    later = versions.withColumn("arrived", F.coalesce("arrived", F.lit("2017-03-01").cast("date")))
    expect(newest_versions(later, "order_id"), "total", ("1.00",))


def test_the_nth_contact_counts_per_customer_and_type_in_order_of_time(known, expect):
    versions = known(
        "valid/orders",
        order("2017-03-01", order_id="o2", ordered_at="2017-03-05"),
        order("2017-03-01", order_id="o1", ordered_at="2017-03-01"),
        order("2017-03-01", order_id="o3", ordered_at="2017-03-01", contact_id="d"),
    )
    found = contacts.touchpoints(contacts.orders(versions, ZONE), [])
    expect(found, "reference nth", ("o1", 1), ("o2", 2), ("o3", 1))


def test_a_conversation_is_a_contact_when_opened_and_again_when_solved(known, expect):
    versions = known(
        "valid/conversations",
        {"conversation_id": "7", "updated_at": "2017-03-01 22:00", "opened_at": "2017-03-01 22:00", "topic": "refund"},
        {"conversation_id": "7", "updated_at": "2017-03-02 23:30", "opened_at": "2017-03-01 22:00",
         "closed_at": "2017-03-02 23:30", "topic": "refund", "csat": 2.0},
        {"conversation_id": "8", "updated_at": "2017-03-03", "opened_at": "2017-03-03", "topic": "points"},
    )  # fmt: skip
    found = contacts.touchpoints(contacts.conversations(versions, ZONE), [])
    expect(
        found,
        "type reference day subject score seconds open_days",
        ("conversation", "7", "2017-03-01", "refund", None, None, 2),
        ("resolution", "7", "2017-03-03", "refund", "2.00", 25 * 3600 + 1800, None),
        ("conversation", "8", "2017-03-03", "points", None, None, None),
    )


def test_tickets_are_conversations_too(known, expect):
    versions = known(
        "valid/tickets",
        {"ticket_id": "t", "updated_at": "2017-03-01", "opened_at": "2017-03-01", "resolved_at": "2017-03-01 00:01"},
    )
    found = contacts.touchpoints(contacts.tickets(versions, ZONE), [])
    expect(
        found, "type channel seconds open_days", ("conversation", "ticket", None, 0), ("resolution", "ticket", 60, None)
    )


def ticket(updated_at, status, resolved_at=None):
    return {"ticket_id": "t", "opened_at": "2017-03-01", "updated_at": updated_at, "status": status,
            "resolved_at": resolved_at}  # fmt: skip


@pytest.mark.parametrize(
    ("versions", "solved"),
    [
        pytest.param(
            [ticket("2017-03-02", "solved", "2017-03-02"), ticket("2017-03-30", "closed", "2017-03-30")],
            ["2017-03-02"],
            id="closed by automation weeks later",
        ),
        pytest.param(
            [ticket("2017-03-02", "solved", "2017-03-02"), ticket("2017-03-05", "open", "2017-03-02")],
            [],
            id="reopened, by a desk that keeps the moment",
        ),
        pytest.param(
            [ticket("2017-03-02", "solved", "2017-03-02"), ticket("2017-03-05", "pending")],
            [],
            id="reopened, by a desk that empties it",
        ),
        pytest.param(
            [
                ticket("2017-03-02", "solved", "2017-03-02"),
                ticket("2017-03-05", "open"),
                ticket("2017-03-06", "solved", "2017-03-06"),
                ticket("2017-03-09", "closed", "2017-03-09"),
            ],
            ["2017-03-06"],
            id="solved again",
        ),
    ],
)
def test_a_ticket_is_solved_when_it_was_first_solved_and_stayed_so(known, expect, versions, solved):
    found = contacts.touchpoints(contacts.tickets(known("valid/tickets", *versions), ZONE), [])
    expect(found.where("type = 'resolution'"), "day", *[(day,) for day in solved])


@pytest.mark.parametrize(
    ("kind", "score", "scale_max", "kept"),
    [
        ("nps", 9.0, 10.0, "9.00"),
        ("nps", 8.0, 20.0, "4.00"),
        ("csat", 2.0, 3.0, "3.00"),
        ("csat", 4.0, None, "4.00"),
        ("ces", 5.0, 5.0, "7.00"),
        ("csat", 1.0, 1.0, None),
        ("text", None, None, None),
    ],
)
def test_scores_are_brought_to_the_usual_scale_of_their_kind(known, expect, kind, score, scale_max, kept):
    answer = {"response_id": "r", "kind": kind, "score": score, "scale_max": scale_max, "answered_at": "2017-03-01"}
    found = contacts.answers(known("valid/survey_responses", answer), ZONE)
    expect(found, "type channel subject reference score", (kind, "survey", "s", "r:q", kept))


def test_a_corrected_answer_counts_as_corrected_when_it_was_first_given_and_a_deleted_one_does_not(known, expect):
    def answer(score, day, **more):
        times = {"answered_at": f"2017-03-0{day}", "updated_at": f"2017-03-0{day}"}
        return {"response_id": "r", "kind": "nps", "score": score, "scale_max": 10.0, **times, **more}

    given = [answer(2.0, 1), answer(9.0, 3), answer(4.0, 2)]
    found = contacts.answers(known("valid/survey_responses", *given), ZONE)
    expect(found, "type reference score day", ("nps", "r:q", "9.00", "2017-03-01"))
    deleted = answer(9.0, 4, deleted=True)
    expect(contacts.answers(known("valid/survey_responses", *given, deleted), ZONE), "reference")


def test_a_message_is_clicked_if_the_customer_clicks_in_that_campaign_in_time(known, expect):
    def sent(event_id, type_, at, **more):
        return {"event_id": event_id, "type": type_, "occurred_at": f"2017-03-{at}", **more}

    events = known(
        "valid/campaign_events",
        sent("1", "delivered", "01 08:00"),
        sent("2", "click", "08 08:00"),
        sent("3", "click", "08 09:00"),
        sent("4", "delivered", "01 07:59", contact_id="too_late"),
        sent("5", "click", "08 08:00", contact_id="too_late"),
        sent("6", "delivered", "01 08:00", campaign_id="summer"),
        sent("7", "delivered", "09 08:00"),
    )
    found = contacts.campaign_contacts(events, ZONE, journey(click_days=7)).where("type = 'delivered'")
    expect(found, "reference clicked", ("1", "true"), ("4", "false"), ("6", "false"), ("7", "false"))


def test_a_click_within_seconds_of_the_message_is_that_of_a_scanner_and_answers_nothing(known, expect):
    def event(who, type_, second, name=None):
        at = f"2017-03-01 10:00:{second:02d}"
        return {"event_id": name or f"{who} {type_}", "contact_id": who, "type": type_, "occurred_at": at}

    events = known(
        "valid/campaign_events",
        *[event(who, "delivered", 0) for who in ("scanner", "both", "person")],
        event("scanner", "click", 2),
        event("both", "click", 0, "at once"),
        event("both", "click", 50, "after reading"),
        event("person", "click", 3),
        event("nobody wrote", "click", 1),
    )
    of_people = [("both delivered", "true"), ("after reading", "true"), ("person delivered", "true")]
    of_people += [("person click", "true"), ("nobody wrote click", "true")]
    of_scanners = ("scanner delivered", "scanner click", "at once")
    for seconds, told in ((3, "false"), (0, "true")):
        found = contacts.campaign_contacts(events, ZONE, journey(scanner_seconds=seconds))
        expect(found, "reference clicked", *of_people, *[(one, told) for one in of_scanners])


def test_a_contact_registers_once_in_each_source_on_the_day_it_was_first_written(known, expect):
    versions = known(
        "valid/contacts",
        {"updated_at": "2017-05-01", "created_at": "2017-03-01"},
        {"updated_at": "2017-03-01", "created_at": "2017-03-01"},
        {"updated_at": "2017-04-01", "source": "shop"},
    )
    found = contacts.registrations(versions, ZONE)
    expect(found, "channel day", ("crm", "2017-03-01"), ("shop", "2017-04-01"))


def test_contacts_of_nobody_and_without_a_time_are_left_out(known):
    versions = known("valid/orders", order("2017-03-01", ordered_at=None))
    nobody = known("valid/orders", order("2017-03-01")).withColumn("customer_id", F.lit(None).cast("string"))
    assert contacts.touchpoints([*contacts.orders(versions, ZONE), *contacts.orders(nobody, ZONE)], []).count() == 0


@pytest.mark.parametrize(
    ("contact", "valence"),
    [
        ({"type": "nps", "score": "6"}, "negative"),
        ({"type": "nps", "score": "7"}, "neutral"),
        ({"type": "nps", "score": "9"}, "positive"),
        ({"type": "csat", "score": "2"}, "negative"),
        ({"type": "csat", "score": "3"}, "neutral"),
        ({"type": "resolution", "score": "5", "seconds": 30 * 86400}, "positive"),
        ({"type": "resolution", "seconds": 6 * 86400}, "negative"),
        ({"type": "conversation", "subject": "complaint"}, "negative"),
        ({"type": "conversation", "subject": "points"}, "neutral"),
        ({"type": "unsubscribe"}, "negative"),
        ({"type": "return"}, "negative"),
        ({"type": "visit"}, "neutral"),
    ],
)
def test_the_shipped_rules_say_what_was_good_and_what_was_bad(rows, shipped, expect, contact, valence):
    row = {"touchpoint_id": "t", "customer_id": "c", "occurred_at": "2017-03-01", **contact}
    draft = rows("journeys/touchpoints", row).drop("valence", "nth")
    expect(contacts.touchpoints([draft], shipped.valence), "valence", (valence,))


def test_a_touchpoint_has_the_first_name_of_the_catalogue_that_fits_and_none_if_none_does(known, expect):
    versions = known(
        "valid/conversations",
        {"conversation_id": "1", "updated_at": "2017-03-01", "opened_at": "2017-03-01", "topic": "refund"},
        {"conversation_id": "2", "updated_at": "2017-03-01", "opened_at": "2017-03-01", "topic": "points"},
        {"conversation_id": "3", "updated_at": "2017-03-01", "opened_at": "2017-03-01", "channel": "phone"},
    )
    names = [("subject = 'refund'", "money_back"), ("channel = 'chat' and subject is not null", "chat")]
    found = contacts.touchpoints(contacts.conversations(versions, ZONE), [], names)
    expect(found, "reference touchpoint", ("1", "money_back"), ("2", "chat"), ("3", None))


EVERY_TYPE = [
    *[("order", channel, "completed") for channel in ("store", "web", "app", "phone")],
    ("return", "store", "returned"),
    ("cancellation", "web", "cancelled"),
    *[("visit", "web", traffic) for traffic in ("direct", "paid", "organic", "email", "affiliate", "unknown")],
    ("registration", "crm", None),
    *[("conversation", channel, "refund") for channel in ("chat", "phone", "e-mail", "social", "ticket")],
    ("resolution", "chat", None),
    *[(kind, "survey", "s") for kind in ("nps", "csat", "ces", "text")],
    *[(type_, "email", "spring") for type_ in ("sent", "delivered", "open", "click", "bounce", "soft_bounce")],
    *[(type_, None, None) for type_ in ("bounce", "complaint", "unsubscribe")],
    ("impression", "ad", "spring"),
    ("sent", "mail", "spring"),
    ("redeem", "mail", "spring"),
    ("click", "app", "spring"),
    ("post", "social", "instagram"),
    ("review", "review", "product"),
    ("interview", "interview", None),
    *[(type_, "store", None) for type_ in ("appointment", "appointment_moved", "appointment_kept")],
    *[(type_, "payment", "ideal") for type_ in ("payment", "payment_failed", "payment_due")],
    ("use", "network", "roaming"),
]


def test_the_shipped_catalogue_names_every_contact_there_is(rows, shipped):
    made = [
        {"type": type_, "channel": channel, "subject": subject, "customer_id": "c", "occurred_at": "2017-03-01"}
        for type_, channel, subject in EVERY_TYPE
    ]
    found = contacts.judged([rows("journeys/touchpoints", *made)], [], shipped.touchpoint_names)
    assert [row.asDict() for row in found.where("touchpoint is null").select("type", "channel").collect()] == []
    used = {row[0] for row in found.select("touchpoint").distinct().collect()}
    assert set(shipped.touchpoints) - used == {"newsletter"}, "names nothing that there is"
