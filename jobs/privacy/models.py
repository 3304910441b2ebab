"""Models that learned from a person: nothing of a person is in them that could be read, so they are trained again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.settings import Settings
from jobs.errors import ModelRefused
from jobs.lake.lake import Lake
from jobs.models.registry import Registry, Version
from jobs.privacy.person import Person

FEATURES = "models/features"


def trained_on(lake: Lake, person: Person, settings: Settings) -> list[Version]:
    """The champions trained on a day on which the person was a customer; each is marked, so that the next cycle
    trains it again. Empty where no registry can be reached: then nothing was trained from here."""
    since = _first_day(lake, person)
    if since is None:
        return []
    try:
        registry = Registry(settings)
        champions = [registry.champion(name) for name in settings.learned]
        found = [version for version in champions if version is not None and version.day >= since]
        for version in found:
            registry.remember_drift(version, version.day + timedelta(days=1))
    except ModelRefused:
        return []
    return found


def told(versions: Iterable[Version]) -> str:
    """What the receipt says of these models."""
    named = ", ".join(f"{version.name} version {version.number}" for version in versions)
    return f"{named}: trained again in the next cycle" if named else "no champion was trained on the person"


def _first_day(lake: Lake, person: Person) -> date | None:
    """The first day of which there are features of the person."""
    if not lake.exists(FEATURES):
        return None
    mine = pc.field("customer_id").isin(pa.array(sorted(person.customers), pa.string()))
    days = lake.dataset(FEATURES).to_table(columns=["day"], filter=mine)["day"].to_pylist()
    return min(days, default=None)
