"""Policies to evaluate, as people write them: the probability of each variant for each draw."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from jobs.audiences import draws
from jobs.audiences.chances import chances
from jobs.audiences.draws import Draws, as_draws
from jobs.config.actions.allocation import Allocation
from jobs.config.actions.experiments import Experiment
from jobs.config.settings import Settings
from jobs.config.sql.guard import engine_sql, problems
from jobs.config.wrong import CommandError, nearest
from jobs.effects.off_policy import NotEvaluable, cross_fitted, refuse_missing_propensities
from jobs.lake.database import database_of
from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake
from jobs.lake.pinned import pinned

_SHARE = r"\s*([a-z][a-z0-9_]*)\s*=\s*([0-9.]+)\s*"
_SHARES = re.compile(rf"{_SHARE}(,{_SHARE})*")


def drawn(one: Experiment, settings: Settings, as_of: date, since: date) -> Draws:
    """The draws of an experiment since a day, and what came of them up to another.

    Raises NotEvaluable for an experiment whose draws are not of single customers or come to no number each, and for
    draws of which nothing can be said.
    """
    kpi = settings.journey.kpis[one.primary]
    if one.unit == "household":
        raise NotEvaluable(f"{one.experiment} draws households; only draws of customers can be evaluated")
    if kpi.denominator is not None:
        raise NotEvaluable(
            f"{one.primary} is a ratio, so nobody can say what a single draw came to; a policy is evaluated by a "
            "primary KPI without a denominator"
        )
    lake = Lake.of(settings)
    needs = (*draws.NEEDS, draws.table_of(kpi))
    tables = {name: name.replace("/", "_") for name in needs}
    moment = bool(settings.audiences[one.variants[one.control].action].moment)
    with database_of(**{tables[name]: pinned(lake, name, lake.version(name)) for name in needs}) as database:
        found = database.sql(draws.query(one, kpi, as_of, tables, moment)).to_arrow_table()
    found = found.filter(pc.and_(pc.invert(found["mixed"]), pc.greater_equal(found["day"], pa.scalar(since))))
    told = as_draws(found, one)
    refuse_missing_propensities(told)
    return told


def policy_of(text: str, one: Experiment, found: Draws, down: bool) -> np.ndarray:
    """The probabilities of a policy: the name of a variant, shares such as `a=0.3,b=0.7`, `thompson` or `linucb`, or
    SQL over the `context` of the experiment that gives the name of a variant. `down`: less is better.

    What thompson or linucb would draw for somebody is learned from the draws of others. Raises CommandError for what is
    none of these.
    """
    if text in one.variants:
        return np.tile(_only(found.names.index(text), found), (len(found.outcome), 1))
    if _SHARES.fullmatch(text):
        return np.tile(_shares(text, found), (len(found.outcome), 1))
    if text in ("thompson", "linucb"):
        return _learned(text, one, found, down)
    return _by_sql(text, one, found)


def _learned(method: str, one: Experiment, found: Draws, down: bool) -> np.ndarray:
    given = one.allocation.model_dump(include=one.allocation.model_fields_set)
    try:
        allocation = Allocation.model_validate({**given, "method": method})
    except ValidationError as error:
        raise CommandError([f"policy: {method}: {one['msg']}" for one in error.errors()]) from None
    if np.bincount(found.variant, minlength=len(found.names)).min() < 2 * allocation.after:
        raise CommandError([f"policy: {method}: fewer than {2 * allocation.after} draws of a variant to learn from"])
    shares = [variant.share for variant in one.variants.values()]
    return cross_fitted(found, lambda others, context: chances(allocation, shares, others, context, down))


def _only(place: int, found: Draws) -> np.ndarray:
    return np.eye(len(found.names))[place]


def _shares(text: str, found: Draws) -> np.ndarray:
    given = dict(re.findall(_SHARE, text))
    for name in given:
        if name not in found.names:
            raise CommandError([f"policy: unknown variant {name!r}{nearest(name, found.names)}"])
    try:
        shares = np.array([float(given.get(name, 0)) for name in found.names])
    except ValueError:
        raise CommandError([f"policy: {text!r}: write shares as numbers, such as 0.3"]) from None
    if abs(shares.sum() - 1) > 1e-6:
        raise CommandError([f"policy: the shares are {shares.sum():g} together, not 1"])
    return shares / shares.sum()


def _by_sql(text: str, one: Experiment, found: Draws) -> np.ndarray:
    names: Sequence[str] = list(one.allocation.context)
    if wrong := problems(text, names):
        known = f"the context kept with its draws: {', '.join(names)}" if names else "no `allocation.context` yet"
        raise CommandError([
            *(f"policy: {problem}" for problem in wrong),
            f"A policy is a variant ({', '.join(found.names)}), shares such as {found.names[0]}=1, thompson, linucb, "
            f"or SQL that gives a variant by name; {one.experiment} has {known}",
        ])  # fmt: skip
    unknown = np.isnan(found.context)
    columns = {name: pa.array(found.context[:, n], mask=unknown[:, n]) for n, name in enumerate(names)}
    rows = pa.table({"n": pa.array(np.arange(len(found.outcome))), **columns})
    chosen = get_spark().createDataFrame(rows).selectExpr("n", f"cast({engine_sql(text)} as string) as chosen")
    told = chosen.toArrow().sort_by("n")["chosen"].to_pylist()
    strange = sorted({"nothing" if one is None else repr(one) for one in told if one not in found.names})
    if strange:
        raise CommandError([f"policy: gives {', '.join(strange[:5])}; it must give {' or '.join(found.names)}"])
    return np.eye(len(found.names))[[found.names.index(name) for name in told]]
