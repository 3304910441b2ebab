"""Which rows of its files a dataset takes, and which of them come together, where that follows from its columns."""

from __future__ import annotations

from typing import Any

from jobs.config.sql.grammar import only_case
from jobs.lake.tables.canonical import CANONICAL


def with_rows_by_key(source: Any) -> Any:
    """A source as YAML gives it, in which a key that only some rows of shared files have is a `where`.

    That is a key written as `case when CONDITION then ... end`, in files that another dataset reads too.
    """
    datasets = source.get("datasets") if isinstance(source, dict) else None
    if not isinstance(datasets, dict) or not all(isinstance(one, dict) for one in datasets.values()):
        return source
    files = [one.get("files") for one in datasets.values()]
    found = {}
    for name, dataset in datasets.items():
        shared = bool(dataset.get("files")) and files.count(dataset["files"]) > 1
        condition = _taken_by_key(name, dataset) if shared and not dataset.get("where") else ""
        found[name] = {**dataset, "where": condition} if condition else dataset
    return {**source, "datasets": found}


def _taken_by_key(name: str, dataset: dict[str, Any]) -> str:
    """The condition under which the key of a dataset has a value at all; empty if it says none."""
    columns = dataset.get("columns") if name in CANONICAL else None
    if not isinstance(columns, dict) or dataset.get("each") or dataset.get("pairs"):
        return ""
    keys = [columns.get(column) for column in CANONICAL[name].record]
    texts = [key.get("from") if isinstance(key, dict) else key for key in keys]
    found = [condition for text in texts if isinstance(text, str) and (condition := only_case(text))]
    return " and ".join(f"({condition})" for condition in dict.fromkeys(found))


WHOLES = {name: dataset.whole for name, dataset in CANONICAL.items() if dataset.whole}
"""Datasets of which a delivery may have all rows of something, and the column that names it."""
_ANSWERS = "survey_responses"


def with_wholes(source: Any) -> Any:
    """A source as YAML gives it, in which answers that are inside a row (`each`) are all that its response has.

    Lines of an order are not, unless `all_rows_of` says so: a row may be one of its shipments.
    """
    datasets = source.get("datasets") if isinstance(source, dict) else None
    if not isinstance(datasets, dict):
        return source
    dataset = datasets.get(_ANSWERS)
    if not isinstance(dataset, dict) or not dataset.get("each") or "all_rows_of" in dataset:
        return source
    return {**source, "datasets": {**datasets, _ANSWERS: {**dataset, "all_rows_of": WHOLES[_ANSWERS]}}}


def refuse_parts(name: str, whole: str) -> None:
    """Raises ValueError if `all_rows_of` is not what the rows of the dataset are part of."""
    known = WHOLES.get(name)
    if whole and whole != known:
        told = f"write {known}" if known else f"only {' and '.join(WHOLES)} can have it; leave it out"
        raise ValueError(f"datasets.{name}: `all_rows_of` is for rows that come as a whole; {told}")
