"""Who said no or objected, whose yes ended or whose address died, up to the instant of the send: a push takes hours.

Whatever day a push is for, what is sent now needs the yes of now: the plan holds for what was known of its day, this
for the instant, and only who passes both is reached. Which rule stood in the way is told apart (`NO_CONSENT`, ...).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

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
from jobs.profiles.consent import GRANTED

CONSENT, POINTS = "profiles/consent", "profiles/contact_points"
NO_CONSENT = "no_consent"
"""Reason: said no, or nothing."""
ENDED = "consent_ended"
"""Reason: said yes, and that has ended by now, whatever it was on the day of the plan."""
OBJECTED = "objected"
"""Reason: objects to what the audience needs, or has their data restricted."""
SHARED = "refused_by_other_owner"
"""Reason: another customer who has the address said no, and the strictest decides for all."""


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
        self._refused: dict[str, str] = {}
        self._blocked: frozenset[str] = frozenset()
        self._points: int | None = None
        self._owners: dict[tuple[str, str], frozenset[str]] = {}
        asked = settings.feedback.opens_and_clicks
        self._measured_for = asked.purpose if asked else None
        self._not_measured: frozenset[str] = frozenset()
        self._agreed: frozenset[str] | None = None
        """Customers whose yes stands, once profiles/consent changed during the push; before, the push has looked."""

    def look(self) -> None:
        """Take note of what was written since the last look, and of the time."""
        lake, until = self._lake, moments.now() + timedelta.resolution  # what ends now has ended
        now = tuple(lake.version(name) for name in (FEEDBACK, suppressions.TABLE, CONSENT))
        if now != self._read:
            answers = self._asked()
            stands = says_yes_in(answers, until)
            yes = answers.filter(stands)
            objected = (who for (who, _), agrees in newest_objections(lake, self._against).items() if not agrees)
            self._refused = {
                **dict.fromkeys(objected, OBJECTED),
                **self._told(answers.filter(pc.invert(stands))),
                **dict.fromkeys(refusing(lake, self._purpose, self._channel), NO_CONSENT),
            }
            if self._read and now[2] != self._read[2]:
                own = yes.filter(pc.equal(yes["purpose"], self._purpose))
                self._agreed = frozenset(own["customer_id"].to_pylist())
            self._ends = yes.filter(pc.is_valid(yes["expires_at"]))
            if self._measured_for:
                self._not_measured = refusing(lake, self._measured_for, self._channel)
            self._blocked = suppressions.addresses(lake, self._channel)
            self._read = now
        elif self._ends is not None and (ended := self._ends.filter(pc.invert(says_yes_in(self._ends, until)))):
            self._refused = {**self._told(ended), **self._refused}
        if (points := lake.version(POINTS)) != self._points:
            self._points, self._owners = points, self._shared()

    def refusal(self, customer_id: str, fingerprint: str | None = None) -> str | None:
        """Why the customer, or the one address of that fingerprint, must not be reached; None for nothing."""
        return self._refused.get(customer_id) or (self._refused.get(fingerprint) if fingerprint else None)

    def refused_along(self, customer_id: str, emails: Iterable[str], phones: Iterable[str]) -> str | None:
        """`SHARED` if another owner of one of these addresses said no; None for nobody."""
        noes = (NO_CONSENT, ENDED)
        others = self._others(customer_id, emails, phones)
        return SHARED if any(self._refused.get(other) in noes for other in others) else None

    def judge(self, row: dict[str, Any]) -> None:
        """Enter into a row of a push (`barriers`) what this instant says, beside what tables said of the day."""
        who = row["customer_id"]
        row["refused_for"] = self.refusal(who, row["now_fingerprint"])
        row["consented"] = row["consented"] and not row["refused_for"]
        row["refused_along"] = self.refused_along(who, row["emails"] or (), row["phones"] or ())

    def barrier(self, operation: Operation) -> str | None:
        """The reason for which it must not be done; None for nothing. A removal always may."""
        if operation.action == "remove":
            return None
        who, to = operation.customer_id, operation.recipient
        if reason := self.refusal(who, operation.fingerprint):
            return reason
        if self._agreed is not None and who not in self._agreed:
            return NO_CONSENT
        if self._blocked and self._blocked & self._identifiers(operation):
            return "suppressed"
        return self.refused_along(who, to.emails, to.phones)

    def _told(self, noes: pa.Table) -> dict[str, str]:
        """Why, of rows of profiles/consent that are no yes by now: of two about one customer a no counts."""
        found: dict[str, str] = {}
        for row in noes.select(["customer_id", "purpose", "status"]).to_pylist():
            about = OBJECTED if row["purpose"] != self._purpose else None
            reason = about or (ENDED if row["status"] == GRANTED else NO_CONSENT)
            if found.get(row["customer_id"]) != NO_CONSENT:
                found[row["customer_id"]] = reason
        return found

    def _shared(self) -> dict[tuple[str, str], frozenset[str]]:
        """The customers of every address that several have."""
        if not self._lake.exists(POINTS):
            return {}
        points = self._lake.dataset(POINTS).to_table(columns=["kind", "value", "customer_id"])
        owners = points.group_by(["kind", "value"]).aggregate([("customer_id", "list"), ("customer_id", "count")])
        several = owners.filter(pc.greater(owners["customer_id_count"], 1)).to_pylist()
        return {(row["kind"], row["value"]): frozenset(row["customer_id_list"]) for row in several}

    def _others(self, customer_id: str, emails: Iterable[str], phones: Iterable[str]) -> set[str]:
        """Other customers who have one of these addresses."""
        named = [*(("email", value) for value in emails), *(("phone", value) for value in phones)]
        return {owner for one in named for owner in self._owners.get(one, ())} - {customer_id}

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
        to = operation.recipient
        theirs = {operation.customer_id, operation.fingerprint, *self._others(operation.customer_id, to.emails, ())}
        if not to.measured or not self._not_measured & theirs:
            return operation
        return replace(operation, recipient=replace(to, measured=False))

    def _identifiers(self, operation: Operation) -> set[str | None]:
        to = operation.recipient
        given = [*(("email", value) for value in to.emails), *(("phone", value) for value in to.phones)]
        return {identifier_hash(kind, value, one) for one in self._under_keys for kind, value in given}
