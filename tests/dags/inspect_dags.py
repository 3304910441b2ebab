"""Parse the DAG folder in a process of its own and print what was found as JSON."""

import importlib
import json
import logging
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

touched: list[str] = []


def note_connections(event: str, arguments: tuple) -> None:
    if event in ("socket.connect", "sqlite3.connect"):
        touched.append(f"{event} {arguments[-1]!r}")


def assets(condition) -> list[str]:
    if condition is None:
        return []
    return sorted(asset.name for asset in getattr(condition, "objects", [condition]))


def describe(dag) -> dict:
    return {
        "file": Path(dag.fileloc).name,
        "schedule": type(dag.timetable).__name__,
        "starts_on": assets(getattr(dag.timetable, "asset_condition", None)),
        "updates": sorted({outlet.name for task in dag.tasks for outlet in task.outlets}),
        "tasks": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
        "mapped": sorted(task.task_id for task in dag.tasks if task.is_mapped),
        "tags": sorted(dag.tags),
        "doc": dag.doc_md or "",
        "description": dag.description or "",
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "run_timeout": dag.dagrun_timeout.total_seconds(),
        "params": sorted(dag.params),
        "task_docs": {task.task_id: task.doc_md or "" for task in dag.tasks},
        "owners": sorted({task.owner for task in dag.tasks}),
        "retries": sorted({task.retries for task in dag.tasks}),
        "timeouts": sorted({task.execution_timeout.total_seconds() for task in dag.tasks}),
        "tells_why": all(task.on_failure_callback for task in dag.tasks),
        "pools": {task.task_id: task.pool for task in dag.tasks},
    }


def main(folder: str) -> None:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    from jobs.config.yaml_files import ConfigError

    seconds = {}
    sys.addaudithook(note_connections)
    for path in sorted(Path(folder).glob("*.py")):
        start = time.process_time()
        with suppress(ConfigError):  # the bag reports it below, as Airflow does
            importlib.import_module(f"dags.{path.stem}")
        seconds[path.name] = time.process_time() - start
    connections, loaded = list(touched), sorted({name.split(".")[0] for name in sys.modules})
    bag = DagBag(folder)
    for dag in bag.dags.values():
        DagSerialization.serialize_dag(dag)
    found = {
        "errors": bag.import_errors,
        "dags": {dag_id: describe(dag) for dag_id, dag in bag.dags.items()},
        "loaded": loaded,
        "connections": connections,
        "seconds": seconds,
    }
    sys.stdout.write("\n" + json.dumps(found))


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    main(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
