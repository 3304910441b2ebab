"""Recommendations on a lake: what is shown to whom, and what is not. Costs 7 seconds."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jobs.activity import traits
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.models import models, scoring
from jobs.models.recommend import recommend
from jobs.models.recommend.bought import COLUMNS
from jobs.models.registry import Registry
from tests.company import FOR_PEOPLE
from tests.models.served import served

DAY = dt.date(2018, 6, 30)
LINES = {"over": "order_lines", "value": "count(*)", "type": "bigint"}
SEEN = {"over": "orders", "value": "min(days_ago)", "type": "bigint"}
TRAITS = {
    "recency_days": {"title": "Days since", **SEEN},
    "orders_90d": {"title": "Orders", "over": "orders", "days": 90, "value": "count(*)", "type": "bigint"},
    "revenue_90d": {"title": "Kept", "over": "orders", "days": 90, "value": "sum(total)", "type": "decimal(18,2)"},
    "lines": {"title": "Lines", **LINES},
}
DECLARED = {
    "kind": "recommend",
    **FOR_PEOPLE,
    "rows_of": "lines",
    "top": 3,
    "stock": "stock",
    "never_again": {"category": ["large"]},
    "do_not_recommend": {"product_id": ["lottery"]},
    "purpose": "marketing",
}
GROUPS = (("bread", "butter", "jam"), ("nail", "hammer", "saw"), ("pen", "ink", "paper"))
PRODUCTS = {
    **{name: {"category": "small"} for group in GROUPS for name in group},
    "jam": {"category": "small", "stock": "0"},
    "oven": {"category": "large", "stock": "4"},
    "lottery": {"category": "small", "stock": "99"},
}


def lines_of(customers=150, seed=1):
    """(card, product, day) of a year: everybody buys from one group, one by one, and now and then a lottery ticket."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        group = GROUPS[number % 3]
        for _ in range(14):
            day = DAY - dt.timedelta(days=int(random.integers(0, 300)))
            rows.append((f"c{number:03d}", str(random.choice([*group, "lottery"])), day))
    return rows


def table(name, records):
    schema = catalogue.get(name).arrow_schema()
    return pa.Table.from_pylist(
        [{field.name: record.get(field.name) for field in schema} for record in records], schema
    )


@pytest.fixture
def shop(model_settings):
    settings = model_settings(
        {"features": ["recency_days", "orders_90d", "revenue_90d"]},
        {
            "traits.yaml": {"traits": TRAITS},
            "models/recommendations.yaml": DECLARED,
        },
    )
    settings = replace(settings, learned={"recommendations": settings.learned["recommendations"]})
    lake = Lake.of(settings)
    bought = [
        *lines_of(),
        ("owner", "oven", DAY - dt.timedelta(days=3)),
        ("baker", "bread", DAY - dt.timedelta(days=2)),
        ("refuser", "bread", DAY - dt.timedelta(days=2)),
    ]
    base = {"source": "pos", "file_id": "f", "status": "completed"}
    at = lambda day: dt.datetime.combine(day, dt.time(12), dt.UTC)  # noqa: E731
    orders = [
        {**base, "order_id": f"o{n}", "loyalty_id": card, "ordered_at": at(day), "updated_at": at(day), "arrived": day,
         "total": 10, "line": n} for n, (card, _, day) in enumerate(bought)
    ]  # fmt: skip
    orders.append({**orders[0], "order_id": "empty", "loyalty_id": "newcomer", "line": 99_999})
    lines = [
        {**base, "order_id": f"o{n}", "line_id": "1", "product_id": product, "ordered_at": at(day),
         "updated_at": at(day), "arrived": day, "quantity": 1, "amount": 10, "line": n}
        for n, (_, product, day) in enumerate(bought)
    ]  # fmt: skip
    listed = [
        {**base, "product_id": name, "name": name.title(), "category": told["category"], "updated_at": at(DAY),
         "arrived": DAY, "line": n, "attributes": json.dumps({k: v for k, v in told.items() if k == "stock"})}
        for n, (name, told) in enumerate(PRODUCTS.items())
    ]  # fmt: skip
    cards = sorted({one["loyalty_id"] for one in orders})
    people = [
        {"identifier": identifier_hash("loyalty", card, settings), "kind": "loyalty", "customer_id": card}
        for card in cards
    ]
    said = [
        {"customer_id": card, "purpose": "marketing", "channel": "email",
         "status": "withdrawn" if card == "refuser" else "granted"} for card in cards if card != "c000"
    ]  # fmt: skip
    load = lake.transaction("load", DAY)
    for name, records in (("orders", orders), ("order_lines", lines), ("products", listed)):
        lake.append(f"valid/{name}", table(f"valid/{name}", records), load)
    lake.replace("identity/map", table("identity/map", people), lake.transaction("identify", DAY))
    lake.replace("profiles/consent", table("profiles/consent", said), lake.transaction("consent", DAY))
    traits.run(DAY, settings)
    return settings, lake


