"""What actions name that must exist elsewhere in the configuration: KPI, purpose, destinations, other actions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from pathlib import Path

from jobs.config.actions.audiences import Audience
from jobs.config.actions.destinations import Destination, types
from jobs.config.sources.source import Source
from jobs.config.yaml_files import line_of, nearest


def problems(
    folder: Path,
    audiences: Mapping[str, Audience],
    kpis: Collection[str],
    purposes: Collection[str],
    destinations: Mapping[str, Destination],
) -> Iterator[str]:
    """What is wrong, one line each: file, line, key, what to do."""
    for name, one in audiences.items():
        path = folder / "audiences" / f"{name}.yaml"
        yield from _of(name, one, path, kpis, purposes)
        yield from _deliveries(one, path, destinations)
        if one.after:
            yield from _order(name, path, audiences)


def _of(name: str, one: Audience, path: Path, kpis: Collection[str], purposes: Collection[str]) -> Iterator[str]:
    if one.audience != name:
        yield f"{path}: audience is {one.audience!r}; name the file after it"
    for key in ("kpi", "expires") if one.decides else ():
        if getattr(one, key) is None:
            yield f"{path}:1: key {key!r} is missing; add it, for {one.decides[0]!r} decides who gets what"
    if one.kpi is not None and one.kpi not in kpis:
        told = nearest(one.kpi, kpis) if kpis else "; declare it under `kpis` in journey.yaml"
        yield f"{_at(path, 'kpi')}: unknown KPI {one.kpi!r}{told}"
    if one.purpose not in purposes:
        yield f"{_at(path, 'purpose')}: unknown purpose {one.purpose!r}{nearest(one.purpose, purposes)}"
    if one.budget and one.budget.amount is not None and not one.effect.cost and not one.offer:
        yield f"{_at(path, 'budget', 'amount')}: nothing is ever spent of it: say effect.cost"
    if one.budget and one.budget.margin is not None and not one.offer:
        yield f"{_at(path, 'budget', 'margin')}: nothing is ever spent of it: the action gives no offer; say `offer`"


def _deliveries(one: Audience, path: Path, destinations: Mapping[str, Destination]) -> Iterator[str]:
    for destination, delivery in one.send_to.items():
        known = destinations.get(destination)
        place = _at(path, "send_to", destination)
        if known is None:
            yield f"{place}: unknown destination {destination!r}{nearest(destination, destinations)}"
        elif (needed := types()[known.type].needs) and not getattr(delivery, needed):
            yield f"{place} needs {needed!r}; add it"


def _order(name: str, path: Path, audiences: Mapping[str, Audience]) -> Iterator[str]:
    """What is wrong with the action that another one waits for: unknown, or each waits for the other."""
    place, seen, at = _at(path, "after", "action"), [name], audiences[name].after
    if at and at.action not in audiences:
        yield f"{place}: unknown action {at.action!r}{nearest(at.action, audiences)}"
    while at and at.action in audiences:
        if at.action in seen:
            if at.action == name:
                yield f"{place}: {' waits for '.join([*seen, name])}: nobody would ever be in; take one `after` away"
            return
        seen.append(at.action)
        at = audiences[at.action].after


def notes(folder: Path, audiences: Mapping[str, Audience], sources: Mapping[str, Source], today: date) -> Iterator[str]:
    """Actions that do nothing, expired or without a source they need; those that do not say what for, or until when."""
    for name, one in audiences.items():
        path = folder / "audiences" / f"{name}.yaml"
        missing = [key for key in ("kpi", "expires") if getattr(one, key) is None]
        if missing:
            yield f"{path}: no {' and no '.join(missing)}: nobody can tell what it is to move, or when it is over"
        if lacking := one.lacks(sources):
            yield (
                f"{_at(path, 'needs')}: no source delivers {', '.join(lacking)}: it is off, and nobody is in it; "
                f"add such a source to config/sources, or delete the file"
            )
        if one.last_day < today:
            yield f"{_at(path, 'expires')}: expired on {one.expires}: nobody is in it; prolong it, or delete the file"


def _at(path: Path, *keys: str) -> str:
    return f"{path}:{line_of(path, *keys)}: {'.'.join(keys)}"
