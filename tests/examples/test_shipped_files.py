"""Each vendor's files, in the layout the vendor publishes, become the canonical rows and customers they are about."""

import json
from decimal import Decimal

import pytest

from tests.examples.source_company import Company


@pytest.fixture
def lived(tmp_path, monkeypatch):
    return lambda name: Company(name, tmp_path, monkeypatch).live()


def accepted(counts):
    return {name: (one["rows_in"], one["accepted"], one.get("left_out", 0)) for name, one in counts.items()}


def test_hubspot_deals_and_tickets_find_their_contact_and_stage_and_opt_outs_are_answers(lived):
    company = lived("hubspot")
    assert [accepted(counts) for counts in company.counts] == [{"hubspot": (25, 23, 2)}, {"hubspot": (2, 2, 0)}]
    assert company.values("contacts", "contact_id", "updated_at", "phone", "country", "deleted") == [
        ("101", "2025-05-30 10:00:00", "020 624 1111", "NL", None),
        ("102", "2025-05-30 11:00:00", "+31 6 20304050", "NL", None),
        ("102", "2025-06-01 16:00:00", "+31 6 20304050", "NL", True),
        ("77", "2024-12-01 09:00:00", None, None, None),
    ]
    assert company.values("orders", "order_id", "ordered_at", "status", "total", "contact_id") == [
        ("901", "2025-05-20 12:00:00", "completed", Decimal("1250.50"), "101"),
        ("902", "2025-05-01 08:00:00", "open", Decimal("300.00"), "102"),
        ("902", "2025-06-01 15:00:00", "completed", Decimal("320.00"), "102"),
        ("903", "2025-05-22 12:00:00", "cancelled", Decimal("80.00"), None),
    ]
    assert company.values("tickets", "ticket_id", "status", "resolved_at", "priority", "contact_id") == [
        ("701", "closed", "2025-05-26 09:30:00", "high", "101"),
        ("702", "open", None, "high", "102"),
    ]
    assert company.values("campaign_events", "event_id", "type", "campaign_id", "email") == [
        ("e1", "sent", "9001", "anna@example.org"),
        ("e2", "open", "9001", "anna@example.org"),
        ("e3", "click", "9001", "anna@example.org"),
        ("e4", "soft_bounce", "9001", "ben@example.org"),
        ("e5", "bounce", "9001", "gone@example.org"),
        ("e6", "complaint", "9001", "ben@example.org"),
    ]
    assert company.values("consents", "email", "status", "changed_at") == [
        ("anna@example.org", "granted", "2025-03-01 10:00:00"),
        ("ben@example.org", "withdrawn", "2025-05-28 10:05:00"),
        ("ben@example.org", "withdrawn", "2025-05-28 10:05:00"),
    ]
    attributes = {row["contact_id"]: json.loads(row["attributes"] or "{}") for row in company.rows("contacts")}
    assert attributes["101"] == {"lifecycle_stage": "customer", "company": "Visser BV", "industry": "RETAIL"}
    anna, merged, other, ben = company.customers(
        "contact:hubspot:101", "contact:hubspot:77", "email:a.visser@example.com", "contact:hubspot:102"
    )
    assert anna == merged == other != ben
    assert ben == company.customers("email:ben@example.org")[0]


def test_zendesk_tickets_are_solved_when_they_were_and_comments_are_of_customers_or_agents(lived):
    company = lived("zendesk")
    assert [accepted(counts) for counts in company.counts] == [{"zendesk": (18, 12, 6)}, {"zendesk": (4, 4, 0)}]
    assert company.values("contacts", "contact_id", "first_name", "last_name", "login_id", "deleted") == [
        ("1111", "Anna", "van der Berg", "A-1", None),
        ("2222", "Ben", None, None, None),
        ("2222", "Ben", None, None, True),
    ]
    assert company.values("tickets", "ticket_id", "updated_at", "status", "resolved_at", "contact_id", "deleted") == [
        ("35", "2025-05-22 16:00:00", "solved", "2025-05-22 15:30:00", "1111", None),
        ("35", "2025-06-02 00:00:00", "closed", "2025-05-22 15:30:00", "1111", None),
        ("36", "2025-05-23 09:00:00", "pending", None, "2222", None),
        ("36", "2025-06-01 10:00:00", "closed", None, "2222", True),
    ]
    assert company.values("messages", "conversation_id", "sent_at", "author", "contact_id", "text") == [
        ("35", "2025-05-20 10:00:00", "customer", "1111", "Where is my order?"),
        ("35", "2025-05-20 11:00:00", "agent", None, "It left on Monday."),
    ]
    answers = ("response_id", "kind", "score", "scale_max", "comment", "contact_id")
    assert company.values("survey_responses", *answers) == [("62", "csat", 0.0, 1.0, "Two weeks late", "1111")]
    anna, by_mail, by_login = company.customers("contact:zendesk:1111", "email:anna@example.org", "login:A-1")
    assert anna == by_mail == by_login != company.customers("contact:zendesk:2222")[0]


