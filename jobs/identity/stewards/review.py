"""Pairs of records a person should look at: which there are, how they are put to a person, and what is answered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.decisions import Decision, record_of
from jobs.config.settings import Settings
from jobs.identity.identifiers import identifier_hash
from jobs.identity.stewards import answers as steward_answers
from jobs.lake.lake import Lake

Row = dict[str, Any]
NO_REASON = "no reason given"


def undecided(settings: Settings) -> list[Row]:
    """Rows of identity/review that wait for a person, the likeliest first.

    Pairs that something else has made one customer already are left out: they need no decision.
    """
    lake = Lake.of(settings)
    given = lake.arrow(steward_answers.TABLE, ["left", "right"]).to_pylist()
    decided = {frozenset(one.decision.ends) for one in settings.decisions}
    decided |= {frozenset((row["left"], row["right"])) for row in given}
    waiting = [
        row
        for row in lake.arrow("identity/review").to_pylist()
        if row["status"] == "review" and frozenset((row["left"], row["right"])) not in decided
    ]
    customer = _customers(lake, {row[side] for row in waiting for side in ("left", "right")}, settings)
    apart = [row for row in waiting if customer.get(row["left"], "") != customer.get(row["right"])]
    return sorted(apart, key=lambda row: (-row["probability"], row["left"], row["right"]))


def _customers(lake: Lake, records: Iterable[str], settings: Settings) -> dict[str, str]:
    """Of each record (source:id) that is known the customer."""
    hashed = {identifier_hash("contact", record, settings): record for record in records}
    wanted = pc.field("identifier").isin(pa.array([one for one in hashed if one], pa.string()))
    found = lake.dataset("identity/map").to_table(columns=["identifier", "customer_id"], filter=wanted)
    return {hashed[row["identifier"]]: row["customer_id"] for row in found.to_pylist()}


def questions(most: int, day: date, settings: Settings) -> list[dict[str, str]]:
    """The likeliest pairs as questions: left, right, subject and body (Markdown), without values of the records."""
    return [
        {
            "left": row["left"],
            "right": row["right"],
            "subject": f"Are {_shown(row['left'])} and {_shown(row['right'])} one person?",
            "body": f"Probability {row['probability']:.3f}. How they agree: {_shown(row['agrees'])}.\n\nBoth are there "
            f"since {row['first_seen']}. `klantreis review list --show-values` shows the records. An answer counts at "
            "the next run of build_profiles; with *not sure* the pair stays on the list.",
        }
        for row in undecided(settings)[:most]
    ]


def keep(
    asked: Sequence[Mapping[str, str]], given: Sequence[Mapping[str, Any]], day: date, settings: Settings
) -> dict[str, int]:
    """Keep what was answered, in the order of the questions: chosen_options, params_input and responded_by_user.

    They count from the day identity stands at. Raises DecisionRefused for answers that contradict other decisions.
    """
    on = newest(settings)
    decided = []
    for question, answer in zip(asked, given, strict=True):
        (choice,) = answer["chosen_options"]
        if choice != "not sure":
            who = answer["responded_by_user"] or {}
            told = {
                "decision": choice,
                "by": who.get("name") or who.get("id") or "unknown",
                "because": (answer["params_input"].get("because") or "").strip() or NO_REASON,
                "on": on,
            }
            sides = {side: record_of(question[side]) for side in ("left", "right")}
            decided.append(Decision.model_validate(sides | told))
    return {"asked": len(asked), **steward_answers.keep(decided, day, settings)}


def newest(settings: Settings) -> date:
    """The day identity stands at; today if it never ran."""
    days = Lake.of(settings).arrow("identity/standing", columns=["as_of"])["as_of"].to_pylist()
    return max(days, default=date.today())


def _shown(text: str) -> str:
    """Text of a source without what Airflow would take for a template, or a page for Markdown."""
    return re.sub(r"[^\w.,:@/+ -]", "?", text)
