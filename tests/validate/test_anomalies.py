"""A day is compared with the dataset's own earlier days: what is odd is told, or stops that day."""

import dataclasses
import datetime as dt
import random
from pathlib import Path
from types import SimpleNamespace

import hypothesis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import strategies as st

from jobs.config.sources.deliveries import History
from jobs.errors import DataStopped
from jobs.ingest import load
from jobs.lake.lake import Lake, Txn
from jobs.lake.tables import catalogue
from jobs.validate import anomalies, silence, step
from jobs.validate.usual_range import median

START = dt.date(2024, 1, 1)
COLUMNS = ("order_id", "updated_at", "ordered_at", "status", "total", "currency", "email")


def metrics(numbers, metric="rows", rows=500):
    """Rows of ops/metrics: the numbers of one file a day from START on; None: nothing arrived."""
    found = []
    for place, number in enumerate(numbers):
        if number is None:
            continue
        key = {"arrived": START + dt.timedelta(place), "source": "s", "dataset": "orders", "file_id": f"f{place}"}
        count = number if metric == "rows" else rows
        found.append(key | {"metric": "rows", "column": "", "value": "", "number": count, "rows": count})
        if metric != "rows":
            value = "open" if metric == "value_share" else ""
            found.append(key | {"metric": metric, "column": "total", "value": value, "number": number, "rows": rows})
    return pa.Table.from_pylist(found, schema=catalogue.get("ops/metrics").arrow_schema())


def alarms(table, country="", **config):
    """(day number, rule) of each verdict that is not good."""
    days = sorted(set(table["arrived"].to_pylist()))
    found = anomalies.judge(table, days, History(**{"settle_days": 0, **config}), country)
    return [((day - START).days, verdict.rule) for day in days for verdict in found.get(day, []) if not verdict.success]


def noisy(mean, days, seed=1, spread=0.05):
    """Numbers that vary by `spread` around a mean, and by the root of a count."""
    draw = random.Random(seed)
    return [max(0, round(draw.gauss(mean, ((spread * mean) ** 2 + mean) ** 0.5))) for _ in range(days)]


@pytest.mark.parametrize(("mean", "few"), [(150, 0), (500, 125), (2000, 1000), (20_000, 10_000)])
@pytest.mark.parametrize("seed", range(5))
def test_usual_days_raise_no_alarm_and_half_a_delivery_does(mean, few, seed):
    usual = noisy(mean, 90, seed, spread=0.03)
    assert alarms(metrics(usual)) == []
    assert alarms(metrics([*usual[:60], few, *usual[61:]])) == [(60, "history:volume")]
    assert alarms(metrics([*usual[:60], 3 * mean, *usual[61:]])) == [(60, "history:volume")]


def test_a_weekend_is_compared_with_weekends():
    weeks = [number for week in range(12) for number in (*[1000 + week] * 5, 100, 90)]
    assert alarms(metrics(weeks)) == []
    assert alarms(metrics([*weeks[:-7], 100, *weeks[-6:]])) == [(77, "history:volume")]  # a Monday like a Saturday


def test_a_mailing_every_other_week_is_no_news_once_it_was_seen_twice():
    numbers = [5] * 140
    for day in range(3, 140, 14):
        numbers[day] = 170
    assert [day for day, _ in alarms(metrics(numbers))] == [17]


def test_a_steady_growth_and_a_constant_that_moves_by_a_percent_are_no_alarm():
    assert alarms(metrics([1000 * 1.005**day for day in range(90)])) == []
    assert alarms(metrics([0.5] * 30 + [0.51], "empty_share")) == []
    assert alarms(metrics([20.0] * 30 + [20.2], "mean")) == []


@pytest.mark.parametrize(
    ("metric", "usual", "odd"),
    [("empty_share", 0.05, 1.0), ("empty_share", 0.0, 0.5), ("mean", 24.5, 40.0), ("value_share", 0.6, 0.1)],
)
def test_a_column_that_went_empty_a_shifted_mean_and_another_mix_are_told(metric, usual, odd):
    draw = random.Random(7)
    numbers = [usual * draw.gauss(1, 0.02) for _ in range(40)]
    assert alarms(metrics(numbers, metric)) == []
    assert alarms(metrics([*numbers, odd], metric)) == [(40, "history:distribution")]
    assert alarms(metrics([*numbers, odd], metric), distribution="off") == []
    assert alarms(metrics([*numbers, odd], metric, rows=15)) == []  # of so few rows nothing can be said