def test_stripe_amounts_are_money_and_refunds_are_credit_notes_of_the_same_customer(lived):
    company = lived("stripe")
    assert accepted(company.counts[0])["stripe"] == (10, 9, 1)
    assert company.values("orders", "source", "order_id", "ordered_at", "status", "currency", "total") == [
        ("stripe", "ch_1", "2025-05-10 12:00:00", "completed", "EUR", Decimal("49.99")),
        ("stripe", "ch_2", "2025-05-11 12:00:00", "completed", "JPY", Decimal("1200.00")),
        ("stripe", "ch_3", "2025-05-12 12:00:00", "cancelled", "EUR", Decimal("25.00")),
        ("stripe", "ch_4", "2025-05-13 12:00:00", "completed", "EUR", Decimal("9.90")),
        ("stripe", "ch_4", "2025-05-13 12:00:00", "open", "EUR", Decimal("9.90")),
        ("stripe_refunds", "re_1", "2025-06-01 14:00:00", "completed", "EUR", Decimal("-19.99")),
    ]
    assert company.values("subscriptions", "subscription_id", "plan", "status", "ends_at", "amount") == [
        ("sub_1", "Basic", "active", None, Decimal("30.00")),
        ("sub_1", "Basic", "cancelled", "2025-06-01 18:00:00", Decimal("30.00")),
        ("sub_2", "Plus", "active", None, Decimal("30.00")),
    ]
    assert company.values("contacts", "contact_id", "updated_at", "last_name", "city") == [
        ("cus_A", "2025-01-05 10:00:00", "Peeters", "Gent"),
        ("cus_B", "2025-01-05 10:00:00", None, None),
        ("cus_B", "2025-06-02 00:00:00", "Maes", None),
    ]
    paid = {row["order_id"]: (row["contact_id"], row["email"]) for row in company.rows("orders")}
    assert paid["ch_1"] == paid["re_1"] == ("cus_A", "anna@example.be")
    assert len(set(company.customers("contact:stripe:cus_A", "email:anna@example.be"))) == 1


def test_ga4_parameters_become_columns_and_pings_without_consent_are_left_out(lived):
    company = lived("ga4")
    assert accepted(company.counts[0]) == {"ga4": (6, 5, 1)}
    assert company.values("events", "occurred_at", "sequence", "type", "url", "utm_source", "query", "product_id") == [
        ("2025-05-31 09:00:00", 1001, "page_view", "https://shop.example/", "news", None, None),
        ("2025-05-31 09:01:00", 2001, "search", "https://shop.example/search", None, "lamp", None),
        ("2025-05-31 09:02:00", 3001, "product_view", "https://shop.example/lamp", None, None, "L1"),
        ("2025-05-31 09:02:00", 3002, "add_to_cart", "https://shop.example/lamp", None, None, "L1"),
        ("2025-05-31 09:05:00", 5001, "purchase", "https://shop.example/thanks", None, None, "L1"),
    ]
    bought = [row for row in company.rows("events") if row["type"] == "purchase"]
    assert [(row["order_id"], row["value"], row["login_id"], row["device"]) for row in bought] == [
        ("T-9", Decimal("25.50"), "A-1", "mobile")
    ]
    browser, login = company.customers("cookie:1385714242.1748682000", "login:A-1")
    assert browser == login is not None


def test_klaviyo_metrics_have_names_and_who_is_suppressed_has_said_no(lived):
    company = lived("klaviyo")
    assert accepted(company.counts[0]) == {"klaviyo": (21, 20, 1)}
    assert company.values("contacts", "contact_id", "first_name", "country", "language", "phone", "login_id") == [
        ("01ANNA", "Anna", "NL", "nl", "+31612340001", "A-1"),
        ("01BEN", "Ben", "NL", "nl", None, None),
        ("01CEES", "Cees", "NL", "nl", None, None),
        ("01DINA", "Dina", "NL", "nl", None, None),
    ]
    assert company.values("consents", "contact_id", "status", "changed_at", "proof") == [
        ("01ANNA", "granted", "2025-05-01 09:00:00", "FORM footer"),
        ("01BEN", "withdrawn", "2025-05-20 08:00:00", "HARD_BOUNCE"),
        ("01CEES", "withdrawn", "2025-05-01 09:00:00", "FORM footer"),
    ]
    assert company.values("campaign_events", "event_id", "type", "campaign_id", "occurred_at", "contact_id") == [
        ("ev1", "delivered", "01MSG", "2025-05-29 08:00:00", "01ANNA"),
        ("ev2", "open", "01MSG", "2025-05-29 07:00:00", "01ANNA"),
        ("ev3", "click", "01MSG", "2025-05-29 07:01:00", "01ANNA"),
        ("ev4", "bounce", "01MSG", "2025-05-20 08:00:00", "01BEN"),
        ("ev5", "soft_bounce", "01MSG", "2025-05-29 08:00:00", "01DINA"),
        ("ev6", "unsubscribe", "01MSG", "2025-05-29 08:10:00", "01CEES"),
        ("ev7", "complaint", "01MSG", "2025-05-29 08:11:00", "01CEES"),
    ]
    assert len(set(company.customers("contact:klaviyo:01ANNA", "email:anna@example.nl", "login:A-1"))) == 1


