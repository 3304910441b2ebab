"""Time linking records by probability against plain Splink, and grouping against plain SciPy, in one run.

`python -m benchmarks.identity --records 100000` prints ratios: they travel between machines, seconds do not. The
records are made up: people with typos, moves and missing values, 1.25 records each.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import resource
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import splink.comparison_library as cl
from nicknames import name_triplets
from rich.console import Console
from rich.table import Table
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from splink import DuckDBAPI, Linker

from jobs.config.identity import Matching
from jobs.config.settings import load_settings
from jobs.identity.matching import link_records
from jobs.identity.matching.compared import Compared, learn
from jobs.identity.matching.link_records import FLOOR_BELOW
from jobs.identity.matching.records import KEY, SOURCE, prepare
from jobs.identity.matching.scoring import Scorer
from jobs.lake.lake import Lake
from jobs.lake.tables.catalogue import get

KINDS = {
    "first_name": "given_name",
    "surname": "family_name",
    "dob": "birth_date",
    "city": "city",
    "postcode": "postcode",
    "email": "email",
}
SEED = 5
FIRST = dt.date(2017, 1, 1)
SYLLABLES = [
    *("an", "ber", "bos", "dal", "der", "el", "ford", "gra", "ham"),
    *("ing", "ker", "lan", "man", "mor", "nor", "pen", "ris", "sen"),
]


def population(records: int) -> pd.DataFrame:
    """Records of people, and copies of a quarter of them with an error or a gap in most."""
    rng = np.random.default_rng(SEED)
    people = int(records / 1.25)
    given = np.array(sorted({triplet.name1 for triplet in name_triplets()}))
    syllables = np.array(SYLLABLES)
    families = np.unique(["".join(row) for row in rng.choice(syllables, (20_000, 3))])
    cities = np.unique(["".join(row) for row in rng.choice(syllables, (800, 2))])

    def drawn(values: np.ndarray, skew: float) -> np.ndarray:
        share = 1 / (np.arange(len(values)) + 10.0) ** skew
        return rng.choice(values, people, p=share / share.sum())

    born = np.datetime64("1930-01-01") + rng.integers(0, 28_000, people)
    told = pd.DataFrame(
        {
            "first_name": drawn(given, 0.7),
            "surname": drawn(families, 0.6),
            "dob": born.astype("datetime64[D]").astype(str),
            "city": drawn(cities, 0.8),
            "postcode": np.char.add(
                rng.integers(1000, 9999, people).astype(str), rng.choice(["AB", "CD", "EF"], people)
            ),
        }
    )
    told["email"] = told["first_name"] + "." + told["surname"] + rng.integers(1, 999, people).astype(str) + "@x.example"
    copies = told.iloc[rng.choice(people, records - people)].copy()
    for column in told:
        wrong = rng.random(len(copies)) < 0.15
        copies.loc[wrong, column] = [_typo(rng, value) for value in copies.loc[wrong, column]]
    every = pd.concat([told, copies], ignore_index=True)
    for column in told:
        every.loc[rng.random(records) < 0.08, column] = None
    return every.sample(frac=1, random_state=SEED, ignore_index=True)


def _typo(rng: np.random.Generator, text: str) -> str:
    place = int(rng.integers(0, max(len(text) - 1, 1)))
    return text[:place] + text[place + 1 :] if rng.random() < 0.5 else text[:place] + "x" + text[place + 1 :]


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds[name] = time.monotonic() - started


def ours(records: pd.DataFrame, matching: Matching, seconds: dict[str, float]) -> Compared:
    """Learn and compare, then time blocking and scoring alone with the trained model."""
    with timed(seconds, "ours: prepare"):
        prepared = prepare([("x", records, KINDS)], None)
    with timed(seconds, "ours: train and score"):
        known = learn(prepared, matching)
    with Scorer(prepared, (), known.model) as scorer, timed(seconds, "ours: pairs and scoring"):
        scorer.scored(
            known.model, scorer.candidates(known.model.comparisons, known.model.rules), matching.weight - FLOOR_BELOW
        )
    return known


def days(records: pd.DataFrame, seconds: dict[str, float]) -> None:
    """Who is who on a lake: the first day, which learns from all records, and the next one, which brings 1 % more."""
    from jobs.identity import identity
    from jobs.lake.engine import get_spark

    get_spark()
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"KLANTREIS_HASH_KEY": "benchmark", "KLANTREIS_LAKE": f"{home}/lake"}
        settings = load_settings(Path(__file__).parents[1] / "config")
        lake = Lake.of(settings)
        brought = records[: len(records) // 100].assign(city="Elsewhere")
        for day, some in ((FIRST, records), (FIRST + dt.timedelta(days=1), brought)):
            lake.append("valid/contacts", _contacts(some, day), lake.transaction("arrive", day))
        for name, day in (("first", FIRST), ("next", FIRST + dt.timedelta(days=1))):
            with timed(seconds, f"lake: {name} day"):
                identity.run(day, settings)


def _contacts(records: pd.DataFrame, day: dt.date) -> pa.Table:
    """Rows of valid/contacts; every day's records have ids of their own."""
    schema = get("valid/contacts").arrow_schema()
    told = records.rename(columns={"surname": "last_name", "dob": "birth_date"})
    born = pd.to_datetime(told["birth_date"], errors="coerce").dt.date
    ids = [f"{day:%d}-{number}" for number in range(len(told))]
    lineage = {"source": "crm", "arrived": day, "file_id": f"{day}", "line": range(len(told)), "contact_id": ids}
    rows = told.assign(birth_date=born, updated_at=pd.Timestamp(day, tz="UTC"), **lineage)
    return pa.Table.from_pandas(rows.reindex(columns=schema.names).astype(object), schema, preserve_index=False)


