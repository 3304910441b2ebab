"""The journeys step on a lake: late rows, repeated runs, rows of nobody, the truth of the demo company."""

import csv
import datetime as dt
import hashlib
import random
from dataclasses import replace

import pyarrow as pa
import pytest
import yaml

from jobs.config.settings import load_settings
from jobs.config.yaml_files import ConfigError
from jobs.identity import identity
from jobs.ingest import load
from jobs.journeys import journeys
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.validate import step as validate
from tests.demo_company import ROOT, generate
from tests.journey_rows import RULES, of_each_kind

DAYS = [dt.date(2017, 3, day) for day in (1, 2, 3)]
JOURNEY = yaml.safe_load(RULES["journey.yaml"])
FEWER = {**RULES, "journey.yaml": {**JOURNEY, "kpis": of_each_kind(JOURNEY["kpis"])}}
"""The shipped rules, of the KPIs one of each kind."""
TYPES = ("page_view", "search", "product_view", "add_to_cart", "purchase")


@pytest.fixture
def company(settings):
    """A company with the shipped journey rules and an empty lake."""
    found = settings(FEWER)
    return found, Lake.of(found)


def moment(day, hour, minute=0):
    return dt.datetime(2017, 3, day, hour, minute, tzinfo=dt.UTC)


def records():
    """Rows of a few people, most of which arrive on the day, some days later."""
    chance = random.Random(7)
    events = [
        {
            "source": "web", "event_id": f"e{number}", "type": chance.choice(TYPES), "order_id": f"o{number}",
            "occurred_at": moment(chance.randint(1, 3), chance.randint(8, 11), chance.randint(0, 59)),
            "cookie_id": f"k{number % 5}", "login_id": chance.choice([None, f"person{number % 5}"]), "value": 5,
        }
        for number in range(120)
    ]  # fmt: skip
    orders = [
        {
            "source": "pos", "order_id": f"o{number}", "ordered_at": moment(1 + number % 3, 12), "status": "completed",
            "updated_at": moment(1 + number % 3, 12), "login_id": f"person{number % 5}", "total": 10,
        }
        for number in range(9)
    ]  # fmt: skip
    for row in (*events, *orders):
        happened = (row.get("occurred_at") or row["ordered_at"]).date()
        row["arrived"] = min(DAYS[-1], happened + dt.timedelta(days=chance.choice([0, 0, 0, 1, 2])))
        row |= {"file_id": "f", "line": 1}
    return {"valid/events": events, "valid/orders": orders}


def deliver(lake, tables, day, since=dt.date.min):
    """Append what arrived after `since` up to `day`."""
    for name, rows in tables.items():
        schema = catalogue.get(name).arrow_schema()
        now = [{field.name: row.get(field.name) for field in schema} for row in rows if since < row["arrived"] <= day]
        lake.append(name, pa.Table.from_pylist(now, schema), lake.transaction("deliver", day, config=name))


def step(day, settings):
    identity.run(day, settings)
    return journeys.run(day, settings)


def hashes(lake):
    return {name: lake.content_hash(name) for name in journeys.WRITES}


def test_a_trait_that_asks_the_clock_stops_the_step_with_its_place_before_anything_is_computed(settings):
    traits = yaml.safe_load(RULES["traits.yaml"])
    traits["traits"]["clicked_today"] = {
        "title": "Clicks today", "over": "touchpoints", "where": "day = current_date()", "value": "count(*)",
        "type": "bigint",
    }  # fmt: skip
    found = settings({**RULES, "traits.yaml": traits})
    with pytest.raises(ConfigError, match=r"traits\.yaml:\d+.*traits\.clicked_today\.where.*current_date"):
        step(DAYS[0], found)
    assert not Lake.of(found).exists("journeys/stages")


@pytest.fixture(scope="module")
def lakes(tmp_path_factory):
    return tmp_path_factory.mktemp("lakes")


@pytest.fixture
def at_once(settings, lakes):
    """A company at which everything arrived before one run of the last day, and what that run told.

    The first test that asks for it lives that day; in others it is done.
    """
    found = settings(FEWER | general(lakes / "at once"))
    deliver(Lake.of(found), records(), DAYS[-1])
    return found, Lake.of(found), step(DAYS[-1], found)


def general(lake):
    said = {"company": "Test", "timezone": "Europe/Amsterdam", "landing": "in", "lake": str(lake)}
    return {"settings.yaml": said}


def test_living_through_the_days_gives_the_same_tables_as_one_run_for_the_last_day(at_once, settings, tmp_path):
    before = hashes(at_once[1])
    company = settings(FEWER | general(tmp_path / "daily"))
    lake = Lake.of(company)
    for previous, day in zip([dt.date.min, *DAYS], DAYS, strict=False):
        deliver(lake, records(), day, previous)
        step(day, company)
    assert hashes(lake) == before


