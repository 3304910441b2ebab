"""Values of JSON records as they are written: a number keeps all its digits, whatever the engine makes of numbers.

Engines read 89314404000123456781 and 100.00 as numbers of 64 bits and write these. So a nested record becomes a flat
one first, of texts only: each column and field that a mapping names, exactly as the record has it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from functools import reduce

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.ingest.expressions import Path

Reads = tuple[tuple[str, Path], ...]
ABSENT = "$absent"
"""The column that names those that a record does not have, separated by line breaks; a JSON null is there."""


def flattened(record: Column, wanted: Mapping[str, Path]) -> Column:
    """The record as a JSON object of texts: of each wanted name the value at the end of its way, and ABSENT."""
    # Made here, not as a decorator: PySpark needs a session to know whether it is a Spark Connect function.
    flatten = F.arrow_udf(_flattener(dict(wanted), ABSENT), "string")  # type: ignore[call-overload]
    return flatten(record)


def lacking(values: Iterable[tuple[str, Reads]]) -> dict[str, Column]:
    """Whether a record lacks all that a column, or each of several values of one name, is made of."""
    absent = F.concat(F.lit("\n"), F.col(ABSENT), F.lit("\n"))
    found: dict[str, Column] = {}
    for column, reads in values:
        every = [absent.contains(f"\n{name}\n") for name, _ in reads]
        lacks = reduce(operator.and_, every, F.lit(bool(every)))
        found[column] = found[column] & lacks if column in found else lacks
    return found


def _flattener(wanted: dict[str, Path], absent: str) -> Callable[[pa.Array], pa.Array]:
    """A function that flattens an array of records. It holds all it needs, so that it travels whole to a cluster."""

    def flatten(records: pa.Array) -> pa.Array:
        import msgspec
        import pyarrow as pa

        fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
        items = msgspec.json.Decoder(list[msgspec.Raw])
        text = msgspec.json.Decoder(str)
        write = msgspec.json.Encoder().encode
        roots: dict[str, list[tuple[str, tuple[str | int, ...]]]] = {}
        for name, way in wanted.items():
            roots.setdefault(str(way[0]), []).append((name, way[1:]))

        def inside(value: bytes | None, way: tuple[str | int, ...]) -> bytes | None:
            for step in way:
                if value is None or value[:1] != (b"{" if isinstance(step, str) else b"["):
                    return None
                if isinstance(step, str):
                    found = fields.decode(value).get(step)
                else:
                    listed = items.decode(value)
                    found = listed[step] if step < len(listed) else None
                value = None if found is None else bytes(found)
            return value

        def flat(record: str) -> str | None:
            try:
                given = fields.decode(record)
            except msgspec.MsgspecError:  # half an emoji, read before such lines were refused
                return None
            values: dict[str, str | None] = {}
            missing = []
            for root, names in roots.items():
                raw = given.get(root)
                value = None if raw is None else bytes(raw)
                for name, way in names:
                    found = inside(value, way) if way else value
                    if found is None:
                        missing.append(name)
                    elif found != b"null":
                        values[name] = text.decode(found) if found[:1] == b'"' else found.decode()
            if missing:
                values[absent] = "\n".join(missing)
            return str(write(values), "utf-8")

        return pa.array([None if record is None else flat(record) for record in records.to_pylist()], pa.string())

    return flatten
