"""Run map_journeys of a day with `dag.test()` and print the states of its tasks as JSON: `run_alerts.py DAY`."""

import json
import logging
import sys


def main(day: str) -> None:
    from airflow.dag_processing.dagbag import DagBag

    logging.disable(logging.INFO)
    run = DagBag().dags["map_journeys"].test(logical_date=None, run_conf={"day": day})
    states = {task.task_id: str(task.state) for task in run.get_task_instances()}
    sys.stdout.write("\n" + json.dumps({"state": str(run.state), "tasks": states}))


if __name__ == "__main__":
    main(*sys.argv[1:])