def test_running_a_day_again_or_an_older_day_changes_nothing(at_once):
    company, lake, counts = at_once
    before, versions = hashes(lake), [lake.version(name) for name in journeys.WRITES]
    assert step(DAYS[-1], company) == counts
    assert [lake.version(name) for name in journeys.WRITES] == versions, "the same run writes nothing"
    assert step(DAYS[0], company) == counts
    assert hashes(lake) == before
    assert counts["sessions"] == lake.rows("journeys/sessions") > 10
    assert sum(counts["customers_per_stage"].values()) == 5, "everybody has one stage now"


def test_what_carries_a_time_after_the_day_waits_until_that_day(company):
    settings, lake = company
    ahead = {
        "source": "web", "event_id": "e1", "type": "page_view", "cookie_id": "k1", "occurred_at": moment(3, 10),
        "arrived": DAYS[0],
    }  # fmt: skip
    deliver(lake, {"valid/events": [ahead]}, DAYS[0])
    assert [step(day, settings)["sessions"] for day in (DAYS[0], DAYS[2])] == [0, 1]


def test_rows_of_nobody_are_in_no_table_and_are_counted(company):
    settings, lake = company
    rows = [
        {"source": "web", "event_id": f"e{n}", "type": "page_view", "cookie_id": cookie, "occurred_at": moment(1, 10),
         "arrived": DAYS[0]} for n, cookie in enumerate(["k1", None])
    ]  # fmt: skip
    deliver(lake, {"valid/events": rows}, DAYS[0])
    counts = step(DAYS[0], settings)
    assert (counts["sessions"], counts["touchpoints"], counts["events_without_visit"]) == (1, 1, 1)


def test_a_lake_without_any_data_has_empty_journeys(company):
    settings, _ = company
    counts = step(DAYS[0], settings)
    assert (counts["sessions"], counts["touchpoints"], counts["customers_per_stage"]) == (0, 0, {})


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Truth of the demo company, and its lake after the journeys of its year."""
    folder = tmp_path_factory.mktemp("retail")
    generate(folder)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KLANTREIS_LANDING", str(folder / "landing"))
        environment.setenv("KLANTREIS_LAKE", str(folder / "lake"))
        environment.setenv("KLANTREIS_HOME", str(folder))
        shipped = load_settings(ROOT / "config")
        settings = replace(shipped, journey=shipped.journey.model_copy(update={"kpis": {}}))
        day = dt.date(2017, 12, 31)
        for source in ("web", "shop"):
            load.run(source, day, settings)
            validate.run(source, day, settings)
        step(day, settings)
        with (folder / "truth" / "sessions.csv").open() as file:
            yield list(csv.DictReader(file)), Lake.of(settings)


@pytest.mark.slow
def test_every_visit_of_the_demo_company_is_found_as_it_took_place(demo):
    truth, lake = demo
    found = {
        row["session_id"]: (row["events"], row["channel"])
        for row in lake.arrow("journeys/sessions", columns=["session_id", "events", "channel"]).to_pylist()
    }
    planted = {visit_id(row): (int(row["events"]), row["entry"]) for row in truth}
    agreed = sum(found.get(visit) == what for visit, what in planted.items())
    assert agreed / len(planted) >= 0.99
    assert len(found) / len(planted) <= 1.01


@pytest.mark.slow
def test_micro_moments_of_the_demo_company_agree_with_what_visitors_wanted(demo):
    truth, lake = demo
    rows = lake.arrow("journeys/moments", columns=["session_id", "type", "confidence"]).to_pylist()
    found = {row["session_id"]: row["type"] for row in sorted(rows, key=lambda row: row["confidence"])}
    pairs = [(row["intent"], found.get(visit_id(row))) for row in truth]
    scores = {}
    for kind in ("know", "go", "do", "buy"):
        right = pairs.count((kind, kind))
        wanted, said = (sum(pair[side] == kind for pair in pairs) for side in (0, 1))
        scores[kind] = 2 * right / (wanted + said)
    assert sum(scores.values()) / 4 >= 0.97, scores
    assert min(scores.values()) >= 0.93, scores


def visit_id(row):
    """The id a visit gets from its first event."""
    return "s" + hashlib.sha256(f"web:{row['first_event_id']}".encode()).hexdigest()[:20]


def test_contacts_that_the_catalogue_does_not_name_are_counted_and_too_many_are_told(at_once, settings, caplog):
    journey = {**JOURNEY, "kpis": {}, "touchpoints": {"visit": JOURNEY["touchpoints"]["visit"]}}
    found = settings({**RULES, "journey.yaml": journey})
    deliver(Lake.of(found), records(), DAYS[-1])
    counts = step(DAYS[-1], found)
    orders = sum(row["type"] == "order" for row in Lake.of(found).arrow("journeys/touchpoints").to_pylist())
    assert counts["touchpoints_without_name"] == orders > 0
    assert f"{orders} of {counts['touchpoints']} touchpoints have no name" in caplog.text
    assert f"type = 'order' and channel = 'store' ({orders})" in caplog.text
    caplog.clear()
    assert step(DAYS[-1], at_once[0])["touchpoints_without_name"] == 0
    assert "have no name" not in caplog.text
