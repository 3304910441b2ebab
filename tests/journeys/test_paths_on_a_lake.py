"""The step `paths` on a lake: a rerun writes nothing, day by day is one run for the last day, both engines agree."""

import datetime as dt
import random
import shutil
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pytest
import yaml

from jobs.config.yaml_files import ConfigError
from jobs.identity.identifiers import identifier_hash
from jobs.journeys.paths import step as behaviour
from jobs.journeys.paths.attribution import MODELS
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.report.proofs import problems
from tests.engines import running_on

STAGES = [{"stage": "awareness", "name": "seen", "when": "true"}]
SHOP = {
    "title": "Visit to order", "within_days": 7,
    "steps": [{"name": "visit", "when": "type = 'visit'"}, {"name": "order", "when": "type = 'order'"}],
}  # fmt: skip
WEB = {
    "title": "Page to purchase", "over": "events", "days": 30,
    "steps": [{"name": "page", "when": "type = 'page_view'"}, {"name": "purchase", "when": "type = 'purchase'"}],
}  # fmt: skip
SEEN = {"signals": {"seen": {"when": "true"}}, "expires_after_minutes": 60, "served_when": "true"}
JOURNEY = {
    "stages": STAGES,
    "funnels": {"shop": SHOP, "web": WEB},
    "paths": {"days": 30, "lookback_days": 10},
    "moments": {"know": SEEN, "buy": SEEN},
    "moment_effects": {"days": 20, "within_days": 5, "lookback_days": 10, "match_on": {"stage": "stage"}},
}  # fmt: skip
DAYS = [dt.date(2017, 3, day) for day in (28, 29, 30)]


def write(lake, name, rows, day):
    schema = catalogue.get(name).arrow_schema()
    table = pa.Table.from_pylist([{f.name: row.get(f.name) for f in schema} for row in rows], schema)
    lake.append(name, table, lake.transaction("deliver", day, config=name))


def fill(company):
    """What journeys, identity and the sources write, for contacts of thirty days before and after the days run."""
    lake, chance = Lake.of(company), random.Random(3)
    contacts, events = [], []
    for number in range(400):
        at = dt.datetime(2017, 2, 20, tzinfo=dt.UTC) + dt.timedelta(minutes=chance.randint(0, 38 * 1440))
        type_ = chance.choices(["visit", "click", "order"], [5, 3, 1])[0]
        contacts.append(
            {
                "touchpoint_id": f"t{number}", "reference": f"t{number}",
                "customer_id": f"c{chance.randint(1, 20)}", "occurred_at": at,
                "day": at.date(), "type": type_, "channel": "web" if type_ == "visit" else "email",
                "subject": chance.choice(["ads", "direct"]), "nth": 1, "amount": 10 if type_ == "order" else None,
            }
        )  # fmt: skip
        events.append(
            {
                "source": "web", "event_id": f"e{number}", "occurred_at": at,
                "type": chance.choice(["page_view", "purchase"]), "cookie_id": f"k{chance.randint(1, 9)}",
                "arrived": at.date(), "file_id": "f", "line": number,
            }
        )  # fmt: skip
    visits = [row for row in contacts if row["type"] == "visit"]
    sessions = [
        {"session_id": row["touchpoint_id"], "day": row["day"], "device": chance.choice(["mobile", "desktop"])}
        for row in visits
    ]
    moments = [
        {
            "moment_id": f"{row['touchpoint_id']}:{type_}", "session_id": row["touchpoint_id"], "day": row["day"],
            "type": type_, "confidence": 0.5, "served": chance.random() < 0.5, "seconds": 9,
        }
        for row in visits
        for type_ in chance.choice([["know"], ["buy"], ["know", "buy"], []])
    ]  # fmt: skip
    stays = [{"customer_id": f"c{n}", "stage": "awareness", "valid_from": dt.date(2017, 2, 1)} for n in range(1, 16)]
    for name, rows in (("sessions", sessions), ("moments", moments), ("stages", stays)):
        write(lake, f"journeys/{name}", rows, DAYS[0])
    known = [
        {"identifier": identifier_hash("cookie", f"k{number}", company), "customer_id": f"c{number}"}
        for number in range(1, 8)
    ]
    write(lake, "identity/map", known, DAYS[0])
    write(lake, "journeys/touchpoints", contacts, DAYS[0])
    write(lake, "valid/events", events, DAYS[0])