def test_customers_get_what_goes_with_what_they_bought_and_nothing_that_makes_no_sense(shop, tmp_path):
    settings, lake = shop
    result = models.train("recommendations", DAY, settings)
    assert result["decision"] == "promoted", result
    assert result["map"] > result["popular_map"] + 0.1
    scored = scoring.run(DAY, settings)
    before = lake.content_hash("models/recommendations")
    assert models.train("recommendations", DAY, settings) == result
    assert scoring.run(DAY, settings) == scored
    assert lake.content_hash("models/recommendations") == before

    told = lake.arrow("models/recommendations", day=DAY).to_pandas().sort_values(["customer_id", "rank"])
    lists = told.groupby("customer_id")["item"].agg(list)
    assert "jam" not in set(told["item"]), "there is none left"
    assert "lottery" not in set(told["item"]), "nobody is shown it"
    assert set(lists.index) & {"refuser", "c000"} == set(), "said no, and was not asked"
    assert lists["baker"][0] in ("bread", "butter")
    assert "oven" not in lists["owner"]
    assert set(told.loc[told["customer_id"] == "newcomer", "reason"]) == {"popular in the last 60 days"}
    butter = told[(told["customer_id"] == "baker") & (told["item"] == "butter")].iloc[0]
    assert (butter["because"], butter["reason"], butter["name"]) == (
        "similar", "bought by customers who bought Bread", "Butter"
    )  # fmt: skip
    again = told.loc[told["because"] == "again", "reason"]
    assert again.str.fullmatch(r"bought \d+ (times, about every \d+ days, last \d+ )?days ago").all()
    assert told.groupby("customer_id")["rank"].agg(list).map(lambda ranks: ranks == [1, 2, 3][: len(ranks)]).all()

    first = {row["customer_id"]: row for row in lake.arrow("models/scores", day=DAY).to_pylist()}
    assert first["baker"]["label"] == lists["baker"][0]
    assert set(first) == set(lists.index)

    folder = next(path.parent for path in Path(settings.mlflow_artifacts).rglob("MLmodel"))
    (answer,) = served(folder, {"items": ["bread"]}, tmp_path)
    registry = Registry(settings)
    weights = recommend.load(registry, registry.champion("recommendations"))
    beside = weights.similar[weights.items.tolist().index("bread")].toarray().ravel()
    beside[weights.items.tolist().index("bread")] = -np.inf
    best = weights.items[np.argmax(beside)]
    assert answer.split("\n")[0] == best, "where MLflow is installed and Klantreis is not"


def test_too_few_customers_is_one_message_and_the_day_goes_on(shop):
    settings, _ = shop
    few = settings.learned["recommendations"].model_copy(update={"minimum_customers": 1_000})
    settings = replace(settings, learned={"recommendations": few})
    result = models.train("recommendations", DAY, settings)
    assert result["decision"] == "waiting"
    assert "customers bought before the 28 days to judge on; at least 1000 are needed" in result["reason"]
    assert scoring.run(DAY, settings)["recommendations"] == {"scored": 0, "reason": f"{DAY}: {result['reason']}"}


def test_lists_no_better_than_what_is_popular_are_refused():
    random = np.random.default_rng(1)
    names = ["customer_id", "item", "ago"]
    rows = pd.DataFrame([(f"c{n % 90}", f"i{random.integers(0, 12)}", n % 120) for n in range(2_000)], columns=names)

    def as_of(days_ago):
        known = rows[rows["ago"] >= days_ago].drop_duplicates().groupby(names[:2])["ago"]
        found = (known.agg(["count", "max", "min"]) - [0, days_ago, days_ago]).reset_index()
        return found.set_axis(COLUMNS, axis=1)

    declared = recommend.Recommend(**{**DECLARED, "purpose": None, "again": False})
    trained, verdict = recommend.challenge(as_of(56), as_of(28), as_of(0), declared, None)
    assert not verdict.promoted
    assert "not beyond noise better than what is popular" in verdict.reason
    assert trained.metrics["gain_over_popular.low"] <= 0
