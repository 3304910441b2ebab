"""Panels about purchase intent: do visits of more points end in an order more often, is each sign worth its points?"""

from __future__ import annotations

from jobs.report.page.panel import Chart, Panel

DAY = "select max(day) from journeys.sessions where intent is not null"
VISITS = f"""visits as (
        select intent, intent_band, intent_signs, (orders > 0)::int as ordered from journeys.sessions
        where intent is not null and day > ({DAY}) - 90)"""

INTENT = Panel(
    "purchase_intent",
    "moments",
    ("journeys.sessions",),
    f"""
    with {VISITS},
    points as (
        select intent, intent_band, count(*) as visits, sum(ordered) as ordered from visits group by all),
    ranked as (
        select *, coalesce(sum(visits - ordered) over (
            order by intent rows between unbounded preceding and 1 preceding), 0) as fewer from points),
    judged as (  -- how often a visit with an order has more points than one without: the area under the curve
        select round(sum(ordered * (fewer + (visits - ordered) / 2)) / nullif(sum(ordered) * sum(visits - ordered), 0),
                     3) as auc from ranked),
    bands as (
        select intent_band as intent, min(intent) as points_from, max(intent) as points_to, sum(visits) as visits,
               sum(ordered) as orders, sum(ordered) / sum(visits) as p from points group by intent_band)
    select intent, points_from, points_to, visits, orders, round(100 * p, 2) as percent_ordered,
           round(100 * (p + 1.9208 / visits - 1.96 * sqrt(p * (1 - p) / visits + 0.9604 / visits ** 2))
                 / (1 + 3.8416 / visits), 2) as low,
           round(100 * (p + 1.9208 / visits + 1.96 * sqrt(p * (1 - p) / visits + 0.9604 / visits ** 2))
                 / (1 + 3.8416 / visits), 2) as high, auc
    from bands, judged order by points_from desc""",
    DAY,
    Chart("bars", x="intent", y=("percent_ordered",), low="low", high="high"),
)

SIGNS = Panel(
    "intent_signs",
    "moments",
    ("journeys.sessions",),
    f"""
    with {VISITS},
    shown as (select unnest(intent_signs) as sign, ordered from visits),
    every as (select count(*) as visits, sum(ordered) as ordered from visits),
    signs as (select sign, count(*) as visits, sum(ordered) as ordered from shown group by sign)
    select regexp_replace(sign, ': [+-][0-9]+$', '') as sign, regexp_extract(sign, '([+-][0-9]+)$', 1)::int as points,
           signs.visits, round(100 * signs.ordered / signs.visits, 2) as percent_ordered,
           round(100 * (every.ordered - signs.ordered) / nullif(every.visits - signs.visits, 0), 2) as percent_without
    from signs, every order by points desc, sign""",
    DAY,
)

PANELS = (INTENT, SIGNS)
