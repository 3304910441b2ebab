"""What came of operations, written down: in the ledger, and where it says of an address or a person never again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from jobs.activation import ledger, suppressions
from jobs.activation.channel import Operation, Outcome
from jobs.activation.feedback.heard import Heard, keep
from jobs.config.settings import Settings
from jobs.lake.lake import Lake


def record(
    lake: Lake,
    settings: Settings,
    audience: str,
    destination: str,
    day: date,
    operations: Sequence[Operation],
    outcomes: Sequence[Outcome],
    batch_id: str = "",
) -> None:
    """Commit these outcomes; addresses that are dead are suppressed, and who told the destination no is heard."""
    ledger.record(lake, operations, outcomes, audience, destination, day, batch_id)
    dead = {outcome.operation_id for outcome in outcomes if outcome.dead_address}
    addresses = [operation.fingerprint for operation in operations if operation.operation_id in dead]
    channel = settings.destinations[destination].channel
    suppressions.suppress(lake, channel, addresses, "bounced", day)
    noes = {outcome.operation_id for outcome in outcomes if outcome.said_no}
    said_no = [operation for operation in operations if operation.operation_id in noes]
    keep([Heard.no_at(operation, channel, destination, audience) for operation in said_no], day, settings)
