"""When a customer id of the past was inside another customer, through all merges and splits."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

SPELLS = pa.schema([("host", pa.string()), ("part", pa.string()), ("since", pa.date32()), ("until", pa.date32())])


def spells(events: pa.Table) -> pa.Table:
    """When a part was inside another customer, of identity/events: host, part, since, until (both days included).

    Of a part that never was a customer before it was split off, nobody knows since when it was inside: it was so from
    the beginning, and inside all that its host was made of.
    """
    inside: dict[str, dict[str, date]] = defaultdict(dict)  # host to its parts and since when they are there
    told: dict[str, list[tuple[str, date, date]]] = defaultdict(list)  # part to (host, since, until)
    changes = events.filter(pc.is_in(events["type"], pa.array(["merged", "split"])))
    in_order = changes.sort_by([("day", "ascending"), ("type", "ascending"), ("event_id", "ascending")])
    for event in in_order.to_pylist():
        host, part, day = event["customer_id"], event["other_customer_id"], event["day"]
        if event["type"] == "merged":
            for moved, since in inside.pop(part, {}).items():
                told[moved].append((part, since, day))
                inside[host][moved] = day
            inside[host][part] = day
        elif part in inside[host]:
            told[part].append((host, inside[host].pop(part), day - timedelta(days=1)))
        else:
            made_of = [(other, date.min, since) for other, since in inside[host].items()]
            told[part] += [(host, date.min, day - timedelta(days=1)), *made_of, *told[host]]
    for host, parts in inside.items():
        for part, since in parts.items():
            told[part].append((host, since, date.max))
    rows = [(host, part, since, until) for part, hosts in told.items() for host, since, until in hosts]
    return pa.Table.from_pylist([dict(zip(SPELLS.names, row, strict=True)) for row in rows], SPELLS)
