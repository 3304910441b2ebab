"""What is said of a batch: one rule, whether it was met, and by how many rows not."""

from __future__ import annotations

from dataclasses import dataclass


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
