"""Panels about paths: where customers stop, what follows what, whole ways, and which contacts led to orders."""

from __future__ import annotations

from jobs.report.page.panel import Chart, Panel

FUNNEL = Panel(
    "funnel",
    "paths",
    ("journeys.funnels",),
    """
    select funnel, step, name as step_name, customers, dropped, waiting,
           round(100 * share_of_first, 1) as percent_of_first, round(100 * share_of_previous, 1) as percent_of_previous,
           round(median_seconds / 3600, 2) as median_hours
    from journeys.funnels where period = 'window'
    order by funnel, step""",
    "select max(as_of) from journeys.funnels",
    Chart("bars", x="step_name", y=("customers",), choose=("funnel",)),
)

NEXT_STEPS = Panel(
    "next_steps",
    "paths",
    ("journeys.transitions",),
    """
    select from_step, to_step, transitions, round(100 * share_of_from, 1) as percent,
           round(median_seconds / 86400, 1) as median_days
    from journeys.transitions
    order by from_step = '(start)' desc, sum(transitions) over (partition by from_step) desc, from_step,
             transitions desc, to_step""",
    "select max(as_of) from journeys.transitions",
    Chart("bars", x="to_step", y=("transitions",), choose=("from_step",)),
)

PREVIOUS_STEPS = Panel(
    "previous_steps",
    "paths",
    ("journeys.transitions",),
    """
    select to_step, from_step, transitions, round(100 * share_of_to, 1) as percent,
           round(median_seconds / 86400, 1) as median_days
    from journeys.transitions
    order by to_step = '(conversion)' desc, sum(transitions) over (partition by to_step) desc, to_step,
             transitions desc, from_step""",
    "select max(as_of) from journeys.transitions",
    Chart("bars", x="from_step", y=("transitions",), choose=("to_step",)),
)

ATTRIBUTION = Panel(
    "attribution",
    "paths",
    ("journeys.attribution",),
    """
    select dimension as credit_to, model, credited, round(orders, 1) as orders, revenue,
           round(100 * share, 1) as percent, cost, round(cost_per_order, 2) as cost_per_order
    from journeys.attribution
    order by credit_to,
             list_position(['markov', 'shapley', 'linear', 'position', 'time_decay', 'first', 'last'], model),
             orders desc, credited""",
    "select max(as_of) from journeys.attribution",
    Chart("bars", x="credited", y=("orders",), choose=("credit_to", "model")),
)

PATHS = Panel(
    "paths",
    "paths",
    ("journeys.paths",),
    """
    select place, path, outcome, paths, customers, conversions, value, round(100 * share, 1) as percent,
           round(median_seconds / 86400, 1) as median_days
    from journeys.paths
    where place <= 25 or place is null
    order by place is null, place, outcome""",
    "select max(as_of) from journeys.paths",
)

PANELS = (FUNNEL, ATTRIBUTION, NEXT_STEPS, PREVIOUS_STEPS, PATHS)
