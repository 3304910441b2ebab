"""Panels about micro-moments: which can still be acted on, how many were served, and which of them matter."""

from __future__ import annotations

from jobs.report.page import intent_panels
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

EFFECTS = Panel(
    "moment_effects",
    "moments",
    ("journeys.moment_effects",),
    """
    select comparison, type as moment, round(100 * effect, 1) as points, round(100 * low, 1) as low,
           round(100 * high, 1) as high, round(100 * rate, 1) as percent,
           round(100 * rate_without, 1) as percent_without,
           round(orders, 1) as orders, visits, matched, controls, is_small as small, reason
    from journeys.moment_effects
    order by list_position(['had', 'served', 'failed'], comparison), place""",
    "select max(last_day) from journeys.moment_effects",
    Chart("bars", x="moment", y=("points",), choose=("comparison",), low="low", high="high"),
)

CONTRAST = Panel(
    "moment_contrast",
    "moments",
    ("journeys.moment_contrast",),
    """
    select kind, contacts, customers, round(100 * converted, 1) as percent_ordered,
           round(100 * mobile, 1) as percent_mobile, round(median_seconds / 60, 1) as median_minutes, predictability,
           round(100 * served, 1) as served_percent, round(median_seconds_to_answer / 60, 1) as minutes_to_answer
    from journeys.moment_contrast order by is_moment desc, contacts desc, kind""",
    "select max(last_day) from journeys.moment_contrast",
)

VITALS = Panel(
    "vitals",
    "moments",
    ("journeys.vitals", "journeys.touchpoints"),
    """
    select coalesce(t.touchpoint, 'visit') as touchpoint, coalesce(moment, 'none') as moment,
           coalesce(device, 'unknown') as device, count(*) as pages,
           round(quantile_cont(lcp, 0.5), 3) as lcp_half, round(quantile_cont(lcp, 0.75), 3) as lcp,
           round(quantile_cont(lcp, 0.95), 3) as lcp_most, round(quantile_cont(inp, 0.75), 3) as inp,
           round(quantile_cont(cls, 0.75), 3) as cls
    from journeys.vitals v left join journeys.touchpoints t on t.type = 'visit' and t.reference = v.session_id
    where v.day > (select max(day) from journeys.vitals) - 90
    group by all order by pages desc, touchpoint, moment, device limit 50""",
    "select max(day) from journeys.vitals",
)

PANELS = (OPEN, BY_DAY, EFFECTS, CONTRAST, *intent_panels.PANELS, VITALS)
