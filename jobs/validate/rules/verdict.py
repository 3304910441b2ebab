"""What is said of a batch: one rule, whether it was met, and by how many rows not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

TABLE = "ops/validations"
"""Where verdicts are kept."""


@dataclass(frozen=True)
class Verdict:
    """One expectation on one batch."""

    rule: str
    severity: str
    success: bool
    rows: int
    failed: int
    detail: str

    @property
    def stops(self) -> bool:
        return self.severity == "critical" and not self.success


def rows_of(
    found: Iterable[Verdict], day: date, source: str, dataset: str, batch: str, attempt: int = 1
) -> list[dict[str, Any]]:
    """The rows of ops/validations, one per verdict: what was said of that batch the `attempt`-th time it was judged."""
    return [
        {
            "day": day,
            "source": source,
            "dataset": dataset,
            "batch": batch,
            "attempt": attempt,
            "expectation": verdict.rule,
            "severity": verdict.severity,
            "success": verdict.success,
            "rows": verdict.rows,
            "failed": verdict.failed,
            "detail": verdict.detail,
        }
        for verdict in found
    ]
