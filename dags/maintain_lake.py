"""### Keep the tables small and fast

Runs every Sunday at five. Compacts the small files that daily commits leave and removes files that no table version of
the last week needs; readers are not disturbed. Days that are older than `config/retention.yaml` keeps are deleted
first (`ops/retention`); no other row is changed.
"""

from airflow.sdk import CronTriggerTimetable, dag, task

from dags.common import DAG_ARGS, NOT_LATE, ZONE
from dags.steps import call, published


@dag(
    schedule=CronTriggerTimetable("0 5 * * 0", timezone=ZONE, **NOT_LATE),
    tags=["maintenance"],
    description="Delete days that are kept no longer, compact small files and remove old ones",
    doc_md=__doc__,
    **DAG_ARGS,
)
def maintain_lake() -> None:
    @task
    def forget_old_days() -> dict:
        """Rows that are older than config/retention.yaml keeps."""
        from jobs.privacy import retention

        return call(retention.run)

    @task
    def compact_and_vacuum() -> dict:
        """Every table, one after the other."""
        from jobs.lake import maintenance

        return published(call(maintenance.run))

    forget_old_days() >> compact_and_vacuum()


maintain_lake()
