"""A question to a person for each of many things, as *required actions* of Airflow: an answer, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param

from jobs.config.asked import APPROVE, LATER

BECAUSE = Param("", type="string", title="Because", description="why; it is kept")


def question(one: dict) -> dict:
    """What is shown of it."""
    return {"subject": one["subject"], "body": one["body"]}


def ask(asked: Any, options: Sequence[str] = (APPROVE, LATER)) -> Any:
    """A mapped task that asks; its output are the answers, in order. After a week the last of the options counts."""
    return HITLOperator.partial(
        task_id="ask",
        doc_md="One question each, for a person to answer under *Required actions*.",
        options=list(options),
        defaults=options[-1],
        params={"because": BECAUSE},
        response_timeout=timedelta(days=7),
    ).expand_kwargs(asked.map(question))
