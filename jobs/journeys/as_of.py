"""Profiles as they were on a past day: rebuilt from what had arrived by then, beside the tables of today."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from jobs.activity import traits
from jobs.config.settings import Settings
from jobs.config.traits import ROWS
from jobs.identity import identity
from jobs.journeys import journeys
from jobs.lake.lake import Lake
from jobs.profiles import customers

ZONES = ("identity", "profiles", "journeys", "models")
"""Of models, identity keeps what matching learned: on a past day that is what it had learned by then."""
TABLES = ("identity/map", "identity/events", *customers.WRITES, "profiles/traits")


@contextmanager
def profiles_on(day: date, settings: Settings) -> Iterator[Lake]:
    """A lake whose identity and profile tables are those of the end of `day`; gone when the context ends.

    The same steps run as on that day, so the tables are those a rebuild with the data up to `day` would give. Today's
    configuration applies. They are kept below the lake's own root, where a cluster reaches them too.
    """
    root = f"{settings.lake}/as_of/{day}-{uuid.uuid4().hex[:8]}"
    past = replace(settings, elsewhere=dict.fromkeys(ZONES, root))
    lake = Lake.of(past)
    try:
        over_journeys = any(ROWS[trait.over].zone == "journeys" for trait in past.traits.values() if trait.over)
        for step in (identity, customers, *([journeys] if over_journeys else []), traits):
            step.run(day, past)
        yield lake
    finally:
        lake.remove_elsewhere()


def known_as(customer_id: str, today: Lake, past: Lake) -> list[str]:
    """The ids under which identifiers of a customer of today were known in the past; one if nothing merged or split."""
    now, then = (lake.arrow("identity/map", columns=["identifier", "customer_id"]) for lake in (today, past))
    own = now.filter(pc.equal(now["customer_id"], customer_id))["identifier"]
    found = then.filter(pc.is_in(then["identifier"], pa.array(own.to_pylist(), pa.string())))["customer_id"]
    return sorted(set(found.to_pylist()))
