"""The journey map: touchpoints with numbers, insights, opportunities by score, what solutions changed.

Everything is asked of the tables of the lake by the SQL of `klantreis query`, so each number can be asked again.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from jobs.config.journey.journey import Journey
from jobs.config.journey.journey_map import Insight, JourneyMap, Opportunity, Solution
from jobs.journeys.journey_map.numbers import FEWEST_DAYS, Change, Estimate, change, mean, share

Row = dict[str, Any]
FORMS = ({"part", "whole"}, {"value", "deviation", "number"})
"""Columns that queries of insights give: of a share, or of a mean."""


class MapQueries:
    """The tables of the lake, on one day. `days` is the first and the last day of the window."""

    def __init__(self, database: duckdb.DuckDBPyConnection, tables: set[str], days: tuple[date, date]) -> None:
        self.database, self.tables, self.days = database, tables, days

    def rows(self, sql: str, needs: str, values: list[Any] | None = None) -> list[Row]:
        """What a query gives; nothing if the table it needs is not there."""
        if needs not in self.tables:
            return []
        found = self.database.execute(sql, values or [])
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def written(self, query: str) -> str:
        """A query of the configuration, with the days of the window in it."""
        first, last = (f"date '{day}'" for day in self.days)
        return query.replace("{first_day}", first).replace("{as_of}", last)


def touchpoint_rows(asked: MapQueries, journey: Journey, found: JourneyMap) -> list[Row]:
    """journeys/map_touchpoints."""
    counted = {
        row["touchpoint"]: row
        for row in asked.rows(
            """select touchpoint, count(*) as contacts, count(distinct customer_id) as customers,
                      count(*) filter (valence = 'positive') as positive,
                      count(*) filter (valence = 'negative') as negative
               from journeys.touchpoints where day between ? and ? and touchpoint is not null group by touchpoint""",
            "journeys.touchpoints",
            list(asked.days),
        )
    }
    ways = {
        row["step"]: row
        for row in asked.rows(
            """select from_step as step, sum(transitions)::bigint as passed,
                      coalesce(sum(transitions) filter (to_step = '(drop-off)'), 0)::bigint as dropped
               from journeys.transitions group by from_step""",
            "journeys.transitions",
        )
    }
    about = [(insight.touchpoint, "data" if insight.data else "people") for insight in found.insights.values()]
    nothing = dict.fromkeys(("contacts", "customers", "positive", "negative"), 0)
    return [
        {
            "touchpoint": name,
            "place": place,
            "title": entry.title,
            "stage": entry.stage,
            "owner": entry.owner,
            "expected": entry.valence,
            **{key: counted.get(name, nothing)[key] for key in nothing},
            **{key: ways.get(name, {}).get(key, 0) for key in ("passed", "dropped")},
            "experience": experience(counted.get(name, nothing)["positive"], counted.get(name, nothing)["negative"]),
            **{f"insights_of_{kind}": about.count((name, kind)) for kind in ("data", "people")},
            **_window(asked),
        }
        for place, (name, entry) in enumerate(journey.touchpoints.items(), 1)
    ]


def experience(positive: int, negative: int) -> str:
    """Whether most contacts that were good or bad surely were the one or the other."""
    bad = share(negative, positive + negative)
    if bad is None or bad.low <= 0.5 <= bad.high:
        return "neutral"
    return "negative" if bad.low > 0.5 else "positive"


def insight_rows(asked: MapQueries, found: JourneyMap, touchpoints: list[Row]) -> list[Row]:
    """journeys/map_insights."""
    contacts = {row["touchpoint"]: row["contacts"] for row in touchpoints}
    rows = []
    for name, insight in found.insights.items():
        row: Row = {
            "insight": name,
            "title": insight.title,
            "touchpoint": insight.touchpoint,
            "says": insight.says,
            "contacts": contacts[insight.touchpoint],
            "as_of": asked.days[1],
        }
        rows.append(row | (_number(asked, insight) if insight.data else _people(insight, row["contacts"])))
    return rows


def _people(insight: Insight, contacts: int) -> Row:
    assert insight.people is not None
    told = insight.people
    reason = None if contacts else "no contacts in the window: no number stands beside what people say"
    return {
        "kind": "people",
        "state": "told",
        "source": told.source,
        "who": told.who,
        "said": told.said,
        "told_on": told.heard,
        "reason": reason,
    }


def _number(asked: MapQueries, insight: Insight) -> Row:
    assert insight.data is not None
    estimate, reason = estimated(asked, insight.data.query)
    row: Row = {"kind": "data", "query": asked.written(insight.data.query), "told_on": asked.days[1], "reason": reason}
    if estimate is None:
        return row | {"state": "no data"}
    return row | {
        "state": _state(insight, estimate),
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "observations": estimate.observations,
    }


def estimated(asked: MapQueries, query: str) -> tuple[Estimate | None, str | None]:
    """The number of a query with its interval, or why there is none."""
    try:
        result = asked.database.execute(asked.written(query))
        names, rows = [column[0].lower() for column in result.description], result.fetchmany(2)
    except duckdb.Error as error:
        return None, f"the query does not run: {str(error).splitlines()[0]}"
    if len(rows) != 1:
        return None, f"the query gives {'no row' if not rows else 'several rows'} where one is needed"
    row = dict(zip(names, rows[0], strict=True))
    given = next(([row[name] for name in form] for form in FORMS if form <= row.keys()), None)
    if given is None:
        told = ", ".join(names)
        return None, f"the query gives {told}; it has to give part and whole, or value, deviation and number"
    if any(value is None for value in given):
        return None, "the query finds nothing to count"
    if wrong := [name for form in FORMS if form <= row.keys() for name in sorted(form) if not _is_number(row[name])]:
        return None, f"{wrong[0]} is not a number: {row[wrong[0]]!r}"
    if "part" in row:
        if row["whole"] > 0 and not 0 <= row["part"] <= row["whole"]:
            return None, f"part is not between 0 and whole: {row['part']} of {row['whole']}"
        estimate = share(int(row["part"]), int(row["whole"]))
    elif row["deviation"] < 0:
        return None, f"deviation is below 0: {row['deviation']}"
    else:
        estimate = mean(float(row["value"]), float(row["deviation"]), int(row["number"]))
    return estimate, None if estimate else "the query counts too few to tell"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool) and math.isfinite(value)


def _state(insight: Insight, estimate: Estimate) -> str:
    """Whether the interval is on the side of the bound that the insight says."""
    assert insight.data is not None
    above, below = insight.data.above, insight.data.below
    if above is None and below is None:
        return "measured"
    if (above is None or estimate.low > above) and (below is None or estimate.high < below):
        return "holds"
    wrong = (above is not None and estimate.high < above) or (below is not None and estimate.low > below)
    return "does not hold" if wrong else "unclear"


def opportunity_rows(asked: MapQueries, found: JourneyMap, touchpoints: list[Row]) -> list[Row]:
    """journeys/map_opportunities, the highest score first."""
    at = {row["touchpoint"]: row for row in touchpoints}
    rows = []
    for name, one in found.opportunities.items():
        measured_at, reach, lost = _reach(asked, one, at[one.touchpoint])
        row: Row = {
            "opportunity": name,
            "title": one.title,
            "touchpoint": one.touchpoint,
            "measured_at": measured_at,
            "reach": reach or None,  # nobody came there, so nothing is known of who is lost
            "lost": lost if reach else None,
            "effort_weeks": one.effort_weeks,
            "insights": len(one.insights),
            "solutions": sum(solution.opportunity == name for solution in found.solutions.values()),
            "as_of": asked.days[1],
        }
        if loss := share(lost, reach):
            row |= {"loss": loss.value, "loss_low": loss.low, "loss_high": loss.high}
            scores = (("score", lost / reach), ("score_low", loss.low), ("score_high", loss.high))
            row |= {key: round(reach * part / one.effort_weeks, 6) for key, part in scores}
        rows.append(row)
    rows.sort(key=lambda row: (-row.get("score", -1), row["opportunity"]))
    for place, row in enumerate([row for row in rows if "score" in row], 1):
        row["place"] = place
    return rows


def _reach(asked: MapQueries, one: Opportunity, touchpoint: Row) -> tuple[str, int, int]:
    """What reach and loss are counted over, and both."""
    if one.funnel:
        sql = "select customers, dropped from journeys.funnels where period = 'window' and funnel = ? and name = ?"
        steps = asked.rows(sql, "journeys.funnels", [one.funnel, one.step])
        step = steps[0] if steps else {"customers": 0, "dropped": 0}
        return f"funnel {one.funnel}", step["customers"], step["dropped"]
    if one.loss == "negative":
        return "contacts", touchpoint["contacts"], touchpoint["negative"]
    return "transitions", touchpoint["passed"], touchpoint["dropped"]


def solution_rows(asked: MapQueries, found: JourneyMap, journey: Journey) -> list[Row]:
    """journeys/map_solutions."""
    rows = []
    for name, one in found.solutions.items():
        kind = next(kind for kind in ("experiment", "content", "process") if getattr(one, kind))
        row: Row = {
            "solution": name,
            "title": one.title,
            "opportunity": one.opportunity,
            "kind": kind,
            "reference": getattr(one, kind),
            "status": one.status,
            "kpi": one.kpi,
            "live_from": one.live_from,
            "days": one.days,
            "as_of": asked.days[1],
        }
        rows.append(row | (_change(asked, one, journey) if one.kpi and one.live_from else {}))
    return rows


def _change(asked: MapQueries, one: Solution, journey: Journey) -> Row:
    assert one.kpi is not None
    assert one.live_from is not None
    span = timedelta(days=one.days)
    sides = []
    for first in (one.live_from - span, one.live_from):
        sql = """select numerator, denominator from journeys.kpis where period = 'day' and dimension = 'all' and kpi = ?
                 and reason is distinct from 'no_source' and day >= ? and day < ? and day <= ? order by day"""
        values = [one.kpi, first, first + span, asked.days[1]]
        rows = asked.rows(sql, "journeys.kpis", values)
        sides.append([(row["numerator"] or 0.0, row["denominator"]) for row in rows])
    row: Row = {"days_after": len(sides[1])}
    moved = change(*sides)
    if moved is None:
        return row | {"verdict": "too early" if len(sides[0]) >= FEWEST_DAYS > len(sides[1]) else "no data"}
    direction = journey.kpis[one.kpi].direction
    return row | vars(moved) | {"verdict": _verdict(moved, direction)}


def _verdict(moved: Change, direction: str | None) -> str:
    if moved.low <= 0 <= moved.high or direction is None:
        return "no change shown"
    return "better" if (moved.low > 0) == (direction == "up") else "worse"


def _window(asked: MapQueries) -> Row:
    return {"first_day": asked.days[0], "as_of": asked.days[1]}
