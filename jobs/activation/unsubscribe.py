"""One-click unsubscribe (RFC 8058): what the link in a message (`unsubscribe_link.py`) does; it may be posted twice.

Whoever serves the page calls `unsubscribe` with the token; the address goes on the suppression list of its channel and
the plan leaves it out. So do all addresses of the customer the message was for, whatever became of it: of both, if it
has been split since.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from jobs.activation import succession
from jobs.activation.unsubscribe_link import operation_of
from jobs.config.settings import Settings
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

SUPPRESSIONS = "activation/suppressions"


def unsubscribe(token: str, day: date, settings: Settings) -> bool:
    """Put the addresses of the person who got this message on the suppression list; False for a forged token."""
    operation_id = operation_of(token, settings)
    if operation_id is None:
        return False
    lake = Lake.of(settings)
    ledger = lake.arrow("activation/ledger")
    sends = ledger.filter(pc.equal(ledger["operation_id"], operation_id)).to_pylist()
    if not sends:
        return False
    send = sends[0]
    people = succession.now(lake, send["customer_id"], send["day"])
    points = lake.arrow("profiles/contact_points", columns=["customer_id", "kind", "value"])
    own = pc.and_(pc.is_in(points["customer_id"], people), pc.equal(points["kind"], "email"))
    identifiers = {identifier_hash("email", email, settings) for email in points.filter(own)["value"].to_pylist()}
    channel = settings.destinations[send["destination"]].channel
    suppress(lake, channel, {send["fingerprint"], *identifiers}, "unsubscribed", day)
    return True


def suppress(lake: Lake, channel: str, identifiers: Iterable[str | None], reason: str, day: date) -> int:
    """Add e-mail addresses, given as keyed hashes, to the suppression list of a channel; how many were new."""
    given = sorted({identifier for identifier in identifiers if identifier})
    if not given:
        return 0
    rows = [{"channel": channel, "identifier": i, "reason": reason, "since": day} for i in given]
    data = pa.Table.from_pylist(rows, schema=catalogue.get(SUPPRESSIONS).arrow_schema())
    txn = lake.transaction(f"suppress_{channel}", day, config=[reason, given], code=__name__)
    return lake.append(SUPPRESSIONS, data, txn).rows
