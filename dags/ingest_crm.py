"""### Load and validate what the customer systems: CRM, shops, tills and campaign tools delivered on a day

Runs every night at four for the day that just ended, one task per source of the group `crm` in `config/sources/`.

- **Reads** the files that landed up to that day and were not loaded before (`ops/files` remembers them).
- **Writes** `raw/*` as received, good rows to `valid/*`, bad rows with rule, reason, file and line to
  `quarantine/rows`, and the verdict of each expectation to `ops/validations`.
- **Stops** when a critical expectation fails: the log says which, nothing that depends on the group runs for the day.
- **Updates** the asset `valid/crm`, when all sources of the group are in.
"""

from typing import Any

from airflow.sdk import dag, task

from dags.common import CRM, DAG_ARGS, NIGHTLY, sources_of
from dags.steps import published, step, total


@dag(
    schedule=NIGHTLY,
    tags=["ingest", "crm"],
    description="Customer records, consents, orders and campaign events: landing to valid",
    doc_md=__doc__,
    **DAG_ARGS,
)
def ingest_crm() -> None:
    @task(map_index_template="{{ task.op_kwargs['source'] }}", doc_md="New files to raw, good rows to valid tables.")
    def load_and_validate(source: str) -> dict:
        from jobs.ingest import load
        from jobs.validate import publish

        return step(load.run, source) | step(publish.run, source)

    @task(outlets=[CRM], trigger_rule="none_failed")
    def publish(counts: Any) -> dict:
        """Every source of the group is in: what waits for `valid/crm` may start."""
        return published(total(counts))

    publish(load_and_validate.expand(source=sources_of("crm")))


ingest_crm()
