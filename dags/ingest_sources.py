"""Load and validate what landed: one DAG `ingest_GROUP` for each `group` named in `config/sources/`."""

from typing import Any

from airflow.sdk import DAG, task

from dags.common import DAG_ARGS, DAILY, NIGHTLY, VALID, sources_of
from dags.steps import published, step, total

DOC = """### Load and validate what the sources of the group `{group}` delivered on a day

Runs every night at four for the day that just ended, one task per source: {sources}.

- **Takes in** what came back from what was sent, if one of these is the source of `config/feedback.yaml`.
- **Reads** the files that landed up to that day and were not loaded before (`ops/files` remembers them).
- **Writes** `raw/*` as received, good rows to `valid/*`, bad rows with rule, reason, file and line to
  `quarantine/rows`, and the verdict of each expectation to `ops/validations`.
- **Stops** when a critical expectation fails: the log says which, nothing that waits for the group runs for the day.
- **Updates** the asset `valid/{group}`, when all sources of the group are in.
"""


def ingest(group: str) -> None:
    """The DAG of one group of sources."""

    @task(map_index_template="{{ task.op_kwargs['source'] }}", doc_md="New files to raw, good rows to valid tables.")
    def load_and_validate(source: str) -> dict:
        return step("feedback", source) | step("ingest", source) | step("validate", source)

    @task(outlets=[VALID[group]], trigger_rule="none_failed")
    def publish(counts: Any) -> dict:
        """Every source of the group is in: what waits for it may start."""
        return published(total(counts))

    with DAG(
        f"ingest_{group}",
        schedule=NIGHTLY,
        tags=[DAILY, "ingest", group],
        description=f"Sources of the group {group}: landing to valid",
        doc_md=DOC.format(group=group, sources=", ".join(f"`{source}`" for source in sources_of(group))),
        **DAG_ARGS,
    ):
        publish(load_and_validate.expand(source=sources_of(group)))


for name in VALID:
    ingest(name)
