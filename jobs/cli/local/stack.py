"""Start and stop Airflow, the MLflow page and the sandboxes on this machine, for trying things out.

Everything listens on the loopback address only. State and logs are in `var/stack`, Airflow's home is `var/airflow`.
For a server, see docs/guides/run-in-airflow.md.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from jobs.activation.channels.types import TYPES
from jobs.cli.local.airflow_client import AirflowClient, answers
from jobs.cli.local.processes import Process, Processes, last_lines, port_is_free, wait_until
from jobs.cli.private_files import keep_private
from jobs.config.actions.destinations import Destination
from jobs.config.settings import Settings
from jobs.errors import StepFailed

PROJECT = Path(__file__).resolve().parents[3]
SANDBOXES = {name: found.sandbox for name, found in TYPES.items() if found.sandbox}
"""What stands in for a type of destination on this machine."""
DEFAULT_PORTS = {
    "airflow": 8080,
    "mlflow": 5000,
    **{found.name: found.port for found in SANDBOXES.values()},
}
READY_WITHIN_SECONDS = 300
WITHOUT_LOG_SERVERS = """
from airflow.__main__ import main
from airflow.cli.commands import standalone_command

class Command(standalone_command.SubCommand):
    def __init__(self, parent, name, command, env):
        servers = ["--skip-serve-logs"] if name in ("scheduler", "triggerer") else []
        super().__init__(parent, name=name, command=[*command, *servers], env=env)

standalone_command.SubCommand = Command
main()
"""
"""`airflow standalone` without the two servers of log files, which listen on every address of the machine, whatever is
configured. The page of Airflow reads the logs of this machine from its disk."""
NO_DAGS = {
    *("__init__.py", "asking.py", "common.py", "deliveries.py", "landed_files.py", "notices.py", "steps.py"),
    *("failing.py", "webhook.py"),
}
"""Files of dags/ in which no DAG is."""
PRELOADED = ",".join(
    (
        "airflow.executors.local_executor",
        "airflow.sdk.execution_time.task_runner",
        "airflow.dag_processing.dagbag",
        "airflow.providers.standard.decorators.python",
        "pyspark.sql.connect.session",
        "pandas",
        "pyarrow.dataset",
        "deltalake",
        "duckdb",
        "great_expectations",
        "mlflow.sklearn",
        "mlflow.store.tracking.sqlalchemy_store",
        "mlflow.store.model_registry.sqlalchemy_store",
        "lightgbm",
        "google.ads.datamanager_v1",
        "holidays.countries",
        "psycopg",
        "splink",
        "sqlglot.dialects.spark",
        "yaml",
    )
)
"""What a task needs, loaded once in the process that all tasks are forked from: saves seconds per task."""


class StackError(StepFailed):
    """A service cannot start. The message names it and says what to do."""


@dataclass(frozen=True)
class Stack:
    """What runs: addresses by service, and how to log in to Airflow."""

    urls: dict[str, str]
    user: str
    password: str

    def airflow(self) -> AirflowClient:
        return AirflowClient(self.urls["Airflow"], self.user, self.password)


def start(settings: Settings, wait: bool = True) -> Stack:
    """Start what does not run yet and wait until all of it answers.

    Raises StackError if a port is taken, or if a service does not answer in time.
    """
    processes = Processes(_folder(settings))
    with _only_one(settings):
        keep_private(settings)
        services = _services(settings)
        running = {name: processes.running(name) for name in services}
        ports = {name: found.port if found else _port(name) for name, found in running.items()}
        for name in services:
            if running[name] is None and not port_is_free(ports[name]):
                raise StackError(
                    f"{name}: port {ports[name]} is taken by another program; stop that program or choose another "
                    f"port with {_variable(name)}={ports[name] + 1}"
                )
        for name in services:
            if running[name] is None:
                running[name] = _start(name, ports, settings, processes)
        stack = _describe(ports, settings)
        if wait:
            _wait(stack, {name: process for name, process in running.items() if process}, settings)
        return stack


def stop(settings: Settings) -> list[str]:
    """End the services that `start` started; their names."""
    with _only_one(settings):
        processes = Processes(_folder(settings))
        return processes.stop(processes.names())


def status(settings: Settings) -> dict[str, Process | None]:
    """Each service of this configuration, with its process if it runs."""
    processes = Processes(_folder(settings))
    return {name: processes.running(name) for name in _services(settings)}


def _services(settings: Settings) -> list[str]:
    """In starting order. A sandbox stands in for a destination whose connection the environment does not name."""
    sandboxes = {
        SANDBOXES[destination.type].name
        for destination in settings.destinations.values()
        if _needs_sandbox(destination)
    }
    page_of_models = ["mlflow"] if settings.mlflow_uri.startswith("sqlite:") else []
    return [*sorted(sandboxes), *page_of_models, "airflow"]


def _needs_sandbox(destination: Destination) -> bool:
    named = os.environ.get(f"AIRFLOW_CONN_{destination.connection.upper()}")
    return destination.type in SANDBOXES and not named and find_spec("examples.sandboxes") is not None


def _start(name: str, ports: dict[str, int], settings: Settings, processes: Processes) -> Process:
    command = [sys.executable, *_command(name, ports, settings)]
    return processes.start(name, ports[name], command, environment(ports, settings), settings.home)


def _command(name: str, ports: dict[str, int], settings: Settings) -> list[str]:
    """What Python is to run for that service."""
    port = str(ports[name])
    if name == "airflow":
        return ["-c", WITHOUT_LOG_SERVERS, "standalone"]
    if name == "mlflow":
        settings.mlflow_artifacts.mkdir(parents=True, exist_ok=True)
        stores = ["--backend-store-uri", settings.mlflow_uri, "--no-serve-artifacts"]
        stores += ["--default-artifact-root", settings.mlflow_artifacts.as_uri()]
        return ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", "1", *stores]
    return ["-m", "examples.sandboxes", name, "--port", port, "--folder", str(_folder(settings) / name)]


def environment(ports: dict[str, int], settings: Settings) -> dict[str, str]:
    """The environment of all services: Airflow for this machine, where the company's files are, no chatter."""
    home = settings.home / "var" / "airflow"
    airflow_url = f"http://localhost:{ports['airflow']}"
    cores = os.cpu_count() or 2
    airflow = {
        "API__BASE_URL": airflow_url,
        "API__HOST": "127.0.0.1",
        "API__PORT": str(ports["airflow"]),
        "API__WORKERS": "1",
        "CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{ports['airflow']}/execution/",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__MP_FORKSERVER_PRELOAD": PRELOADED,
        "CORE__PARALLELISM": str(cores),
        "CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_passwords(settings)),
        "CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "LOGGING__NAMESPACE_LEVELS": "great_expectations=WARNING mlflow=WARNING alembic=WARNING",
        "SCHEDULER__MP_START_METHOD": "forkserver",
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
        # A worker notices late, by up to this many seconds, that a large process has ended.
        "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "WORKERS__MAX_FAILED_HEARTBEATS": "60",
    }
    connections = {
        f"AIRFLOW_CONN_{destination.connection.upper()}": json.dumps(
            {
                "conn_type": "generic",
                "host": "127.0.0.1",
                "port": ports[SANDBOXES[destination.type].name],
                **SANDBOXES[destination.type].connection,
            }
        )
        for destination in settings.destinations.values()
        if _needs_sandbox(destination)
    }
    return {
        **os.environ,
        **{f"AIRFLOW__{name}": value for name, value in airflow.items()},
        **connections,
        "AIRFLOW_CONFIG": str(home / "airflow.cfg"),
        "AIRFLOW_HOME": str(home),
        "GX_ANALYTICS_ENABLED": "False",
        "KLANTREIS_CONFIG": str(settings.folder),
        "KLANTREIS_HOME": str(settings.home),
        "KLANTREIS_MLFLOW_URL": f"http://localhost:{ports['mlflow']}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "NO_PROXY": ",".join(filter(None, (os.environ.get("NO_PROXY"), "localhost", "127.0.0.1"))),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH")))),
        "TQDM_DISABLE": "1",
    }


