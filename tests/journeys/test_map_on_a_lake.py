"""The map on a lake: its tables, and what `klantreis check`, `map suggest` and `brief` say, with file and line."""

import datetime as dt
import re

import pyarrow as pa
import pytest
import yaml
from typer.testing import CliRunner

from jobs.cli.main import app
from jobs.config.yaml_files import ConfigError
from jobs.journeys.journey_map import checks as map_checks
from jobs.journeys.journey_map import step as mapping
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

DAYS = [dt.date(2017, 3, 1) + dt.timedelta(days=n) for n in range(31)]
JOURNEY = {
    "stages": [{"stage": "awareness", "name": "seen", "when": "true"}],
    "touchpoints": {
        "chat": {"title": "Chat", "when": "channel = 'chat'", "owner": "service", "stage": "service"},
        "mail": {"title": "Mail", "when": "channel = 'email'", "owner": "marketing", "stage": "awareness"},
    },
    "kpis": {
        "csat": {
            "stage": "service", "title": "Satisfaction", "unit": "share", "table": "touchpoints", "direction": "up",
            "numerator": "count(*)", "denominator": "count(*)",
        }
    },
}  # fmt: skip
MAP = """\
days: 31
insights:
  bad:
    title: Chats go badly
    touchpoint: chat
    says: negative
    data:
      query: select count(*) filter (valence = 'negative') as part, count(*) as whole from journeys.touchpoints
opportunities:
  better:
    title: Better chats
    touchpoint: chat
    insights: [bad]
    loss: negative
    effort_weeks: 2
solutions:
  people:
    title: More people
    opportunity: better
    process: roster
    kpi: csat
    status: closed
    live_from: 2017-03-16
    days: 14
conflicts:
  both: {title: Offer and complaint, one: channel = 'email', other: channel = 'chat', within_days: 2}
"""


def company(settings, text=MAP):
    return settings({"journey.yaml": JOURNEY, "journey_map.yaml": text})


def write(lake, name, rows):
    schema = catalogue.get(name).arrow_schema()
    table = pa.Table.from_pylist([{f.name: row.get(f.name) for f in schema} for row in rows], schema)
    lake.replace(name, table, lake.transaction("filled", DAYS[-1], config=[name, len(rows)]))


def fill(found, kpi_days=DAYS):
    lake = Lake.of(found)
    contacts = [
        {
            "touchpoint_id": f"{channel}{n}", "customer_id": f"c{n % 7}", "channel": channel, "touchpoint": touchpoint,
            "day": day, "occurred_at": dt.datetime(day.year, day.month, day.day, 9, tzinfo=dt.UTC), "type": "visit",
            "valence": "negative" if channel == "chat" and n % 3 else "positive",
        }
        for n, day in enumerate(DAYS)
        for channel, touchpoint in (("chat", "chat"), ("email", "mail"))
    ]  # fmt: skip
    kpis = [
        {
            "period": "day", "day": day, "kpi": "csat", "dimension": "all", "part": "all", "stage": "service",
            "numerator": 50.0 + n % 2 + (20 if day >= dt.date(2017, 3, 16) else 0), "denominator": 100.0,
        }
        for n, day in enumerate(kpi_days)
    ]  # fmt: skip
    write(lake, "journeys/touchpoints", contacts)
    write(lake, "journeys/kpis", kpis)
    return lake


def test_a_day_writes_the_map_and_the_same_day_again_writes_nothing(settings):
    found = company(settings)
    lake = fill(found)
    counts = mapping.run(DAYS[-1], found)
    assert counts == {
        "map_touchpoints": 2,
        "map_insights": 1,
        "map_opportunities": 1,
        "map_solutions": 1,
        "map_contradictions": 1,
    }
    (insight,) = lake.arrow("journeys/map_insights").to_pylist()
    assert (insight["value"], insight["observations"], insight["told_on"]) == (0.322581, 62, DAYS[-1])
    (solution,) = lake.arrow("journeys/map_solutions").to_pylist()
    assert (solution["change"], solution["verdict"]) == (0.2, "better")
    kinds = {row["kind"]: row for row in lake.arrow("journeys/map_contradictions").to_pylist()}
    assert kinds["conflict"]["customers"] == 7
    written = {name: lake.version(name) for name in mapping.WRITES}
    mapping.run(DAYS[-1], found)
    assert {name: lake.version(name) for name in mapping.WRITES} == written
    assert map_checks.check(found) == [], "an insight with data, and a closed solution with a measured change"


def test_a_company_without_a_catalogue_of_touchpoints_has_no_map(settings):
    found = settings()
    assert mapping.run(DAYS[-1], found) == {}
    assert not Lake.of(found).exists("journeys/map_touchpoints")


