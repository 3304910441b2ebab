"""The plans of all actions of a day, decided: what is sent or added to whom, and why everything else is not.

`jobs/decisions/choose.py` decides; here is what it is told: what the plans want, what was sent before, what budgets are
left, what a person decided. Of every candidate, whether it had its turn and why is in decisions/choices.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from jobs.activation import ledger, succession
from jobs.activation.channels.types import type_of
from jobs.activation.offer_limits import Offering
from jobs.config.actions.audiences import Audience
from jobs.config.settings import Settings
from jobs.decisions.choose import BEFORE, CANDIDATES, Chosen, choose
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Txn
from jobs.lake.tables import catalogue

CHOICES = "decisions/choices"
WANTS = ("send", "add")
"""What a plan does that competes for customers and budgets."""
READS = ("profiles/channels",)
"""Tables read here beside those of the plan."""
NOT_PREFERRED = 1000
"""Preference of a channel of which the customer's is not known: after all that are, in the order of `send_to`."""


def applied(
    tables: list[pa.Table], txn: Txn, day: date, settings: Settings, offering: Offering | None = None
) -> tuple[list[pa.Table], pa.Table]:
    """Plans in which what lost is skipped, with the reason, and the rows of decisions/choices."""
    tables = [offering.without_used(table) for table in tables] if offering else tables
    schema = catalogue.get(CHOICES).arrow_schema()
    wanting = [table.filter(pc.is_in(table["action"], pa.array(WANTS))) for table in tables]
    done = _done(txn, day, settings)
    first = customers_of("first", txn, day, settings)
    rows = [_candidates(table, done, first, txn, settings) for table in wanting if table.num_rows]
    candidates = pa.concat_tables([CANDIDATES.empty_table(), *rows])
    before, spent = _before(done, candidates, day, settings), _spent(done, candidates, day, settings)
    limits = offering.limits(candidates, spent) if offering else []
    chosen = choose(candidates, before, settings.policy.caps, _left(spent, settings), day, limits)
    decided, told, at = [], [schema.empty_table()], 0
    for table, wants in zip(tables, wanting, strict=True):
        part, places = _part(chosen, at, wants.num_rows), _places(table)
        at += wants.num_rows
        decided.append(_with_losers(table, part, places))
        told += _choices(decided[-1], part, places, settings) if table.num_rows else []
    return decided, pa.concat_tables(told)


def customers_of(decision: str, txn: Txn, day: date, settings: Settings) -> dict[str, list[str]]:
    """Customers of today about whom a person decided so, by action."""
    asked = [one for one in settings.interventions.customers if one.decision == decision]
    if not asked:
        return {}
    hashes = {
        str(one.customer): identifier_hash("contact", one.customer.record, settings, one.customer.source)
        for one in asked
    }
    known = txn.read("identity/map").where(F.col("identifier").isin([one for one in hashes.values() if one]))
    home = {row["identifier"]: row["customer_id"] for row in known.toArrow().to_pylist()}
    about = [(one, home[key]) for one in asked if (key := hashes[str(one.customer)]) in home]
    return {
        action: sorted({customer for one, customer in about if one.holds(day, action)}) for action in settings.audiences
    }


def _candidates(table: pa.Table, done: pa.Table, first: dict[str, list[str]], txn: Txn, settings: Settings) -> pa.Table:
    """What one delivery wants to do."""
    name, destination, size = table["audience"][0].as_py(), table["destination"][0].as_py(), table.num_rows
    audience, channel = settings.audiences[name], settings.destinations[destination].channel
    writes = type_of(destination, settings).kind == "messages"
    today = done.filter(pc.equal(done["today"], True))
    here = pc.and_(pc.equal(today["audience"], name), pc.equal(today["destination"], destination))
    same: dict[str, Any] = {
        "action": name, "destination": destination, "channel": channel, "objective": audience.objective,
        "slot": audience.slot if writes else None, "priority": audience.priority, "moment": audience.moment is not None,
    }  # fmt: skip
    columns = {key: pa.repeat(pa.scalar(value, CANDIDATES.field(key).type), size) for key, value in same.items()}
    columns |= {
        "customer_id": table["customer_id"],
        "address": pc.fill_null(table["fingerprint"], "") if writes else pa.repeat("", size),
        "done": pc.is_in(table["customer_id"], today.filter(here)["customer_id"].combine_chunks()),
        "first": pc.is_in(table["customer_id"], pa.array(first.get(name, []), pa.string())),
        "gain": table["gain"],
        "preference": _preference(table["customer_id"], audience, destination, channel, txn),
    }
    return pa.table([columns[field.name] for field in CANDIDATES], CANDIDATES)


def _preference(customers: pa.ChunkedArray, audience: Audience, destination: str, channel: str, txn: Txn) -> pa.Array:
    """Place of the channel among those the customer may be reached by; unknown: by its place in `send_to`."""
    place = NOT_PREFERRED + list(audience.send_to).index(destination)
    if len(audience.send_to) == 1:
        return pa.repeat(pa.scalar(place, pa.int64()), len(customers))
    known = txn.arrow("profiles/channels", columns=["customer_id", "channel", "preference"])
    known = known.filter(pc.and_(pc.equal(known["channel"], channel), pc.is_valid(known["preference"])))
    at = pc.index_in(customers.combine_chunks(), known["customer_id"].combine_chunks())
    return pc.fill_null(known["preference"].combine_chunks().cast(pa.int64()).take(at), place)


