"""Columns that a mapped batch has beside those of its dataset, for expectations to look at."""

UNREADABLE = "unreadable_columns"
"""Names of the columns whose value does not have their type, comma-separated, or NULL."""
ARRIVAL_LIMIT = "arrival_limit"
"""The end of the day after the file arrived: nothing can have happened later."""
