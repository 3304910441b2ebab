"""What a customer may be contacted for, by which channel, today and on every day before. No row means no."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.config.sources.trust import strangers, trusting, without_a_say
from jobs.identity.customer_of import with_customer
from jobs.identity.identifiers import HASHED_EMAIL, IDENTIFYING, PERSON_COLUMNS, email_digest, ids_of, normalised
from jobs.lake.tables.canonical_row import IDS_OF
from jobs.profiles.criteria import age
from jobs.profiles.refusals import (
    BOUNCE,
    COMPLAINT,
    HARMLESS,
    UNSUBSCRIBE,
    kind_of_no,
    meant_channels,
    national,
    possible_emails,
)
from jobs.validate.mapping.phone_countries import dialled_in

GRANTED, EXPIRED, WITHDRAWN = "granted", "expired", "withdrawn"
ANSWER, ENDED, REACHED = "answer", "ended", "reached"
"""Kinds of answers beside those of `jobs.profiles.refusals`: one given in words, a yes that its source deleted, and
mail that did arrive."""
_ARRIVED = ("delivered", "open", "click", "redeem")
_ASKED = ("customer_id", "purpose", "channel")
_KEPT = ("status", "changed_at", "expires_at", "source", "proof")


def with_people(
    answers: DataFrame,
    identity_map: DataFrame,
    points: DataFrame,
    settings: Settings,
    unfilled: Collection[str] = (),
) -> DataFrame:
    """Answers of `every_answer` with the customer they count for; `points` is profiles/contact_points.

    Columns `unfilled` have no value in any answer.

    A no that names an address of somebody else counts for all who have it: a mailbox that two people share belongs to
    neither, and a mailing tool has ids of its own. So does one whose address is damaged, for all who may be meant. A
    bounce counts as long as its address is the one a customer is written to. A no of a source that may not identify
    anyone (`trust.identifies`) counts for all whom it names as if it might.
    """
    known = with_customer(answers, identity_map, settings, unfilled)
    refused = known.where(F.coalesce(F.col("status") != GRANTED, F.lit(True)))
    bounce = F.col("kind") == BOUNCE
    addressed = F.coalesce(*[PERSON_COLUMNS[kind] for kind in _ADDRESSES], HASHED_EMAIL).isNotNull()
    apart = sorted(strangers(settings.sources))
    foreign = ids_of(answers.columns, settings).isin(*apart) if apart else F.lit(False)
    if apart:
        trusted = replace(settings, sources=trusting(settings.sources))
        named = refused.where(foreign).withColumn("contact_id", F.lit(None).cast("string"))
        known = known.unionByName(with_customer(named, identity_map, trusted, unfilled).select(*known.columns))
    given = known.where("customer_id is not null").where(~(bounce & addressed))
    for kind, possible in _ADDRESSES.items():
        told = refused.withColumn("address", F.explode(possible(settings)))
        told = told.withColumn("address", email_digest(F.col("address"), settings)) if kind == "email" else told
        shared = told.join(_owners(points.where(F.col("kind") == kind)), on="address", how="inner")
        own = F.array_contains("owners", F.coalesce("customer_id", F.lit("")))
        meant = F.when(bounce, F.col("written_to")).when(~own | foreign, F.col("owners"))
        given = given.unionByName(shared.withColumn("customer_id", F.explode(meant)).select(*given.columns))
    return given


def _emails(settings: Settings) -> Column:
    told = F.col(PERSON_COLUMNS["email"])
    exact = normalised("email", told, settings)
    readable = F.when(exact.isNotNull(), F.array(exact)).otherwise(possible_emails(told))
    return F.concat(F.coalesce(readable, F.array().cast("array<string>")), F.array(HASHED_EMAIL))


def _phones(settings: Settings) -> Column:
    """The number; written without the code of its country it may be a number of any."""
    told = F.col(PERSON_COLUMNS["phone"])
    exact = normalised("phone", told, settings)
    abroad = F.trim(told).rlike(r"^(\+|00)") & exact.isNotNull()
    return F.when(abroad, F.array(exact)).otherwise(F.array(exact, national(told)))


_ADDRESSES: dict[str, Callable[[Settings], Column]] = {"email": _emails, "phone": _phones}
"""Kinds of addresses, and which of them a no is, or may be, about."""


def _owners(points: DataFrame) -> DataFrame:
    """Whose an address is, and who is written to at it. An e-mail address by its hash, by which it may be told; a
    phone number also by its last digits."""
    email = F.col("kind") == "email"
    known = F.when(email, F.sha2("value", 256)).otherwise(F.col("value"))
    ways = points.withColumn("address", F.explode(F.array(known, F.when(~email, national(F.col("value"))))))
    return ways.groupBy("address").agg(
        F.collect_set("customer_id").alias("owners"),
        F.collect_set(F.when(F.col("preference") == 1, F.col("customer_id"))).alias("written_to"),
    )


def consent(answers: DataFrame, as_of: date, settings: Settings) -> DataFrame:
    """One row per customer, purpose and channel, as profiles/consent.

    Of each record the newest answer counts. Of the records of a customer, also of records that were merged, the
    strictest answer counts: withdrawn before granted before one that has expired, which only counts if it stands alone.
    Anything that is not plainly `granted` is a withdrawal. `answers` are those of `with_people`.
    """
    return standing(answers.withColumn("on", F.lit(as_of)), settings).select(*_ASKED, *_KEPT)


def consent_history(answers: DataFrame, as_of: date, settings: Settings) -> DataFrame:
    """What was known on each day up to `as_of`, as profiles/consent_history: the answer of `consent` for every day.

    It is asked on the days on which something can change: one more answer arrives, or one ends.
    """
    ends = ends_on(settings)
    changes = answers.select(*_ASKED, F.explode(F.array("arrived", ends)).alias("on")).where(
        F.col("on") <= F.lit(as_of)
    )
    asked = answers.join(changes.distinct(), on=list(_ASKED), how="inner").where(F.col("arrived") <= F.col("on"))
    on_days = standing(asked, settings)
    in_order = Window.partitionBy(*_ASKED).orderBy("on")
    same = [F.col(name).eqNullSafe(F.lag(name).over(in_order)) for name in _KEPT]
    first = F.row_number().over(in_order) == 1
    unchanged = same[0]
    for one in same[1:]:
        unchanged = unchanged & one
    begun = on_days.withColumn("begins", first | ~unchanged).where("begins")
    return begun.select(
        *_ASKED,
        F.col("on").alias("valid_from"),
        F.date_sub(F.lead("on").over(in_order), 1).alias("valid_to"),
        *_KEPT,
    )


def every_answer(consents: DataFrame, campaign_events: DataFrame, settings: Settings) -> DataFrame:
    """Answers people gave, and those they gave by unsubscribing or complaining, which concern every purpose.

    Columns of valid/consents that decide, with `country` (see `dialled_in`) and `kind`: answer, unsubscribe, complaint,
    bounce (mail cannot be delivered) or reached (no answer; it can be). One that names no channel concerns every
    channel. A yes that names no end gets the one of its purpose. One that its source deleted ends then; a no that it
    deleted stays one. A yes of a source that may not grant (`trust.grants`) is no answer, and mail that it says arrived
    tells nothing.
    """
    mute = without_a_say(settings.sources)
    yes = F.coalesce(F.lower(F.trim("status")) == GRANTED, F.lit(False))
    heard = consents.where(~(yes & F.col("source").isin(*mute))) if mute else consents
    given = heard.withColumns(
        {
            **{name: F.lower(F.trim(name)) for name in ("purpose", "channel", "status")},
            "kind": F.when(_ended(), ENDED).otherwise(ANSWER),
            "country": dialled_in(consents.columns, settings),
        }
    ).withColumn("expires_at", F.coalesce("expires_at", _usual_end(settings)))
    columns = ["consent_id", "purpose", "channel", "status", "changed_at", "expires_at", "proof", "kind"]
    lineage = ["source", *(column for _, column in IDENTIFYING), IDS_OF, "country", "arrived", "file_id", "line"]
    told = _told_by_campaigns(campaign_events, mute)
    told = told.withColumn("country", dialled_in(campaign_events.columns, settings))
    asked = _asked_about(settings)
    events = (
        told.withColumn("asked", F.explode(asked))
        .where(F.array_contains(meant_channels(F.col("channel"), settings), F.col("asked.channel")))
        .select(
            F.col("event_id").alias("consent_id"),
            "asked.purpose",
            "asked.channel",
            F.when(F.col("kind") == REACHED, GRANTED).otherwise(WITHDRAWN).alias("status"),
            F.col("occurred_at").alias("changed_at"),
            F.lit(None).cast("timestamp").alias("expires_at"),
            F.concat("kind", F.lit(" "), "event_id").alias("proof"),
            "kind",
            *lineage,
        )
    )
    return given.select(*columns, *lineage).unionByName(events)


def _ended() -> Column:
    return F.coalesce("deleted", F.lit(False)) & (F.lower(F.trim("status")) == GRANTED)


def _asked_about(settings: Settings) -> Column:
    """Every purpose and channel that people are asked about, as an array."""
    asked = [
        F.struct(F.lit(purpose).alias("purpose"), F.lit(channel).alias("channel"))
        for purpose, known in settings.identity.purposes.items()
        for channel in known.channels
    ]
    return F.array(*asked).cast("array<struct<purpose:string,channel:string>>")


def _told_by_campaigns(events: DataFrame, mute: list[str]) -> DataFrame:
    """Events by which people, or their mail servers, say no, with its `kind`; and what arrived at an address that a
    mail bounced from, unless one of the sources `mute` says so."""
    noes = _noes(events)
    bounced = noes.where(F.col("kind") == BOUNCE).select(_address().alias("bounced")).distinct()
    mail = F.lower(F.trim("type")).isin(*_ARRIVED)
    mail = mail & ~F.col("source").isin(*mute) if mute else mail
    arrived = events.where(mail).withColumns({"kind": F.lit(REACHED), "bounced": _address()})
    return noes.unionByName(arrived.join(bounced, on="bounced", how="left_semi").drop("bounced"))


def _noes(events: DataFrame) -> DataFrame:
    type_ = F.lower(F.trim("type"))
    others = events.where(~F.coalesce(type_.isin(*HARMLESS), F.lit(True))).withColumn("kind", kind_of_no(F.col("type")))
    return others.where(F.col("kind").isin(UNSUBSCRIBE, COMPLAINT, BOUNCE))


def _address() -> Column:
    """The address of a row, as its hash, by which another row may tell it."""
    return F.coalesce(F.sha2(F.lower(F.trim(PERSON_COLUMNS["email"])), 256), F.lower(HASHED_EMAIL))


def with_what_it_changes(new: DataFrame, every: DataFrame) -> DataFrame:
    """New campaign events, and those of `every` that are answers only because of them, or make answers of them.

    Mail that arrived is an answer where mail bounced: with a bounce all events at its address count, with mail that
    arrived all bounces there ever were. Some are twice in it.
    """
    bounces = _noes(every).where(F.col("kind") == BOUNCE)
    bounced = _noes(new).where(F.col("kind") == BOUNCE).select(_address().alias("bounced")).distinct()
    there = every.join(bounced, _address() == F.col("bounced"), "left_semi")
    return new.unionByName(bounces.drop("kind")).unionByName(there)


def newest_answers(answers: DataFrame) -> DataFrame:
    """The last answer of each record about each purpose and channel; of answers given at once the strictest.

    An unsubscribe counts as an answer of the customer: a later yes of any record lifts it. It lifts a bounce too, and
    so does mail that arrived later, for who has said yes. A complaint stays.
    """
    person = F.coalesce(*[F.concat(F.lit(f"{kind}:"), F.col(column)) for kind, column in IDENTIFYING])
    record = F.when(F.col("kind").isin(ANSWER, ENDED), F.concat_ws("|", "source", person)).otherwise(F.col("kind"))
    asked = Window.partitionBy("on", *_ASKED, "record")
    order = asked.orderBy(age("changed_at"), F.col("status") == GRANTED, F.desc("arrived"), "file_id", "line")
    newest = (
        answers.withColumn("record", record)
        .withColumn("place", F.row_number().over(order))
        .where("place = 1")
        .drop("place", "record")
    )
    of_all = Window.partitionBy("on", *_ASKED)
    last_yes = F.max(F.when((F.col("kind") == ANSWER) & (F.col("status") == GRANTED), F.col("changed_at"))).over(of_all)
    last_mail = F.max(F.when(F.col("kind") == REACHED, F.col("changed_at"))).over(of_all)
    arrived_since = last_yes.isNotNull() & (last_mail > F.col("changed_at"))
    lifted = (F.col("kind").isin(UNSUBSCRIBE, BOUNCE) & (last_yes > F.col("changed_at"))) | (
        (F.col("kind") == BOUNCE) & arrived_since
    )
    marked = newest.withColumn("lifted", F.coalesce(lifted, F.lit(False)))
    return marked.where(~F.col("lifted") & (F.col("kind") != REACHED)).drop("lifted")


def standing(answers: DataFrame, settings: Settings) -> DataFrame:
    """The strictest answer per customer, purpose, channel and day `on`."""
    dated = newest_answers(answers).withColumn("status", _status(settings))
    strictness = F.when(F.col("status") == WITHDRAWN, 0).when(F.col("status") == GRANTED, 1).otherwise(2)
    order = (strictness, age("changed_at"), "source", "consent_id", "proof")
    strictest = Window.partitionBy("on", *_ASKED).orderBy(*order)
    return dated.withColumn("place", F.row_number().over(strictest)).where("place = 1")


def _status(settings: Settings) -> Column:
    """A consent that ends on a day no longer counts in what is prepared on that day."""
    ended = ends_on(settings) <= F.col("on")
    return (
        F.when(F.coalesce(F.col("status") != GRANTED, F.lit(True)), WITHDRAWN)
        .when(F.coalesce(ended, F.lit(False)) | (F.col("kind") == ENDED), EXPIRED)
        .otherwise(GRANTED)
    )


def ends_on(settings: Settings) -> Column:
    return F.to_date(F.from_utc_timestamp("expires_at", settings.general.timezone))


def _usual_end(settings: Settings) -> Column:
    """When a yes ends that names no end itself: after the days its purpose allows."""
    end = F.lit(None).cast("timestamp")
    purpose = F.lower(F.trim("purpose"))
    for name, known in settings.identity.purposes.items():
        if known.expires_after_days:
            after = F.expr(f"changed_at + interval {known.expires_after_days} days")
            end = F.when(purpose == name, after).otherwise(end)
    return end
