"""Who was who on past days, from today's map and the dated links: nobody is joined, or parted, by what came later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.identity.components import components
from jobs.identity.customer_of import customer_ids
from jobs.identity.evidence import CUT

COLUMNS = ["snapshot", "customer_id", "person", "today"]


def past_people(identity_map: pa.Table, links: pa.Table, days: Sequence[date]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Identifiers with whom they are looked up as (identifier, customer_id), and who these were on each day.

    The second table (COLUMNS) holds only customers who were another one, or several, on any of the days: `customer_id`
    as in the first table, there one for each identifier, `person` the customer of that day, `today` who that is now.
    Before the first day of all, on which a company begins with its history, people are those of that day.
    """
    nodes = identity_map.select(["identifier", "customer_id", "first_seen"]).to_pandas()
    nodes = nodes.sort_values(["first_seen", "identifier"], ignore_index=True)  # customers are named after the oldest
    owner = nodes["customer_id"].to_numpy(dtype=object)
    counted = links.select(["left", "right", "first_seen", "until", "state"]).to_pandas()
    place = pd.Series(nodes.index, index=nodes["identifier"])
    left, right = (counted[side].map(place) for side in ("left", "right"))
    counted = counted[left.notna() & right.notna() & (counted["state"] != CUT)]
    left, right = (side[counted.index].to_numpy(dtype=np.int64) for side in (left, right))
    begins, ends = (
        counted["first_seen"].to_numpy(dtype="datetime64[D]"),
        counted["until"].to_numpy(dtype="datetime64[D]"),
    )
    seen = nodes["first_seen"].to_numpy(dtype="datetime64[D]")
    first = seen[~np.isnat(seen)].min() if (~np.isnat(seen)).any() else None
    ids = customer_ids(nodes["identifier"]).to_numpy(dtype=object)
    oldest = {}
    for day in days:
        on = np.datetime64(day) if first is None else max(np.datetime64(day), first)
        stood = (begins <= on) & (np.isnat(ends) | (ends > on))
        oldest[day] = components(len(nodes), left[stood], right[stood])
    now = pd.Series(nodes.index).groupby(owner).transform("min").to_numpy()
    moved = np.logical_or.reduce([labels != now for labels in oldest.values()])
    touched = np.isin(owner, owner[moved])
    looked_up = np.where(touched, nodes["identifier"].to_numpy(dtype=object), owner)
    then = [
        pd.DataFrame(
            {
                "snapshot": day,
                "customer_id": looked_up[touched],
                "person": np.where(labels == now, owner, ids[labels])[touched],
                "today": owner[labels][touched],
            }
        )
        for day, labels in oldest.items()
    ]
    return nodes[["identifier"]].assign(customer_id=looked_up), pd.concat(then, ignore_index=True)
