"""Columns in which tools say that they merged contacts, by the names their vendors publish.

A source that keeps such a column as an attribute knows of the merge, so its contacts are to be one customer too.
"""

from __future__ import annotations

import re
from typing import Any

PUBLISHED = {
    "previous_ids": ("hs_merged_object_ids", "merged_object_ids", "merged_contact_ids", "merged_ids", "previous_ids"),
    "merged_into": ("MasterRecordId", "masterid", "merged_into", "merged_into_id", "merged_to_id"),
    "other_emails": ("hs_additional_emails", "additional_emails", "other_emails", "secondary_emails"),
}
"""HubSpot, Salesforce, Dynamics, Freshdesk and Zoho, and what exports that are made by hand call them."""
_COLUMNS = {re.sub("[^a-z]", "", name.lower()): column for column, names in PUBLISHED.items() for name in names}
_PATH = re.compile(r"[\w.]+|`[^`]+`")


def merge_column(expression: Any) -> str | None:
    """The canonical column for what an expression reads, if that is a column that tells of merges and nothing else."""
    if not isinstance(expression, str) or not _PATH.fullmatch(expression.strip()):
        return None
    field = expression.strip().strip("`").rsplit(".", 1)[-1]
    return _COLUMNS.get(re.sub("[^a-z]", "", field.lower()))


def with_merges(source: Any) -> Any:
    """A source as YAML gives it, with the merges that its contacts keep as attributes, unless they are mapped."""
    datasets = source.get("datasets") if isinstance(source, dict) else None
    if not isinstance(datasets, dict):
        return source
    contacts = datasets.get("contacts")
    if not isinstance(contacts, dict) or not isinstance(contacts.get("columns"), dict):
        return source
    found: dict[str, Any] = {}
    for value in (contacts.get("attributes") or {}).values() if isinstance(contacts.get("attributes"), dict) else ():
        expression = value.get("from") if isinstance(value, dict) else value
        column = merge_column(expression)
        if column and column not in contacts["columns"]:
            found.setdefault(column, expression)
    if not found or contacts.get("pairs"):
        return source
    columns = {**contacts["columns"], **found}
    return {**source, "datasets": {**datasets, "contacts": {**contacts, "columns": columns}}}
