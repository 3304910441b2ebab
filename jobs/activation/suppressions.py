"""Addresses that must not be used, per channel: activation/suppressions."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from jobs.lake.lake import Lake, StaleWrite
from jobs.lake.tables import catalogue

TABLE = "activation/suppressions"
REASONS = ("bounced", "unsubscribed", "complained")
"""From the one that rules out an address to the one that no answer takes back: of two the stronger one stays."""


@retry(retry=retry_if_exception_type(StaleWrite), stop=stop_after_attempt(5), reraise=True)
def suppress(lake: Lake, channel: str, identifiers: Iterable[str | None], reason: str, day: date) -> int:
    """Add addresses, given as keyed hashes, to the suppression list of a channel; how many were new.

    One that is there for a weaker reason gets this one, and stays there since when it was.
    """
    given = sorted({identifier for identifier in identifiers if identifier})
    if not given:
        return 0
    there = _there(lake, channel, given)
    stronger = [one for one in given if one in there and REASONS.index(there[one][0]) < REASONS.index(reason)]
    new = [one for one in given if one not in there]
    rows = [
        {"channel": channel, "identifier": one, "reason": reason, "since": there[one][1] if one in there else day}
        for one in [*new, *stronger]
    ]
    if not rows:
        return 0
    data = pa.Table.from_pylist(rows, schema=catalogue.get(TABLE).arrow_schema())
    # What was taken off the list may come back on the same day: each write is one of its own, and the key keeps it one.
    mark = [reason, secrets.token_hex(8)]
    txn = lake.transaction(f"suppress_{channel}", day, config=mark, code=__name__)
    if stronger:
        lake.upsert(TABLE, data, txn)
        return len(new)
    return lake.append(TABLE, data, txn).rows


def lift(lake: Lake, channel: str, identifiers: Iterable[str], day: date) -> int:
    """Take addresses off the list whose person unsubscribed and says yes again; how many were on it."""
    given = sorted(set(identifiers))
    if not given or not lake.exists(TABLE):
        return 0
    keys = pa.table({"channel": [channel] * len(given), "identifier": given, "reason": ["unsubscribed"] * len(given)})
    txn = lake.transaction(f"lift_{channel}", day, config=secrets.token_hex(8), code=__name__)
    return lake.delete(TABLE, keys, txn).rows


def addresses(lake: Lake, channel: str) -> frozenset[str]:
    """All keyed hashes of addresses that must not be used over this channel."""
    if not lake.exists(TABLE):
        return frozenset()
    rows = lake.dataset(TABLE).to_table(columns=["identifier"], filter=pc.field("channel") == channel)
    return frozenset(rows["identifier"].to_pylist())


def reasons(lake: Lake, channel: str, identifiers: Iterable[str]) -> set[str]:
    """Why addresses among these must not be used."""
    return {reason for reason, _ in _there(lake, channel, sorted(set(identifiers))).values()}


def _there(lake: Lake, channel: str, identifiers: list[str]) -> dict[str, tuple[str, date]]:
    if not lake.exists(TABLE):
        return {}
    among = (pc.field("channel") == channel) & pc.field("identifier").isin(identifiers)
    rows = lake.dataset(TABLE).to_table(columns=["identifier", "reason", "since"], filter=among)
    return {row["identifier"]: (row["reason"], row["since"]) for row in rows.to_pylist()}
