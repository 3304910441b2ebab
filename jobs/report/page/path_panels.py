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


def _neighbours(name: str, chosen: str, other: str, share: str, first: str) -> Panel:
    """What stands beside a chosen step; `first` is what is chosen until a person chooses."""
    return Panel(
        name,
        "paths",
        ("journeys.transitions",),
        f"""
        select {chosen}, {other}, transitions, round(100 * {share}, 1) as percent,
               round(median_seconds / 86400, 1) as median_days
        from journeys.transitions
        order by {chosen} = '{first}' desc, sum(transitions) over (partition by {chosen}) desc, {chosen},
                 transitions desc, {other}""",
        "select max(as_of) from journeys.transitions",
        Chart("bars", x=other, y=("transitions",), choose=(chosen,)),
    )


NEXT_STEPS = _neighbours("next_steps", "from_step", "to_step", "share_of_from", "(start)")
PREVIOUS_STEPS = _neighbours("previous_steps", "to_step", "from_step", "share_of_to", "(conversion)")

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
