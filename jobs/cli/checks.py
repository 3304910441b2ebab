"""Everything `klantreis check` looks at beyond names and types: each SQL expression is tried on an empty table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from jobs.activation import approved_content
from jobs.activation.channels import types
from jobs.activity import analysis, checks
from jobs.audiences import rules, stage_policy
from jobs.config import written_secrets
from jobs.config.actions import audience_checks, offers
from jobs.config.settings import Settings
from jobs.config.sources.source import SourceDataset
from jobs.config.sql.types import type_of
from jobs.config.yaml_files import ConfigError, line_of
from jobs.content import brand, readable
from jobs.ingest import source_checks
from jobs.ingest.complaints import complaint
from jobs.ingest.expressions import Expression, parse
from jobs.ingest.inner_rows import place_of
from jobs.journeys import checks as journey_checks
from jobs.journeys.journey_map import checks as map_checks
from jobs.lake.trial import tried
from jobs.models import checks as model_checks
from jobs.validate.rules import checks as rule_checks
from jobs.validate.rules.patterns import patterns_in, wrong_patterns


def problems(settings: Settings) -> list[str]:
    """One line per problem: file, line, key, what is wrong. Empty if the configuration is fine."""
    found = [*source_checks.problems(settings), *_mappings(settings), *_own_rules(settings), *_built_in(settings)]
    found += [*journey_checks.check(settings), *map_checks.check(settings), *types.problems(settings)]
    found += checks.check(settings) or analysis.analyse(settings)
    found += model_checks.check(settings)
    found += [*_decisions(settings), *brand.problems(settings)]
    wrong_rules = rules.check(settings)
    return found + (wrong_rules or rules.analyse(settings))


def _decisions(settings: Settings) -> Iterator[str]:
    """Decisions about records that no source has delivered."""
    if settings.decisions:
        from jobs.identity.stewards.decided_records import unknown_records  # looks into the lake

        yield from unknown_records(settings.decisions, settings)


def notes(settings: Settings) -> list[str]:
    """One line per thing that is allowed and worth knowing."""
    idle = [
        *audience_checks.notes(settings.folder, settings.audiences, settings.sources, date.today()),
        *offers.notes(settings.folder, settings.offers, date.today()),
    ]
    secrets = written_secrets.notes(settings.folder)
    return [
        *secrets,
        *source_checks.notes(settings),
        *stage_policy.notes(settings),
        *idle,
        *_not_approved(settings),
        *readable.notes(settings),
    ]


def _not_approved(settings: Settings) -> Iterator[str]:
    """Texts that are not sent before somebody approves of them, each once."""
    deliveries = [(name, to) for name, audience in settings.audiences.items() for to in audience.send_to]
    told = (line for one in deliveries for line in approved_content.not_approved(*one, settings))
    yield from (f"{line}; nothing is sent with it before" for line in dict.fromkeys(told))


def _mappings(settings: Settings) -> Iterator[str]:
    """Expressions of config/sources/ that may not be, do not parse, or give a function what it does not take."""
    for name, source in settings.sources.items():
        path = settings.folder / "sources" / f"{name}.yaml"
        for dataset, mapping in source.datasets.items():
            for keys, problem in _wrong_values(mapping):
                where = ("datasets", dataset, *keys)
                yield f"{path}:{line_of(path, *where)}: {'.'.join(where)}: {problem}"


def _wrong_values(mapping: SourceDataset) -> Iterator[tuple[tuple[str, ...], str]]:
    """Keys of a mapped value, and what is wrong with it."""
    parsed: dict[tuple[str, ...], Expression] = {}
    for part, values in (("columns", mapping.columns), ("attributes", mapping.attributes)):
        for column, value in values.items():
            try:
                parsed[part, column] = parse(value.expression, mapping.nested, lookups=mapping.lookups)
            except ConfigError as error:
                yield from (((part, column), problem) for problem in error.problems)
    yield from _wrong_places(mapping)
    for key, condition in (("where", mapping.where), ("deleted_when", mapping.deleted_when)):
        try:
            if condition:
                of = mapping.lookups if key == "where" else ()
                parsed[key,] = parse(condition, nested=mapping.nested, lookups=of)
                if key == "where" and parsed[key,].partners and (mapping.each or mapping.pairs):
                    yield (key,), "with `each` or `pairs` it is about columns of the file, not of `lookups`"
        except ConfigError as error:
            yield from (((key,), problem) for problem in error.problems)
    for keys, text, nested, known in _of_lookups(mapping):
        try:
            parsed[keys] = parse(text, nested, lookups=mapping.lookups)
            later = next((name for _, name, _ in parsed[keys].partners if name not in known), None)
            if later:
                yield keys, f"it goes by {later!r}, which is not looked up yet; write that one before it"
        except ConfigError as error:
            yield from ((keys, problem) for problem in error.problems)
    tables = [dict.fromkeys(_names(one), "string") for one in parsed.values()]
    told = [type_of(one.sql, table) for one, table in zip(parsed.values(), tables, strict=True)]
    everything = {name: kind for table in tables for name, kind in table.items()}
    found = tried(everything, [one.sql for one in parsed.values()], told)
    for (keys, expression), table, result in zip(parsed.items(), tables, found, strict=True):
        if result.refused:  # alone: names that differ in capitals only may stand in each other's way
            (alone,) = tried(table, [expression.sql])
            if alone.refused:
                said = complaint(alone.refused, expression.sql, paths=[name for name, _, _ in expression.partners])
                yield keys, f"not an expression the engine understands: {said}"

    patterns = {(keys, pattern): pattern for keys, one in parsed.items() for pattern in patterns_in(one.sql)}
    yield from ((keys, what) for (keys, _), what in wrong_patterns(patterns))


def _wrong_places(mapping: SourceDataset) -> Iterator[tuple[tuple[str, ...], str]]:
    """Columns that `each` and `pairs` name by something that is no name."""
    for part in ("each", "pairs"):
        for key, text in getattr(mapping, part).model_dump().items() if getattr(mapping, part) else ():
            if text and key in ("items", "fields", "key", "value"):
                try:
                    place_of(text, mapping)
                except ConfigError as error:
                    yield from (((part, key), problem) for problem in error.problems)


def _of_lookups(mapping: SourceDataset) -> Iterator[tuple[tuple[str, ...], str, bool, list[str]]]:
    """The expressions of lookups: their keys in the YAML, text, whether over nested records, and the lookups before."""
    known: list[str] = []
    for name, lookup in mapping.lookups.items():
        for column, text in lookup.on.items():
            yield ("lookups", name, "on", column), text, mapping.nested, list(known)
        if lookup.where:
            yield ("lookups", name, "where"), lookup.where, not lookup.format.delimited, []
        known.append(name)


def _names(expression: Expression) -> list[str]:
    """The columns that its SQL reads, of the record and of lookups."""
    return [*(name for name, _ in expression.reads), *(name for name, _, _ in expression.partners)]


def _own_rules(settings: Settings) -> Iterator[str]:
    """Rules of config/sources/ about what is not there, or that the engine does not understand."""
    for name, source in settings.sources.items():
        path = settings.folder / "sources" / f"{name}.yaml"
        for dataset, mapping in source.datasets.items():
            wrong = list(rule_checks.problems(dataset, mapping, source.datasets))
            for number, key, what in wrong or rule_checks.engine_problems(dataset, mapping):
                keys = ("datasets", dataset, "rules", number, key)
                yield f"{path}:{line_of(path, *keys)}: {'.'.join(map(str, keys))}: {what}"


def _built_in(settings: Settings) -> Iterator[str]:
    """Changes of built-in rules in config/sources/ that cannot be made."""
    for name, source in settings.sources.items():
        path = settings.folder / "sources" / f"{name}.yaml"
        for dataset, mapping in source.datasets.items():
            if not mapping.built_in:
                continue
            from expectations import suite  # loads Great Expectations, which takes seconds
            from jobs.validate.rules import overrides as rule_overrides

            for rule, key, what in rule_overrides.problems(dataset, mapping, suite(dataset, settings).expectations):
                keys = ("datasets", dataset, "built_in", rule, *([key] if key else []))
                yield f"{path}:{line_of(path, *keys)}: {'.'.join(keys)}: {what}"
