"""What customers are worth: a small company on a lake, and the choice between two models. Costs 14 seconds."""

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jobs.activity import traits
from jobs.errors import NotTrainable
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.models import models, scoring
from jobs.models.registry import Registry
from jobs.models.value import lifetime, value, value_rival, value_rows
from jobs.models.value.buyers import Buyers
from tests.company import FOR_PEOPLE
from tests.models.served import served

DAY = dt.date(2018, 6, 30)
OF_ORDERS = {"over": "orders", "where": "outcome not in ('cancelled', 'test', 'credit')"}
KEPT = {"over": "orders", "value": "sum(total)", "type": "decimal(18,2)"}
TRAITS = {
    "recency_days": {"title": "Days since", **OF_ORDERS, "value": "min(days_ago)", "type": "bigint"},
    "orders_all": {"title": "Orders ever", **OF_ORDERS, "value": "count(*)", "type": "bigint"},
    "orders_90d": {"title": "Orders lately", **OF_ORDERS, "days": 90, "value": "count(*)", "type": "bigint"},
    "revenue_90d": {
        "title": "Kept lately",
        "over": "orders",
        "days": 90,
        "value": "sum(total)",
        "type": "decimal(18,2)",
    },
    "revenue_all": {"title": "Kept", "over": "orders", "value": "sum(total)", "type": "decimal(18,2)"},
}
VALUE = {"kind": "value", **FOR_PEOPLE, "purchases": "orders_all", "worth": "revenue_all", "minimum_repeat_buyers": 20}