def test_a_message_says_what_was_seen_and_what_is_usual():
    (verdict,) = anomalies.judge(metrics([1000] * 20 + [10]), [START + dt.timedelta(20)], History(settle_days=0))[
        START + dt.timedelta(20)
    ]
    assert verdict.detail == "10 rows arrived on 2024-01-21, usual 1,000 (700 to 1,300)"
    table = metrics([0.1] * 20 + [1.0], "empty_share")
    *_, verdict = anomalies.judge(table, [START + dt.timedelta(20)], History(settle_days=0))[START + dt.timedelta(20)]
    assert verdict.detail.startswith("total is empty in 100.0%, usual 10.0% (")
    assert verdict.detail.endswith(", on 2024-01-21")


def test_the_first_weeks_of_a_dataset_are_no_anomaly():
    assert alarms(metrics([1000] * 27 + [1]), settle_days=28) == []
    assert alarms(metrics([1000] * 28 + [1]), settle_days=28) == [(28, "history:volume")]
    assert History().settle_days == 28


def test_a_public_holiday_of_the_country_is_not_judged():
    closed = metrics([1000] * 116 + [0] * 2)  # 26 and 27 April 2024, of which the 27th is King's Day
    assert alarms(closed, "NL") == [(116, "history:volume")]
    assert alarms(closed, "BE") == [(116, "history:volume"), (117, "history:volume")]
    assert alarms(closed, "XX") == alarms(closed, "BE"), "a country without a known calendar has no holidays"


def test_a_campaign_on_any_day_of_the_week_is_no_news_once_there_were_two():
    numbers = noisy(100, 120)
    for day, size in ((12, 3200), (13, 400), (40, 3800), (69, 1200), (98, 4100)):
        numbers[day] = size
    assert [day for day, _ in alarms(metrics(numbers), settle_days=28)] == [40]


def test_fewer_than_seven_days_are_no_history():
    assert alarms(metrics([1000] * 6 + [1])) == []
    assert alarms(metrics([1000] * 7 + [1])) == [(7, "history:volume")]


@hypothesis.settings(deadline=None)
@hypothesis.given(numbers=st.lists(st.none() | st.integers(0, 2000), min_size=9, max_size=40), cut=st.integers(1, 39))
def test_a_verdict_depends_on_earlier_days_only(numbers, cut):
    whole = metrics(numbers)
    before = metrics(numbers[:cut])
    days = sorted(set(before["arrived"].to_pylist()))
    assert {day: anomalies.judge(whole, [day], History()) for day in days} == {
        day: anomalies.judge(before, [day], History()) for day in days
    }


@hypothesis.settings(deadline=None)
@hypothesis.given(parts=st.lists(st.integers(1, 50), min_size=1, max_size=5), share=st.floats(0, 1))
def test_a_day_in_several_files_is_the_sum_of_its_files(parts, share):
    tallies = {
        f"f{n}": SimpleNamespace(rows=rows, measured={"filled|email|": round(rows * share)})
        for n, rows in enumerate(parts)
    }
    files = [{"file_id": f"f{n}", "arrived": START, "rows_in": rows} for n, rows in enumerate(parts)]
    series = anomalies.Series(anomalies.metrics("s", "orders", files, tallies))
    filled = sum(round(rows * share) for rows in parts)
    assert series.metrics == [("empty_share", "email", ""), ("rows", "", "")]
    assert series.numbers[0] == pytest.approx([(sum(parts) - filled) / sum(parts), sum(parts)])


def silent(days, until, **config):
    """Numbers of the days that are too silent, for deliveries on those days."""
    arrivals = [START + dt.timedelta(day) for day in days]
    found = silence.silences(arrivals, START + dt.timedelta(until), History(**{"settle_days": 0, **config}))
    return [(day - START).days for day, _ in found]


def test_a_daily_delivery_is_missed_on_the_first_day_and_every_day_until_it_is_back():
    assert silent(range(10), 9) == []
    assert silent(range(10), 10) == [10]
    assert silent([*range(10), 13], 13) == [10, 11, 12]
    assert silent(range(10), 12, freshness="off") == []


def test_a_delivery_on_working_days_is_not_missed_at_the_weekend():
    working = [day for day in range(28) if (START + dt.timedelta(day)).weekday() < 5]
    assert silent(working, 27) == []
    assert silent(working, 28) == [28]


def test_an_irregular_delivery_is_missed_when_it_is_late_beyond_its_habit():
    days = [0, 2, 3, 7, 9, 10, 14, 15, 19, 20, 23]
    assert silent(days, 27) == []
    assert silent(days, 60)[0] == 33
    assert silent(days[:5], 60) == []  # too few to know its habit


