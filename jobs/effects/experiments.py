"""What each experiment tells: variants against the control, with an interval, a verdict, and what to do, in words.

The primary metric is wrong in at most 5 % of experiments however many variants there are: each comparison has its part
of the 5 % (Bonferroni). Guardrails are not corrected: a false alarm there costs less than a harm not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats

from jobs.audiences import draws
from jobs.audiences.draws import table_of
from jobs.config.actions.experiments import Experiment
from jobs.config.journey.kpis import Kpi
from jobs.config.settings import Settings
from jobs.effects import design, estimates
from jobs.effects.effects import FEWEST
from jobs.effects.estimates import Arm, Difference
from jobs.effects.experiment_units import NEEDS, query
from jobs.lake.database import database_of
from jobs.lake.lake import Lake
from jobs.lake.pinned import pinned
from jobs.lake.tables import catalogue

TABLE = "decisions/experiment_results"


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Estimate every experiment that has begun from what is known on `day`; counts of verdicts of primary metrics.

    A closed one is told until the days of the last who got a message have passed. Without experiments there is nothing
    to do.
    """
    told = {name: one for name, one in settings.experiments.items() if _is_told(one, day)}
    if not told:
        return {}
    lake = Lake.of(settings)
    kpis = settings.journey.kpis
    needs = sorted({*NEEDS, *(table_of(kpis[metric]) for one in told.values() for metric in one.metrics)})
    declared = [told, {metric: kpis[metric] for one in told.values() for metric in one.metrics}]
    txn = lake.transaction("experiment_results", day, reads=needs, config=declared, code=__name__)
    if not txn.done(TABLE):
        tables = {name: name.replace("/", "_") for name in needs}
        rows: list[dict[str, Any]] = []
        with database_of(**{tables[name]: pinned(lake, name, txn.pins[name]) for name in needs}) as database:
            for one in told.values():
                for metric in one.metrics:
                    found = database.sql(_query(one, kpis[metric], day, tables, settings)).to_arrow_table()
                    rows += results(one, metric, kpis[metric], found, day)
        lake.replace(TABLE, pa.Table.from_pylist(rows, catalogue.get(TABLE).arrow_schema()), txn, day=day)
    primary = [row["verdict"] for row in lake.arrow(TABLE, day=day).to_pylist() if row["role"] == "primary"]
    return {verdict: primary.count(verdict) for verdict in sorted(set(primary))}


def _is_told(one: Experiment, day: date) -> bool:
    return one.begins <= day and (one.closed is None or day <= one.closed + timedelta(days=one.within_days))


def results(one: Experiment, metric: str, kpi: Kpi, found: pa.Table, day: date) -> Iterator[dict[str, Any]]:
    """Rows of TABLE about one metric, from the units of `experiment_units.query`."""
    clear = found.filter(pc.invert(found["mixed"]))
    arms = {name: clear.filter(pc.equal(clear["variant"], name)) for name in one.variants}
    primary = metric == one.primary
    alpha = design.level(one) if primary else estimates.ALPHA
    needed = design.needed(one)
    drawn = [arms[name].num_rows for name in one.variants]
    skewed = _ratio_of_chance(one, arms) < estimates.MISMATCH
    for name in one.variants:
        if name == one.control:
            continue
        seen = _difference(arms[name], arms[one.control], kpi, one, alpha)
        why_not = _why_not(one, arms[name].num_rows, arms[one.control].num_rows, sum(drawn), skewed, needed)
        verdict = why_not or _verdict(one, kpi, seen, sum(drawn) >= needed, primary)
        left = _days_left(found, needed, sum(drawn), day)
        yield {
            "day": day, "experiment": one.experiment, "metric": metric, "variant": name,
            "role": "primary" if primary else "guardrail", "units": arms[name].num_rows,
            "control_units": arms[one.control].num_rows, "mixed": found.num_rows - clear.num_rows, "needed": needed,
            "days_left": left, "confidence": round(1 - alpha, 6), "verdict": verdict, "learning": one.learning,
            "said": sentence(one, kpi, name, verdict, seen, primary, sum(drawn), needed, left),
            **(_numbers(seen) if seen and verdict not in ("too_early", "too_few", "sample_ratio") else {}),
        }  # fmt: skip


def _query(one: Experiment, kpi: Kpi, day: date, tables: Mapping[str, str], settings: Settings) -> str:
    """What `results` takes: of an adaptive experiment everybody who was drawn, since chances tell of draws only."""
    if not one.allocation.adapts:
        return query(one, kpi, day, tables)
    moment = bool(settings.audiences[one.variants[one.control].action].moment)
    return (
        "select person as unit, variant, mixed, day, outcome as numerator, denominator, propensity "
        f"from ({draws.query(one, kpi, day, tables, moment)}) where propensity is not null"
    )


def _ratio_of_chance(one: Experiment, arms: Mapping[str, pa.Table]) -> float:
    if one.allocation.adapts:
        return estimates.chance_ratio([arm["propensity"].to_numpy() for arm in arms.values()])
    return sample_ratio([arm.num_rows for arm in arms.values()], [each.share for each in one.variants.values()])


