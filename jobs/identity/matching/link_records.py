"""Link any records: say what their columns are, get pairs with a probability, groups, and what was kept apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from jobs.config.identity import Matching
from jobs.identity.matching import blocking
from jobs.identity.matching.clusters import Groups, group
from jobs.identity.matching.comparisons import comparisons
from jobs.identity.matching.conflicts import contradictions, names_only, other_generation, other_names
from jobs.identity.matching.kinds import guess_kinds
from jobs.identity.matching.levels import Comparison
from jobs.identity.matching.model import Model, frequencies, rarest, train
from jobs.identity.matching.records import KEY, SOURCE, prepare, without_hubs
from jobs.identity.matching.scoring import Scorer

FACTS = ("weight", "probability", "differ", "conflict", "unnamed")
"""What is found of a pair, besides the level of each slot."""
NAMES_ALONE = 0.5
"""How far below the threshold pairs end of which nothing but names can be compared."""
FLOOR_BELOW = 14.0
"""How far below the threshold (in log2 odds) pairs are kept, as evidence against joining their groups."""


@dataclass(frozen=True)
class Linked:
    """What was found.

    `records`: record, source, group (the record the group is named after), in the order given. `pairs`: left, right,
    probability, weight (log2 of the odds), and the level of each slot. `cut`: pairs that were likely but kept apart:
    left, right, weight, reason. `rules`: how pairs were found, and keys that would have paired too many. `hubs`:
    identifiers of too many people, which were not used. `compared`: how many pairs were weighed.
    """

    records: pd.DataFrame
    pairs: pd.DataFrame
    cut: pd.DataFrame
    rules: pd.DataFrame
    hubs: pd.DataFrame
    model: Model
    compared: int


def link_records(
    tables: pd.DataFrame | Mapping[str, pd.DataFrame],
    kinds: Mapping[str, str] | Mapping[str, Mapping[str, str]] | None = None,
    matching: Matching | None = None,
    key: str | None = None,
    model: Model | None = None,
) -> Linked:
    """Find which records are one person. `tables` is one table, or source name to table if columns differ by source.

    `kinds` says what each column is (see `jobs.config.company.RecordKind`); by default column names tell. One mapping
    does for all tables, or one per source. Columns it does not name are not looked at. `key` is the column with the id
    of a record, unique over all tables; by default records are numbered. Give `model` to score as before instead of
    training. Raises ConfigError if no column can be compared.
    """
    matching = matching or Matching()
    given = {None: tables} if isinstance(tables, pd.DataFrame) else dict(tables)
    parts = [(name, rows, _kinds_of(kinds, name, rows, key)) for name, rows in given.items()]
    records, hubs = without_hubs(prepare(parts, key))
    if key:  # ties are settled by place, which must not depend on the order of the input
        records = records.sort_values(KEY, kind="stable")
    given_order, records = records.index, records.reset_index(drop=True)
    with Scorer(records, matching.deduplicated, model) as scorer:
        pairs, rules, model = score(scorer, records, matching, model)
    groups = group_records(records, pairs, matching)
    names = records[KEY].to_numpy()
    told = pairs.assign(left=names[pairs["l"]], right=names[pairs["r"]])
    cut = groups.cut.assign(left=names[groups.cut["l"]], right=names[groups.cut["r"]])
    return Linked(
        records=records[[KEY, SOURCE]].assign(group=names[groups.labels]).set_axis(given_order).sort_index(),
        pairs=told.drop(columns=["l", "r"]),
        cut=cut[["left", "right", "weight", "reason"]],
        rules=rules,
        hubs=hubs,
        model=model,
        compared=scorer.compared,
    )


def score(
    scorer: Scorer, records: pd.DataFrame, matching: Matching, model: Model | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, Model]:
    """Pairs that are not out of the question (as `weigh` tells), how they were found, and the model."""
    compared = list(model.comparisons) if model else comparisons(scorer.columns)
    if model:
        rules, report = list(model.rules), pd.DataFrame()
    else:
        rules, report = blocking.choose(
            scorer.con, "records", scorer.columns, matching.pairs_per_record, matching.pairs_at_most
        )
    if not compared or len(records) < 2 or not rules:
        empty = pd.DataFrame({name: [] for name in ("l", "r", *FACTS, *(c.slot for c in compared))})
        return empty.astype({"l": int, "r": int}), report, model or _untrained(compared, rules, records)
    candidates = scorer.candidates(compared, rules)
    if model is None:
        model = _trained(scorer, records, compared, rules, candidates, matching)
    return weigh(scorer, candidates, records.get("generation"), matching, model), report, model


def weigh(
    scorer: Scorer, candidates: str, generation: pd.Series | None, matching: Matching, model: Model
) -> pd.DataFrame:
    """The pairs of a table that are not out of the question.

    Columns: l, r (places), weight, probability, differ, conflict, unnamed, and the level of each slot. `generation` is
    that of the records, such as jr, in their order. Two names that are well known and not one are for a person to
    judge at most: twins share all the rest.
    """
    table = scorer.scored(model, candidates, min(matching.weight - FLOOR_BELOW, matching.doubt))
    pairs = scorer.con.execute(f"SELECT * FROM {table} ORDER BY l, r").df()
    differ = contradictions(pairs, model, matching.conflicts)
    pairs["weight"] -= np.where(differ, matching.conflict_weight, 0.0)
    others = other_names(pairs, model) if "given_name" in matching.conflicts else differ & False
    pairs.loc[others, "weight"] = pairs.loc[others, "weight"].clip(upper=(matching.weight + matching.doubt) / 2)
    if not matching.names_alone:
        unsure = names_only(pairs, model)
        pairs.loc[unsure, "weight"] = pairs.loc[unsure, "weight"].clip(upper=matching.weight - NAMES_ALONE)
    pairs["probability"] = 1 / (1 + np.exp2(-pairs["weight"]))
    pairs["differ"] = differ
    pairs["conflict"] = other_generation(generation, pairs)
    pairs["unnamed"] = (pairs["given"] < 0) if "given" in pairs else False
    return pairs


def group_records(records: pd.DataFrame, pairs: pd.DataFrame, matching: Matching) -> Groups:
    exclusive = np.full(len(records), -1)
    for number, source in enumerate(matching.deduplicated):
        exclusive[(records[SOURCE] == source).to_numpy()] = number
    return group(len(records), pairs, matching.weight, exclusive, matching.largest_group)


def _trained(
    scorer: Scorer,
    records: pd.DataFrame,
    compared: list[Comparison],
    rules: list[blocking.Rule],
    candidates: str,
    matching: Matching,
) -> Model:
    sampled, weight = scorer.sample(candidates)
    found = scorer.patterns(compared, sampled, weight)
    random = scorer.patterns(compared, scorer.random())
    trained, prior, kin, matches = train(compared, found, random, scorer.total_pairs(matching.deduplicated))
    terms = frequencies(_own_families(records), trained, 1 + 2 * matches / len(records))
    return Model(tuple(trained), tuple(rules), round(prior, 15), round(kin, 15), len(records), terms, rarest(terms))


def _untrained(compared: list[Comparison], rules: list[blocking.Rule], records: pd.DataFrame) -> Model:
    return Model(
        tuple(compared), tuple(rules), 0.01, 0.0, len(records), frequencies(_own_families(records), compared, 1.0), {}
    )


def _own_families(records: pd.DataFrame) -> pd.DataFrame:
    """Records without first names in the place of last names, which say nothing about how common those are."""
    if not {"one_name", "family"} <= set(records):
        return records
    return records.assign(family=records["family"].where(records["one_name"].isna(), None))


def _kinds_of(
    kinds: Mapping[str, str] | Mapping[str, Mapping[str, str]] | None,
    name: str | None,
    rows: pd.DataFrame,
    key: str | None,
) -> Mapping[str, str]:
    own = kinds.get(name or "", kinds) if kinds else None
    if own is None or isinstance(own, str):
        return guess_kinds(column for column in rows if column != key)
    return {column: str(kind) for column, kind in own.items() if column in rows}
