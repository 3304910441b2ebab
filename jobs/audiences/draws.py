"""Who was drawn for which variant, with which probability, knowing what, and what came of it: one row per draw.

Everybody counts who was drawn, whether or not a message could be sent or arrived: a channel that reaches few is worth
less, and whoever reaches is no matter of chance.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.actions.experiments import Experiment
from jobs.config.journey.kpis import Kpi
from jobs.config.sql import rows as sql_rows
from jobs.identity.over_time.homes import homes

NEEDS = ("decisions/arms", "identity/events", "identity/map")


@dataclass(frozen=True)
class Draws:
    """What was drawn: one entry per draw, in one order."""

    person: np.ndarray
    variant: np.ndarray
    """Place of the variant in `names`."""
    propensity: np.ndarray
    """With which it was drawn; NaN: nobody knows."""
    outcome: np.ndarray
    context: np.ndarray
    """Numbers known when it was drawn, a column each; NaN: unknown."""
    names: tuple[str, ...]

    def of(self, which: np.ndarray) -> Draws:
        """Some of the draws."""
        person, variant, propensity, outcome, context = (
            part[which] for part in (self.person, self.variant, self.propensity, self.outcome, self.context)
        )
        return Draws(person, variant, propensity, outcome, context, self.names)


def as_draws(found: pa.Table, one: Experiment) -> Draws:
    """Rows of `query` as arrays."""
    names = tuple(one.variants)
    return Draws(
        np.array(found["person"].to_pylist(), object),
        np.array([names.index(name) for name in found["variant"].to_pylist()], int),
        pc.fill_null(found["propensity"], float("nan")).to_numpy(),
        found["outcome"].to_numpy(),
        contexts(found["context"], one),
        names,
    )


def contexts(texts: pa.ChunkedArray, one: Experiment) -> np.ndarray:
    """The `context` of an experiment, a column each, from what was kept as JSON; NaN: unknown."""
    rows = [json.loads(text) if text else {} for text in texts.to_pylist()]
    values = [[float("nan") if (v := row.get(name)) is None else float(v) for name in one.allocation.context]
              for row in rows]  # fmt: skip
    return np.array(values, float).reshape(len(rows), len(one.allocation.context))


def key(experiment: str) -> str:
    """What stands for an experiment among the actions of decisions/arms."""
    return f"experiment:{experiment}"


def table_of(kpi: Kpi) -> str:
    """The table of the lake that the KPI is counted over."""
    return f"journeys/{kpi.table}"


def of_one_row(text: str) -> str:
    """What one row adds to an aggregate, for DuckDB, which quotes names otherwise; a text of a KPI has no backtick."""
    return (sql_rows.of_one_row(text) or "0").replace("`", '"')


def query(one: Experiment, kpi: Kpi, as_of: date, tables: Mapping[str, str], from_same_day: bool) -> str:
    """SQL (DuckDB) of one row per draw of long enough ago, by `tables` for NEEDS and the table of the KPI.

    Columns: person (customer of today), day, variant, propensity (null: not kept), context (JSON), mixed (parts of the
    person were drawn for different variants), outcome and denominator (of the KPI in `within_days`, from the next day
    on or `from_same_day`). Who is held out of the action is not there, nor who is outside of the layer.
    """
    arms, events, known = (tables[name] for name in NEEDS)
    variants = ", ".join(f"('{name}', '{variant.action}')" for name, variant in one.variants.items())
    first, last = (0, one.within_days - 1) if from_same_day else (1, one.within_days)
    return f"""
{homes(events, known)},
variants(variant, action) as (values {variants}),
drawn as (
    select a.first_customer_id as part, coalesce(h.home, a.customer_id) as person, a.since as day, a.arm as variant,
           a.propensity, a.context, a.because,
           row_number() over (partition by a.customer_id, a.because order by a.since) as nth
    from {arms} a left join homes h on h.id = a.customer_id
    where a.audience = '{key(one.experiment)}' and a.because in ('drawn', 'redrawn')
      and a.since <= date '{as_of}'
),
told as (
    select d.*, first_value(part) over (partition by person order by day, part) as first_part,
           min(d.variant) over (partition by person) <> max(d.variant) over (partition by person)
             and min(part) over (partition by person) <> max(part) over (partition by person) as mixed
    from drawn d join variants v on v.variant = d.variant
    where (because = 'redrawn' or nth = 1) and not exists (
        select 1 from {arms} h
        where h.audience = v.action and h.customer_id = d.part and h.since <= d.day and h.arm <> 'treatment'
    )
),
rows as (
    select person_, day, ({of_one_row(kpi.numerator)})::double as numerator,
           ({of_one_row(kpi.denominator or "count(*)")})::double as denominator
    from {tables[table_of(kpi)]} join (select distinct person as person_ from told) on customer_id = person_
    where ({kpi.where})
)
select t.person, t.day, t.variant, t.propensity, t.context, t.mixed,
       round(coalesce(sum(numerator), 0), 6) as outcome, round(coalesce(sum(denominator), 0), 6) as denominator
from told t left join rows x on x.person_ = t.person and x.day between t.day + {first} and t.day + {last}
where t.part = t.first_part and t.day + {last} <= date '{as_of}'
group by all order by t.person, t.day"""
