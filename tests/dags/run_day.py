"""Run a day through every DAG of the chain with `dag.test()`, and print the asset events as JSON: `run_day.py DAY`."""

import json
import logging
import sys


def chain(dags):
    """The DAGs a day goes through, each after those whose assets it waits for."""
    waiting = {name: dag for name, dag in dags.items() if "daily" in dag.tags}
    made, ordered = set(), []
    while waiting:
        ready = [name for name, dag in waiting.items() if waits_for(dag) <= made]
        assert ready, f"these wait for what no DAG of the day makes: {sorted(waiting)}"
        ordered += sorted(ready)
        made |= {outlet.name for name in ready for task in waiting.pop(name).tasks for outlet in task.outlets}
    return ordered


def waits_for(dag):
    condition = getattr(dag.timetable, "asset_condition", None)
    return {asset.name for asset in getattr(condition, "objects", [condition] if condition else [])}


def main(day: str) -> int:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.asset import AssetEvent
    from airflow.settings import Session
    from sqlalchemy import select
    from sqlalchemy.orm import joinedload

    logging.disable(logging.INFO)
    bag = DagBag()
    for name in chain(bag.dags):
        run = bag.dags[name].test(logical_date=None, run_conf={"day": day})
        if run.state != "success":
            sys.stderr.write(f"\n{name} of {day} ended as {run.state}\n")
            return 1
    with Session() as session:
        events = session.scalars(select(AssetEvent).options(joinedload(AssetEvent.asset))).all()
        found = [[event.asset.name, event.partition_key, event.extra] for event in events]
    sys.stdout.write("\n" + json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
