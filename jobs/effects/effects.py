"""What each audience did: those it was for against those held out, with an interval that may be looked at every day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.actions.audiences import Effect
from jobs.config.settings import Settings
from jobs.effects import estimates, units
from jobs.effects.estimates import Difference
from jobs.lake.database import database_of
from jobs.lake.lake import Lake
from jobs.lake.pinned import pinned
from jobs.lake.tables import catalogue

TABLE = "decisions/effects"
FEWEST = 30
"""People in an arm below which nothing is said: the interval leans on large numbers."""
METRICS = ("conversion", "orders", "value")


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Estimate the effect of every audience from what is known on `day`; counts of verdicts.

    An audience that nobody was held out of, or of too few people yet, has a row that says so.
    """
    lake = Lake.of(settings)
    every = list(asked(settings))
    declared = [[one.name, one.holdout, one.effect.model_dump(), one.from_same_day] for one in every]
    txn = lake.transaction("effects", day, reads=units.NEEDS, config=declared, code=__name__)
    if not txn.done(TABLE):
        tables = {name: name.replace("/", "_") for name in units.NEEDS}
        sets = {tables[name]: pinned(lake, name, txn.pins[name]) for name in units.NEEDS}
        rows: list[dict[str, Any]] = []
        with database_of(**sets) as database:
            for one in every:
                query = units.query(one.name, one.effect.within_days, day, tables, one.from_same_day)
                rows += _rows(one, database.sql(query).to_arrow_table(), day)
        schema = catalogue.get(TABLE).arrow_schema()
        lake.replace(TABLE, pa.Table.from_pylist(rows, schema=schema), txn, day=day)
    verdicts = lake.arrow(TABLE, columns=["metric", "verdict"], day=day)
    told = verdicts.filter(pc.equal(verdicts["metric"], METRICS[0]))["verdict"].to_pylist()
    return {verdict: told.count(verdict) for verdict in sorted(set(told))}


@dataclass(frozen=True)
class Asked:
    """What is asked about: an action, or all of them (`units.ALL`) against those held out of all."""

    name: str
    holdout: float
    effect: Effect
    from_same_day: bool = False


def asked(settings: Settings) -> Iterator[Asked]:
    """All that effects are estimated of."""
    for name, one in sorted(settings.audiences.items()):
        yield Asked(name, one.holdout, one.effect, bool(one.moment))
    if of_all := settings.policy.holdout:
        moments = any(one.moment for one in settings.audiences.values())
        yield Asked(units.ALL, of_all.share, Effect(within_days=of_all.within_days), moments)


@dataclass(frozen=True)
class _Drawn:
    """People who were drawn with one share, apart by arm."""

    share: float
    treated: pa.Table
    held_out: pa.Table

    @property
    def units(self) -> int:
        return int(self.treated.num_rows + self.held_out.num_rows)

    def both(self, column: str) -> tuple[np.ndarray, np.ndarray]:
        return self.treated[column].to_numpy(), self.held_out[column].to_numpy()


@dataclass(frozen=True)
class _Arms:
    """The people of an audience whose days have passed: those drawn with each share that `holdout` ever had, of whom
    there are enough in both arms; all of them if there are enough of none."""

    drawn: list[_Drawn]
    treated: int
    held_out: int
    mixed: int

    @classmethod
    def of(cls, found: pa.Table) -> _Arms:
        clear = found.filter(pc.invert(found["mixed"]))
        shares = sorted(set(clear["share"].to_pylist()), reverse=True)
        every = [_drawn(clear, share) for share in shares]
        drawn = [one for one in every if min(one.treated.num_rows, one.held_out.num_rows) >= FEWEST] or every
        treated, held_out = (sum(getattr(one, arm).num_rows for one in drawn) for arm in ("treated", "held_out"))
        return cls(drawn, treated, held_out, found.num_rows - clear.num_rows)

    @property
    def share(self) -> float:
        """The share of them that was to be held out."""
        return sum(one.share * one.units for one in self.drawn) / max(1, self.treated + self.held_out)


