"""Tables of who is who."""

from __future__ import annotations

from jobs.lake.tables.contract import Dataset, columns

TABLES: tuple[Dataset, ...] = (
    Dataset(
        "identity/map",
        "one identifier",
        ("identifier",),
        columns("""
        identifier string keyed hash of kind and value
        kind string contact, email, phone, login, cookie or loyalty
        customer_id string the customer it belongs to
        first_seen date the day it first arrived
        sources array<string> sources it occurs in
        as_of date data up to and including this day
    """),
        scope="state",
    ),
    Dataset(
        "identity/events",
        "one change of a customer id",
        ("event_id",),
        columns("""
        event_id string id of the change
        day date the day it happened
        type string created, merged or split
        customer_id string the customer that goes on
        other_customer_id string the customer that ended (merged) or began (split)
        reason string the kinds of links that began, joined or parted them, steward, or too_many_records
    """),
        scope="state",
        day_column="day",
    ),
    Dataset(
        "identity/links",
        "one link between two identifiers since one day",
        ("left", "right", "rule", "first_seen"),
        columns("""
        left string keyed hash of one identifier, as in identity/map
        left_kind string its kind
        right string keyed hash of the other
        right_kind string its kind
        rule string why they belong together: the kind that tells least, probabilistic, or steward
        weight double for a link by probability: log2 of the odds that both are one person
        probability double the same as a probability
        first_seen date the day the evidence arrived
        until date the day it ended or was cut, empty if it is used
        state string used, ended (evidence no longer holds) or cut (by a decision, or for too many records)
        reason string why it ended or was cut
        as_of date data up to and including this day
    """),
        scope="state",
    ),
    Dataset(
        "identity/set_aside",
        "one identifier that links nobody",
        ("identifier",),
        columns("""
        identifier string keyed hash of kind and value, as in identity/map
        kind string its kind
        reason string shared (by too many), disputed (by people who cannot be one) or too_many_records (tied together)
        since date the day from which it links nobody
        as_of date data up to and including this day
    """),
        scope="state",
    ),
    Dataset(
        "identity/decisions",
        "one decision of a data steward",
        ("decision_id",),
        columns("""
        decision_id string fingerprint of the records, the verdict, who gave it and when
        left! string one record, as source:contact_id
        right! string the other record
        decision string same or different
        by string who decided
        on date when it was decided
        because string why
        place string file and line below config/, or Airflow
        applied date the first day it counted: that of the decision, or the day both records were there
        effect string what it does today: merged, split, none, waiting (for a record or its day) or overruled
        as_of date data up to and including this day
    """),
        scope="state",
    ),
    Dataset(
        "identity/review",
        "one pair of contact records that may be one person, or were likely to be but are kept apart",
        ("left", "right"),
        columns("""
        left string one record, as source:contact_id
        right string the other record
        probability double probability that they are one person
        weight double the same as log2 of the odds, after conflicts
        agrees string how they agree, level by level
        status string review (a person should look), or cut: and why they were kept apart
        first_seen date the day both had arrived
        as_of date data up to and including this day
    """),
        scope="state",
    ),
)
