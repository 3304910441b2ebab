"""Where things stand, in tables: each is one query over the lake that `klantreis query` can repeat."""

from __future__ import annotations

from jobs.config.settings import Settings
from jobs.lake.queries import connect, views_of
from jobs.report import contacts
from jobs.report.referrals import REFERRALS
from jobs.report.section import Section, in_order_of_stages
from jobs.validate.reconciliation import after_replays

AFTER_REPLAYS = after_replays("ops.counts", "ops.files", "quarantine.rows", "quarantine.replays")


SECTIONS = (
    Section(
        "Rows per source",
        ("ops.files", "ops.counts"),
        """
        with bad_files as (  -- a file that could not be read counts as one quarantined row
            select source, dataset, count(*) filter (state = 'quarantined') as whole_files,
                   count(*) filter (state = 'duplicate') as repeated_files
            from ops.files group by all)
        select c.source, c.dataset, sum(c.rows_in) as "rows in", sum(c.accepted) as accepted,
               sum(c.quarantined) as quarantined, sum(c.duplicates) as duplicate,
               coalesce(sum(c.left_out), 0) as "left out",
               coalesce(any_value(b.whole_files), 0) as "files set aside",
               coalesce(any_value(b.repeated_files), 0) as "files repeated"
        from ops.counts c left join bad_files b using (source, dataset)
        group by c.source, c.dataset order by c.source, c.dataset""",
    ),
    Section(
        "Rows that were set aside and tried again",
        ("ops.counts", "ops.files", "quarantine.rows", "quarantine.replays"),
        f"""
        select source, dataset, sum(rows_in) as "rows in", sum(accepted) as accepted, sum(waiting) as "in quarantine",
               sum(dropped) as dropped, sum(duplicates) as duplicate
        from ({AFTER_REPLAYS}) group by source, dataset order by source, dataset""",
    ),
    Section(
        "Customers",
        ("profiles.customers", "identity.events"),
        """
        select count(*) as customers, count(*) filter (known) as known, count(*) filter (not known) as anonymous,
               sum(contact_records) as "contact records",
               (select count(*) from identity.events where type = 'merged') as "merged into another"
        from profiles.customers""",
    ),
    Section(
        "Customers and visitors per journey stage",
        ("journeys.stages", "profiles.customers"),
        f"""
        with placed as (select customer_id, kind, stage, state from journeys.stages where valid_to is null),
        everybody as (
            select coalesce(stage, 'none: no contact yet') as stage, state,
                   coalesce(kind, case when known then 'customer' else 'visitor' end) as kind
            from profiles.customers full join placed using (customer_id))
        select stage, state, count(*) filter (kind = 'customer') as customers,
               round(100.0 * count(*) filter (kind = 'customer') / sum(count(*) filter (kind = 'customer')) over (), 1)
                   as "% of customers",
               count(*) filter (kind = 'visitor') as visitors
        from everybody group by stage, state
        order by {in_order_of_stages("stage")}, state""",
    ),
    Section(
        "Moves of customers from stage to stage",
        ("journeys.stage_moves",),
        f"""
        select from_stage as "from", to_stage as "to", count(*) as moves, count(distinct customer_id) as customers,
               round(100.0 * count(*) / sum(count(*)) over (partition by from_stage), 1) as "% of those who left",
               median(days_before) as "median days before", round(avg(value), 2) as "average value",
               count(*) filter (not allowed) as "not allowed"
        from journeys.stage_moves where kind = 'customer' and from_stage is not null
        group by from_stage, to_stage
        order by {in_order_of_stages("from_stage")},
                 moves desc, to_stage""",
    ),
    Section(
        "Micro-moments",
        ("journeys.moments",),
        """
        select type, count(*) as moments, round(100.0 * avg(served::int), 1) as "served %",
               count(distinct customer_id) as customers
        from journeys.moments group by type order by moments desc""",
    ),
    Section(
        "Funnels: customers who came to each step, in the newest window",
        ("journeys.funnels",),
        """
        select funnel, step, name, customers, dropped, waiting, round(100 * share_of_first, 1) as "% of first",
               round(median_seconds / 3600, 2) as "hours from the step before"
        from journeys.funnels where period = 'window' order by funnel, step""",
    ),
    Section(
        "Most frequent paths",
        ("journeys.paths",),
        """
        select path, sum(paths) as paths, round(100 * sum(share), 1) as "%", sum(conversions) as conversions,
               sum(paths) filter (outcome = 'drop-off') as "drop-off", sum(paths) filter (outcome = 'open') as open,
               sum(value) as value
        from journeys.paths where place <= 10 or place is null group by path order by min(place) nulls last""",
    ),
    Section(
        "Most frequent steps, and what follows them",
        ("journeys.transitions",),
        """
        select from_step as step, sum(transitions) as times, max_by(to_step, transitions) as "most often next",
               round(100 * max(share_of_from), 1) as "%",
               round(100 * coalesce(max(share_of_from) filter (is_loop), 0), 1) as "again %",
               round(100 * coalesce(max(share_of_from) filter (to_step = '(drop-off)'), 0), 1) as "drop-off %"
        from journeys.transitions group by from_step order by times desc, step limit 10""",
    ),
    Section(
        "Orders by channel, as each attribution model credits them",
        ("journeys.attribution",),
        """
        select credited as channel, {models}, any_value(cost) as cost
        from journeys.attribution where dimension = 'channel'
        group by credited order by linear desc, channel""".format(
            models=", ".join(
                f"round(sum(orders) filter (model = '{model}'), 1) as {model}"
                for model in ("first", "last", "linear", "position", "time_decay", "markov", "shapley")
            )
        ),
    ),
    Section(
        "Opportunities of the journey map: those lost, for each week of work",
        ("journeys.map_opportunities",),
        """
        select place, title, touchpoint, reach, lost, round(100 * loss, 1) as "loss %", effort_weeks as weeks,
               round(score, 1) as score, solutions
        from journeys.map_opportunities order by place nulls last, opportunity""",
    ),
    Section(
        "Solutions of the journey map, and what they changed",
        ("journeys.map_solutions",),
        """
        select title, status, kpi, live_from as since, before, after, change, low, high, verdict
        from journeys.map_solutions order by solution""",
    ),
    Section(
        "Contradictions on the journey map",
        ("journeys.map_contradictions",),
        """
        select kind, touchpoint, one, other, told, customers from journeys.map_contradictions
        order by kind, touchpoint, one, other""",
    ),
    Section(
        "How fast pages are, three in four at least this good",
        ("journeys.vitals", "journeys.touchpoints"),
        """
        select coalesce(t.touchpoint, 'visit') as touchpoint, coalesce(moment, 'none') as moment,
               coalesce(device, 'unknown') as device, count(*) as pages,
               round(quantile_cont(lcp, 0.75), 3) as "LCP s", round(quantile_cont(inp, 0.75), 3) as "INP s",
               round(quantile_cont(cls, 0.75), 3) as "CLS"
        from journeys.vitals v left join journeys.touchpoints t on t.type = 'visit' and t.reference = v.session_id
        group by all order by pages desc, touchpoint, moment, device limit 20""",
    ),
    Section(
        "Events of programs, last ten days",
        ("journeys.bots",),
        """
        select day, rule, events, visitors from journeys.bots
        where day > (select max(day) from journeys.bots) - 10 order by day, rule""",
    ),
    Section(
        "Segments",
        ("models.scores", "models.segments"),
        """
        select s.label as segment, count(*) as customers, any_value(d.description) as description
        from models.scores s left join models.segments d
          on d.model = s.model and d.segment = s.label and d.model_version = s.model_version
        where s.model = 'segmentation' and s.day = (select max(day) from models.scores)
        group by s.label order by customers desc""",
    ),
    Section(
        "Models",
        ("models.evaluations",),
        """
        select model, model_version as version, max(day) as trained, decision,
               max(value) filter (metric = 'auc') as auc,
               max(value) filter (metric = 'baseline_auc') as "baseline auc",
               max(value) filter (metric = 'silhouette') as silhouette, any_value(reason) as reason
        from models.evaluations group by model, model_version, decision order by model, version::int""",
    ),
    REFERRALS,
    Section(
        "Audiences",
        ("audiences.members",),
        """
        select audience, count(*) as members, count(*) filter (arm <> 'treatment') as "held out"
        from audiences.members where day = (select max(day) from audiences.members)
        group by audience order by audience""",
    ),
    Section(
        "Deliveries",
        ("activation.deliveries",),
        """
        select day, audience, destination, members, delivered, removed, refused, unknown, held_out as "held out",
               no_consent as "no consent", no_address as "no address", suppressed, moment_over as "moment over", kept,
               reasons as "not reached by"
        from activation.deliveries order by day, audience, destination""",
    ),
)


def sections(settings: Settings) -> list[tuple[Section, list[str], list[tuple]]]:
    """Each section whose tables exist, with column names and rows."""
    database = connect(settings)
    existing = views_of(database)
    found = []
    for section in (*SECTIONS, *contacts.by_dataset(existing)):
        if existing.issuperset(section.needs):
            result = database.sql(section.sql)
            found.append((section, list(result.columns), result.fetchall()))
    return found
