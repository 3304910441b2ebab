"""Run the ingest DAG of the CRM for a day and print the links Airflow then shows on its tasks: `run_ingest.py DAY`."""

import json
import logging
import sys


def main(day: str) -> None:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.taskinstance import TaskInstance
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.settings import Session
    from sqlalchemy import select

    logging.disable(logging.INFO)
    dag = DagBag().dags["ingest_crm"]
    run = dag.test(logical_date=None, run_conf={"day": day})
    as_the_server_sees_it = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    links = []
    with Session() as session:
        instances = session.scalars(select(TaskInstance).where(TaskInstance.run_id == run.run_id)).all()
    for instance in instances:
        task = as_the_server_sees_it.get_task(instance.task_id)
        shown = {name: task.get_extra_links(instance, name) for name in task.extra_links}
        links.append([instance.task_id, instance.rendered_map_index, str(instance.state), shown])
    sys.stdout.write("\n" + json.dumps(sorted(links, key=str)))


if __name__ == "__main__":
    main(sys.argv[1])
