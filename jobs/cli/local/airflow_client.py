"""Drive Airflow over its REST API: run days through the DAGs and say what failed and why."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from http.client import HTTPException
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, Request, build_opener

from jobs.errors import StepFailed

log = logging.getLogger(__name__)
DAILY, NIGHTLY, TRAINING = "daily", "ingest", "training"
"""Tags in dags/: of every DAG a day goes through, of those among them that begin it, and of those that train models."""
_TRANSIENT = (502, 503, 504)
PATIENCE_SECONDS = 300
"""How long a busy Airflow may leave calls unanswered before it counts as gone."""
_direct = build_opener(ProxyHandler({}))  # the stack is on this machine: never through a proxy


class AirflowError(StepFailed):
    """Airflow refused a call or a DAG run failed. The message ends with what the task's log said last."""


@dataclass(frozen=True)
class Progress:
    """How far the days are: finished and expected DAG runs, what runs now, such as `map_journeys 2017-12-30`, and
    the runs that have ended, each with its seconds."""

    finished: int
    expected: int
    running: tuple[str, ...]
    ended: dict[str, float]


@dataclass(frozen=True)
class TaskTime:
    """One finished task of one day, with its run time in seconds."""

    day: str
    dag: str
    task: str
    state: str
    seconds: float


def answers(url: str) -> bool:
    """Whether a web server answers there with success."""
    try:
        with _direct.open(url, timeout=5) as response:
            return response.status == 200
    except (OSError, HTTPError):
        return False


