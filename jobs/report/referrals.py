"""Who brought whom: a new customer whose first order has the code of another one, once, however often it was delivered.

The code is an attribute `referral_code`: of contacts the one that a person may hand on, of orders the one used there.
"""

from __future__ import annotations

from jobs.report.section import Section

EDGES = """
        with codes as (
            select lower(trim(json_extract_string(c.attributes, '$.referral_code'))) as code,
                   any_value(t.customer_id) as referrer
            from newest.contacts c join journeys.touchpoints t
              on t.type = 'registration' and t.source = c.source and t.reference = c.contact_id
            where json_extract_string(c.attributes, '$.referral_code') <> ''
            group by 1 having count(distinct t.customer_id) = 1)  -- a code of two people is nobody's
        select codes.referrer, t.customer_id as customer, t.day, t.amount
        from journeys.touchpoints t
        join newest.orders o on o.source = t.source and o.order_id = t.reference
        left join codes on codes.code = lower(trim(json_extract_string(o.attributes, '$.referral_code')))
        where t.type = 'order' and t.nth = 1 and json_extract_string(o.attributes, '$.referral_code') <> ''
          and codes.referrer is distinct from t.customer_id"""
"""One row per customer who came by a code: `referrer` (empty if nobody known has the code), `customer`, `day` and
`amount` of the first order, in the company's currency. Whoever uses his own code was brought by nobody."""

REFERRALS = Section(
    "New customers by the code of another, last twelve months",
    ("valid.contacts", "valid.orders", "journeys.touchpoints"),
    f"""
        select date_trunc('month', day)::date as month, count(*) as "new customers",
               count(referrer) as "of somebody known", count(distinct referrer) as "people who brought them",
               sum(amount) as "paid in first orders"
        from ({EDGES})
        where day > (select max(day) from journeys.touchpoints) - interval 12 month
        group by month order by month""",
)
