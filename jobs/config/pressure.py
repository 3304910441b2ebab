"""config/pressure.yaml: how often one person may be written to, by all audiences together."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from pydantic import Field

from jobs.config.yaml_files import Strict, line_of, nearest


class Cap(Strict):
    """At most so many messages to one person, and to one address, in so many days, today included."""

    at_most: int = Field(ge=0, description="messages; 0: none at all")
    days: int = Field(ge=1, le=365, description="in any so many days in a row")
    channels: list[str] = Field([], description="channels that are counted together; default: all")

    def counts(self, channel: str) -> bool:
        """Whether messages of a channel count."""
        return not self.channels or channel in self.channels

    def __str__(self) -> str:
        where = " and ".join(self.channels) or "any channel"
        return f"at most {self.at_most} in {self.days} days by {where}"


class Pressure(Strict):
    """config/pressure.yaml. A company without the file sets no limit beyond the cool-down of each audience."""

    caps: list[Cap] = []


def problems(path: Path, pressure: Pressure, channels: Collection[str]) -> list[str]:
    """Channels that are none of config/identity.yaml: file, line, key."""
    found = []
    for number, cap in enumerate(pressure.caps):
        place = f"{path}:{line_of(path, 'caps', number)}: caps.{number}.channels"
        unknown = sorted(set(cap.channels) - set(channels))
        found += [f"{place}: unknown channel {name!r}{nearest(name, channels)}" for name in unknown]
    return found
