"""Run a day through every DAG of the chain with `dag.test()`, and print the asset events as JSON: `run_day.py DAY`."""

import json
import logging
import sys

CHAIN = (
    "ingest_crm",
    "ingest_survey",
    "ingest_chat",
    "ingest_web",
    "build_profiles",
    "map_journeys",
    "score_customers",
    "build_audiences",
    "push_audiences",
)


def main(day: str) -> int:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.asset import AssetEvent
    from airflow.settings import Session
    from airflow.utils.db import initdb
    from sqlalchemy import select
    from sqlalchemy.orm import joinedload

    logging.disable(logging.INFO)
    initdb()
    bag = DagBag()
    for name in CHAIN:
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
