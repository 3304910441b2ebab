"""Panels about models: segments, risk, what customers are still worth, what is recommended, which models are in use."""

from __future__ import annotations

from jobs.report.page.panel import Chart, Panel

SEGMENTS = Panel(
    "segments",
    "models",
    ("models.scores", "models.segments"),
    """
    select s.label as segment, count(*) as customers, any_value(d.description) as description
    from models.scores s left join models.segments d
      on d.model = s.model and d.segment = s.label and d.model_version = s.model_version
    where s.model = 'segmentation' and s.day = (select max(day) from models.scores where model = 'segmentation')
    group by s.label order by customers desc""",
    "select max(day) from models.scores where model = 'segmentation'",
    Chart("bars", x="segment", y=("customers",)),
)

RISK = Panel(
    "churn_risk",
    "models",
    ("models.scores",),
    """
    select day, coalesce(label, 'none') as risk, count(*) as customers, round(avg(score), 3) as mean_probability
    from models.scores
    where model = 'churn' and basis is distinct from 'others never there'  -- who never ordered cannot be lost
      and day > (select max(day) from models.scores where model = 'churn') - 90
    group by day, label order by day, list_position(['low', 'medium', 'high'], label)""",
    "select max(day) from models.scores where model = 'churn'",
    Chart("bars", x="day", y=("customers",), split="risk"),
)

MODELS = Panel(
    "models",
    "models",
    ("models.evaluations",),
    """
    select model, model_version as version, max(day) as trained, decision,
           round(max(value) filter (metric = 'auc'), 3) as auc,
           round(max(value) filter (metric = 'baseline_auc'), 3) as baseline_auc,
           round(max(value) filter (metric = 'silhouette'), 3) as silhouette, any_value(reason) as reason
    from models.evaluations group by model, model_version, decision order by model, version::int desc""",
    "select max(day) from models.evaluations",
)

WORTH = Panel(
    "worth",
    "models",
    ("models.value",),
    """
    with newest as (
        select * from models.value where day = (select max(day) from models.value)),
    placed as (select *, least(floor(5 * alive), 4)::int as fifth from newest)
    select model, (20 * fifth) || ' - ' || (20 * (fifth + 1)) || ' %' as still_buys, count(*) as customers,
           round(avg(alive), 3) as mean_probability, round(sum(orders_90d), 1) as orders_expected,
           round(sum(value_365d), 2) as value_expected, round(avg(value_365d), 2) as mean_value
    from placed group by model, fifth order by model, fifth desc""",
    "select max(day) from models.value",
    Chart("bars", x="still_buys", y=("customers",), choose=("model",)),
)

RECOMMENDED = Panel(
    "recommended",
    "models",
    ("models.recommendations",),
    """
    with newest as (
        select * from models.recommendations where day = (select max(day) from models.recommendations)),
    every as (select model, count(distinct customer_id) as people from newest group by model)
    select model, coalesce(name, item) as item, count(*) as customers,
           round(100 * count(*) / any_value(people), 1) as percent_of_customers,
           count(*) filter (rank = 1) as first_choice, count(*) filter (because = 'again') as bought_before,
           count(*) filter (because = 'similar') as by_what_was_bought, count(*) filter (because = 'popular') as popular
    from newest join every using (model) group by model, coalesce(name, item), item
    qualify row_number() over (partition by model order by count(*) desc, coalesce(name, item), item) <= 20
    order by model, customers desc, item""",
    "select max(day) from models.recommendations",
    Chart("bars", x="item", y=("customers",), choose=("model",)),
)

PANELS = (SEGMENTS, RISK, WORTH, RECOMMENDED, MODELS)
