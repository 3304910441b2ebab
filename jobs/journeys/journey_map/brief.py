"""The journey in plain sentences, Dutch or English: every number in them comes from a query that is told beside it.

The words hold no numbers of their own: a sentence is a template whose fields are columns of its query's rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import duckdb

Language = Literal["nl", "en"]
MONTHS = {
    "nl": "januari februari maart april mei juni juli augustus september oktober november december".split(),  # noqa: SIM905
    "en": "January February March April May June July August September October November December".split(),  # noqa: SIM905
}
STAGES = {
    "awareness": "oriëntatie",
    "consideration": "overweging",
    "purchase": "aankoop",
    "service": "service",
    "loyalty": "trouw",
}
"""Stages in Dutch."""
VERDICTS = {
    "better": "beter", "worse": "slechter", "no change shown": "geen aantoonbare verandering",
    "too early": "nog te vroeg", "no data": "geen cijfers",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One kind of sentence: a row of the answer gives one sentence. `needs` are the tables it is about."""

    nl: str
    en: str
    needs: tuple[str, ...]
    sql: str


LINES = (
    Line(
        "Op {as_of} zijn er {customers} klanten en {visitors} anonieme bezoekers; "
        "de meeste klanten, {most}, zijn in de fase {stage} ({share}).",
        "On {as_of} there are {customers} customers and {visitors} anonymous visitors; "
        "most customers, {most}, are in the stage {stage} ({share}).",
        ("journeys.stages", "journeys.map_touchpoints"),
        """
        with placed as (select kind, stage from journeys.stages where valid_to is null)
        select (select max(as_of) from journeys.map_touchpoints) as as_of, sum(count(*)) over ()::bigint as customers,
               (select count(*) from placed where kind = 'visitor') as visitors,
               count(*) as most, stage, count(*) / sum(count(*)) over () as share
        from placed where kind = 'customer' group by stage having visitors > 0 order by most desc, stage limit 1""",
    ),
    Line(
        "Op {as_of} zijn er {customers} klanten; de meeste, {most}, zijn in de fase {stage} ({share}).",
        "On {as_of} there are {customers} customers; most of them, {most}, are in the stage {stage} ({share}).",
        ("journeys.stages", "journeys.map_touchpoints"),
        """
        with placed as (select kind, stage from journeys.stages where valid_to is null)
        select (select max(as_of) from journeys.map_touchpoints) as as_of, sum(count(*)) over ()::bigint as customers,
               count(*) as most, stage, count(*) / sum(count(*)) over () as share
        from placed where kind = 'customer' and not exists (select 1 from placed where kind = 'visitor')
        group by stage order by most desc, stage limit 1""",
    ),
    Line(
        "Van {first_day} t/m {as_of} waren er {contacts} contacten: {negative} liepen slecht en {positive} goed.",
        "From {first_day} to {as_of} there were {contacts} contacts; {negative} went badly and {positive} well.",
        ("journeys.map_touchpoints",),
        """
        select min(first_day) as first_day, max(as_of) as as_of, sum(contacts)::bigint as contacts,
               sum(negative)::bigint as negative, sum(positive)::bigint as positive
        from journeys.map_touchpoints having sum(negative) + sum(positive) > 0""",
    ),
    Line(
        "Van {first_day} t/m {as_of} waren er {contacts} contacten; niets zegt of ze slecht of goed liepen.",
        "From {first_day} to {as_of} there were {contacts} contacts; nothing tells whether they went badly or well.",
        ("journeys.map_touchpoints",),
        """
        select min(first_day) as first_day, max(as_of) as as_of, sum(contacts)::bigint as contacts
        from journeys.map_touchpoints having sum(contacts) > 0 and sum(negative) + sum(positive) = 0""",
    ),
    Line(
        "Van {paths} routes eindigden er {converted} met een aankoop, {dropped} zonder, en {open} lopen nog.",
        "Of {paths} paths, {converted} ended with an order, {dropped} without one, and {open} are still open.",
        ("journeys.paths",),
        """
        select sum(paths)::bigint as paths,
               sum(paths) filter (outcome = 'conversion')::bigint as converted,
               coalesce(sum(paths) filter (outcome = 'drop-off'), 0)::bigint as dropped,
               coalesce(sum(paths) filter (outcome = 'open'), 0)::bigint as open
        from journeys.paths having converted > 0""",
    ),
    Line(
        "Van {paths} routes is van geen een aankoop bekend; {dropped} zijn voorbij en {open} lopen nog.",
        "Of {paths} paths none is known to have ended with an order; {dropped} are over and {open} are still open.",
        ("journeys.paths",),
        """
        select sum(paths)::bigint as paths,
               coalesce(sum(paths) filter (outcome = 'drop-off'), 0)::bigint as dropped,
               coalesce(sum(paths) filter (outcome = 'open'), 0)::bigint as open
        from journeys.paths having sum(paths) > 0 and count(*) filter (outcome = 'conversion') = 0""",
    ),
    Line(
        "In de funnel {funnel} kwamen {first} klanten bij de eerste stap en {last} bij de laatste ({share}).",
        "In the funnel {funnel}, {first} customers came to the first step and {last} to the last one ({share}).",
        ("journeys.funnels",),
        """
        select funnel, min_by(customers, step) as first, max_by(customers, step) as last,
               max_by(share_of_first, step) as share
        from journeys.funnels where period = 'window' group by funnel having max(customers) > 0 order by funnel""",
    ),
    Line(
        "In de funnel {funnel} haken de meesten af na de stap '{name}': {dropped} van {customers} klanten.",
        "In the funnel {funnel}, most drop out after the step '{name}': {dropped} of {customers} customers.",
        ("journeys.funnels",),
        """
        select funnel, name, dropped, customers from journeys.funnels where period = 'window' and dropped > 0
        qualify row_number() over (partition by funnel order by dropped desc, step) = 1 order by funnel""",
    ),
    Line(
        "De meeste bestellingen komen volgens het Markov-model door {credited}: {orders} van {conversions}.",
        "By the Markov model most orders are due to {credited}: {orders} of {conversions}.",
        ("journeys.attribution",),
        """
        select credited, orders, conversions from journeys.attribution
        where model = 'markov' and dimension = 'channel' and credited <> '(none)' and orders > 0
        order by orders desc, credited limit 1""",
    ),
    Line(
        "Bij {orders} van {conversions} bestellingen ging er geen bekend contact aan vooraf.",
        "Of {conversions} orders, {orders} came without a known contact before them.",
        ("journeys.attribution",),
        """
        select orders, conversions from journeys.attribution
        where model = 'last' and dimension = 'channel' and credited = '(none)'""",
    ),
    Line(
        "Inzicht '{title}' klopt: {value} (tussen {low} en {high}), geteld op {told_on}.",
        "Insight '{title}' holds: {value} (between {low} and {high}), counted on {told_on}.",
        ("journeys.map_insights",),
        """
        select title, value, low, high, told_on from journeys.map_insights where state = 'holds' order by insight""",
    ),
    Line(
        "Inzicht '{title}' klopt niet meer: {value} (tussen {low} en {high}), geteld op {told_on}.",
        "Insight '{title}' no longer holds: {value} (between {low} and {high}), counted on {told_on}.",
        ("journeys.map_insights",),
        """
        select title, value, low, high, told_on from journeys.map_insights where state = 'does not hold'
        order by insight""",
    ),
    Line(
        "De grootste kans is '{title}': {lost} van {reach} gaan daar verloren; dat zijn er {score} per week werk.",
        "The greatest opportunity is '{title}': {lost} of {reach} are lost there, {score} for each week of work.",
        ("journeys.map_opportunities",),
        """
        select title, lost, reach, score from journeys.map_opportunities where place = 1""",
    ),
    Line(
        "Oplossing '{title}' sinds {live_from}: {kpi} ging van {before} naar {after}; oordeel: {verdict}.",
        "Solution '{title}' since {live_from}: {kpi} went from {before} to {after}; verdict: {verdict}.",
        ("journeys.map_solutions",),
        """
        select title, live_from, kpi, before, after, verdict from journeys.map_solutions where change is not null
        order by solution""",
    ),
    Line(
        "Tegenstrijdigheden tussen cijfers, mensen, kanalen of boodschappen: {contradictions}.",
        "Contradictions between numbers, people, channels or messages: {contradictions}.",
        ("journeys.map_contradictions",),
        """
        select count(*) as contradictions from journeys.map_contradictions""",
    ),
)


