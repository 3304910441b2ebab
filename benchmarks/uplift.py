"""Whom a promotion helps, by configuration alone: a published experiment through ingest, training and scoring.

    python -m benchmarks.uplift FOLDER

FOLDER holds `train.csv.gz` and `test.csv.gz` of the Starbucks promotion (columns ID, Promotion, purchase, V1 to V7;
84,534 and 41,650 customers). `benchmarks/promotion/` is all there is of the company. On one day the first file comes in
and the model is trained; on the next the second comes in and is scored by what was learned before. What came of those
whom the scores say to approach is told beside what comes of approaching everybody. It fails below the strategy that was
published with the data: incremental response rate 0.0188, net incremental revenue 189.45.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

COMPANY = Path(__file__).resolve().parent / "promotion"
DAY = date(2024, 1, 1)
RATE, REVENUE = 0.0188, 189.45
STEPS = ("ingest", "validate", "identity", "profiles", "journeys", "traits")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where train.csv.gz and test.csv.gz are")
    files = parser.parse_args().folder
    with tempfile.TemporaryDirectory(prefix="klantreis_uplift_") as home:
        told, scores = _scored(files, Path(home))
    print(f"learned from the first file      {told['decision']}: {told['reason']}")
    chosen, everybody = (_came(files / "test.csv.gz", approached) for approached in (scores, None))
    print(f"approaching everybody            response rate {everybody[0]:.4f}, revenue {everybody[1]:,.2f}")
    print(f"approaching whom it names        response rate {chosen[0]:.4f}, revenue {chosen[1]:,.2f}")
    return 0 if chosen[0] >= RATE and chosen[1] >= REVENUE else 1


def _scored(files: Path, home: Path) -> tuple[dict[str, Any], set[int]]:
    """What training told of the first file, and which customers of the second are to be approached."""
    for name in [name for name in os.environ if name.startswith("KLANTREIS_")]:
        del os.environ[name]  # the settings of the machine must not reach the benchmark
    os.environ |= {"KLANTREIS_HOME": str(home), "KLANTREIS_HASH_KEY": "benchmark"}
    from jobs.config.settings import load_settings
    from jobs.identity.identifiers import identifier_hash
    from jobs.lake.lake import Lake
    from jobs.models import models, scoring

    settings, lived = load_settings(COMPANY), DAY + timedelta(days=1)
    _live(DAY, files / "train.csv.gz", home, settings)
    told = models.train("promotion", DAY, settings)
    _live(lived, files / "test.csv.gz", home, settings)
    scoring.run(lived, settings)
    lake = Lake.of(settings)
    labels = lake.arrow("models/scores", day=lived).to_pandas().set_index("customer_id")["label"]
    people = lake.arrow("identity/map").to_pandas().set_index("identifier")["customer_id"]
    numbers = pd.read_csv(files / "test.csv.gz", usecols=["ID"])["ID"]
    who = [people[identifier_hash("contact", f"promotion:{number}", settings)] for number in numbers]
    return told, set(numbers[(labels[who] == "approach").to_numpy()])


def _live(day: date, file: Path, home: Path, settings: Any) -> None:
    """Let a file land and the steps of its day up to traits run."""
    from jobs import pipeline

    landed = home / "var" / "landing" / "promotion" / str(day)
    landed.mkdir(parents=True)
    shutil.copy(file, landed)
    for outcome in pipeline.run_day(day, settings, until="traits"):
        if outcome.error:
            raise SystemExit(f"{day}: {outcome.step} {outcome.part} failed: {outcome.error}")


def _came(file: Path, approached: set[int] | None) -> tuple[float, float]:
    """Incremental response rate and net incremental revenue, as the experiment was to be judged, of some or all."""
    rows = pd.read_csv(file)
    rows = rows if approached is None else rows[rows["ID"].isin(approached)]
    sent = rows["Promotion"] == "Yes"
    bought = [float(rows.loc[arm, "purchase"].sum()) for arm in (sent, ~sent)]
    rate = bought[0] / max(int(sent.sum()), 1) - bought[1] / max(int((~sent).sum()), 1)
    return rate, 10 * bought[0] - 0.15 * float(sent.sum()) - 10 * bought[1]


if __name__ == "__main__":
    sys.exit(main())
