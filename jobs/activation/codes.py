"""Which customer has which code of an offer: given once, whatever is killed, retried or done twice at once.

A code is first taken out of the file of the offer (activation/codes_taken), then given (activation/offer_codes). The
lake takes a key only once, so no code is taken twice and no customer is given two codes of an offer. What dies in
between leaves a code that was taken and that nobody has: it is never used.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activation import succession
from jobs.activation.channel import Given
from jobs.config.actions.offers import Offer, pool
from jobs.config.settings import Settings
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

CODES, TAKEN = "activation/offer_codes", "activation/codes_taken"
NO_CODES = "no_codes"
"""Reason of a skip: every code of the offer has been given out."""


@dataclass(frozen=True)
class Place:
    """By which plan codes are given."""

    offer: str
    audience: str
    destination: str
    day: date


def with_customers(codes: DataFrame, events: DataFrame, identity_map: DataFrame) -> DataFrame:
    """Rows of CODES with `customer_id`, the customer of today, and `given_to`, the one of then. Of a customer who was
    split off since it is the one that kept the id who has the code."""
    done = codes.withColumnRenamed("customer_id", "own_id").withColumn("action", F.lit("send"))
    parts = succession.with_parts(done, events, identity_map).where(F.col("part") == F.col("own_id"))
    return parts.drop("part", "action").withColumnRenamed("own_id", "given_to")


def held(rows: Sequence[Mapping[str, object]], offer: str, title: str) -> dict[str, Given]:
    """The code that each customer of today has of an offer: of two who became one, that which was given first."""
    mine = sorted((row for row in rows if row["offer"] == offer), key=lambda row: (row["given_at"], row["code"]))
    return {str(row["customer_id"]): _given(row, title) for row in reversed(mine)}


def give(lake: Lake, place: Place, customers: Sequence[str], settings: Settings) -> dict[str, Given]:
    """Give each of these customers, who have none, a code; those for whom there is none left are not in the answer."""
    offer = settings.offers.offers[place.offer]
    until = place.day + timedelta(days=offer.valid_days - 1)
    wanting = sorted(set(customers))
    codes = _take(lake, place, len(wanting), settings)
    at = datetime.now(UTC)
    rows = [
        {"offer": place.offer, "customer_id": customer, "code": code, "day": place.day, "audience": place.audience,
         "destination": place.destination, "valid_until": until, "most": offer.most, "given_at": at}
        for customer, code in zip(wanting, codes, strict=False)
    ]  # fmt: skip
    if rows:
        data = pa.Table.from_pylist(rows, schema=catalogue.get(CODES).arrow_schema())
        lake.append(CODES, data, lake.transaction(f"give_{place.offer}", place.day, config=codes, code=__name__))
    # Another push may have given one of them a code meanwhile: that is the one the customer has.
    among = (pc.field("offer") == place.offer) & pc.field("customer_id").isin(wanting)
    known = lake.dataset(CODES).to_table(filter=among).to_pylist() if lake.exists(CODES) else []
    return {row["customer_id"]: _given(row, offer.title) for row in known}


def codes_left(lake: Lake, name: str, offer: Offer, settings: Settings) -> list[str]:
    """Codes of its file that were never taken, in the order of the file."""
    taken = _taken(lake, pc.field("offer") == name)
    return [code for code in pool(settings.folder, offer) if code_hash(name, code) not in taken]


def code_hash(offer: str, code: str) -> str:
    """By what TAKEN knows a code, however it is spelled."""
    return sha256(f"{offer}\x1f{code.lower()}".encode()).hexdigest()


def _take(lake: Lake, place: Place, count: int, settings: Settings) -> list[str]:
    """So many codes that nobody else took, or all that are left."""
    ours: list[str] = []
    offer = settings.offers.offers[place.offer]
    while len(ours) < count:
        free = codes_left(lake, place.offer, offer, settings)[: count - len(ours)]
        if not free:
            break
        batch, at = secrets.token_hex(8), datetime.now(UTC)
        hashes = {code_hash(place.offer, code): code for code in free}
        rows = [{"offer": place.offer, "code_hash": one, "batch_id": batch, "taken_at": at} for one in hashes]
        data = pa.Table.from_pylist(rows, schema=catalogue.get(TAKEN).arrow_schema())
        txn = lake.transaction(f"take_{place.offer}", place.day, config=batch, code=__name__)
        lake.append(TAKEN, data, txn)
        won = _taken(lake, pc.field("batch_id") == batch)
        ours += [code for one, code in hashes.items() if one in won]
    return ours


def _taken(lake: Lake, among: pc.Expression) -> set[str]:
    if not lake.exists(TAKEN):
        return set()
    return set(lake.dataset(TAKEN).to_table(columns=["code_hash"], filter=among)["code_hash"].to_pylist())


def _given(row: Mapping[str, object], title: str) -> Given:
    return Given(str(row["code"]), title, row["valid_until"])  # type: ignore[arg-type]
