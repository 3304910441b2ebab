"""What all channels share that send each person a message through a vendor: several at once, and never one twice.

A call that may have been done is not repeated: its outcome is `unknown`. What certainly was not done for a reason that
passes is `temporary`, and the next push of the day tries it again.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from jobs.activation import stopping
from jobs.activation.channel import OUT_OF_REACH, TEMPORARY, ChannelDown, Operation, Outcome
from jobs.activation.http_api import NO_ANSWER, Answer, not_understood


class MessageChannel(ABC):
    """Messages of one audience. A channel says how one is sent and which codes mean that an address is dead, or
    that its person said no."""

    batch_size = 500
    named = "the vendor"
    connections = 4
    dead: frozenset[str] = frozenset()
    said_no: frozenset[str] = frozenset()

    @abstractmethod
    def send(self, operation: Operation) -> Answer:
        """Send one message, once."""

    def request_id(self, answer: Answer) -> str:
        """The id under which the vendor knows a message that it took."""
        return ""

    @abstractmethod
    def problem(self, operation: Operation) -> str:
        """Why the message cannot be written, if it cannot."""

    @abstractmethod
    def check(self) -> list[str]:
        """What is wrong with the account; asks and changes nothing."""

    def deliver(self, batch: Sequence[Operation]) -> list[Outcome]:
        stopped, down = threading.Event(), []

        def one(operation: Operation) -> Outcome | None:
            if stopping.ASKED.is_set():
                return None
            if stopped.is_set():
                return Outcome(operation.operation_id, "rejected", f"{TEMPORARY}not tried")
            answer = self.send(operation)
            if answer.meaning == "stop":
                stopped.set()
                down.append(answer.code)
            return self._outcome(operation, answer)

        with ThreadPoolExecutor(max(1, min(self.connections, len(batch)))) as pool:
            outcomes = [outcome for outcome in pool.map(one, batch) if outcome is not None]
        if down:
            hint = "check the connection and what the account may send"
            raise ChannelDown(f"{self.named} answers {down[0]}; {hint}", outcomes)
        return outcomes

    def settle(
        self, request_ids: Sequence[str], batches: dict[str, list[Operation]], seconds: float | None = None
    ) -> list[Outcome]:
        """A message is accepted or not at once; there is never anything to wait for."""
        return []

    def rehearse(self, batch: Sequence[Operation]) -> list[str]:
        """Write every message, and ask about the account; nothing is sent."""
        return sorted({found for one in batch if (found := self.problem(one))} | set(self.check()))

    def erase(self, batch: Sequence[Operation]) -> list[Outcome]:
        """A message that was delivered cannot be called back."""
        return [Outcome(operation.operation_id, "rejected", OUT_OF_REACH) for operation in batch]

    def close(self) -> None:  # noqa: B027  most hold none
        """Release connections."""

    def _outcome(self, operation: Operation, answer: Answer) -> Outcome:
        if answer.meaning == "done":
            try:
                return Outcome(operation.operation_id, "accepted", "", self.request_id(answer))
            except NO_ANSWER as error:
                return Outcome(operation.operation_id, "unknown", not_understood(error))
        if answer.maybe:
            return Outcome(operation.operation_id, "unknown", answer.code)
        if answer.meaning in ("again", "stop"):
            return Outcome(operation.operation_id, "rejected", TEMPORARY + answer.code)
        codes = set(answer.code.split())
        dead, said_no = bool(self.dead & codes), bool(self.said_no & codes)
        return Outcome(operation.operation_id, "rejected", answer.code, dead_address=dead, said_no=said_no)
