"""Tables of audiences and of what was sent to whom."""

from __future__ import annotations

from jobs.lake.tables.contract import Dataset, columns

TABLES: tuple[Dataset, ...] = (
    Dataset(
        "audiences/members",
        "one customer in one audience on one day",
        ("day", "audience", "customer_id"),
        columns("""
        day date the day
        audience string the audience
        customer_id string the customer
        arm string treatment, holdout, or global_holdout: held out of all actions
        evidence string the values the rule saw, as a JSON object
        gain double what reaching the customer brings, after margin and cost; empty if the action says no value
        kept_away string why it must not be done: a reason of keep_away, no_gain or evidence_too_old; else empty
        zone string time zone of the customer, if config/contact_policy.yaml says how to tell
        valid_until timestamp when the micro-moment that the audience is about expires; empty without one
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "decisions/arms",
        "one customer in one action since one day: by which id the arm is drawn, from the first day on",
        ("audience", "customer_id", "since"),
        columns("""
        audience string the action; * for the holdout of all actions
        customer_id string the customer
        since date day from which on it is drawn so
        first_customer_id string customer id whose hash decides: that with which the person first came into the action
        because string drawn (new in the action), merged (with somebody in it before), split (off from one) or redrawn
        arm string the arm: treatment, holdout or global_holdout; of an experiment the variant, if any
        share double the share that was held out of the action on that day; empty for an experiment
        propensity double of an experiment: the probability with which its variant was drawn, by what was known then
        context string of an experiment: what is in its `context` as it was when it was drawn, as JSON
    """),
        scope="day",
        day_column="since",
    ),
    Dataset(
        "decisions/context",
        "one customer, from one moment to another, as other systems are told",
        ("customer_id", "valid_from"),
        columns("""
        day date the day as of whose end it was made
        customer_id string the customer; * for visitors who are not in the table
        valid_from timestamp from when
        valid_until timestamp until when, not included; then the customer's next row holds, or ask again
        stage string stage of the customer journey
        moment string the open micro-moment, know, go, do or buy; empty for none
        moment_expires_at timestamp when acting on it is no longer useful
        segment string newest label of the segmentation
        variant string variant of the site, by the first rule of config/context.yaml that is true
        content_tags array<string> topics and needs of the content for that stage and moment, most fitting first
        content array<string> ids of that content
        recommended array<string> items to show, best first, by the model that config/context.yaml names; else empty
    """),
        scope="state",
    ),
    Dataset(
        "decisions/choices",
        "one action for one customer at one destination on one day: whether it had its turn, and why or why not",
        ("day", "customer_id", "audience", "destination"),
        columns("""
        day date the day
        customer_id string the customer
        audience string the audience
        destination string the destination
        channel string its channel
        slot string what it competes for: one action per customer, day and slot; empty for lists
        turn int place among all that wanted the customer that day, from 1; empty if something stood in the way before
        priority int priority of the audience
        gain double what reaching the customer brings, after margin and cost
        chosen boolean whether it may be done
        reason string why not, as in activation/plans; empty if chosen
        because string the same in words: chosen, the action that goes first, the cap that is full, the budget
        propensity double share of those it is for that is drawn to be treated
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "decisions/timing",
        "one day, or one hour of the day, at which an action wrote to people, as it was learned on one day",
        ("day", "audience", "times", "value"),
        columns("""
        day date the day up to which all is known
        audience string the action
        times string days (since what it is about) or hours (by the clock of the customer)
        value int how many days, or which hour
        sent bigint messages, of which the days in which a response counts have passed
        responded bigint of these, messages that were responded to
        refused bigint of these, messages after which the customer unsubscribed or complained
        low double share of responses: lower end of an interval that holds for all values together, 95 %
        high double its upper end
        fine boolean whether it is written then: not surely worse than the best, and not refused too often
        said string what was learned, in words
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "decisions/effects",
        "one metric of one audience (*: of all together), as it was known on one day",
        ("day", "audience", "metric"),
        columns("""
        day date the day up to which all is known
        audience string the audience
        metric string conversion (ordered at all), orders, or value (paid, less returns, in the company's currency)
        within_days int days after somebody first came into the audience whose orders count
        treated bigint people it was for, of whom these days have passed
        held_out bigint people kept apart, of whom these days have passed
        mixed bigint people left out of both: parts of them were in both arms before they were one
        treated_mean double per person it was for
        held_out_mean double per person held out
        difference double per person, narrowed by what the same people did before
        low double lower end of a 95 % interval that holds however often one looks
        high double its upper end
        p_value double of a two-sided test, for a single look
        incremental double difference times the people it was for
        incremental_low double the same with the lower end
        incremental_high double the same with the upper end
        cost double of reaching the people it was for
        return_low double for value: margin on the lower end, less the cost
        return_high double for value: margin on the upper end, less the cost
        verdict string more, less, unclear, too_few, no_holdout or sample_ratio (arms have not the sizes drawn)
        said string the same in words
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "activation/plans",
        "one customer, audience and destination on one day",
        ("day", "audience", "destination", "customer_id"),
        columns("""
        day date the day
        audience string the audience
        destination string the destination, a name of config/destinations.yaml
        customer_id string the customer
        action string add, remove, send, keep or skip
        reason string why: held_out, no_consent, no_address, suppressed, contact_pressure, moment_over, ...
        fingerprint string hash of what is sent, so that a change is sent again
        consent_changed_at timestamp the consent answer this relies on
        valid_until timestamp when the micro-moment expires; after that nothing is sent
        gain double what reaching the customer brings, as in audiences/members
        zone string time zone of the customer, as in audiences/members
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "activation/ledger",
        "one state reached by one try to change one customer at one destination",
        ("destination", "audience", "customer_id", "attempt", "state"),
        columns("""
        operation_id string id of the operation: same plan, same id
        attempt int number of the try for this customer, audience and destination, from 1
        destination string the destination
        audience string the audience
        customer_id string the customer
        day date the day of the plan
        action string add, remove or send
        state string claimed (before sending), submitted (answer awaited), accepted, rejected, partial or unknown
        reason string what the destination answered, without personal data
        batch_id string the claim it was part of
        request_id string id given by the destination
        fingerprint string keyed hash of what was sent: of a message that of the address
        updated_at timestamp when this state was reached
    """),
    ),
    Dataset(
        "activation/deliveries",
        "one audience and destination on one day",
        ("day", "audience", "destination"),
        columns("""
        day date the day
        audience string the audience
        destination string the destination
        members bigint customers in the audience, holdout included
        held_out bigint customers kept apart to measure the effect
        no_consent bigint customers without consent for this purpose and channel
        no_address bigint customers without an address for this destination
        suppressed bigint customers on the suppression list, still cooling down, or kept back for another reason
        moment_over bigint customers whose micro-moment, or a rule that is asked again, ended before it was sent
        kept bigint customers already at the destination, nothing to do
        to_add bigint customers to send to or add
        to_remove bigint customers to take off
        delivered bigint additions and sends the destination accepted
        removed bigint removals the destination accepted
        refused bigint operations it refused
        unknown bigint operations whose outcome is not known
        paused bigint removals and additions that wait because more would leave at once than max_remove_share allows
        missing bigint customers in the audience whom the plan has in none of these places
        reasons string rules by which customers were not reached, with how many: "held_out 4, consent_ended 2"
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "activation/offer_codes",
        "one code of one offer, given to one customer: a customer has one of each offer",
        ("offer", "customer_id"),
        columns("""
        offer string the offer, a name of config/offers.yaml
        customer_id string the customer it was given to
        code string the code
        day date the day of the plan with which it was given
        audience string the action that gave it
        destination string by which destination
        valid_until date last day on which it can be redeemed
        most double the most that it can cost, in the company's currency
        given_at timestamp when it was given
    """),
    ),
    Dataset(
        "activation/codes_taken",
        "one code that was taken out of the file of an offer, and is never given out again",
        ("offer", "code_hash"),
        columns("""
        offer string the offer
        code_hash string SHA-256 of the offer and the code; stays when the person who had the code is erased
        batch_id string by which try it was taken
        taken_at timestamp when it was taken
    """),
    ),
    Dataset(
        "activation/offers",
        "one offer on one day, as it was known when the day was planned",
        ("day", "offer"),
        columns("""
        day date the day
        offer string the offer
        title string as customers read it
        given bigint codes given to customers up to then
        redeemed bigint of these, codes that an order names which was not cancelled
        open bigint of these, codes that were not redeemed and still can be
        expired bigint of these, codes that were not redeemed and cannot be any more
        orders bigint orders that name one of these codes
        by_others bigint of these, orders of somebody else than who was given the code
        revenue double what was paid for these orders, in the company's currency
        cost double what the redeemed codes cost
        reserved double the most that the open codes can still cost
        codes_left bigint codes of its file that nobody has
        budget_left bigint how many more its budget pays for; empty without one
        late bigint of the orders, those that used a code after its last day
        overdrawn double how far its codes go over its budget: a shop took some that were over, or it was lowered
        said string the same in words
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "activation/suppressions",
        "one address that must not be used",
        ("channel", "identifier"),
        columns("""
        channel string the channel
        identifier string keyed hash of the address
        reason string bounced, complained or unsubscribed
        since date the day it was learned
    """),
    ),
)
