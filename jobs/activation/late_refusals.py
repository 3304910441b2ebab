"""Who said no or objected, whose yes ended or whose address died, up to the instant of the send: a push takes hours."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from jobs.activation import moments, suppressions
from jobs.activation.channel import Operation
from jobs.activation.feedback.heard import newest_objections, refusing
from jobs.activity.lasting_consent import says_yes_in
from jobs.config.keys import under_previous_keys
from jobs.config.settings import Settings
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.lake.tables.feedback import FEEDBACK

CONSENT = "profiles/consent"


class LateRefusals:
    """What stands in the way of a send or addition at this instant. Tables are read again only when they changed.

    `against` are purposes of `objections` in config/identity.yaml whose noes stand in the way too.
    """

    def __init__(
        self, lake: Lake, purpose: str, channel: str, settings: Settings, against: Collection[str] = ()
    ) -> None:
        self._lake, self._purpose, self._channel, self._settings = lake, purpose, channel, settings
        self._against = sorted(against)
        self._under_keys = [settings, *under_previous_keys(settings)]
        self._read: tuple[int | None, ...] = ()
        self._ends: pa.Table | None = None
        self._blocked: frozenset[str] = frozenset()
        asked = settings.feedback.opens_and_clicks
        self._measured_for = asked.purpose if asked else None
        self._not_measured: frozenset[str] = frozenset()
        self.refused: frozenset[str] = frozenset()
        """Customers and identifiers that said no, here (`feedback.heard`) or in profiles/consent, that objected, or
        whose yes has ended by now."""

        self._agreed: frozenset[str] | None = None
        """Customers whose yes stands, once profiles/consent changed during the push; before, the push has looked."""

    def look(self) -> None:
        """Take note of what was written since the last look, and of the time."""
        lake, until = self._lake, moments.now() + timedelta.resolution  # what ends now has ended
        now = tuple(lake.version(name) for name in (FEEDBACK, suppressions.TABLE, CONSENT))
        if now != self._read:
            answers = self._asked()
            stands = says_yes_in(answers, until)
            yes, no = answers.filter(stands), answers.filter(pc.invert(stands))
            objected = (who for (who, _), agrees in newest_objections(lake, self._against).items() if not agrees)
            self.refused = refusing(lake, self._purpose, self._channel).union(objected, no["customer_id"].to_pylist())
            if self._read and now[2] != self._read[2]:
                own = yes.filter(pc.equal(yes["purpose"], self._purpose))
                self._agreed = frozenset(own["customer_id"].to_pylist())
            self._ends = yes.filter(pc.is_valid(yes["expires_at"]))
            if self._measured_for:
                self._not_measured = refusing(lake, self._measured_for, self._channel)
            self._blocked = suppressions.addresses(lake, self._channel)
            self._read = now
        elif self._ends is not None and (ended := self._ends.filter(pc.invert(says_yes_in(self._ends, until)))):
            self.refused = self.refused.union(ended["customer_id"].to_pylist())

    def barrier(self, operation: Operation) -> str | None:
        """The reason, as in a plan, for which it must not be done; None for nothing. A removal always may."""
        if operation.action == "remove":
            return None
        if self.refused & {operation.customer_id, operation.fingerprint}:
            return "no_consent"
        if self._agreed is not None and operation.customer_id not in self._agreed:
            return "no_consent"
        return "suppressed" if self._blocked and self._blocked & self._identifiers(operation) else None

    def _asked(self) -> pa.Table:
        """What profiles/consent says about the purpose, over the channel, and about what can be objected to."""
        columns = ["customer_id", "purpose", "status", "expires_at"]
        if not self._lake.exists(CONSENT):
            return catalogue.get(CONSENT).arrow_schema().empty_table().select(columns)
        asked = (pc.field("purpose") == self._purpose) & (pc.field("channel") == self._channel)
        asked |= pc.field("purpose").isin(pa.array(self._against, pa.string()))
        return self._lake.dataset(CONSENT).to_table(columns=columns, filter=asked)

    def unmeasured(self, operation: Operation) -> Operation:
        """The operation as it is, or without measuring if that was refused since the plan was made."""
        if not operation.recipient.measured or not self._not_measured & {operation.customer_id, operation.fingerprint}:
            return operation
        return replace(operation, recipient=replace(operation.recipient, measured=False))

    def _identifiers(self, operation: Operation) -> set[str | None]:
        to = operation.recipient
        given = [*(("email", value) for value in to.emails), *(("phone", value) for value in to.phones)]
        return {identifier_hash(kind, value, one) for one in self._under_keys for kind, value in given}
