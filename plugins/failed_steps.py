"""What failed in Airflow and why, for the page "Customer journey": the newest run of every day of every DAG.

The reason is what the failed task left for it (`say_why` of `dags/failing.py`), so no log has to be searched; it stands
in the database of Airflow and not in the lake, which cannot be written to when its disk is full.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

OWNER, WHY = "data-platform", "why"
"""Owner of the DAGs of Klantreis, and the key of the reason a task failed: see `dags/common.py`, `failing.py`."""
FAILED, AGAIN, WAITS = "failed", "up_for_retry", "upstream_failed"
LOOKED_BACK = timedelta(days=14)
SHOWN = 20


def failed_steps(user: Any) -> list[dict[str, Any]]:
    """The steps that failed and were not run again with success since, newest first, of DAGs this user may see.

    Each says `step`, `day`, `kind` and `why` of its error (empty where a task was killed before it could say
    anything), whether it is tried `again` by itself, how many steps `wait` for it, and the address of its `log`.
    """
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        runs = _newest_runs(user, session)
        tasks = session.scalars(
            select(TaskInstance).where(
                TaskInstance.run_id.in_({run_id for _, run_id in runs}),
                TaskInstance.state.in_((FAILED, AGAIN, WAITS)),
            )
        ).all()
        tasks = [task for task in tasks if (task.dag_id, task.run_id) in runs]
        waiting = [(task.dag_id, task.run_id) for task in tasks if task.state == WAITS]
        failed = [task for task in tasks if task.state != WAITS]
        failed.sort(key=lambda task: task.end_date or datetime.min.replace(tzinfo=UTC), reverse=True)
        return [
            {
                "step": f"{task.dag_id}: {task.task_id} {task.rendered_map_index or ''}".strip(),
                "day": runs[task.dag_id, task.run_id],
                **_reason(task, session),
                "again": task.state == AGAIN,
                "wait": waiting.count((task.dag_id, task.run_id)),
                "log": _log(task),
            }
            for task in failed[:SHOWN]
        ]


def _newest_runs(user: Any, session: Any) -> dict[tuple[str, str], str]:
    """DAG and run to the day it is about: the newest run of each DAG and day."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.models.dag import DagModel
    from airflow.models.dagrun import DagRun
    from sqlalchemy import select

    allowed = get_auth_manager().get_authorized_dag_ids(user=user, session=session)
    ours = session.scalars(select(DagModel.dag_id).where(DagModel.owners == OWNER)).all()
    recent = session.scalars(
        select(DagRun)
        .where(DagRun.dag_id.in_(allowed.intersection(ours)), DagRun.run_after > datetime.now(UTC) - LOOKED_BACK)
        .order_by(DagRun.run_after.desc(), DagRun.id.desc())
    )
    newest: dict[tuple[str, str], str] = {}
    for run in recent:
        conf = run.conf if isinstance(run.conf, dict) else {}
        day = conf.get("day") or run.partition_key or run.run_after.date().isoformat()
        newest.setdefault((run.dag_id, day), run.run_id)
    return {(dag, run_id): day for (dag, day), run_id in newest.items()}


def _reason(task: Any, session: Any) -> dict[str, str]:
    from airflow.models.xcom import XComModel

    query = XComModel.get_many(
        run_id=task.run_id, key=WHY, task_ids=task.task_id, dag_ids=task.dag_id, map_indexes=task.map_index
    )
    found = session.execute(query.limit(1)).first()
    left = XComModel.deserialize_value(found[0] if isinstance(found[0], XComModel) else found) if found else {}
    return {"kind": str(left.get("kind", "")), "why": str(left.get("why", ""))}


def _log(task: Any) -> str:
    """The address of the task in the UI, below its root."""
    from urllib.parse import quote

    mapped = f"/mapped/{task.map_index}" if task.map_index >= 0 else ""
    return f"dags/{task.dag_id}/runs/{quote(task.run_id)}/tasks/{task.task_id}{mapped}"