def _wait(stack: Stack, running: dict[str, Process], settings: Settings) -> None:
    """Until all answer, the DAGs are known, the pools exist and the asset-driven DAGs are switched on."""
    checks = {name: partial(_answers, name, process, stack) for name, process in running.items()}
    for name in wait_until(checks, READY_WITHIN_SECONDS):
        raise StackError(f"{name} did not answer in {READY_WITHIN_SECONDS} s; {_last_words(running[name])}")
    client = stack.airflow()
    for channel in sorted({destination.channel for destination in settings.destinations.values()}):
        client.ensure_pool(f"channel_{channel}", slots=1)
    client.wait_for_dags({path.name for path in (PROJECT / "dags").glob("*.py")} - NO_DAGS)
    client.switch_on_asset_driven_dags()


def _answers(name: str, process: Process, stack: Stack) -> bool:
    if not process.alive():
        raise StackError(f"{name} ended while starting; {_last_words(process)}")
    if name == "airflow":
        return stack.airflow().healthy()
    if name == "mlflow":
        return answers(f"{stack.urls['MLflow']}/health")
    return not port_is_free(process.port)


def _last_words(process: Process) -> str:
    return f"the end of {process.log}:\n{last_lines(process.log)}"


def _describe(ports: dict[str, int], settings: Settings) -> Stack:
    urls = {"Airflow": f"http://localhost:{ports['airflow']}", "MLflow": f"http://localhost:{ports['mlflow']}"}
    sandboxes = {found.name for found in SANDBOXES.values()} & ports.keys()
    urls |= {f"{name} sandbox": f"127.0.0.1:{ports[name]}" for name in sorted(sandboxes)}
    user, password = next(iter(json.loads(_passwords(settings).read_text()).items()))
    return Stack(urls, user, password)


def _passwords(settings: Settings) -> Path:
    """Airflow's password file: one user with a random password, readable by its owner only."""
    path = settings.home / "var" / "airflow" / "passwords.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps({"admin": secrets.token_urlsafe(9)}))
    return path


def _port(name: str) -> int:
    text = os.environ.get(_variable(name), str(DEFAULT_PORTS[name]))
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise StackError(f"{_variable(name)} is {text!r}; give a port number from 1 to 65535")
    return int(text)


def _variable(name: str) -> str:
    return f"KLANTREIS_{name.upper().replace('-', '_')}_PORT"


def _folder(settings: Settings) -> Path:
    return settings.home / "var" / "stack"


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    """Two starts at once would start everything twice; the second waits for the first."""
    folder = _folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
