"""The account of one push: every customer of the audience ends in exactly one place, or the push fails."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from jobs.activation.approved_content import NOT_APPROVED
from jobs.activation.awaiting import again_in
from jobs.activation.channel import Action, Outcome, refused_of_partial
from jobs.activation.guard_rails import Finding
from jobs.activation.late_refusals import ENDED, NO_CONSENT, OBJECTED, SHARED
from jobs.activation.moments import OVER
from jobs.activation.rechecked import CHANGED
from jobs.config.settings import Settings
from jobs.errors import AnswersOutstanding, ContentNotApproved, DeliveryIncomplete, HeldBack, Stopped
from jobs.lake.lake import Lake, StaleWrite
from jobs.lake.tables import catalogue

log = logging.getLogger(__name__)
DELIVERIES = "activation/deliveries"
PAUSED = "paused"
REMOVAL_PAUSED = "removal_paused"
_PLACES = {
    "held_out": "held_out",
    "held_out_of_all": "held_out",
    **dict.fromkeys((NO_CONSENT, ENDED, OBJECTED, SHARED), "no_consent"),
    "no_address": "no_address",
    "same_address": "no_address",
    "suppressed": "suppressed",
    "cooling_down": "suppressed",
    OVER: OVER,
    CHANGED: OVER,
    REMOVAL_PAUSED: PAUSED,
    "addition_paused": PAUSED,
}
"""Reason of a skip to the count it belongs to; any other is one of those for which somebody is kept back."""


@dataclass
class Account:
    """Counts while a push goes on. `refused` and `unknown` are kept apart for additions (or sends) and removals."""

    audience: str
    destination: str
    day: date
    members: int
    places: Counter[str] = field(default_factory=Counter)
    not_approved: int = 0
    kept: int = 0
    to_add: int = 0
    to_remove: int = 0
    delivered: float = 0
    removed: float = 0
    refused: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    paused: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    not_reached: Counter[str] = field(default_factory=Counter)
    """Members, and removals that are paused, by the rule that stood in the way."""
    outstanding: list[str] = field(default_factory=list)
    """Operations that a destination has taken and not answered for."""

    @classmethod
    def open(cls, lake: Lake, audience: str, destination: str, day: date) -> Account:
        members = lake.arrow("audiences/members", columns=["audience"], day=day)
        count = pc.sum(pc.cast(pc.equal(members["audience"], audience), "int64")).as_py() or 0
        return cls(audience, destination, day, members=count)

    def skip(self, reason: str) -> None:
        self.not_approved += reason == NOT_APPROVED
        self.not_reached[reason] += 1
        place = _PLACES.get(reason, "suppressed")
        if place == PAUSED:
            self.paused[reason] += 1
        else:
            self.places[place] += 1

    def kept_back(self, reason: str, count: int = 1) -> None:
        """Sends or additions that could not be done when their turn came: too late, or nothing left to give."""
        for _ in range(count):
            self.to_add -= 1
            self.skip(reason)

    def already_there(self, planned: str) -> None:
        """On the list as wanted: added by an earlier try of this push, or before this day."""
        if planned == "add":
            self.to_add += 1
            self.delivered += 1
        else:
            self.kept += 1

    def already_removed(self) -> None:
        self.to_remove += 1
        self.removed += 1

    def outcome(self, action: Action, outcome: Outcome) -> None:
        """Enter what came of one operation that was planned before."""
        side = "remove" if action == "remove" else "add"
        refused = {"rejected": 1.0, "partial": refused_of_partial(outcome.reason)}.get(outcome.state, 0.0)
        if outcome.state in ("accepted", "partial"):
            if side == "add":
                self.delivered += 1 - refused
            else:
                self.removed += 1 - refused
        elif outcome.state != "rejected":
            self.unknown[side] += 1
            self.outstanding += [outcome.operation_id] if outcome.state == "submitted" else []
        if refused:
            self.refused[side] += refused  # type: ignore[assignment]
        if outcome.state != "accepted":
            self.reasons[f"{outcome.state} {outcome.reason}".strip()] += 1

    def counts(self) -> dict[str, Any]:
        """The counts of activation/deliveries, and in words why members were not reached, most frequent first."""
        why = sorted(self.not_reached.items(), key=lambda one: (-one[1], one[0]))
        return {
            "members": self.members,
            "held_out": self.places["held_out"],
            "no_consent": self.places["no_consent"],
            "no_address": self.places["no_address"],
            "suppressed": self.places["suppressed"],
            "moment_over": self.places[OVER],
            "kept": self.kept,
            "to_add": self.to_add,
            "to_remove": self.to_remove,
            "delivered": round(self.delivered),
            "removed": round(self.removed),
            "refused": round(sum(self.refused.values())),
            "unknown": sum(self.unknown.values()),
            PAUSED: sum(self.paused.values()),
            "missing": self._missing(),
            "reasons": ", ".join(f"{reason} {count}" for reason, count in why),
        }

    def say_ended(self) -> None:
        """Tell of people who said yes when the day was planned, or for that day, and whose yes has ended by now."""
        if ended := self.not_reached[ENDED]:
            log.warning(
                "%s: %d said yes, and that ended before now; nothing is sent without the consent of the instant it is "
                "sent at, whatever day is pushed. Who says yes again is reached by the next plan.",
                self._place(), ended,
            )  # fmt: skip

    def _missing(self) -> int:
        """Members who are in no place."""
        return self.members - sum(self.places.values()) - self.kept - self.to_add - self.paused["addition_paused"]

    def raise_held_back(self, found: Iterable[Finding], trouble: list[str]) -> None:
        """Raise HeldBack with what guard rails found, and what was done all the same."""
        said = "; ".join(one.said for one in found)
        undone = self.to_remove - round(self.removed)
        left = [f"{undone} of {self.to_remove} removals were not done"] if undone else []
        more = "".join(f" {one}." for one in [*trouble, *left])
        raise HeldBack(
            f"{self.audience} to {self.destination} on {self.day} is held back: {said}. {round(self.removed)} were "
            f"taken off, who may not be reached any more.{more} If it is meant: klantreis guard allow {self.audience} "
            f"{self.destination} --day {self.day} --because ..., then push the day again"
        )

    def raise_if_stopped(self, told_by: str) -> None:
        """Raise Stopped if the push was told to end, with what was done until then."""
        if not told_by:
            return
        counts = self.counts()
        done = round(self.delivered + self.removed + sum(self.refused.values())) + counts["unknown"]
        left = self.to_add + self.to_remove - done
        said = f"{left} were not begun and are free" if left else "nothing is left of it"
        unknown = f" {self._not_known()}." if counts["unknown"] else ""
        raise Stopped(
            f"{self._place()}: told to end by {told_by}. What was in hand is finished and recorded: delivered "
            f"{counts['delivered']} of {self.to_add}, removed {counts['removed']} of {self.to_remove}, refused "
            f"{counts['refused']}; {said}.{unknown} Push the day again to go on: nothing is sent twice"
        )

    def _place(self) -> str:
        return f"{self.audience} to {self.destination} on {self.day}"

    def _not_known(self) -> str:
        """How many tries nobody knows the outcome of, and the commands that settle them."""
        which = f"--audience {self.audience} --destination {self.destination} --day {self.day}"
        return (
            f"{sum(self.unknown.values())} may or may not have arrived (e-mails among them are not sent again, "
            "additions and removals are with the next push): look at the destination, then "
            f"`klantreis ledger list {which}` and `klantreis ledger settle --all {which} --as accepted --because ...`, "
            "or `--as rejected` for what did not arrive"
        )

    def raise_if_outstanding(self, lake: Lake, settings: Settings) -> None:
        """Raise AnswersOutstanding if all that is not known is what a destination took, and still may answer for."""
        longest = getattr(settings.destinations[self.destination].options, "status_timeout_seconds", 0.0)
        if self.outstanding and len(self.outstanding) == sum(self.unknown.values()):
            wait = again_in(lake, self.outstanding, longest)
            if wait is not None:
                told = f"{self._place()}: {len(self.outstanding)} were taken, their answers are outstanding"
                raise AnswersOutstanding(told, wait)

    def raise_if_not_approved(self, texts: list[str]) -> None:
        """Raise ContentNotApproved if anybody would have got a text that nobody approved of."""
        if not self.not_approved:
            return
        told = "; ".join(texts) or "its texts were approved of since the day was planned"
        raise ContentNotApproved(
            f"{self.audience} to {self.destination} on {self.day}: {self.not_approved:,} messages wait for approval of "
            f"their text: {told}. Then plan and push the day again"
        )

    def raise_if_incomplete(self, max_reject_share: float, trouble: list[str]) -> None:
        """Raise DeliveryIncomplete unless every member and every removal is in its place."""
        counts = self.counts()
        problems = list(trouble)
        if counts["unknown"]:
            problems.append(self._not_known())
        tried = self.to_add + self.to_remove
        if tried and counts["refused"] / tried > max_reject_share:
            problems.append(
                f"{counts['refused']} of {tried} refused, more than max_reject_share {max_reject_share:g} "
                "(config/destinations.yaml)"
            )
        if self.paused:
            problems.append(
                f"{self.paused[REMOVAL_PAUSED]} would leave at once, more than max_remove_share; they and "
                f"{self.paused['addition_paused']} additions are paused; if this is meant, raise max_remove_share in "
                "config/destinations.yaml and plan again"
            )
        missing = counts["missing"]
        undone = tried - round(self.delivered + self.removed + sum(self.refused.values())) - counts["unknown"]
        if missing or undone:
            problems.append(f"{missing} members are not in the plan, {undone} operations were not tried; plan again")
        if problems:
            reasons = "; ".join(f"{count}x {reason}" for reason, count in self.reasons.most_common(5))
            raise DeliveryIncomplete(
                f"{self._place()}: {'. '.join(problems)}. Delivered {counts['delivered']} of {self.to_add}, removed "
                f"{counts['removed']} of {self.to_remove}." + (f" Answers: {reasons}." if reasons else "")
            )


@retry(retry=retry_if_exception_type(StaleWrite), stop=stop_after_attempt(5), reraise=True)
def publish(lake: Lake, account: Account) -> None:
    """Write the counts to activation/deliveries. The last of two runs that close at the same moment is what stays; each
    raises for what it did not do."""
    counts = account.counts()
    row = {"day": account.day, "audience": account.audience, "destination": account.destination} | counts
    txn = lake.transaction(f"push_{account.audience}_{account.destination}", account.day, config=counts, code=__name__)
    lake.upsert(DELIVERIES, pa.Table.from_pylist([row], schema=catalogue.get(DELIVERIES).arrow_schema()), txn)
    account.say_ended()
