"""Run one DAG with `dag.test()` and print its state and the asset events so far as JSON: `run_dag.py DAG CONF`."""

import json
import logging
import sys


def main(name: str, conf: str) -> None:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.asset import AssetEvent
    from airflow.settings import Session
    from sqlalchemy import select
    from sqlalchemy.orm import joinedload

    logging.disable(logging.INFO)
    run = DagBag().dags[name].test(logical_date=None, run_conf=json.loads(conf))
    states = {task.task_id: str(task.state) for task in run.get_task_instances()}
    with Session() as session:
        events = session.scalars(select(AssetEvent).options(joinedload(AssetEvent.asset))).all()
        found = [[event.asset.name, event.partition_key] for event in events]
    sys.stdout.write("\n" + json.dumps({"state": str(run.state), "tasks": states, "events": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
