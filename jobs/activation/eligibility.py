"""Who may be reached for a purpose over a channel, and how. The plan and the push ask the same question.

Fail-closed: no consent row means no consent, and the strictest owner of a shared address decides for all.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.activation.channel import DestinationType
from jobs.activation.channels.types import type_of
from jobs.activity.lasting_consent import says_yes, through
from jobs.config.actions.audiences import Audience
from jobs.config.keys import under_previous_keys
from jobs.config.settings import Settings
from jobs.identity.identifiers import identifier_of
from jobs.lake.keyed import keyed_hash

_EVERY = ("known_emails", "known_phones", "had_emails", "had_phones")
"""All addresses a customer has, and all that it had, usable or not."""
_FOR_GOOD = ("complained", "unsubscribed")
"""Reasons that end contact with the person; others only rule out one address."""


def reach(
    audience: Audience,
    destination: str,
    day: date,
    settings: Settings,
    consent: DataFrame,
    contact_points: DataFrame,
    suppressions: DataFrame,
    customers: DataFrame,
    identity_map: DataFrame,
    earlier_points: DataFrame | None = None,
) -> DataFrame:
    """One customer with consent or an address for this purpose and channel.

    Columns: customer_id, consented, consent_changed_at, suppressed, emails, phones, known_emails, known_phones,
    had_emails, had_phones, first_name, language, measured, fingerprint. `emails` and `phones` are those this
    destination may use: for messages the preferred address, for lists all that belong to this customer alone.
    `known_emails` and `known_phones` are all the customer has, `had_emails` and `had_phones` also those of before
    (`earlier_points`: customer_id, kind, value): what may not be used any more, being suppressed, shared, replaced or
    deleted, may still be on a list, and is taken off. Of messages, which nobody is taken off, these four are empty. Who
    asked for no more contact stays suppressed under a new address. `measured`: everybody with the preferred address
    said yes to the purpose of `opens_and_clicks`.
    """
    configured, type_ = settings.destinations[destination], type_of(destination, settings)
    answers = _answers(consent, audience.purpose, configured.channel, day, settings)
    points = _points(contact_points, suppressions, answers, configured.channel, settings)
    usable = _for_messages(points, type_.goes_to) if type_.kind == "messages" else _for_lists(points)
    addresses = usable.groupBy("customer_id").agg(_values("email", "emails"), _values("phone", "phones"))
    listed = type_.kind == "members"
    suppressed = points.groupBy("customer_id").agg(F.max(_blocked(type_)).alias("suppressed"))
    stopped = _asked_to_stop(suppressions, configured.channel, identity_map)
    people = customers.select("customer_id", "first_name", "language")
    people = _with_measured(people, type_, consent, contact_points, configured.channel, day, settings)
    joined = (
        people.join(answers, on="customer_id", how="left")
        .join(suppressed, on="customer_id", how="left")
        .join(stopped, on="customer_id", how="left")
        .join(addresses, on="customer_id", how="left")
    )
    if listed:
        joined = joined.join(_every(contact_points, earlier_points), on="customer_id", how="left")
    else:
        joined = joined.withColumns({name: F.lit(None).cast("array<string>") for name in _EVERY})
    nothing = F.array().cast("array<string>")
    return joined.select(
        "customer_id",
        F.coalesce("consented", F.lit(False)).alias("consented"),
        "consent_changed_at",
        (F.coalesce("suppressed", F.lit(False)) | F.col("stopped").isNotNull()).alias("suppressed"),
        *(F.coalesce(name, nothing).alias(name) for name in ("emails", "phones", *_EVERY)),
        "first_name",
        "language",
        "measured",
    ).withColumn("fingerprint", _fingerprint(audience, destination, settings))


def _every(contact_points: DataFrame, earlier_points: DataFrame | None) -> DataFrame:
    """All addresses one customer has, and all that it had."""
    points = contact_points.select("customer_id", "kind", "value", F.lit(True).alias("has"))
    if earlier_points is not None:
        had = points.unionByName(earlier_points.withColumn("has", F.lit(False)))
        points = had.groupBy("customer_id", "kind", "value").agg(F.max("has").alias("has"))
    now = [_values(kind, f"known_{kind}s", F.col("has")) for kind in ("email", "phone")]
    return points.groupBy("customer_id").agg(*now, *(_values(kind, f"had_{kind}s") for kind in ("email", "phone")))


def _values(kind: str, name: str, which: Column | None = None) -> Column:
    counts = F.col("kind") == kind
    counts = counts if which is None else counts & which
    return F.sort_array(F.collect_list(F.when(counts, F.col("value")))).alias(name)


def _answers(consent: DataFrame, purpose: str, channel: str, day: date, settings: Settings) -> DataFrame:
    """One customer who was asked: whether the answer allows contact through the end of the day."""
    return consent.where((F.col("purpose") == purpose) & (F.col("channel") == channel)).select(
        "customer_id",
        says_yes(through(day, settings.general.timezone)).alias("consented"),
        F.col("changed_at").alias("consent_changed_at"),
    )


def _points(
    contact_points: DataFrame, suppressions: DataFrame, answers: DataFrame, channel: str, settings: Settings
) -> DataFrame:
    """One address of one customer, with how many customers have it, whether one of them refuses, and suppression."""
    refusals = answers.where(~F.col("consented")).select("customer_id", F.lit(True).alias("refuses"))
    owners = (
        contact_points.join(refusals, on="customer_id", how="left")
        .groupBy("kind", "value")
        .agg(F.count("*").alias("owners"), F.max(F.coalesce("refuses", F.lit(False))).alias("refused"))
    )
    points = (
        contact_points.select("customer_id", "kind", "value", "preference")
        .join(owners, on=["kind", "value"], how="inner")
        .withColumn("identifier", identifier_of(F.col("kind"), F.col("value"), settings))
    )
    blocked = suppressions.where(F.col("channel") == channel).select("identifier", F.col("reason").alias("blocked_for"))
    found = points.join(blocked, on="identifier", how="left")
    for number, before in enumerate(under_previous_keys(settings)):
        then = blocked.select(F.col("identifier").alias("then"), F.col("blocked_for").alias(f"before{number}"))
        address = identifier_of(F.col("kind"), F.col("value"), before)
        found = found.withColumn("then", address).join(then, on="then", how="left").drop("then")
        # Of two reasons one that ends contact for good counts, as it does of two addresses.
        worse = F.col(f"before{number}").isin(*_FOR_GOOD) | F.col("blocked_for").isNull()
        found = found.withColumn(
            "blocked_for", F.when(worse, F.coalesce(f"before{number}", "blocked_for")).otherwise(F.col("blocked_for"))
        )
    return found.select(*points.columns, "blocked_for")


def _asked_to_stop(suppressions: DataFrame, channel: str, identity_map: DataFrame) -> DataFrame:
    """Customers with an identifier, also one of the past, of which somebody said to stop."""
    stopped = suppressions.where((F.col("channel") == channel) & F.col("reason").isin(*_FOR_GOOD)).select("identifier")
    known = identity_map.select("identifier", "customer_id").join(stopped, on="identifier", how="inner")
    return known.groupBy("customer_id").agg(F.count("*").alias("stopped"))


def _for_messages(points: DataFrame, kind: str) -> DataFrame:
    """The preferred address or number, unless somebody who shares it refuses."""
    return points.where((F.col("kind") == kind) & (F.col("preference") == 1) & ~F.col("refused"))


def _with_measured(
    people: DataFrame,
    type_: DestinationType,
    consent: DataFrame,
    contact_points: DataFrame,
    channel: str,
    day: date,
    settings: Settings,
) -> DataFrame:
    """Customers with `measured`: everybody who has their preferred address said yes to that, over this channel."""
    asked = settings.feedback.opens_and_clicks
    if asked is None or asked.purpose is None or type_.kind != "messages":
        return people.withColumn("measured", F.lit(False))
    own = contact_points.where(F.col("kind") == type_.goes_to)
    yes = _answers(consent, asked.purpose, channel, day, settings).select("customer_id", "consented")
    every = own.join(yes, on="customer_id", how="left").groupBy("value")
    agreed = every.agg(F.min(F.coalesce("consented", F.lit(False))).alias("measured"))
    preferred = own.where(F.col("preference") == 1).join(agreed, on="value", how="inner")
    told = preferred.groupBy("customer_id").agg(F.min("measured").alias("measured"))
    joined = people.join(told, on="customer_id", how="left")
    return joined.withColumn("measured", F.coalesce("measured", F.lit(False)))


def _for_lists(points: DataFrame) -> DataFrame:
    """Addresses of one customer only: a shared one would add and remove other people along."""
    return points.where((F.col("owners") == 1) & F.col("blocked_for").isNull())


def _blocked(type_: DestinationType) -> Column:
    """Whether an address on the suppression list stops this customer."""
    for_good = F.col("blocked_for").isin(*_FOR_GOOD)
    if type_.kind == "members":
        return F.coalesce(for_good, F.lit(False))
    preferred = (F.col("kind") == type_.goes_to) & (F.col("preference") == 1)
    return F.coalesce(for_good | (F.col("blocked_for").isNotNull() & preferred), F.lit(False))


def _fingerprint(audience: Audience, destination: str, settings: Settings) -> Column:
    """Keyed hash of what is sent. Of a message it is that of the address, as in activation/suppressions; of a member of
    a list it changes when an address or a spelling rule changes."""
    type_ = type_of(destination, settings)
    if type_.kind == "messages":
        address = F.get("emails" if type_.goes_to == "email" else "phones", 0)
        return F.coalesce(identifier_of(F.lit(type_.goes_to), address, settings), F.lit(""))
    fixed = f"|{type_.spelling}|{getattr(audience.send_to[destination], type_.needs)}"
    parts = [F.concat_ws(",", "emails"), F.concat_ws(",", "phones")]
    return F.substring(keyed_hash(settings.hash_key(), F.concat_ws("|", F.lit(fixed), *parts)), 1, 32)
