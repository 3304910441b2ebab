"""Customers as the value model sees them: purchases, when first and last, what they kept; and what came after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from jobs.activity import traits
from jobs.activity.known_rows import Known
from jobs.activity.on_days import values_on
from jobs.config.models.value import Value
from jobs.config.settings import Settings
from jobs.config.traits import Trait, needed
from jobs.lake.lake import Txn

AHEAD = "ahead"
"""What was spent in the `judge_days` after the day; empty for the newest day."""
PREFIX = "buyers__"
"""Before the names of what is counted here, which must not meet those of a company's traits."""


@dataclass(frozen=True)
class Buyers:
    """Everybody with a purchase by each day, oldest first: lifetime.HISTORY, features, and AHEAD but for the newest."""

    by_day: dict[date, pd.DataFrame]

    def too_young(self, judge_days: int) -> str:
        """Why there is nobody on the day to judge as of, and until when."""
        newest = self.by_day[max(self.by_day)]
        if newest.empty:
            return "nobody has bought anything; what customers are worth cannot be learned yet"
        oldest = int(newest["first_ago"].max())
        first = max(self.by_day) - timedelta(days=oldest)
        return (
            f"purchases begin on {first}; a model is judged on the {judge_days} days after what it learned from, so "
            f"training can start after {first + timedelta(days=judge_days)}"
        )


def tables_of(declared: Value, settings: Settings) -> list[str]:
    """The tables purchases are counted from."""
    return traits.reads(_counted(declared, settings).values())


def buyers_on(txn: Txn, days: Sequence[date], declared: Value, settings: Settings, features: Sequence[str]) -> Buyers:
    """What was known of every buyer at the end of each of `days`, which lie `judge_days` apart.

    What came after a day is what was known of it on the next one: purchases of these days, returns of them taken off.
    """
    wanted = _counted(declared, settings) | {name: settings.traits[name] for name in needed(features, settings.traits)}
    frame: pd.DataFrame = values_on(Known.of_step(txn, list(days), settings), wanted).toPandas()  # type: ignore[assignment]
    frame = frame.rename(columns={name: name.removeprefix(PREFIX) for name in frame.columns})
    frame["snapshot"] = pd.to_datetime(frame["snapshot"]).dt.date
    own = ["purchases", "first_ago", "last_ago", "worth", AHEAD]
    frame[[*own, *features]] = frame[[*own, *features]].astype(float)
    frame[["worth", AHEAD]] = frame[["worth", AHEAD]].fillna(0.0)
    ordered = sorted(days)
    by_day = {day: frame[frame["snapshot"] == day].set_index("customer_id") for day in ordered}
    found = {}
    for day, following in zip(ordered, [*ordered[1:], None], strict=True):
        people = by_day[day]
        people = people[people["purchases"] > 0].drop(columns=["snapshot", AHEAD])
        if following is not None:
            people = people.assign(**{AHEAD: by_day[following][AHEAD].reindex(people.index).fillna(0.0)})
        found[day] = people[[*own[:4], *features, *([AHEAD] if following else [])]].sort_index().reset_index()
    return Buyers(found)


def _counted(declared: Value, settings: Settings) -> dict[str, Trait]:
    purchases, worth = settings.traits[declared.purchases], settings.traits[declared.worth]
    ever = {"days": None, "ending_days_ago": 0, "default": None}

    def of(trait: Trait, value: str, type_: str, **changes: object) -> Trait:
        return trait.model_copy(update={**ever, "value": value, "type": type_, **changes})

    return {
        f"{PREFIX}purchases": of(purchases, "count(distinct day)", "bigint"),
        f"{PREFIX}first_ago": of(purchases, "max(days_ago)", "bigint"),
        f"{PREFIX}last_ago": of(purchases, "min(days_ago)", "bigint"),
        f"{PREFIX}worth": of(worth, worth.value, worth.type),
        f"{PREFIX}{AHEAD}": of(worth, worth.value, worth.type, days=declared.judge_days),
    }
