"""A question to a person for each of many things, as *required actions* of Airflow: approve, or not now, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param

from jobs.config.asked import APPROVE, LATER

BECAUSE = Param("", type="string", title="Because", description="why; it is kept")


def question(one: dict) -> dict:
    """What is shown of it."""
    return {"subject": one["subject"], "body": one["body"]}


def ask(asked: Any) -> Any:
    """A mapped task that asks; its output are the answers, in order. After a week it counts as not now."""
    return HITLOperator.partial(
        task_id="ask",
        doc_md="One question each, for a person to answer under *Required actions*.",
        options=[APPROVE, LATER],
        defaults=LATER,
        params={"because": BECAUSE},
        response_timeout=timedelta(days=7),
    ).expand_kwargs(asked.map(question))
