"""Which records that stewards decided about have arrived."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.decisions import Placed
from jobs.config.settings import Settings
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake


def unknown_records(placed: Iterable[Placed], settings: Settings) -> Iterator[str]:
    """One line per record that no source has delivered: a decision about it does nothing. None before the first run."""
    lake = Lake.of(settings)
    told = [(one.place, record) for one in placed for record in (one.decision.left, one.decision.right)]
    if not told or not lake.exists("identity/map"):
        return
    hashed = {str(record): identifier_hash("contact", record.record, settings, record.source) for _, record in told}
    wanted = pa.array([one for one in hashed.values() if one], pa.string())
    there = lake.dataset("identity/map").to_table(columns=["identifier"], filter=pc.field("identifier").isin(wanted))
    known = set(there["identifier"].to_pylist())
    for place, record in told:
        if hashed[str(record)] not in known:
            missing = f"{record.source} has not delivered record {record.record!r}"
            yield f"{place}: {missing}; correct the id, or decide when it has arrived"
