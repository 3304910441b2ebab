"""The stage customers will be in: learned from what was known, and used only if it beats the rules of stages.

About 8 seconds, most of them for one small shop on a lake.
"""

import datetime as dt

import mlflow
import numpy as np
import pandas as pd
import pytest

from jobs.activity import traits
from jobs.config.models.stage import Stage
from jobs.errors import NotTrainable
from jobs.lake.lake import Lake
from jobs.models import models, scoring
from jobs.models.registry import Registry
from jobs.models.stage import stage, stage_fit, stage_rows
from jobs.models.stage.stage_rows import LATER, NOW, Split
from tests.company import FOR_PEOPLE
from tests.models.shop_rows import orders_of, people_of, table

DAY = dt.date(2017, 6, 30)
STAGE = {"kind": "stage", **FOR_PEOPLE, "within_days": 28, "training_snapshots": 3, "evaluation_snapshots": 1}


def frame(customers, moves, seed, day):
    """Customers of `purchase` and `service`; of those of `purchase`, who waited longest moves on if `moves` says so."""
    random = np.random.default_rng(seed)
    rows = pd.DataFrame({"day": day, "customer_id": [f"c{n}" for n in range(customers)]})
    rows["waited"] = random.uniform(0, 100, customers).round(3)
    rows["noise"] = random.normal(size=customers).round(3)
    rows[NOW] = random.choice(["purchase", "service"], customers)
    later = np.where((rows[NOW] == "purchase") & moves(rows, random), "loyalty", rows[NOW])
    return rows.assign(**{LATER: later})


def by_waiting(rows, random):
    return rows["waited"] > 40


def by_chance(rows, random):
    return random.random(len(rows)) < 0.3


@pytest.fixture
def challenged(model_settings):
    """What becomes of a model of customers who move on as said."""
    declared = Stage(**STAGE, features=["waited", "noise", "is_purchase"])

    def challenge(moves, customers=600):
        settings = model_settings()
        days = [dt.date(2017, 3, 1), dt.date(2017, 5, 1)]
        parts = [frame(customers, moves, n, day) for n, day in enumerate(days)]
        learn, judge = (part.assign(is_purchase=(part[NOW] == "purchase").astype(float)) for part in parts)
        return stage.challenge(Split(learn, judge), declared, settings, None)

    return challenge


def test_a_model_that_sees_who_moves_on_beats_the_rules_and_is_used(challenged):
    trained, verdict = challenged(by_waiting)
    assert verdict.promoted, verdict.reason
    assert "beats the rules" in verdict.reason
    assert trained.metrics["accuracy"] > 0.95 > trained.metrics["accuracy_of_the_rules"]
    assert trained.metrics["gain_over_the_rules.low"] > 0


def test_moves_that_nothing_tells_are_no_reason_to_use_a_model(challenged):
    _, verdict = challenged(by_chance)
    assert not verdict.promoted
    assert "does not beat the rules" in verdict.reason


def test_nothing_is_learned_from_one_stage_or_from_a_few_rows():
    rows = frame(30, by_waiting, 0, DAY)
    with pytest.raises(NotTrainable, match="30 service; at least 10 of each of two stages"):
        stage_fit.fit(rows[["waited"]], pd.Series(["service"] * 30), rows["customer_id"], 1, {})


def test_what_usually_follows_a_stage_is_counted_from_the_days_learned_from():
    now, later = pd.Series(["a"] * 8 + ["b"] * 2), pd.Series(["a"] * 6 + ["b"] * 2 + ["b"] * 2)
    found = stage_fit.moves(now, later, pd.Series(["a", "b", None]), ["a", "b"])
    # half a customer is added to each cell; who is in no stage gets what comes to everybody
    expected = [[6.5 / 9, 2.5 / 9], [0.5 / 3, 2.5 / 3], [7 / 12, 5 / 12]]
    np.testing.assert_allclose(found.to_numpy(), expected)


def test_by_the_rules_everybody_stays_and_who_is_nowhere_may_go_anywhere():
    found = stage_fit.stays(pd.Series(["a", None]), ["a", "b"])
    assert found.to_numpy().tolist() == [[1.0, 0.0], [0.5, 0.5]]


def orders():
    """Orders of half a year: of every second customer once a week, of the others once and then hardly again."""
    random = np.random.default_rng(3)
    rows = []
    for number in range(160):
        day = dt.date(2017, 1, 1) + dt.timedelta(days=int(random.integers(0, 28)))
        while day <= DAY:
            rows.append((f"card{number:03d}", day, 40 if number % 2 else 90))
            day += dt.timedelta(days=int(random.integers(38, 60)) if number % 2 else 7)
    return rows


