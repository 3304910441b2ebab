"""Which customer a customer id of the past is today, through all merges, as SQL."""

from __future__ import annotations


def homes(events: str, known: str) -> str:
    """The beginning of a query, by identity/events and identity/map: `homes` has the customer of today (`home`) of each
    customer (`id`) that went into another."""
    return f"""with recursive moved as (
    select other_customer_id as id, customer_id as home from {events} where type = 'merged'
    union
    select moved.id, e.customer_id from moved join {events} e
      on e.other_customer_id = moved.home and e.type = 'merged'
),
homes as (
    select id, min(home) as home from moved
    where home in (select customer_id from {known}) and id not in (select customer_id from {known}) group by id
)"""
