"""A small made-up company from one YAML file: who is in it, what their systems export, and which journeys are theirs.

`made_up.yaml` of a pack is read here and nowhere in the product. It has a cast: scenes, each with some people, the
rows that the company's systems have of them, and what the journeys have to do with them. Values of rows are texts with
places to fill in:

- `{id}`, `{first}`, `{last}`, `{email}`, `{phone}`, `{language}`, `{birth}`, `{street}`, `{postcode}`, `{city}`: the
  person;
- `{day:+3}`: the date three days later, `{day}` today; `{at:-1 14:30}`: that time of yesterday. Today is the first day
  of the company; for rows that are repeated by `_days: [first, last]` it is the day of the repetition.

`_arrives: 2` puts a row in the files of the second day instead of the first. `journeys` beside the cast is what holds
for whoever a scene does not say otherwise of.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from examples.retail.names import MEN, WOMEN

CONTROL = ("_arrives", "_days")
"""Keys of a row that are about the row, and no column of it."""
CHOSEN = "chosen"


@dataclass
class MadeUp:
    """The files of a company by name and day, and what is true of it."""

    days: list[dt.date]
    files: dict[tuple[str, dt.date], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    people: list[dict[str, str]] = field(default_factory=list)
    truth: list[dict[str, str]] = field(default_factory=list)
    """A row per day, journey and person whom its rule is about: `outcome` is chosen, or why not."""

    wrappers: dict[str, str] = field(default_factory=dict)
    """Of files that are one JSON document: the key their rows stand under."""

    def write(self, out: Path) -> None:
        """landing/ for the product, truth/ for whoever wants to judge it."""
        for (name, day), rows in self.files.items():
            source, _, file = name.partition("/")
            _put(out / "landing" / source / day.isoformat() / file, self._content(name, rows))
        _put(out / "truth" / "people.csv", _as_csv(self.people))
        _put(out / "truth" / "journeys.csv", _as_csv(self.truth))

    def _content(self, name: str, rows: list[dict[str, Any]]) -> str:
        if name.endswith(".csv"):
            return _as_csv(rows)
        if name in self.wrappers:
            return json.dumps({self.wrappers[name]: rows}, ensure_ascii=False)
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


class _Day:
    """`{day:+3}` and `{at:-1 14:30}` of a text."""

    def __init__(self, today: dt.date, with_time: bool) -> None:
        self._today, self._with_time = today, with_time

    def __format__(self, told: str) -> str:
        days, _, time = told.strip().partition(" ")
        day = self._today + dt.timedelta(days=int(days or 0))
        return f"{day}T{time or '12:00'}:00" if self._with_time else day.isoformat()


def made_up(pack: Path) -> MadeUp:
    """The company of a pack. The same file gives the same company."""
    told = yaml.safe_load((pack / "made_up.yaml").read_text(encoding="utf-8"))
    begins: dt.date = told["begins"]
    company = MadeUp([begins + dt.timedelta(days=n) for n in range(told["days"])], wrappers=told.get("wrappers", {}))
    chance, number = random.Random(told["seed"]), 0
    for scene, about in told["cast"].items():
        for _ in range(about.get("people", 1)):
            number += 1
            person = _person(number, chance)
            company.people.append({"id": person["id"], "scene": scene})
            rows = [told["everybody"], about.get("rows", {})]
            for part in (*rows, _consents(told["consents"], about.get("consents", told["consents"]["usual"]))):
                _add(company, part, person)
            company.truth += _of_journeys(
                {**told.get("journeys", {}), **about.get("journeys", {})}, person["id"], company.days
            )
    company.truth.sort(key=lambda row: tuple(row.values()))
    return company


def _person(number: int, chance: random.Random) -> dict[str, str]:
    """Two people share nothing by which they could be taken for one."""
    first, last = chance.choice(WOMEN + MEN), f"{chance.choice(_BEGINNINGS)}{_ENDINGS[number % len(_ENDINGS)]}"
    letters = "".join(letter for letter in (first + last).lower() if letter.isascii() and letter.isalpha())
    born = dt.date(1950, 1, 1) + dt.timedelta(days=number * 211 + chance.randrange(200))
    return {
        "id": f"{4000 + number}",
        "first": first,
        "last": last,
        "email": f"{letters}{number}@mail.example",
        "phone": f"+316{20_000_000 + number * 104_729}",
        "language": "en" if number % 4 == 0 else "nl",
        "birth": born.isoformat(),
        "street": f"{chance.choice(_BEGINNINGS)}straat {number}",
        "postcode": f"{1000 + number * 37} {chr(65 + number % 26)}{chr(65 + number * 7 % 26)}",
        "city": chance.choice(["Utrecht", "Delft", "Zwolle", "Breda"]),
    }


_BEGINNINGS = ["Berken", "Linden", "Molen", "Water", "Zand", "Heide", "Veld", "Ooster", "Wester", "Duin"]
_ENDINGS = ["burg", "hof", "dijk", "laan", "man", "stra", "ma", "kamp", "horst", "beek", "donk", "wijk", "sma"]


def _consents(file: dict[str, Any], answers: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Rows of the file of consents: `marketing: [email]` is a yes, `{email: withdrawn}` what it says."""
    rows = []
    for purpose, channels in answers.items():
        said = channels if isinstance(channels, dict) else dict.fromkeys(channels, "granted")
        for channel, status in said.items():
            rows.append(
                {name: _filled(value, {"purpose": purpose, "channel": channel, "status": status, **_KEEP})
                 for name, value in file["row"].items()}
            )  # fmt: skip
    return {file["file"]: rows}


class _Kept:
    """A place to fill in that stays as it is, for the person."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __format__(self, told: str) -> str:
        return "{" + self._name + (":" + told if told else "") + "}"


_KEEP = {name: _Kept(name) for name in ("id", "email", "phone", "day", "at")}


def _add(company: MadeUp, files: dict[str, list[dict[str, Any]]], person: dict[str, str]) -> None:
    for name, rows in files.items():
        for row in rows:
            arrives = company.days[row.get("_arrives", 1) - 1]
            for today in _repeated(row, company.days[0]):
                places = {**person, "day": _Day(today, False), "at": _Day(today, True)}
                made = {key: _filled(value, places) for key, value in row.items() if key not in CONTROL}
                company.files[name, arrives].append(made)


def _repeated(row: dict[str, Any], first: dt.date) -> Iterator[dt.date]:
    begin, end = row.get("_days", (0, 0))
    return (first + dt.timedelta(days=n) for n in range(begin, end + 1))


def _filled(value: Any, places: dict[str, Any]) -> Any:
    if isinstance(value, str):
        return value.format_map(places)
    if isinstance(value, dict):
        return {key: _filled(one, places) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, places) for one in value]
    return value


def _of_journeys(journeys: dict[str, Any], person: str, days: list[dt.date]) -> Iterator[dict[str, str]]:
    """`journey: chosen` is every day; `journey: {2: chosen}` the second one."""
    for journey, told in journeys.items():
        by_day = told if isinstance(told, dict) else {n + 1: told for n in range(len(days))}
        for number, outcome in by_day.items():
            yield {"day": str(days[number - 1]), "journey": journey, "id": person, "outcome": outcome}


def _as_csv(rows: list[dict[str, Any]]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _put(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
