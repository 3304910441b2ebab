"""What a value outside the known ones of a canonical column means for its source: `changes.new_value`."""

from __future__ import annotations

from collections.abc import Iterable

from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

from jobs.config.sources.deliveries import Policy


def with_new_values(expectations: Iterable[Expectation], policy: Policy) -> list[Expectation]:
    """The expectations of a suite under that policy.

    `accept` does without the rules about known values, `warn` publishes the row and reports even a single one,
    `quarantine` leaves them as they are in the suite, and `stop` sets the arrival day aside for a single such value.
    """
    if policy == "quarantine":
        return list(expectations)
    found = []
    for one in expectations:
        if one.expectation_type != "expect_column_values_to_be_in_set":
            found.append(one)
        elif policy == "warn":
            meta = {**(one.meta or {}), "fate": "report", "strict": True}
            found.append(
                one.copy(update={"id": None, "severity": FailureSeverity.WARNING, "mostly": 1.0, "meta": meta})
            )
        elif policy == "stop":
            meta = {**(one.meta or {}), "fate": "quarantine", "strict": True}
            found.append(
                one.copy(update={"id": None, "severity": FailureSeverity.CRITICAL, "mostly": 1.0, "meta": meta})
            )
    return found
