"""Panels about audiences and what was sent."""

from __future__ import annotations

from jobs.report.page.panel import Chart, Panel

DELIVERIES = Panel(
    "deliveries",
    "actions",
    ("activation.deliveries",),
    """
    select audience || ' to ' || destination as delivery, members, delivered, kept, held_out, no_consent,
           no_address, suppressed, moment_over, refused, unknown, removed
    from activation.deliveries where day = (select max(day) from activation.deliveries)
    order by audience, destination""",
    "select max(day) from activation.deliveries",
    Chart(
        "bars",
        x="delivery",
        y=(
            "delivered",
            "kept",
            "held_out",
            "no_consent",
            "no_address",
            "suppressed",
            "moment_over",
            "refused",
            "unknown",
        ),
    ),
)

AUDIENCES = Panel(
    "audiences",
    "actions",
    ("audiences.members",),
    """
    select day, audience, count(*) as members, count(*) filter (arm <> 'treatment') as held_out
    from audiences.members where day > (select max(day) from audiences.members) - 90
    group by all order by day, audience""",
    "select max(day) from audiences.members",
    Chart("lines", x="day", y=("members",), split="audience"),
)

EFFECTS = Panel(
    "effects",
    "actions",
    ("decisions.effects",),
    """
    select audience, metric, round(100 * difference, 2) as difference_per_100, round(100 * low, 2) as low,
           round(100 * high, 2) as high, treated, held_out, round(incremental, 0) as incremental, cost,
           return_low, return_high, verdict, said
    from decisions.effects where day = (select max(day) from decisions.effects)
    order by audience, list_position(['conversion', 'orders', 'value'], metric)""",
    "select max(day) from decisions.effects",
    Chart("bars", x="audience", y=("difference_per_100",), choose=("metric",), low="low", high="high"),
)

OFFERS = Panel(
    "offers",
    "actions",
    ("activation.offers",),
    """
    select offer, redeemed, open, expired, given, round(100.0 * redeemed / nullif(given, 0), 1) as percent_redeemed,
           orders, by_others, revenue, cost, reserved, codes_left, budget_left, said
    from activation.offers where day = (select max(day) from activation.offers) order by offer""",
    "select max(day) from activation.offers",
    Chart("bars", x="offer", y=("redeemed", "open", "expired")),
)

ACTION_RETURNS = Panel(
    "action_returns",
    "actions",
    ("decisions.effects", "activation.ledger"),
    """
    with tries as (
        select audience, operation_id, bool_or(state = 'accepted') as reached from activation.ledger
        where action in ('send', 'add') group by all having bool_or(state not in ('claimed', 'rejected'))
    ), done as (
        select audience, count(*) as sent, count(*) filter (reached) as reached from tries group by all
    )
    select audience, coalesce(sent, 0) as sent, coalesce(reached, 0) as reached, held_out,
           round(incremental, 2) as incremental, round(incremental_low, 2) as low, round(incremental_high, 2) as high,
           cost, return_low, return_high, verdict
    from decisions.effects left join done using (audience)
    where metric = 'value' and day = (select max(day) from decisions.effects) order by audience""",
    "select max(day) from decisions.effects",
    Chart("bars", x="audience", y=("incremental",), low="low", high="high"),
)

PRESSURE = Panel(
    "contact_pressure",
    "actions",
    ("journeys.touchpoints",),
    """
    with weekly as (
        select date_trunc('week', day)::date as week, customer_id, count(*) as number from journeys.touchpoints
        where type = 'sent' and day > (select max(day) from journeys.touchpoints where type = 'sent') - 91
        group by 1, 2
    )
    select week, case when number > 5 then '6+' else number::varchar end as messages, count(*) as customers
    from weekly group by 1, 2 order by week, messages""",
    "select max(day) from journeys.touchpoints where type = 'sent'",
    Chart("heat", x="week", y=("customers",), split="messages"),
)

OPTED_OUT = Panel(
    "opted_out",
    "actions",
    ("profiles.consent",),
    """
    select purpose, channel, count(*) filter (status = 'withdrawn') as opted_out,
           count(*) filter (status = 'granted') as opted_in, count(*) filter (status = 'expired') as expired,
           round(100.0 * opted_out / count(*), 1) as percent_opted_out
    from profiles.consent group by purpose, channel order by purpose, channel""",
    "select max(changed_at)::date from profiles.consent",
    Chart("bars", x="purpose", y=("opted_in", "opted_out", "expired"), choose=("channel",)),
)

TIMING = Panel(
    "timing",
    "actions",
    ("decisions.timing",),
    """
    select audience, times, value, round(100.0 * responded / nullif(sent, 0), 2) as percent_responded,
           round(100 * low, 2) as low, round(100 * high, 2) as high, sent, responded, refused, fine, said
    from decisions.timing where day = (select max(day) from decisions.timing) order by audience, times, value""",
    "select max(day) from decisions.timing",
    Chart("bars", x="value", y=("percent_responded",), choose=("audience", "times"), low="low", high="high"),
)

LEARNINGS = Panel(
    "learnings",
    "actions",
    ("decisions.experiment_results",),
    """
    select experiment, learning, metric, variant, units, control_units, round(difference, 4) as difference,
           round(low, 4) as low, round(high, 4) as high, verdict, said
    from decisions.experiment_results
    where learning <> '' and day = (select max(day) from decisions.experiment_results)
    order by experiment, role desc, metric, variant""",
    "select max(day) from decisions.experiment_results",
)

PANELS = (
    *(DELIVERIES, EFFECTS, ACTION_RETURNS, OFFERS),
    *(PRESSURE, OPTED_OUT, TIMING, LEARNINGS, AUDIENCES),
)
