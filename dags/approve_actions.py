"""### Ask a person about actions that wait for a yes

For actions whose file says `approval: person`. Started by hand. Each action that nobody approved of, as it is
configured now, becomes a *required action* in Airflow.

- **waiting** takes the actions that wait and have not ended, with who they are for and what they may cost.
- **ask** waits for an answer each: approve or not now, and why. After a week it counts as not now.
- **keep** writes down who said yes and why (`activation/approved_actions`). The next plan lets them be sent.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from dags.asking import ask
from dags.common import DAG_ARGS
from dags.steps import call, skip


@dag(
    schedule=None,
    tags=["activation"],
    description="A person decides which actions are sent",
    doc_md=__doc__,
    **DAG_ARGS | {"dagrun_timeout": timedelta(days=8)},
)
def approve_actions() -> None:
    @task
    def waiting() -> list:
        """The actions to ask about."""
        from jobs.activation import approved_actions

        return call(approved_actions.questions) or skip("no action waits for approval")

    @task
    def keep(asked: Any, answers: Any) -> dict:
        """Approved actions may be sent."""
        from jobs.activation import approved_actions

        return call(approved_actions.keep, list(asked), list(answers))

    asked = waiting()
    keep(asked, ask(asked).output)


approve_actions()
