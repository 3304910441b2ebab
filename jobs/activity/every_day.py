"""Which traits can be asked on every day, and which are: those that stage rules and KPIs over customers name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jobs.activity.language import Aggregate, condition_of, parts_of
from jobs.config.settings import Settings
from jobs.config.sql.guard import words
from jobs.config.traits import Trait

KINDS = ("touchpoints", "sessions")
"""Tables of journeys/* that name the customer, so that one query over them gives every number again."""
OF_THE_DAY = frozenset(("days_ago", "hour", "weekday"))
RUNNING = {"bigint": "bigint", "double": "decimal(28,6)", "decimal(18,2)": "decimal(18,2)"}
"""As what the rows of a day are added up, by the type of the trait: whole numbers and decimals, never floats."""


def why_not(trait: Trait) -> str | None:
    """Why a trait cannot be asked on every day; None if it can."""
    parts = parts_of(trait.value)
    call = parts[0]
    if trait.over not in KINDS:
        return f"it is over {trait.over or 'other traits'}, not over {' or '.join(KINDS)}"
    if len(parts) > 1 or not isinstance(call, Aggregate) or call.function not in ("count", "sum") or call.distinct:
        return f"it is {trait.value}"
    if trait.type not in RUNNING:
        return f"it is a {trait.type}"
    used = {text.lower() for kind, text in words(f"{condition_of(trait)} {call.argument}") if kind == "word"}
    if used & OF_THE_DAY:
        return f"it looks at {sorted(used & OF_THE_DAY)[0]}"
    if call.function == "sum" and trait.default is None:
        return "it is empty where there is nothing to add up; write default: 0"
    return None


def used_in(texts: Iterable[str], traits: Mapping[str, Trait]) -> dict[str, Trait]:
    """The traits that conditions name, in the order they are declared in."""
    named = {text for sql in texts for kind, text in words(sql) if kind == "word"}
    return {name: trait for name, trait in traits.items() if name in named}


def used_in_rules(settings: Settings) -> dict[str, Trait]:
    """The traits that stage rules look at."""
    return used_in([rule.when for rule in settings.journey.stages], settings.traits)


def asked_every_day(settings: Settings) -> dict[str, Trait]:
    """The traits that stage rules, KPIs over customers and the value of moves look at."""
    customers = [kpi for kpi in settings.journey.kpis.values() if kpi.table == "customers"]
    sides = [text for kpi in customers for text in (kpi.where, kpi.numerator, kpi.denominator, *kpi.dimensions)]
    texts = [text for text in sides if text]
    worth = [settings.journey.stage_value] if settings.journey.stage_value else []
    return used_in([*(rule.when for rule in settings.journey.stages), *texts, *worth], settings.traits)


def value_of_moves(settings: Settings) -> tuple[str, Trait] | None:
    """The trait that is the value of a move, with its name."""
    name = settings.journey.stage_value
    return (name, settings.traits[name]) if name else None


def timeline_columns(traits: Mapping[str, Trait]) -> dict[str, str]:
    """What stage rules can use, with types."""
    return {"customer_id": "string", **{name: trait.type for name, trait in traits.items()}}
