"""Splink on DuckDB, in process: which pairs are compared, how they agree, and how likely each is one person."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from splink import DuckDBAPI, Linker
from splink.internals.comparison_level import ComparisonLevel

from jobs.identity.matching.blocking import Rule
from jobs.identity.matching.levels import Comparison, Level
from jobs.identity.matching.model import WEIGHTS_APART, Model, Patterns, kin_ratios
from jobs.identity.matching.records import FLAGS, KEY, LISTS, SOURCE

RANDOM_PAIRS = 1_000_000
TRAINING_PAIRS = 2_000_000
APART = f'l."{SOURCE}" <> r."{SOURCE}"'
# Splink reads each condition only to see whether it is SQL, which DuckDB tells as well: of few records that takes
# longer than to compare them.
ComparisonLevel._validate_sql = lambda self: True  # type: ignore[method-assign]


class Scorer:
    """Prepared records in DuckDB, to be compared, numbered by their place. Use as a context manager."""

    def __init__(
        self, records: pd.DataFrame | pa.Table, deduplicated: Sequence[str] = (), model: Model | None = None
    ) -> None:
        self.compared = 0
        self._counting: dict[tuple[Comparison, ...], Linker] = {}
        self.con = duckdb.connect()
        self.con.execute("SET enable_progress_bar = false")
        table = numbered(records if isinstance(records, pa.Table) else as_arrow(records), model)
        filled = (name for name in table.column_names if table[name].null_count < len(table))
        self.columns = [name for name in filled if name not in (KEY, SOURCE, "unique_id")]
        self.con.register("given_records", table)
        self.con.execute("CREATE TABLE records AS SELECT * FROM given_records")
        self.con.unregister("given_records")
        self.count = len(table)
        self.apart = apart(table[SOURCE].unique().to_pylist(), deduplicated)
        self.api = DuckDBAPI(self.con)
        self.registered = self.api.register("records")
        logging.getLogger("splink").setLevel(logging.ERROR)

    def __enter__(self) -> Scorer:
        return self

    def __exit__(self, *_: object) -> None:
        self.con.close()

    def total_pairs(self, deduplicated: Sequence[str]) -> float:
        """All pairs of records that can be one person."""
        total = self.count * (self.count - 1) / 2
        sizes = self.con.execute(f'SELECT "{SOURCE}", count(*) FROM records GROUP BY 1').fetchall()
        inside = sum(size * (size - 1) / 2 for source, size in sizes if source in deduplicated)
        return float(max(total - inside, 1))

    def candidates(self, comparisons: Sequence[Comparison], rules: Sequence[Rule]) -> str:
        """The table of pairs that agree on a rule."""
        linker = self._linker(comparisons[:1], rules, prior=0.01)  # what is compared does not matter yet
        table = str(linker.inference.compute_blocked_pairs_for_predict().physical_name)
        self.compared = int(self.con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])
        return table

    def given(self, pairs: np.ndarray) -> str:
        """The table of these pairs of places, the smaller one first."""
        rows = pa.table({"join_key_l": pairs[:, 0], "join_key_r": pairs[:, 1]})
        self.con.register("given_pairs", rows)
        self.con.execute("CREATE OR REPLACE TABLE pairs AS SELECT '0' AS match_key, * FROM given_pairs")
        self.con.unregister("given_pairs")
        self.compared = len(pairs)
        return "pairs"

    def sample(self, table: str, most: int = TRAINING_PAIRS) -> tuple[str, float]:
        """Some of the pairs of a table, and how many pairs each stands for."""
        count = self.con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
        if count <= most:
            return table, 1.0
        self.con.execute(
            f"CREATE OR REPLACE TABLE sampled_pairs AS SELECT * FROM {table} "
            f"WHERE hash(join_key_l, join_key_r) % {count} < {most}"
        )
        kept = self.con.execute("SELECT count(*) FROM sampled_pairs").fetchall()[0][0]
        return "sampled_pairs", count / max(kept, 1)

    def random(self) -> str:
        """A table of random pairs; all pairs if there are few."""
        apart = f"AND {self.apart}" if self.apart else ""
        if self.count * (self.count - 1) // 2 <= RANDOM_PAIRS:
            picked = (
                f"SELECT l.unique_id, r.unique_id FROM records l JOIN records r ON l.unique_id < r.unique_id {apart}"
            )
        else:
            drawn = (
                f"SELECT DISTINCT (hash(i, 1) % {self.count})::BIGINT AS a, (hash(i, 2) % {self.count})::BIGINT AS b "
                f"FROM range({RANDOM_PAIRS}) t(i)"
            )
            picked = (
                f"SELECT a, b FROM ({drawn}) JOIN records l ON l.unique_id = a JOIN records r ON r.unique_id = b "
                f"WHERE a < b {apart}"
            )
        self.con.execute(
            "CREATE OR REPLACE TABLE random_pairs AS "
            f"SELECT '0' AS match_key, x.* FROM ({picked}) x(join_key_l, join_key_r)"
        )
        return "random_pairs"

    def patterns(self, comparisons: Sequence[Comparison], table: str, weight: float = 1.0) -> Patterns:
        """How the pairs of a table agree."""
        asked = tuple(comparisons)
        if asked not in self._counting:
            coded = [replace(c, levels=tuple(_coded(c.levels))) for c in comparisons]
            self._counting[asked] = self._linker(coded, [], prior=0.01, keep=True)
        scored = self._predicted(self._counting[asked], table)
        weights = ", ".join(f'round("mw_{c.slot}")::INT AS "{c.slot}"' for c in comparisons)
        found = self.con.execute(f"SELECT {weights}, count(*) AS n FROM {scored} GROUP BY ALL").fetchnumpy()
        self.con.execute(f"DROP TABLE {scored}")
        counts = np.asarray(found.pop("n"), float) * weight
        levels = np.column_stack([-1 - np.asarray(found[c.slot], np.int64) for c in comparisons])
        order = np.lexsort(levels.T)  # sums do not depend on the order DuckDB happened to count in
        return Patterns(levels[order], counts[order])

    def scored(self, model: Model, table: str, floor: float) -> str:
        """The table of pairs with a weight (log2 of the odds that they are one person) of at least `floor`.

        Columns: l, r (row numbers), weight, and per slot the place of the level they agree on, -1 if it is not told.
        """
        linker = self._linker(model.comparisons, [], model.prior, keep=True)
        self._register_terms(linker, model)
        raw = self._predicted(linker, table, floor)
        levels = ", ".join(f'{_place(c)} AS "{c.slot}"' for c in model.comparisons)
        self.con.execute(
            f"CREATE OR REPLACE TABLE scored_pairs AS SELECT * FROM (SELECT unique_id_l AS l, unique_id_r AS r, "
            f"match_weight - {_household(model)} AS weight, {levels} FROM {raw}) WHERE weight >= {floor}"
        )
        self.con.execute(f"DROP TABLE {raw}")
        return "scored_pairs"

    def _linker(
        self, comparisons: Sequence[Comparison], rules: Sequence[Rule], prior: float, keep: bool = False
    ) -> Linker:
        settings = {
            "link_type": "dedupe_only",
            "unique_id_column_name": "unique_id",
            "probability_two_random_records_match": prior,
            "blocking_rules_to_generate_predictions": [rule.sql(self.apart) for rule in rules] or ["1 = 0"],
            "comparisons": [_splink_comparison(comparison) for comparison in comparisons],
            "retain_intermediate_calculation_columns": keep,
            "retain_matching_columns": False,
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Linker(self.registered, settings, log_level=logging.ERROR, validate_settings=False)

    def _predicted(self, linker: Linker, table: str, floor: float | None = None) -> str:
        pairs = self.api.table_to_splink_dataframe("__splink__blocked_id_pairs", table)
        linker.table_management.register_blocked_pairs_for_predict(pairs)
        predicted = linker.inference.predict(threshold_match_weight=floor, warning_mode="never")
        for key in linker.inference._registered_blocked_pairs_cache_keys():  # Splink would give it to the next linker
            linker._intermediate_table_cache.pop(key, None)
        return str(predicted.physical_name)

    def _register_terms(self, linker: Linker, model: Model) -> None:
        """Frequencies as the model knows them; a value it never saw is as rare as one it saw once."""
        self.con.register("given_terms", model.terms)
        self.con.execute("CREATE OR REPLACE TABLE terms AS SELECT * FROM given_terms")
        self.con.unregister("given_terms")
        for comparison in model.comparisons:
            for level in comparison.levels:
                slot = level.frequency
                if slot is None:
                    continue
                floor = repr(model.rarest[slot]) if slot in model.rarest else "NULL"
                table = f"terms_{slot}"
                self.con.execute(
                    f'CREATE OR REPLACE TABLE "{table}" AS SELECT "{slot}", coalesce(any_value(frequency), {floor}) '
                    f'AS "tf_{slot}" FROM (SELECT DISTINCT "{slot}" FROM records WHERE "{slot}" IS NOT NULL) '
                    f"LEFT JOIN terms ON terms.slot = '{slot}' AND terms.value = \"{slot}\" GROUP BY 1"
                )
                lookup = self.api.table_to_splink_dataframe(f"__splink__df_tf_{slot}", table)
                linker.table_management.register_term_frequency_lookup(lookup, slot)


def as_arrow(records: pd.DataFrame) -> pa.Table:
    """Records with a type for each column, also for those that nobody fills."""
    types = {**dict.fromkeys(LISTS, pa.list_(pa.string())), **dict.fromkeys(FLAGS, pa.bool_())}
    return pa.table({name: pa.array(records[name], types.get(name, pa.string()), from_pandas=True) for name in records})


def numbered(records: pa.Table, model: Model | None) -> pa.Table:
    """Records with their place as unique_id, and with all columns that the model asks for."""
    for name in model.columns if model else ():
        if name not in records.column_names:
            type_ = pa.list_(pa.string()) if name in LISTS else pa.bool_() if name in FLAGS else pa.string()
            records = records.append_column(name, pa.nulls(len(records), type_))
    return records.append_column("unique_id", pa.array(np.arange(len(records)), pa.int64()))


def apart(sources: Collection[str], deduplicated: Sequence[str]) -> str | None:
    """A condition that keeps records of a deduplicated source from being compared with each other."""
    found = set(sources) & set(deduplicated)
    if not found:
        return None
    if found == set(sources):
        return APART
    names = ", ".join("'" + name.replace("'", "''") + "'" for name in sorted(found))
    return f'({APART} OR l."{SOURCE}" NOT IN ({names}))'


def _splink_comparison(comparison: Comparison) -> dict[str, Any]:
    levels: list[dict[str, Any]] = [
        {"sql_condition": comparison.null_sql(), "label_for_charts": "not told", "is_null_level": True}
    ]
    for level in comparison.levels:
        told: dict[str, Any] = {"sql_condition": level.sql, "label_for_charts": level.label}
        told |= {"m_probability": level.m, "u_probability": level.u}
        if level.frequency:
            told |= {"tf_adjustment_column": level.frequency, "tf_minimum_u_value": 1e-7}
            told["disable_tf_exact_match_detection"] = True
        levels.append(told)
    return {"output_column_name": comparison.slot, "comparison_levels": levels}


def _coded(levels: Sequence[Level]) -> list[Level]:
    """Levels whose weight says which one it is (-1, -2, ...; 0: not told), since Splink hands out weights only."""
    return [replace(lv, m=2.0 ** -(i + 2), u=0.5, frequency=None) for i, lv in enumerate(levels)]


def _place(comparison: Comparison) -> str:
    """SQL for the level a pair agrees on, told from its weight; training keeps the weights of a comparison apart."""
    cases = " ".join(
        f'WHEN abs("mw_{comparison.slot}" - ({np.log2(level.m) - np.log2(level.u)})) < {WEIGHTS_APART / 4} THEN {place}'
        for place, level in enumerate(comparison.levels)
    )
    return f"(CASE {cases} ELSE -1 END)"


def _household(model: Model) -> str:
    """SQL for what a weight loses because two people of one household would agree as well."""
    if model.kin <= 0:
        return "0.0"
    terms = [str(np.log2(model.kin / (1 - model.kin)))]
    for comparison in model.comparisons:
        agreed = f'"mw_{comparison.slot}"'
        if any(level.frequency for level in comparison.levels):
            agreed += f' + "mw_tf_adj_{comparison.slot}"'
        if comparison.shared:
            terms.append(agreed)
        elif ratios := kin_ratios(comparison):
            cases = " ".join(f"WHEN {i} THEN {agreed} + {np.log2(ratio)}" for i, ratio in ratios.items())
            terms.append(f"(CASE {_place(comparison)} {cases} ELSE 0.0 END)")
    return f"log2(1 + pow(2.0, least({' + '.join(terms)}, 500.0)))"
