"""What to change at each destination of each audience: who to add, to remove, to send to, to keep or to skip, and why.

A plan is a pure function of the audiences of the day and of the ledger, made so that planning again after the push
gives the same plan: what was done today is planned again, and the push sees that it is done.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activation import (
    approved_actions,
    approved_content,
    deciding,
    earlier_points,
    ledger,
    moments,
    offers,
    succession,
)
from jobs.activation.approved_content import NOT_APPROVED
from jobs.activation.channels.types import type_of
from jobs.activation.eligibility import reach
from jobs.activation.offer_limits import Offering
from jobs.config.actions.offers import pool
from jobs.config.settings import Settings
from jobs.errors import StaleDay, StepFailed
from jobs.lake.lake import Lake, Txn
from jobs.lake.tables import catalogue

log = logging.getLogger(__name__)
TABLE = "activation/plans"
READS = (
    "audiences/members", "profiles/customers", "profiles/consent", "profiles/contact_points",
    "activation/suppressions", ledger.TABLE, "identity/events", "identity/map", *earlier_points.READS, *deciding.READS,
)  # fmt: skip
ACTIONS = ("add", "remove", "send", "keep", "skip")
LEFT, WITHDREW = "left_audience", "left_and_withdrew"
"""Why a former member is removed. Who left and may not be reached either is never held back."""


def deliveries(settings: Settings) -> list[tuple[str, str]]:
    """All pairs of audience and destination."""
    return [(name, destination) for name, audience in settings.audiences.items() for destination in audience.send_to]


def run(day: date, settings: Settings, allow_old: bool = False) -> dict[str, Any]:
    """Plan every delivery of `day`; counts per delivery.

    Raises StaleDay for a day older than the newest delivered one, unless `allow_old`.
    """
    lake = Lake.of(settings)
    refuse_old_day(lake, day, settings, allow_old)
    config = [
        settings.audiences,
        settings.destinations,
        settings.policy,
        settings.interventions,
        awaited := approved_actions.waiting(day, settings),
        settings.offers,
        [pool(settings.folder, one) for one in settings.offers.offers.values()],
        _newest_end(lake, day),
        [approved_content.waiting(*one, settings) for one in deliveries(settings)],
    ]
    reads = (*READS, *(offers.READS if settings.offers.offers else ()))
    txn = lake.transaction("plan", day, reads=reads, config=config, code=__name__)
    if not txn.done(TABLE):
        forbidden = deciding.customers_of("forbid", txn, day, settings)
        tables = [
            _plan_one(name, destination, day, settings, txn, forbidden.get(name, []), name in awaited)
            for name, destination in deliveries(settings)
        ]
        _refuse_missing_audiences(lake, tables, day)
        offering = Offering.of(lake, txn, day, settings)
        tables, choices = deciding.applied(tables, txn, day, settings, offering)
        if choices.num_rows or lake.exists(deciding.CHOICES):
            lake.replace(deciding.CHOICES, choices, txn, day=day)
        codes, free = (offering.codes, offering.free) if offering else ([], {})
        offers.publish(lake, txn, codes, free, day, settings)
        if tables:
            lake.replace(TABLE, pa.concat_tables(tables), txn, day=day)
    return {"deliveries": _summary(lake, day, settings)}


def refuse_old_day(lake: Lake, day: date, settings: Settings, allow_old: bool, audience: str | None = None) -> None:
    """Raise StaleDay if a later day was delivered already.

    Audiences about a moment do not count: they are sent within the day, and of an older day nothing is sent to, since
    its moments are over.
    """
    if audience and settings.audiences[audience].moment:
        return
    about_one = pa.array([name for name, one in settings.audiences.items() if one.moment], pa.string())
    delivered = lake.arrow("activation/deliveries", columns=["day", "audience"])
    delivered = delivered.filter(pc.invert(pc.is_in(delivered["audience"], about_one)))
    newest = pc.max(delivered["day"]).as_py() if delivered.num_rows else None
    if newest and day < newest and not allow_old:
        raise StaleDay(
            f"{day} is older than {newest}, the newest day delivered: its audiences are out of date. "
            f"Push {newest} instead, or allow old days explicitly (allow_old)."
        )


def inputs(
    txn: Txn, audience: str, destination: str, day: date, settings: Settings, suppressions: DataFrame
) -> tuple[DataFrame, DataFrame]:
    """What the plan and the push both look at: (reach, standing at this destination).

    `reach` also tells of the address when it last got a message of this audience: last_day, today_by.
    """
    here = (F.col("audience") == audience) & (F.col("destination") == destination)
    done = ledger.tries(txn.read(ledger.TABLE).where(here))
    known = succession.with_parts(done, txn.read("identity/events"), txn.read("identity/map"))
    standing = ledger.standing(known, day).drop("audience", "destination")
    listed = type_of(destination, settings).kind == "members"
    reached = reach(
        settings.audiences[audience],
        destination,
        day,
        settings,
        txn.read("profiles/consent"),
        txn.read("profiles/contact_points"),
        suppressions,
        txn.read("profiles/customers"),
        txn.read("identity/map"),
        earlier_points.of(standing.where("may_be_there"), txn, settings) if listed else None,
    )
    return reached.join(ledger.addressed(known, day), on="fingerprint", how="left"), standing


def _newest_end(lake: Lake, day: date) -> str:
    ends = lake.arrow("audiences/members", columns=["valid_until"], day=day)["valid_until"]
    return moments.newest_end(ends.unique().to_pylist())


def _plan_one(
    audience: str, destination: str, day: date, settings: Settings, txn: Txn, forbidden: list[str], awaited: bool
) -> pa.Table:
    # Suppressions of today may come from today's push; that one sees them all, the plan must not change by it.
    before_today = txn.read("activation/suppressions").where(F.col("since") < F.lit(day))
    reached, standing = inputs(txn, audience, destination, day, settings, before_today)
    members = txn.read("audiences/members", day=day).where(F.col("audience") == audience)
    members = members.select("customer_id", "arm", "valid_until", "gain", "kept_away", "zone")
    if awaited:
        members = members.withColumn("kept_away", F.lit("awaiting_approval"))
    if forbidden:
        is_forbidden = F.col("customer_id").isin(forbidden)
        members = members.withColumn("kept_away", F.when(is_forbidden, "forbidden").otherwise(F.col("kept_away")))
    members = members.withColumn("over", F.coalesce(F.col("valid_until") <= F.lit(moments.now()), F.lit(False)))
    configured = settings.destinations[destination]
    if type_of(destination, settings).kind == "messages":
        cooldown = settings.audiences[audience].send_to[destination].cooldown_days
        if told := approved_content.waiting(audience, destination, settings):
            log.warning("%s to %s: nothing is sent: %s", audience, destination, "; ".join(told))
        planned = plan_sends(members, reached, standing, day, cooldown, approved=not told)
    else:
        planned = plan_membership(members, reached, standing, day)
    table = (
        planned.withColumns({"day": F.lit(day), "audience": F.lit(audience), "destination": F.lit(destination)})
        .select(
            "day", "audience", "destination", "customer_id", "action", "reason", "fingerprint", "consent_changed_at",
            "valid_until", "gain", "zone", "may_be_there",
        )
        .orderBy("customer_id")
        .toArrow()
    )  # fmt: skip
    there = pc.sum(pc.cast(table["may_be_there"], pa.int64())).as_py() or 0
    # Engines differ in which columns they call nullable; the tables of all deliveries become one.
    table = table.drop_columns(["may_be_there"]).cast(catalogue.get(TABLE).arrow_schema())
    if settings.audiences[audience].last_day < day:
        return table  # that all leave is meant
    return _pause(table, there, configured.max_remove_share, configured.always_remove, audience, destination)


def plan_sends(
    members: DataFrame, reached: DataFrame, standing: DataFrame, day: date, cooldown_days: int, approved: bool = True
) -> DataFrame:
    """One member: `send`, or `skip` with a reason. Two members with one address get one message, whoever it is for.
    Unless the texts are `approved`, nobody is sent anything more."""
    begin = F.lit(day - timedelta(days=cooldown_days))
    cooling = (F.col("last_send_day") > begin) & (F.col("last_send_day") != day)
    sent_today = F.coalesce(F.col("last_send_day") == day, F.lit(False))
    of_another = F.coalesce(F.col("last_day") > begin, F.lit(False)) | (
        F.coalesce(F.col("today_by") != F.col("customer_id"), F.lit(False))
    )
    judged = (
        members.join(reached, on="customer_id", how="left")
        .join(standing, on="customer_id", how="left")
        .withColumn("reason", _barrier())
        .withColumn("reason", F.coalesce("reason", F.when(F.coalesce(cooling, F.lit(False)), F.lit("cooling_down"))))
        .withColumn("reason", F.coalesce("reason", F.when(F.col("over") & ~sent_today, F.lit(moments.OVER))))
        .withColumn("reason", F.coalesce("reason", F.when(~(sent_today | F.lit(approved)), NOT_APPROVED)))
        .withColumn("address", F.when(F.col("reason").isNull(), F.coalesce(F.get("emails", 0), F.get("phones", 0))))
    )
    first = Window.partitionBy("address").orderBy("customer_id")
    twice = F.col("address").isNotNull() & (F.row_number().over(first) > 1)
    again = F.col("reason").isNull() & of_another
    return (
        judged.withColumn("reason", F.when(twice, F.lit("same_address")).otherwise(F.col("reason")))
        .withColumn("reason", F.when(again, F.lit("cooling_down")).otherwise(F.col("reason")))
        .withColumn("action", F.when(F.col("reason").isNull(), "send").otherwise("skip"))
        .withColumn("may_be_there", F.lit(False))
    )


def plan_membership(members: DataFrame, reached: DataFrame, standing: DataFrame, day: date) -> DataFrame:
    """One member or former member: add, remove, keep or skip. Only customers we added are ever removed, and what was
    split off from them if it took an address along.

    What was done today is planned again, so that planning after the push changes nothing.
    """
    judged = (
        members.join(standing, on="customer_id", how="full")
        .join(reached, on="customer_id", how="left")
        .withColumn("is_member", F.col("arm").isNotNull())
        .withColumn("may_be_there", F.coalesce("may_be_there", F.lit(False)))
        .withColumn(
            "barrier",
            F.when(~F.col("is_member") & _withdrew(), F.lit(WITHDREW))
            .when(~F.col("is_member"), F.lit(LEFT))
            .otherwise(F.coalesce(_barrier(), F.when(F.col("over"), F.lit(moments.OVER)))),
        )
    )
    same = F.coalesce(F.col("is_there") & (F.col("there_fingerprint") == F.col("fingerprint")), F.lit(False))
    done_today = F.coalesce(F.col("added_on") == day, F.lit(False))
    removed_today = F.coalesce(F.col("removed_on") == day, F.lit(False))
    wanted = F.col("barrier").isNull()
    leaves = F.col("by_itself") | (_addresses("had_emails", "had_phones") > 0)
    action = (
        F.when(wanted & same & ~done_today, "keep")
        .when(wanted, "add")
        .when((F.col("may_be_there") | removed_today) & leaves, "remove")
        .when(F.col("is_member"), "skip")
    )
    return judged.withColumn("action", action).where(F.col("action").isNotNull()).withColumn("reason", F.col("barrier"))


def _barrier() -> Column:
    """Why a member must not be reached; null if nothing stands in the way. The first reason counts."""
    return (
        F.when(F.col("arm") == "holdout", "held_out")
        .when(F.col("arm") == "global_holdout", "held_out_of_all")
        .when(~F.coalesce("consented", F.lit(False)), "no_consent")
        .when(F.coalesce("suppressed", F.lit(False)), "suppressed")
        .when(_addresses() <= 0, "no_address")
        .otherwise(F.col("kept_away"))
    )


def _withdrew() -> Column:
    """Whether somebody who is still a customer said no, in whatever way. Ids that are gone say nothing: they go like
    any others, so that a day on which customers are missing takes nobody off by mistake."""
    return F.coalesce(~F.col("consented") | F.col("suppressed"), F.lit(False))


def _addresses(emails: str = "emails", phones: str = "phones") -> Column:
    return F.coalesce(F.size(emails), F.lit(0)) + F.coalesce(F.size(phones), F.lit(0))


def _pause(table: pa.Table, there: int, max_share: float, always: int, audience: str, destination: str) -> pa.Table:
    """If too many would leave at once, hold back additions and those removals; withdrawn consent still goes through."""
    leaving = pc.and_(pc.equal(table["action"], "remove"), pc.fill_null(pc.equal(table["reason"], LEFT), False))
    count = pc.sum(pc.cast(leaving, pa.int64())).as_py() or 0
    if count <= max(always, max_share * there):
        return table
    log.warning(
        "%s to %s: %d of %d members would leave at once, more than max_remove_share %g; additions and these removals "
        "are paused. If this is meant, raise max_remove_share of %s in config/destinations.yaml and plan again.",
        audience, destination, count, there, max_share, destination,
    )  # fmt: skip
    adding = pc.equal(table["action"], "add")
    reason = pc.if_else(leaving, "removal_paused", pc.if_else(adding, "addition_paused", table["reason"]))
    action = pc.if_else(pc.or_(leaving, adding), "skip", table["action"])
    for name, values in (("reason", reason), ("action", action)):
        table = table.set_column(table.column_names.index(name), name, values)
    return table


def _refuse_missing_audiences(lake: Lake, tables: list[pa.Table], day: date) -> None:
    """Without audiences of the day everybody would be taken off every list."""
    built = lake.last_step("audiences/members", f"audiences/{day}") is not None  # be it without anybody
    if not built and not lake.rows("audiences/members", day=day) and any(table.num_rows for table in tables):
        raise StepFailed(f"the audiences of {day} were never built; build them before planning")


def _summary(lake: Lake, day: date, settings: Settings) -> list[dict[str, Any]]:
    """Customers per action and delivery, zeros included."""
    planned = lake.arrow(TABLE, columns=["audience", "destination", "action"], day=day)
    counts = planned.group_by(["audience", "destination", "action"]).aggregate([([], "count_all")]).to_pylist()
    found = {(row["audience"], row["destination"], row["action"]): row["count_all"] for row in counts}
    return [
        {"audience": audience, "destination": destination}
        | {action: found.get((audience, destination, action), 0) for action in ACTIONS}
        for audience, destination in deliveries(settings)
    ]
