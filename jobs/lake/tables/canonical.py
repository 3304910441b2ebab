"""The datasets that sources map to, and what every row of theirs carries."""

from __future__ import annotations

from jobs.lake.tables.contract import Dataset, columns

LINEAGE = columns("""
source string the source this row came from, as named in config/sources/
file_id string the file it came from: key into ops/files
line bigint the line of that file (first line is 1), or the row number for files without lines
arrived date the day its file landed
""")

PERSON = columns("""
contact_id string id of the person in this source
email! string e-mail address as received
phone! string phone number as received
login_id! string account name or id used to log in, shared by web shop and app
cookie_id! string browser or device id
loyalty_id! string loyalty card number
""")


VERSION = columns("""
absent string columns that the record did not carry, comma-separated: their values are those of the version before
deleted boolean whether the record ends with this version; empty for no
delivery timestamp of rows that come as a whole (`all_rows_of`), when: rows of an earlier delivery have ended
undated boolean whether the source told no date for this version, and it has that of its arrival; empty for no
""")


def _canonical(
    name: str,
    grain: str,
    key: tuple[str, ...],
    described: str,
    *,
    id: str,
    moment: str | None = None,
    versions: bool = False,
    person: bool = True,
) -> Dataset:
    """A dataset that sources map to: the given columns, the person it concerns, attributes, lineage.

    With a `moment` its rows are happenings: traits can be computed over them.
    """
    own = columns(described)
    names = {column.name for column in own}
    people = tuple(c for c in PERSON if c.name not in names) if person else ()
    extra = columns("attributes string further columns of the source, as a JSON object")
    every = (*own, *people, *extra, *(VERSION if versions else ()), *LINEAGE)
    return Dataset(f"valid/{name}", grain, ("source", *key), every, moment=moment, id=id, versions=versions)


