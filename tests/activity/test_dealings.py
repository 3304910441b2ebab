"""Reviews, appointments, payments, use and interviews: which contacts of a customer they are, and when."""

import pytest

from jobs.activity import dealings
from jobs.activity import touchpoints as contacts
from jobs.validate.versions.counting import known_on
from tests.lived_company import FIRST

ZONE = "Europe/Amsterdam"


def appointment(updated_at, status, **more):
    return {"updated_at": updated_at, "status": status, "booked_at": "2017-03-01 10:00",
            "starts_at": "2017-03-10 10:00", "topic": "advice", **more}  # fmt: skip


def payment(updated_at, status, **more):
    return {"updated_at": updated_at, "status": status, "due_at": "2017-03-15 10:00", "amount": "9.99", **more}


def test_a_review_is_of_the_day_it_was_first_posted_with_the_rating_it_has_now(known, expect):
    versions = known(
        "valid/reviews",
        {"reviewed_at": "2017-03-01", "updated_at": "2017-03-01", "rating": 2.0, "scale_max": 10.0, "product_id": "7"},
        {"reviewed_at": "2017-03-05", "updated_at": "2017-03-05", "rating": 10.0, "scale_max": 10.0, "product_id": "7"},
        {"review_id": "r2", "reviewed_at": "2017-03-02", "updated_at": "2017-03-02", "store_id": "s"},
        {"review_id": "r3", "reviewed_at": "2017-03-03", "updated_at": "2017-03-03", "rating": 3.0, "scale_max": 5.0},
    )
    expect(
        contacts.touchpoints([dealings.reviews(versions, ZONE)], []),
        "touchpoint_id day channel subject score",
        ("review:shop:r1", "2017-03-01", "review", "product", "5.00"),
        ("review:shop:r2", "2017-03-02", "review", "store", None),
        ("review:shop:r3", "2017-03-03", "review", "company", "3.00"),
    )


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([("booked", "03-10")], [("appointment", "2017-03-01")]),
        ([("booked", "03-10"), ("kept", "03-10")], [("appointment", "2017-03-01"), ("appointment_kept", "2017-03-10")]),
        (
            [("booked", "03-10"), ("no_show", "03-10")],
            [("appointment", "2017-03-01"), ("appointment_missed", "2017-03-10")],
        ),
        (
            [("booked", "03-10"), ("moved", "03-12"), ("moved", "03-12"), ("kept", "03-14")],
            [
                ("appointment", "2017-03-01"),
                ("appointment_moved", "2017-03-03"),
                ("appointment_moved", "2017-03-05"),
                ("appointment_kept", "2017-03-14"),
            ],
        ),
        ([("moved", "03-12")], [("appointment", "2017-03-01"), ("appointment_moved", "2017-03-02")]),
        (
            [("booked", "03-10"), ("cancelled", "03-10"), ("cancelled", "03-10")],
            [("appointment", "2017-03-01"), ("appointment_cancelled", "2017-03-03")],
        ),
        ([("kept", None)], [("appointment", "2017-03-01"), ("appointment_kept", "2017-03-02")]),
    ],
)
def test_an_appointment_is_booked_moved_kept_missed_or_called_off(known, expect, versions, expected):
    rows = [
        appointment(f"2017-03-{n + 2:02d} 12:00", status, starts_at=starts and f"2017-{starts} 10:00")
        for n, (status, starts) in enumerate(versions)
    ]
    found = contacts.touchpoints(dealings.appointments(known("valid/appointments", *rows), ZONE), [])
    expect(found, "type day", *expected)


def test_moves_of_one_appointment_are_contacts_of_their_own(known, expect):
    rows = known(
        "valid/appointments",
        appointment("2017-03-01", "booked"),
        appointment("2017-03-02", "booked", starts_at="2017-03-11"),
        appointment("2017-03-03", "booked", starts_at="2017-03-12"),
    )
    found = contacts.touchpoints(dealings.appointments(rows, ZONE), []).where("type = 'appointment_moved'")
    expect(found, "touchpoint_id nth", ("appointment_moved:desk:a1:1", 1), ("appointment_moved:desk:a1:2", 2))