def hashes(lake):
    return {name: lake.content_hash(name) for name in behaviour.WRITES}


def versions(lake):
    return {name: lake.version(name) for name in behaviour.WRITES}


@pytest.fixture(scope="module")
def lakes(tmp_path_factory):
    return tmp_path_factory.mktemp("lakes")


@pytest.fixture
def copied(settings, lakes, tmp_path):
    """`copied("ran")`: a company and its own copy of a lake, `filled` or in which the step `ran` for the last day.

    The first test that asks for one makes it.
    """
    found = settings({"journey.yaml": JOURNEY})

    def build(name):
        if not (lakes / name).exists():
            made = beside(found, str(lakes / name))
            if name == "ran":
                build("filled")
                shutil.copytree(lakes / "filled", lakes / name)
                behaviour.run(DAYS[-1], made)
            else:
                fill(made)
        shutil.copytree(lakes / name, tmp_path / name, dirs_exist_ok=True)
        copy = beside(found, str(tmp_path / name))
        return copy, Lake.of(copy)

    return build


@pytest.fixture
def company(copied):
    return copied("filled")


def test_a_rerun_writes_nothing_and_day_by_day_gives_what_one_run_gives(company, copied):
    found, lake = company
    for day in DAYS:
        counts = behaviour.run(day, found)
    by_day, written = hashes(lake), versions(lake)
    assert counts == {name.split("/")[1]: lake.rows(name) for name in behaviour.WRITES}
    told = {row["funnel"]: row["customers"] for row in lake.arrow("journeys/funnels").to_pylist() if row["step"] == 1}
    assert told["shop"] > 0 < told["web"]
    assert all(counts.values())
    last = {(row["type"], row["comparison"]): row for row in lake.arrow("journeys/moment_effects").to_pylist()}
    assert (last["know", "had"]["first_day"], last["know", "had"]["last_day"]) == (
        dt.date(2017, 3, 6),
        dt.date(2017, 3, 25),
    )
    assert all(row["low"] <= row["effect"] <= row["high"] for row in last.values())
    days = lake.arrow("journeys/touchpoints", columns=["day"])["day"].to_pylist()
    contrast = lake.arrow("journeys/moment_contrast").to_pylist()
    assert {row["kind"] for row in contrast} == {"know", "buy", "visit", "click", "order"}
    in_window = sum(dt.date(2017, 3, 6) <= day <= dt.date(2017, 3, 25) for day in days)
    assert sum(row["contacts"] for row in contrast) == in_window
    assert problems(found) == [], "what the report promises holds"
    behaviour.run(DAYS[-1], found)
    assert versions(lake) == written
    assert hashes(copied("ran")[1]) == by_day


def beside(found, root):
    """The same company with another lake."""
    return replace(found, general=found.general.model_copy(update={"lake": root}))


