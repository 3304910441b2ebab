"""The datasets that sources map to: those of people and sales here, those of contacts and marketing beside it."""

from __future__ import annotations

from jobs.lake.tables.canonical_contacts import CONTACTS
from jobs.lake.tables.canonical_marketing import MARKETING
from jobs.lake.tables.canonical_row import LINEAGE, PERSON, VERSION, canonical
from jobs.lake.tables.contract import Dataset

CANONICAL: dict[str, Dataset] = {
    d.short_name: d
    for d in (
        canonical(
            "contacts",
            "one version of one contact in one source",
            ("contact_id", "updated_at"),
            """
            contact_id string id of the contact in this source
            updated_at timestamp when this version was written
            created_at timestamp when the contact was first written
            first_name! string given name
            last_name! string family name
            birth_date! date date of birth
            gender string gender as recorded
            street! string street and house number
            postcode! string postal code
            city string city
            country string country, ISO 3166-1 alpha-2
            language string language, ISO 639-1
            household_id string household the contact belongs to
            previous_ids string ids of contacts the source merged into this one: a list, or apart by comma or semicolon
            merged_into string id of the contact the source merged this one into
            other_emails! string further e-mail addresses, listed like previous_ids; they identify, and get no mail
        """,
            id="contact_id",
            versions=True,
        ),
        canonical(
            "consents",
            "one version of one answer of one contact about one purpose and channel",
            ("consent_id", "changed_at"),  # an answer changed in place at the source must never pass for a duplicate
            """
            consent_id string id of the answer in this source
            purpose* string what the data may be used for, a purpose of config/identity.yaml
            channel* string by which channel, a channel of config/identity.yaml
            status* string granted or withdrawn
            changed_at timestamp when the person answered
            expires_at timestamp when the answer ends, empty for never
            proof string where the answer is recorded, such as a form version
            ids_of string whose ids and addresses these are, a source; empty for its own. For answers to our messages
        """,
            # without a moment: what a consent is worth is said by profiles/consent alone
            id="consent_id",
            versions=True,
        ),
        canonical(
            "orders",
            "one version of one order",
            ("order_id", "updated_at"),
            """
            order_id string id of the order in this source
            updated_at timestamp when this version was written
            ordered_at* timestamp when the customer ordered
            status* string completed, cancelled, returned, open or test
            channel string where it was placed: store, web, app or phone
            store_id string the shop, for store orders
            currency string ISO 4217 code
            total* decimal(18,2) amount paid, tax included; negative for a credit note
            discount decimal(18,2) discount given
            credits string the order for which this document gives money back: then its total is below 0
        """,
            id="order_id",
            moment="ordered_at",
            versions=True,
        ),
        canonical(
            "order_lines",
            "one version of one product in one order",
            ("order_id", "line_id", "updated_at"),
            """
            order_id string the order
            line_id string number of the line in the order
            updated_at timestamp when this version was written
            product_id* string the product
            quantity double units bought, negative for a return
            amount decimal(18,2) amount paid for the line
            discount decimal(18,2) discount on the line
            ordered_at* timestamp when the order was placed
        """,
            id="line_id",
            moment="ordered_at",
            versions=True,
            whole="order_id",
            person=False,
        ),
        canonical(
            "products",
            "one version of one product",
            ("product_id", "updated_at"),
            """
            product_id string id of the product in this source
            updated_at timestamp when this version was written
            name string product name
            category string category
            department string department, the level above category
            brand string brand
            price decimal(18,2) list price
        """,
            id="product_id",
            versions=True,
            person=False,
        ),
        canonical(
            "subscriptions",
            "one version of one subscription",
            ("subscription_id", "updated_at"),
            """
            subscription_id string id of the subscription in this source
            updated_at timestamp when this version was written
            plan string plan name
            status* string active, paused, cancelled or expired
            started_at timestamp start
            ends_at timestamp contract end, empty for open end
            amount decimal(18,2) amount per period
            currency string ISO 4217 code
        """,
            id="subscription_id",
            moment="started_at",
            versions=True,
        ),
        canonical(
            "payments",
            "one version of one payment",
            ("payment_id", "updated_at"),
            """
            payment_id string id of the payment in this source
            updated_at timestamp when this version was written
            due_at* timestamp when it is to be paid; may be in the future
            paid_at timestamp when it was paid, empty while it is not
            status* string due, paid, failed, refunded or cancelled
            method string card, ideal, direct_debit, invoice, cash, ...
            reason string why it failed, in a word
            order_id string the order it is for
            subscription_id string the subscription it is for
            amount decimal(18,2) what is to be paid, or was
            currency string ISO 4217 code
        """,
            id="payment_id",
            moment="due_at",
            versions=True,
        ),
        canonical(
            "rates",
            "one currency on one day",
            ("currency", "day"),
            """
            currency string ISO 4217 code
            day date the day from which the rate holds, until the next one
            rate* double what one unit of it is worth in the company's currency
        """,
            id="currency",
            person=False,
        ),
        *CONTACTS,
        *MARKETING,
    )
}

PERSON_COLUMNS: tuple[str, ...] = tuple(c.name for c in PERSON)
LINEAGE_COLUMNS: tuple[str, ...] = tuple(c.name for c in LINEAGE)
VERSION_COLUMNS: tuple[str, ...] = tuple(c.name for c in VERSION)
UNMAPPED: tuple[str, ...] = ("attributes", *VERSION_COLUMNS, *LINEAGE_COLUMNS)
"""Columns that no source maps by their names."""