@hypothesis.settings(deadline=None)
@hypothesis.given(days=st.sets(st.integers(0, 60), min_size=1), day=st.integers(0, 70))
def test_silence_is_told_the_same_one_by_one_and_all_at_once(days, day):
    one_by_one = [now for now in range(day + 1) if now in silent([d for d in days if d <= now] or [999], now)]
    assert silent(days, day) == one_by_one


@pytest.fixture
def shop(settings, tmp_path):
    """`shop(volume="critical")`: a company with one source of orders and that history configuration."""

    def build(**config):
        source = {
            "source": "shop",
            "group": "crm",
            "datasets": {
                "orders": {
                    "files": "{day}/orders*.csv",
                    "columns": {name: name for name in COLUMNS},
                    "history": {"settle_days": 0, **config},
                }
            },
        }
        (tmp_path / "var" / "landing" / "shop").mkdir(parents=True, exist_ok=True)
        return settings({"sources/shop.yaml": source})

    return build


def orders(day, count, email="a@b.example", total=10):
    rows = [f"{day}-{n},{day},{day},completed,{total + n % 5},EUR,{email}" for n in range(count)]
    return "\n".join([",".join(COLUMNS), *rows]) + "\n"


def land(company, deliveries):
    for number, content in deliveries.items():
        if content:
            day = START + dt.timedelta(number)
            target = Path(company.landing, "shop", str(day), "orders.csv")
            target.parent.mkdir(exist_ok=True, parents=True)
            target.write_text(content)


def live(company, lake, days):
    """Run these days; returns the messages of those that were stopped."""
    general = company.general.model_copy(update={"lake": str(lake)})
    company = dataclasses.replace(company, general=general)
    stops = []
    for number in days:
        load.run("shop", START + dt.timedelta(number), company)
        try:
            step.run("shop", START + dt.timedelta(number), company)
        except DataStopped as stop:
            stops.append(str(stop))
    return Lake.of(company), stops


def days_of(lake, table):
    arrived = lake.arrow(table, columns=["arrived"])["arrived"].to_pylist()
    return sorted({(day - START).days for day in arrived})


def test_a_critical_deviation_stops_its_day_before_publishing_and_no_other_day(shop, tmp_path):
    company = shop(volume="critical", distribution="critical")
    days = {n: orders(START + dt.timedelta(n), 100) for n in range(12)}
    days[8] = orders(START + dt.timedelta(8), 30)
    days[10] = orders(START + dt.timedelta(10), 100, email="")
    land(company, days)
    lake, stops = live(company, tmp_path / "at_once", [11])
    (message,) = stops
    assert "shop.orders is stopped by history:volume: 30 rows arrived on 2024-01-09, usual 100" in message
    assert "shop.orders is stopped by history:distribution: email is empty in 100.0%, usual 0.0%" in message
    assert days_of(lake, "valid/orders") == [n for n in range(12) if n not in (8, 10)]
    assert days_of(lake, "quarantine/rows") == [8, 10]
    assert set(lake.arrow("quarantine/rows")["rule"].to_pylist()) == {
        "dataset:history:volume",
        "dataset:history:distribution",
    }


def test_a_deviation_that_only_warns_is_published_and_told(shop, tmp_path, caplog):
    company = shop()
    land(company, {n: orders(START + dt.timedelta(n), 100 if n != 8 else 30) for n in range(10)})
    lake, stops = live(company, tmp_path / "lake", [9])
    assert stops == []
    assert days_of(lake, "valid/orders") == list(range(10))
    assert "shop.orders: history:volume: 30 rows arrived on 2024-01-09" in caplog.text
    rows = lake.arrow("ops/validations").to_pylist()
    assert [row["severity"] for row in rows if row["expectation"] == "history:volume" and not row["success"]] == [
        "warning"
    ]


def test_silence_is_told_by_the_run_of_that_day_and_stops_if_it_is_critical(shop, tmp_path):
    company = shop(freshness="critical")
    land(company, {n: orders(START + dt.timedelta(n), 10) for n in range(9)})
    lake, stops = live(company, tmp_path / "lake", [8, 9])
    (message,) = stops
    assert "shop.orders is stopped by history:freshness: nothing arrived up to and including 2024-01-10" in message
    version = lake.version("ops/validations")
    live(company, tmp_path / "lake", [9])
    assert Lake(str(tmp_path / "lake")).version("ops/validations") == version  # told once


def test_an_empty_file_is_a_day_without_rows(shop, tmp_path):
    company = shop()
    land(company, {n: orders(START + dt.timedelta(n), 100 if n != 8 else 0) for n in range(9)})
    lake, _ = live(company, tmp_path / "lake", range(9))
    rows = lake.arrow("ops/validations").to_pylist()
    told = [row["detail"] for row in rows if row["expectation"] == "history:volume" and not row["success"]]
    assert told == ["0 rows arrived on 2024-01-09, usual 100 (40 to 160)"]


