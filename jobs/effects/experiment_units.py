"""Who got which variant of an experiment, when, and what they did: one row per unit, as SQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from jobs.audiences.draws import of_one_row, table_of
from jobs.config.actions.experiments import Experiment
from jobs.config.journey.kpis import Kpi
from jobs.identity.over_time.homes import homes

NEEDS = ("activation/ledger", "identity/events", "identity/map", "decisions/arms", "profiles/people")


def query(one: Experiment, kpi: Kpi, as_of: date, tables: Mapping[str, str]) -> str:
    """SQL (DuckDB) of one row per unit that got a message of a variant long enough ago, by `tables` for NEEDS and the
    table of the KPI.

    Columns: unit, variant (of the first message), mixed (got more than one), day (of the first message), size
    (customers of the unit), numerator, denominator (of the KPI, in `within_days` from that day on), before (numerator
    of as many days before). A message counts that may have arrived.
    """
    ledger, events, known, arms, people = (tables[name] for name in NEEDS)
    variants = ", ".join(f"('{name}', '{variant.action}')" for name, variant in one.variants.items())
    last = one.closed - timedelta(days=1) if one.closed else as_of
    home = "nullif(p.household, ''), " if one.unit == "household" else ""
    unit, drawn = f"coalesce({home}s.person)", f"coalesce({home}f.drawn, s.person)"
    numerator, denominator = of_one_row(kpi.numerator), of_one_row(kpi.denominator or "count(*)")
    begin, end = (one.layer.begin, one.layer.end) if one.layer else (0.0, 1.0)
    layer = f"layer:{one.layer.name}" if one.layer else ""
    place = f"('0x' || substr(sha256('{layer}|' || drawn), 1, 8))::bigint / {16**8}.0"
    inside = f"{place} >= {begin} and {place} < {end}" if one.layer else "true"
    return f"""
{homes(events, known)},
variants(variant, action) as (values {variants}),
tries as (
    select customer_id, audience, day, operation_id, attempt, bool_or(state in ('accepted', 'partial')) as arrived,
           bool_or(state = 'rejected') as refused
    from {ledger} where action = 'send' and day between date '{one.begins}' and date '{last}' group by all
),
firsts as (
    select customer_id, arg_max(first_customer_id, since) as drawn from {arms}
    where audience = 'experiment:{one.experiment}' group by all
),
sends as (
    select coalesce(h.home, t.customer_id) as person, v.variant, t.day from tries t
    join variants v on v.action = t.audience left join homes h on h.id = t.customer_id where arrived or not refused
),
units as (
    select {unit} as unit, {drawn} as drawn, s.person, s.variant, s.day
    from sends s left join {people} p on p.customer_id = s.person left join firsts f on f.customer_id = s.person
),
reached as (
    select unit, min(day) as day, arg_min(variant, day) as variant, count(distinct variant) > 1 as mixed,
           count(distinct person) as size
    from units where {inside} group by unit
),
rows as (
    select unit_, day, ({numerator})::double as numerator, ({denominator})::double as denominator
    from {tables[table_of(kpi)]}
    join (select distinct unit as unit_, person as person_ from units) on customer_id = person_
    where ({kpi.where})
)
select r.unit, r.variant, r.mixed, r.day, r.size,
       coalesce(sum(numerator) filter (x.day >= r.day), 0) as numerator,
       coalesce(sum(denominator) filter (x.day >= r.day), 0) as denominator,
       coalesce(sum(numerator) filter (x.day < r.day), 0) as before
from reached r left join rows x
  on x.unit_ = r.unit and x.day between r.day - {one.within_days} and r.day + {one.within_days - 1}
where r.day + {one.within_days - 1} <= date '{as_of}'
group by all"""
