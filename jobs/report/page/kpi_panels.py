"""The panel "where are we": the newest value of every KPI, with its line."""

from __future__ import annotations

from jobs.report.page.panel import Chart, Panel

LINE_DAYS = 90
"""Days of the line under a figure."""

KPIS = Panel(
    "kpis",
    "where",
    ("journeys.kpis",),
    f"""
    select stage, kpi, any_value(unit) as unit, max_by(value, day) as value, max(day) as day,
           max_by(numerator, day) as numerator, max_by(denominator, day) as denominator,
           to_json(list(value order by day))::varchar as series
    from journeys.kpis
    where period = 'day' and dimension = 'all' and day > (select max(day) from journeys.kpis) - {LINE_DAYS}
    group by stage, kpi
    order by list_position(['awareness', 'consideration', 'purchase', 'service', 'loyalty'], stage), kpi""",
    "select max(day) from journeys.kpis",
    Chart("cards"),
)

PANELS = (KPIS,)