def test_days_one_by_one_and_all_at_once_have_the_same_metrics_and_stops(shop, tmp_path):
    company = shop(volume="critical", distribution="critical", freshness="info")
    draw = random.Random(3)
    days = {
        n: orders(START + dt.timedelta(n), draw.choice((95, 100, 105)), total=draw.randint(9, 11)) for n in range(14)
    }
    days |= {9: orders(START + dt.timedelta(9), 20), 11: None, 12: orders(START + dt.timedelta(12), 100, total=500)}
    land(company, days)
    found = []
    for number, runs in enumerate((range(14), [13], [5, 9, 13])):
        lake, _ = live(company, tmp_path / str(number), runs)
        verdicts = lake.arrow("ops/validations").to_pylist()
        told = sorted(
            (row["batch"], row["expectation"], row["detail"]) for row in verdicts if "history" in row["expectation"]
        )
        tables = ("valid/orders", "quarantine/rows", "ops/counts", "ops/metrics")
        found.append(([lake.content_hash(name) for name in tables], told))
    assert found[0] == found[1] == found[2]
    assert days_of(lake, "quarantine/rows") == [9, 12]
    assert [row[2][:45] for row in found[0][1] if row[1] == "history:freshness"] == [
        "nothing arrived up to and including 2024-01-1"
    ]


def test_metrics_are_those_of_good_rows_and_never_name_a_value_that_is_not_known(shop, tmp_path):
    company = shop()
    content = orders(START, 20) + "x,2024-01-01,2024-01-01,completed,99999999,EUR,secret@b.example\n"
    land(company, {0: content})
    lake, _ = live(company, tmp_path / "lake", [0])
    rows = lake.arrow("ops/metrics")
    mean = rows.filter(pc.and_(pc.equal(rows["metric"], "mean"), pc.equal(rows["column"], "total"))).to_pylist()
    assert [(row["number"], row["rows"]) for row in mean] == [(12.0, 20)]
    assert set(rows["value"].to_pylist()) == {"", "completed", "cancelled", "returned", "open", "test"}


@pytest.mark.parametrize("gap", [1, 9, 60])
def test_history_is_read_as_far_back_as_it_is_compared_with_and_no_further(tmp_path, gap):
    lake = Lake(str(tmp_path))
    whole = metrics([100 if place % gap == 0 else None for place in range(300 * gap)])
    for start in range(0, whole.num_rows, 30):
        lake.append("ops/metrics", whole.slice(start, 30), Txn("earlier", start + 1))
    today = START + dt.timedelta(300 * gap)
    found = anomalies.earlier(lake, "s", "orders", [today, today + dt.timedelta(1)], [], History(days=91))
    days, all_days = (sorted(set(table["arrived"].to_pylist())) for table in (found, whole))
    assert days[-91:] == all_days[-91:]
    assert len(days) < 300 or gap == 60
    assert anomalies.earlier(lake, "other", "orders", [today], [], History()).num_rows == 0


def test_whether_the_first_weeks_are_over_is_seen_behind_a_long_silence(tmp_path):
    lake = Lake(str(tmp_path))
    whole = metrics([100, *[None] * 500, *[100] * 10])
    for row in range(whole.num_rows):
        lake.append("ops/metrics", whole.slice(row, 1), Txn("earlier", row + 1))
    history = History(days=7, settle_days=28)
    found = anomalies.earlier(lake, "s", "orders", [START + dt.timedelta(511)], [], history)
    assert min(found["arrived"].to_pylist()) == START


def test_files_that_are_judged_now_are_no_history_of_themselves(tmp_path):
    lake = Lake(str(tmp_path))
    lake.append("ops/metrics", metrics([100] * 5), Txn("earlier", 1))
    found = anomalies.earlier(lake, "s", "orders", [START + dt.timedelta(9)], ["f3", "f4"], History())
    assert sorted(found["file_id"].to_pylist()) == ["f0", "f1", "f2"]


@hypothesis.given(
    st.lists(st.lists(st.floats(-9, 9) | st.just(float("nan")), min_size=2, max_size=2), min_size=1, max_size=7)
)
def test_a_median_is_that_of_what_is_known(days):
    numbers = np.array(days)
    known = [column[~np.isnan(column)] for column in numbers.T]
    assert median(numbers) == pytest.approx([np.median(one) if len(one) else np.nan for one in known], nan_ok=True)