def line(text, wanted):
    return next(n for n, written in enumerate(text.splitlines(), 1) if wanted in written)


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        ("touchpoint: chat", "touchpoint: chatt", "insights.bad.touchpoint: unknown touchpoint 'chatt'.*chat"),
        ("insights: [bad]", "insights: [bat]", "opportunities.better.insights.0: unknown insight 'bat'.*bad"),
        (
            "opportunity: better",
            "opportunity: beter",
            "solutions.people.opportunity: unknown opportunity 'beter'.*better",
        ),
        ("kpi: csat", "kpi: cat", "solutions.people.kpi: unknown KPI 'cat'.*csat"),
        ("    loss: negative", "    funnel: web", "opportunities.better.funnel: unknown funnel 'web'"),
        (
            "    says: negative",
            "    says: negative\n    related: [past]",
            "insights.bad.related.0: unknown insight 'past'",
        ),
    ],
)
def test_a_link_that_leads_nowhere_is_told_with_file_line_and_nearest_name(settings, written, instead, told):
    text = MAP.replace(written, instead, 1)
    place = line(text, instead.splitlines()[-1])
    with pytest.raises(ConfigError, match=rf"journey_map.yaml:{place}: {told}"):
        company(settings, text)


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        (
            "    data:\n      query: select",
            "    # data:\n    # query: select",
            "an insight rests on `data` .a query. or on `people`",
        ),
        ("    process: roster\n", "", "a solution is one of `experiment`, `content` and `process`"),
        ("    live_from: 2017-03-16\n", "", "closed says which KPI it moves since when; add 'live_from'"),
    ],
)
def test_what_says_too_little_is_refused_with_its_line(settings, written, instead, told):
    with pytest.raises(ConfigError, match=rf"journey_map.yaml:\d+: .*{told}"):
        company(settings, MAP.replace(written, instead, 1))


def test_check_fails_on_an_insight_whose_query_finds_nothing(settings):
    text = MAP.replace("from journeys.touchpoints", "from journeys.touchpoints where touchpoint = 'fax'")
    found = company(settings, text)
    fill(found)
    (problem,) = map_checks.check(found)
    assert re.search(
        rf"journey_map.yaml:{line(text, 'query:')}: insights.bad.data.query: an insight without data", problem
    )


def test_check_fails_on_a_closed_solution_without_a_measured_change(settings):
    found = company(settings)
    told = rf"journey_map.yaml:{line(MAP, 'status: closed')}: solutions.people.status: closed without a measured change"
    assert [re.search(told, problem) is not None for problem in map_checks.check(found)] == [True], "nothing ran yet"
    fill(found, kpi_days=[day for day in DAYS if day < dt.date(2017, 3, 20)])
    (problem,) = map_checks.check(found)
    assert re.search(rf"{told} \(too early\): csat needs days before and after 2017-03-16", problem)
    running = company(settings, MAP.replace("status: closed", "status: running"))
    assert map_checks.check(running) == [], "one that runs may wait for its days"


def test_check_fails_on_a_condition_of_a_conflict_that_names_no_column(settings):
    text = MAP.replace("other: channel = 'chat'", "other: chanel = 'chat'")
    found = company(settings, text.replace("status: closed", "status: running"))
    (problem,) = map_checks.check(found)
    assert re.search(rf"journey_map.yaml:{line(text, 'both:')}: conflicts.both.other: .*'chanel'.*channel", problem)
    fill(found)
    with pytest.raises(ConfigError, match=r"conflicts\.both\.other"):
        mapping.run(DAYS[-1], found)


def test_check_fails_on_content_that_is_neither_a_template_nor_delivered(settings):
    text = MAP.replace("process: roster", "content: faq_chat").replace("status: closed", "status: running")
    found = company(settings, text)
    lake = fill(found)
    (problem,) = map_checks.check(found)
    assert re.search(
        rf"journey_map.yaml:{line(text, 'content:')}: solutions.people.content: .faq_chat. is neith", problem
    )
    item = {"source": "cms", "content_id": "faq_chat", "updated_at": dt.datetime(2017, 3, 1, tzinfo=dt.UTC)}
    write(lake, "valid/content", [{**item, "arrived": DAYS[0], "file_id": "f", "line": 1}])
    assert map_checks.check(found) == []


def test_a_first_map_is_suggested_written_once_and_passes_the_check(settings):
    found = settings({"journey.yaml": JOURNEY})
    fill(found)
    folder = ["--config", str(found.folder)]
    shown = CliRunner().invoke(app, ["map", "suggest", *folder])
    assert shown.exit_code == 0
    assert set(yaml.safe_load(shown.stdout)["insights"]) == {"chat_goes_badly"}
    assert CliRunner().invoke(app, ["map", "suggest", "--write", *folder]).exit_code == 0
    again = CliRunner().invoke(app, ["map", "suggest", "--write", *folder])
    assert isinstance(again.exception, ConfigError)
    assert map_checks.check(settings({"journey.yaml": JOURNEY})) == []


def test_the_brief_tells_what_the_map_holds_in_both_languages_with_its_queries(settings, wide_screen):
    found = company(settings)
    fill(found)
    mapping.run(DAYS[-1], found)
    folder = ["--config", str(found.folder)]
    dutch = CliRunner().invoke(app, ["brief", "--language", "nl", *folder]).stdout
    assert "Van 1 maart 2017 t/m 31 maart 2017 waren er 62 contacten: 20 liepen slecht en 42 goed." in dutch
    english = CliRunner().invoke(app, ["brief", "--language", "en", "--queries", *folder]).stdout
    assert "The greatest opportunity is 'Better chats': 20 of 31 are lost there, 10 for each week of work." in english
    assert "from journeys.map_opportunities where place = 1" in english
