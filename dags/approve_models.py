"""### Ask a person about models that wait for a yes

For models whose file says `approval: person`. Started by hand, for instance after a mail about `retrain_models`. Each
version that passed every check becomes a *required action* in Airflow.

- **waiting** takes the newest version of each model, where it waits.
- **ask** waits for an answer per version: approve or not now, and why. After a week it counts as not now.
- **keep** makes approved versions champion; who said yes and why stays with the version in MLflow.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from dags.asking import ask
from dags.common import DAG_ARGS
from dags.steps import call, skip


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
    keep(asked, ask(asked).output)


approve_models()