@dataclass(frozen=True)
class Sentence:
    """What is told, the row its fields come from, and the query that gives that row."""

    text: str
    fields: dict[str, Any]
    query: str


def brief(database: duckdb.DuckDBPyConnection, tables: set[str], language: Language) -> Iterator[Sentence]:
    """The sentences for which there are numbers; a part of the journey without tables or rows is left out."""
    for line in LINES:
        if not tables.issuperset(line.needs):
            continue
        found = database.sql(line.sql)
        for row in found.fetchall():
            fields = dict(zip(found.columns, row, strict=True))
            told = {name: written(name, value, language) for name, value in fields.items()}
            yield Sentence(getattr(line, language).format(**told), fields, line.sql)


def written(name: str, value: Any, language: Language) -> str:
    """A field as people of that language write it."""
    if value is None:
        return {"nl": "onbekend", "en": "unknown"}[language]
    if isinstance(value, datetime | date):
        return f"{value.day} {MONTHS[language][value.month - 1]} {value.year}"
    if name in ("share", "loss"):
        return f"{_number(100 * value, 1, language)} %" if language == "nl" else f"{_number(100 * value, 1, language)}%"
    if isinstance(value, bool | str):
        dutch = {"stage": STAGES, "verdict": VERDICTS}.get(name, {})
        return dutch.get(str(value), str(value)) if language == "nl" else str(value)
    digits = 0 if isinstance(value, int) else 3 if abs(value) < 10 else 1
    return _number(value, digits, language)


def _number(value: float | Decimal, digits: int, language: Language) -> str:
    text = f"{value:,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if digits else text
    return text.translate(str.maketrans(",.", ".,")) if language == "nl" else text
