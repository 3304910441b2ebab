"""The rules of a dataset that its source's configuration adds, as expectations."""

from __future__ import annotations

from collections.abc import Iterable

from great_expectations.expectations.expectation import Expectation

from expectations.own import default_name, own
from jobs.config.sources.source import SourceDataset
from jobs.config.yaml_files import ConfigError
from jobs.validate.rules.checks import column_types, problems, rule_columns


def own_expectations(
    name: str, dataset: SourceDataset, suite: Iterable[Expectation], place: str, datasets: Iterable[str]
) -> list[Expectation]:
    """The expectations of `dataset.rules`; `suite` are those it has already, `datasets` those of the same source.

    Raises ConfigError naming each rule, below `place`, that is about a column or dataset that is not there.
    """
    wrong = list(problems(name, dataset, datasets))
    if wrong:
        raise ConfigError([f"{place}.{number}.{key}: {what}" for number, key, what in wrong])
    taken = {str((one.meta or {})["rule"]) for one in suite}
    found = []
    for rule in dataset.rules:
        called = default_name(rule, taken)
        taken.add(called)
        found.append(own(rule, called, name, column_types(name, dataset)))
    return found


def attribute_types(name: str, dataset: SourceDataset) -> dict[str, str]:
    """Spark type of each attribute that a rule names."""
    used = {column for rule in dataset.rules for column, _ in rule_columns(rule)}
    types = column_types(name, dataset)
    return {
        column.removeprefix("attributes."): types[column] for column in sorted(used) if column.startswith("attributes.")
    }
