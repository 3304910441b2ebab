"""What we did at each destination, try by try, and what follows from it: who is there, who was sent to and when.

The ledger only grows. A try is claimed before anything is sent and gets its outcome as a further row, so a process
that dies in between leaves a claim without outcome: for a send that is an operation that may have arrived. Two
processes that claim the same try of the same customer cannot both win, because the lake takes a key only once.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.activation.channel import Operation, Outcome
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

TABLE = "activation/ledger"
STATES = ("claimed", "submitted", "unknown", "partial", "rejected", "accepted")
"""From least to most certain: the last one reached is the state of the try."""


def claim(
    lake: Lake, operations: Sequence[Operation], audience: str, destination: str, day: date
) -> tuple[str, list[Operation]]:
    """Commit that these operations are about to be done; returns the claim's id and those that are now ours.

    An operation that another process claimed first is not among them.
    """
    batch_id = secrets.token_hex(8)
    claimed = [Outcome(operation.operation_id, "claimed") for operation in operations]
    written = record(lake, operations, claimed, audience, destination, day, batch_id)
    if written == len(operations):
        return batch_id, list(operations)
    rows = lake.arrow(TABLE, columns=["batch_id", "operation_id"])
    ours = set(rows.filter(pc.equal(rows["batch_id"], batch_id))["operation_id"].to_pylist())
    return batch_id, [operation for operation in operations if operation.operation_id in ours]


def record(
    lake: Lake,
    operations: Sequence[Operation],
    outcomes: Sequence[Outcome],
    audience: str,
    destination: str,
    day: date,
    batch_id: str,
) -> int:
    """Commit the states these operations reached; returns how many were not in the ledger yet."""
    by_id = {operation.operation_id: operation for operation in operations}
    at = datetime.now(UTC)
    rows = []
    for outcome in outcomes:
        operation = by_id[outcome.operation_id]
        rows.append(
            {
                "operation_id": operation.operation_id,
                "attempt": operation.attempt,
                "destination": destination,
                "audience": audience,
                "customer_id": operation.customer_id,
                "day": day,
                "action": operation.action,
                "state": outcome.state,
                "reason": outcome.reason,
                "batch_id": batch_id,
                "request_id": outcome.request_id,
                "fingerprint": operation.fingerprint,
                "updated_at": at,
            }
        )
    if not rows:
        return 0
    data = pa.Table.from_pylist(rows, schema=catalogue.get(TABLE).arrow_schema())
    # The id makes each commit its own transaction: the same batch is never written twice, the next one always is.
    mark = {"batch": batch_id, "states": sorted({(o.operation_id, o.state) for o in outcomes})}
    txn = lake.transaction(f"push_{audience}_{destination}", day, config=mark, code=__name__)
    return lake.append(TABLE, data, txn).rows


def newest(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The row of each try that has the state it reached, of rows of the ledger: `tries` without the engine."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (STATES.index(row["state"]), row["updated_at"])):
        found[row["destination"], row["audience"], row["customer_id"], row["attempt"]] = dict(row)
    return list(found.values())


def tries(ledger: DataFrame) -> DataFrame:
    """One try, with the state it reached.

    Columns: destination, audience, own_id (the customer), attempt, operation_id, day, action, fingerprint, state,
    reason, request_id.
    """
    rank = F.lit(-1)
    for position, state in enumerate(STATES):
        rank = F.when(F.col("state") == state, position).otherwise(rank)
    best = F.max(F.struct(rank.alias("rank"), "state", "reason", "request_id"))
    facts = ("operation_id", "day", "action", "fingerprint")
    return (
        ledger.groupBy("destination", "audience", "customer_id", "attempt")
        .agg(*(F.max(name).alias(name) for name in facts), best.alias("best"))
        .select(
            "destination", "audience", F.col("customer_id").alias("own_id"), "attempt", *facts, "best.state",
            F.coalesce("best.reason", F.lit("")).alias("reason"),
            F.coalesce("best.request_id", F.lit("")).alias("request_id"),
        )
    )  # fmt: skip


def standing(all_tries: DataFrame, day: date) -> DataFrame:
    """Where each customer stands at each destination of each audience, after all tries (`succession.with_parts`).

    Columns: destination, audience, customer_id, tried (newest attempt), by_itself (a try was for a part of it, not only
    for what it was split off from), may_be_there (an addition was not certainly
    refused nor certainly undone), is_there and fingerprint (of the addition that certainly holds), added_on,
    removed_on, last_send_day (newest send that may have arrived), sent_state and sent_reason (of the sends of `day`),
    newest_operation, newest_state and newest_request (of the newest try).
    """
    per_part = all_tries.groupBy("destination", "audience", "customer_id", "part").agg(
        F.max("attempt").alias("tried"),
        F.max(F.col("own_id") == F.col("part")).alias("by_itself"),
        F.max(F.struct("attempt", "operation_id", "state", "request_id")).alias("newest"),
        F.max(_when("add", "attempt", F.col("state") != "rejected")).alias("added"),
        F.max(_when("add", F.struct("attempt", "fingerprint", "day"), F.col("state") == "accepted")).alias("sure"),
        F.max(_when("remove", "attempt", F.col("state") != "rejected")).alias("removing"),
        F.max(_when("remove", F.struct("attempt", "day"), F.col("state") == "accepted")).alias("gone"),
        F.max(_when("send", "day", F.col("state") != "rejected")).alias("last_send_day"),
        F.max(_when("send", F.struct("attempt", "state", "reason"), F.col("day") == F.lit(day))).alias("sent"),
    )
    after = lambda first, second: F.coalesce(first, F.lit(0)) > F.coalesce(second, F.lit(0))  # noqa: E731
    there = F.col("sure.attempt").isNotNull() & (F.col("sure.attempt") == F.col("added"))
    return (
        per_part.withColumn("may_be_there", after(F.col("added"), F.col("gone.attempt")))
        .withColumn("is_there", F.coalesce(there & after(F.col("added"), F.col("removing")), F.lit(False)))
        .groupBy("destination", "audience", "customer_id")
        .agg(
            F.max("tried").alias("tried"),
            F.max("by_itself").alias("by_itself"),
            F.max("newest").alias("newest"),
            F.max("may_be_there").alias("may_be_there"),
            F.max("is_there").alias("is_there"),
            F.max(F.when(F.col("is_there"), F.struct("tried", "sure.fingerprint", "sure.day"))).alias("there"),
            F.max("gone.day").alias("removed_on"),
            F.max("last_send_day").alias("last_send_day"),
            F.max("sent").alias("sent"),
        )
        .select(
            "destination", "audience", "customer_id", "tried", "by_itself", "may_be_there", "is_there", "removed_on",
            "last_send_day",
            F.col("newest.operation_id").alias("newest_operation"),
            F.col("newest.state").alias("newest_state"),
            F.col("newest.request_id").alias("newest_request"),
            F.col("there.fingerprint").alias("there_fingerprint"),
            F.col("there.day").alias("added_on"),
            F.col("sent.state").alias("sent_state"),
            F.col("sent.reason").alias("sent_reason"),
        )
    )  # fmt: skip


def _when(action: str, value: str | Column, certain: Column) -> Column:
    return F.when((F.col("action") == action) & certain, F.col(value) if isinstance(value, str) else value)


def addressed(all_tries: DataFrame, day: date) -> DataFrame:
    """Every address (as fingerprint) a message may have reached, whoever had it: last_day, other than `day`, and
    today_by, the customer it was for on `day`."""
    sends = all_tries.where((F.col("action") == "send") & (F.col("state") != "rejected") & (F.col("fingerprint") != ""))
    today = F.col("day") == F.lit(day)
    return sends.groupBy("fingerprint").agg(
        F.max(F.when(~today, F.col("day"))).alias("last_day"),
        F.max(F.when(today, F.col("customer_id"))).alias("today_by"),
    )