def sample_ratio(units: list[int], shares: list[float]) -> float:
    """p of a chi-squared test that the variants have the sizes they were drawn with."""
    if not sum(units):
        return 1.0
    return float(stats.chisquare(units, [sum(units) * share for share in shares]).pvalue)


def _difference(treated: pa.Table, control: pa.Table, kpi: Kpi, one: Experiment, alpha: float) -> Difference | None:
    """The variant less the control, with the interval of the rule to stop; None of fewer than two units."""
    if min(treated.num_rows, control.num_rows) < 2:
        return None
    if one.allocation.adapts:
        return _weighted(treated, control, kpi, one, alpha)
    columns = {name: (treated[name].to_numpy(), control[name].to_numpy()) for name in treated.column_names[4:]}
    first, second = columns["numerator"]
    below = columns["denominator"] if kpi.denominator else columns["size"] if one.unit == "household" else None
    try:
        if below is None:
            found = estimates.means(first, second, before=columns["before"], alpha=alpha)
        else:
            found = estimates.ratios((first, below[0]), (second, below[1]), alpha=alpha)
    except ValueError:  # nothing to divide by
        return None
    return _as_planned(one, found, len(first) + len(second), alpha)


def _weighted(treated: pa.Table, control: pa.Table, kpi: Kpi, one: Experiment, alpha: float) -> Difference | None:
    try:
        found = estimates.weighted(_arm(treated, kpi), _arm(control, kpi), alpha=alpha)
    except ValueError:  # nothing to divide by
        return None
    return _as_planned(one, found, treated.num_rows + control.num_rows, alpha)


def _arm(found: pa.Table, kpi: Kpi) -> Arm:
    below = found["denominator"].to_numpy() if kpi.denominator else np.ones(found.num_rows)
    unit = np.array(found["unit"].to_pylist(), str)
    return Arm(unit, found["numerator"].to_numpy(), below, found["propensity"].to_numpy())


def _as_planned(one: Experiment, found: Difference, units: int, alpha: float) -> Difference:
    """With the interval of the rule to stop."""
    half = design.half_width(one, found.error, units, alpha)
    low, high = found.difference - half, found.difference + half
    return Difference(found.treated, found.held_out, found.difference, low, high, found.p_value, found.error)


def _why_not(one: Experiment, treated: int, control: int, every: int, skewed: bool, needed: int) -> str | None:
    if min(treated, control) < FEWEST:
        return "too_few"
    if skewed:
        return "sample_ratio"
    return "too_early" if one.stop == "at_the_end" and every < needed else None


def _verdict(one: Experiment, kpi: Kpi, seen: Difference | None, whole: bool, primary: bool) -> str:
    if seen is None or not seen.error or not np.isfinite(seen.error):
        return "unclear"
    if not seen.low <= 0 <= seen.high:
        return "better" if (seen.low > 0) == (kpi.direction == "up") else "worse"
    within = -one.minimum_effect < seen.low and seen.high < one.minimum_effect
    return "no_matter" if primary and (within or whole) else "unclear"


def _days_left(found: pa.Table, needed: int, units: int, day: date) -> int | None:
    """Days until enough units got a message and theirs have passed, at the speed so far."""
    if not units:
        return None
    days = (day - pc.min(found["day"]).as_py()).days + 1
    return int(np.ceil(max(needed - units, 0) * days / units))


def _numbers(seen: Difference) -> dict[str, float]:
    names = {"treated": "mean", "held_out": "control_mean"}
    told = ("treated", "held_out", "difference", "low", "high", "p_value")
    return {names.get(name, name): round(getattr(seen, name), 6) for name in told}


def sentence(
    one: Experiment, kpi: Kpi, name: str, verdict: str, seen: Difference | None, primary: bool, units: int, needed: int,
    days_left: int | None,
) -> str:  # fmt: skip
    """The result in words, and what to do."""
    so_far = f"{units:,} of {needed:,} units" + ("" if days_left is None else f", about {days_left} days more")
    if verdict == "too_few":
        return f"Go on: too few got {name} or {one.control} yet ({so_far})"
    if verdict == "sample_ratio":
        return "Not to be trusted: the variants have not the sizes they were drawn with; find out why first"
    if verdict == "too_early":
        return f"Go on: it is looked at once, when it is whole ({so_far})"
    if seen is None:
        return f"Go on: {name} or {one.control} has nothing yet that {kpi.title} is counted from ({so_far})"
    size = f"{seen.difference:+.4g} {kpi.title} ({seen.low:+.4g} to {seen.high:+.4g})"
    if verdict in ("better", "worse"):
        if primary:
            todo = f"Take {name}" if verdict == "better" else f"Keep {one.control}"
        else:
            todo = f"{name} does no harm here" if verdict == "better" else f"Stop {name}: it does harm"
        return f"{todo}: {verdict} than {one.control} by {size}"
    if verdict == "no_matter":
        return f"Stop: no difference between {name} and {one.control} that was planned to be seen: {size}"
    return f"Go on: not clear yet: {size}, {so_far}" if primary else f"No harm seen of {name}: {size}"
