"""Every contact between customer and company in one table, whatever the channel, each good, bad or neither.

Rows may carry a period in which they were known (`known_on`); it is handed on, and records are put together within it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity import dealings
from jobs.activity.conditions import day_of, first_true
from jobs.activity.contact_rows import contact_rows, usual_score
from jobs.activity.currency import paid
from jobs.activity.orders import BOUGHT_NOTHING, UNDONE, outcome
from jobs.config.journey.journey import Journey, ValenceRule
from jobs.lake.tables.catalogue import get
from jobs.validate.versions.counting import (
    in_last_delivery,
    in_order_of_versions,
    newest_versions,
    period_of,
    with_first,
)

TABLE = "journeys/touchpoints"
Names = Sequence[tuple[str, str]]
"""Conditions and the name of the touchpoints that meet them; the first that is true counts."""
NOTHING: Mapping[str, str] = {}


def touchpoints(
    parts: list[DataFrame], valence: list[ValenceRule], names: Names = (), expected: Mapping[str, str] = NOTHING
) -> DataFrame:
    """journeys/touchpoints from the contacts of each channel; contacts without a customer or a time are left out.

    `expected` is the valence that a rule gives a touchpoint of that name by `valence: expected`.
    """
    counts = ~((F.col("type") == "order") & F.coalesce(F.col("subject").isin(*BOUGHT_NOTHING), F.lit(False)))
    of_type = Window.partitionBy("customer_id", "type", "counts").orderBy("occurred_at", "touchpoint_id")
    numbered = judged(parts, valence, names, expected).withColumn("counts", counts)
    return numbered.withColumn("nth", F.when(F.col("counts"), F.row_number().over(of_type))).drop("counts")


def judged(
    parts: list[DataFrame], valence: list[ValenceRule], names: Names = (), expected: Mapping[str, str] = NOTHING
) -> DataFrame:
    """Touchpoints without `nth`, the only column that depends on other touchpoints of the customer."""
    every = reduce(DataFrame.unionByName, parts).where(
        F.col("customer_id").isNotNull() & F.col("occurred_at").isNotNull()
    )
    good_or_bad = first_true([(rule.when, rule.valence) for rule in valence], "neutral")
    found = every.withColumns({"valence": good_or_bad, "touchpoint": first_true(names, None)})
    if all(rule.valence != "expected" for rule in valence):
        return found
    usual = F.lit("neutral")
    for name, how in expected.items():
        usual = F.when(F.col("touchpoint") == name, how).otherwise(usual)
    return found.withColumn("valence", F.when(F.col("valence") == "expected", usual).otherwise(F.col("valence")))


def visits(sessions: DataFrame) -> DataFrame:
    """One visit per session; its subject is the traffic channel it came by."""
    return contact_rows(
        sessions.withColumn("source", F.lit("web")),
        type="visit",
        at="started_at",
        reference="session_id",
        timezone=None,
        channel=F.lit("web"),
        subject=F.col("channel"),
        product_views=F.col("product_views"),
        carts=F.col("carts"),
        seconds=F.unix_timestamp("ended_at") - F.unix_timestamp("started_at"),
    )


def visit_id(session_id: str) -> Column:
    """The touchpoint_id of the visit that a session is."""
    return F.concat_ws(":", F.lit("visit"), F.lit("web"), session_id)


def orders(versions: DataFrame, timezone: str) -> list[DataFrame]:
    """Orders when they were placed; returns and cancellations when they were first recorded, with minus the amount.

    The subject is the `outcome`, what became of the order as its newest version says. A credit note is a return of
    its own day; tests are no contacts. Amounts are as the rows have them: `Exchange` converts them before.
    """
    history = Window.partitionBy("source", "order_id", "status", *period_of(versions))
    newest = newest_versions(versions.withColumn("status_at", F.min("updated_at").over(history)), "order_id")
    total_paid = paid(newest, "total")
    told = newest.withColumn("outcome", outcome(total_paid))
    channel, became = F.coalesce("channel", F.lit("store")), F.col("outcome")

    def of(rows: DataFrame, type_: str, at: str, sign: int = 1) -> DataFrame:
        amounts = {"amount": sign * F.col("total"), "amount_paid": sign * total_paid, "currency": F.col("currency")}
        return contact_rows(rows, type_, at, "order_id", timezone, channel=channel, subject=became, **amounts)

    return [
        of(told.where(~became.isin("test", "credit")), "order", "ordered_at"),
        of(told.where(became == "credit"), "return", "ordered_at"),
        *(of(told.where(became == undone), type_, "status_at", -1) for undone, type_ in UNDONE.items()),
    ]


def campaign_contacts(events: DataFrame, timezone: str, journey: Journey) -> DataFrame:
    """Impressions, messages and answers to them, by campaign."""
    contacts = contact_rows(
        events,
        type=F.col("type"),
        at="occurred_at",
        reference="event_id",
        timezone=timezone,
        channel=F.col("channel"),
        subject=F.col("campaign_id"),
    )
    return with_clicked(contacts, journey)


def with_clicked(contacts: DataFrame, journey: Journey) -> DataFrame:
    """Contacts of campaigns with `clicked`.

    A delivered message was clicked if the same customer clicked in the same campaign and channel within `click_days`.
    A click sooner than `scanner_seconds` after the message is that of a scanner that looks for harm: it answers
    nothing, and its own `clicked` is false.
    """
    of_campaign = Window.partitionBy("customer_id", "channel", "subject")
    onwards = of_campaign.orderBy("occurred_at", "reference", "source")
    onwards = onwards.rowsBetween(Window.currentRow, Window.unboundedFollowing)
    second = F.unix_timestamp("occurred_at")
    so_far = of_campaign.orderBy("occurred_at")  # what comes in the same moment included
    delivered = F.max(F.when(F.col("type") == "delivered", second)).over(so_far)
    of_person = F.coalesce(second - delivered >= journey.scanner_seconds, F.lit(True))
    told = contacts.withColumn("by_person", (F.col("type") == "click") & of_person)
    next_click = F.min(F.when(F.col("by_person"), second)).over(onwards)
    in_time = F.coalesce(next_click - second <= journey.click_days * 86_400, F.lit(False))
    answered = F.when(F.col("type") == "delivered", in_time).when(F.col("type") == "click", F.col("by_person"))
    return told.withColumn("clicked", answered).drop("by_person")


def conversations(versions: DataFrame, timezone: str) -> list[DataFrame]:
    """A conversation when it was opened; its resolution, with the satisfaction asked then, when it was closed."""
    newest = newest_versions(_with_solved(versions, "conversation_id", "closed_at"), "conversation_id")
    common = {"channel": F.coalesce("channel", F.lit("chat")), "subject": F.col("topic")}
    return [
        contact_rows(
            newest, "conversation", "opened_at", "conversation_id", timezone, **common, open_days=_open(timezone)
        ),
        contact_rows(
            newest,
            "resolution",
            "solved_at",
            "conversation_id",
            timezone,
            **common,
            score=F.col("csat"),
            seconds=_took(),
        ),
    ]


def tickets(versions: DataFrame, timezone: str) -> list[DataFrame]:
    """A ticket when it was opened, and its resolution."""
    newest = newest_versions(_with_solved(versions, "ticket_id", "resolved_at"), "ticket_id")
    common = {"channel": F.lit("ticket"), "subject": F.col("topic")}
    return [
        contact_rows(newest, "conversation", "opened_at", "ticket_id", timezone, **common, open_days=_open(timezone)),
        contact_rows(newest, "resolution", "solved_at", "ticket_id", timezone, **common, seconds=_took()),
    ]


def _with_solved(versions: DataFrame, key: str, at: str) -> DataFrame:
    """Versions with `solved_at`: when the record was first solved and stayed so; empty for versions in which it is not.

    A version is solved if it has a moment `at` and a status that does not say otherwise. What comes after the
    solution, such as a desk that closes tickets weeks later, moves nothing; reopening it takes the solution back.
    """
    oldest_first = Window.partitionBy("source", key, *period_of(versions)).orderBy(*in_order_of_versions())
    unsolved = F.col(at).isNull() | F.coalesce(F.lower("status").isin("open", "pending"), F.lit(False))
    so_far = oldest_first.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    spell = Window.partitionBy("source", key, "reopened", *period_of(versions))
    return (
        versions.withColumn("unsolved", unsolved)
        .withColumn("reopened", F.sum(F.col("unsolved").cast("bigint")).over(so_far))
        .withColumn("solved_at", F.min(F.when(~F.col("unsolved"), F.col(at))).over(spell))
        .withColumn("solved_at", F.when(~F.col("unsolved"), F.col("solved_at")))
        .drop("unsolved", "reopened")
    )


def _took() -> Column:
    return F.unix_timestamp("solved_at") - F.unix_timestamp("opened_at")


def _open(timezone: str) -> Column:
    """On how many days it waits at the end of the day."""
    return F.date_diff(day_of("solved_at", timezone), day_of("opened_at", timezone))


def answers(responses: DataFrame, timezone: str) -> DataFrame:
    """Answers to survey questions; the type is the kind of question, scores are brought to its usual scale.

    A corrected answer counts as corrected, when it was first given.
    """
    return contact_rows(
        given_answers(responses),
        type=F.col("kind"),
        at="answered_at",
        reference=F.concat_ws(":", "response_id", "question_id"),
        timezone=timezone,
        channel=F.lit("survey"),
        subject=F.col("survey_id"),
        score=usual_score("kind", "score"),
    )


def given_answers(versions: DataFrame) -> DataFrame:
    """What each answer says now, with the moment it was first given."""
    contract = get("valid/survey_responses")
    dated = with_first(versions, "answered_at", *contract.record)
    return newest_versions(in_last_delivery(dated, *contract.together), *contract.record)


def registrations(contacts: DataFrame, timezone: str) -> DataFrame:
    """The day each source first wrote a contact down."""
    history = Window.partitionBy("source", "contact_id", *period_of(contacts))
    began = F.coalesce(F.min("created_at").over(history), F.min("updated_at").over(history))
    newest = newest_versions(contacts.withColumn("created_at", began), "contact_id")
    return contact_rows(newest, "registration", "created_at", "contact_id", timezone, channel=F.col("source"))


def posts(versions: DataFrame, timezone: str) -> DataFrame:
    """Public posts of customers."""
    newest = newest_versions(versions, "post_id")
    return contact_rows(
        newest, "post", "posted_at", "post_id", timezone, channel=F.lit("social"), subject=F.col("network")
    )


OF_DATASET: dict[str, Callable[[DataFrame, Journey, str], list[DataFrame]]] = {
    "orders": lambda rows, journey, zone: orders(rows, zone),
    "campaign_events": lambda rows, journey, zone: [campaign_contacts(rows, zone, journey)],
    "conversations": lambda rows, journey, zone: conversations(rows, zone),
    "tickets": lambda rows, journey, zone: tickets(rows, zone),
    "survey_responses": lambda rows, journey, zone: [answers(rows, zone)],
    "contacts": lambda rows, journey, zone: [registrations(rows, zone)],
    "social_posts": lambda rows, journey, zone: [posts(rows, zone)],
    "reviews": lambda rows, journey, zone: [dealings.reviews(rows, zone)],
    "appointments": lambda rows, journey, zone: dealings.appointments(rows, zone),
    "payments": lambda rows, journey, zone: dealings.payments(rows, zone),
    "usage": lambda rows, journey, zone: [dealings.usage(rows, zone)],
    "notes": lambda rows, journey, zone: [dealings.interviews(rows, zone)],
}
"""Dataset to what makes touchpoints of its rows. Events are not among them: they are contacts as visits."""
