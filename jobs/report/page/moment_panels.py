"""Panels about micro-moments: which can still be acted on, and how many were served."""

from __future__ import annotations

from jobs.report.page.panel import Chart, Panel

INSTANT = "(select max(ended_at) from journeys.sessions where ended_at <= now())"
"""The newest instant the lake knows of: a moment is open or over as seen from there."""
LAST_DAY = "select max(day) from journeys.sessions"

OPEN = Panel(
    "moments_now",
    "moments",
    ("journeys.moments", "journeys.sessions"),
    f"""
    select type as moment,
           count(*) filter (expires_at > {INSTANT} and not served) as open,
           count(*) filter (expires_at > {INSTANT} and expires_at <= {INSTANT} + interval 1 hour and not served)
               as ends_within_the_hour,
           count(*) filter (served) as served,
           count(*) filter (expires_at <= {INSTANT} and not served) as missed
    from journeys.moments
    where started_at > {INSTANT} - interval 1 day
    group by type order by list_position(['know', 'go', 'do', 'buy'], type)""",
    f"select strftime({INSTANT}, '%Y-%m-%d %H:%M')",
    Chart("bars", x="moment", y=("open", "served", "missed")),
)

BY_DAY = Panel(
    "moments_by_day",
    "moments",
    ("journeys.moments", "journeys.sessions"),
    f"""
    select day, type as moment, count(*) as moments,
           round(100 * avg(served::int), 1) as served_percent, count(distinct customer_id) as persons
    from journeys.moments where day > ({LAST_DAY}) - 90
    group by day, type order by day, list_position(['know', 'go', 'do', 'buy'], type)""",
    LAST_DAY,
    Chart("lines", x="day", y=("moments",), split="moment"),
)

PANELS = (OPEN, BY_DAY)
