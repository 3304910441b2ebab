"""Airflow, loaded once: each script runs in a fork of this process, as if it had been started by itself.

Loading takes most of the time of a script. A request is a line of JSON on standard input: path and arguments of the
script, its environment, and the file for what it prints; the answer is its exit code, on a line of its own.
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
    import airflow.dag_processing.dagbag
    import airflow.models.asset
    import airflow.models.taskinstance
    import airflow.sdk.execution_time.supervisor
    import airflow.sdk.execution_time.task_runner
    import airflow.serialization.serialized_objects
    import airflow.utils.db  # noqa: F401


def serve() -> None:
    home = {name: value for name, value in os.environ.items() if name.startswith("AIRFLOW_")}
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Airflow writes warnings to standard output
    load()
    for line in sys.stdin:
        request = json.loads(line)
        if threading.active_count() > 1:
            raise RuntimeError(f"threads do not survive a fork: {threading.enumerate()}")
        child = os.fork()
        if child == 0:
            run(request, home)
        _, status = os.waitpid(child, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


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
