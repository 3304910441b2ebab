"""Columns that a mapped batch has beside those of its dataset, for expectations to look at."""

import hashlib
import re

UNREADABLE = "unreadable_columns"
"""Names of the columns whose value does not have their type, comma-separated, or NULL."""
ROUNDED = "rounded_columns"
"""Names of the columns whose value has more decimals than they hold, comma-separated, or NULL."""
ARRIVAL_LIMIT = "arrival_limit"
ARRIVAL_LIMIT_DAY = "arrival_limit_day"
"""The end of the day after the file arrived: nothing can have happened later."""


def attribute_column(column: str) -> str:
    """The column of a batch that holds `attributes.NAME`, as its own column; any other column as it is."""
    if not column.startswith("attributes."):
        return column
    name = column.removeprefix("attributes.")
    plain = re.sub(r"\W", "_", name)
    return f"attribute_{plain}" if plain == name else f"attribute_{plain}_{hashlib.md5(name.encode()).hexdigest()[:6]}"


def helper_column(rule: str) -> str:
    """The column of a batch that says per row whether that rule holds; NULL where nothing can be said."""
    plain = re.sub(r"\W", "_", rule)
    return f"holds_{plain}_{hashlib.md5(rule.encode()).hexdigest()[:6]}"


def in_batch(sql: str) -> str:
    """The SQL of a user over the columns of a batch, where an attribute is a column of its own."""
    from jobs.ingest.expressions import parse

    if not sql.strip():
        return ""
    return parse(sql, renamed=attribute_column, texts=False).sql