def buyers(customers, seed=3, last=DAY):
    """(card, day, amount) of a year and a half: each buys at its own pace and size, until it leaves."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        rate, leaves, size = random.gamma(0.6) / 20, random.beta(0.8, 6), random.gamma(6) * 6
        day = dt.date(2017, 1, 1) + dt.timedelta(days=int(random.integers(0, 400)))
        while day <= last:
            rows.append((f"card{number:03d}", day, 1 + int(size * random.gamma(6) / 6)))
            if random.random() < leaves:
                break
            day += dt.timedelta(days=1 + int(min(random.exponential(1 / max(rate, 1e-4)), 5_000)))
    return rows


def order(number, card, day, amount, **other):
    moment = dt.datetime.combine(day, dt.time(12), dt.UTC)
    return {
        "source": "pos",
        "order_id": f"o{number}",
        "loyalty_id": card,
        "ordered_at": moment,
        "updated_at": moment,
        "arrived": day,
        "status": "completed",
        "total": amount,
        "file_id": "f",
        "line": number,
        **other,
    }


def fill(settings, orders):
    def table(name, records):
        schema = catalogue.get(name).arrow_schema()
        whole = [{field.name: record.get(field.name) for field in schema} for record in records]
        return pa.Table.from_pylist(whole, schema)

    lake = Lake.of(settings)
    cards = sorted({one["loyalty_id"] for one in orders})
    people = [
        {"identifier": identifier_hash("loyalty", card, settings), "kind": "loyalty", "customer_id": card}
        for card in cards
    ]
    lake.append("valid/orders", table("valid/orders", orders), lake.transaction("load", DAY))
    lake.replace("identity/map", table("identity/map", people), lake.transaction("identify", DAY))
    return lake


@pytest.fixture
def company(model_settings):
    """`company(orders, {...})`: settings and lake of a company with a value model and no others."""

    def build(orders, changed=None):
        declared = {**VALUE, **(changed or {})}
        files = {"traits.yaml": {"traits": TRAITS}, "models/value.yaml": declared}
        settings = model_settings({"features": list(TRAITS)[:4]}, files)
        settings = replace(settings, learned={"value": settings.learned["value"]})
        return settings, fill(settings, orders)

    return build


def test_everybody_who_ever_bought_has_a_value_with_an_interval_and_doing_it_again_changes_nothing(company):
    orders = [order(n, *one) for n, one in enumerate(buyers(400))]
    orders += [
        order(90001, "once", dt.date(2017, 1, 5), 30),
        order(90002, "sent_back", dt.date(2018, 6, 1), 50),
        order(90003, "sent_back", dt.date(2018, 6, 3), -80),
        order(90004, "today", DAY, 20),
        order(90005, "to_come", DAY + dt.timedelta(days=9), 20, arrived=DAY),
        order(90006, "foreign", dt.date(2018, 6, 1), 999, currency="XTS"),
        order(90007, "called_off", dt.date(2018, 6, 1), 70, status="cancelled"),
    ]
    settings, lake = company(orders)
    traits.run(DAY, settings)
    result = models.train("value", DAY, settings)
    assert result["decision"] == "promoted", result
    assert result["d2"] > result["own_pace_d2"]
    scored = scoring.run(DAY, settings)
    before = {name: lake.content_hash(name) for name in ("models/value", "models/scores", "models/survival")}
    assert models.train("value", DAY, settings) == result
    assert scoring.run(DAY, settings) == scored
    assert {name: lake.content_hash(name) for name in before} == before

    folder = next(path.parent for path in Path(settings.mlflow_artifacts).rglob("MLmodel"))
    asked = {"purchases": [9.0, 1.0], "first_ago": [300.0, 300.0], "last_ago": [3.0, 300.0], "worth": [450.0, 50.0]}
    often, once = served(folder, asked, Path(settings.mlflow_artifacts))
    assert often > once > 0, "where MLflow is installed and Klantreis is not"

    told = lake.arrow("models/value", day=DAY).to_pandas().set_index("customer_id")
    cards = {one["loyalty_id"] for one in orders} - {"to_come", "called_off"}
    assert set(told.index) == cards == set(lake.arrow("models/scores", day=DAY)["customer_id"].to_pylist())
    assert told.drop(columns=["day", "model", "model_version", "told_by"]).notna().all().all()
    assert told["alive"].between(0, 1).all()
    for days in (90, 365):
        assert (told[f"value_{days}d_low"] <= told[f"value_{days}d_high"]).all()
        assert (told[f"orders_{days}d"] >= 0).all()
    assert (told["value_90d"] <= told["value_365d"]).all()
    assert told.loc["once", "alive"] < told.loc["today", "alive"]
    assert 0 <= told.loc["sent_back", "purchase_worth"] < told["purchase_worth"].median()
    assert told.loc["foreign", "purchase_worth"] < 100, "an amount without a rate is in no sum"

    curves = lake.arrow("models/survival").to_pandas()
    assert set(curves["part"]) == {"all"}
    assert curves["share"].is_monotonic_decreasing
    labels = pd.Series([row["label"] for row in lake.arrow("models/scores", day=DAY).to_pylist()]).value_counts()
    assert labels["top"] == pytest.approx(len(cards) * 0.2, abs=2)


@pytest.mark.parametrize(
    ("orders", "why"),
    [
        ([], "nobody has bought anything"),
        ([("a", DAY, 10), ("b", DAY, 20)], "purchases begin on 2018-06-30; .*after 2018-09-28"),
        ([(f"c{n}", dt.date(2018, 1, 1 + n), 10) for n in range(10)], "nobody bought in the 90 days before"),
        (
            [(f"c{n}", dt.date(2018, 1, 1), 10) for n in range(10)] + [("x", dt.date(2018, 5, 1), 10)],
            "nobody bought in the 90 days before|0 of 10 customers bought on more than one day",
        ),
        (
            [(f"c{n}", dt.date(2018, m, 1), 10) for n in range(10) for m in (1, 5)],
            "0 of 10 customers bought on more than one day; at least 20 are needed",
        ),
    ],
)
def test_too_little_to_learn_from_is_one_message_and_the_day_goes_on(company, orders, why):
    settings, _ = company([order(n, *one) for n, one in enumerate(orders)])
    traits.run(DAY, settings)
    result = models.train("value", DAY, settings)
    assert result["decision"] == "waiting"
    assert re.search(why, result["reason"]), result["reason"]
    assert scoring.run(DAY, settings)["value"]["scored"] == 0
    assert Registry(settings).champion("value") is None


def history(customers=1_500, seed=1, signal=False):
    """Customers as known on DAY - 90, and what they spend afterwards: as they are, or by a clue trees see."""
    rows = pd.DataFrame(buyers(customers, seed), columns=["customer_id", "day", "amount"])
    rows["ago"] = [(DAY - dt.timedelta(days=90) - day).days for day in rows["day"]]
    known = rows[rows["ago"] >= 0].groupby("customer_id")
    found = known["ago"].agg(purchases="count", first_ago="max", last_ago="min").astype(float)
    found["worth"] = known["amount"].sum().astype(float)
    found["clue"] = np.random.default_rng(seed).random(len(found))
    spent = rows[rows["ago"] < 0].groupby("customer_id")["amount"].sum().reindex(found.index).fillna(0.0)
    found["ahead"] = np.where(found["clue"] > 0.7, 100 * found["clue"], 0) if signal else spent
    return found.reset_index()


def challenged(settings, signal):
    seen = Buyers({DAY - dt.timedelta(days=180): history(seed=1, signal=signal),
                   DAY - dt.timedelta(days=90): history(seed=2, signal=signal),
                   DAY: history(seed=3).drop(columns="ahead")})  # fmt: skip
    declared = settings.learned["value"].model_copy(update={"features": ["clue"]})
    return value.challenge(seen, declared, settings, None)


def test_trees_tell_the_value_only_where_they_know_more_than_the_history(company):
    settings, _ = company([])
    by_history, _ = challenged(settings, signal=False)
    assert by_history.parameters["value_told_by"].startswith("repeat buying: trees explain")
    by_clue, verdict = challenged(settings, signal=True)
    assert by_clue.parameters["value_told_by"].startswith("trees: trees explain +")
    assert by_clue.metrics["d2"] == by_clue.metrics["trees_d2"] > by_clue.metrics["repeat_buying_d2"] + 0.1
    assert verdict.promoted, verdict


def test_a_model_that_explains_nothing_or_less_than_everybodys_own_pace_is_refused(company):
    settings, _ = company([])
    random, known = np.random.default_rng(5), history(seed=2)
    declared = settings.learned["value"].model_copy(update={"features": ["clue"]})

    def verdict_on(ahead):
        earlier, judged = (DAY - dt.timedelta(days=days) for days in (180, 90))
        seen = Buyers({earlier: known.iloc[:0], judged: known.assign(ahead=ahead), DAY: known})
        trained, verdict = value.challenge(seen, declared, settings, None)
        assert "no trees" in trained.parameters["value_told_by"]
        return verdict

    by_chance = verdict_on(random.permutation(known["ahead"]))
    assert not by_chance.promoted
    assert "is below the minimum 0" in by_chance.reason
    steady = verdict_on(known["worth"] / (known["first_ago"] + 1) * 90)
    assert not steady.promoted
    assert "is worse than own pace" in steady.reason


def test_the_interval_of_futures_holds_as_many_customers_as_it_says():
    people = history(customers=3_000)
    model = lifetime.fit(people, 20)
    rng = np.random.default_rng(9)
    bought, first, last = (people[name].to_numpy() for name in ("purchases", "first_ago", "last_ago"))
    future = model.buying.drawn(bought - 1, first - last, first, [90.0], 1, rng)
    spent = model.spend.drawn(future, bought, (people["worth"] / bought).to_numpy(), rng)[0, :, 0]
    orders, worth = model.intervals(people, [90.0], seed=1)
    inside = (spent >= worth[0, 0]) & (spent <= worth[0, 1])
    assert 0.78 <= inside.mean() <= 0.95, "what lies on both ends counts, so that it may be more than 0.8"
    assert ((future[0, :, 0] >= orders[0, 0]) & (future[0, :, 0] <= orders[0, 1])).mean() >= 0.78


def test_who_explains_more_is_better_beyond_noise_only_with_enough_customers():
    random = np.random.default_rng(1)
    mean = random.gamma(2, 20, 2_000)
    seen = random.gamma(2, mean / 2)
    gain, surely = value_rival.better(seen, mean, np.full(2_000, mean.mean()))
    assert gain > surely > 0
    assert value_rival.better(seen[:12], mean[:12], mean[:12] * 1.02)[1] <= 0
    assert value_rival.explained(seen, np.full(2_000, seen.mean())) == pytest.approx(0)


def test_equal_values_have_equal_labels_and_bands_are_shares_of_customers():
    bands = {"top": 0.8, "middle": 0.5, "low": 0.0}
    assert (
        value_rows.ranked(np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10]), bands)
        == ["low"] * 5 + ["middle"] * 3 + ["top"] * 2
    )
    assert value_rows.ranked(np.zeros(4), bands) == ["low"] * 4


def test_a_model_survives_being_written_down():
    model = lifetime.fit(history(), 20)
    assert lifetime.Lifetime.from_json(model.to_json()) == model


def test_too_few_who_came_back_are_counted_in_the_message():
    with pytest.raises(NotTrainable, match="of 40 customers bought on more than one day; at least 41 are needed"):
        lifetime.fit(history(customers=40), 41)
