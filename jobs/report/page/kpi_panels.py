"""The panel "where are we": every KPI of the newest whole day, week or month beside its target, with its line."""

from __future__ import annotations

from jobs.report.page.panel import Chart, Panel
from jobs.report.section import in_order_of_stages

KPIS = Panel(
    "kpis",
    "where",
    ("journeys.kpis", "journeys.kpi_registry", "journeys.alerts"),
    f"""
    with newest as (
        select period, max(day) as day from journeys.kpis where complete group by period),
    lines as (  -- of 90 days, 26 weeks or 12 months
        select k.period, kpi, to_json(list(value order by k.day))::varchar as series
        from journeys.kpis k join newest n using (period)
        where dimension = 'all' and complete
          and k.day > case k.period when 'day' then n.day - 90 when 'week' then n.day - 182 else n.day - 365 end
        group by all)
    select k.period, k.stage, k.kpi, k.value, k.low, k.high, if(r.per = k.period, r.target, null) as target,
           exists (select 1 from journeys.alerts a
                   where a.kpi = k.kpi and a.period = k.period and a.day = k.day) as alert,
           k.small, k.reason, k.unit, k.numerator, k.denominator, k.day, r.owner, r.definition, r.origin, l.series
    from journeys.kpis k
    join newest n on k.period = n.period and k.day = n.day
    left join journeys.kpi_registry r using (kpi)
    left join lines l on l.period = k.period and l.kpi = k.kpi
    where k.dimension = 'all'
    order by list_position(['month', 'week', 'day'], k.period),
             {in_order_of_stages("k.stage")}, k.kpi""",
    "select max(day) from journeys.kpis where period = 'day'",
    Chart("cards", choose=("period",)),
)

ALERTS = Panel(
    "alerts",
    "where",
    ("journeys.alerts", "journeys.kpis"),
    """
    select period, day, stage, title, value, target, unit, kind, why, owner
    from journeys.alerts
    where day > (select max(day) from journeys.kpis where period = 'day') - 28
    order by day desc, stage, title""",
    "select max(day) from journeys.kpis where period = 'day'",
)

OUTLOOK = Panel(
    "outlook",
    "where",
    ("journeys.kpi_outlook",),
    """
    select kpi, day, value, expected, low, high, unusual
    from journeys.kpi_outlook
    where day > (select max(day) from journeys.kpi_outlook where not is_forecast) - 90
    order by kpi, day""",
    "select max(day) from journeys.kpi_outlook where not is_forecast",
    Chart("lines", x="day", y=("value", "expected", "low", "high"), choose=("kpi",)),
)

PANELS = (KPIS, ALERTS, OUTLOOK)