def _placed(pairs: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    keys = pd.Index(records[KEY])
    return pairs.assign(l=keys.get_indexer(pairs["left"]), r=keys.get_indexer(pairs["right"]))


def plain(records: pd.DataFrame, model: link_records.Model, matching: Matching, seconds: dict[str, float]) -> int:
    """Splink's stock comparisons on the same records with the same blocking rules."""
    prepared = prepare([("x", records, KINDS)], None)
    with Scorer(prepared, (), model) as scorer:
        api = DuckDBAPI(scorer.con)
        settings: dict[str, Any] = {
            "link_type": "dedupe_only",
            "probability_two_random_records_match": model.prior,
            "blocking_rules_to_generate_predictions": [rule.sql() for rule in model.rules],
            "comparisons": [
                cl.NameComparison("given").configure(term_frequency_adjustments=True),
                cl.NameComparison("family").configure(term_frequency_adjustments=True),
                cl.DateOfBirthComparison("birth_date", input_is_string=True, datetime_format="%Y%m%d"),
                cl.JaroWinklerAtThresholds("city").configure(term_frequency_adjustments=True),
                cl.LevenshteinAtThresholds("postcode"),
                cl.EmailComparison("email"),
            ],
            "retain_matching_columns": False,
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            linker = Linker(api.register("records", table_name="plain"), settings, log_level="ERROR")
            with timed(seconds, "Splink: pairs and scoring"):
                found = linker.inference.predict(
                    threshold_match_weight=matching.weight - FLOOR_BELOW, warning_mode="never"
                )
        return len(found.as_pandas_dataframe())


def grouped(pairs: pd.DataFrame, size: int, threshold: float, seconds: dict[str, float]) -> None:
    """Groups against connected components of the likely pairs, both from file to file."""

    def components_only(frame: pd.DataFrame) -> np.ndarray:
        likely = frame[frame["weight"] >= threshold]
        graph = coo_matrix((np.ones(len(likely), np.int8), (likely["l"], likely["r"])), shape=(size, size))
        return np.asarray(connected_components(graph, directed=False)[1])

    records = pd.DataFrame({SOURCE: [""] * size})
    ways: dict[str, Callable[[pd.DataFrame], np.ndarray]] = {
        "SciPy": components_only,
        "ours": lambda frame: link_records.group_records(records, frame, Matching()).labels,
    }
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "pairs.parquet"
        pairs.to_parquet(source)
        for name, labels in ways.items():
            with timed(seconds, f"{name}: grouping"):
                frame = pd.read_parquet(source)
                pd.DataFrame({"group": labels(frame)}).to_parquet(Path(folder) / f"{name}.parquet")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--days-only", action="store_true", help="time the days on a lake, and nothing else")
    given = parser.parse_args()
    count = given.records
    matching, seconds = Matching(), dict[str, float]()
    records = population(count)
    if given.days_only:
        days(records, seconds)
        Console().print(seconds, f"ratio {seconds['lake: next day'] / seconds['lake: first day']:.3f}")
        return
    known = ours(records, matching, seconds)
    plain(records, known.model, matching, seconds)
    pairs = _placed(known.pairs, prepare([("x", records, KINDS)], None))
    grouped(pairs, count, matching.weight, seconds)
    days(records, seconds)
    table = Table(
        "what", "ratio", "goal", title=f"{count:,} records, {len(pairs):,} pairs kept, {len(known.model.rules)} rules"
    )
    for what, ratio, goal in (
        (
            "pairs and scoring / plain Splink",
            seconds["ours: pairs and scoring"] / seconds["Splink: pairs and scoring"],
            1.1,
        ),
        ("grouping / SciPy alone", seconds["ours: grouping"] / seconds["SciPy: grouping"], 3.0),
        ("a day with 1 % new records / the first day", seconds["lake: next day"] / seconds["lake: first day"], 0.05),
    ):
        table.add_row(what, f"{ratio:.2f}", f"at most {goal}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    table.add_row("peak memory, GiB", f"{peak:.1f}", "under 8")
    Console().print(table)
    Console().print({name: round(value, 1) for name, value in seconds.items()})


if __name__ == "__main__":
    main()
