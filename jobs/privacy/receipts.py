"""Receipts: what one request did in each place, sealed, without anything that tells who asked."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.keys import accepted_keys, signing_key
from jobs.config.settings import Settings
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

TABLE = "privacy/receipts"
OPEN = ("pending", "by_hand")
"""Outcomes after which somebody still has to do something."""
MEANS = {
    "erased": "erased",
    "nothing": "nothing was there",
    "pending": "not done yet: repeat the request",
    "by_hand": "to be done by hand",
    "out_of_reach": "out of reach",
}


@dataclass(frozen=True)
class Receipt:
    """One place of one request; the columns of privacy/receipts without its seal."""

    request: str
    place: str
    at: datetime
    outcome: str
    number: int
    detail: str
    because: str
    by: str

    def seal(self, settings: Settings) -> str:
        """Keyed hash (HMAC-SHA256) of everything on the receipt, under the signing key."""
        return self._sealed(signing_key(settings))

    def has(self, seal: str, settings: Settings) -> bool:
        """Whether that is its seal, given today or under a key of before."""
        return any(hmac.compare_digest(self._sealed(key), seal) for key in accepted_keys(settings))

    def _sealed(self, key: str) -> str:
        told = json.dumps(asdict(self), sort_keys=True, default=lambda at: at.astimezone(UTC).isoformat())
        return hmac.new(key.encode(), told.encode(), hashlib.sha256).hexdigest()


def keep(lake: Lake, receipts: Iterable[Receipt], settings: Settings) -> None:
    """Add receipts to the table; a place that was done again has one for each time."""
    rows = [asdict(receipt) | {"seal": receipt.seal(settings)} for receipt in receipts]
    if not rows:
        return
    schema = catalogue.get(TABLE).arrow_schema()
    mark = [rows[0]["request"], [row["seal"] for row in rows]]
    txn = lake.transaction("receipts", rows[0]["at"].date(), config=mark, code=__name__)
    lake.append(TABLE, pa.Table.from_pylist(rows, schema=schema), txn)


def of_request(lake: Lake, request: str, settings: Settings) -> list[tuple[Receipt, bool]]:
    """The receipts of a request in the order they were given, each with whether it is as it was sealed."""
    rows = lake.arrow(TABLE)
    mine = rows.filter(pc.equal(rows["request"], request)).to_pylist()
    found = []
    for row in sorted(mine, key=lambda row: (row["at"], row["place"])):
        seal = row.pop("seal")
        receipt = Receipt(**row)
        found.append((receipt, receipt.has(seal or "", settings)))
    return found


def sealed_with_this_key(lake: Lake, requests: Iterable[str], settings: Settings) -> bool:
    """If any receipt of these requests has its seal under a key that counts; also if there are no receipts yet."""
    seals = [sealed for request in requests for _, sealed in of_request(lake, request, settings)]
    return not seals or any(seals)


def newest(receipts: Iterable[Receipt]) -> list[Receipt]:
    """Per place the receipt that holds: what is done later takes the place of what was to be done."""
    last: dict[str, Receipt] = {}
    for receipt in receipts:
        before = last.get(receipt.place)
        if before is None or receipt.outcome != "nothing" or before.outcome in OPEN:
            last[receipt.place] = receipt
    return [last[place] for place in sorted(last)]


def as_html(receipts: list[Receipt], settings: Settings) -> str:
    """One page for the person: what was done where and when. It needs no other file and no script."""
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in _cells(receipt)) + "</tr>" for receipt in receipts
    )
    digest = hashlib.sha256("".join(receipt.seal(settings) for receipt in receipts).encode()).hexdigest()
    first = receipts[0] if receipts else None
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Receipt of erasure</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}
table{{border-collapse:collapse;width:100%}}td,th{{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #ccc}}
</style></head><body><h1>Receipt of erasure</h1>
<p>{escape(settings.general.company)} erased your personal data on request
<strong>{escape(first.request if first else "")}</strong>.
This page and our own record hold nothing that tells who you are.</p>
<table><thead><tr><th>Place</th><th>Result</th><th>Number</th><th>When (UTC)</th><th>What</th></tr></thead>
<tbody>{rows}</tbody></table>
<p>Seal of this receipt: <code>{digest}</code></p></body></html>
"""


def _cells(receipt: Receipt) -> tuple[Any, ...]:
    at = receipt.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    return receipt.place, MEANS.get(receipt.outcome, receipt.outcome), receipt.number, at, receipt.detail
