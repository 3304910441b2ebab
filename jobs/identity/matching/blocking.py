"""Which pairs of records are compared at all: rules made from what the records tell, each of a bounded cost.

A rule is one or two keys that must be equal. Coarse keys come first (what a name sounds like, a birth year), because a
record with errors in most of its values still agrees somewhere; keys that would pair too many records are combined with
another one, and left out if even that is not enough. What is left out is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import duckdb
import pandas as pd

EVERY_PAIR_UP_TO = 1_500
"""Records of which simply every pair is compared."""
SAMPLE = 200_000
LEAST_CAP = 1.0

_KEYS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    # key, what it tells (two keys of a rule tell different things), keys that are equal whenever it is
    ("national_id", "national_id", ()),
    ("email", "email", ("email_root", "email_user")),
    ("email_root", "email", ("email_user",)),
    ("email_user", "email", ()),
    ("phone", "phone", ("phone_end",)),
    ("phone_end", "phone", ()),
    ("birth_date", "birth", ("birth_mixed", "birth_month", "birth_year", "birth_day")),
    ("birth_mixed", "birth", ("birth_year",)),
    ("birth_month", "birth", ("birth_year",)),
    ("birth_day", "birth", ()),
    ("birth_year", "birth", ()),
    ("name_pair", "name", ()),
    ("family", "family", ("family_sound", "family_start")),
    ("family_sound", "family", ()),
    ("family_start", "family", ()),
    ("given", "given", ("given_sound", "given_first")),
    ("given_sound", "given", ()),
    ("given_first", "given", ()),
    ("address_text", "address", ("address_start",)),
    ("address_start", "address", ()),
    ("postcode", "address", ("postcode_start",)),
    ("postcode_start", "address", ()),
    ("street", "street", ("street_sound",)),
    ("street_sound", "street", ()),
    ("house_number", "number", ()),
    ("city", "city", ()),
    ("company", "company", ("company_start",)),
    ("company_start", "company", ()),
    ("text", "text", ()),
)
_PLURAL = ("national_id", "street", "city", "text")


@dataclass(frozen=True)
class Rule:
    """Pairs that agree on all of `keys`; `pairs` is an estimate."""

    keys: tuple[str, ...]
    pairs: int

    def sql(self, apart: str | None = None) -> str:
        same = [f'l."{key}" = r."{key}"' for key in self.keys] or ["1 = 1"]
        return " AND ".join([*same, *([apart] if apart else [])])


@dataclass(frozen=True)
class Key:
    column: str
    tells: str
    implies: frozenset[str]


def keys(columns: Sequence[str]) -> list[Key]:
    """The keys that records with these columns have."""
    found = []
    for key, tells, implied in _KEYS:
        slots = [key]
        if key in _PLURAL:
            slots += [c for c in columns if c.startswith(f"{key}_") and not c.endswith(("_words", "_sound", "_start"))]
        elif key == "street_sound":
            slots += [c for c in columns if c.startswith("street_") and c.endswith("_sound") and c != key]
        for slot in slots:
            if slot in columns:
                field = tells if slot == key or tells == "street" else slot
                found.append(Key(slot, field, frozenset({slot, *implied})))
    return found


def choose(
    con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], per_record: float, at_most: int
) -> tuple[list[Rule], pd.DataFrame]:
    """Rules for the records in `table` that together make at most `per_record` pairs a record and `at_most` in all.

    Also returns a report: keys, pairs (estimated), used, why not.
    """
    count = con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
    if count <= EVERY_PAIR_UP_TO:
        every = Rule((), count * (count - 1) // 2)
        return [every], _report([every], [])
    available = keys(columns)
    if not available:  # records of ids alone: nothing about people that two of them could agree on
        return [], _report([], [])
    costs = _costs(con, table, available, count)
    budget = min(per_record * count, at_most)
    cap = budget / 4
    while True:
        chosen, dropped = _within(costs, available, cap)
        if sum(rule.pairs for rule in chosen) <= budget or cap < LEAST_CAP:
            return sorted(chosen, key=lambda rule: rule.pairs), _report(chosen, dropped)
        cap /= 1.5


def _within(costs: dict[tuple[str, ...], int], available: list[Key], cap: float) -> tuple[list[Rule], list[Rule]]:
    """The coarsest rules that cost at most `cap`, and keys that cost more in every combination."""
    implies = {key.column: key.implies for key in available}
    fits = [keys for keys, pairs in costs.items() if 0 < pairs <= cap]

    def covered(keys: tuple[str, ...], other: tuple[str, ...]) -> bool:
        """Whether every pair that agrees on `keys` also agrees on `other`."""
        return other != keys and all(any(key in implies[mine] for mine in keys) for key in other)

    chosen = [keys for keys in fits if not any(covered(keys, other) for other in fits)]
    used = {key for keys in chosen for key in keys}
    dropped = [key.column for key in available if key.column not in used and costs.get((key.column,), 0) > cap]
    return [Rule(keys, costs[keys]) for keys in chosen], [Rule((key,), costs[(key,)]) for key in dropped]


def _costs(con: duckdb.DuckDBPyConnection, table: str, available: list[Key], count: int) -> dict[tuple[str, ...], int]:
    """Pairs that agree on each key and on each two keys that tell different things, estimated from a sample."""
    sampled = min(count, SAMPLE)
    names = ", ".join(f'"{key.column}"' for key in available)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE blocking_sample AS SELECT {names} FROM {table} "
        f"ORDER BY hash(unique_id) LIMIT {sampled}"
        if sampled < count
        else f"CREATE OR REPLACE TEMP TABLE blocking_sample AS SELECT {names} FROM {table}"
    )
    scale = (count / sampled) ** 2
    groups: list[tuple[str, ...]] = [(key.column,) for key in available]
    groups += [(a.column, b.column) for a, b in combinations(available, 2) if a.tells != b.tells]
    found = {}
    for group in groups:
        columns = ", ".join(f'"{name}"' for name in group)
        known = " AND ".join(f'"{name}" IS NOT NULL' for name in group)
        pairs = con.execute(
            f"SELECT coalesce(sum(n * (n - 1) / 2), 0) FROM "
            f"(SELECT count(*) AS n FROM blocking_sample WHERE {known} GROUP BY {columns})"
        ).fetchall()[0][0]
        found[group] = int(pairs * scale)
    con.execute("DROP TABLE blocking_sample")
    return found


def _report(chosen: list[Rule], dropped: list[Rule]) -> pd.DataFrame:
    rows: list[tuple[str, int, bool, str | None]] = [
        (" and ".join(rule.keys) or "every pair", rule.pairs, True, None) for rule in chosen
    ]
    rows += [(rule.keys[0], rule.pairs, False, "too many pairs, alone and with any other key") for rule in dropped]
    return pd.DataFrame(rows, columns=["keys", "pairs", "used", "reason"])
