"""Panels about what to improve: opportunities, what is known about touchpoints, what solutions changed."""

from __future__ import annotations

from jobs.report.page.panel import Chart, Panel

OPPORTUNITIES = Panel(
    "opportunities",
    "improve",
    ("journeys.map_opportunities",),
    """
    select place, title, touchpoint, reach, lost, round(100 * loss, 1) as percent_lost, effort_weeks,
           round(score, 1) as lost_per_week, round(score_low, 1) as low, round(score_high, 1) as high,
           insights, solutions
    from journeys.map_opportunities order by place is null, place, title""",
    "select max(as_of) from journeys.map_opportunities",
    Chart("bars", x="title", y=("lost_per_week",)),
)

SOLUTIONS = Panel(
    "solutions",
    "improve",
    ("journeys.map_solutions",),
    """
    select title, opportunity, status, kpi, live_from, round(before, 3) as before, round(after, 3) as after,
           round(change, 3) as change, round(low, 3) as low, round(high, 3) as high, verdict
    from journeys.map_solutions order by status, title""",
    "select max(as_of) from journeys.map_solutions",
)

INSIGHTS = Panel(
    "insights",
    "improve",
    ("journeys.map_insights",),
    """
    select touchpoint, title, says, kind, state, round(value, 3) as value, round(low, 3) as low, round(high, 3) as high,
           observations, said, source, told_on, reason
    from journeys.map_insights order by touchpoint, kind, title""",
    "select max(as_of) from journeys.map_insights",
)

CONTRADICTIONS = Panel(
    "contradictions",
    "improve",
    ("journeys.map_contradictions",),
    """
    select touchpoint, kind, one, other, told, customers
    from journeys.map_contradictions order by customers desc nulls last, touchpoint, one, other""",
    "select max(as_of) from journeys.map_contradictions",
)

PANELS = (OPPORTUNITIES, SOLUTIONS, INSIGHTS, CONTRADICTIONS)
