"""Who was in an audience, in which arm, and what they did before and after: one row per person, as SQL.

The arms were drawn by a hash of the customer, so whoever was to be sent something is compared with whoever was held
out, whether or not a message arrived: the only comparison that chance alone explains.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from jobs.identity.over_time.homes import homes

NEEDS = ("decisions/arms", "journeys/touchpoints", "identity/events", "identity/map")
ALL = "*"
"""Stands for all actions together, and those held out of them all."""


def query(audience: str, within_days: int, as_of: date, tables: Mapping[str, str], from_same_day: bool) -> str:
    """SQL (DuckDB) of one row per person who was ever in the audience long enough ago, by `tables` for NEEDS.

    Columns: person (customer of today), arm (of the first day), share (held out of the action on that day), mixed
    (parts of the person were in both arms), day (the first), orders, value, orders_before, value_before: of
    `within_days` after it and before it, in the company's currency. Who is held out of all actions is in no arm of one
    of them; of ALL these are compared with everybody else who ever was in any. `from_same_day`: what is done on the
    first day counts as after; otherwise from the next day.
    """
    arms, touchpoints, events, known = (tables[name] for name in NEEDS)
    first, last = (0, within_days - 1) if from_same_day else (1, within_days)
    return f"""
{homes(events, known)},
people as (
    select coalesce(home, a.customer_id) as person, min(since) as day, arg_min(arm, since) as arm,
           arg_min(share, since) as share, count(distinct arm) > 1 as mixed
    from {arms} a left join homes on homes.id = a.customer_id
    where audience = '{audience}' and since <= date '{as_of}' and arm <> 'global_holdout' group by all
),
orders as (
    select customer_id as person, day, 1 as n, coalesce(amount, 0)::double as amount
    from {touchpoints} where type = 'order' and nth is not null
    union all
    select customer_id, day, 0, coalesce(amount, 0)::double from {touchpoints} where type in ('return', 'cancellation')
)
select p.person, p.arm, p.share, p.mixed, p.day,
       coalesce(sum(n) filter (o.day >= p.day + {first}), 0)::bigint as orders,
       coalesce(sum(amount) filter (o.day >= p.day + {first}), 0) as value,
       coalesce(sum(n) filter (o.day < p.day + {first}), 0)::bigint as orders_before,
       coalesce(sum(amount) filter (o.day < p.day + {first}), 0) as value_before
from people p left join orders o
  on o.person = p.person and o.day between p.day + {first - within_days} and p.day + {last}
where p.day + {last} <= date '{as_of}'
group by p.person, p.arm, p.share, p.mixed, p.day"""
