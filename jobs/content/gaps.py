"""Which content is missing: moments, stages, needs and languages of the company beside its catalogue and its actions.

Rows are a pure function of rows: the catalogue is valid/content, and how many customers a gap concerns is counted in
journeys/moments, journeys/stages and profiles/customers, as far as they are there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from jobs.config.settings import Settings
from jobs.content.approval import files_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Dimension = Literal["moment", "stage", "need", "language", "action"]
COLUMNS = ("dimension", "value", "language", "items", "actions", "customers", "gap", "do")
"""One row: one value of a dimension in one language. `items` of the catalogue, `actions` with a text in that language,
`customers` it concerns (empty: not known)."""
MOMENT_DAYS = 28
"""Customers with such a micro-moment in so many days up to the newest are counted."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What there should be content for."""

    languages: Sequence[str]
    moments: Sequence[str] = ()
    stages: Sequence[str] = ()
    needs: Sequence[str] = ()


@dataclass(frozen=True)
class Texts:
    """What an action can be written in. `fallback` is the language of who reads none of them."""

    action: str
    stage: str
    moment: str | None
    languages: frozenset[str]
    missing: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Language to the files that are not there."""
    fallback: str = ""


@dataclass(frozen=True)
class Customers:
    """How many customers there are, by language, and by stage and moment and language."""

    languages: Counter[str] = field(default_factory=Counter)
    stages: Counter[tuple[str, str]] = field(default_factory=Counter)
    moments: Counter[tuple[str, str]] = field(default_factory=Counter)
    known: bool = False


def gaps(items: Sequence[Row], actions: Sequence[Texts], wanted: Wanted, customers: Customers) -> list[Row]:
    """All rows, gaps first and among these what concerns most customers."""
    rows = [
        *_of("moment", wanted.moments, items, actions, wanted, customers.moments, lambda one: one.moment),
        *_of("stage", wanted.stages, items, actions, wanted, customers.stages, lambda one: one.stage),
        *_of("need", wanted.needs, items, (), wanted, None, lambda one: None),
        *_languages(items, actions, wanted, customers),
        *_actions(actions, wanted, customers),
    ]
    if not customers.known:
        rows = [row | {"customers": None} for row in rows]
    order = {name: n for n, name in enumerate(("moment", "stage", "need", "language", "action"))}
    rows.sort(key=lambda row: (not row["gap"], -(row["customers"] or 0), order[row["dimension"]]))
    return rows


def _of(
    dimension: Dimension,
    values: Iterable[str],
    items: Sequence[Row],
    actions: Sequence[Texts],
    wanted: Wanted,
    counted: Counter[tuple[str, str]] | None,
    of_action: Callable[[Texts], str | None],
) -> Iterable[Row]:
    """An item in no language is in all; one for no moment in particular answers none."""
    for value in values:
        for language in wanted.languages:
            mine = [one for one in items if one[dimension] == value and one["language"] in (language, None)]
            texts = [one for one in actions if of_action(one) == value and language in one.languages]
            others = sorted({one["language"] for one in items if one[dimension] == value and one["language"]})
            todo = f"write content for {dimension} {value} in {language}"
            if others and not mine:
                todo += f"; there is some in {', '.join(others)} to translate"
            concerned = counted[value, language] if counted is not None else None
            yield _row(dimension, value, language, len(mine), len(texts), concerned, todo)


def _languages(items: Sequence[Row], actions: Sequence[Texts], wanted: Wanted, customers: Customers) -> Iterable[Row]:
    """Languages of the company, and any other that customers have."""
    for language in dict.fromkeys((*wanted.languages, *sorted(customers.languages))):
        mine = sum(one["language"] in (language, None) for one in items)
        texts = sum(language in one.languages for one in actions)
        known = "" if language in wanted.languages else "; it is not among `languages` of settings.yaml"
        todo = f"write content in {language}, or see that these customers read another language{known}"
        yield _row("language", language, language, mine, texts, customers.languages[language], todo)


def _actions(actions: Sequence[Texts], wanted: Wanted, customers: Customers) -> Iterable[Row]:
    for one in actions:
        for language in wanted.languages:
            there = language in one.languages
            todo = f"write {' and '.join(one.missing.get(language, ()))}; until then it is sent in {one.fallback}"
            yield _row("action", one.action, language, 0, int(there), customers.languages[language], todo)


def _row(dimension: str, value: str, language: str, items: int, actions: int, customers: int | None, do: str) -> Row:
    gap = items + actions == 0
    told = (dimension, value, language, items, actions, customers, gap, do if gap else "")
    return dict(zip(COLUMNS, told, strict=True))


def texts_of(settings: Settings, endings: Callable[[str], Sequence[str]], day: date) -> list[Texts]:
    """The actions that write and are not over, by what they can be written in; `endings` of the files of a
    destination's messages."""
    found = []
    for name, audience in settings.audiences.items():
        writes = [(to, one.template) for to, one in audience.send_to.items() if one.template is not None]
        if not writes or audience.last_day < day or audience.lacks(settings.sources):
            continue
        languages: set[str] = set()
        missing: dict[str, list[str]] = {}
        for number, (to, template) in enumerate(writes):
            by_end = {
                end: {file.split(".")[-2] for file in files_of(template, [end], settings.folder)} for end in endings(to)
            }
            whole = set.intersection(*by_end.values()) if by_end else set()
            languages = whole if number == 0 else languages & whole
            for language in settings.general.languages:
                lacks = [
                    f"templates/{template}.{language}.{end}" for end, known in by_end.items() if language not in known
                ]
                missing.setdefault(language, []).extend(lacks)
        fallback = getattr(settings.destinations[writes[0][0]].options, "language", "")
        found.append(Texts(name, audience.stage, audience.moment, frozenset(languages), missing, fallback))
    return found


