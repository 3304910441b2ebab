"""One person, many audiences: who of those that want to write gets a turn, so that nobody is written to too often.

Each cap counts messages to a person by every audience and channel it names, and to an address, whoever has it. What may
have arrived counts; what was refused does not. Today's messages that were sent are chosen first, so that planning again
changes nothing; then by `priority`, then who is about a moment, which cannot wait, then by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from jobs.activation import ledger, succession
from jobs.activation.channels.types import type_of
from jobs.config.pressure import Cap
from jobs.config.settings import Settings
from jobs.lake.lake import Txn
from jobs.lake.tables import catalogue

CHOICES = "decisions/choices"
REASON = "contact_pressure"
"""Reason of a skip: the person, or the address, has been written to enough."""


@dataclass(frozen=True, order=True)
class Candidate:
    """One message that an audience wants to send. Candidates sort by who goes first."""

    later: bool
    """False for what was sent today already."""
    rank: tuple[int, bool, str, str]
    """Less first: minus the priority, whether it is about no moment, audience, destination."""
    customer_id: str
    channel: str
    address: str

    @property
    def audience(self) -> str:
        return self.rank[2]

    @property
    def destination(self) -> str:
        return self.rank[3]


@dataclass(frozen=True)
class Sent:
    """One message that may have arrived on a day before."""

    day: date
    customer_id: str
    channel: str
    address: str


@dataclass(frozen=True)
class Choice:
    """A candidate, with the cap that kept it back, if one did."""

    candidate: Candidate
    cap: Cap | None


def choose(candidates: Iterable[Candidate], before: Iterable[Sent], caps: Sequence[Cap], day: date) -> Iterator[Choice]:
    """Every candidate in the order of their turn, and whether it has one."""
    counted: Counter[tuple[int, str, str]] = Counter()

    def count(number: int, customer: str, address: str) -> None:
        counted[number, "person", customer] += 1
        if address:
            counted[number, "address", address] += 1

    for sent in before:
        for number, cap in enumerate(caps):
            if cap.counts(sent.channel) and sent.day > day - timedelta(days=cap.days):
                count(number, sent.customer_id, sent.address)
    for one in sorted(candidates):
        mine = [(number, cap) for number, cap in enumerate(caps) if cap.counts(one.channel)]
        full = next((cap for number, cap in mine if _used(counted, number, one) >= cap.at_most), None)
        held = full if one.later else None
        if held is None:
            for number, _ in mine:
                count(number, one.customer_id, one.address)
        yield Choice(one, held)


def _used(counted: Counter[tuple[int, str, str]], number: int, one: Candidate) -> int:
    return max(counted[number, "person", one.customer_id], counted[number, "address", one.address])


def applied(tables: list[pa.Table], txn: Txn, day: date, settings: Settings) -> tuple[list[pa.Table], pa.Table]:
    """Plans in which messages beyond the caps are skipped, and the rows of decisions/choices."""
    caps = settings.pressure.caps
    schema = catalogue.get(CHOICES).arrow_schema()
    if not caps or not tables:
        return tables, schema.empty_table()
    plans = pa.concat_tables(tables)
    before, today = _sent(txn, day, max(cap.days for cap in caps), settings)
    choices = list(choose(_candidates(plans, today, settings), before, caps, day))
    lost = {
        (one.candidate.audience, one.candidate.destination, one.candidate.customer_id) for one in choices if one.cap
    }
    return [_without(table, lost) for table in tables], pa.Table.from_pylist(
        list(_rows(choices, day, settings)), schema
    )


def _candidates(plans: pa.Table, today: set[tuple[str, str, str]], settings: Settings) -> Iterator[Candidate]:
    sends = plans.filter(pc.equal(plans["action"], "send"))
    for row in sends.select(["audience", "destination", "customer_id", "fingerprint"]).to_pylist():
        audience = settings.audiences[row["audience"]]
        yield Candidate(
            (row["audience"], row["destination"], row["customer_id"]) not in today,
            (-audience.priority, audience.moment is None, row["audience"], row["destination"]),
            row["customer_id"],
            settings.destinations[row["destination"]].channel,
            row["fingerprint"] or "",
        )


def _sent(txn: Txn, day: date, days: int, settings: Settings) -> tuple[list[Sent], set[tuple[str, str, str]]]:
    """Messages of the days before that may have arrived, and what was sent today: audience, destination, customer."""
    from pyspark.sql import functions as F

    since = F.lit(day - timedelta(days=days))
    tries = ledger.tries(txn.read(ledger.TABLE).where((F.col("action") == "send") & (F.col("day") > since)))
    told = succession.with_parts(
        tries.where(F.col("state") != "rejected"), txn.read("identity/events"), txn.read("identity/map")
    )
    columns = ("operation_id", "day", "audience", "destination", "customer_id", "fingerprint")
    before, today = [], set()
    for row in told.select(*columns).distinct().toArrow().to_pylist():
        destination = settings.destinations.get(row["destination"])
        if row["day"] == day:
            today.add((row["audience"], row["destination"], row["customer_id"]))
        elif row["day"] < day and destination and type_of(row["destination"], settings).kind == "messages":
            before.append(Sent(row["day"], row["customer_id"], destination.channel, row["fingerprint"] or ""))
    return before, today


def _without(table: pa.Table, lost: set[tuple[str, str, str]]) -> pa.Table:
    keys = zip(*(table[name].to_pylist() for name in ("audience", "destination", "customer_id")), strict=True)
    gone = pa.array([key in lost for key in keys], pa.bool_())
    for name, value in (("action", "skip"), ("reason", REASON)):
        changed = pc.if_else(gone, value, table[name])
        table = table.set_column(table.column_names.index(name), name, changed)
    return table


def _rows(choices: Sequence[Choice], day: date, settings: Settings) -> Iterator[dict[str, object]]:
    """Turns are told by rank alone, and not who was sent to meanwhile: planning again tells the same."""
    turn: Counter[str] = Counter()
    for choice in sorted(choices, key=lambda choice: (choice.candidate.rank, choice.candidate.customer_id)):
        one = choice.candidate
        turn[one.customer_id] += 1
        yield {
            "day": day,
            "customer_id": one.customer_id,
            "audience": one.audience,
            "destination": one.destination,
            "channel": one.channel,
            "turn": turn[one.customer_id],
            "priority": settings.audiences[one.audience].priority,
            "chosen": choice.cap is None,
            "because": str(choice.cap) if choice.cap else "room left",
        }
