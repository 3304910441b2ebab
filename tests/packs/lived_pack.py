"""A pack at work: its small made-up company lives its days, and what the product decided is told beside the truth."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from pathlib import Path
from typing import Any

from examples.packs.made_up import CHOSEN, MadeUp, made_up
from jobs import pipeline
from jobs.config.settings import load_settings
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake

PACKS = Path(__file__).resolve().parents[2] / "examples" / "packs"
NAMES = sorted(path.parent.name for path in PACKS.glob("*/config"))
STEPS = ("ingest", "validate", "identity", "profiles", "journeys", "traits", "audiences", "plan")
"""What decides about people; nothing is sent."""
Row = tuple[str, str, str, str]
"""Day, journey, contact of the CRM, outcome."""


class LivedPack:
    """`told` is what the product decided, `truth` what the made-up company says of it."""

    def __init__(self, name: str, home: Path, monkeypatch: Any, leave_out: tuple[str, ...] = ()) -> None:
        for variable in ("KLANTREIS_LANDING", "KLANTREIS_LAKE", "KLANTREIS_HOME"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("KLANTREIS_HASH_KEY", "test-key")
        self.folder = home / "config"
        shutil.copytree(PACKS / name / "config", self.folder)
        for audience in self.folder.glob("audiences/*.yaml"):  # who is left alone to measure it is left to chance
            audience.write_text(re.sub(r"(?m)^holdout: .*$", "holdout: 0", audience.read_text()))
        for source in leave_out:
            (self.folder / "sources" / f"{source}.yaml").unlink()
        self.settings = load_settings(self.folder)
        self.company: MadeUp = made_up(PACKS / name)
        self.company.write(home / "var")
        self.lake = Lake.of(self.settings)
        self._patch = monkeypatch

    def live(self) -> LivedPack:
        for day in self.company.days:
            self.live_through(day)
        return self

    def live_through(self, day: dt.date) -> None:
        noon = dt.datetime.combine(day, dt.time(12), dt.UTC)  # the clock by which a moment lasts or is over
        self._patch.setattr("jobs.activation.moments.now", lambda: noon)
        for step in STEPS:
            one = pipeline.step(step)
            for part in one.parts(day, self.settings):
                one.function(*part, day, self.settings)

    @property
    def truth(self) -> set[Row]:
        return {(row["day"], row["journey"], row["id"], row["outcome"]) for row in self.company.truth}

    @property
    def told(self) -> set[Row]:
        """Everybody an action was for, chosen or with the reason why not."""
        who = self.contacts()
        rows = self.lake.arrow("decisions/choices").to_pylist()
        return {
            (str(row["day"]), row["audience"], who[row["customer_id"]], CHOSEN if row["chosen"] else row["reason"])
            for row in _first(rows)
        }

    def contacts(self) -> dict[str, str]:
        """The id in the CRM of each customer; two of them in one customer is an error."""
        mapped = {row["identifier"]: row["customer_id"] for row in self.lake.arrow("identity/map").to_pylist()}
        found: dict[str, str] = {}
        for person in self.company.people:
            customer = mapped[identifier_hash("contact", person["id"], self.settings, "crm")]
            assert customer not in found, f"{person['id']} and {found[customer]} became one customer"
            found[customer] = person["id"]
        return found

    def set_aside(self) -> list[dict[str, Any]]:
        if not self.lake.exists("quarantine/rows"):
            return []
        rows: list[dict[str, Any]] = self.lake.arrow("quarantine/rows").to_pylist()
        return rows


def _first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of the destinations of an action for a customer on a day: the one chosen, else the first."""
    best: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (not row["chosen"], row["destination"])):
        best.setdefault((row["day"], row["audience"], row["customer_id"]), row)
    return list(best.values())


def golden(rows: set[Row]) -> str:
    """Rows as the golden file has them: a line per day, journey and outcome, with the people."""
    lines: dict[tuple[str, str, str], list[str]] = {}
    for day, journey, person, outcome in sorted(rows):
        lines.setdefault((day, journey, outcome), []).append(person)
    told = [f"{','.join(key)},{' '.join(people)}" for key, people in sorted(lines.items())]
    return "\n".join(["day,journey,outcome,people", *told, ""])
