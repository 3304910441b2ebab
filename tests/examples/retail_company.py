"""The demo company at 2 % of its size, written once, and its files read independently of the code that wrote them."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from examples.retail.build import Plan, build
from jobs.config.sources.source import Source
from jobs.config.yaml_files import load

CONFIG = Path(__file__).resolve().parents[2] / "config" / "sources"
YEAR = (dt.date(2017, 1, 1), dt.date(2017, 12, 31))


@dataclass(frozen=True)
class Retail:
    """A folder with the demo company."""

    folder: Path

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    def truth(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / "truth" / f"{name}.csv", dtype=str, keep_default_na=False)

    @cached_property
    def sources(self) -> dict[str, Source]:
        return {path.stem: load(path, Source) for path in CONFIG.glob("*.yaml")}

    def lines(self, path: str) -> Iterator[tuple[int, dict[str, str] | None]]:
        """Line number and record of each row of a landed file; None for a line that is no record."""
        source, name = path.split("/")[0], path.split("/")[-1]
        content = (self.landing / path).read_bytes()
        text = gzip.decompress(content) if name.endswith(".gz") else content
        if ".jsonl" in name:
            for number, line in enumerate(text.decode().splitlines(), 1):
                yield number, _flat(line)
            return
        form = next(iter(self.sources[source].datasets.values())).format
        rows = csv.DictReader(text.decode(form.encoding).splitlines(), delimiter=form.delimiter)
        for row in rows:
            yield rows.line_num, dict(row)

    def good_rows(self, source: str, dataset: str) -> pd.DataFrame:
        """All rows that must be accepted or are duplicates, with the file and line they came from."""
        files, faults = self.truth("files"), self.truth("faults")
        bad = faults[faults.expected == "quarantined row"]
        broken = set(zip(bad.path, bad.line.astype(int), strict=True))
        loaded = files[(files.source == source) & (files.dataset == dataset) & (files.state == "loaded")]
        rows = [
            {"path": path, "line": line, **row}
            for path in loaded.path
            for line, row in self.lines(path)
            if row is not None and (path, line) not in broken
        ]
        return pd.DataFrame(rows).fillna("")


def _flat(line: str) -> dict[str, str] | None:
    """A JSON object with nested keys joined by dots."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    flat: dict[str, str] = {}

    def walk(value: object, name: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, f"{name}.{key}" if name else key)
        else:
            flat[name] = str(value)

    walk(record, "")
    return flat


def make(folder: Path, size: float = 0.02, seed: int = 1, days: tuple[dt.date, dt.date] = YEAR) -> Retail:
    build(Plan(size, seed, *days), folder)
    return Retail(folder)