def _done(txn: Txn, day: date, settings: Settings) -> pa.Table:
    """What may have arrived in the days that caps and budgets look back on, once per customer it concerns today.

    Columns: operation_id, day, audience, destination, customer_id, fingerprint, own (it was done for this very customer
    id), today.
    """
    policy = [cap.days for cap in settings.policy.caps]
    budgets = [one.budget.days for one in settings.audiences.values() if one.budget]
    since = F.lit(day - timedelta(days=max([1, *policy, *budgets])))
    rows = txn.read(ledger.TABLE).where(F.col("action").isin(*WANTS) & (F.col("day") > since))
    tries = ledger.tries(rows.where(F.col("day") <= F.lit(day))).where(F.col("state") != "rejected")
    parts = succession.with_parts(tries, txn.read("identity/events"), txn.read("identity/map"))
    told = parts.select(
        "operation_id", "day", "audience", "destination", "customer_id",
        F.coalesce("fingerprint", F.lit("")).alias("fingerprint"), (F.col("own_id") == F.col("part")).alias("own"),
        (F.col("day") == F.lit(day)).alias("today"),
    )  # fmt: skip
    return told.distinct().toArrow()


def _before(done: pa.Table, candidates: pa.Table, day: date, settings: Settings) -> pa.Table:
    """Messages of the days before, and of today those that are no candidate any more."""
    wanted = _keys(candidates, "action")
    rows, seen = [], set()
    for row in done.to_pylist():
        destination = settings.destinations.get(row["destination"])
        if destination is None or type_of(row["destination"], settings).kind != "messages":
            continue
        if row["today"] and (row["audience"], row["destination"], row["customer_id"]) in wanted:
            continue
        if (row["operation_id"], row["customer_id"]) in seen:
            continue
        seen.add((row["operation_id"], row["customer_id"]))
        audience = settings.audiences.get(row["audience"])
        told = {"action": row["audience"], "channel": destination.channel, "address": row["fingerprint"]}
        objective = audience.objective if audience else None
        rows.append({**told, "day": row["day"], "customer_id": row["customer_id"], "objective": objective})
    return pa.Table.from_pylist(rows, BEFORE)


def _left(spent: Counter[str], settings: Settings) -> dict[str, int]:
    """What the budget of each action that has one still pays for, what was done today and is a candidate included."""
    mosts = {name: one.most for name, one in settings.audiences.items()}
    return {name: most - spent[name] for name, most in mosts.items() if most is not None}


def _spent(done: pa.Table, candidates: pa.Table, day: date, settings: Settings) -> Counter[str]:
    """How often each action that has a budget was done in its days, other than what is a candidate again today."""
    wanted = _keys(candidates, "action") if any(one.budget for one in settings.audiences.values()) else set()
    spent: Counter[str] = Counter()
    for row in done.filter(done["own"]).to_pylist():
        budget = settings.audiences[row["audience"]].budget if row["audience"] in settings.audiences else None
        again = row["today"] and (row["audience"], row["destination"], row["customer_id"]) in wanted
        if budget and row["day"] > day - timedelta(days=budget.days) and not again:
            spent[row["audience"]] += 1
    return spent


def _keys(rows: pa.Table, action: str) -> set[tuple[str, str, str]]:
    """Action, destination and customer of what was done already."""
    there = rows.filter(rows["done"])
    return set(zip(*(there[name].to_pylist() for name in (action, "destination", "customer_id")), strict=True))


def _part(chosen: Chosen, at: int, size: int) -> Chosen:
    inside = slice(at, at + size)
    return Chosen(chosen.turn[inside], chosen.won[inside], chosen.because[inside], chosen.reason[inside])


def _places(table: pa.Table) -> pa.Array:
    """Of each row of a plan, its place among those that are candidates; null: it is none."""
    wants = pa.array(np.isin(table["action"].to_numpy(), WANTS))
    return pc.if_else(wants, pc.subtract(pc.cumulative_sum(wants.cast(pa.int64())), 1), None)


def _with_losers(table: pa.Table, part: Chosen, places: pa.Array) -> pa.Table:
    """A plan in which candidates that lost are skipped, with the reason."""
    lost = pc.fill_null(pa.array(~part.won).take(places), False)
    for name, value in (("action", pa.scalar("skip")), ("reason", part.reason.take(places))):
        changed = pc.if_else(lost, value, table[name])
        table = table.set_column(table.column_names.index(name), table.schema.field(name), changed)
    return table


def _choices(table: pa.Table, part: Chosen, places: pa.Array, settings: Settings) -> list[pa.Table]:
    """Rows of decisions/choices about one delivery: everybody it is for, whatever stood in the way."""
    audience = settings.audiences[table["audience"][0].as_py()]
    destination = table["destination"][0].as_py()
    asked = pc.is_in(table["action"], pa.array([*WANTS, "skip"]))
    size = table.num_rows
    writes = type_of(destination, settings).kind == "messages"
    same: dict[str, Any] = {
        "channel": settings.destinations[destination].channel, "slot": audience.slot if writes else None,
        "priority": audience.priority, "propensity": round(1 - audience.holdout, 6),
    }  # fmt: skip
    schema = catalogue.get(CHOICES).arrow_schema()
    columns: dict[str, Any] = {
        name: pa.repeat(pa.scalar(value, schema.field(name).type), size) for name, value in same.items()
    }
    columns |= {name: table[name] for name in ("day", "customer_id", "audience", "destination", "gain", "reason")}
    columns |= {
        "turn": pa.array(part.turn).take(places).cast(schema.field("turn").type),
        "chosen": pc.not_equal(table["action"], "skip"),
        "because": pc.coalesce(part.because.take(places), table["reason"]),
    }
    return [pa.table([columns[field.name] for field in schema], schema).filter(asked)]
