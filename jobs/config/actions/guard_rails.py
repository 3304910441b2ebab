"""config/guard_rails.yaml: what stops a send before it does harm. An audience may say its own under `guard_rails`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from pydantic import Field

from jobs.config.yaml_files import Strict, line_of, nearest

FILE = "guard_rails.yaml"


class Size(Strict):
    """How an audience may differ from its own history, the members it had when it was pushed before."""

    times: float = Field(3.0, gt=1, description="more than so many times the most it had stops the send")
    share: float = Field(0.3, ge=0, lt=1, description="less than this share of the least it had stops the send")
    days: int = Field(28, ge=1, description="days looked back")
    pushes: int = Field(5, ge=1, description="pushes in these days; fewer are too few to judge")
    at_least: int = Field(100, ge=0, description="a difference of so many members or fewer never stops it")


class Stale(Strict):
    """When a source counts as silent: then nobody knows what customers did meanwhile."""

    times: float = Field(3.0, ge=1, description="nothing landed for more than so many times the longest gap before")
    days: int = Field(2, ge=1, description="a gap of so many days or fewer never counts")
    sources: dict[str, int] = Field({}, description="days without a file after which a source is silent, by source")
    only: list[str] = Field([], description="sources that count; default: all")


class ModelAge(Strict):
    """How old what a rule says by a model (`score_NAME`, `label_NAME`) may be."""

    scored_days: int = Field(8, ge=0, description="days since customers were scored")
    trained_days: int = Field(120, ge=1, description="days since the model was trained")


class GuardRails(Strict):
    """What stops a send. null switches a guard rail off; removals of who said no are never held back."""

    size: Size | None = Size()
    empty: int | None = Field(
        10, ge=0, description="stop if an audience that had more members than this has none; not one about a `moment`"
    )
    stale: Stale | None = Stale()
    models: ModelAge | None = ModelAge()
    oldest_days: int | None = Field(
        None, ge=0, description="a day that ended more than so many days ago is a backfill and sends nothing"
    )
    recheck: bool = Field(
        False,
        description="ask the rule again at the send, because price, stock or anything else may have changed since; "
        "whom it does not hold for any more is left out",
    )

    def with_own(self, own: GuardRails | None) -> GuardRails:
        """These with what an audience says itself in their place."""
        return self.model_copy(update={name: getattr(own, name) for name in own.model_fields_set}) if own else self


def problems(path: Path, rails: GuardRails | None, sources: Collection[str], *above: str) -> Iterator[str]:
    """Sources that there are none of: file, line, key."""
    stale = rails.stale if rails else None
    for key, names in (("sources", list(stale.sources)), ("only", stale.only)) if stale else ():
        for name in names:
            if name not in sources:
                keys = (*above, "stale", key)
                place = f"{path}:{line_of(path, *keys)}: {'.'.join(keys)}"
                yield f"{place}: no source {name!r}{nearest(name, sources)}"
