"""Airflow, loaded once: each script runs in a fork of this process, as if it had been started by itself.

Loading takes most of the time of a script. A request is a line of JSON on standard input: path and arguments of the
script, its environment, and the file for what it prints; the answer is its exit code, on a line of its own. Scripts
that run DAGs (`run_*`) are forks of a fork, which has also loaded what tasks load and DAG files must not.
"""

import json
import os
import runpy
import sys
import threading
import traceback
from typing import NoReturn


def load() -> None:
    """What every script needs, but nothing a DAG file may not load, and nothing that starts threads."""
    import airflow.api_fastapi.execution_api.app
    import airflow.api_fastapi.execution_api.routes
    import airflow.dag_processing.dagbag
    import airflow.models.asset
    import airflow.models.taskinstance
    import airflow.sdk.execution_time.supervisor
    import airflow.sdk.execution_time.task_runner
    import airflow.serialization.serialized_objects
    import airflow.utils.db  # noqa: F401


def load_for_tasks() -> None:
    """What the steps of a day load of libraries."""
    import great_expectations.expectations  # noqa: F401
    import pyspark.sql.connect.session  # noqa: F401
    import sqlalchemy.orm

    sqlalchemy.orm.configure_mappers()


def serve() -> None:
    home = {name: value for name, value in os.environ.items() if name.startswith("AIRFLOW_")}
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Airflow writes warnings to standard output
    load()
    runner = None
    for line in sys.stdin:
        request = json.loads(line)
        if os.path.basename(request["script"]).startswith("run_"):
            runner = runner or Runner(home)
            code = runner.ask(line)
        else:
            code = forked(request, home)
        answers.write(f"{code}\n")
        answers.flush()
    if runner:
        runner.end()


class Runner:
    """The fork that has loaded what tasks load."""

    def __init__(self, home: dict[str, str]) -> None:
        requests, answers = os.pipe(), os.pipe()
        self.child = fork()
        if self.child == 0:
            os.close(requests[1])
            os.dup2(requests[0], 0)  # nor may it hold that of the process itself
            load_for_tasks()
            with os.fdopen(requests[0]) as asked, os.fdopen(answers[1], "w") as told:
                for line in asked:
                    told.write(f"{forked(json.loads(line), home)}\n")
                    told.flush()
            os._exit(0)
        os.close(requests[0])
        os.close(answers[1])
        self.requests, self.answers = os.fdopen(requests[1], "w"), os.fdopen(answers[0])

    def ask(self, line: str) -> str:
        self.requests.write(line)
        self.requests.flush()
        return self.answers.readline().strip() or "1"

    def end(self) -> None:
        self.requests.close()
        os.waitpid(self.child, 0)


def forked(request: dict, home: dict[str, str]) -> int:
    """The exit code of the script, run in a fork."""
    child = fork()
    if child == 0:
        run(request, home)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def fork() -> int:
    if threading.active_count() > 1:
        raise RuntimeError(f"threads do not survive a fork: {threading.enumerate()}")
    return os.fork()


def run(request: dict, home: dict[str, str]) -> NoReturn:
    os.environ.clear()
    os.environ.update(request["environment"] | home)
    for stream, name in ((sys.stdout, "stdout"), (sys.stderr, "stderr")):
        with open(request[name], "wb") as target:
            os.dup2(target.fileno(), stream.fileno())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = [request["script"], *request["arguments"]]
    code = 1
    try:
        runpy.run_path(request["script"], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