def stays_of(found):
    """Loyal for four weeks from each order, else in consideration: what rules of stages would make of the orders."""
    rows = []
    for card in sorted({card for card, *_ in found}):
        days = sorted(day for one, day, _ in found if one == card)
        loyal_from, until = days[0], days[0] + dt.timedelta(days=27)
        for day in [*days[1:], dt.date.max]:
            if day > until + dt.timedelta(days=1):
                rows.append((card, "loyalty", loyal_from, until))
                until_next = day - dt.timedelta(days=1) if day != dt.date.max else None
                rows.append((card, "consideration", until + dt.timedelta(days=1), until_next))
                loyal_from = day
            until = day + dt.timedelta(days=27) if day != dt.date.max else until
    return [
        {"customer_id": f"c{card}", "kind": "customer", "stage": name, "valid_from": first, "valid_to": last}
        for card, name, first, last in rows
        if first <= DAY
    ]


@pytest.fixture
def shop(small_shop):
    """A small shop with a stage for each customer; its only model tells the next one."""
    settings = small_shop()
    settings.learned.clear()
    settings.learned["next_stage"] = Stage(**STAGE)
    lake, found = Lake.of(settings), orders()
    people = table("identity/map", people_of((card for card, *_ in found), settings))
    lake.append("valid/orders", orders_of(found), lake.transaction("load", DAY))
    lake.replace("identity/map", people, lake.transaction("identify", DAY))
    lake.replace("journeys/stages", table("journeys/stages", stays_of(found)), lake.transaction("place", DAY))
    return settings, lake


def test_a_shop_is_told_the_stage_four_weeks_ahead(shop):
    settings, lake = shop
    told = models.train("next_stage", DAY, settings)
    assert told["decision"] == "promoted", told
    assert models.train("next_stage", DAY, settings) == told, "the same day again learns nothing new"
    traits.run(DAY, settings)
    assert scoring.run(DAY, settings)["rows"] == 160
    scores = lake.arrow("models/scores", day=DAY).to_pandas()
    assert set(scores["label"]) == {"loyalty", "consideration"}
    often = scores["customer_id"].str[-3:].astype(int) % 2 == 0
    assert (scores[often]["label"] == "loyalty").all(), "who orders each week stays"
    assert scores["score"].between(0.5, 1).all()
    assert all("this stage" in reason for reasons in scores["reasons"] for reason in reasons)

    registry = Registry(settings)
    champion = registry.champion("next_stage")
    served = mlflow.pyfunc.load_model(f"models:/next_stage/{champion.number}")
    given = lake.arrow("models/features", day=DAY).to_pandas()
    chances = served.predict(given[settings.models.features].astype(float))
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-6)
    assert list(chances.columns) == ["consideration", "loyalty"]


def test_no_day_to_judge_on_is_among_the_outcomes_learned_from_and_the_stage_is_that_of_the_day(shop):
    settings, lake = shop
    declared = settings.learned["next_stage"]
    read = ["valid/orders", "valid/rates", "identity/map", "identity/links", "journeys/stages"]
    rows = stage_rows.split(lake.transaction("look", DAY, reads=read), DAY, declared, settings)
    assert set(rows.judge["day"]) == {DAY - dt.timedelta(days=28)}
    assert max(rows.learn["day"]) + dt.timedelta(days=28) <= min(rows.judge["day"])
    stays = [(one["customer_id"], one["stage"], one["valid_from"], one["valid_to"]) for one in stays_of(orders())]
    for _, row in pd.concat([rows.learn, rows.judge]).sample(40, random_state=1).iterrows():
        for column, day in ((NOW, row["day"]), (LATER, row["day"] + dt.timedelta(days=28))):
            held = [name for who, name, first, last in stays
                    if who == row["customer_id"] and first <= day and (last is None or day <= last)]  # fmt: skip
            assert [row[column]] == held


def test_a_company_whose_stages_are_young_says_from_when_it_can_learn(shop):
    settings, lake = shop
    young = [dict(one, valid_from=dt.date(2017, 6, 1)) for one in stays_of(orders()) if one["valid_to"] is None]
    lake.replace("journeys/stages", table("journeys/stages", young), lake.transaction("place_again", DAY))
    told = models.train("next_stage", DAY, settings)
    assert told["decision"] == "waiting"
    assert told["reason"].startswith("stages begin on 2017-06-01")
    assert told["reason"].endswith("training can start on 2017-07-27")
