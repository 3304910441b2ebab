"""How files hang together: ids of one that are found in another, and what a dataset takes of that one by them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from jobs.ingest.guess.columns import IDENTIFIERS, SURE, assigned
from jobs.ingest.guess.datasets import Found, Lookup, required
from jobs.ingest.guess.fields import Field, fields_of
from jobs.ingest.guess.samples import Sample, inner_samples
from jobs.ingest.guess.words import plain, tokens

SHARED = 0.8
"""Share of the different values of a field that must be ids of another file, for it to be a reference."""


def relate(found: Sequence[Found], unknown: Sequence[Sample]) -> list[Sample]:
    """Give the datasets their lookups; returns the files among `unknown` that are of use that way."""
    keys = [(one.sample, one.fields, one.dataset) for one in found if not one.sample.each]
    others = [(level, fields_of(level), "") for sample in unknown for level in (sample, *_levels(sample))]
    helping = []
    for one in found:
        for sample, fields, dataset in (*others, *keys):
            if sample.path == one.sample.path and (sample.each or sample is one.sample or not one.where):
                continue
            reference = _reference(one, sample, fields)
            if reference is None:
                continue
            name = _name(sample, one)
            one.lookups[name] = Lookup(sample, reference[0].expression, reference[1].expression)
            used = _fill(one, name, fields, dataset)
            if not used and dataset:
                del one.lookups[name]  # the person or the order is a dataset of its own: its id is enough
            else:
                helping += [other for other in unknown if other.path == sample.path]
    return helping


def _levels(sample: Sample) -> list[Sample]:
    """The lists inside the records of a JSON document, as a lookup reads them: by the path to their items."""
    levels = []
    for inner in inner_samples(sample):
        records = sample.form.get("records")
        if records and "type" in sample.form:
            levels.append(replace(inner, form={**sample.form, "records": f"{records}.{inner.each}[]"}, each=""))
    return levels


def _reference(one: Found, sample: Sample, fields: Sequence[Field]) -> tuple[Field, Field] | None:
    """The id of the other file and the field of the dataset that holds such ids, by their values."""
    best: tuple[float, Field, Field] | None = None
    for key in fields:
        if (
            not key.unique
            or not re.search(r"(^|_|[a-z])(id|key|code|nr|number)$", key.path[-1], re.I)
            or key.dates is not None
        ):
            continue
        ids = key.different
        for field in one.fields:
            if (
                not field.values
                or field.dates is not None
                or field.like("boolean")
                or field.path[-1].startswith("_index")
            ):
                continue
            values = field.different
            if len(values & ids) < SHARED * len(values):
                continue
            if field.name == _own_key(one) and one.sample.path == sample.path:
                continue
            score = len(values & ids) + 2.0 * _calls(field, sample, key) - 0.01 * len(field.path)
            if (len(values) > 2 or _calls(field, sample, key)) and (best is None or score > best[0]):
                best = (score, key, field)
    return (best[1], best[2]) if best else None


def _own_key(one: Found) -> str:
    key = one.columns.get(required(one.dataset)[0])
    return key.field.name if key and key.field else ""


def _calls(field: Field, sample: Sample, key: Field) -> bool:
    """Whether the field is called after the other file, or after its key."""
    words = {
        word.rstrip("s") for word in (*tokens(sample.stem), *tokens(sample.form.get("records", "").split(".")[-1]))
    }
    own = {word.rstrip("s") for word in tokens(field.path[-1])} | {
        word.rstrip("s") for name in field.path for word in tokens(name)
    }
    joined = plain(field.path[-1])
    return (
        bool(words & own)
        or any(len(word) > 4 and word in joined for word in words)
        or plain(key.path[-1]) == joined != "id"
    )


def _name(sample: Sample, one: Found) -> str:
    last = sample.form.get("records", "").removesuffix("[]").split(".")[-1]
    word = tokens(last if "." in sample.form.get("records", "") and last else sample.stem) or ("other",)
    name = re.sub("(?<=[a-z]{3})(ie)?s$", lambda found: "y" if found[1] else "", "_".join(word))
    name = name if re.match("[a-z]", name) else f"other_{name}"
    taken = {one.path[0] for one in one.fields}
    return name if name not in taken and name not in one.lookups else f"{name}_row"


def _fill(one: Found, name: str, fields: Sequence[Field], dataset: str) -> bool:
    """Take columns that the dataset lacks, or is unsure of, from the other file; whether any was of use.

    `dataset` is what the other file is, if it is any. When a person changed tells nothing of what they did.
    """
    inside = [
        Field((name, *field.path), f"{name}.{field.expression}", field.values, field.count)
        for field in fields
        if field.values and not field.path[0].startswith("_")
    ]
    used = False
    wanted = [] if not dataset else required(one.dataset)
    if dataset == "contacts":
        wanted = [column for column in wanted if not column.endswith("_at")]
    for column, guess in assigned(one.dataset, inside).items():
        mine = one.columns.get(column)
        if (mine is None and (column in wanted or column in ("contact_id", "type", "author"))) or (
            mine is not None and not mine.values and guess.values and mine.confidence < SURE
        ):
            way = one.lookups[name]
            made = way.of if guess.expression == f"{name}.{way.key}" else guess.expression
            one.columns[column] = replace(guess, expression=made, confidence=guess.confidence * 0.9, why=f"of {name}")
            if column == "contact_id":  # the same ids as those of the other file: they are no login
                one.columns = {
                    key: value
                    for key, value in one.columns.items()
                    if key == column or key not in IDENTIFIERS or value.expression != made
                }
            used = True
    return used
