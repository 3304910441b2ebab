"""### Ask a person about models that wait for a yes

For models whose file says `approval: person`. Started by hand, for instance after a mail about `retrain_models`. Each
version that passed every check becomes a *required action* in Airflow.

- **waiting** takes the newest version of each model, where it waits.
- **ask** waits for an answer per version: approve or not now, and why. After a week it counts as not now.
- **keep** makes approved versions champion; who said yes and why stays with the version in MLflow.
"""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param, dag, task

from dags.common import DAG_ARGS
from dags.steps import call, skip

BECAUSE = Param("", type="string", title="Because", description="why; it is kept with the version")


def question(version: dict) -> dict:
    """What is shown of a version."""
    return {"subject": version["subject"], "body": version["body"]}


@dag(
    schedule=None,
    tags=["models"],
    description="A person decides which trained models are used",
    doc_md=__doc__,
    **DAG_ARGS | {"dagrun_timeout": timedelta(days=8)},
)
def approve_models() -> None:
    @task
    def waiting() -> list:
        """The versions to ask about, with every check they passed."""
        from jobs.models import approval

        return call(approval.questions) or skip("no model waits for approval")

    @task
    def keep(asked: Any, answers: Any) -> dict:
        """Approved versions become champion."""
        from jobs.models import approval

        return call(approval.keep, list(asked), list(answers))

    asked = waiting()
    ask = HITLOperator.partial(
        task_id="ask",
        doc_md="One question per version, for a person to answer under *Required actions*.",
        options=["approve", "not now"],
        defaults="not now",
        params={"because": BECAUSE},
        response_timeout=timedelta(days=7),
    )
    keep(asked, ask.expand_kwargs(asked.map(question)).output)


approve_models()
