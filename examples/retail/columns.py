"""Columns of text, as Arrow arrays in one piece."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def as_text(values: object) -> pa.Array:
    """Any column as text; None stays null."""
    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
    # Arrow cuts a long NumPy column into pieces.
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return array if pa.types.is_string(array.type) else array.cast(pa.string())


def cents_text(cents: np.ndarray) -> pa.Array:
    """Cents as `12.34`."""
    cents = np.asarray(cents, np.int64)
    whole = pa.array(np.abs(cents) // 100).cast(pa.string())
    rest = pc.utf8_lpad(pa.array(np.abs(cents) % 100).cast(pa.string()), width=2, padding="0")
    sign = pc.if_else(pa.array(cents < 0), "-", "")
    return pc.binary_join_element_wise(sign, pc.binary_join_element_wise(whole, rest, "."), "")


_HEX = np.array([f"{byte:02x}" for byte in range(256)], "S2")


def hex_text(values: np.ndarray, prefix: str) -> pa.Array:
    """64-bit integers as prefix + 16 hex digits."""
    raw = np.ascontiguousarray(values.astype(">u8")).view(np.uint8).reshape(-1, 8)
    digits = np.ascontiguousarray(_HEX[raw]).view("S16").ravel()
    return as_text(np.char.add(prefix.encode(), digits))
