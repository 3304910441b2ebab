"""What all channels to lists at a vendor share: batches, rows that are wrong, answers that come later.

Putting somebody on a list twice is putting them there once, so what may have arrived is simply done again. Rows that a
vendor names are refused alone. When it says only that some are wrong, the request is halved until those stand alone,
or `isolation_requests` is used up: then what remains is refused as a whole, or counted as `partial`.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from jobs.activation import stopping
from jobs.activation.awaiting import awaited
from jobs.activation.channel import ChannelDown, Operation, Outcome, State, partial_reason
from jobs.activation.http_api import NO_ANSWER, Answer, HttpApi, code_of, not_understood
from jobs.activation.http_options import ListOptions, WaitingOptions
from jobs.config.settings import Settings

log = logging.getLogger(__name__)
Change = Literal["add", "remove", "erase"]
NOBODY = "no usable identifier"


@dataclass(frozen=True)
class Taken:
    """What an answer says of the rows of a request that was taken.

    `refused` are rows by number with their code; `some` is how many were refused without saying which, for the codes
    `why`; under `request_id` the rest is answered later.
    """

    refused: Mapping[int, str] = field(default_factory=dict)
    some: int = 0
    why: str = ""
    request_id: str = ""


class ListChannel(ABC):
    """A list at a vendor. A channel says what a row is, how rows are sent, and how an answer is read."""

    most: int
    """Rows that the vendor takes in one request."""

    named = "the vendor"
    api: HttpApi

    erases_by: Change = "remove"
    """`erase` where the vendor can forget a person altogether."""

    def __init__(self, audience: str, destination: str, settings: Settings) -> None:
        self.options = cast(ListOptions, settings.destinations[destination].options)
        self.list_id = settings.audiences[audience].send_to[destination].list_id or ""
        self.batch_size = self.most
        self._isolation = self.options.isolation_requests if isinstance(self.options, ListOptions) else 0
        self._spelled: dict[str, list[Any]] = {}

    @abstractmethod
    def rows(self, operation: Operation) -> list[Any]:
        """The rows that stand for the customer there; none if nothing of them can be used."""

    @abstractmethod
    def send(self, change: Change, rows: list[Any]) -> Answer:
        """Make one change with these rows, at most `most`."""

    def taken(self, change: Change, answer: Answer, rows: list[Any]) -> Taken:
        """What an answer that means `done` says of each row."""
        return Taken()

    def wrong(self, answer: Answer, rows: list[Any]) -> Mapping[int, str]:
        """Rows that an answer which means `rows` names as wrong; nothing of that request was done."""
        return {}

    def look(self, request_id: str, rows: list[Any]) -> Taken | None:
        """What became of a request that is answered later; None while it is at work. Only a vendor that answers later
        is asked."""
        raise NotImplementedError(f"{self.named} answers at once")

    @abstractmethod
    def check(self) -> Answer:
        """Ask for the list itself, which changes nothing."""

    def each(self, rows: list[Any], call: Callable[[Any], Answer]) -> Answer:
        """One call for each row, where the vendor takes no more. The body of the answer is refused rows by number."""
        refused: dict[int, str] = {}
        for number, row in enumerate(rows):
            if number and stopping.ASKED.is_set():
                return Answer("again", "told to end", maybe=True)
            answer = call(row)
            if answer.meaning in ("again", "stop"):
                return answer
            if answer.meaning != "done":
                refused[number] = answer.code
        return Answer("done", body=refused)

    def deliver(self, batch: Sequence[Operation]) -> list[Outcome]:
        """Add or remove; an operation with several rows has the outcome of all of them."""
        return self._do(batch, "add" if batch and batch[0].action == "add" else "remove")

    def erase(self, batch: Sequence[Operation]) -> list[Outcome]:
        """Off the list; a vendor that can forget a person altogether is asked to."""
        return self._do(batch, self.erases_by)

    def settle(
        self, request_ids: Sequence[str], batches: dict[str, list[Operation]], seconds: float | None = None
    ) -> list[Outcome]:
        if not isinstance(self.options, WaitingOptions):
            return []
        self._spelled.clear()
        return awaited(request_ids, batches, self._settled, self.options, seconds)

    def rehearse(self, batch: Sequence[Operation]) -> list[str]:
        """Spell everybody, and ask for the list."""
        nobody = sum(not self._rows(one) for one in batch)
        problems = [f"{batch[0].action} of {nobody}: {NOBODY}"] if nobody else []
        answer = self.check()
        return problems if answer.meaning == "done" else [*problems, f"{self.named} answers {answer.code}"]

    def close(self) -> None:
        self.api.close()

    def _do(self, batch: Sequence[Operation], change: Change) -> list[Outcome]:
        outcomes: list[Outcome] = []
        self._spelled.clear()
        for part in self._parts(batch, outcomes):
            if stopping.ASKED.is_set():
                break
            try:
                outcomes += self._submit(part, change)
            except ChannelDown as error:
                raise ChannelDown(str(error), [*outcomes, *error.outcomes]) from error
        return outcomes

    def _settled(self, request_id: str, batch: list[Operation]) -> list[Outcome] | None:
        taken = self._looked(request_id, batch)
        return None if taken is None else self._outcomes(batch, "add" if batch[0].action == "add" else "remove", taken)

    def _looked(self, request_id: str, batch: list[Operation]) -> Taken | None:
        try:
            return self.look(request_id, [row for one in batch for row in self._rows(one)])
        except NO_ANSWER as error:
            log.warning("%s says of request %s what is %s", self.named, code_of(request_id), not_understood(error))
            return None

    def _rows(self, operation: Operation) -> list[Any]:
        """The rows of an operation, spelled once per batch."""
        if operation.operation_id not in self._spelled:
            self._spelled[operation.operation_id] = self.rows(operation)
        return self._spelled[operation.operation_id]

    def _parts(self, batch: Sequence[Operation], outcomes: list[Outcome]) -> list[list[Operation]]:
        """The operations in requests of at most `most` rows. Who cannot be named there is refused at once."""
        parts: list[list[Operation]] = []
        room = 0
        for operation in batch:
            count = len(self._rows(operation))
            if not count:
                outcomes.append(Outcome(operation.operation_id, "rejected", NOBODY))
                continue
            if count > room:
                parts.append([])
                room = self.most
            parts[-1].append(operation)
            room -= count
        return parts

    def _submit(self, batch: list[Operation], change: Change, part_of_taken: bool = False) -> list[Outcome]:
        """Make the change. With `part_of_taken` a request with these rows was taken before, but for some of them: what
        is refused now as a whole may be there from then, so that nothing certain can be said of it."""
        outcomes: list[Outcome] = []
        while batch:
            rows = [row for one in batch for row in self._rows(one)]
            try:
                answer = self.send(change, rows)
                if answer.meaning == "done":
                    taken = self.taken(change, answer, rows)
            except NO_ANSWER as error:
                return outcomes + [Outcome(one.operation_id, "unknown", not_understood(error)) for one in batch]
            if answer.meaning == "done":
                return outcomes + self._outcomes(batch, change, taken)
            if answer.meaning == "rows" and (wrong := self.wrong(answer, rows)):
                owner = [one for one in batch for _ in self._rows(one)]
                named = {owner[number].operation_id: code for number, code in wrong.items()}
                outcomes += [Outcome(name, "rejected", code) for name, code in named.items()]
                batch = [one for one in batch if one.operation_id not in named]
            elif answer.meaning == "rows" and self._may_halve(batch):
                return outcomes + self._halved(batch, change, part_of_taken)
            else:
                state: State = "unknown" if answer.maybe or (part_of_taken and answer.meaning != "rows") else "rejected"
                outcomes += [Outcome(one.operation_id, state, answer.code) for one in batch]
                if answer.meaning == "stop":
                    hint = "check the connection, the list and what the account may do"
                    raise ChannelDown(f"{self.named} answers {answer.code}; {hint}", outcomes)
                return outcomes
        return outcomes

    def _halved(self, batch: list[Operation], change: Change, part_of_taken: bool) -> list[Outcome]:
        return in_halves(batch, lambda half: self._submit(half, change, part_of_taken), part_of_taken)

    def _may_halve(self, batch: list[Operation]) -> bool:
        if len(batch) == 1 or self._isolation < 2:
            return False
        self._isolation -= 2
        return True

    def _outcomes(self, batch: list[Operation], change: Change, taken: Taken) -> list[Outcome]:
        """What a request that was taken means for each of its operations."""
        total = sum(len(self._rows(one)) for one in batch) if taken.some else 0
        if 0 < taken.some < total:
            if self._may_halve(batch):
                return self._halved(batch, change, part_of_taken=True)
            reason = partial_reason(taken.some, total, taken.why)
            return [Outcome(one.operation_id, "partial", reason, taken.request_id) for one in batch]
        if taken.some:
            return [Outcome(one.operation_id, "rejected", taken.why, taken.request_id) for one in batch]
        if not taken.refused:
            state: State = "submitted" if taken.request_id else "accepted"
            return [Outcome(one.operation_id, state, "", taken.request_id) for one in batch]
        outcomes, number = [], 0
        for one in batch:
            count = len(self._rows(one))
            codes = [taken.refused[n] for n in range(number, number + count) if n in taken.refused]
            number += count
            outcomes.append(_outcome(one.operation_id, count, codes, taken.request_id))
        return outcomes


def in_halves(
    batch: list[Operation], submit: Callable[[list[Operation]], list[Outcome]], part_of_taken: bool
) -> list[Outcome]:
    """What comes of a batch that is submitted again as two. With `part_of_taken` it was taken before, but for some
    rows: of what a destination that goes down in between was not asked again nothing is certain.

    Raises ChannelDown with all outcomes there are.
    """
    middle, found = len(batch) // 2, list[Outcome]()
    try:
        for half in (batch[:middle], batch[middle:]):
            found += submit(half)
    except ChannelDown as error:
        found += error.outcomes
        known = {outcome.operation_id for outcome in found}
        if part_of_taken:
            why = "taken before in part"
            found += [Outcome(o.operation_id, "unknown", why) for o in batch if o.operation_id not in known]
        raise ChannelDown(str(error), found) from error
    return found


def _outcome(operation_id: str, rows: int, codes: list[str], request_id: str) -> Outcome:
    """What came of one operation of which the rows with `codes` were refused."""
    if not codes:
        return Outcome(operation_id, "submitted" if request_id else "accepted", "", request_id)
    why = ", ".join(sorted(set(codes)))
    if len(codes) == rows:
        return Outcome(operation_id, "rejected", why, request_id)
    return Outcome(operation_id, "partial", partial_reason(len(codes), rows, why), request_id)
