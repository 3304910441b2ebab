"""Dimensions of KPIs that ask who the customer was: in which stage, segment or audience, the evening before."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from jobs.config.yaml_files import nearest

_WRITTEN = re.compile("^(customer|segment|audience)[.]([a-z][a-z0-9_]*)$")
OF_CUSTOMER = ("stage", "state")
SCORES, MEMBERS, STAGES = "models/scores", "audiences/members", "journeys/stages"
IN, OUT = "in", "out"
"""Parts by an audience, of customers; others are in neither."""


@dataclass(frozen=True)
class Group:
    """`customer.stage`, `segment.MODEL` or `audience.NAME`, as written in `dimensions`."""

    kind: Literal["customer", "segment", "audience"]
    name: str

    @property
    def table(self) -> str:
        """The table of the lake that tells who was in it."""
        return {"customer": STAGES, "segment": SCORES, "audience": MEMBERS}[self.kind]


def group_of(dimension: str) -> Group | None:
    """The group a dimension asks for; None for SQL over the rows."""
    found = _WRITTEN.match(dimension.strip())
    return Group(found[1], found[2]) if found else None  # type: ignore[arg-type]


def unknown_group(group: Group, models: Collection[str], audiences: Collection[str]) -> Iterator[str]:
    """What is wrong with the name of a group, if anything; `models` are those of segments."""
    what, valid = {
        "customer": ("a customer has a", OF_CUSTOMER),
        "segment": ("unknown model of kind segment", models),
        "audience": ("unknown audience", audiences),
    }[group.kind]
    if group.name not in valid:
        told = f"{' or a '.join(OF_CUSTOMER)}, not a {group.name}" if group.kind == "customer" else repr(group.name)
        yield f"{what} {told}{'' if group.kind == 'customer' else nearest(group.name, valid)}"
