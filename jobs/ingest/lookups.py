"""Files of a source beside those of its datasets: the lookups of which datasets take columns."""

from __future__ import annotations

from jobs.config.sources.source import LOOKUP, Lookup, Source, SourceDataset
from jobs.ingest.expressions import BARE, Expression, Path, parse, steps
from jobs.lake.tables.canonical import CANONICAL


def inputs(source: Source) -> dict[str, SourceDataset]:
    """Everything of a source that is read from files: its datasets, and each lookup of one as `dataset__lookup`."""
    found = dict(source.datasets)
    for name, dataset in source.datasets.items():
        for lookup, config in dataset.lookups.items():
            found[lookup_name(name, lookup)] = config.as_dataset(columns_of(dataset, lookup))
    return found


def has_states(name: str, dataset: SourceDataset) -> bool:
    """Whether a list of this name, as in `inputs`, tells how things stand: it may come back to what it was before."""
    if lookup_of(name):
        return True
    return CANONICAL[name].versions and dataset.changes_without_date == "arrival"


def lookup_name(dataset: str, lookup: str) -> str:
    """What the files and the raw table of a lookup are called."""
    return f"{dataset}{LOOKUP}{lookup}"


def lookup_of(name: str) -> tuple[str, str] | None:
    """The dataset and the lookup of such a name; None if it is one of a dataset."""
    dataset, sign, lookup = name.partition(LOOKUP)
    return (dataset, lookup) if sign else None


def columns_of(dataset: SourceDataset, lookup: str) -> list[str]:
    """The source columns of a lookup that a dataset uses."""
    nested = not dataset.lookups[lookup].format.delimited
    return list(dict.fromkeys(column_of(way, nested) for _, way in ways_of(dataset, lookup).items()))


def ways_of(dataset: SourceDataset, lookup: str) -> dict[str, tuple[str | int, ...]]:
    """The columns of a lookup as expressions name them, each with the way to it in a record of the lookup."""
    nested = not dataset.lookups[lookup].format.delimited
    found: dict[str, tuple[str | int, ...]] = {}
    for expression in expressions_of(dataset):
        for name, owner, way in expression.partners:
            if owner == lookup:
                found[name] = way if nested else (column_of(way, nested),)
    return found


def column_of(way: tuple[str | int, ...], nested: bool) -> str:
    """The source column at the beginning of a way; without nesting its name has dots and brackets."""
    if nested:
        return str(way[0])
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" if place else s for place, s in enumerate(way))


def expressions_of(dataset: SourceDataset) -> list[Expression]:
    """All expressions of a dataset that may name columns of its lookups."""
    nested = dataset.nested
    texts = [value.expression for value in (*dataset.columns.values(), *dataset.attributes.values())]
    texts += [text for lookup in dataset.lookups.values() for text in lookup.on.values()]
    texts += [dataset.where] if dataset.where.strip() else []
    return [parse(text, nested, str, dataset.lookups) for text in texts]


def asked_by_where(dataset: SourceDataset) -> list[str]:
    """The lookups whose columns the condition of a dataset names: they say which of its rows it takes."""
    if not dataset.lookups or not dataset.where.strip():
        return []
    condition = parse(dataset.where, dataset.nested, str, dataset.lookups)
    return list(dict.fromkeys(owner for _, owner, _ in condition.partners))


def key_way(lookup: Lookup, column: str) -> Path:
    """The way to a key column in a record of the lookup; in JSON, Parquet and Avro `a.b` is field b inside a."""
    return steps(column) if not lookup.format.delimited and BARE.fullmatch(column) else (column,)


def key_expression(dataset: SourceDataset, lookup: Lookup, column: str) -> Expression:
    """The expression over a row of the dataset that a key column of the lookup equals."""
    return parse(lookup.on[column], dataset.nested, str, dataset.lookups)
