"""How good groups of records are, over all pairs of records, and where the data sets are."""

import os
from pathlib import Path

import pandas as pd
import pytest

from jobs.identity.matching.quality import quality

SETS = Path(os.environ.get("KLANTREIS_TEST_DATA") or Path(__file__).parents[4] / "shared" / "data")


def data_set(name):
    """The folder of a data set; the test is skipped if it is not there."""
    folder = SETS / name
    if not folder.is_dir():
        pytest.skip(f"needs the data set {name}: put it in {SETS}, or set KLANTREIS_TEST_DATA")
    return folder


def scores(linked, truth):
    """Precision, recall and F1 over all pairs of records. `truth` maps record to the person it is."""
    found = quality(linked.records["group"], linked.records["record"].map(truth))
    return found.precision, found.recall, found.f1


def wrong_pairs(linked, truth):
    """Pairs of records that were joined though they are two people, and those that were not though they are one."""
    told = linked.records.assign(truth=linked.records["record"].map(truth))
    every = told.merge(told, how="cross", suffixes=("", "_other"))
    every = every[every["record"] < every["record_other"]]
    joined, same = every["group"] == every["group_other"], every["truth"] == every["truth_other"]
    return {
        word: sorted(zip(every.loc[chosen, "record"], every.loc[chosen, "record_other"], strict=True))
        for word, chosen in (("joined", joined & ~same), ("missed", same & ~joined))
    }


def read(path, **options):
    return pd.read_csv(path, dtype=str, **options)
