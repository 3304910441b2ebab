"""Chance that repeats: every part of the simulator draws from its own stream, named after it."""

from __future__ import annotations

import random
import zlib

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """A generator that depends on the seed and the name only, so parts do not disturb each other."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def plain_stream(seed: int, name: str) -> random.Random:
    """The same for loops over single rows."""
    return random.Random(f"{seed}/{name}")


def mix(values: np.ndarray, salt: int) -> np.ndarray:
    """Scramble 64-bit integers one to one (splitmix64): ids that look random and never collide."""
    with np.errstate(over="ignore"):
        z = np.asarray(values).astype(np.uint64) + np.uint64(salt) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def share(values: np.ndarray, salt: int) -> np.ndarray:
    """A fixed number in [0, 1) for each id, the same at every size."""
    return (mix(values, salt) >> np.uint64(11)).astype(np.float64) / float(1 << 53)
