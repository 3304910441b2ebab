"""What a dataset reads of its files where a row of it is inside a row of a file, or tells one column of a record."""

from __future__ import annotations

from collections.abc import Iterable

from jobs.config.sources.source import ARRIVED, SourceDataset
from jobs.config.yaml_files import ConfigError
from jobs.ingest.expressions import BACKTICKS, BARE, Path, parse, steps
from jobs.ingest.lookups import column_of
from jobs.lake.tables.canonical import CANONICAL

PARENT, INDEX, KEY, NAME, VALUE = "_parent", "_index", "_key", "_name", "_value"
"""Of an item: the row around it, its place from 1, the column or field it was, the {name} of that, an item that is no
object."""


def reads_of(dataset: SourceDataset) -> list[Path]:
    """The ways, in the rows of the dataset, to all that its expressions read."""
    texts = [value.expression for value in (*dataset.columns.values(), *dataset.attributes.values())]
    texts += [text for lookup in dataset.lookups.values() for text in lookup.on.values()]
    texts += [text for text in (dataset.where, dataset.deleted_when) if text.strip()]
    return _ways(dataset, texts)


def around(dataset: SourceDataset) -> list[str]:
    """The columns of the row of the file that its items read, by `_parent`."""
    ways = [way for way in reads_of(dataset) if way[0] == PARENT]
    return list(dict.fromkeys(str(way[1]) for way in ways if len(way) > 1))


def told_by_pairs(dataset: SourceDataset) -> list[str]:
    """The names under which pairs may tell something that is read."""
    return sorted({str(way[0]) for way in reads_of(dataset)} - {*_held_in(dataset), ARRIVED})


def place_of(held_in: str, dataset: SourceDataset) -> Path:
    """The way in a row of the file to what `each` or `pairs` name. Raises ConfigError if that is an expression."""
    if not BARE.fullmatch(held_in):
        raise ConfigError([f"{held_in!r} is no column, and no way to a field such as order.lines; {BACKTICKS}"])
    way = steps(held_in)
    return (column_of(way, nested=False),) if dataset.format.delimited else way


def file_columns(name: str, dataset: SourceDataset) -> list[str]:
    """The columns of files of the dataset `name` without which none of its rows can be read."""
    found = [*_held_in(dataset), *around(dataset)]
    if dataset.pairs:
        key = [dataset.columns[column].expression for column in CANONICAL[name].key if column in dataset.columns]
        found += [str(way[0]) for way in _ways(dataset, key) if way[0] != ARRIVED]
    return list(dict.fromkeys(found))


def _held_in(dataset: SourceDataset) -> list[str]:
    """The columns of its files that `each` and `pairs` name."""
    held: list[str] = []
    if dataset.each:
        held = [dataset.each.held_in] if dataset.each.held_in else []
    elif dataset.pairs:
        held = [dataset.pairs.key, dataset.pairs.value]
    return [str(place_of(text, dataset)[0]) for text in held]


def _ways(dataset: SourceDataset, texts: Iterable[str]) -> list[Path]:
    found = (parse(text, dataset.nested, str, dataset.lookups) for text in texts)
    return list(dict.fromkeys(way for one in found for _, way in one.reads))
