"""Panels about the data themselves: how fresh they are, what was set aside and why."""

from __future__ import annotations

from jobs.report.page.panel import Chart, Panel

LAST_ARRIVAL = "(select max(arrived) from ops.files)"

FRESHNESS = Panel(
    "freshness",
    "data",
    ("ops.files", "ops.counts"),
    f"""
    with rows as (
        select source, dataset, sum(rows_in) as rows_in, sum(accepted) as accepted, sum(quarantined) as quarantined,
               sum(duplicates) as duplicates, sum(coalesce(left_out, 0)) as left_out
        from ops.counts group by all)
    select f.source, f.dataset, max(f.arrived) as newest_file,
           date_diff('day', max(f.arrived), {LAST_ARRIVAL}) as days_behind,
           count(*) as files, count(*) filter (f.state = 'quarantined') as files_set_aside,
           any_value(r.rows_in) as rows_in, any_value(r.accepted) as accepted, any_value(r.quarantined) as quarantined,
           any_value(r.duplicates) as duplicates, any_value(r.left_out) as left_out
    from ops.files f left join rows r using (source, dataset)
    group by f.source, f.dataset order by f.source, f.dataset""",
    f"select {LAST_ARRIVAL}",
)

ARRIVALS = Panel(
    "arrivals",
    "data",
    ("ops.counts", "ops.files"),
    f"""
    select arrived as day, source, sum(rows_in) as rows_in, sum(accepted) as accepted, sum(quarantined) as quarantined
    from ops.counts where arrived > {LAST_ARRIVAL} - 90
    group by all order by day, source""",
    f"select {LAST_ARRIVAL}",
    Chart("lines", x="day", y=("accepted",), split="source"),
)

QUARANTINE = Panel(
    "quarantine",
    "data",
    ("quarantine.rows", "ops.files"),
    """
    select source, dataset, rule, count(*) as rows, min(arrived) as first_day, max(arrived) as last_day,
           any_value(reason) as reason
    from quarantine.rows group by source, dataset, rule order by rows desc, source, dataset, rule limit 50""",
    f"select {LAST_ARRIVAL}",
)

BOTS = Panel(
    "bots",
    "data",
    ("journeys.bots",),
    """
    select day, rule, events, visitors from journeys.bots
    where day > (select max(day) from journeys.bots) - 90 order by day, rule""",
    "select max(day) from journeys.bots",
    Chart("lines", x="day", y=("events",), split="rule"),
)

PANELS = (FRESHNESS, ARRIVALS, BOTS, QUARANTINE)
