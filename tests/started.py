"""What tests cost: servers they start, of which a worker has one of each kind, and minutes per folder.

A second start fails its test, on any machine. Minutes are only told, beside their budget: they depend on the machine.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

BUDGET = {
    "tests": 4.0, "activation": 2.0, "activity": 1.25, "audiences": 0.5, "cli": 1.0, "config": 0.25, "dags": 2.25,
    "examples": 2.0, "expectations": 0.1, "identity": 5.0, "ingest": 2.75, "journeys": 5.5, "lake": 1.5,
    "models": 1.25, "profiles": 2.75, "validate": 6.5,
    "report": 0.75, "privacy": 1.0, "text": 0.25, "effects": 0.25, "decisions": 0.1,
    "content": 0.1,
    "packs": 1.75,
}  # fmt: skip
"""Minutes that the tests of a folder may take of all workers together, on a quiet machine with two cores."""

STARTED: Counter[str] = Counter()
WORKERS: dict[str, dict[str, int]] = {}


def started(what: str) -> None:
    """Note a start. Raises AssertionError if this worker started one before."""
    STARTED[what] += 1
    assert STARTED[what] == 1, (
        f"{what} was started {STARTED[what]} times in one process of tests: take the session's fixture"
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["started"] = dict(STARTED)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    WORKERS[node.gateway.id] = getattr(node, "workeroutput", {}).get("started", {})


def pytest_terminal_summary(terminalreporter: Any) -> None:
    _tell_times(terminalreporter)
    for worker, found in sorted((WORKERS or {"this process": dict(STARTED)}).items()):
        told = ", ".join(f"{what} {number}" for what, number in sorted(found.items())) or "nothing"
        terminalreporter.write_line(f"servers started by {worker}: {told}")


def _tell_times(terminalreporter: Any) -> None:
    """Minutes per folder and their budget, when most of the tests ran."""
    spent: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                parts = report.nodeid.split("::")[0].split("/")
                spent[parts[1] if len(parts) > 2 else parts[0]] += report.duration / 60
    if spent.keys() >= BUDGET.keys():
        terminalreporter.section("minutes per folder (budget on a quiet machine with two cores)")
        for folder, minutes in spent.most_common():
            terminalreporter.write_line(f"{folder:14}{minutes:7.1f}  ({BUDGET.get(folder, 0):.2f})")
        total, limit = sum(spent.values()), sum(BUDGET.values())
        terminalreporter.write_line(f"{'all':14}{total:7.1f}  ({limit:.2f})")
