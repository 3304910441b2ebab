"""What an audience rule may say: a condition over the columns of the customer view, and nothing else.

The rule is judged by its tree (`config/sql.py`); then the engine checks its types on an empty view.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jobs.audiences.view_columns import VIEW_COLUMNS, view_of, view_with
from jobs.config.actions.audiences import Audience
from jobs.config.settings import Settings
from jobs.config.sql.advice import text_arithmetic
from jobs.config.sql.guard import columns_in, engine_sql, problems
from jobs.config.sql.signatures import NUMBERS, family
from jobs.config.sql.types import known_types
from jobs.config.yaml_files import ConfigError, line_of, nearest
from jobs.lake.trial import tried


def columns_of(rule: str, columns: Sequence[str] = VIEW_COLUMNS) -> list[str]:
    """The columns a rule looks at, in the order of the view."""
    used = {name.lower() for name in columns_in(rule)}
    return [name for name in columns if name in used]


def rule_problems(rule: str, columns: Sequence[str] = VIEW_COLUMNS) -> list[str]:
    """What in the text of a rule is not allowed, one line each."""
    if not rule.strip():
        return ["the rule is empty; write 'true' for everybody"]
    return problems(rule, columns)


def check(settings: Settings) -> list[str]:
    """What is wrong with the audience rules, one line each, with file and line; starts no engine."""
    found = list(_hidden_columns(settings))
    valid = view_of(settings).column_names
    for audience in settings.audiences.values():
        place = place_of(settings, audience, "where")
        found += [f"{place}: where: {problem}" for problem in rule_problems(audience.where, valid)]
        if audience.value is not None:
            place = place_of(settings, audience, "value")
            found += [f"{place}: value: {problem}" for problem in rule_problems(audience.value, valid)]
        if audience.when.since and audience.when.since not in valid:
            place = place_of(settings, audience, "when")
            found.append(
                f"{place}: when.since: unknown column {audience.when.since!r}{nearest(audience.when.since, valid)}"
            )
        for column in audience.evidence:
            if column not in valid:
                place = place_of(settings, audience, "evidence")
                found.append(f"{place}: evidence: unknown column {column!r}{nearest(column, valid)}")
    found += [f"{place}: {problem}" for place, text in _policy(settings) for problem in rule_problems(text, valid)]
    found += [f"{place}: {problem}" for place, text in _contexts(settings) for problem in rule_problems(text, valid)]
    found += [f"{place}: {problem}" for place, text in _offers(settings) for problem in rule_problems(text, valid)]
    return found + variant_problems(settings)


def variant_problems(settings: Settings) -> list[str]:
    """What is wrong with the variants of config/context.yaml, one line each; starts no engine."""
    valid = [*view_of(settings).column_names, "moment"]
    return [
        f"{_place_of_variant(settings, n)}: {problem}"
        for n, variant in enumerate(settings.context.variants)
        for problem in rule_problems(variant.when, valid)
    ]


def _place_of_variant(settings: Settings, number: int) -> str:
    path = settings.folder / "context.yaml"
    return f"{path}:{line_of(path, 'variants', number, 'when')}: variants.{number}.when"


def _hidden_columns(settings: Settings) -> Iterator[str]:
    """Traits that have the name of a column of the view: a rule could mean either."""
    path = settings.folder / "traits.yaml"
    taken = view_with({}, settings.learned).column_names
    for name in settings.traits:
        if name in taken:
            place = f"{path}:{line_of(path, 'traits', name)}: traits.{name}"
            yield f"{place}: audience rules know another {name!r}; rename it"


def analyse(settings: Settings) -> list[str]:
    """What is wrong with the types of the rules that `check` lets pass, one line each.

    Starts the engine only for rules of which reading does not tell. Reads no data.
    """
    view = {column.name: column.type for column in view_of(settings).columns} | {"moment": "string"}
    conditions = [(f"{place_of(settings, one, 'where')}: where", one.where) for one in settings.audiences.values()]
    conditions += [(_place_of_variant(settings, n), one.when) for n, one in enumerate(settings.context.variants)]
    wanted = dict.fromkeys(range(len(conditions)), "boolean")
    for place, text in _policy(settings):
        wanted[len(conditions)] = "string" if place.endswith("zone") else "boolean"
        conditions.append((place, text))
    for one in settings.audiences.values():
        if one.value is not None:
            wanted[len(conditions)] = "number"
            conditions.append((f"{place_of(settings, one, 'value')}: value", one.value))
    for place, text in _contexts(settings):
        wanted[len(conditions)] = "number or boolean"
        conditions.append((place, text))
    for place, text in _offers(settings):
        wanted[len(conditions)] = "number" if place.endswith("order") else "boolean"
        conditions.append((place, text))
    texts = [engine_sql(text) for _, text in conditions]
    found = []
    results = tried(view, texts, known_types(view, texts))
    for n, ((place, text), result) in enumerate(zip(conditions, results, strict=True)):
        if result.refused:
            told = text_arithmetic(engine_sql(text), view) or result.refused.splitlines()[0]
            found.append(f"{place}: not a valid condition: {told}")
        elif family(result.type) not in _FAMILIES[wanted[n]]:
            found.append(f"{place}: gives {result.type}, {_WORDS[wanted[n]]}")
    return found


_FAMILIES = {"boolean": ("boolean",), "number": NUMBERS, "number or boolean": ("boolean", *NUMBERS),
             "string": ("string",)}  # fmt: skip
_WORDS = {
    "boolean": "not true or false; compare it with something",
    "number": "not a number",
    "number or boolean": "neither a number nor true or false",
    "string": "not a text; give the name of a zone, such as 'Europe/Lisbon'",
}


def _policy(settings: Settings) -> Iterator[tuple[str, str]]:
    """Where texts over the customer view stand in config/contact_policy.yaml, and the texts."""
    path = settings.folder / "contact_policy.yaml"
    for n, one in enumerate(settings.policy.keep_away):
        yield f"{path}:{line_of(path, 'keep_away', n, 'when')}: keep_away.{n}.when", one.when
    if settings.policy.zone:
        yield f"{path}:{line_of(path, 'zone')}: zone", settings.policy.zone


def _contexts(settings: Settings) -> Iterator[tuple[str, str]]:
    """Where texts over the customer view stand in experiments, and the texts."""
    for name, one in settings.experiments.items():
        path = settings.folder / "experiments" / f"{name}.yaml"
        for key, text in one.allocation.context.items():
            place = f"{path}:{line_of(path, 'allocation', 'context', key)}: allocation.context.{key}"
            yield place, text


def _offers(settings: Settings) -> Iterator[tuple[str, str]]:
    """Where texts over the customer view stand in config/offers.yaml, and the texts."""
    path = settings.folder / "offers.yaml"
    for name, one in settings.offers.offers.items():
        if one.where is not None:
            yield f"{path}:{line_of(path, 'offers', name, 'where')}: offers.{name}.where", one.where
        if one.margin:
            place = f"{path}:{line_of(path, 'offers', name, 'margin', 'order')}: offers.{name}.margin.order"
            yield place, one.margin.order


def refuse_wrong_rules(settings: Settings) -> None:
    """Raise ConfigError if any rule is wrong."""
    wrong = check(settings) or analyse(settings)
    if wrong:
        raise ConfigError(wrong)


def place_of(settings: Settings, audience: Audience, key: str) -> str:
    path = settings.folder / "audiences" / f"{audience.audience}.yaml"
    return f"{path}:{line_of(path, key)}"