CANONICAL: dict[str, Dataset] = {
    d.short_name: d
    for d in (
        _canonical(
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
        _canonical(
            "consents",
            "one version of one answer of one contact about one purpose and channel",
            ("consent_id", "changed_at"),  # an answer changed in place at the source must never pass for a duplicate
            """
            consent_id string id of the answer in this source
            purpose string what the data may be used for, a purpose of config/identity.yaml
            channel string by which channel, a channel of config/identity.yaml
            status string granted or withdrawn
            changed_at timestamp when the person answered
            expires_at timestamp when the answer ends, empty for never
            proof string where the answer is recorded, such as a form version
        """,
            # without a moment: what a consent is worth is said by profiles/consent alone
            id="consent_id",
            versions=True,
        ),
        _canonical(
            "orders",
            "one version of one order",
            ("order_id", "updated_at"),
            """
            order_id string id of the order in this source
            updated_at timestamp when this version was written
            ordered_at timestamp when the customer ordered
            status string completed, cancelled, returned, open or test
            channel string where it was placed: store, web, app or phone
            store_id string the shop, for store orders
            currency string ISO 4217 code
            total decimal(18,2) amount paid, tax included; negative for a credit note
            discount decimal(18,2) discount given
            credits string the order for which this document gives money back: then its total is below 0
        """,
            id="order_id",
            moment="ordered_at",
            versions=True,
        ),
        _canonical(
            "order_lines",
            "one version of one product in one order",
            ("order_id", "line_id", "updated_at"),
            """
            order_id string the order
            line_id string number of the line in the order
            updated_at timestamp when this version was written
            product_id string the product
            quantity double units bought, negative for a return
            amount decimal(18,2) amount paid for the line
            discount decimal(18,2) discount on the line
            ordered_at timestamp when the order was placed
        """,
            id="line_id",
            moment="ordered_at",
            versions=True,
            person=False,
        ),
        _canonical(
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
        _canonical(
            "subscriptions",
            "one version of one subscription",
            ("subscription_id", "updated_at"),
            """
            subscription_id string id of the subscription in this source
            updated_at timestamp when this version was written
            plan string plan name
            status string active, paused, cancelled or expired
            started_at timestamp start
            ends_at timestamp contract end, empty for open end
            amount decimal(18,2) amount per period
            currency string ISO 4217 code
        """,
            id="subscription_id",
            moment="started_at",
            versions=True,
        ),
        _canonical(
            "survey_responses",
            "one version of one answer to one survey question",
            ("response_id", "question_id", "updated_at"),
            """
            response_id string id of the filled-in survey
            question_id string id of the question
            updated_at timestamp when this version was written
            survey_id string id of the survey
            kind string nps, csat, ces or text
            score double the answer as a number
            scale_max double highest possible score
            comment! string free text
            language string language of the text, ISO 639-1
            answered_at timestamp when it was answered
        """,
            id="question_id",
            moment="answered_at",
            versions=True,
        ),
        _canonical(
            "conversations",
            "one version of one conversation",
            ("conversation_id", "updated_at"),
            """
            conversation_id string id of the conversation in this source
            updated_at timestamp when this version was written
            channel string chat, phone, e-mail or social
            opened_at timestamp first contact
            closed_at timestamp when it was closed, empty while open
            status string open or closed
            topic string subject, as labelled by the source
            csat double satisfaction 1 to 5 asked afterwards
        """,
            id="conversation_id",
            moment="opened_at",
            versions=True,
        ),
        _canonical(
            "messages",
            "one message in one conversation",
            ("message_id",),
            """
            message_id string id of the message
            conversation_id string the conversation
            sent_at timestamp when it was sent
            author string customer, agent or bot
            text! string the text
        """,
            id="message_id",
            moment="sent_at",
        ),
        _canonical(
            "tickets",
            "one version of one service ticket",
            ("ticket_id", "updated_at"),
            """
            ticket_id string id of the ticket in this source
            updated_at timestamp when this version was written
            opened_at timestamp first contact
            resolved_at timestamp when it was solved, empty while open
            status string open, pending, solved or closed
            topic string subject
            priority string priority
        """,
            id="ticket_id",
            moment="opened_at",
            versions=True,
        ),
        _canonical(
            "events",
            "one web or app event",
            ("event_id",),
            """
            event_id string id of the event
            occurred_at timestamp when it happened
            sequence bigint place among the events of one moment, as the tracker counts
            tracker_session_id string visit as the tracker counts; where it is there, pauses do not part visits
            type string page_view, search, product_view, add_to_cart, remove_from_cart, checkout, purchase, ...
            url string page address without query string
            referrer string referring site
            utm_source string campaign source
            utm_medium string campaign medium
            utm_campaign string campaign name
            device string mobile, tablet or desktop
            query string search text
            product_id string product concerned
            order_id string order concerned
            value decimal(18,2) amount concerned
        """,
            id="event_id",
            moment="occurred_at",
        ),
        _canonical(
            "campaign_events",
            "one contact moment of one campaign",
            ("event_id", "type"),
            """
            event_id string id of the event
            campaign_id string the campaign; may be empty for a bounce, complaint or unsubscribe
            channel string email, ad, mail or app; empty for an unsubscribe or complaint that concerns all of them
            type string impression, sent, delivered, open, click, bounce, soft_bounce, complaint, unsubscribe or redeem
            occurred_at timestamp when it happened
            product_id string product concerned
        """,
            id="event_id",
            moment="occurred_at",
        ),
        _canonical(
            "rates",
            "one currency on one day",
            ("currency", "day"),
            """
            currency string ISO 4217 code
            day date the day from which the rate holds, until the next one
            rate double what one unit of it is worth in the company's currency
        """,
            id="currency",
            person=False,
        ),
        _canonical(
            "social_posts",
            "one version of one public post",
            ("post_id", "updated_at"),
            """
            post_id string id of the post
            updated_at timestamp when this version was written
            posted_at timestamp when it was posted
            network string the social network
            author! string author handle
            text! string the text
            likes bigint likes
            shares bigint shares
            comments bigint comments
        """,
            id="post_id",
            moment="posted_at",
            versions=True,
        ),
    )
}

PERSON_COLUMNS: tuple[str, ...] = tuple(c.name for c in PERSON)
LINEAGE_COLUMNS: tuple[str, ...] = tuple(c.name for c in LINEAGE)
VERSION_COLUMNS: tuple[str, ...] = tuple(c.name for c in VERSION)
UNMAPPED: tuple[str, ...] = ("attributes", *VERSION_COLUMNS, *LINEAGE_COLUMNS)
"""Columns that no source maps by their names."""
