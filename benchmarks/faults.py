"""Inject seeded faults into good deliveries and check, against books kept apart, that no row is lost or there twice.

`python -m benchmarks.faults --count 1000 --seed 1` lands files with one fault each (benchmarks/fault_kinds.py), many
a round, and runs the real ingest and validation. For every file it is known beforehand which rows must be accepted,
how many quarantined and how many are duplicates; what the tables say after each round must be the same.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from benchmarks.fault_kinds import KINDS, Delivery, Fate

ROUND = 100
"""Faults that land between two runs."""
FIRST = dt.date(2024, 5, 1)
CONFIG: dict[str, Any] = {
    "settings.yaml": {
        "company": "Faults",
        "timezone": "Europe/Amsterdam",
        "landing": "var/landing",
        "lake": "var/lake",
        "limits": {"field_mb": 1, "record_mb": 2, "archive_files": 100, "expanded_mb": 64},
    },
    "sources/crm.yaml": {
        "source": "crm",
        "group": "crm",
        "datasets": {
            "contacts": {
                "files": "{day}/contacts*.csv*",
                "columns": {
                    "contact_id": "id",
                    "updated_at": "updated",
                    "first_name": "name",
                    "birth_date": "born",
                },
                "changes": {"retyped": "quarantine"},
                "history": {"volume": "off", "freshness": "off", "distribution": "off"},
            },
            "products": {
                "files": "{day}/products*.parquet",
                "format": {"type": "parquet"},
                "columns": {"product_id": "id", "updated_at": "at", "name": "name"},
                "history": {"volume": "off", "freshness": "off", "distribution": "off"},
            },
            "tickets": {
                "files": "{day}/tickets*.avro",
                "format": {"type": "avro"},
                "columns": {"ticket_id": "id", "updated_at": "at", "opened_at": "at", "status": "state"},
                "history": {"volume": "off", "freshness": "off", "distribution": "off"},
            },
            "orders": {
                "files": "{day}/orders*.csv",
                "lookups": {"state": {"files": "{day}/states*.csv", "on": {"id": "state_id"}}},
                "columns": {
                    "order_id": "id",
                    "updated_at": "at",
                    "ordered_at": "at",
                    "status": {
                        "from": "coalesce(state.label, 'Won')",
                        "values": {"Won": "completed", "Lost": "cancelled"},
                    },
                    "total": "total",
                },
                "history": {"volume": "off", "freshness": "off", "distribution": "off"},
            },
            "order_lines": {
                "files": "{day}/order_lines*.jsonl",
                "format": {"type": "jsonl"},
                "each": "items",
                "columns": {
                    "order_id": "_parent.id",
                    "line_id": "_index",
                    "product_id": "sku",
                    "ordered_at": "_parent.at",
                    "updated_at": "_parent.at",
                },
                "history": {"volume": "off", "freshness": "off", "distribution": "off"},
            },
            "messages": {
                "files": "{day}/messages*.jsonl*",
                "format": {"type": "jsonl"},
                "columns": {
                    "message_id": "id",
                    "conversation_id": "talk",
                    "sent_at": "at",
                    "author": "by",
                    "text": "text",
                },
                "history": {"volume": "off", "freshness": "off", "distribution": "off"},
            },
        },
    },
    "identity.yaml": {"golden_record": {}, "purposes": {}},
    "journey.yaml": {"stages": [{"stage": "awareness", "name": "seen", "when": "true"}]},
    "models.yaml": {"features": ["recency_days"]},
    "traits.yaml": {
        "traits": {"recency_days": {"title": "t", "over": "orders", "value": "min(days_ago)", "type": "bigint"}}
    },
    "destinations.yaml": {"destinations": {}},
}
IDS = {
    "contacts": ("contact_id", "updated_at"),
    "messages": ("message_id", "sent_at"),
    "order_lines": ("product_id", "updated_at"),
    "orders": ("order_id", "updated_at"),
    "products": ("product_id", "updated_at"),
    "tickets": ("ticket_id", "updated_at"),
}
ZONES = ("UTC", "Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kathmandu")
"""Time zones of the host, another for each round."""


@dataclass
class Outcome:
    """What became of the faults of all kinds."""

    injected: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, set[int]] = field(default_factory=dict)
    lost: Counter[str] = field(default_factory=Counter)
    duplicated: Counter[str] = field(default_factory=Counter)
    intruded: Counter[str] = field(default_factory=Counter)
    crashed: Counter[str] = field(default_factory=Counter)
    messages: list[str] = field(default_factory=list)

    def blame(self, counter: Counter[str], fault: Fault, rows: int, message: str) -> None:
        if rows:
            counter[fault.kind] += rows
            self.wrong.setdefault(fault.kind, set()).add(fault.number)
            self.messages.append(f"fault {fault.number} ({fault.kind}): {message}")

    @property
    def clean(self) -> bool:
        return not self.messages

    def summary(self) -> str:
        lost, twice = self.lost.total(), self.duplicated.total()
        return (
            f"{self.injected.total():,} faults: {lost:,} rows lost, {twice:,} duplicated, "
            f"{self.crashed.total():,} crashes"
        )


@dataclass(frozen=True)
class Fault:
    """One injected fault: the files it landed, and what must become of each (by path).

    `later` replaces files after they were read.
    """

    number: int
    kind: str
    dataset: str
    fates: dict[str, Fate]
    later: list[tuple[Path, bytes]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        outcome = run(Path(home), chosen.count, chosen.seed)
    console = Console(width=120)
    table = Table("fault", "injected", "survived", "rows lost", "rows twice", "bad rows let in", "crashed")
    for kind, count in sorted(outcome.injected.items()):
        survived = count - len(outcome.wrong.get(kind, ()))
        numbers = (outcome.lost, outcome.duplicated, outcome.intruded, outcome.crashed)
        table.add_row(kind, str(count), str(survived), *(str(number[kind]) for number in numbers))
    console.print(table)
    for message in outcome.messages[:20]:
        console.print(message, markup=False)
    console.print(outcome.summary())
    raise SystemExit(not outcome.clean)


def run(home: Path, count: int, seed: int) -> Outcome:
    """Inject so many faults below `home` and judge each; the same seed gives the same faults."""
    from jobs.config.settings import load_settings

    os.environ.setdefault("KLANTREIS_HASH_KEY", "faults")
    for name, content in CONFIG.items():
        path = home / "config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content, sort_keys=False))
    (home / "var" / "landing" / "crm").mkdir(parents=True)
    settings = load_settings(home / "config")
    outcome, faults = Outcome(), []
    for first in range(0, count, ROUND):
        day = FIRST + dt.timedelta(days=first // ROUND)
        landed = [_inject(home, day, number, seed) for number in range(first, min(first + ROUND, count))]
        outcome.injected.update(fault.kind for fault in landed)
        faults += landed
        with _host_in(ZONES[first // ROUND % len(ZONES)]):
            _run(settings, day, landed, outcome)
        for path, data in (one for fault in landed for one in fault.later):
            path.write_bytes(data)
    _run(settings, day, landed, outcome)
    _judge(settings, faults, outcome)
    return outcome


def _inject(home: Path, day: dt.date, number: int, seed: int) -> Fault:
    chance = random.Random(f"{seed} {number}")
    kind = sorted(KINDS)[number % len(KINDS)]
    delivery = Delivery(chance, day, f"f{number}", KINDS[kind].dataset)
    fates: dict[str, Fate] = {}
    later = []
    for name, data, fate in KINDS[kind].inject(delivery):
        arrived = day - dt.timedelta(days=fate.days_late)
        target = home / "var" / "landing" / "crm" / str(arrived) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        path = f"crm/{arrived}/{name}"
        if fate.looked_up:
            target.write_bytes(data)
        elif path in fates:
            later.append((target, data))
            fates[path] = fates[path].then(fate)
        else:
            target.write_bytes(data)
            fates[path] = fate
    return Fault(number, kind, KINDS[kind].dataset, fates, later)


@contextmanager
def _host_in(zone: str) -> Iterator[None]:
    """The time zone of this process set to another, as if the job had moved to another host."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
        time.tzset()


