"""config/contact_policy.yaml: what holds for all actions together: how often, when, and whom to leave alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from pydantic import Field, model_validator

from jobs.config.actions.audiences import Audience, TimeOfDay
from jobs.config.journey.kpis import Name
from jobs.config.yaml_files import Strict, line_of, nearest

FILE = "contact_policy.yaml"


class Cap(Strict):
    """At most so many messages to one person, and to one address, in so many days, today included."""

    at_most: int = Field(ge=0, description="messages; 0: none at all")
    days: int = Field(ge=1, le=365, description="in any so many days in a row")
    channels: list[str] = Field([], description="channels that are counted together; default: all")
    objectives: list[str] = Field([], description="`objective` of the actions that are counted together; default: all")
    actions: list[str] = Field([], description="actions that are counted together; default: all")

    def counts(self, channel: str, action: str = "", objective: str | None = None) -> bool:
        """Whether messages of a channel, of an action with that objective, count."""
        return (
            (not self.channels or channel in self.channels)
            and (not self.objectives or objective in self.objectives)
            and (not self.actions or action in self.actions)
        )

    def __str__(self) -> str:
        where = " and ".join(self.channels) or "any channel"
        about = " and ".join([*self.objectives, *self.actions])
        return f"at most {self.at_most} in {self.days} days by {where}" + (f" for {about}" if about else "")


class QuietHours(Strict):
    """When nobody is written to, by the clock of the customer; over midnight if it ends before it begins."""

    begin: TimeOfDay = Field(description="time of day, such as '21:00'")
    end: TimeOfDay = Field(description="time of day from which on it is fine again, such as '08:00'")
    channels: list[str] = Field([], description="channels it is about; default: all")

    @model_validator(mode="after")
    def _lasts(self) -> QuietHours:
        if self.begin == self.end:
            raise ValueError(f"end: both are {self.end!r}, so nobody can tell whether it is always or never quiet")
        return self

    def hold(self, at: str, channel: str) -> bool:
        """Whether it is quiet at a time of day, HH:MM."""
        if self.channels and channel not in self.channels:
            return False
        return self.begin <= at < self.end if self.begin < self.end else at >= self.begin or at < self.end


class KeepAway(Strict):
    """Customers whom actions leave alone while a condition holds, such as an open complaint or a bereavement."""

    reason: Name = Field(description="what is said of them in plans and choices, such as open_complaint")
    when: str = Field(description="condition on the customer view, as in audiences")
    purposes: list[str] = Field([], description="actions for these purposes alone; default: all actions")

    def concerns(self, audience: Audience) -> bool:
        """Whether it is about an action."""
        return not self.purposes or audience.purpose in self.purposes


class GlobalHoldout(Strict):
    """Customers whom no action reaches over any channel, lists included: what all actions together do."""

    share: float = Field(gt=0, lt=1, description="of all customers")
    within_days: int = Field(
        28, ge=1, le=365, description="days after somebody was first in any action whose orders count"
    )


class ContactPolicy(Strict):
    """config/contact_policy.yaml. Without it the cool-down of each action holds, and one action per slot and day."""

    caps: list[Cap] = []
    holdout: GlobalHoldout | None = None
    quiet_hours: list[QuietHours] = []
    keep_away: list[KeepAway] = []
    zone: str | None = Field(
        None,
        description="expression over the customer view that gives the time zone of the customer, such as "
        "'Europe/Lisbon'; default, and where it gives nothing: that of the company",
    )


def problems(
    path: Path,
    policy: ContactPolicy,
    channels: Collection[str],
    purposes: Collection[str],
    audiences: Mapping[str, Audience],
) -> Iterator[str]:
    """Names that are none of config/identity.yaml or config/audiences/: file, line, key."""
    objectives = {one.objective for one in audiences.values() if one.objective}
    named = [
        *(("caps", n, "channels", one.channels, channels, "channel") for n, one in enumerate(policy.caps)),
        *(("caps", n, "objectives", one.objectives, objectives, "objective") for n, one in enumerate(policy.caps)),
        *(("caps", n, "actions", one.actions, audiences, "action") for n, one in enumerate(policy.caps)),
        *(
            ("quiet_hours", n, "channels", one.channels, channels, "channel")
            for n, one in enumerate(policy.quiet_hours)
        ),
        *(("keep_away", n, "purposes", one.purposes, purposes, "purpose") for n, one in enumerate(policy.keep_away)),
    ]
    for part, number, key, names, known, what in named:
        for name in sorted(set(names) - set(known)):
            place = f"{path}:{line_of(path, part, number, key)}: {part}.{number}.{key}"
            yield f"{place}: unknown {what} {name!r}{nearest(name, known)}"
