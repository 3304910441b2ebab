"""What actions bring for what they cost: by action, stage and channel, and what nobody can tell yet, with the reason.

What is said of an action comes from its effect against those held out (`decisions/effects`), never from before and
after. An action without such an effect has its cost, and no value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from jobs.config.settings import Settings
from jobs.effects import returns, units
from jobs.effects.costs_per_person import per_person
from jobs.effects.effects import Asked, asked
from jobs.effects.returns import Part, Range
from jobs.effects.spending import VIEWS, Cost, costs

if TYPE_CHECKING:
    import duckdb

NEEDS = VIEWS | {"decisions.effects"}
MEASURED = ("more", "less", "unclear")
"""Verdicts of effects that have an interval."""


@dataclass(frozen=True)
class Action:
    """One action: what it cost, and its part of the value if its effect is known."""

    name: str
    stage: str
    channel: str
    spent: float
    """All it cost so far, in the company's currency, as far as anybody can say."""
    part: Part | None
    why_not: str
    """Why there is no part; empty if there is."""


@dataclass(frozen=True)
class Line:
    """Actions together. `cost`, `value`, `net` and `on_cost` are of those whose effect is known; None of none."""

    name: str
    actions: int
    measured: int
    people: int
    spent: float
    cost: float
    value: Range | None
    net: Range | None
    on_cost: Range | None
    says: str


@dataclass(frozen=True)
class Report:
    """`day`: the day of the effects; `together`: intervals that hold at once."""

    day: date
    together: int
    actions: tuple[Action, ...]
    all_at_once: Action | None
    """All actions against those held out of all of them, if config/contact_policy.yaml holds anybody out."""
    costs: tuple[Cost, ...]

    def lines(self, by: str) -> list[Line]:
        """One line for each `name`, `stage` or `channel`; what they say adds up to `total`."""
        keys = list(dict.fromkeys(getattr(one, by) for one in self.actions))
        return [line(key, [one for one in self.actions if getattr(one, by) == key]) for key in keys]

    @property
    def total(self) -> Line:
        return line("all of them", self.actions)

    @property
    def of_no_action(self) -> float:
        """What was spent on no single action."""
        return sum(one.own or 0.0 for one in self.costs if not one.action)


def newest_day(database: duckdb.DuckDBPyConnection) -> date | None:
    """The newest day that effects are known of."""
    found: date | None = database.sql("select max(day) from decisions.effects").fetchall()[0][0]
    return found


def report(day: date, settings: Settings, database: duckdb.DuckDBPyConnection) -> Report:
    """What every action brought for what it cost, as known on a day. Raises ConfigError if costs are of two actions."""
    every, spent = list(asked(settings)), tuple(costs(day, settings, database))
    told = database.execute(
        "select audience, verdict, said, treated, held_out, difference, low, high from decisions.effects "
        "where day = ? and metric = 'value'",
        [day],
    )
    columns = [name for name, *_ in told.description or ()]
    effects = {row[0]: dict(zip(columns, row, strict=True)) for row in told.fetchall()}
    together = max(1, sum(one.holdout > 0 for one in every))
    found = [_action(one, day, settings, database, spent, effects.get(one.name), together) for one in every]
    single = (*(one for one in found if one.name != units.ALL), *_gone({one.name for one in every}, spent))
    return Report(day, together, single, next((one for one in found if one.name == units.ALL), None), spent)


def _gone(known: Collection[str], costs: Sequence[Cost]) -> Iterator[Action]:
    """Actions that cost something and are in the configuration no more, so that what was spent adds up."""
    for name in sorted({cost.action for cost in costs} - {"", *known}):
        own = [cost for cost in costs if cost.action == name]
        channels = " and ".join(sorted({cost.channel for cost in own if cost.kind == "contacts"}))
        spent = sum(cost.own or 0.0 for cost in own)
        yield Action(name, "none", channels or "none", spent, None, "It is in config/audiences/ no more")


def _action(
    one: Asked, day: date, settings: Settings, database: duckdb.DuckDBPyConnection, costs: Sequence[Cost],
    effect: dict[str, Any] | None, together: int,
) -> Action:  # fmt: skip
    own = [cost for cost in costs if cost.action == one.name or one.name == units.ALL]
    if one.name == units.ALL:  # media of no action are not of all actions
        own = [cost for cost in own if cost.action or cost.kind != "media"]
    audience = settings.audiences.get(one.name)
    channels = sorted({settings.destinations[name].channel for name in audience.send_to}) if audience else []
    told = Action(
        one.name,
        audience.stage if audience else "",
        " and ".join(channels) or "none",
        sum(cost.own or 0.0 for cost in own),
        None,
        "",
    )
    if why_not := _why_not(effect, own):
        return replace(told, why_not=why_not)
    assert effect is not None
    each, margin = per_person(one, day, settings, database, own), _margin(one, settings)
    both = effect["treated"] + effect["held_out"]
    part = Part(
        name=one.name,
        people=effect["treated"],
        value=margin * effect["difference"],
        value_error=margin * returns.error_of(effect["low"], effect["high"], both),
        variable=each.variable,
        fixed=each.fixed,
        cost_error=each.error,
        covariance=margin * each.covariance,
        width=returns.width(both, together),
    )
    return replace(told, part=part)


def _margin(one: Asked, settings: Settings) -> float:
    """The share of revenue that is kept; of all actions together that of the action that keeps least."""
    if one.name == units.ALL:
        return min((audience.effect.margin for audience in settings.audiences.values()), default=1.0)
    return one.effect.margin


def _why_not(effect: dict[str, Any] | None, costs: Iterable[Cost]) -> str:
    """Why nothing can be said of what an action brings for its cost; empty if it can."""
    if effect is None:
        return "Nothing is known of its effect on this day: run the step effects"
    if effect["verdict"] not in MEASURED:
        return str(effect["said"])
    for cost in costs:
        if cost.own is None and cost.amount is None:
            return (
                f"What its contacts by {cost.channel} cost is not declared: say contacts.{cost.channel} in costs.yaml, "
                "0 if they are free, or effect.cost of the action"
            )
        if cost.own is None:
            return f"Its {cost.kind} are in {cost.currency}, of which there is no rate: see `rates` in settings.yaml"
    return ""


def line(name: str, actions: Sequence[Action]) -> Line:
    """Actions together."""
    parts = [one.part for one in actions if one.part]
    spent = sum(one.spent for one in actions)
    if not parts:
        reasons = list(dict.fromkeys(one.why_not for one in actions))
        says = reasons[0] if len(reasons) == 1 else "No evidence of any of them"
        return Line(name, len(actions), 0, 0, spent, 0.0, None, None, None, says)
    cost, ratio = returns.cost(parts), returns.on_cost(parts)
    return Line(
        name,
        len(actions),
        len(parts),
        sum(part.people for part in parts),
        spent,
        cost,
        returns.value(parts),
        returns.net(parts),
        ratio,
        sentence(cost, returns.net(parts), ratio),
    )


def sentence(cost: float, net: Range, ratio: Range | None) -> str:
    """The return in words."""
    if cost <= 0:
        return "It cost nothing that anybody declared, so there is no return on cost"
    if ratio is None:
        return "What a person costs differs too much to tell a return on it: more people are needed"
    size = f"{ratio.low:,.2f} to {ratio.high:,.2f} for every 1 spent"
    if net.low > 0:
        return f"It brings more than it costs: {size}"
    return f"It costs more than it brings: {size}" if net.high < 0 else f"Not clear yet whether it pays: {size}"
