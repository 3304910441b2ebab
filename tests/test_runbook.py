"""The runbook says what to do for every kind of failed step. Costs about 1 second."""

import ast
import re
from pathlib import Path

from jobs.report.page.words import book

ROOT = Path(__file__).parents[1]
RUNBOOK = (ROOT / "docs" / "guides" / "runbook.md").read_text()


def kinds_of_failure():
    """Names of all classes that are a StepFailed, however far down."""
    trees = [ast.parse(file.read_text()) for folder in ("jobs", "dags") for file in (ROOT / folder).rglob("*.py")]
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    parents = {node.name: {base.id for base in node.bases if isinstance(base, ast.Name)} for node in classes}
    found = {"StepFailed"}
    while more := {name for name, above in parents.items() if above & found} - found:
        found |= more
    return found


def test_every_kind_of_failure_has_its_row_and_no_other_is_told():
    first_cells = [line.split("|")[1] for line in RUNBOOK.splitlines() if line.startswith("| `")]
    told = {name for cell in first_cells for name in re.findall(r"`([A-Z]\w+)`", cell)}
    assert kinds_of_failure() >= {"StepFailed", "LakeError", "StaleWrite", "HeldBack"}
    assert told == kinds_of_failure()


def test_the_page_says_for_every_kind_of_failure_what_to_do():
    assert set(book("en")["remedies"]) == kinds_of_failure() | {"ConfigError", "other"}
