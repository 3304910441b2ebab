"""Answers that come later: how they are asked for, and when to look again without holding anything meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from jobs.activation import ledger, stopping
from jobs.activation.channel import Operation, Outcome
from jobs.lake.lake import Lake

LONGEST_LOOK_SECONDS = 30.0
SHORT_SECONDS = 10.0
"""How long a push waits that gives its place to others: many an answer is there by then."""
_AGAIN = (30.0, 300.0)
"""Least and most seconds until somebody who holds nothing meanwhile looks again."""


class Patience(Protocol):
    """Options of a destination that answers later."""

    @property
    def status_timeout_seconds(self) -> float: ...

    @property
    def status_wait_seconds(self) -> float: ...


def awaited(
    request_ids: Sequence[str],
    batches: Mapping[str, list[Operation]],
    look: Callable[[str, list[Operation]], list[Outcome] | None],
    options: Patience,
    seconds: float | None = None,
) -> list[Outcome]:
    """The outcome of each operation of these requests, `submitted` for those that have no answer in time.

    `look` tells the outcomes of a request, None while it is at work; what it says is submitted was sent again, in
    halves, under another request. `seconds` shortens the wait that is configured, but not for those: the ledger knows
    the request of before only, so that another process would begin with it anew.
    """
    outcomes: list[Outcome] = []
    waiting = {request_id: batches[request_id] for request_id in request_ids}
    begun, longest, pause = time.monotonic(), options.status_timeout_seconds, options.status_wait_seconds
    until = begun + (longest if seconds is None else min(seconds, longest))
    while waiting:
        for request_id in list(waiting):
            found = look(request_id, waiting[request_id])
            if found is None:
                continue
            by_id = {one.operation_id: one for one in waiting.pop(request_id)}
            for outcome in found:
                if outcome.state == "submitted":
                    waiting.setdefault(outcome.request_id, []).append(by_id[outcome.operation_id])
                    until = begun + longest
                else:
                    outcomes.append(outcome)
        left = until - time.monotonic()
        if not waiting or left <= 0 or stopping.ASKED.wait(min(pause, left)):
            break
        pause = min(pause * 1.5, LONGEST_LOOK_SECONDS)
    still = [(request_id, one) for request_id, batch in waiting.items() for one in batch]
    return outcomes + [Outcome(one.operation_id, "submitted", "still processing", name) for name, one in still]


def again_in(lake: Lake, operations: Collection[str], longest: float) -> float | None:
    """Seconds until it is time to look at these submitted operations again: sooner while they are young. None once the
    oldest was submitted more than `longest` seconds ago, or if none is known to be."""
    about = pc.field("operation_id").isin(pa.array(sorted(operations), pa.string()))
    about &= pc.field("state") == "submitted"
    since = pc.min(lake.dataset(ledger.TABLE).to_table(columns=["updated_at"], filter=about)["updated_at"]).as_py()
    age = (datetime.now(UTC) - since).total_seconds() if since else longest
    return None if age >= longest else min(max(age / 2, _AGAIN[0]), _AGAIN[1])
