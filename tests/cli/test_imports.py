"""Only what is asked is imported: which heavy libraries each command and each step loads, counted and never timed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.pipeline import STEP_NAMES

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    *(
        "pyspark",
        "pysail",
        "pandas",
        "pyarrow",
        "numpy",
        "scipy",
        "duckdb",
        "deltalake",
        "great_expectations",
        "mlflow",
    ),
    *("sklearn", "lightgbm", "matplotlib", "splink", "sqlglot", "jinja2", "boto3", "httpx", "google.ads"),
)
LAKE = {"pyarrow", "pandas", "numpy", "deltalake"}  # pyarrow.dataset imports pandas
TABLES = LAKE | {"pyspark", "sqlglot"}
COMMANDS = {
    "--help": set(),
    "run --help": set(),
    "quarantine --help": set(),
    "check": {"sqlglot", "jinja2"},
    "tables": {*LAKE, "sqlglot"},
}
"""What a command may load on a company of which nothing has been run."""
STEPS = {
    "feedback": {*TABLES, "sqlglot"},
    "ingest": {*LAKE, "duckdb", "httpx", "sqlglot"},
    "validate": {*LAKE, "duckdb", "sqlglot"},
    "keep_out": {*LAKE, "sqlglot"},
    "identity": {*TABLES, "duckdb", "scipy", "splink"},
    "profiles": {*TABLES, "duckdb"},
    "texts": TABLES,
    "journeys": TABLES,
    "traits": TABLES,
    "paths": TABLES,
    "map": {*TABLES, "duckdb"},
    "train": {"sqlglot"},
    "score": {*TABLES, "mlflow", "scipy"},
    "audiences": TABLES,
    "effects": {*TABLES, "duckdb", "scipy"},
    "context": TABLES,
    "plan": TABLES,
    "push": TABLES,
}
"""What the module of a step may load. A model, a channel or a format loads what it needs when it is used, and validate
what judges rows when some have come."""
LOADED = f"print('loaded', *(name for name in {HEAVY!r} if name in sys.modules))"


def loaded(code, **environment):
    """The heavy libraries in a new process after this code."""
    shown = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\n{LOADED}"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(shown.stdout.strip().splitlines()[-1].split()[1:])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_loads_no_more_than_it_needs(command, tmp_path):
    run = f"from jobs.cli.main import app\nsys.argv = ['klantreis', *{command.split()!r}]\ntry:\n    app()\n"
    ends = "except SystemExit as ended:\n    assert not ended.code"
    assert loaded(run + ends, KLANTREIS_HOME=str(tmp_path)) <= COMMANDS[command]


@pytest.mark.parametrize("command", [name for name in COMMANDS if name.endswith("--help")])
def test_help_loads_no_models_of_the_configuration(command):
    """They took a third of its time."""
    run = f"from jobs.cli.main import app\nsys.argv = ['klantreis', *{command.split()!r}]\ntry:\n    app()\n"
    told = "print(*sorted({'yaml', 'jobs.config.yaml_files', 'jobs.config.settings'} & set(sys.modules)))"
    shown = subprocess.run(
        [sys.executable, "-c", f"import sys\n{run}except SystemExit:\n    {told}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.splitlines()[-1] == ""


def test_a_step_loads_no_more_than_it_needs():
    """Each in a fork of a process that has loaded what all but training load, the lake: so that is loaded once."""
    code = f"""
import os, sys
from jobs import pipeline
import jobs.lake.lake
for step in pipeline.STEPS:
    if os.fork() == 0:
        step.function
        print(step.name, *(name for name in {HEAVY!r} if name in sys.modules), flush=True)
        os._exit(0)
    os.wait()
"""
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    found = {step: set(names) - LAKE for step, *names in map(str.split, shown.stdout.splitlines())}
    assert tuple(found) == STEP_NAMES
    assert {step: names - STEPS[step] for step, names in found.items() if names - STEPS[step]} == {}
