"""Datasets of what people do and say: visits, answers, talks, reviews, appointments, use, interviews."""

from __future__ import annotations

from jobs.lake.tables.canonical_row import canonical
from jobs.lake.tables.contract import Dataset

CONTACTS: tuple[Dataset, ...] = (
    canonical(
        "events",
        "one web or app event",
        ("event_id",),
        """
        event_id string id of the event
        occurred_at* timestamp when it happened
        sequence bigint place among the events of one moment, as the tracker counts
        tracker_session_id string visit as the tracker counts; where it is there, pauses do not part visits
        type* string page_view, search, product_view, add_to_cart, remove_from_cart, checkout, purchase, ...
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
        store_id string the shop it happened in, such as of a scanned code or a store's wifi
        latitude! double where the device was, degrees north of the equator
        longitude! double where the device was, degrees east of Greenwich
        user_agent string the browser or program as it names itself; what tells bots apart
        lcp double seconds until the largest part of the page was there (largest contentful paint)
        inp double seconds from an action to what the page showed of it (interaction to next paint)
        cls double how far the page jumped about while it loaded (cumulative layout shift), 0 for not at all
    """,
        id="event_id",
        moment="occurred_at",
    ),
    canonical(
        "survey_responses",
        "one version of one answer to one survey question",
        ("response_id", "question_id", "updated_at"),
        """
        response_id string id of the filled-in survey
        question_id string id of the question
        updated_at timestamp when this version was written
        survey_id string id of the survey
        kind* string nps, csat, ces, awareness (1 for who knows the brand, 0 for who does not) or text
        score double the answer as a number
        scale_max double highest possible score
        weight double how many people the answer speaks for, where the survey was weighted; empty for 1
        comment! string free text
        language string language of the text, ISO 639-1
        answered_at* timestamp when it was answered
    """,
        id="question_id",
        moment="answered_at",
        versions=True,
        whole="response_id",
    ),
    canonical(
        "reviews",
        "one version of one review",
        ("review_id", "updated_at"),
        """
        review_id string id of the review in this source
        updated_at timestamp when this version was written
        reviewed_at* timestamp when it was first posted
        product_id string the product it is about; empty for one of a shop or the company
        store_id string the shop it is about
        order_id string the order it is about
        rating double stars or points given
        scale_max double highest possible rating
        title! string headline
        text! string the text
        language string language of the text, ISO 639-1
        verified boolean whether the site says that the writer bought it
    """,
        id="review_id",
        moment="reviewed_at",
        versions=True,
    ),
    canonical(
        "conversations",
        "one version of one conversation",
        ("conversation_id", "updated_at"),
        """
        conversation_id string id of the conversation in this source
        updated_at timestamp when this version was written
        channel string chat, phone, e-mail or social
        opened_at* timestamp first contact
        closed_at timestamp when it was closed, empty while open
        status* string open or closed
        topic string subject, as labelled by the source
        csat double satisfaction 1 to 5 asked afterwards
    """,
        id="conversation_id",
        moment="opened_at",
        versions=True,
    ),
    canonical(
        "messages",
        "one message in one conversation",
        ("message_id",),
        """
        message_id string id of the message
        conversation_id* string the conversation
        sent_at* timestamp when it was sent
        author* string customer, agent or bot
        text!* string the text
    """,
        id="message_id",
        moment="sent_at",
    ),
    canonical(
        "tickets",
        "one version of one service ticket",
        ("ticket_id", "updated_at"),
        """
        ticket_id string id of the ticket in this source
        updated_at timestamp when this version was written
        opened_at* timestamp first contact
        resolved_at timestamp when it was solved, empty while open
        status* string open, pending, solved or closed
        topic string subject
        priority string priority
    """,
        id="ticket_id",
        moment="opened_at",
        versions=True,
    ),
    canonical(
        "appointments",
        "one version of one appointment",
        ("appointment_id", "updated_at"),
        """
        appointment_id string id of the appointment in this source
        updated_at timestamp when this version was written
        booked_at* timestamp when it was booked
        starts_at timestamp when it is, or was; may be in the future
        status* string booked, moved, kept, no_show or cancelled
        channel string where they meet: store, home, phone, video or another place
        topic string what it is about
        store_id string the shop, for one in a shop
    """,
        id="appointment_id",
        moment="booked_at",
        versions=True,
    ),
    canonical(
        "usage",
        "one measured use of one product, network or device",
        ("usage_id",),
        """
        usage_id string id of the measurement; joined of product, device and period where the source has none
        used_at* timestamp when the use began
        product_id string the product or service that was used
        kind string product, network or device
        feature string what of it was used
        device string the device, without its serial number
        quantity double how much was used
        unit string unit of the quantity, such as MB, minutes or times
        seconds bigint how long it was used
    """,
        id="usage_id",
        moment="used_at",
    ),
    canonical(
        "notes",
        "one version of what one person said, or one finding of a study",
        ("note_id", "updated_at"),
        """
        note_id string id of the note in this source
        updated_at timestamp when this version was written
        noted_at* timestamp when it was said or found
        kind* string interview, market_research, employee or panel
        topic string what it is about
        touchpoint string the contact it is about, a name of `touchpoints` in config/journey.yaml
        valence string how the person speaks of it: positive, negative or neutral
        respondents bigint people it speaks for, where a study says so
        text!* string the text
        author! string who wrote it down
        language string language of the text, ISO 639-1
    """,
        id="note_id",
        moment="noted_at",
        versions=True,
    ),
)
