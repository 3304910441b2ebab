"""Who stays on a list under another address than before is taken off it under the old one.

First the old, then the new: who is not added yet has the old fingerprint in the ledger, so that the next push does both
again. What is refused as a removal is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jobs.activation import stopping
from jobs.activation.channel import Channel, ChannelDown, Operation, Outcome

UNSURE = "former address may still be there"


def deliver(channel: Channel, batch: Sequence[Operation]) -> list[Outcome]:
    """Do these operations, as the channel's own `deliver`; additions after the removal of their former addresses.

    Of whom that removal is not certain the addition is not tried, and its outcome is unknown. Raises ChannelDown.
    """
    undone = _not_taken_off(channel, batch)
    ready = [one for one in batch if one.operation_id not in undone]
    if not ready or (undone and stopping.ASKED.is_set()):
        return list(undone.values())
    try:
        return [*channel.deliver(ready), *undone.values()]
    except ChannelDown as error:
        raise ChannelDown(str(error), [*error.outcomes, *undone.values()]) from error


def _not_taken_off(channel: Channel, batch: Sequence[Operation]) -> dict[str, Outcome]:
    moved = [replace(one, action="remove", recipient=one.former) for one in batch if one.former]
    if not moved:
        return {}
    by_id, waiting = {one.operation_id: one for one in moved}, dict[str, list[Operation]]()
    try:
        outcomes = channel.deliver(moved)
        for outcome in outcomes:
            if outcome.state == "submitted":
                waiting.setdefault(outcome.request_id, []).append(by_id[outcome.operation_id])
        outcomes += channel.settle(list(waiting), waiting) if waiting else []
    except ChannelDown as error:
        raise ChannelDown(str(error), []) from error  # nobody was added
    states = {one.operation_id: one.state for one in outcomes}
    unsure = [name for name in by_id if states.get(name, "unknown") in ("unknown", "submitted")]
    return {name: Outcome(name, "unknown", UNSURE) for name in unsure}
