"""Rules about the shape of the code itself. Each rule is one test that lists every offender."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = [
    *("errors", "clock", "plain_text", "http_answers", "lake", "config"),
    *("ingest", "validate", "identity", "profiles", "text"),
    *("activity", "journeys", "models", "audiences", "decisions", "content"),
    *("activation", "proposals", "effects", "privacy", "pipeline"),
    *("report", "cli"),
]
"""Everything at the top of jobs/, in the order of the flow: what stands further on may import what stands before it."""
HEAVY = ("pyspark", "pandas", "mlflow", "great_expectations", "pysail", "lightgbm", "sklearn")


def modules(*folders):
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def imports(path: Path) -> frozenset[tuple[int, str]]:
    """Line and dotted name of everything a file imports, inside functions and for type checkers too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {(node.lineno, alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {(node.lineno, name if exists(name) else node.module) for name in names}
    return frozenset(found)


@cache
def exists(name):
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def offenders(folders, wrong):
    """`file:line imports name` for each import that `wrong(file, name)` says must not be."""
    return [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(*folders)
        for line, name in sorted(imports(path))
        if wrong(path, name)
    ]


def test_contributing_has_the_layers_in_their_order():
    assert f"`{' '.join(LAYERS)}`" in " ".join((ROOT / "CONTRIBUTING.md").read_text().split())


def test_a_wheel_has_every_pack_where_the_command_looks_for_them():
    import tomllib

    from jobs.cli.packs import _PLACES

    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    packs = {path.parent.name for path in (ROOT / "examples" / "packs").glob("*/config")}
    assert wheel["force-include"] == {f"examples/packs/{name}": f"klantreis_packs/{name}" for name in packs}
    assert ROOT / "klantreis_packs" in _PLACES


def test_jobs_never_import_airflow_or_dags():
    assert offenders(["jobs"], lambda _, name: name.split(".")[0] in {"airflow", "dags", "plugins"}) == []


def test_the_top_of_jobs_is_the_layers_and_nothing_else():
    found = {path.stem for path in (ROOT / "jobs").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert found - {"__init__"} == set(LAYERS)


def test_nothing_imports_what_comes_after_it_in_the_flow():
    def later(path, name):
        own = path.relative_to(ROOT / "jobs").parts[0].removesuffix(".py")
        other = name.split(".")[1] if name.startswith("jobs.") else own
        return own in LAYERS and LAYERS.index(other) > LAYERS.index(own)

    assert offenders(["jobs"], later) == []


def test_the_lake_knows_no_configuration_and_the_configuration_only_what_tables_are_and_where_keys_are_told():
    def beyond(path, name):
        inside = name.startswith("jobs.lake") and not name.startswith("jobs.lake.secret_keys")
        return path.is_relative_to(ROOT / "jobs/config") and inside and "lake.tables" not in name

    assert offenders(["jobs/config"], beyond) == []


def test_no_file_imports_itself_in_a_loop():
    used = {name_of(path): {name for _, name in imports(path)} for path in modules("jobs")}
    done: set[str] = set()

    def walk(name, above):
        if name in above:
            return [" -> ".join([*above[above.index(name) :], name])]
        if name in done:
            return []
        found = [loop for other in sorted(used[name] & used.keys()) for loop in walk(other, [*above, name])]
        done.add(name)
        return found

    assert [loop for name in sorted(used) for loop in walk(name, [])] == []


def test_every_transaction_names_the_code_that_makes_its_result():
    """Without `code=` a step runs again after any change of the product."""
    unnamed = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules("jobs")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("lake.transaction")
        if "code" not in {keyword.arg for keyword in node.keywords}
    ]
    assert unnamed == []


def test_modules_are_imported_by_a_computed_name_only_where_the_steps_know_it():
    """What is imported so is no part of a step's code unless its transaction names it: `code=(__name__, ...)`.

    The types of destination, which the configuration looks up, are imported by the steps that use them.
    """
    computed = offenders(["jobs", "expectations"], lambda _, name: name in ("importlib", "importlib.import_module"))
    known = [
        "expectations/__init__.py",
        "jobs/config/actions/destinations.py",
        "jobs/models/models.py",
        "jobs/pipeline.py",
    ]
    assert sorted({line.split(":")[0] for line in computed}) == known


def test_no_test_module_imports_another():
    """What tests share stands in modules of its own, so that a test can be moved, and read, without the others."""

    def of_tests(path, name):
        return any(part.startswith("test_") or part == "conftest" for part in name.split(".")) and name[:6] == "tests."

    assert offenders(["tests"], of_tests) == []


def test_every_file_stays_readable():
    limits = {path: 80 if path.parent.name == "dags" else 330 for path in modules("jobs", "dags", "plugins")}
    found = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in limits}
    assert {name: lines for name, lines in found.items() if lines > limits[ROOT / name]} == {}


@pytest.mark.parametrize(
    "module", ["jobs.config.settings", "jobs.lake.tables.catalogue", "jobs.cli.main", "jobs.pipeline"]
)
def test_light_modules_load_nothing_heavy(module):
    code = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_only_the_folder_of_the_channels_knows_a_type_of_destination_by_name():
    from jobs.activation.channels.types import TYPES

    named = [
        f"{path.relative_to(ROOT)}:{node.lineno} names {node.value}"
        for path in modules("jobs", "dags", "plugins")
        if not path.is_relative_to(ROOT / "jobs/activation/channels")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in set(TYPES)
    ]
    assert named == []


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


def test_steps_that_need_no_identifiers_read_none_from_profiles():
    """Names, addresses and ids stay in profiles; these steps read profiles/people and profiles/traits."""
    from jobs.lake.tables import catalogue

    personal = {
        d.name for d in catalogue.DATASETS.values() if d.zone == "profiles" and any(c.personal for c in d.columns)
    }
    assert {"profiles/customers", "profiles/contact_points", "profiles/addresses"} <= personal
    read = [
        f"{path.relative_to(ROOT)}:{node.lineno} names {node.value}"
        for path in modules("jobs/journeys", "jobs/models", "jobs/audiences")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in personal
    ]
    assert read == []
