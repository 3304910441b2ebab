"""The KPI of what customers are expected to be worth: known a day later, lived as rebuilt. Costs 16 seconds."""

import datetime as dt

import pyarrow as pa
import pytest
import yaml

from jobs.journeys import journeys
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from tests.journey_rows import RULES
from tests.lived_company import Company

DAYS = [dt.date(2017, 3, day) for day in (11, 12, 13)]
CLV = "customer_lifetime_value"


@pytest.fixture
def company(settings, tmp_path, monkeypatch):
    """`company(name)`: settings with the KPI alone, and a lake with all that ever arrived."""
    monkeypatch.setattr("jobs.identity.fresh.FEW", 0)
    shipped = yaml.safe_load(RULES["journey.yaml"])["kpis"]
    journey = {"stages": [{"stage": "awareness", "name": "seen", "when": "true"}], "kpis": {CLV: shipped[CLV]}}

    def build(name):
        general = {"company": "Test", "timezone": "Europe/Amsterdam", "landing": "in", "lake": str(tmp_path / name)}
        loaded = settings({"settings.yaml": general, "journey.yaml": journey})
        lake, lived = Lake.of(loaded), Company(4)
        lived.runs = [0] * len(lived.runs)
        lived.deliver(lake, range(len(lived.runs)))
        lived.name_customers(lake, 0, loaded)
        return loaded, lake

    return build


def value(lake, day, *amounts, step="score"):
    rows = [{"day": day, "model": "value", "customer_id": f"c{n}", "value_365d": one} for n, one in enumerate(amounts)]
    schema = catalogue.get("models/value").arrow_schema()
    whole = [{field.name: row.get(field.name) for field in schema} for row in rows]
    lake.replace("models/value", pa.Table.from_pylist(whole, schema), lake.transaction(step, day), day=day)


def told(lake):
    """Value and reason of the days, and of the week they end."""
    rows = [row for row in lake.arrow("journeys/kpis").to_pylist() if row["dimension"] == "all"]
    return {
        (row["period"], row["day"].day): row["value"] if row["reason"] is None else row["reason"]
        for row in rows
        if (row["period"], row["day"]) in {*(("day", day) for day in DAYS), ("week", dt.date(2017, 3, 6))}
    }


def test_a_day_has_its_number_in_the_run_of_the_next_one_whether_made_anew_or_gone_on(company, monkeypatch):
    settings, lake = company("lived")
    value(lake, DAYS[0] - dt.timedelta(days=1), 80)
    journeys.run(DAYS[0], settings)
    assert told(lake) == {("day", 11): "no_rows", ("week", 6): 80.0}, "made from nothing it knows the days before"
    value(lake, DAYS[0], 100, 300)
    version = lake.version("journeys/kpis")
    journeys.run(DAYS[0], settings)
    assert lake.version("journeys/kpis") == version, "its own values come after it"
    monkeypatch.setattr(journeys, "_rebuild", None)
    journeys.run(DAYS[1], settings)
    assert told(lake) == {("day", 11): 200.0, ("day", 12): "no_rows", ("week", 6): 160.0}
    value(lake, DAYS[0], 500, 700, step="score again")
    value(lake, DAYS[1], 40, 50, 60)
    journeys.run(DAYS[2], settings)
    assert told(lake) == {("day", 11): 600.0, ("day", 12): 50.0, ("day", 13): "no_rows", ("week", 6): 238.333333}
