"""### Erase people who asked to be forgotten

Started by hand, with customer ids: addresses never go into a parameter, since Airflow keeps those. Find the id with
`klantreis explain --email ...` on the machine of the lake.

- **people** counts what there is of each person, and refuses an id that stands for nobody.
- **ask** waits until a person approves under *Required actions*; after a week nothing is erased.
- **erase** asks the destinations, then erases files, tables and their earlier versions; a receipt per place is in
  `privacy/receipts`. If a destination does not confirm, the task fails before anything is erased: clear it to repeat.
"""

from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, dag, task

from dags.common import DAG_ARGS
from dags.steps import call, option

PARAMS = {
    "customers": Param([], type="array", items={"type": "string", "pattern": "^c[0-9a-f]+$"}, minItems=1, maxItems=100),
    "because": Param("", type="string", minLength=3, title="Because", description="such as the number of the request"),
    "without": Param([], type="array", items={"type": "string"}, title="Destinations that are not asked"),
}


@dag(
    schedule=None,
    tags=["privacy"],
    description="Erase people everywhere, with a receipt per place",
    doc_md=__doc__,
    **DAG_ARGS | {"params": DAG_ARGS["params"] | PARAMS, "dagrun_timeout": timedelta(days=8)},
)
def erase_customers() -> None:
    @task
    def people() -> list:
        """How many lines of files there are of each person."""
        from jobs.privacy import requests

        return call(requests.people, option("customers"))

    ask = ApprovalOperator(
        task_id="ask",
        doc_md="Approve or reject, for a person to answer under *Required actions*.",
        subject="Erase {{ params.customers | length }} people everywhere? This cannot be undone.",
        body="{{ ti.xcom_pull(task_ids='people') | join('\n') }}",
        response_timeout=timedelta(days=7),
    )

    @task
    def erase() -> dict:
        """Destinations first, then everything here."""
        from jobs.privacy import requests

        return call(requests.erase, option("customers"), option("because"), option("without"))

    people() >> ask >> erase()


erase_customers()
