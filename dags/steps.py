"""Call a job inside a task: for the day of the run, with Airflow's connections, and publish its assets for that day."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from airflow.sdk import Connection, get_current_context
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException

from dags.common import ZONE
from jobs import pipeline
from jobs.config import connections, settings
from jobs.lake import engine, machine

CHATTY = ("alembic", "great_expectations", "grpc", "mlflow", "py4j", "pyspark", "urllib3")


def data_day() -> date:
    """The day this run is about: its parameter `day`, its partition key, or `days_back` (1) before it runs."""
    context = get_current_context()
    named = context["params"].get("day") or context["partition_key"]
    ran_on = context["dag_run"].run_after.astimezone(ZoneInfo(ZONE)).date()
    return date.fromisoformat(named) if named else ran_on - timedelta(days=context["params"].get("days_back", 1))


def step(name: str, *part: str, **options: Any) -> dict[str, Any]:
    """That step of `jobs.pipeline` for a part of the day; its counts go to XCom, its assets are updated."""
    return published(call(pipeline.step(name).function, *part, **options))


def call(run: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """`run(*args, day, settings, **options)` with Airflow's connections and without library chatter."""
    connections.add_connection_source(airflow_connection)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    with engine.told_plainly(task := get_current_context()["task"].task_id):
        machine.refuse_too_little_memory(task)
        return run(*args, data_day(), settings.load_settings(), **options)


def published(counts: dict[str, Any]) -> dict[str, Any]:
    """Say in the asset events of this task for which day they are; consumers start for that day."""
    context, day = get_current_context(), data_day().isoformat()
    for asset in context["task"].outlets:
        event = context["outlet_events"][asset]
        event.extra = {"day": day}
        event.add_partitions(day)
    return counts


def total(results: Iterable[dict[str, Any]]) -> dict[str, int]:
    """The counts of mapped tasks, added up by name."""
    sums: dict[str, int] = {}
    for name, value in (pair for result in results for pair in result.items()):
        if isinstance(value, int) and not isinstance(value, bool):
            sums[name] = sums.get(name, 0) + value
    return sums


def skip(why: str) -> NoReturn:
    """End this task as skipped: its assets are not updated."""
    raise AirflowSkipException(why)


def option(name: str) -> Any:
    """A parameter of this run."""
    return get_current_context()["params"][name]


def airflow_connection(name: str) -> connections.Connection | None:
    try:
        found = Connection.get(name)
    except AirflowNotFoundException:
        return None
    texts = (found.login or "", found.password or "", found.schema or "")
    return connections.Connection(found.host or "", found.port, *texts, found.extra_dejson)
