"""One customer's own journey: everything that happened to them in order, each with its reason."""

from __future__ import annotations

import json
from typing import Any

from jobs.config.settings import Settings
from jobs.lake.queries import connect, views_of
from jobs.report.page.panel import plain, shown

FACTS = {
    "profiles.customers": """
        select customer_id, known, customer_since, contact_records, array_to_string(sources, ', ') as sources,
               language, country
        from profiles.customers where customer_id = $id""",
    "journeys.stages": """
        select stage, state as stage_state, since as stage_since, rule as stage_rule, evidence_last as stage_evidence
        from journeys.stages where customer_id = $id and valid_to is null""",
    "models.scores": """
        select any_value(label) filter (model = 'segmentation') as segment,
               any_value(label) filter (model = 'churn') as churn_risk,
               any_value(array_to_string(reasons, '; ')) filter (model = 'churn') as churn_reasons
        from models.scores where customer_id = $id and day = (select max(day) from models.scores)""",
}
"""What is known of the customer now, by the table that says it. Nothing that identifies a person."""

EVENTS = {
    "journeys.touchpoints": """
        select occurred_at as at, 'contact' as kind, channel || ' ' || type as what, subject as detail,
               case when valence <> 'neutral' then valence end as reason
        from journeys.touchpoints where customer_id = $id""",
    "journeys.moments": """
        select started_at, 'moment', type, case when served then 'served' else 'not served' end,
               array_to_string(evidence, ', ')
        from journeys.moments where customer_id = $id""",
    "journeys.sessions": """
        select ended_at, 'intent', intent_band, intent::varchar, array_to_string(intent_signs, ', ')
        from journeys.sessions where customer_id = $id and intent_band <> 'low'""",
    "journeys.stages": """
        select valid_from::timestamptz, 'stage', stage || case when state <> 'active' then ' ' || state else '' end,
               rule, evidence
        from journeys.stages where customer_id = $id""",
    "activation.plans": """
        select day::timestamptz, 'decision', audience || ' to ' || destination, action, reason
        from activation.plans where customer_id = $id and action <> 'keep'""",
    "activation.ledger": """
        select updated_at, 'delivery', audience || ' to ' || destination, action || ' ' || state, reason
        from activation.ledger where customer_id = $id""",
    "identity.events": """
        select day::timestamptz, 'identity', type, reason, other_customer_id
        from identity.events where customer_id = $id or other_customer_id = $id""",
}
"""What happened, by the table that says it."""

NEWEST = 500
"""Events shown, from the newest back."""


def journey_of(customer_id: str, settings: Settings) -> dict[str, Any] | None:
    """Facts and events of one customer, newest first; None if there is no such customer."""
    database = connect(settings, only={*FACTS, *EVENTS})
    existing = views_of(database)
    if "profiles.customers" not in existing:
        return None
    facts: dict[str, Any] = {}
    for table, sql in FACTS.items():
        if table not in existing:
            continue
        found = database.execute(sql, {"id": customer_id})
        columns = [column[0] for column in found.description or ()]
        row = next(iter(found.fetchall()), None)
        if row is None and table == "profiles.customers":
            return None
        facts |= {name: shown(value) for name, value in zip(columns, row or (), strict=False) if value is not None}
    parts = [plain(sql) for table, sql in EVENTS.items() if table in existing]
    rows: list[Any] = []
    if parts:
        every = "\nunion all\n".join(parts)
        newest = f"select * from ({every}) order by 1 desc, 2, 3 limit {NEWEST}"
        rows = database.execute(newest, {"id": customer_id}).fetchall()
    if "stage_evidence" in facts:
        facts["stage_evidence"] = _spelled_out(facts["stage_evidence"])
    told = [
        [*map(shown, (at, kind, what, detail)), _spelled_out(reason) if kind == "stage" else shown(reason)]
        for at, kind, what, detail, reason in rows
    ]
    return {"facts": facts, "columns": ["at", "kind", "what", "detail", "reason"], "rows": told}


def _spelled_out(evidence: str | None) -> str:
    """The numbers that a stage rule saw, which the platform itself wrote as a JSON object."""
    return ", ".join(f"{name} {number}" for name, number in json.loads(evidence or "{}").items())