class AirflowClient:
    """One Airflow. Logs in when first used and again when the token has expired."""

    def __init__(self, url: str, user: str, password: str):
        self.url = url.rstrip("/")
        self._login = {"username": user, "password": password}
        self._token: str | None = None

    def healthy(self) -> bool:
        """Whether the database, the scheduler and the DAG processor report to be well."""
        try:
            with _direct.open(f"{self.url}/api/v2/monitor/health", timeout=5) as response:
                health = json.load(response)
        except (OSError, ValueError):
            return False
        return all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))

    def ensure_pool(self, name: str, slots: int) -> None:
        """Create the pool if there is none of that name; an existing one keeps its size."""
        known = {pool["name"] for pool in self.call("GET", "pools?limit=100")["pools"]}
        if name not in known:
            pool = {"name": name, "slots": slots, "description": "tasks at once on this channel"}
            self.call("POST", "pools", pool, made=f"pools/{quote(name, safe='')}")

    def wait_for_dags(self, files: Iterable[str], timeout: float = 600) -> None:
        """Until the DAGs of these files are known. Raises AirflowError with the import errors if not in time."""
        end, missing = time.monotonic() + timeout, set(files)
        while missing:
            missing -= {Path(dag["fileloc"]).name for dag in self._known_dags()}
            errors = self.call("GET", "importErrors?limit=100")["import_errors"]
            if missing and (errors or time.monotonic() > end):
                reasons = "\n".join(f"{e['filename']}: {e['stack_trace'].strip().splitlines()[-1]}" for e in errors)
                raise AirflowError(f"Airflow does not know the DAGs of {', '.join(sorted(missing))}. {reasons}")
            time.sleep(0.3 if missing else 0)

    def tagged(self, tag: str, among: str | None = None) -> list[str]:
        """Names of the DAGs with that tag, and with the tag `among` if given."""
        return [
            dag["dag_id"]
            for dag in self._known_dags()
            if {tag, among or tag} <= {found["name"] for found in dag["tags"]}
        ]

    def _known_dags(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", "dags?limit=100&exclude_stale=true")["dags"]
        return found

    def switch_on(self, dag: str, on: bool = True) -> bool:
        """Let the scheduler start the DAG, or not; returns whether it was on."""
        was_on = not self.call("GET", f"dags/{dag}")["is_paused"]
        if was_on != on:
            self.call("PATCH", f"dags/{dag}?update_mask=is_paused", {"is_paused": not on})
        return was_on

    def switch_on_asset_driven_dags(self) -> None:
        """DAGs that only follow others are on; the nightly ones stay as the user left them."""
        followers = {*self.tagged(DAILY), *self.tagged(TRAINING)} - {*self.tagged(DAILY, NIGHTLY)}
        for dag in sorted(followers):
            self.switch_on(dag)

    def run_days(
        self,
        days: Sequence[date],
        show: Callable[[Progress], None] = lambda progress: None,
        timeout: float = 3600,
        dags: Sequence[str] = (),
    ) -> list[TaskTime]:
        """Run each day, in order, and wait until each of `dags`, by default all of a day, has ended for the last.

        The nightly switches are put back as they were. Raises AirflowError naming the tasks that failed.
        """
        self.switch_on_asset_driven_dags()
        dags = dags or self.tagged(DAILY)
        nightly = [dag for dag in self.tagged(DAILY, NIGHTLY) if dag in dags]
        before = {dag: self.switch_on(dag) for dag in nightly}
        try:
            first = self._count_runs()
            for day in days:
                for dag in nightly:
                    run = f"asked__{day}__{token_hex(4)}"
                    body = {"dag_run_id": run, "logical_date": None, "partition_key": day.isoformat()}
                    self.call("POST", f"dags/{dag}/dagRuns", body, made=f"dags/{dag}/dagRuns/{run}")
            return self._wait(days, dags, first, show, time.monotonic() + timeout)
        finally:
            for dag, was_on in before.items():
                self.switch_on(dag, was_on)

    def _wait(
        self, days: Sequence[date], dags: Sequence[str], first: int, show: Callable[[Progress], None], end: float
    ) -> list[TaskTime]:
        wanted, expected = {day.isoformat() for day in days}, len(dags) * len(days)
        while True:
            runs = [run for run in self._runs_after(first) if run["partition_key"] in wanted]
            active = [run for run in runs if run["state"] in ("running", "queued")]
            failed = [run for run in runs if run["state"] == "failed"]
            done = sum(run["state"] == "success" and run["dag_id"] in dags for run in runs)
            names = tuple(f"{run['dag_id']} {run['partition_key']}" for run in active if run["state"] == "running")
            ended = {
                f"{run['dag_id']} {run['partition_key']}": run["duration"] or 0.0
                for run in runs
                if run["state"] == "success"
            }
            show(Progress(done, expected, names, ended))
            if failed and not active:
                raise AirflowError("\n\n".join(self._explain(run) for run in failed))
            if done >= expected and not active:
                return [time_ for run in runs for time_ in self._times(run)]
            if time.monotonic() > end:
                raise AirflowError(f"Airflow did not finish in time; running: {', '.join(names) or 'nothing'}")
            time.sleep(0.5)

    def _count_runs(self) -> int:
        return self.call("GET", "dags/~/dagRuns?limit=1&order_by=-id")["total_entries"]

    def _runs_after(self, count: int) -> list[dict[str, Any]]:
        """The runs created after the first `count`, all pages."""
        runs: list[dict[str, Any]] = []
        while True:
            page = self.call("GET", f"dags/~/dagRuns?limit=100&order_by=id&offset={count + len(runs)}")["dag_runs"]
            runs += page
            if len(page) < 100:
                return runs

    def _tasks(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        path = f"dags/{run['dag_id']}/dagRuns/{quote(run['dag_run_id'], safe='')}/taskInstances?limit=100"
        return self.call("GET", path)["task_instances"]

    def _times(self, run: dict[str, Any]) -> list[TaskTime]:
        return [
            TaskTime(
                run["partition_key"],
                run["dag_id"],
                task["task_id"] if task["map_index"] < 0 else f"{task['task_id']} {task['rendered_map_index']}",
                task["state"],
                task["duration"] or 0.0,
            )
            for task in sorted(self._tasks(run), key=lambda task: task["start_date"] or "")
        ]

    def _explain(self, run: dict[str, Any]) -> str:
        """Which tasks of a failed run failed, and the end of their logs."""
        failed = [task for task in self._tasks(run) if task["state"] == "failed"]
        place = f"{run['dag_id']} of {run['partition_key']} failed"
        return "\n".join([place, *(f"  {task['task_display_name']}:\n{self._log_end(task)}" for task in failed)])

    def _log_end(self, task: dict[str, Any], lines: int = 15) -> str:
        path = f"dags/{task['dag_id']}/dagRuns/{quote(task['dag_run_id'], safe='')}/taskInstances/{task['task_id']}"
        query = urlencode({"map_index": task["map_index"], "full_content": "true"})
        content = self.call("GET", f"{path}/logs/{task['try_number']}?{query}")["content"]
        events = [entry["event"] if isinstance(entry, dict) else str(entry) for entry in content]
        return "\n".join(f"    {event}" for event in events[-lines:])

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, made: str | None = None) -> Any:
        """One call of the REST API, below /api/v2/. Raises AirflowError with the server's reason.

        A call that gets no answer is repeated for PATIENCE_SECONDS. One that makes something is repeated only if it
        says in `made` where the thing then is: if the lost call did make it, that is returned.
        """
        end, waits, lost = time.monotonic() + PATIENCE_SECONDS, 0.0, False
        while True:
            try:
                return self._answer(method, path, body)
            except HTTPError as error:
                if error.code == 409 and lost and made:
                    return self.call("GET", made)
                if error.code == 401 and waits == 0:
                    self._token = None
                elif error.code not in _TRANSIENT or (method == "POST" and not made) or time.monotonic() > end:
                    reason = error.read().decode(errors="replace")[:500]
                    raise AirflowError(f"Airflow refused {method} {path}: {error.code} {reason}") from None
            except (URLError, TimeoutError, ConnectionError, HTTPException) as error:
                if (method == "POST" and not made) or time.monotonic() > end:
                    raise AirflowError(f"Airflow at {self.url} does not answer: {error}; is it running?") from None
                lost = True
            waits = min(waits + 0.5, 5.0)
            time.sleep(waits)

    def _answer(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        headers = {"Authorization": f"Bearer {self.token()}", "Accept": "application/json"}
        headers |= {"Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/api/v2/{path}", method=method, data=data, headers=headers)
        with _direct.open(request, timeout=60) as response:
            return json.loads(response.read() or b"null")

    def token(self) -> str:
        """What the REST API and the pages take as proof of who is calling."""
        self._token = self._token or self._new_token()
        return self._token

    def _new_token(self) -> str:
        request = Request(
            f"{self.url}/auth/token",
            method="POST",
            data=json.dumps(self._login).encode(),
            headers={"Content-Type": "application/json"},
        )
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with _direct.open(request, timeout=60) as response:
                    return json.load(response)["access_token"]
            except HTTPError as error:
                if error.code not in _TRANSIENT or time.monotonic() > end:
                    raise AirflowError(f"cannot log in to Airflow at {self.url}: {error}") from None
            except (URLError, TimeoutError, ConnectionError, HTTPException) as error:
                if time.monotonic() > end:
                    raise AirflowError(f"cannot log in to Airflow at {self.url}: {error}") from None
            time.sleep(1)