def _drawn(clear: pa.Table, share: float) -> _Drawn:
    those = clear.filter(pc.equal(clear["share"], share))
    return _Drawn(share, *(those.filter(pc.equal(those["arm"], arm)) for arm in ("treatment", "holdout")))


def _rows(audience: Asked, found: pa.Table, day: date) -> Iterator[dict[str, Any]]:
    arms = _Arms.of(found)
    why_not = _why_not(audience, arms)
    for metric in METRICS:
        told = None if why_not else _estimate(arms, metric)
        verdict = why_not or _verdict(told)
        reached = arms.treated
        cost = round(audience.effect.cost * reached, 2)
        yield {
            "day": day,
            "audience": audience.name,
            "metric": metric,
            "within_days": audience.effect.within_days,
            "treated": reached,
            "held_out": arms.held_out,
            "mixed": arms.mixed,
            "cost": cost,
            "verdict": verdict,
            "said": sentence(audience, metric, verdict, arms.held_out, reached, told),
            **(_numbers(told, reached) if told else {}),
            **(_return(told, reached, cost, audience) if told and metric == "value" else {}),
        }


def _why_not(audience: Asked, arms: _Arms) -> str | None:
    if not audience.holdout:
        return "no_holdout"
    if not arms.drawn or any(min(one.treated.num_rows, one.held_out.num_rows) < FEWEST for one in arms.drawn):
        return "too_few"
    if estimates.sample_ratio(arms.treated, arms.held_out, arms.share) < estimates.MISMATCH:
        return "sample_ratio"
    return None


def _estimate(arms: _Arms, metric: str) -> Difference:
    return estimates.together([(_of_one_share(one, metric), one.units) for one in arms.drawn])


def _of_one_share(drawn: _Drawn, metric: str) -> Difference:
    column = "value" if metric == "value" else "orders"
    after, before = drawn.both(column), drawn.both(f"{column}_before")
    if metric == "conversion":
        after, before = (after[0] > 0, after[1] > 0), (before[0] > 0, before[1] > 0)
    return estimates.means(*after, before=before)


def _verdict(told: Difference | None) -> str:
    if told is None or not told.error or told.low <= 0 <= told.high:
        return "unclear"
    return "more" if told.low > 0 else "less"


def _numbers(told: Difference, reached: int) -> dict[str, Any]:
    return {
        "treated_mean": round(told.treated, 6),
        "held_out_mean": round(told.held_out, 6),
        "difference": round(told.difference, 6),
        "low": round(told.low, 6),
        "high": round(told.high, 6),
        "p_value": round(told.p_value, 6),
        "incremental": round(told.difference * reached, 2),
        "incremental_low": round(told.low * reached, 2),
        "incremental_high": round(told.high * reached, 2),
    }


def _return(told: Difference, reached: int, cost: float, audience: Asked) -> dict[str, Any]:
    """What was earned beyond what it cost, in the company's currency."""
    earned = [audience.effect.margin * value * reached - cost for value in (told.low, told.high)]
    return {"return_low": round(earned[0], 2), "return_high": round(earned[1], 2)}


def sentence(audience: Asked, metric: str, verdict: str, held_out: int, treated: int, told: Difference | None) -> str:
    """The result in words."""
    days = audience.effect.within_days
    if verdict == "no_holdout":
        return "Nobody is held out, so nobody can say what it does: set `holdout`"
    if verdict == "too_few":
        return f"Too few people yet: {treated:,} and {held_out:,} held out whose {days} days have passed"
    if verdict == "sample_ratio" or told is None:
        return f"Not to be trusted: {held_out:,} held out of {treated + held_out:,} is not the share that was drawn"
    unit = {"conversion": "orderers in 100", "orders": "orders per 100", "value": "revenue per 100"}[metric]
    size = f"{100 * told.difference:+.2f} {unit} people within {days} days"
    size += f" ({100 * told.low:+.2f} to {100 * told.high:+.2f})"
    words = {"more": "It brings more", "less": "It brings less", "unclear": "Not clear yet whether it does anything"}
    return f"{words[verdict]}: {size}"