def _run(settings: Any, day: dt.date, faults: list[Fault], outcome: Outcome) -> None:
    from jobs.errors import StepFailed
    from jobs.ingest import load
    from jobs.validate import step

    try:
        load.run("crm", day, settings)
        step.run("crm", day, settings)
    except StepFailed as error:
        outcome.messages.append(f"day {day} did not end green: {error}")
    except Exception as error:
        outcome.crashed["(a whole round)"] += 1
        outcome.messages.append(f"day {day}: {type(error).__name__}: {error} in faults from {faults[0].number}")


def _judge(settings: Any, faults: list[Fault], outcome: Outcome) -> None:
    """Compare the tables with the books."""
    from jobs.lake.lake import Lake

    lake = Lake.of(settings)
    files = {row["file_id"]: row for row in lake.arrow("ops/files").to_pylist()}
    counts: dict[str, list[dict[str, Any]]] = {}
    for row in lake.arrow("ops/counts").to_pylist():
        counts.setdefault(files[row["file_id"]]["path"], []).append(row)
    accepted: dict[str, dict[str, list[dt.datetime]]] = {}
    for dataset, (id_, moment) in IDS.items():
        there = accepted.setdefault(dataset, {})
        for row in lake.arrow(f"valid/{dataset}", columns=[id_, moment]).to_pylist():
            there.setdefault(row[id_], []).append(row[moment])
    for fault in faults:
        for path, fate in fault.fates.items():
            _judge_file(fault, fate, counts.get(path, []), accepted[fault.dataset], outcome)


def _judge_file(
    fault: Fault, fate: Fate, counts: list[dict[str, Any]], there: dict[str, list[dt.datetime]], outcome: Outcome
) -> None:
    """Compare what became of one file with its fate."""
    found = tuple(sum(row[name] for row in counts) for name in ("accepted", "quarantined", "duplicates"))
    rows_in = sum(row["rows_in"] for row in counts)
    expected = fate.counted
    missing = [id_ for id_ in fate.accepted if id_ not in there]
    twice = [id_ for id_ in fate.accepted if len(there.get(id_, [])) > 1]
    intruders = [id_ for id_ in fate.refused if id_ in there]
    moved = [id_ for id_ in fate.accepted if fate.moment and any(at != fate.moment for at in there.get(id_, []))]
    outcome.blame(outcome.lost, fault, len(missing), f"{len(missing)} good rows are not accepted")
    outcome.blame(outcome.duplicated, fault, len(twice), f"{len(twice)} rows are there twice")
    outcome.blame(outcome.intruded, fault, len(intruders), f"{len(intruders)} bad rows are accepted")
    outcome.blame(outcome.intruded, fault, len(moved), f"{len(moved)} rows have another moment")
    if found != expected or rows_in != sum(expected) + fate.left_out:
        uncounted = max(sum(expected) + fate.left_out - rows_in, 0) or 1
        message = f"(accepted, quarantined, duplicates) are {found} of {rows_in}, not {expected}"
        outcome.blame(outcome.lost, fault, uncounted, message)


if __name__ == "__main__":
    main()
