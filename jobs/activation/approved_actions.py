"""Actions that wait for a person (`approval: person`), and those that one approved of in Airflow.

An approval is about the action as it was configured then: one that was changed since waits again. What
config/interventions.yaml approves of needs no question.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.actions.audiences import Audience
from jobs.config.asked import approved
from jobs.config.settings import Settings
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

TABLE = "activation/approved_actions"
MEMBERS = "audiences/members"


def waiting(day: date, settings: Settings) -> list[str]:
    """The actions that nobody approved of by a day, as they are configured now."""
    lake, given = Lake.of(settings), set[tuple[str, str]]()
    if lake.exists(TABLE):
        rows = lake.dataset(TABLE).to_table(columns=["action", "configured"], filter=pc.field("on") <= day).to_pylist()
        given = {(row["action"], row["configured"]) for row in rows}
    return [
        name
        for name, one in settings.audiences.items()
        if one.approval == "person"
        and not settings.interventions.approved(name, day)
        and (name, configured(one)) not in given
    ]


def configured(audience: Audience) -> str:
    """A hash of all that is configured of an action."""
    return hashlib.sha256(audience.model_dump_json().encode()).hexdigest()[:32]


def questions(day: date, settings: Settings) -> list[dict[str, str]]:
    """What waits for a person and has not ended, as questions: action, configured, subject and body (Markdown)."""
    people, found = _people(day, settings), []
    for name in waiting(day, settings):
        one = settings.audiences[name]
        if one.last_day < day:
            continue
        every, reached = people.get(name, (0, 0))
        to = ", ".join(f"{to} ({what.template or what.list_id})" for to, what in one.send_to.items()) or "nothing yet"
        body = [
            f"Goal: {one.goal}. Stage: {one.stage}. Owner: {one.owner}. Until {one.last_day}.\n",
            f"- who: `{one.where}`; on {day} {every:,} people, {reached:,} of them to be reached, before consent, caps "
            "and budgets",
            f"- sends to: {to}",
            f"- budget: {one.budget.model_dump(exclude_none=True) if one.budget else 'none of its own'}",
            f"- offer: {one.offer or 'none'}",
            f"\n`klantreis plan {name}` tells who is left and why. Nothing is sent before the day, or the next one, is "
            "planned again. If the action is changed later it waits again.",
        ]
        said = {"subject": f"Let {one.title} ({name}) be sent?", "body": "\n".join(body)}
        found.append({"action": name, "configured": configured(one), **said})
    return found


def _people(day: date, settings: Settings) -> dict[str, tuple[int, int]]:
    """How many are in each audience on a day, and how many of them are held out of nothing."""
    lake = Lake.of(settings)
    if not lake.exists(MEMBERS):
        return {}
    members = lake.arrow(MEMBERS, columns=["audience", "arm"], day=day)
    counted = members.group_by(["audience", "arm"]).aggregate([([], "count_all")]).to_pylist()
    found: dict[str, tuple[int, int]] = {}
    for row in counted:
        every, reached = found.get(row["audience"], (0, 0))
        count = row["count_all"]
        found[row["audience"]] = every + count, reached + (count if row["arm"] == "treatment" else 0)
    return found


def keep(
    asked: Sequence[Mapping[str, str]], given: Sequence[Mapping[str, Any]], day: date, settings: Settings
) -> dict[str, int]:
    """Write down what was approved of, by whom and why; it holds from `day` on."""
    lake, at = Lake.of(settings), datetime.now(UTC)
    rows = [
        {
            "action": yes.question["action"], "configured": yes.question["configured"], "approved_by": yes.by,
            "because": yes.because, "on": day, "at": at,
        }
        for yes in approved(asked, given)
    ]  # fmt: skip
    if rows:
        data = pa.Table.from_pylist(rows, schema=catalogue.get(TABLE).arrow_schema())
        lake.upsert(TABLE, data, lake.transaction("approve_actions", day, config=at.isoformat(), code=__name__))
    return {"asked": len(asked), "approved": len(rows)}
