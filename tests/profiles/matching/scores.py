"""How good groups of records are, over all pairs of records, and where the data sets are."""

import os
from pathlib import Path

import pandas as pd
import pytest

SETS = Path(os.environ.get("KLANTREIS_TEST_DATA") or Path(__file__).parents[4] / "shared" / "data")


def data_set(name):
    """The folder of a data set; the test is skipped if it is not there."""
    folder = SETS / name
    if not folder.is_dir():
        pytest.skip(f"needs the data set {name}: put it in {SETS}, or set KLANTREIS_TEST_DATA")
    return folder


def scores(linked, truth):
    """Precision, recall and F1 over all pairs of records. `truth` maps record to the person it is."""
    told = linked.records.assign(truth=linked.records["record"].map(truth))
    right, joined, true = (_pairs(told, by) for by in (["group", "truth"], ["group"], ["truth"]))
    precision, recall = right / max(joined, 1), right / max(true, 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def _pairs(told, by):
    size = told.groupby(by).size()
    return int((size * (size - 1) // 2).sum())


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
