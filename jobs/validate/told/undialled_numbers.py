"""Rows with a phone number that may be of any country: it is nobody's, and that is told."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.lake.tables.canonical import CANONICAL
from jobs.validate.mapping.phone_countries import dialled_in
from jobs.validate.rules.broken import Tally
from jobs.validate.rules.verdict import Verdict

RULE = "phone:country"
MEASURE = f"{RULE}||"
"""The name under which a tally counts such rows."""


def measure(dataset: str, settings: Settings) -> dict[str, Column]:
    """How many rows of a file have a number that may be of any country."""
    columns = CANONICAL[dataset].column_names
    if "phone" not in columns or dataset == "contacts":
        return {}
    national = F.col("phone").rlike("[0-9]") & ~F.trim("phone").rlike(r"^(\+|00)")
    return {MEASURE: F.count(F.when(national & (dialled_in(columns, settings) == ""), F.lit(1)))}


def verdict(tallies: Mapping[str, Tally], settings: Settings) -> Verdict | None:
    """What is to be told of them; None if there are none."""
    found = sum(int(tally.measured.get(MEASURE, 0)) for tally in tallies.values())
    rows = sum(tally.rows for tally in tallies.values())
    if not found:
        return None
    code = settings.general.country
    detail = (
        f"{found:,} of {rows:,} rows have a phone number without the code of its country, and nothing says which that "
        f"is: such a number is nobody's. Map the country of the row as the attribute `country`, two letters such as "
        f"{code}; if all rows are of one country, write attributes: {{country: \"'{code}'\"}}"
    )
    return Verdict(RULE, "warning", False, rows, found, detail)
