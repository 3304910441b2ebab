"""Tables of the journey: sessions, baskets, touchpoints, micro-moments, stages."""

from __future__ import annotations

from jobs.lake.tables.contract import Dataset, columns

TABLES: tuple[Dataset, ...] = (
    Dataset(
        "journeys/sessions",
        "one visit",
        ("session_id",),
        columns("""
        session_id string id of the visit
        customer_id string the visitor
        day date day of its start in the configured time zone
        started_at timestamp first event
        ended_at timestamp last event
        device string mobile, tablet or desktop
        channel string how the visitor came: direct, organic, paid, email, social, referral
        entry_url string first page
        events int number of events
        pages int pages seen
        searches int searches
        product_views int product pages seen
        carts int products put in the basket
        orders int orders placed
        revenue decimal(18,2) value of orders placed
        tracker_session string hash of the visit as the tracker counts; empty where pauses part visits
        intent int points of purchase intent, those of its signs together; empty where journey.yaml declares no `intent`
        intent_band string the band the points are in
        intent_signs array<string> the signs it showed in words, each with its points
    """),
        scope="state",
        day_column="day",
        moment="started_at",
        id="session_id",
    ),
    Dataset(
        "journeys/basket_visits",
        "one shopping basket in one visit that touched it",
        ("session_id", "part"),
        columns("""
        session_id string id of the visit
        part bigint orders of the visit before, each ends a basket; -1: what it took out before it put anything in
        customer_id string the customer
        day date day it was first touched in the configured time zone
        began_at timestamp when it was first touched in the visit
        ended_at timestamp when it was last touched in the visit
        added bigint times a product was put in
        removed bigint times a product was taken out
        ordered bigint 1 if it was ordered
    """),
        scope="state",
        day_column="day",
    ),
    Dataset(
        "journeys/carts",
        "one shopping basket of one customer, over one or more visits",
        ("cart_id",),
        columns("""
        cart_id string id of the basket: that of the visit in which it was begun, with the part if not its first
        customer_id string the customer
        opened_at timestamp when it was first touched
        last_at timestamp when it was last touched
        visits int visits it lasted
        items int times a product was put in it
        removed int times a product was taken out of it
        status string open, ordered, emptied or abandoned
        day date day it was ordered, emptied or given up in the configured time zone, empty while open
    """),
        scope="state",
        day_column="day",
        moment="last_at",
        id="cart_id",
    ),
    Dataset(
        "journeys/touchpoints",
        "one contact between customer and company",
        ("touchpoint_id",),
        columns("""
        touchpoint_id string id of the contact: type, source and reference
        customer_id string the customer
        occurred_at timestamp when
        day date day in the configured time zone
        channel string web, store, app, phone, email, ad, mail, chat, survey, social, ...
        type string visit, order, return, cancellation, registration, conversation, resolution, nps, csat, click, ...
        subject string traffic channel of a visit, outcome of an order, campaign, topic, or survey
        touchpoint string its name in `touchpoints` of config/journey.yaml; empty if none fits
        source string the source of the row it stands for
        reference string id of the row it stands for
        valence string positive, negative or neutral, by the rules of config/journey.yaml
        nth int the how manieth contact of this type of this customer; empty for an order that was no purchase
        score decimal(18,2) answer: nps 0 to 10, csat 1 to 5, ces 1 to 7, whatever scale was shown
        sentiment double how positively the customer speaks of it, -1 to 1, by the text beside it (models/texts)
        tone string positive, neutral or negative, by that text; empty without one
        intent string what the customer wants, by that text
        theme string what that text is about
        amount decimal(18,2) paid for an order, minus that for its return or cancellation; in the company's currency
        amount_paid decimal(18,2) the same in the currency it was paid in
        currency string that currency, ISO 4217
        product_views int product pages seen in a visit
        carts int products put in the basket in a visit
        seconds bigint length of a visit, or time from first contact to solution
        open_days int days from a conversation until it was solved, empty while it is open; not for rules, as clicked
        clicked boolean whether a delivered message was clicked, or a click is that of a person; not for stage rules
    """),
        scope="state",
        day_column="day",
        moment="occurred_at",
        id="touchpoint_id",
    ),
    Dataset(
        "journeys/moments",
        "one micro-moment of one customer",
        ("moment_id",),
        columns("""
        moment_id string id of the moment
        customer_id string the customer
        session_id string the visit it happened in; empty for one that records show, such as a talk or a contract
        type string know, go, do or buy
        device string mobile, tablet or desktop, of the visit
        place string the shop it was last seen at: that of an event, or the nearest of `location` for who said yes to it
        day date day in the configured time zone
        started_at timestamp first evidence
        expires_at timestamp when acting on it is no longer useful
        confidence double share of the evidence that points to this type, 0 to 1
        evidence array<string> the events or the record that show it
        served boolean whether something answered it, after the first evidence and before it expired
        served_at timestamp when it was served
        served_by string event that served it, or the touchpoint; empty for a change of the record
        valence string of a moment beside visits: how the touchpoint that served it was for the customer
        seconds bigint from the first evidence until it was served
        steps int events from the first evidence until the one that served it; beside visits, touchpoints
    """),
        scope="state",
        day_column="day",
        moment="started_at",
        id="moment_id",
    ),
    Dataset(
        "journeys/vitals",
        "one page of one visit of which the browser measured how fast it was",
        ("source", "event_id"),
        columns("""
        source string the source of the event
        event_id string the event
        session_id string the visit
        customer_id string the visitor
        day date day in the configured time zone
        occurred_at timestamp when
        page string address of the page without query string
        device string mobile, tablet or desktop
        moment string the micro-moment of the visit, the most confident one; empty for none
        lcp double seconds until the largest part of the page was there; good up to 2.5
        inp double seconds from an action to what the page showed of it; good up to 0.2
        cls double how far the page jumped about while it loaded; good up to 0.1
    """),
        scope="state",
        day_column="day",
    ),
    Dataset(
        "journeys/bots",
        "one rule of `bots` on one day",
        ("day", "rule"),
        columns("""
        day date day in the configured time zone
        rule string name of the rule in config/journey.yaml
        events bigint events it says are of a program: they are in no visit, basket, moment, funnel or trait
        visitors bigint different browsers or programs
    """),
        scope="state",
        day_column="day",
    ),
    Dataset(
        "journeys/stages",
        "one stay of one customer in one stage by one rule",
        ("customer_id", "valid_from"),
        columns("""
        customer_id string the customer
        kind string customer, or visitor if nothing but cookies is known; as known today
        stage string awareness, consideration, purchase, service or loyalty
        state string how it stands there, as the rule says: active, new, lapsed, ...
        valid_from date first day on which the rule holds
        valid_to date last day, empty for now
        since date first day of the time in this stage, by whatever rules
        previous_stage string the stage before
        rule string the rule that holds; if its stage may not be entered from here, the customer stays where it was
        allowed boolean whether the move was one of `moves` in journey.yaml
        evidence string the numbers the rule saw on the first day, as a JSON object
        evidence_last string the same on the last day, or today
    """),
        scope="state",
    ),
    Dataset(
        "journeys/stage_moves",
        "one customer that enters a stage",
        ("customer_id", "day"),
        columns("""
        customer_id string the customer
        kind string customer or visitor, as known today
        day date first day in the stage
        from_stage string the stage before, empty at first
        to_stage string the stage entered
        state string how it stood there on that day
        rule string the rule that placed the customer here
        allowed boolean whether the move was one of `moves` in journey.yaml
        days_before int days in the stage before, empty at first
        next_stage string the stage after this one, empty for now
        days int days in the stage entered, empty while in it
        value decimal(18,2) `stage_value` of the days that begin with this one, empty until they have passed
    """),
        scope="state",
        day_column="day",
    ),
    Dataset(
        "journeys/touched",
        "one customer of whom the newest run of journeys made other visits, contacts, baskets or moments",
        ("customer_id",),
        columns("""
        customer_id string the customer, by the id of today or of before; * for everybody
        """),
        scope="state",
    ),
)
