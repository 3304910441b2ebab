"""Run a DAG of pushes with `dag.test()`, without patience, and print what waited: `run_waiting.py DAG DAY`."""

import json
import logging
import sys


def main(name: str, day: str) -> None:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.taskreschedule import TaskReschedule
    from airflow.settings import Session
    from sqlalchemy import select

    from jobs.activation import awaiting

    awaiting.SHORT_SECONDS, awaiting._AGAIN = 0.0, (0.1, 0.1)
    logging.disable(logging.INFO)
    run = DagBag().dags[name].test(logical_date=None, run_conf={"day": day})
    with Session() as session:
        again = [one.task_instance.task_id for one in session.scalars(select(TaskReschedule)).all()]
    tries = sorted({task.try_number for task in run.get_task_instances() if task.task_id in again})
    sys.stdout.write("\n" + json.dumps({"state": str(run.state), "rescheduled": again, "tries": tries}))


if __name__ == "__main__":
    main(*sys.argv[1:])