def test_an_appointment_that_was_deleted_is_no_contact_nor_are_its_moves(known, expect):
    rows = known(
        "valid/appointments",
        appointment("2017-03-01", "booked"),
        appointment("2017-03-02", "moved", starts_at="2017-03-11"),
        appointment("2017-03-03", "booked", deleted=True),
    )
    expect(contacts.touchpoints(dealings.appointments(rows, ZONE), []), "type")


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([("due", None)], [("payment_due", "2017-03-15")]),
        ([("paid", "2017-03-02 10:00")], [("payment", "2017-03-02")]),
        ([("paid", "2017-03-20 10:00")], [("payment_due", "2017-03-15"), ("payment", "2017-03-20")]),
        ([("paid", None)], [("payment", "2017-03-01")]),
        ([("failed", None)], [("payment_failed", "2017-03-01"), ("payment_due", "2017-03-15")]),
        (
            [("failed", None), ("failed", None), ("paid", "2017-03-03 10:00")],
            [("payment_failed", "2017-03-01"), ("payment", "2017-03-03")],
        ),
        ([("due", None), ("cancelled", None)], []),
        ([("due", None), ("Paid", None), ("refunded", None)], [("payment", "2017-03-02")]),
        ([("paid", None), ("refunded", None), ("paid", None)], [("payment", "2017-03-01")]),
        ([("refunded", None)], [("payment", "2017-03-01")]),
        ([("paid", "2017-03-20 10:00"), ("refunded", None)], [("payment", "2017-03-01")]),
    ],
)
def test_a_payment_is_made_fails_or_falls_due(known, expect, versions, expected):
    rows = [payment(f"2017-03-{n + 1:02d} 12:00", status, paid_at=at) for n, (status, at) in enumerate(versions)]
    found = contacts.touchpoints(dealings.payments(known("valid/payments", *rows), ZONE), [])
    expect(found, "type day amount", *[(*row, None) for row in expected])


def test_a_refund_after_the_day_it_was_due_neither_moves_a_payment_nor_makes_it_overdue(known, expect):
    paid = {"due_at": "2017-01-05 10:00", "paid_at": None}
    rows = [payment("2017-01-01 12:00", "paid", **paid), payment("2017-02-01 12:00", "refunded", **paid)]
    found = contacts.touchpoints(dealings.payments(known("valid/payments", *rows), ZONE), [])
    expect(found, "type day", ("payment", "2017-01-01"))


def test_use_of_a_product_network_or_device_is_a_contact(known, expect):
    rows = known(
        "valid/usage",
        {"used_at": "2017-03-01 22:00", "kind": "network", "feature": "roaming", "seconds": 60},
        {"usage_id": "u2", "used_at": "2017-03-01 23:30", "product_id": "box"},
    )
    found = contacts.touchpoints([dealings.usage(rows, ZONE)], [])
    expect(
        found, "type channel subject day seconds",
        ("use", "network", "roaming", "2017-03-01", 60), ("use", "product", "box", "2017-03-02", None),
    )  # fmt: skip


def test_an_interview_is_a_contact_with_the_customer_and_a_study_is_none(known, expect):
    rows = known(
        "valid/notes",
        {"noted_at": "2017-03-01", "updated_at": "2017-03-01", "kind": "interview", "topic": "delivery"},
        {"note_id": "n2", "noted_at": "2017-03-01", "updated_at": "2017-03-01", "kind": "market_research"},
        {"note_id": "n3", "noted_at": "2017-03-01", "updated_at": "2017-03-01", "kind": "employee"},
    )
    found = contacts.touchpoints([dealings.interviews(rows, ZONE)], [])
    expect(found, "touchpoint_id subject", ("interview:research:n1", "delivery"))


def test_what_is_known_of_an_appointment_on_a_day_is_not_what_became_of_it_later(known, expect):
    rows = known(
        "valid/appointments",
        appointment("2017-03-01", "booked", arrived="2017-03-01"),
        appointment("2017-03-10", "no_show", arrived="2017-03-10"),
    )
    days = [FIRST, FIRST.replace(day=10)]
    known_then = known_on(rows, days, "source", "appointment_id")
    found = contacts.judged(dealings.appointments(known_then, ZONE), [])
    expect(
        found, "type known_from known_until",
        ("appointment", "2017-03-01", "2017-03-10"),
        ("appointment", "2017-03-10", "9999-12-31"),
        ("appointment_missed", "2017-03-10", "9999-12-31"),
    )  # fmt: skip
