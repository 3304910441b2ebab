"""Everything that a person has to be told, read from the tables in which each step keeps what it found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow.compute as pc

from jobs.config.alerts import About
from jobs.config.settings import Settings
from jobs.journeys.kpis.queries import last_day
from jobs.lake.lake import Lake

RECENT = 7
"""Days in which an alert is still told: a first run does not tell the whole history."""
_OF_HISTORY: dict[str, About] = {
    "history:loss": "quarantine",
    "history:freshness": "silence",
    "history:volume": "volume",
    "history:distribution": "volume",
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Alert:
    """One thing to tell. `id`: what is told once has one; `title` is short, `head` says also when."""

    about: About
    id: str
    day: date
    title: str
    said: str
    owner: str = ""
    head: str = ""

    @property
    def line(self) -> str:
        """The alert in one sentence."""
        return f"{self.head or f'{self.title} ({self.day})'}: {self.said}. Owner: {self.owner or '-'}"


def alerts(day: date, settings: Settings) -> list[Alert]:
    """What there is to tell of the days up to this one, newest first."""
    lake = Lake.of(settings)
    found = [*_kpis(lake, day), *_deliveries(lake, day, settings), *_guard_rails(lake, day, settings)]
    found += [*_batches(lake, day), *_models(lake, day, settings), *_drift(day, settings)]
    return sorted(found, key=lambda one: (one.day, one.id), reverse=True)


def _kpis(lake: Lake, day: date) -> Iterator[Alert]:
    for row in lake.arrow("journeys/alerts").to_pylist() if lake.exists("journeys/alerts") else ():
        if _is_recent(last_day(row["day"], row["period"]), day):
            id_ = "|".join(str(row[name]) for name in ("kpi", "period", "day", "kind"))
            head = f"{row['title']} ({row['period']} of {row['day']})"
            yield Alert("kpi", f"kpi|{id_}", row["day"], row["title"], row["why"], row["owner"] or "", head)


def _deliveries(lake: Lake, day: date, settings: Settings) -> Iterator[Alert]:
    """Deliveries that are not whole: what a push fails for."""
    for row in _recent(lake, "activation/deliveries", day):
        audience, destination = settings.audiences.get(row["audience"]), settings.destinations.get(row["destination"])
        if audience is None or destination is None:
            continue
        tried = row["to_add"] + row["to_remove"]
        undone = tried - row["delivered"] - row["removed"] - row["refused"] - row["unknown"]
        told = [f"{row['unknown']} may or may not have arrived"] if row["unknown"] else []
        if tried and row["refused"] / tried > destination.max_reject_share:
            told.append(f"{row['refused']} of {tried} were refused")
        told += [f"{undone} were not tried"] if undone > 0 else []
        told += [f"{row['paused']} are paused: more would leave at once than is allowed"] if row["paused"] else []
        told += [f"{row['missing']} of the audience are not in the plan"] if row["missing"] else []
        if told:
            name = f"{row['audience']} to {row['destination']}"
            yield Alert("delivery", f"delivery|{row['day']}|{name}", row["day"], name, ", ".join(told), audience.owner)


def _guard_rails(lake: Lake, day: date, settings: Settings) -> Iterator[Alert]:
    for row in _recent(lake, "activation/guard_rails", day):
        if row["allowed_at"] is None:
            name = f"{row['audience']} to {row['destination']}"
            audience = settings.audiences.get(row["audience"])
            id_ = f"guard_rail|{row['day']}|{name}|{row['rail']}|{row['said']}"
            said = f"held back: {row['said']}"
            yield Alert("guard_rail", id_, row["day"], name, said, audience.owner if audience else "")


def _batches(lake: Lake, day: date) -> Iterator[Alert]:
    """What is odd about a delivery of a dataset, held against its own history; of each batch the newest verdict."""
    newest: dict[tuple[Any, ...], Row] = {}
    for row in _recent(lake, "ops/validations", day):
        if row["expectation"] in _OF_HISTORY:
            key = tuple(row[name] for name in ("source", "dataset", "batch", "expectation"))
            if key not in newest or row["attempt"] > newest[key]["attempt"]:
                newest[key] = row
    for row in newest.values():
        if not row["success"] and row["severity"] in ("warning", "critical"):
            name = f"{row['source']} {row['dataset']}"
            id_ = f"{row['expectation']}|{row['day']}|{name}"
            yield Alert(_OF_HISTORY[row["expectation"]], id_, row["day"], name, row["detail"] or row["expectation"])


def _models(lake: Lake, day: date, settings: Settings) -> Iterator[Alert]:
    told = set()
    for row in _recent(lake, "models/evaluations", day, dated="day"):
        version = (row["model"], row["model_version"])
        if row["decision"] == "refused" and version not in told:
            told.add(version)
            name, owner = f"model {row['model']}", _owner(row["model"], settings)
            said = f"version {row['model_version']} was refused: {row['reason'] or 'no reason was kept'}"
            yield Alert("model", f"model|{'|'.join(version)}", row["day"], name, said.rstrip("."), owner)


def _drift(day: date, settings: Settings) -> Iterator[Alert]:
    """Models whose customers are others than those they learned from, as the registry remembers."""
    if not settings.learned:
        return
    from jobs.models.registry import Registry

    registry = Registry(settings)
    for model in settings.learned:
        for version in registry.versions(model):
            if (text := version.tags.get("drifted_on")) and _is_recent(seen := date.fromisoformat(text), day):
                said = f"customers are others than version {version.number} learned from; it is trained anew"
                id_ = f"drift|{model}|{version.number}"
                yield Alert("drift", id_, seen, f"model {model}", said, _owner(model, settings))


def _owner(model: str, settings: Settings) -> str:
    return settings.learned[model].owner if model in settings.learned else ""


def _recent(lake: Lake, table: str, day: date, dated: str = "day") -> list[Row]:
    """The rows of the last days."""
    if not lake.exists(table):
        return []
    within = (pc.field(dated) > day - timedelta(days=RECENT)) & (pc.field(dated) <= day)
    return list(lake.dataset(table).to_table(filter=within).to_pylist())


def _is_recent(seen: date, day: date) -> bool:
    return day - timedelta(days=RECENT) < seen <= day
