"""A first version of config/journey_map.yaml from the tables: where customers are lost, and which contacts go badly.

Each suggestion is an insight with its query and an opportunity on it; words, people and solutions are yours to add.
"""

from __future__ import annotations

import re
from typing import Any

import duckdb
import yaml

from jobs.config.journey.journey import Journey
from jobs.journeys.journey_map.numbers import share
from jobs.journeys.journey_map.tables import MapQueries, Row, touchpoint_rows

MOST = 5
"""Suggestions of each kind; those that concern most customers."""
EFFORT = 4.0
"""Weeks of work that a suggestion is said to take, until someone knows better."""
HEAD = """# The journey map: what is known about touchpoints, what could be better, and what is done about it.
# Suggested by `klantreis map suggest` from the tables of {as_of}; titles, effort_weeks, people, solutions are yours.
"""


def suggested(asked: MapQueries, journey: Journey) -> str:
    """The YAML, for a company with a catalogue of touchpoints; one that gives nothing to suggest gets an empty map."""
    found: dict[str, Any] = {"days": (asked.days[1] - asked.days[0]).days + 1, "insights": {}, "opportunities": {}}
    for name, insight, opportunity in (
        *_of_funnels(asked, journey),
        *_of_contacts(asked, journey),
        *_of_complaints(asked, journey),
    ):
        found["insights"][name] = insight
        found["opportunities"][f"{name}_less"] = opportunity | {"insights": [name], "effort_weeks": EFFORT}
    text = yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=118)
    return HEAD.format(as_of=asked.days[1]) + text


Suggestion = tuple[str, dict[str, Any], dict[str, Any]]


def _of_funnels(asked: MapQueries, journey: Journey) -> list[Suggestion]:
    """Steps of funnels after which most customers drop out, at the touchpoint that most are at when they do."""
    steps = asked.rows(
        """select funnel, step, name, customers, dropped,
                  lead(name) over (partition by funnel order by step) as following
           from journeys.funnels where period = 'window' qualify dropped > 0 order by dropped desc, funnel, step""",
        "journeys.funnels",
    )
    known = [row for row in steps if row["funnel"] in journey.funnels][:MOST]
    found = []
    for row in known:
        title = f"Customers stop after '{row['name']}', before '{row['following']}'"
        funnel, step = _text(row["funnel"]), _text(row["name"])
        query = (
            f"select dropped as part, customers as whole from journeys.funnels "
            f"where period = 'window' and funnel = {funnel} and name = {step}"
        )
        insight = _insight(
            title, _touchpoint_of(asked, journey, row["funnel"], row["step"]), query, row["dropped"], row["customers"]
        )
        opportunity = {"title": f"Fewer stop after '{row['name']}'", "touchpoint": insight["touchpoint"]}
        name = f"{row['funnel']}_step_{row['step']}_lost"
        found.append((name, insight, opportunity | {"funnel": row["funnel"], "step": row["name"]}))
    return found


def _touchpoint_of(asked: MapQueries, journey: Journey, funnel: str, step: int) -> str:
    """The touchpoint that most contacts of a step are; of one over web events, that most visits are."""
    when = (
        "type = 'visit'" if journey.funnels[funnel].over == "events" else journey.funnels[funnel].steps[step - 1].when
    )
    for condition in (when, "true"):
        try:
            counted = asked.rows(
                f"""select touchpoint, count(*) as times from journeys.touchpoints
                    where day between ? and ? and touchpoint is not null and ({condition})
                    group by touchpoint order by times desc, touchpoint limit 1""",
                "journeys.touchpoints",
                list(asked.days),
            )
        except duckdb.Error:  # a condition that only the engine understands
            continue
        if counted and counted[0]["touchpoint"] in journey.touchpoints:
            return str(counted[0]["touchpoint"])
    return next(iter(journey.touchpoints))


def _of_contacts(asked: MapQueries, journey: Journey) -> list[Suggestion]:
    """Touchpoints with most contacts that went badly, and those at which most paths end without a conversion."""
    from jobs.config.journey.journey_map import JourneyMap

    rows = touchpoint_rows(asked, journey, JourneyMap())
    badly = "select count(*) filter (valence = 'negative') as part, count(*) as whole from journeys.touchpoints"
    ends = "select sum(transitions) filter (to_step = '(drop-off)') as part, sum(transitions) as whole"
    found = []
    for row in _worst(rows, "negative"):
        name = _text(row["touchpoint"])
        query = f"{badly} where touchpoint = {name} and day between {{first_day}} and {{as_of}}"
        title = f"Contacts go badly: {row['title']}"
        insight = _insight(title, row["touchpoint"], query, row["negative"], row["contacts"])
        opportunity = {"title": f"Better: {row['title']}", "touchpoint": row["touchpoint"], "loss": "negative"}
        found.append((f"{row['touchpoint']}_goes_badly", insight, opportunity))
    for row in _worst(rows, "dropped"):
        query = f"{ends} from journeys.transitions where from_step = {_text(row['touchpoint'])}"
        title = f"Paths end without an order: {row['title']}"
        insight = _insight(title, row["touchpoint"], query, row["dropped"], row["passed"])
        opportunity = {
            "title": f"A next step after: {row['title']}",
            "touchpoint": row["touchpoint"],
            "loss": "drop_off",
        }
        found.append((f"{row['touchpoint']}_is_the_end", insight, opportunity))
    return found


def _of_complaints(asked: MapQueries, journey: Journey) -> list[Suggestion]:
    """Themes of texts in a negative tone, at the touchpoints where most of them are (models of texts find themes)."""
    rows = asked.rows(
        """select touchpoint, theme, count(*) filter (tone = 'negative') as complaints,
                  cast(sum(count(*)) over (partition by touchpoint) as bigint) as texts
           from journeys.touchpoints where day between ? and ? and tone is not null
           group by touchpoint, theme qualify theme is not null and complaints > 0
           order by complaints desc, touchpoint, theme""",
        "journeys.touchpoints",
        list(asked.days),
    )
    found = []
    for number, row in enumerate([row for row in rows if row["touchpoint"] in journey.touchpoints][:MOST], 1):
        at, theme = row["touchpoint"], row["theme"]
        query = (
            f"select count(*) filter (tone = 'negative' and theme = {_text(theme)}) as part, count(tone) as whole "
            f"from journeys.touchpoints where touchpoint = {_text(at)} and day between {{first_day}} and {{as_of}}"
        )
        title = f"Complaints at '{journey.touchpoints[at].title}': {theme}"
        insight = _insight(title, at, query, row["complaints"], row["texts"])
        opportunity = {"title": f"Less to complain about: {theme}", "touchpoint": at, "loss": "negative"}
        found.append((f"complaint_{number}", insight, opportunity))
    return found


def _worst(rows: list[Row], what: str) -> list[Row]:
    return sorted((row for row in rows if row[what]), key=lambda row: (-row[what], row["touchpoint"]))[:MOST]


def _insight(title: str, touchpoint: str, query: str, part: int, whole: int) -> dict[str, Any]:
    """The claim is that it stays as bad as it surely is now."""
    estimate = share(part, whole)
    bound = round(estimate.low * 0.9, 4) if estimate else 0.0
    return {"title": title, "touchpoint": touchpoint, "says": "negative", "data": {"query": query, "above": bound}}


def _text(value: str) -> str:
    """A text in SQL, in which nothing is taken for the days of the window."""
    quoted = value.replace("'", "''")
    return "'" + re.sub(r"\{(?=(first_day|as_of)\})", "{' || '", quoted) + "'"
