"""Data of a special category, such as health: it decides about people for one purpose, and never for an ad platform.

`exclusive` of a purpose in config/identity.yaml names datasets. What is made of them is bound to that purpose, and so
is what may be made of any dataset: stages, moments, scores, and counts over touchpoints. Everything is refused on load
that would use one of these for another purpose, so that no rule depends on somebody remembering it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from jobs.config.actions.audiences import Audience
from jobs.config.actions.contact_policy import ContactPolicy
from jobs.config.actions.context import Context
from jobs.config.actions.destinations import Destination, types
from jobs.config.actions.offers import Offers
from jobs.config.identity import Purpose
from jobs.config.sql.guard import columns_in
from jobs.config.traits import Trait
from jobs.config.yaml_files import ConfigError, line_of
from jobs.lake.tables.canonical import CANONICAL

FREE = ("customer_id", "today", "known", "language", "country", "city", "gender", "age", "days_known")
"""Columns of the customer view that contact records tell; all others may be made of any dataset."""
_MADE_OF = {
    "order_lines": ("order_lines", "orders"),
    "messages": ("messages", "conversations"),
    "sessions": ("events",),
    "carts": ("events",),
}
"""Of tables that traits count over and that hold other datasets: which."""


class Bound:
    """Which purposes a column of the customer view is bound to."""

    def __init__(self, purposes: Mapping[str, Purpose], traits: Mapping[str, Trait]) -> None:
        self.owners = {name for name, purpose in purposes.items() if purpose.exclusive}
        self._of_dataset = {dataset: name for name, purpose in purposes.items() for dataset in purpose.exclusive}
        self._traits = traits

    def others(self, texts: list[str], purpose: str | None) -> list[str]:
        """Columns in these texts that may not be used for a purpose, as they are written."""
        named = [column for text in texts for column in _columns(text)]
        return list(dict.fromkeys(column for column in named if self._bound(column.lower(), ()) - {purpose}))

    def _bound(self, column: str, seen: tuple[str, ...]) -> set[str]:
        if column in seen:
            return set()
        trait = self._traits.get(column)
        if trait is None:
            return self._of({"contacts"}) if column in FREE else set(self.owners)
        if trait.over is None:
            return {name for used in _columns(trait.value) for name in self._bound(used.lower(), (*seen, column))}
        tables = _MADE_OF.get(trait.over, (trait.over,))
        return self._of(set(tables)) if set(tables) <= set(CANONICAL) else set(self.owners)

    def _of(self, datasets: set[str]) -> set[str]:
        return {self._of_dataset[one] for one in datasets if one in self._of_dataset}


def problems(
    folder: Path,
    purposes: Mapping[str, Purpose],
    traits: Mapping[str, Trait],
    audiences: Mapping[str, Audience],
    destinations: Mapping[str, Destination],
    policy: ContactPolicy,
    context: Context,
    offers: Offers,
) -> Iterator[str]:
    """What uses such data for another purpose or takes it elsewhere, one line each: file, line, key, what to do."""
    bound = Bound(purposes, traits)
    if not bound.owners:
        return
    yield from _twice(folder / "identity.yaml", purposes)
    for name, one in audiences.items():
        path = folder / "audiences" / f"{name}.yaml"
        said: list[tuple[tuple[str | int, ...], list[str]]] = [
            (("where",), [one.where]),
            (("value",), [one.value or "0"]),
            (("evidence",), one.evidence),
        ]
        said += [(("when", "since"), [one.when.since])] if one.when and one.when.since else []
        for keys, texts in said:
            yield from _wrong(bound.others(texts, one.purpose), path, keys, one.purpose)
        if given := offers.offers.get(one.offer or ""):
            texts = [text for text in (given.where, given.margin.order if given.margin else None) if text]
            yield from _wrong(bound.others(texts, one.purpose), path, ("offer",), one.purpose)
        if one.moment and bound.owners - {one.purpose}:
            yield from _wrong([f"moment: {one.moment}"], path, ("moment",), one.purpose)
        before = audiences.get(one.after.action) if one.after else None
        if before and before.purpose in bound.owners and before.purpose != one.purpose:
            yield from _wrong([f"who had {before.audience}"], path, ("after",), one.purpose)
        if one.purpose in bound.owners:
            yield from _elsewhere(one, path, purposes[one.purpose], destinations)
    for number, rule in enumerate(policy.keep_away):
        keys = ("keep_away", number, "when")
        every: list[str | None] = [*rule.purposes] or [None]
        for purpose in every:
            yield from _wrong(bound.others([rule.when], purpose), folder / "contact_policy.yaml", keys, purpose)
    for number, variant in enumerate(context.variants):
        keys = ("variants", number, "when")
        yield from _wrong(bound.others([variant.when], context.purpose), folder / "context.yaml", keys, context.purpose)
    if context.file and bound.owners - {context.purpose}:
        yield from _wrong(["stage and moment"], folder / "context.yaml", ("file",), context.purpose)


def _twice(path: Path, purposes: Mapping[str, Purpose]) -> Iterator[str]:
    owner: dict[str, str] = {}
    for name, purpose in purposes.items():
        for dataset in purpose.exclusive:
            if owner.setdefault(dataset, name) != name:
                place = f"{path}:{line_of(path, 'purposes', name, 'exclusive')}: purposes.{name}.exclusive"
                yield f"{place}: {dataset} belongs to {owner[dataset]} alone already; name it once"


def _elsewhere(one: Audience, path: Path, purpose: Purpose, destinations: Mapping[str, Destination]) -> Iterator[str]:
    """Destinations that are ad platforms, or a channel nobody is asked about for this purpose."""
    for name in one.send_to:
        known = destinations.get(name)
        place = f"{path}:{line_of(path, 'send_to', name)}: send_to.{name}"
        if known is None:
            continue
        if types()[known.type].advertises:
            yield f"{place}: an ad platform is told nothing that is used for {one.purpose} alone; take it away"
        elif known.channel not in purpose.channels:
            yield f"{place}: nobody is asked about {known.channel} for {one.purpose}; take it away"


def _wrong(used: list[str], path: Path, keys: tuple[str | int, ...], purpose: str | None) -> Iterator[str]:
    if used:
        place = f"{path}:{line_of(path, *keys)}: {'.'.join(map(str, keys))}"
        yield (
            f"{place}: {', '.join(used)}: made, or perhaps made, of data that identity.yaml keeps for another purpose "
            f"alone (`exclusive`), not for {purpose or 'every purpose'}; leave it out, or use it for that purpose"
        )


def _columns(text: str) -> list[str]:
    """Columns in a text; one that is no expression is told elsewhere."""
    try:
        return columns_in(text)
    except ConfigError:
        return []
