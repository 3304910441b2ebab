"""Tables of the journey: sessions, baskets, touchpoints, micro-moments, stages, KPIs."""

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
        part bigint orders of the visit before: what is put in after an order is another basket
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
        amount decimal(18,2) paid for an order, minus that for its return or cancellation; in the company's currency
        amount_paid decimal(18,2) the same in the currency it was paid in
        currency string that currency, ISO 4217
        product_views int product pages seen in a visit
        carts int products put in the basket in a visit
        seconds bigint length of a visit, or time from first contact to solution
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
        session_id string the visit it happened in
        type string know, go, do or buy
        device string mobile, tablet or desktop, of the visit
        day date day in the configured time zone
        started_at timestamp first evidence
        expires_at timestamp when acting on it is no longer useful
        confidence double share of the evidence that points to this type, 0 to 1
        evidence array<string> the events that show it
        served boolean whether something answered it, after the first evidence and before it expired
        served_at timestamp when it was served
        served_by string event that served it
        seconds bigint from the first evidence until it was served
        steps int events from the first evidence until the one that served it
    """),
        scope="state",
        day_column="day",
        moment="started_at",
        id="moment_id",
    ),
    Dataset(
        "journeys/stages",
        "one stay of one customer in one stage",
        ("customer_id", "valid_from"),
        columns("""
        customer_id string the customer
        stage string awareness, consideration, purchase, service or loyalty
        valid_from date first day in the stage
        valid_to date last day in the stage, empty for now
        previous_stage string the stage before
        rule string the rule that placed the customer here
        evidence string the numbers the rule saw, as a JSON object
    """),
        scope="state",
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
    Dataset(
        "journeys/kpis",
        "one KPI in one day, week or month, whole or for one part of a dimension",
        ("period", "day", "kpi", "dimension", "part"),
        columns("""
        period string day, week (from Monday) or month
        day date the first day of the period
        stage string the stage it belongs to
        kpi string name of the KPI, see journeys/kpi_registry
        dimension string all, or what it is divided by, such as channel
        part string all, or the part it is for, such as email; unknown where rows have none
        value double the value; empty with a reason
        low double lower end of its 95 % interval; empty for counts and for numbers of too few rows
        high double upper end of that interval
        numerator double what is counted
        denominator double out of what; empty for counts
        sample bigint observations behind a value that has a denominator
        small boolean whether these are fewer than the smallest sample of the KPI
        reason string why there is no value: no_rows (denominator 0) or no_source (no dataset it needs ever had a row)
        complete boolean whether all days of the period are known
        on_target boolean of whole values of complete periods of the length the target is for: whether it was reached
        unit string count, share, currency, points, score, minutes, per visit, per solution, steps
        squares double sum over rows of what each adds to the numerator, squared
        products double sum over rows of what each adds to the numerator times what it adds to the denominator
        denominator_squares double sum over rows of what each adds to the denominator, squared
    """),
        scope="state",
        day_column="day",
    ),
    Dataset(
        "journeys/kpi_registry",
        "one KPI of config/journey.yaml",
        ("kpi",),
        columns("""
        kpi string name
        stage string the stage it belongs to
        title string short title
        definition string what it means
        unit string count, share, currency, points, score, minutes, per visit, per solution, steps
        counted_over string table whose rows are counted
        condition string which of these rows
        numerator string what is counted
        denominator string out of what; empty: the numerator is the value
        dimensions array<string> what it is divided by
        needs array<string> datasets without which there is no value
        owner string who answers for it
        target double value hoped for
        direction string which way is better: up or down
        per string the period that target and alert are about: day, week or month
        alert_at double a value as far from the target as this, or farther, raises an alert
        alert_unusual boolean whether a value outside of its forecast raises an alert
        origin string founding text, or own
        smallest_sample bigint fewer observations make a value small
    """),
        scope="state",
    ),
    Dataset(
        "journeys/kpi_outlook",
        "one KPI on one day: what it should have been, or what it will be",
        ("kpi", "day"),
        columns("""
        kpi string name of the KPI, as a whole
        day date the day
        is_forecast boolean whether the day is still to come
        value double what it was; empty for days to come
        expected double what the same weekday of the eight weeks before leads to expect
        low double lower end of the 95 % interval, by how wrong the same forecast was before
        high double upper end of that interval
        unusual boolean whether the value is farther away than noise goes; false for small samples
    """),
        scope="state",
        day_column="day",
    ),
    Dataset(
        "journeys/kpi_trends",
        "one KPI with enough days: whether it moves",
        ("kpi",),
        columns("""
        kpi string name of the KPI, as a whole
        as_of date the newest day
        direction string up or down if the interval of per_week says so, else flat
        per_week double change of the daily value per week, over the last eight weeks
        low double lower end of its 99 % interval
        high double upper end of that interval
        broke_on date first day of the level of today, if it has broken in the last 26 weeks
        before double median of the level before
        after double median since
    """),
        scope="state",
    ),
    Dataset(
        "journeys/alerts",
        "one value of a KPI that a person has to see",
        ("kpi", "period", "day", "kind"),
        columns("""
        kpi string name of the KPI
        period string day, week or month
        day date first day of the period
        kind string target: as bad as its alert says; unusual: not what was to be expected
        value double the value
        target double value hoped for
        why string in a sentence, with the numbers
        stage string the stage the KPI belongs to
        title string its title
        unit string its unit
        owner string who answers for it
    """),
        scope="state",
        day_column="day",
    ),
    Dataset(
        "journeys/funnels",
        "one step of one funnel, for the customers who began it in one period",
        ("funnel", "period", "begins", "step"),
        columns("""
        funnel string name of the funnel in config/journey.yaml
        period string window: all days that are looked at; or day, week or month, by the first step
        begins date first day of the period
        ends date last day of the period
        step int place of the step, from 1
        name string name of the step
        customers bigint customers of the period who came to this step; of several tries the one that came farthest
        dropped bigint of these, who did not come to the next step in time
        waiting bigint of these, who did not come to the next step yet and still have time
        share_of_first double customers out of those of the first step, 0 to 1
        share_of_previous double customers out of those of the step before, 0 to 1; empty for the first
        median_seconds double half of the customers took less time from the step before; empty without an order of steps
        as_of date the newest day that was known
    """),
        scope="state",
    ),
    Dataset(
        "journeys/transitions",
        "one step of paths and one that followed it directly",
        ("from_step", "to_step"),
        columns("""
        from_step string the step; (start) before the first of a path
        to_step string the next one; (conversion), (drop-off) or (open) where the path ends
        transitions bigint how often
        share_of_from double out of all that followed from_step, 0 to 1: the next steps
        share_of_to double out of all that came before to_step, 0 to 1: the previous steps
        is_loop boolean whether the step was repeated
        median_seconds double half took less time from one to the other; empty where a path begins or ends unconverted
        first_day date first day of the window
        as_of date last day of the window
    """),
        scope="state",
    ),
    Dataset(
        "journeys/paths",
        "one way through the contacts, and how it ended",
        ("path", "outcome"),
        columns("""
        path string steps joined by >; (no contact) before a conversion without any; (other) for all rare and long ones
        outcome string conversion, drop-off or open
        place int 1 for the most frequent path, whatever its outcome; empty for (other)
        steps int steps of the path, repeats in a row as the configuration says; empty for (other)
        paths bigint how many customers' ways were like this; one customer can have several
        customers bigint of how many customers
        contacts bigint contacts on them, with all repeats
        conversions bigint conversions at their ends
        value decimal(18,2) what these were worth
        share double out of all paths of all outcomes, 0 to 1
        median_seconds double half of them took less time from the first contact to the last, or to the conversion
        first_day date first day of the window
        as_of date last day of the window
    """),
        scope="state",
    ),
    Dataset(
        "journeys/attribution",
        "one model's credit to one channel, campaign or whatever else is declared",
        ("model", "dimension", "credited"),
        columns("""
        model string first, last, linear, position, time_decay, markov or shapley
        dimension string what gets credit: channel, campaign or another name of attribute_to
        credited string the channel or campaign; (none) for conversions that no contact led to
        orders double conversions credited, in parts of millionths; they add up to all conversions for each model
        revenue decimal(18,2) value credited; it adds up to the value of all conversions
        share double orders out of all conversions, 0 to 1
        cost decimal(18,2) what it cost in the window, where that is known
        cost_per_order double cost for each order credited
        conversions bigint all conversions of the window
        first_day date first day of the window
        as_of date last day of the window
    """),
        scope="state",
    ),
)
