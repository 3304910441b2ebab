"""The rule of an audience asked again at the send, where `recheck` of its guard rails says so: price, stock, basket."""

from __future__ import annotations

from datetime import date

from jobs.activation.guard_rails import rails_of
from jobs.config.settings import Settings
from jobs.lake.lake import Lake

CHANGED = "changed_since"
"""Reason of a skip: the rule does not hold for the customer any more."""


class Rechecked:
    """For whom the rule still holds. It is asked again whenever a table it looks at changed: a push may take hours."""

    def __init__(self, lake: Lake, audience: str, day: date, settings: Settings) -> None:
        self._lake, self._audience, self._day, self._settings = lake, audience, day, settings
        self._asks = rails_of(audience, settings).recheck
        self._read: dict[str, int | None] = {}
        self._still: frozenset[str] = frozenset()

    def look(self) -> None:
        """Take note of what changed since the last look."""
        if not self._asks:
            return
        from jobs.audiences.view import tables

        now = {name: self._lake.version(name) for name in tables(self._settings)}
        if now != self._read:
            self._read, self._still = now, self._members()

    def barrier(self, customer_id: str) -> str | None:
        """Why a customer must not be reached; None for nothing, also before the first look."""
        return CHANGED if self._read and customer_id not in self._still else None

    def _members(self) -> frozenset[str]:
        from jobs.audiences.membership import members
        from jobs.audiences.view import customer_view, tables
        from jobs.audiences.view_columns import view_of

        settings, day = self._settings, self._day
        txn = self._lake.transaction("recheck", day, reads=tables(settings), code=__name__)
        rule = settings.audiences[self._audience].model_copy(update={"after": None, "moment": None})
        found = members(customer_view(txn, day, settings), {self._audience: rule}, view_of(settings), settings.policy)
        return frozenset(found.select("customer_id").toArrow()["customer_id"].to_pylist())
