"""A configuration of examples/sources/ at work: files land, are loaded and validated, and customers are found."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from jobs.config.settings import load_settings
from jobs.identity import identity
from jobs.identity.identifiers import identifier_hashes
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import step
from tests.shared_data import folder

SOURCES = Path(__file__).resolve().parents[2] / "examples" / "sources"
DAY = dt.date(2025, 6, 1)
"""Later than any event in the published samples, and the first day of the shipped files."""
NEXT = DAY + dt.timedelta(days=1)


class Company:
    """`rows("contacts")` are the rows of a valid table, `set_aside()` the rows in quarantine by dataset and rule."""

    def __init__(self, name: str, home: Path, monkeypatch: Any):
        for variable in ("KLANTREIS_LANDING", "KLANTREIS_LAKE"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("KLANTREIS_HOME", str(home))
        monkeypatch.setenv("KLANTREIS_HASH_KEY", "test-key")
        self.settings = load_settings(SOURCES / name)
        self.shipped = SOURCES / name / "landing"
        self.landing = home / "var" / "landing" / name
        self.landing.mkdir(parents=True)
        self.lake = Lake.of(self.settings)

    def land(self, name: str, content: bytes, day: dt.date = DAY) -> None:
        target = self.landing / str(day) / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)

    def land_all(self, data_set: str, pattern: str = "*.csv*") -> None:
        for file in sorted(folder(data_set).glob(pattern)):
            self.land(file.name, file.read_bytes())

    def live(self) -> Company:
        """The days of the files that are shipped with the configuration, one by one, and then who is who."""
        shutil.copytree(self.shipped, self.landing.parent, dirs_exist_ok=True)
        days = [day for day in (DAY, NEXT) if next(self.shipped.rglob(str(day)), None)]
        self.counts = [self.run(day) for day in days]
        identity.run(days[-1], self.settings)
        return self

    def run(self, day: dt.date = DAY) -> dict[str, dict[str, int]]:
        """Counts per source; nothing is lost in any of them."""
        found = {}
        for source in self.settings.sources:
            load.run(source, day, self.settings)
            counts = step.run(source, day, self.settings)
            parts = ("accepted", "quarantined", "duplicates", "left_out")
            assert counts["rows_in"] == sum(counts.get(part, 0) for part in parts)
            found[source] = counts
        return found

    def rows(self, dataset: str) -> list[dict[str, Any]]:
        return self.lake.arrow(f"valid/{dataset}").to_pylist()

    def values(self, dataset: str, *columns: str) -> list[tuple[Any, ...]]:
        """These columns of all rows, sorted; a moment as text in UTC."""
        rows = [tuple(_plain(row[column]) for column in columns) for row in self.rows(dataset)]
        return sorted(rows, key=lambda row: [("" if value is None else str(value)) for value in row])

    def customers(self, *identifiers: str) -> list[str | None]:
        """The customer of each identifier, written as kind:value, or contact:source:id; None for nobody."""
        found = {row["identifier"]: row["customer_id"] for row in self.lake.arrow("identity/map").to_pylist()}
        given = [identifier.split(":", 1) for identifier in identifiers]
        known = ([one for one in identifier_hashes(*pair, self.settings) if one in found] for pair in given)
        return [found[own[0]] if own else None for own in known]

    def set_aside(self) -> Counter[tuple[str, str]]:
        rows = self.lake.arrow("quarantine/rows", columns=["dataset", "rule"]).to_pylist()
        return Counter((row["dataset"], row["rule"]) for row in rows)


def _plain(value: Any) -> Any:
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, dt.datetime) else value


def table(data_set: str, name: str) -> list[dict[str, str]]:
    """The records of a published CSV file, read without any of the product."""
    content = (folder(data_set) / name).read_bytes()
    text = (gzip.decompress(content) if name.endswith(".gz") else content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))
