"""What a company's files are: the datasets in them, how they hang together, and which nobody can tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from jobs.ingest.guess.columns import SURE, Guess, assigned, unchanged
from jobs.ingest.guess.datasets import ENOUGH, Found, candidates, required
from jobs.ingest.guess.fields import fields_of
from jobs.ingest.guess.heads import Unreadable
from jobs.ingest.guess.parts import Part, parts_of
from jobs.ingest.guess.relations import relate
from jobs.ingest.guess.samples import Sample, inner_samples, sample_of
from jobs.lake.tables.canonical import CANONICAL

TOGETHER = {
    "orders": ("order_lines", "orders", "payments"),
    "subscriptions": ("payments",),
    "conversations": ("messages",),
    "tickets": ("messages",),
    "contacts": ("consents",),
}
"""Datasets of records, and those of the lists inside them, that are kept beside each other."""
WEAKER = 0.7
"""Share of the points of the best file of a dataset, below which another file of it is unsure."""
ALIKE = 0.5
"""Share of columns that two files called alike must have in common to be exports of one table."""


@dataclass
class Guesses:
    """What was found in the files, and of the others in one line why not and what to do."""

    found: list[Found] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    helping: list[Sample] = field(default_factory=list)
    """Files that are no dataset, of which datasets take columns."""
    samples: list[Sample] = field(default_factory=list)


def guess(paths: Sequence[Path]) -> Guesses:
    """The datasets in these files, by a sample of each."""
    result = Guesses()
    tables: dict[str, list[Sample]] = {}
    for path in paths:
        try:
            sample = sample_of(path)
            if not sample.records:
                raise Unreadable("no records in it; export it again with some")
            result.samples.append(sample)
            tables.setdefault(sample.files, []).append(sample)
        except Unreadable as error:
            result.unreadable[str(path)] = str(error)
    unknown = []
    for several in tables.values():
        for one in _agreeing(several, result):
            found = in_sample(one)
            result.found += found
            if not found:
                unknown.append(one)
    result.found = _without_sums(result.found)
    _doubt_the_weaker(result.found)
    result.helping = relate(result.found, unknown)
    for one in unknown:
        if one not in result.helping:
            result.unreadable[str(one.path)] = (
                "nobody can tell what its rows are: no heading says a kind of data; write its source by hand "
                "(docs/guides/add-a-source.md), or name the columns of its first line"
            )
    result.found.sort(key=lambda one: list(CANONICAL).index(one.dataset))
    return result


def _agreeing(several: list[Sample], result: Guesses) -> Iterable[Sample]:
    """The files called alike as one sample. Of files that disagree the first counts, and the others are told."""
    first, *others = several
    names = {key for record in first.records for key in record}
    records = list(first.records)
    for other in others:
        own = {key for record in other.records for key in record}
        if len(names & own) < ALIKE * len(names | own) or other.form != first.form:
            what = "is written in another way" if names & own and other.form != first.form else "has other columns"
            result.unreadable[str(other.path)] = (
                f"is called like {first.path.name} and {what}: one pattern would take both; "
                "give it a name of its own, by what it holds"
            )
        else:
            records += other.records
    yield replace(first, records=records)


def in_sample(sample: Sample) -> list[Found]:
    """The datasets that the records of one file are; none if nobody can tell."""
    best: dict[str, Found] = {}
    for part in parts_of(sample):
        first = _clear(candidates(part))
        if first is None:
            continue
        known = best.get(first.dataset)
        best[first.dataset] = _merged(known, first) if known else first
    found = list(best.values())
    for inner in inner_samples(sample):
        first = _clear(candidates(Part(inner)))
        if first is None:
            continue
        outer = next(iter(found), None)
        if outer and outer.dataset == first.dataset and _finer(first, outer):
            found = [first]
        elif outer and outer.dataset == first.dataset == "orders" and not _own(first, "ordered_at"):
            continue  # taxes, deliveries: nothing in the list happened at a moment of its own, as refunds do
        elif outer is None or first.dataset in TOGETHER.get(outer.dataset, ()):
            found.append(first)
        elif outer.dataset == first.dataset and not set(required(first.dataset)) - set(outer.columns):
            continue  # the records say all of it themselves: the list holds their details
        elif _own_id(first) and (first.score > outer.score or _inside(outer, inner.each) > 1):
            found = [first]
    lines = [one for one in found if one.dataset == "order_lines" and one.where]
    if len(found) > len(lines) and not any(one.dataset == "orders" for one in found):
        found = [one for one in found if one not in lines]  # lines of something that is no order
    return _one_of_each([*found, *[extra for one in found for extra in _beside(one, found)]])


def _own_id(one: Found) -> bool:
    """Whether the items of a list have an id of their own, so that they are records and no details of one."""
    return _own(one, CANONICAL[one.dataset].id)


def _own(one: Found, column: str | None) -> bool:
    """Whether a column is taken from the items of a list themselves."""
    guess = one.columns.get(column or "")
    return guess is not None and guess.field is not None and not guess.field.path[0].startswith("_")


def _finer(inner: Found, outer: Found) -> bool:
    """Whether the items are the records, in something that only holds them: the views of a visit, answers of a form."""
    if inner.dataset == "survey_responses":
        return _own(inner, "question_id") and not _sure_question(outer)
    if inner.dataset != "events" or not _own(inner, "occurred_at"):
        return False
    return _own(inner, "url") or _own(inner, "type")


def _sure_question(one: Found) -> bool:
    guess = one.columns.get("question_id")
    return guess is not None and guess.sure and "[0]" not in guess.expression


def _inside(outer: Found, each: str) -> int:
    """How many columns are taken from the first item of a list."""
    return sum(guess.expression.startswith(f"{each}[0]") for guess in outer.columns.values())


def _doubt_the_weaker(found: list[Found]) -> None:
    """Of two files that seem to be one dataset, the one with far less that speaks for it is unsure."""
    for one in found:
        most = max(other.score for other in found if other.dataset == one.dataset)
        if one.score < WEAKER * most:
            one.confidence = min(one.confidence, SURE - 0.05)


def _without_sums(found: list[Found]) -> list[Found]:
    """Orders that are only sums of their lines count where no file has the orders themselves."""
    whole = any(one.dataset == "orders" and not _summed(one) for one in found)
    return [one for one in found if not (whole and one.dataset == "orders" and _summed(one))]


def _summed(one: Found) -> bool:
    return "total" in one.columns and " over (partition by " in one.columns["total"].expression


def _one_of_each(found: list[Found]) -> list[Found]:
    kept: dict[tuple[str, str], Found] = {}
    for one in found:
        key = (one.dataset, one.sample.each)
        if key not in kept or kept[key].score < one.score:
            kept[key] = one
    return list(kept.values())


def _clear(found: list[Found]) -> Found | None:
    """The best of the candidates, sure if the next one is far behind."""
    first, second = found[0], found[1]
    if first.score < ENOUGH:
        return None
    first.confidence = max(0.5, min(0.99, 0.6 + (first.score - second.score) / 4))
    return first


def _merged(one: Found, other: Found) -> Found:
    """Two kinds of records of a file that are one dataset."""
    records = [*one.sample.records, *other.sample.records]
    sample = replace(one.sample, records=records)
    fields = fields_of(sample)
    where = f"{one.where} or {other.where}"
    columns = assigned(one.dataset, fields)
    return Found(
        one.dataset, sample, columns, max(one.score, other.score), fields, where, min(one.confidence, other.confidence)
    )


def _beside(one: Found, found: list[Found]) -> Iterable[Found]:
    """What the same rows are too: orders of their lines, lines of orders, conversations of messages, consents."""
    if one.dataset in ("orders", "order_lines") and not one.sample.each:
        yield from _invoice_lines(one)
    elif one.dataset == "messages" and not any(other.dataset in ("conversations", "tickets") for other in found):
        columns = assigned("conversations", one.fields)
        if "conversation_id" in columns and not _field_unique(columns["conversation_id"]):
            yield Found("conversations", one.sample, columns, one.score / 2, one.fields, one.where, 0.6)
    elif one.dataset == "contacts":
        columns = assigned("consents", one.fields)
        status = columns.get("status")
        if status and status.confidence >= 0.55 and status.field and _tells_consent(status):
            key = one.columns.get("contact_id")
            if key:
                made = f"concat({key.expression}, '-email')"
                columns["consent_id"] = replace(key, column="consent_id", expression=made, why="one answer per person")
                columns["contact_id"] = key
            sure = 0.8 if not status.field.like("boolean") else 0.5
            yield Found("consents", one.sample, columns, one.score / 2, one.fields, one.where, sure)


def _tells_consent(status: Guess) -> bool:
    return bool(status.field and status.field.values and not status.why.startswith("what"))


def _field_unique(guess: Guess) -> bool:
    return guess.field is not None and guess.field.unique


def _invoice_lines(one: Found) -> Iterable[Found]:
    """Rows that are lines of invoices: the number of the invoice repeats, and each row has a product."""
    orders, lines = assigned("orders", one.fields), assigned("order_lines", one.fields)
    key = orders.get("order_id")
    if not key or key.field is None or key.field.unique or not {"product_id", "quantity"} <= set(lines):
        return
    if {"product_id", "quantity"} & {name for name, guess in lines.items() if guess.confidence < 0.55}:
        return
    lines["order_id"] = key
    order = key.expression
    if "line_id" not in lines:
        by = ", ".join(lines[name].expression for name in ("product_id", "quantity", "amount") if name in lines)
        made = f"row_number() over (partition by {order} order by {by})"
        lines["line_id"] = Guess("line_id", made, 0.75, None, why="the lines of an order have no number")
    amount = lines.get("amount")
    if amount and amount.field and _per_unit(amount):
        each = f"cast({amount.expression} as decimal(12,3)) * cast({lines['quantity'].expression} as decimal(12,3))"
        lines["amount"] = replace(amount, expression=each, why="a price per unit, times the quantity")
    if lines.get("amount") and (
        "total" not in orders or orders["total"].expression == (amount.expression if amount else "")
    ):
        whole = lines["amount"].expression
        cast = whole if " * " in whole else f"cast({whole} as decimal(18,2))"
        orders["total"] = replace(
            lines["amount"],
            column="total",
            expression=f"sum({cast}) over (partition by {order})",
            why="the sum of its lines",
        )
    if "ordered_at" in orders:
        lines["ordered_at"] = replace(orders["ordered_at"], column="ordered_at")
        lines.setdefault("updated_at", unchanged(orders["ordered_at"]))
    for dataset, columns in (("orders", orders), ("order_lines", lines)):
        yield Found(dataset, one.sample, columns, one.score + 0.1, one.fields, one.where, 0.8)


def _per_unit(amount: Guess) -> bool:
    from jobs.ingest.guess.words import best_said

    assert amount.field is not None
    units = (
        "unit price",
        "price",
        "prijs",
        "stuksprijs",
        "preis",
        "einzelpreis",
        "stuckpreis",
        "prix",
        "prix unitaire",
        "precio",
    )
    totals = (
        "amount",
        "line total",
        "total price",
        "total",
        "bedrag",
        "betrag",
        "gesamtpreis",
        "regelbedrag",
        "montant",
    )
    return best_said(amount.field.path, units) > best_said(amount.field.path, totals)
