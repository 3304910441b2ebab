"""Rules about the shape of the code itself."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOW = ["ingest", "validate", "profiles", "journeys", "models", "audiences", "activation", "privacy"]
SHARED = {
    *("connections", "csv_export", "engine", "errors", "lake", "delta_log", "transactions", "retries"),
    *("schemas", "settings", "yaml_files", "normalise", "config_formats", "config_models"),
    *("config_places", "config_sources", "date_patterns", "config_traits", "config_identity_checks", "sql_words"),
    *("config_identity", "config_decisions"),
}
MODULES = sorted(path for folder in ("jobs", "dags", "plugins") for path in (ROOT / folder).rglob("*.py"))
HEAVY = ("pyspark", "pandas", "mlflow", "great_expectations", "pysail", "lightgbm", "sklearn")


def imports(path: Path) -> set[str]:
    """Dotted names of everything a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "jobs").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_jobs_never_import_airflow_or_dags(path):
    roots = {name.split(".")[0] for name in imports(path)}
    assert not roots & {"airflow", "dags", "plugins"}


@pytest.mark.parametrize(
    "path",
    [p for step in FLOW for p in sorted((ROOT / "jobs" / step).glob("*.py"))],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_a_step_imports_only_steps_to_its_left(path):
    position = FLOW.index(path.parent.name)
    used = {name.split(".")[1] for name in imports(path) if name.startswith("jobs.") and name.count(".")}
    steps = {name for name in used if name in FLOW}
    assert steps <= set(FLOW[: position + 1])
    assert used - steps <= SHARED


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_stays_readable(path):
    limit = 80 if path.parent.name == "dags" else 330
    if path.name != "schemas.py":  # a table of what exists: long but flat
        assert len(path.read_text().splitlines()) <= limit


@pytest.mark.parametrize("module", ["jobs.config.settings", "jobs.schemas", "jobs.cli.main", "jobs.pipeline"])
def test_light_modules_load_nothing_heavy(module):
    code = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_every_table_has_a_key_made_of_its_own_columns_and_says_what_a_row_is():
    from jobs.lake.tables import catalogue

    for dataset in catalogue.all_datasets():
        assert set(dataset.key) <= set(dataset.column_names), dataset.name
        assert dataset.grain.startswith("one "), dataset.name
        assert len(set(dataset.column_names)) == len(dataset.columns), dataset.name
        assert all(column.meaning for column in dataset.columns), dataset.name
        assert dataset.spark_schema().names == dataset.arrow_schema().names == dataset.column_names


def test_an_unknown_table_name_gets_the_nearest_ones():
    from jobs.lake.tables import catalogue

    with pytest.raises(KeyError, match="valid/contacts"):
        catalogue.get("valid/contact")


@pytest.mark.parametrize("step", ["journeys", "models", "audiences"])
def test_a_step_that_needs_no_identifiers_reads_none_from_profiles(step):
    """Names, addresses and ids stay in profiles; these steps read profiles/people and profiles/traits."""
    from jobs.lake.tables import catalogue

    personal = {
        d.name for d in catalogue.DATASETS.values() if d.zone == "profiles" and any(c.personal for c in d.columns)
    }
    assert {"profiles/customers", "profiles/contact_points", "profiles/addresses"} <= personal
    texts = {
        node.value
        for path in (ROOT / "jobs" / step).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert not {text for text in texts if text in personal}
