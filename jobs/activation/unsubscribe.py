"""One-click unsubscribe (RFC 8058): a link that names nobody, cannot be forged, and may be posted twice.

The link carries the id of the operation that sent the message and a signature. Whoever serves the page calls
`unsubscribe` with the token; the address goes on the suppression list of its channel and the plan leaves it out.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from jobs import schemas
from jobs.lake import Lake
from jobs.normalise.identifiers import identifier_hash
from jobs.settings import Settings

SUPPRESSIONS = "activation/suppressions"


def unsubscribe_link(page: str, operation_id: str, settings: Settings) -> str:
    separator = "&" if "?" in page else "?"
    return f"{page}{separator}t={operation_id}.{_signature(operation_id, settings)}"


def unsubscribe(token: str, day: date, settings: Settings) -> bool:
    """Put the addresses of the person who got this message on the suppression list; False for a forged token."""
    operation_id, _, signature = token.partition(".")
    if not hmac.compare_digest(signature, _signature(operation_id, settings)):
        return False
    lake = Lake.of(settings)
    sends = lake.arrow("activation/ledger", columns=["operation_id", "customer_id", "destination"])
    sends = sends.filter(pc.equal(sends["operation_id"], operation_id))
    if not sends.num_rows:
        return False
    channel = settings.channels.destinations[sends["destination"][0].as_py()].channel
    points = lake.arrow("profiles/contact_points", columns=["customer_id", "kind", "value"])
    own = pc.and_(pc.equal(points["customer_id"], sends["customer_id"][0].as_py()), pc.equal(points["kind"], "email"))
    suppress(lake, channel, points.filter(own)["value"].to_pylist(), "unsubscribed", day, settings)
    return True


def suppress(lake: Lake, channel: str, emails: list[str], reason: str, day: date, settings: Settings) -> int:
    """Add e-mail addresses to the suppression list of a channel, as keyed hashes; how many were new."""
    identifiers = sorted({hashed for email in emails if (hashed := identifier_hash("email", email, settings))})
    if not identifiers:
        return 0
    rows = [{"channel": channel, "identifier": i, "reason": reason, "since": day} for i in identifiers]
    data = pa.Table.from_pylist(rows, schema=schemas.get(SUPPRESSIONS).arrow_schema())
    txn = lake.transaction(f"suppress_{channel}", day, config=[reason, identifiers])
    return lake.append(SUPPRESSIONS, data, txn).rows


def _signature(operation_id: str, settings: Settings) -> str:
    key = settings.hash_key().encode()
    return hmac.new(key, f"unsubscribe|{operation_id}".encode(), hashlib.sha256).hexdigest()[:32]
