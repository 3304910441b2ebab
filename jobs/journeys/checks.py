"""Are the conditions in config/journey.yaml well-formed, do their columns exist, do they give the same answer tomorrow?

Each is judged by its tree (`config/sql.py`); those that are right are tried on an empty table by the engine itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from jobs.activity.every_day import timeline_columns, used_in, why_not
from jobs.activity.row_columns import RULE_COLUMNS
from jobs.config.journey.intent import LENGTH, NOT_ASKED
from jobs.config.journey.journey import Journey
from jobs.config.journey.kpi_groups import group_of, unknown_group
from jobs.config.journey.kpis import CONTRACTS, PERIOD_TABLES, lake_table
from jobs.config.journey.moment_effects import BEFORE
from jobs.config.journey.moments import AFTERWARDS, NEARBY, MomentType, table_of
from jobs.config.settings import Settings
from jobs.config.sql.advice import text_arithmetic
from jobs.config.sql.functions import ROW, ROWS, Kind
from jobs.config.sql.guard import engine_sql, problem
from jobs.config.sql.types import AGGREGATES, known_types
from jobs.config.traits import Trait
from jobs.config.yaml_files import line_of
from jobs.lake.tables.catalogue import get
from jobs.lake.trial import Tried, tried

JUDGED = ("valence", "touchpoint")
"""What rules have told of a touchpoint before it can serve a moment."""


@dataclass(frozen=True)
class Expression:
    """One SQL text of the configuration: where it is, and the columns it may use."""

    keys: tuple[str | int, ...]
    text: str
    columns: tuple[tuple[str, str], ...]
    aggregate: bool = False
    condition: bool = True
    on_every_day: bool = False

    @property
    def kind(self) -> Kind:
        return ROWS if self.aggregate else ROW


def check(settings: Settings) -> list[str]:
    """Everything wrong with the SQL in config/journey.yaml, and KPIs that nobody can manage by.

    Each with file, line, key, problem, and the nearest valid column or what to write.
    """
    ways = _ways(settings.journey)
    found = _problems(settings, [*_expressions(settings.journey, settings.traits), *ways])
    return [*found, *_unmanaged(settings), *_unknown_groups(settings), *_wrong_value(settings)]


def _unmanaged(settings: Settings) -> Iterator[str]:
    """What KPIs lack so that somebody can manage by them."""
    path = settings.folder / "journey.yaml"
    for name, kpi in settings.journey.kpis.items():
        place = f"{path}:{line_of(path, 'kpis', name)}: kpis.{name}"
        yield from (f"{place}: has no {key}; {what}" for key, what in kpi.missing())


def _unknown_groups(settings: Settings) -> Iterator[str]:
    """Segments and audiences by which KPIs are divided, and of which there are none."""
    path = settings.folder / "journey.yaml"
    for name, kpi in settings.journey.kpis.items():
        for n, group in enumerate(map(group_of, kpi.dimensions)):
            if group:
                models = [model for model, one in settings.learned.items() if one.kind == "segment"]
                place = f"{path}:{line_of(path, 'kpis', name, 'dimensions', n)}: kpis.{name}.dimensions.{n}"
                yield from (f"{place}: {what}" for what in unknown_group(group, models, settings.audiences))


def wrong_ways(settings: Settings) -> list[str]:
    """The same for funnels and paths alone, by reading them: for the step that computes them. Starts no engine."""
    path, ways = settings.folder / "journey.yaml", _ways(settings.journey)
    return [_told(path, way, what) for way in ways if (what := _problem(way, settings.traits))]


def _problems(settings: Settings, expressions: list[Expression]) -> list[str]:
    path = settings.folder / "journey.yaml"
    wrong = {expression: _problem(expression, settings.traits) for expression in expressions}
    right = [expression for expression, what in wrong.items() if what is None]
    wrong |= {expression: _complaint(expression, result) for expression, result in _tried(right)}
    return [_told(path, expression, what) for expression in expressions if (what := wrong[expression])]


def _told(path: Path, expression: Expression, what: str) -> str:
    place = ".".join(str(key) for key in expression.keys)
    return f"{path}:{line_of(path, *expression.keys)}: {place}: {what}"


def _wrong_value(settings: Settings) -> Iterator[str]:
    """What is wrong with the trait that moves are worth: it is asked on the days after them."""
    name, path = settings.journey.stage_value, settings.folder / "journey.yaml"
    reason = why_not(settings.traits[name]) if name in settings.traits else None
    if reason:
        told = f"moves are worth a trait that is a count or sum; not {name!r}: {reason}"
        yield f"{path}:{line_of(path, 'stage_value')}: stage_value: {told}"


def _expressions(journey: Journey, traits: Mapping[str, Trait]) -> Iterator[Expression]:
    events = _columns("valid/events")
    seen = (*events, *NEARBY.items()) if journey.location else events
    answers = (*seen, *AFTERWARDS.items())
    contacts = tuple(column for column in _columns("journeys/touchpoints") if column[0] in RULE_COLUMNS)
    on_every_day = tuple(
        timeline_columns({name: trait for name, trait in traits.items() if not why_not(trait)}).items()
    )
    for name, condition in journey.bots.items():
        yield Expression(("bots", name), condition, events)
    for name, condition in journey.channels.items():
        yield Expression(("channels", name), condition, events)
    for n, valence in enumerate(journey.valence):
        yield Expression(("valence", n, "when"), valence.when, contacts)
    for name, entry in journey.touchpoints.items():
        yield Expression(("touchpoints", name, "when"), entry.when, contacts)
    for n, rule in enumerate(journey.stages):
        yield Expression(("stages", n, "when"), rule.when, on_every_day, on_every_day=True)
    for name, sign in (journey.intent.signs if journey.intent else {}).items():
        yield Expression(("intent", "signs", name, "when"), sign.when, _of_a_visit())
    for name, kind in journey.moments.items():
        for signal, weighed in kind.signals.items():
            yield Expression(("moments", name, "signals", signal, "when"), weighed.when, seen)
        yield Expression(("moments", name, "served_when"), kind.served_when, answers)
        yield from _of_records(name, kind)
    yield from _kpi_expressions(journey, on_every_day)


def _of_a_visit() -> tuple[tuple[str, str], ...]:
    """What a sign of purchase intent can ask of a visit."""
    visit = [column for column in _columns("journeys/sessions") if column[0] not in NOT_ASKED]
    return (*visit, (LENGTH, "bigint"))


def _of_records(type_: str, kind: MomentType) -> Iterator[Expression]:
    for name, record in kind.records.items():
        place, table = ("moments", type_, "records", name), _columns(table_of(record.over))
        yield Expression((*place, "when"), record.when, table)
        for key in ("each", "begins_at", "expires_at"):
            if text := getattr(record, key):
                yield Expression((*place, key), text, table, condition=False)
        if record.served_when:
            contacts = tuple(c for c in _columns("journeys/touchpoints") if c[0] in (*RULE_COLUMNS, *JUDGED))
            yield Expression((*place, "served_when"), record.served_when, contacts)


def _ways(journey: Journey) -> list[Expression]:
    """The SQL of funnels, paths and effects of moments."""
    found = []
    for name, funnel in journey.funnels.items():
        table = _columns("valid/events" if funnel.over == "events" else "journeys/touchpoints")
        found.append(Expression(("funnels", name, "where"), funnel.where, table))
        for n, step in enumerate(funnel.steps):
            found.append(Expression(("funnels", name, "steps", n, "when"), step.when, table))
    if paths := journey.paths:
        table = _columns("journeys/touchpoints")
        found += [Expression(("paths", key), getattr(paths, key), table) for key in ("contacts", "conversion")]
        found += [Expression(("paths", key), getattr(paths, key), table, condition=False) for key in ("step", "value")]
        for name, text in paths.attribute_to.items():
            found.append(Expression(("paths", "attribute_to", name), text, table, condition=False))
        for name, text in paths.cost_of.items():
            found.append(
                Expression(("paths", "cost_of", name), text, _columns("valid/campaign_stats"), condition=False)
            )
    if rules := journey.moment_effects:
        contacts = _columns("journeys/touchpoints")
        found.append(Expression(("moment_effects", "conversion"), rules.conversion, contacts))
        for name, text in rules.match_on.items():
            of = ("moment_effects", "match_on", name)
            found.append(Expression(of, text, tuple(BEFORE.items()), condition=False))
    return found


def _columns(table: str) -> tuple[tuple[str, str], ...]:
    return tuple((column.name, column.type) for column in get(table).columns)


def _kpi_expressions(journey: Journey, on_every_day: tuple[tuple[str, str], ...]) -> Iterator[Expression]:
    for name, kpi in journey.kpis.items():
        daily = kpi.table == "customers"
        columns = on_every_day if daily else _columns(lake_table(kpi.table))
        columns = (*columns, ("lost", "boolean")) if kpi.table == CONTRACTS else columns
        counts = kpi.table in PERIOD_TABLES
        yield Expression(("kpis", name, "where"), kpi.where, columns, on_every_day=daily)
        for key in ("numerator", "denominator"):
            text = getattr(kpi, key)
            if text:
                yield Expression(("kpis", name, key), text, columns, not counts, counts, daily)
        for n, text in enumerate(kpi.dimensions):
            if group_of(text):
                continue
            yield Expression(("kpis", name, "dimensions", n), text, columns, condition=False, on_every_day=daily)


def _problem(expression: Expression, traits: Mapping[str, Trait]) -> str | None:
    """What reading alone tells."""
    for name, trait in used_in([expression.text], traits).items() if expression.on_every_day else ():
        reason = why_not(trait)
        if reason:
            return f"stage rules are asked on every day, so they can use counts and sums; not {name!r}: {reason}"
    return problem(expression.text, [name for name, _ in expression.columns], expression.kind)


def _tried(expressions: list[Expression]) -> Iterator[tuple[Expression, Tried]]:
    """What reading tells, else what the engine says, in one query for all over the same columns."""

    def table(expression: Expression) -> tuple[tuple[tuple[str, str], ...], bool]:
        return expression.columns, expression.aggregate

    for (columns, aggregate), group in groupby(sorted(expressions, key=table), key=table):
        same = list(group)
        texts = [engine_sql(one.text, one.kind) for one in same]
        told = known_types(dict(columns), texts, AGGREGATES if aggregate else None)
        yield from zip(same, tried(dict(columns), texts, told, grouped=aggregate), strict=True)


def _complaint(expression: Expression, result: Tried) -> str | None:
    if result.refused:
        told = text_arithmetic(engine_sql(expression.text, expression.kind), dict(expression.columns))
        return f"not valid SQL: {told or result.refused.splitlines()[0][:200]}"
    if expression.condition and result.type != "boolean":
        return f"gives a {result.type} where a condition is needed; compare it with something"
    return None
