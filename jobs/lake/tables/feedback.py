"""Tables of what comes back from what was sent, and of what stops a send."""

from __future__ import annotations

from jobs.lake.tables.contract import Dataset, columns

FEEDBACK = "activation/feedback"
MEASURED = "activation/opens_and_clicks"

TABLES: tuple[Dataset, ...] = (
    Dataset(
        FEEDBACK,
        "one thing that came back: an answer of a person, or a report of a mail server, about one purpose or all",
        ("feedback_id",),
        columns("""
        feedback_id string the same thing told twice has one id
        at timestamp when it was answered or reported
        kind string unsubscribe, withdrawn, granted, bounce, soft_bounce or complaint
        purpose string the purpose of an answer; empty for all
        channel string the channel it is about
        customer_id string the customer, as known then; empty if the address is nobody's
        identifier string keyed hash of the address that the message went to
        operation_id string the message, a key into activation/ledger; empty if the report names none
        audience string the audience the message was for
        source string one_click, page, the mailbox or events of config/feedback.yaml, or the destination that told it
        detail string code of the mail server; without personal data
        landed string file that the source of config/feedback.yaml read it from; empty while it waits for its day
    """),
    ),
    Dataset(
        MEASURED,
        "one message that was opened on one day, or one link of it that was followed in one minute",
        ("day", "feedback_id"),
        columns("""
        day date the day, in the time zone of the company
        feedback_id string the same thing told twice has one id
        at timestamp when
        kind string open or click
        purpose string empty: it is no answer
        channel string the channel of the message
        customer_id string the customer, as known then
        identifier string keyed hash of the address that the message went to
        operation_id string the message, a key into activation/ledger
        audience string the audience the message was for
        source string page
        detail string name of the link that was followed, a key of `links` in config/feedback.yaml; empty for an open
        landed string file that the source of config/feedback.yaml read it from; empty while it waits for its day
    """),
    ),
    Dataset(
        "activation/guard_rails",
        "one guard rail that one push of one day ran into",
        ("day", "audience", "destination", "rail"),
        columns("""
        day date the day of the push
        audience string the audience
        destination string the destination
        rail string size, empty, stale, models or oldest_days, as in config/guard_rails.yaml
        said string what was found, with the numbers
        found_at timestamp when
        allowed_because string why a person let it go on; empty while it is held back
        allowed_by string who did
        allowed_at timestamp when
    """),
        day_column="day",
    ),
    Dataset(
        "activation/approved_actions",
        "one action, as it was configured, that a person approved of in Airflow",
        ("action", "configured"),
        columns("""
        action string the action
        configured string hash of all that was configured of it; changed since, it waits for approval again
        approved_by string who did
        because string why
        on date the day from which it holds
        at timestamp when it was answered
    """),
    ),
    Dataset(
        "activation/approved_content",
        "one text that a person approved of, with which one push of one day could write",
        ("day", "audience", "destination", "template", "text"),
        columns("""
        day date the day of the push
        audience string the audience
        destination string the destination
        template string file of config/templates, such as winback.nl.txt
        text string hash of the text that was approved of
        approved_by string who did
        approved_on date when
        written_at timestamp when the push began to write
    """),
        day_column="day",
    ),
)
