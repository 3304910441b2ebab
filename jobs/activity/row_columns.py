"""The columns of rows that traits, stage rules and rules of valence are computed over, with their types."""

from __future__ import annotations

from functools import cache

from jobs.activity.language import LASTS
from jobs.config.traits import ROWS
from jobs.lake.tables import catalogue
from jobs.lake.tables.canonical import LINEAGE_COLUMNS, PERSON_COLUMNS, VERSION_COLUMNS

ORDER_COLUMNS = ("status", "channel", "store_id", "currency")
PRODUCT_COLUMNS = ("category", "department", "brand")
KNOWN_LATER = ("clicked", LASTS)
"""Columns that look into the future of the touchpoint; conditions of stages must not use them."""
RULE_COLUMNS = tuple(
    name
    for name in catalogue.get("journeys/touchpoints").column_names
    if name not in ("valence", "touchpoint", "nth", *KNOWN_LATER)
)
"""Columns a rule of valence, or a name of a touchpoint, can use."""
DERIVED = "day date, days_ago int, hour int, weekday int"
"""In the company's time zone: the day, days before the day computed for, hour 0 to 23, weekday 1 (Monday) to 7."""
HIDDEN = {*PERSON_COLUMNS, *LINEAGE_COLUMNS, *VERSION_COLUMNS, "customer_id", "nth", *KNOWN_LATER} - {"source"}
"""What identifies a person or a file, and what depends on other rows than those known on the day."""


@cache
def columns_of(kind: str) -> dict[str, str]:
    """What a trait over these rows can use, with types: nothing that identifies a person."""
    listed = [c for c in ROWS[kind].columns if not c.personal and c.name not in HIDDEN and "<" not in c.type]
    own = {c.name: c.type for c in listed}
    if kind in ("orders", "order_lines"):
        own["outcome"] = "string"
    if kind == "order_lines":
        for table, names in (("orders", ORDER_COLUMNS), ("products", PRODUCT_COLUMNS)):
            own |= {c.name: c.type for c in catalogue.get(f"valid/{table}").columns if c.name in names}
    return own | dict(column.split() for column in DERIVED.split(", "))
