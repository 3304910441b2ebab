"""Everything `klantreis check` looks at beyond names and types: each SQL expression is tried on an empty table."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from expectations import suite
from jobs.activation.channels import types
from jobs.activity import checks
from jobs.audiences import rules
from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError, line_of
from jobs.identity.decided_records import unknown_records
from jobs.ingest import source_checks
from jobs.ingest.expressions import complaint, parse
from jobs.journeys import checks as journey_checks
from jobs.lake.engine import get_spark
from jobs.validate import custom_rules, rule_overrides


def problems(settings: Settings) -> list[str]:
    """One line per problem: file, line, key, what is wrong. Empty if the configuration is fine."""
    found = [*source_checks.problems(settings), *_mappings(settings), *_own_rules(settings), *_built_in(settings)]
    found += [*journey_checks.check(settings), *types.problems(settings)]
    found += checks.check(settings) or checks.analyse(get_spark(), settings)
    found += unknown_records(settings.decisions, settings)
    wrong_rules = rules.check(settings)
    return found + (wrong_rules or rules.analyse(get_spark(), settings))


def notes(settings: Settings) -> list[str]:
    """One line per thing that is allowed and worth knowing."""
    return [*source_checks.notes(settings)]


def _mappings(settings: Settings) -> Iterator[str]:
    """Expressions of config/sources/ that do not parse or that use a function the engine does not have."""
    for name, source in settings.sources.items():
        path = settings.folder / "sources" / f"{name}.yaml"
        for dataset, mapping in source.datasets.items():
            for part, expressions in (("columns", mapping.columns), ("attributes", mapping.attributes)):
                for column, value in expressions.items():
                    problem = _problem(value.expression, nested=not mapping.format.delimited)
                    if problem:
                        keys = ("datasets", dataset, part, column)
                        yield f"{path}:{line_of(path, *keys)}: {'.'.join(keys)}: {problem}"


def _own_rules(settings: Settings) -> Iterator[str]:
    """Rules of config/sources/ about what is not there, or that the engine does not understand."""
    for name, source in settings.sources.items():
        path = settings.folder / "sources" / f"{name}.yaml"
        for dataset, mapping in source.datasets.items():
            wrong = list(custom_rules.problems(dataset, mapping, source.datasets))
            for number, key, what in wrong or custom_rules.engine_problems(dataset, mapping):
                keys = ("datasets", dataset, "rules", number, key)
                yield f"{path}:{line_of(path, *keys)}: {'.'.join(map(str, keys))}: {what}"


def _built_in(settings: Settings) -> Iterator[str]:
    """Changes of built-in rules in config/sources/ that cannot be made."""
    for name, source in settings.sources.items():
        path = settings.folder / "sources" / f"{name}.yaml"
        for dataset, mapping in source.datasets.items():
            if not mapping.built_in:
                continue
            for rule, key, what in rule_overrides.problems(dataset, mapping, suite(dataset, settings).expectations):
                keys = ("datasets", dataset, "built_in", rule, *([key] if key else []))
                yield f"{path}:{line_of(path, *keys)}: {'.'.join(keys)}: {what}"


def _problem(text: str, nested: bool) -> str | None:
    try:
        expression = parse(text, nested)
        columns = ", ".join(f"`{name.replace('`', '``')}` string" for name in expression.columns) or "nothing string"
        _ = get_spark().createDataFrame([], columns).select(F.expr(expression.sql)).schema
    except ConfigError as error:
        return str(error)
    except PySparkException as error:
        return f"not an expression the engine understands: {complaint(error)}"
    return None
