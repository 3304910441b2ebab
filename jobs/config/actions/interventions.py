"""config/interventions.yaml: what a person decided about actions: approved, forbidden to somebody, or put first."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field

from jobs.config.decisions import Dated, Record, Text
from jobs.config.yaml_files import Strict, line_of, nearest

FILE = "interventions.yaml"


class _Signed(Dated):
    """Who decided, when, and why. It holds from that day on."""

    by: Text
    on: date
    because: Text


class Approval(_Signed):
    """Somebody approves of an action that needs it (`approval: person`)."""

    action: str


class Intervention(_Signed):
    """An action is forbidden to one customer, or goes first for one; consent, caps and budgets hold all the same."""

    customer: Record = Field(description="a contact record of the customer: its source, and its id there")
    decision: Literal["forbid", "first"]
    actions: list[str] = Field([], description="default: all")
    until: date | None = Field(None, description="last day; default: for good")

    def holds(self, day: date, action: str) -> bool:
        """Whether it is about an action on a day."""
        return (
            self.on <= day
            and (self.until is None or day <= self.until)
            and (not self.actions or action in self.actions)
        )


class Interventions(Strict):
    """config/interventions.yaml. A company without the file has none."""

    approvals: list[Approval] = []
    customers: list[Intervention] = []

    def approved(self, action: str, day: date) -> bool:
        """Whether somebody approved of an action by that day."""
        return any(one.action == action and one.on <= day for one in self.approvals)


def problems(path: Path, given: Interventions, actions: Collection[str], sources: Collection[str]) -> Iterator[str]:
    """Names of actions and sources that there are not: file, line, key."""
    for n, approval in enumerate(given.approvals):
        if approval.action not in actions:
            place = f"{path}:{line_of(path, 'approvals', n, 'action')}: approvals.{n}.action"
            yield f"{place}: unknown action {approval.action!r}{nearest(approval.action, actions)}"
    for n, one in enumerate(given.customers):
        for name in sorted(set(one.actions) - set(actions)):
            place = f"{path}:{line_of(path, 'customers', n, 'actions')}: customers.{n}.actions"
            yield f"{place}: unknown action {name!r}{nearest(name, actions)}"
        if one.customer.source not in sources:
            place = f"{path}:{line_of(path, 'customers', n, 'customer')}: customers.{n}.customer"
            yield f"{place}: unknown source {one.customer.source!r}{nearest(one.customer.source, sources)}"
