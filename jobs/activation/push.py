"""Carry out a plan: re-check consent, claim, send, record, and account for every customer.

A push may be repeated or run twice at once: an operation is claimed in the ledger before it is sent, a claim is
won by one process only, and what is accepted is not done again. A send whose outcome is not known is not repeated
either; it is reported, and the push fails. Membership of a list is different: adding twice is harmless, so those
operations are simply done again until their outcome is known.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from pyspark.sql import functions as F

from jobs.activation import awaiting, barriers, guard_rails, hours, ledger, moments, plan, stopping, suppressions
from jobs.activation.approved_content import NOT_APPROVED, waiting
from jobs.activation.channel import TEMPORARY, Action, Channel, ChannelDown, Operation, Outcome, batches, with_untried
from jobs.activation.channels.types import open_channel
from jobs.activation.former_addresses import deliver
from jobs.activation.late_refusals import LateRefusals
from jobs.activation.moments import OVER, is_over
from jobs.activation.offered import GIVEN, Offered
from jobs.activation.rechecked import Rechecked
from jobs.activation.reconciliation import REMOVAL_PAUSED, Account, publish
from jobs.activation.recorded import record
from jobs.activation.written_with import note
from jobs.audiences.judged import objections_to
from jobs.audiences.learned_times import wrong_hours
from jobs.audiences.view import moments_until
from jobs.config.settings import Settings
from jobs.identity import key_of_lake
from jobs.lake.lake import Lake

log = logging.getLogger(__name__)
MOMENTS = "journeys/moments"
READS = (plan.TABLE, MOMENTS, *GIVEN)
"""Tables that a push looks at beside those of the plan."""
_FIRST = {"remove": 0, "keep": 1, "add": 1, "send": 1, "skip": 2}
"""Removals go first: somebody may have withdrawn consent."""


def run(
    audience: str,
    destination: str,
    day: date,
    settings: Settings,
    dry_run: bool = False,
    allow_old: bool = False,
    hold: bool = True,
) -> dict[str, Any]:
    """Push one audience to one destination; the counts of activation/deliveries.

    Raises DeliveryIncomplete if a customer is unaccounted for, an outcome is unknown, or more are refused than
    max_reject_share; StaleDay for a day older than the newest delivered one; HeldBack if a guard rail stops it, after
    whoever must not be reached any more was taken off; ContentNotApproved if somebody would get a text that no person
    approved of; Stopped if it was told to end (`stopping`), which claims nothing that is not recorded. `dry_run` plans
    and rehearses only, and is ended at once like any other command. Unless it may `hold` its place, it waits a moment
    only for answers that come later, then raises AnswersOutstanding: called again, it asks and sends nothing again.
    """
    with stopping.listening(unless=dry_run):
        lake = Lake.of(settings)
        key_of_lake.refuse_another(lake, settings)
        plan.refuse_old_day(lake, day, settings, allow_old, audience)
        push = _Push(audience, destination, day, settings, lake, Account.open(lake, audience, destination, day), hold)
        about = (audience, destination, day, push.account.members, settings)
        push.held = [] if dry_run else guard_rails.standing(*about)
        push.not_approved = waiting(audience, destination, settings)
        todo = list(push.operations(push.look()))
        if not todo and not push.waiting:
            return push.close_account(write=not dry_run)
        channel = open_channel(audience, destination, settings)
        try:
            if dry_run:
                found = [one.said for one in guard_rails.findings(*about)]
                return push.account.counts() | {"problems": [*found, *push.rehearse(channel, todo)]}
            note(lake, audience, destination, day, settings)
            push.carry_out(channel, todo)
        finally:
            channel.close()
        return push.close_account()


@dataclass
class _Push:
    """One run of one delivery. `waiting`: operations submitted under a request id whose answer is outstanding."""

    audience: str
    destination: str
    day: date
    settings: Settings
    lake: Lake
    account: Account
    hold: bool = True
    waiting: dict[str, list[Operation]] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    held: list[guard_rails.Finding] = field(default_factory=list)
    not_approved: list[str] = field(default_factory=list)
    """What has to be approved of before anything is sent."""
    needed: set[str] = field(default_factory=set)
    """Addresses of those who stay on the list, or come to it."""

    def __post_init__(self) -> None:
        declared, channel = self.settings.audiences[self.audience], self.settings.destinations[self.destination].channel
        against = objections_to(declared, self.settings)
        self.late = LateRefusals(self.lake, declared.purpose, channel, self.settings, against)
        self.rule = Rechecked(self.lake, self.audience, self.day, self.settings)
        self.wrong_hours = wrong_hours(self.lake, self.settings, self.audience, self.day)
        self.record = partial(record, self.lake, self.settings, self.audience, self.destination, self.day)
        self.offered = Offered(self.lake, self.audience, self.destination, self.day, self.settings)

    def look(self) -> list[dict[str, Any]]:
        """The plan of the day beside what consent, addresses and the ledger say now, removals first."""
        txn = self.lake.transaction("push_look", self.day, reads=(*plan.READS, *READS), code=__name__)
        self.offered.look(txn)
        planned = txn.read(plan.TABLE, day=self.day).where(
            (F.col("audience") == self.audience) & (F.col("destination") == self.destination)
        )
        stopped = txn.read(suppressions.TABLE)
        reached, standing = plan.inputs(txn, self.audience, self.destination, self.day, self.settings, stopped)
        joined = (
            planned.select("customer_id", "action", "reason", "zone")
            .join(reached.withColumnRenamed("fingerprint", "now_fingerprint"), on="customer_id", how="left")
            .join(standing, on="customer_id", how="left")
        )
        if moment := self.settings.audiences[self.audience].moment:
            lasting = moments_until(txn.read(MOMENTS), self.day, self.settings.general.timezone, True)
            until = lasting.select("customer_id", F.col(f"{moment}_until").alias("moment_until"))
            joined = joined.join(until, on="customer_id", how="left")
        rows = joined.toArrow().to_pylist()
        self.late.look()
        if not self.held:
            self.rule.look()
        for row in rows:
            self.late.judge(row)
        return sorted(rows, key=lambda row: (_FIRST[row["action"]], row["customer_id"]))

    def operations(self, rows: Sequence[dict[str, Any]]) -> Iterator[Operation]:
        """What is still to be done; everything else is entered in the account or waits for its answer."""
        self.needed = barriers.needed(rows)
        for row in rows:
            action = self._action(row)
            if action is None:
                continue
            operation = self._operation(row, action)
            if row["newest_state"] == "submitted" and row["newest_operation"] == operation.operation_id:
                self.waiting.setdefault(row["newest_request"], []).append(operation)
            else:
                yield operation

    def _action(self, row: dict[str, Any]) -> Action | None:
        """What to do for this customer now, given the plan and the newest consent; None for nothing."""
        planned, barrier = row["action"], barriers.now(row) or self._moment_barrier(row)
        barrier = barrier or self.rule.barrier(row["customer_id"])
        if planned == "skip" and not (row["reason"] == REMOVAL_PAUSED and barriers.said_no(row)):
            self.account.skip(row["reason"])
            return None
        if planned == "skip":
            return self._remove_action(row, plan.WITHDREW, "remove")
        if planned == "send":
            return self._send_action(row, barrier)
        if planned == "remove":
            barrier = row["reason"]
        if barrier:
            return self._remove_action(row, barrier, planned)
        if row["is_there"] and row["there_fingerprint"] == row["now_fingerprint"]:
            self.account.already_there(planned)
            return None
        if self.held:
            self.account.skip(guard_rails.HELD)
            return None
        self.account.to_add += 1
        return "add"

    def _moment_barrier(self, row: dict[str, Any]) -> str | None:
        """Whether the moment that the audience is about has ended, or was served, since the plan was made."""
        if not self.settings.audiences[self.audience].moment:
            return None
        return OVER if row["moment_until"] is None or is_over(row["moment_until"]) else None

    def _remove_action(self, row: dict[str, Any], barrier: str, planned: str) -> Action | None:
        """Off the list, because the plan says so or because consent ended since. What holds a push back, or pauses
        removals, holds nobody who said no; who is no member any more is in no other place of the account."""
        if barrier not in (plan.LEFT, plan.WITHDREW):
            self.account.skip(barrier)
        elif self.held and barrier == plan.LEFT and not barriers.said_no(row):
            return None
        if row["may_be_there"]:
            self.account.to_remove += 1
            return "remove"
        if planned == "remove":
            self.account.already_removed()
        return None

    def _send_action(self, row: dict[str, Any], barrier: str | None) -> Action | None:
        """A message of today that was accepted, finally refused or may have arrived is not sent again."""
        state, reason = row["sent_state"], row["sent_reason"] or ""
        refused_for_good = state == "rejected" and not reason.startswith(TEMPORARY)
        if row["last_send_day"] == self.day or refused_for_good:
            self.account.to_add += 1
            self.account.outcome("send", Outcome("", state, reason or "no outcome was recorded"))
            return None
        barrier = barrier or (None if self._may_write(row["zone"]) else hours.NOT_NOW)
        barrier = barrier or (guard_rails.HELD if self.held else None)
        barrier = barrier or (NOT_APPROVED if self.not_approved else None)
        if barrier:
            self.account.skip(barrier)
            return None
        self.account.to_add += 1
        return "send"

    def _may_write(self, zone: str | None) -> bool:
        """Whether it is a time of day to write to the customer; a later push of the day may."""
        channel = self.settings.destinations[self.destination].channel
        when = self.settings.audiences[self.audience].when
        return hours.may_write(moments.now(), zone, channel, when, self.settings, self.wrong_hours)

    def _operation(self, row: dict[str, Any], action: Action) -> Operation:
        parts = [self.destination, self.audience, row["customer_id"], action, self.day.isoformat()]
        if action != "send":  # a changed address makes a new addition, but never a second message on one day
            parts.append(row["now_fingerprint"] or "")
        recipient, former = barriers.recipients(row, action, self.needed)
        operation_id = hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]
        goes_on = row["newest_state"] == "submitted" and row["newest_operation"] == operation_id
        attempt = (row["tried"] or 0) + (0 if goes_on else 1)
        until = None if action == "remove" else row.get("moment_until")
        fingerprint = row["now_fingerprint"] or ""
        who = (operation_id, row["customer_id"], action, attempt, fingerprint, recipient)
        return Operation(*who, until, row["zone"], former=former)

    def carry_out(self, channel: Channel, todo: list[Operation]) -> None:
        """Claim, deliver and record batch by batch, then wait for outstanding answers."""
        for planned in self._batches(channel, todo):
            if stopping.ASKED.is_set():
                break
            lasting = [operation for operation in planned if not is_over(operation.valid_until)]
            self.account.kept_back(OVER, len(planned) - len(lasting))
            in_time = [one for one in lasting if one.action != "send" or self._may_write(one.zone)]
            self.account.kept_back(hours.NOT_NOW, len(lasting) - len(in_time))
            batch = self._allowed(in_time)
            if not batch:
                continue
            batch_id, ours = ledger.claim(self.lake, batch, self.audience, self.destination, self.day)
            for operation in batch[len(ours) :] if len(ours) < len(batch) else ():
                self.account.outcome(operation.action, Outcome("", "unknown", "claimed by another run"))
            down = None
            try:
                outcomes = deliver(channel, ours) if ours else []
            except ChannelDown as error:
                outcomes, down = with_untried(ours, error.outcomes), error
            untried = with_untried(ours, outcomes)[len(outcomes) :] if stopping.ASKED.is_set() else []
            self.record(ours, [*outcomes, *untried], batch_id)
            self._enter(ours, outcomes)
            if down:
                self.trouble.append(str(down))
                break
        self._settle(channel)

    def _allowed(self, batch: list[Operation]) -> list[Operation]:
        """Without whoever must not be reached since the push began, and each with the code that the action gives."""
        self.late.look()
        self.rule.look()
        kept = []
        for one in batch:
            outdated = None if one.action == "remove" else self.rule.barrier(one.customer_id)
            if reason := self.late.barrier(one) or outdated:
                self.account.kept_back(reason)
            else:
                kept.append(self.late.unmeasured(one))
        return self.offered.filled(kept, self.account, self.trouble)

    def _enter(self, operations: list[Operation], outcomes: list[Outcome]) -> None:
        by_id = {operation.operation_id: operation for operation in operations}
        for outcome in outcomes:
            operation = by_id[outcome.operation_id]
            if outcome.state == "submitted":
                self.waiting.setdefault(outcome.request_id, []).append(operation)
            else:
                self.account.outcome(operation.action, outcome)

    def _settle(self, channel: Channel) -> None:
        if not self.waiting:
            return
        operations = {o.operation_id: o for batch in self.waiting.values() for o in batch}
        try:
            outcomes = channel.settle(list(self.waiting), self.waiting, None if self.hold else awaiting.SHORT_SECONDS)
        except ChannelDown as error:
            self.trouble.append(str(error))
            outcomes = error.outcomes
        self.record(list(operations.values()), [o for o in outcomes if o.state != "submitted"])
        answered = {outcome.operation_id for outcome in outcomes}
        silent = [Outcome(name, "submitted", "no answer") for name in operations if name not in answered]
        for outcome in [*outcomes, *silent]:
            self.account.outcome(operations[outcome.operation_id].action, outcome)

    def rehearse(self, channel: Channel, todo: list[Operation]) -> list[str]:
        return [
            problem for batch in self._batches(channel, todo) for problem in channel.rehearse(self.offered.tried(batch))
        ]

    def close_account(self, write: bool = True) -> dict[str, Any]:
        """Publish the counts, then raise DeliveryIncomplete if they do not add up."""
        counts = self.account.counts()
        if not write:
            return counts | ({"problems": self.not_approved} if self.not_approved else {})
        if self.held:  # not published: an odd size must not become the history that the next one is held against
            self.account.raise_held_back(self.held, self.trouble)
        publish(self.lake, self.account)
        self.account.raise_if_stopped(stopping.told_by())
        self.account.raise_if_not_approved(self.not_approved)
        if not (self.hold or self.trouble):
            self.account.raise_if_outstanding(self.lake, self.settings)
        self.account.raise_if_incomplete(self.settings.destinations[self.destination].max_reject_share, self.trouble)
        return counts

    def _batches(self, channel: Channel, todo: list[Operation]) -> Iterator[list[Operation]]:
        return batches(todo, self.settings.destinations[self.destination].batch_size or channel.batch_size)