def wanted_by(settings: Settings, items: Iterable[Row]) -> Wanted:
    """What the company says it has: languages, micro-moments, stages; needs as it says, else those of its catalogue."""
    stages = dict.fromkeys(rule.stage for rule in settings.journey.stages)
    needs = settings.content.rules.needs or sorted({one["need"] for one in items if one["need"]})
    return Wanted(settings.general.languages, list(settings.journey.moments), list(stages), needs)


def catalogue_of(asked: DuckDBPyConnection, tables: set[str]) -> list[Row]:
    """What the catalogue says of each item that is there now; empty texts say nothing."""
    if "newest.content" not in tables:
        return []
    told = asked.execute(
        "select content_id, "
        + ", ".join(f"nullif(trim({name}), '') as {name}" for name in _ABOUT)
        + " from newest.content"
    ).fetchall()
    return [dict(zip(("content_id", *_ABOUT), row, strict=True)) for row in told]


_ABOUT = ("kind", "title", "topic", "moment", "stage", "need", "language", "url")


def customers_of(asked: DuckDBPyConnection, tables: set[str]) -> Customers:
    """How many customers there are of what."""
    if "profiles.customers" not in tables:
        return Customers()
    languages = asked.execute(
        "select lower(split_part(language, '-', 1)), count(*) from profiles.customers where language <> '' group by 1"
    ).fetchall()
    by_language = "join profiles.customers c using (customer_id) where c.language <> ''"
    stages, moments = [], []
    if "journeys.stages" in tables:
        stages = asked.execute(
            f"""select s.stage, lower(split_part(c.language, '-', 1)), count(distinct customer_id)
                from journeys.stages s {by_language} and s.valid_to is null group by 1, 2"""
        ).fetchall()
    if "journeys.moments" in tables:
        moments = asked.execute(
            f"""select m.type, lower(split_part(c.language, '-', 1)), count(distinct customer_id)
                from journeys.moments m {by_language}
                and m.day > (select max(day) from journeys.moments) - {MOMENT_DAYS} group by 1, 2"""
        ).fetchall()
    return Customers(
        Counter(dict(languages)),
        Counter({(a, b): n for a, b, n in stages}),
        Counter({(a, b): n for a, b, n in moments}),
        True,
    )