def test_shopify_objects_of_one_bulk_file_are_told_apart_and_a_line_has_the_time_of_its_order(lived):
    company = lived("shopify")
    assert company.values("contacts", "contact_id", "email", "country") == [
        ("71", "ann@example.co.uk", "GB"),
        ("72", "bob@example.co.uk", None),
        ("73", None, None),
    ]
    assert company.values("consents", "contact_id", "status", "changed_at") == [
        ("71", "granted", "2025-05-01 08:00:00"),
        ("72", "withdrawn", "2025-05-01 08:00:00"),
    ]
    assert company.values("orders", "order_id", "status", "currency", "total", "contact_id", "email") == [
        ("1001", "completed", "GBP", Decimal("60.00"), "71", None),
        ("1002", "cancelled", "GBP", Decimal("15.00"), "72", None),
        ("1003", "open", "GBP", Decimal("30.00"), None, "guest@example.co.uk"),
        ("1004", "test", "GBP", Decimal("1.00"), "71", None),
        ("31", "completed", "GBP", Decimal("-20.00"), "71", None),
    ]
    assert company.values("order_lines", "order_id", "line_id", "product_id", "quantity", "amount", "ordered_at") == [
        ("1001", "1", "501", 2.0, Decimal("40.00"), "2025-05-20 08:59:00"),
        ("1001", "2", "502", 1.0, Decimal("20.00"), "2025-05-20 08:59:00"),
        ("1002", "3", "501", 1.0, Decimal("15.00"), "2025-05-20 08:59:00"),
    ]
    assert company.values("events", "type", "occurred_at", "url", "value", "contact_id") == [
        ("checkout", "2025-05-28 10:00:00", "https://shop.example/1/checkouts/ac/x/recover", Decimal("45.50"), "72")
    ]
    assert len(set(company.customers("contact:shopify_graphql:72", "email:bob@example.co.uk"))) == 1


def test_segment_calls_of_one_file_become_contacts_events_and_orders_and_keep_traits_that_were_set(lived):
    company = lived("segment")
    assert company.set_aside() == {}
    assert company.values("contacts", "contact_id", "updated_at", "email", "phone", "previous_ids") == [
        ("A-1", "2025-05-31 09:02:00", "anna@example.com", None, None),
        ("A-1", "2025-06-01 09:00:00", "anna@example.com", "+16175550123", None),
        ("A-1", "2025-06-01 09:01:00", "anna@example.com", "+16175550123", "old-9"),
    ]
    assert company.values("events", "event_id", "type", "cookie_id", "login_id", "product_id", "value") == [
        ("m1", "page_view", "anon-1", None, None, None),
        ("m10", "order_cancelled", "anon-1", "A-1", None, Decimal("27.50")),
        ("m2", "add_to_cart", "anon-1", None, "L1", None),
        ("m4", "purchase", "anon-1", "A-1", "L1", Decimal("27.50")),
        ("m5", "group", "anon-1", "A-1", None, None),
        ("m6", "identify", "anon-2", None, None, None),
        ("m9", "page_view", "anon-3", "A-1", None, None),
    ]
    assert company.values("orders", "order_id", "updated_at", "ordered_at", "status", "currency", "total") == [
        ("O-7", "2025-05-31 09:03:00", "2025-05-31 09:03:00", "completed", "USD", Decimal("27.50")),
        ("O-7", "2025-06-01 10:00:00", "2025-05-31 09:03:00", "cancelled", "USD", Decimal("27.50")),
    ]
    lines = ("order_id", "line_id", "product_id", "quantity", "amount", "ordered_at")
    assert company.values("order_lines", *lines) == [("O-7", "1", "L1", 1.0, Decimal("25.50"), "2025-05-31 09:03:00")]
    anna = company.customers("contact:segment_s3:A-1", "contact:segment_s3:old-9", "cookie:anon-1", "cookie:anon-3")
    assert len(set(anna)) == 1
    assert anna[0] is not None
    assert company.customers("cookie:anon-2")[0] not in anna