def test_a_killed_run_goes_on_to_what_it_would_have_written(company, copied, monkeypatch):
    other, lake = company
    monkeypatch.setattr(behaviour, "frequent_paths", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        behaviour.run(DAYS[-1], other)
    monkeypatch.undo()
    behaviour.run(DAYS[-1], other)
    assert hashes(lake) == hashes(copied("ran")[1])


def test_a_company_that_declares_no_paths_does_nothing_and_one_that_stops_has_none_left(copied, settings):
    found, lake = copied("ran")
    none = beside(settings({"journey.yaml": {"stages": STAGES}}), found.lake)
    assert behaviour.run(DAYS[-1], none) == dict.fromkeys([name.split("/")[1] for name in behaviour.WRITES], 0)
    nobody = beside(none, f"{lake.root}-new")
    assert behaviour.run(DAYS[-1], nobody) == {}
    assert not Lake.of(nobody).exists("journeys/paths")


def test_wrong_sql_stops_the_step_with_its_place(settings):
    wrong = {**JOURNEY, "paths": {"conversion": "typ = 'order'"}}
    found = settings({"journey.yaml": wrong})
    line = yaml.safe_dump(wrong, sort_keys=False).splitlines().index("  conversion: typ = 'order'") + 1
    fill(found)
    with pytest.raises(ConfigError, match=rf"journey.yaml:{line}: paths.conversion: .*'typ'.*type"):
        behaviour.run(DAYS[-1], found)


def test_both_engines_write_the_same_tables(company, copied, apache_spark):
    other, lake = company
    with running_on(apache_spark):
        behaviour.run(DAYS[-1], other)
    assert hashes(lake) == hashes(copied("ran")[1])


def test_a_path_that_is_lost_from_the_table_is_found_by_the_report(copied):
    found, lake = copied("ran")
    row = lake.arrow("journeys/paths").slice(0, 1)
    lake.delete("journeys/paths", row.select(["path", "outcome"]), lake.transaction("loss", DAYS[-1]))
    assert any(problem.startswith("paths do not add up") for problem in problems(found))


def test_a_cost_that_is_told_again_counts_as_told_last_in_the_currency_of_the_company(company):
    found, lake = company
    told = [
        ("ads", 28, 1, "10.00", "EUR"),
        ("ads", 28, 2, "12.00", "EUR"),
        ("ads", 29, 1, "3.00", "EUR"),
        ("radio", 29, 1, "5.00", "USD"),
    ]
    stats = [
        {
            "source": "ads", "campaign_id": "x", "channel": channel, "day": dt.date(2017, 3, day),
                "cost": Decimal(cost),
            "updated_at": dt.datetime(2017, 3, 29, hour, tzinfo=dt.UTC), "currency": currency,
            "arrived": DAYS[1], "file_id": "f", "line": line,
        }
        for line, (channel, day, hour, cost, currency) in enumerate(told)
    ]  # fmt: skip
    write(lake, "valid/campaign_stats", stats, DAYS[1])
    dollars = replace(found, general=found.general.model_copy(update={"rates": {"USD": 0.5}}))
    behaviour.run(DAYS[0], dollars)
    assert costs(lake) == {}, "they arrived the day after"
    behaviour.run(DAYS[1], dollars)
    assert costs(lake) == {"ads": Decimal("15.00"), "radio": Decimal("2.50")}
    rows = lake.arrow("journeys/attribution").to_pylist()
    of_ads = [row for row in rows if (row["dimension"], row["credited"]) == ("channel", "ads")]
    assert len(of_ads) == len(MODELS)
    assert all(row["cost_per_order"] == pytest.approx(15 / row["orders"]) for row in of_ads)


def stats_of(*told):
    """Rows of campaign_stats, of (channel, day of March, cost, currency)."""
    return [
        {
            "source": "ads", "campaign_id": f"{line}", "channel": channel, "day": dt.date(2017, 3, day),
            "cost": cost and Decimal(cost), "updated_at": dt.datetime(2017, 3, 29, tzinfo=dt.UTC), "currency": currency,
            "arrived": DAYS[0], "file_id": "f", "line": line,
        }
        for line, (channel, day, cost, currency) in enumerate(told)
    ]  # fmt: skip


def test_a_channel_with_a_cost_without_rate_has_no_cost_and_that_is_told_once(company, caplog):
    found, lake = company
    told = [("ads", 27, "1.00", "EUR"), ("ads", 28, "2.00", "USD"), ("radio", 28, "4.00", "EUR")]
    told += [("radio", 27, None, "USD"), ("tv", 28, "9.00", "JPY")]
    write(lake, "valid/campaign_stats", stats_of(*told), DAYS[0])
    behaviour.run(DAYS[0], found)
    assert costs(lake) == {"radio": Decimal("4.00")}
    (said,) = [record.message for record in caplog.records if "have no rate" in record.message]
    assert "2 costs of campaign_stats" in said


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "Europe/Amsterdam", "Pacific/Honolulu"])
def test_a_cost_has_the_rate_of_its_own_day_in_every_time_zone(company, zone):
    found, lake = company
    rates = [
        {"source": "bank", "currency": "USD", "day": dt.date(2017, 3, day), "rate": rate, "arrived": DAYS[0]}
        | {"file_id": "f", "line": day}
        for day, rate in ((26, 0.25), (27, 0.5), (28, 2.0))
    ]
    write(lake, "valid/rates", rates, DAYS[0])
    write(lake, "valid/campaign_stats", stats_of(("ads", 27, "4.00", "USD")), DAYS[0])
    behaviour.run(DAYS[0], replace(found, general=found.general.model_copy(update={"timezone": zone})))
    assert costs(lake) == {"ads": Decimal("2.00")}


def costs(lake):
    """What each channel cost, the same in the rows of every model."""
    rows = [row for row in lake.arrow("journeys/attribution").to_pylist() if row["dimension"] == "channel"]
    found = {row["credited"]: row["cost"] for row in rows if row["cost"] is not None}
    assert all(row["cost"] == found.get(row["credited"]) for row in rows)
    return found
