"""Panels about the journey itself: where everybody is, how they move, what a contact feels like."""

from __future__ import annotations

from jobs.report.page.panel import Chart, Panel
from jobs.report.section import in_order_of_stages

RECENT_DAYS = 90
"""Days of contacts and moves that a picture of the journey is made of."""
DROP_OFF_DAYS = 30
"""After so many days without another contact the customer has dropped off."""
LAST_CONTACT = "(select max(day) from journeys.touchpoints)"

STAGES_NOW = Panel(
    "stages_now",
    "journey",
    ("journeys.stages", "journeys.touchpoints", "profiles.customers"),
    f"""
    with now as (
        select customer_id, kind, stage, state, since from journeys.stages where valid_to is null
    ), everybody as (  -- whom no rule holds for is shown too: the parts add up to all there are
        from now union all by name
        select if(known, 'customer', 'visitor') as kind, 'no_stage' as stage, 'no_stage' as state
        from profiles.customers where customer_id not in (select customer_id from now)
    )
    select kind || 's' as people, stage, state, count(*) as persons,
           round(100 * count(*) / sum(count(*)) over (partition by kind), 1) as percent,
           round(median(date_diff('day', since, {LAST_CONTACT}))) as days_in_stage
    from everybody
    group by kind, stage, state
    order by kind, {in_order_of_stages("stage")}, persons desc, state""",
    f"select {LAST_CONTACT}",
    Chart("bars", x="stage", y=("persons",), split="state", choose=("people",)),
)

STAGE_FLOW = Panel(
    "stage_flow",
    "journey",
    ("journeys.stage_moves",),
    f"""
    select kind || 's' as people, from_stage as stage_before, to_stage as stage_after, count(*) as moves,
           count(distinct customer_id) as persons, round(median(days_before)) as days_before,
           round(avg(value), 2) as mean_value
    from journeys.stage_moves
    where from_stage is not null and day > (select max(day) from journeys.stage_moves) - {RECENT_DAYS}
    group by kind, from_stage, to_stage
    order by kind, {in_order_of_stages("from_stage")}, {in_order_of_stages("to_stage")}""",
    "select max(day) from journeys.stage_moves",
    Chart("flow", y=("stage_before", "stage_after", "moves"), choose=("people",)),
)

WIDTH = "1.96 * stddev_samp(feeling) / sqrt(count(*))"
"""Half of the interval around how contacts felt."""

JOURNEY_MAP = Panel(
    "journey_map",
    "journey",
    ("journeys.touchpoints", "journeys.stages", "profiles.customers"),
    f"""
    with recent as (
        select customer_id, channel || ' ' || type as touchpoint, day, occurred_at,
               valence <> 'neutral' or score is not null as told,
               case valence when 'positive' then 1.0 when 'negative' then -1.0 else 0.0 end as feeling,
               lag(occurred_at) over w as contact_before, lead(occurred_at) over w as contact_after
        from journeys.touchpoints where day > {LAST_CONTACT} - {RECENT_DAYS}
        window w as (partition by customer_id order by occurred_at, touchpoint_id)),
    placed as (
        select recent.*, {in_order_of_stages("s.stage")} as stage_number
        from recent asof left join journeys.stages s
          on recent.customer_id = s.customer_id and recent.day >= s.valid_from)
    select case when c.known then 'customers' else 'visitors' end as people, touchpoint,
           count(*) as contacts, count(distinct p.customer_id) as persons,
           case when bool_or(told) then round(100 * avg(feeling), 1) end as emotion,
           case when bool_or(told) then greatest(-100, round(100 * (avg(feeling) - {WIDTH}), 1)) end as emotion_low,
           case when bool_or(told) then least(100, round(100 * (avg(feeling) + {WIDTH}), 1)) end as emotion_high,
           round(100 * avg((coalesce(contact_after > occurred_at + interval {DROP_OFF_DAYS} day, true))::int)
                 filter (day <= {LAST_CONTACT} - {DROP_OFF_DAYS}), 1) as drop_off_percent,
           round(median(date_diff('hour', contact_before, occurred_at)) / 24, 1) as days_since_contact
    from placed p join profiles.customers c using (customer_id)
    group by all
    order by people, avg(stage_number), contacts desc, touchpoint""",
    f"select {LAST_CONTACT}",
    Chart(
        "curve", x="touchpoint", y=("emotion", "contacts"), low="emotion_low", high="emotion_high", choose=("people",)
    ),
)

PANELS = (STAGES_NOW, STAGE_FLOW, JOURNEY_MAP)
