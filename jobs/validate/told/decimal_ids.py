"""Ids that became numbers with decimals on their way, such as 101.0: read as 101, and told."""

from __future__ import annotations

from collections.abc import Mapping

from jobs.validate.rules.broken import Tally

RULES = ":decimals"
"""How the rules of such ids end, after their column; they count and refuse nothing."""


def told(tallies: Mapping[str, Tally]) -> str | None:
    """What is to be said of the rows of a batch; None if no id has decimals."""
    found: dict[str, int] = {}
    for tally in tallies.values():
        for rule, (_, bad) in tally.by_rule.items():
            if rule.endswith(RULES) and bad:
                found[rule.removesuffix(RULES)] = found.get(rule.removesuffix(RULES), 0) + bad
    if not found:
        return None
    counted = " and ".join(f"{rows:,} rows have a {column}" for column, rows in sorted(found.items()))
    return (
        f"{counted} with decimals, such as 101.0: it is taken for 101, and joined with that. A tool read the ids as "
        f"numbers, so leading zeros and last digits may be lost too: export the column as text"
    )
