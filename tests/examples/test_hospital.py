"""The Hospital table: rules in YAML find its wrong cells, judged by its clean twin."""

import csv
import datetime as dt
import gzip
import io
import os
import shutil
from pathlib import Path

import pytest

from jobs.config.settings import load_settings
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import step

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("KLANTREIS_TEST_DATA") or ROOT.parent / "shared" / "data") / "quality_hospital"
CONFIG = ROOT / "examples" / "sources" / "hospital"
DAY = dt.date(2024, 1, 1)


def table(name):
    return list(csv.DictReader(io.StringIO(gzip.decompress((DATA / name).read_bytes()).decode())))


@pytest.fixture
def flagged_cells(tmp_path, monkeypatch):
    """(index, source column) of every cell that a rule set its row aside for."""
    if not DATA.is_dir():
        pytest.skip("needs the Hospital data set; set KLANTREIS_TEST_DATA to the folder that has quality_hospital")
    monkeypatch.setenv("KLANTREIS_HOME", str(tmp_path))
    monkeypatch.setenv("KLANTREIS_HASH_KEY", "test-key")
    for variable in ("KLANTREIS_LANDING", "KLANTREIS_LAKE"):
        monkeypatch.delenv(variable, raising=False)
    landing = tmp_path / "var" / "landing" / "hospital" / str(DAY)
    landing.mkdir(parents=True)
    shutil.copy(DATA / "hospital_dirty.csv.gz", landing)
    settings = load_settings(CONFIG)
    load.run("hospital", DAY, settings)
    counts = step.run("hospital", DAY, settings)
    assert counts["rows_in"] == counts["accepted"] + counts["quarantined"] == 1000

    dataset = settings.sources["hospital"].datasets["products"]
    columns = {name: value.expression for name, value in dataset.columns.items()}
    columns |= {f"attributes.{name}": value.expression for name, value in dataset.attributes.items()}
    dirty = table("hospital_dirty.csv.gz")
    found = Lake.of(settings).arrow("quarantine/rows", columns=["line", "rule", "rules"]).to_pylist()
    assert all(row["rule"] == row["rules"][0] for row in found)
    return {
        (dirty[row["line"] - 2]["index"], columns[rule.split(":")[0]])  # the header is line 1
        for row in found
        for rule in row["rules"]
    }


def test_rules_in_yaml_find_the_wrong_cells_and_few_others(flagged_cells):
    dirty, clean = table("hospital_dirty.csv.gz"), table("hospital_clean.csv.gz")
    wrong = {(d["index"], name) for d, c in zip(dirty, clean, strict=True) for name in d if d[name] != c[name]}
    assert len(wrong) == 509
    right = len(flagged_cells & wrong)
    precision, recall = right / len(flagged_cells), right / len(wrong)
    assert precision >= 0.99, f"{right} of {len(flagged_cells)} flagged cells are wrong"
    assert recall >= 0.98, f"{right} of {len(wrong)} wrong cells are flagged"
