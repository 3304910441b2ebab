"""Who said no, or whose address died, while a push goes on: a push of many takes hours."""

from __future__ import annotations

from dataclasses import replace

from jobs.activation import suppressions
from jobs.activation.channel import Operation
from jobs.activation.feedback.heard import refusing
from jobs.config.keys import under_previous_keys
from jobs.config.settings import Settings
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from jobs.lake.tables.feedback import FEEDBACK


class LateRefusals:
    """What stands in the way of a send or addition at this instant. Tables are read again only when they changed."""

    def __init__(self, lake: Lake, purpose: str, channel: str, settings: Settings) -> None:
        self._lake, self._purpose, self._channel, self._settings = lake, purpose, channel, settings
        self._under_keys = [settings, *under_previous_keys(settings)]
        self._read: tuple[int | None, ...] = ()
        self.refused: frozenset[str] = frozenset()
        """Customers and identifiers that said no, see `feedback.heard.refusing`."""

        self._blocked: frozenset[str] = frozenset()
        asked = settings.feedback.opens_and_clicks
        self._measured_for = asked.purpose if asked else None
        self._not_measured: frozenset[str] = frozenset()

    def look(self) -> None:
        """Take note of what was written since the last look."""
        now = tuple(self._lake.version(name) for name in (FEEDBACK, suppressions.TABLE))
        if now != self._read:
            self._read = now
            self.refused = refusing(self._lake, self._purpose, self._channel)
            if self._measured_for:
                self._not_measured = refusing(self._lake, self._measured_for, self._channel)
            self._blocked = suppressions.addresses(self._lake, self._channel)

    def barrier(self, operation: Operation) -> str | None:
        """The reason, as in a plan, for which it must not be done; None for nothing. A removal always may."""
        if operation.action == "remove":
            return None
        if self.refused & {operation.customer_id, operation.fingerprint}:
            return "no_consent"
        return "suppressed" if self._blocked and self._blocked & self._identifiers(operation) else None

    def unmeasured(self, operation: Operation) -> Operation:
        """The operation as it is, or without measuring if that was refused since the plan was made."""
        if not operation.recipient.measured or not self._not_measured & {operation.customer_id, operation.fingerprint}:
            return operation
        return replace(operation, recipient=replace(operation.recipient, measured=False))

    def _identifiers(self, operation: Operation) -> set[str | None]:
        to = operation.recipient
        given = [*(("email", value) for value in to.emails), *(("phone", value) for value in to.phones)]
        return {identifier_hash(kind, value, one) for one in self._under_keys for kind, value in given}
