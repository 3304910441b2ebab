"""Who is in an audience on a day."""

import datetime as dt
import json

import pyarrow as pa
import pytest

from jobs.audiences import membership, rules
from jobs.lake.lake import Lake

DAY = dt.date(2017, 6, 1)
BASE = {"title": "t", "goal": "g", "owner": "o", "stage": "loyalty", "purpose": "ads", "send_to": {}, "holdout": 0}


@pytest.fixture
def world(settings, rows):
    """`world({audience: rule}, table=[rows], ...)`: members of each audience on DAY."""

    def build(rules, holdout=0, **tables):
        loaded = settings(
            {
                f"audiences/{name}.yaml": {**BASE, "audience": name, "where": rule, "holdout": holdout}
                for name, rule in rules.items()
            }
        )
        lake = Lake.of(loaded)
        for name, records in tables.items():
            table = name.replace("_", "/", 1)
            lake.replace(table, rows(table, *records), lake.transaction("test", DAY, config=name))
        membership.run(DAY, loaded)
        return lake.arrow("audiences/members", day=DAY).sort_by("customer_id").to_pylist()

    return build


def customers(*names, **values):
    return [{"customer_id": name, "known": True, "customer_since": "2017-01-01", **values} for name in names]


def in_audience(found, audience):
    return [row["customer_id"] for row in found if row["audience"] == audience]


def touch(customer_id, type_, at):
    return {"touchpoint_id": f"{customer_id}{type_}{at}", "customer_id": customer_id, "type": type_,
            "occurred_at": at, "day": at[:10]}  # fmt: skip


def test_a_rule_sees_profile_stage_scores_features_and_contacts(world):
    found = world(
        {"a": "known and stage = 'loyalty' and days_in_stage = 31 and churn_band = 'high' and segment = 'Stars' "
              "and orders_91d > 3 and days_since_order = 7 and age = 29"},
        profiles_people=customers("c1", "c2", age=29),
        journeys_stages=[
            {"customer_id": name, "stage": "loyalty", "valid_from": "2017-05-01"} for name in ("c1", "c2")
        ],
        models_scores=[
            {"day": "2017-05-30", "model": "churn", "customer_id": "c1", "score": 0.7, "label": "high"},
            {"day": "2017-05-30", "model": "segmentation", "customer_id": "c1", "label": "Stars"},
        ],
        models_features=[{"day": "2017-05-31", "customer_id": "c1", "orders_91d": 4.0}],
        journeys_touchpoints=[touch("c1", "order", "2017-05-25T10:00:00")],
    )  # fmt: skip
    assert in_audience(found, "a") == ["c1"]
    seen = json.loads(found[0]["evidence"])
    assert seen["stage"] == "loyalty"
    assert (seen["days_since_order"], seen["known"], seen["orders_91d"]) == (7, True, 4.0)


def test_nothing_after_the_day_is_seen(world):
    found = world(
        {"a": "stage = 'loyalty' or days_since_order is not null or orders_91d > 0 or churn_score > 0 "
              "or basket_items > 0 or last_moment is not null", "b": "stage = 'awareness'"},
        profiles_people=[*customers("c1"), *customers("c2", customer_since="2017-06-02")],
        journeys_stages=[
            {"customer_id": "c1", "stage": "awareness", "valid_from": "2017-01-01", "valid_to": "2017-06-01"},
            {"customer_id": "c1", "stage": "loyalty", "valid_from": "2017-06-02"},
        ],
        models_scores=[{"day": "2017-06-02", "model": "churn", "customer_id": "c1", "score": 0.7, "label": "high"}],
        models_features=[{"day": "2017-06-02", "customer_id": "c1", "orders_91d": 4.0}],
        journeys_touchpoints=[touch("c1", "order", "2017-06-02T10:00:00")],
        journeys_carts=[{"cart_id": "k", "customer_id": "c1", "items": 2, "last_at": "2017-06-01T22:30:00"}],
        journeys_moments=[{"moment_id": "m", "customer_id": "c1", "type": "buy", "day": "2017-06-02"}],
    )  # fmt: skip
    assert in_audience(found, "a") == []
    assert in_audience(found, "b") == ["c1"]


def test_who_buys_after_leaving_a_basket_drops_out(world):
    def cart(name, at, **values):
        return {"cart_id": f"k{name}{at}", "customer_id": name, "items": 2, "status": "open", "last_at": at, **values}

    found = world(
        {"a": "basket_items > 0 and basket_age_days between 1 and 3"},
        profiles_people=customers("left", "bought_in_store", "ordered", "ordered_later", "old"),
        journeys_carts=[
            cart("left", "2017-05-30T10:00:00"),
            cart("bought_in_store", "2017-05-30T10:00:00"),
            cart("ordered", "2017-05-30T10:00:00", status="ordered", day="2017-06-01"),
            cart("ordered_later", "2017-05-30T10:00:00", status="ordered", day="2017-06-02"),
            cart("old", "2017-05-20T10:00:00", status="abandoned", day="2017-05-21"),
        ],
        journeys_touchpoints=[
            touch("bought_in_store", "order", "2017-05-31T10:00:00"),
            touch("left", "order", "2017-05-30T09:00:00"),
        ],
    )
    assert in_audience(found, "a") == ["left", "ordered_later"]


def test_the_holdout_is_sticky_within_binomial_bounds_and_differs_per_audience(world):
    names = [f"c{number}" for number in range(4000)]
    found = world({"a": "known", "b": "known"}, holdout=0.1, profiles_people=customers(*names))
    held = {a: {r["customer_id"] for r in found if r["audience"] == a and r["arm"] == "holdout"} for a in ("a", "b")}
    # Standard deviation 19; five of them.
    assert all(abs(len(group) - 400) < 95 for group in held.values())
    assert len(held["a"] & held["b"]) < 95

    more = world({"a": "known", "b": "known"}, holdout=0.2, profiles_people=customers(*names))
    assert held["a"] <= {r["customer_id"] for r in more if r["audience"] == "a" and r["arm"] == "holdout"}


def test_a_second_run_changes_nothing(world, settings):
    found = world({"a": "known"}, profiles_people=customers("c1"))
    loaded = settings({"audiences/a.yaml": {**BASE, "audience": "a", "where": "known"}})
    lake = Lake.of(loaded)
    before = lake.version("audiences/members")
    membership.run(DAY, loaded)
    assert lake.version("audiences/members") == before
    assert len(found) == 1


def test_a_rule_that_is_not_allowed_stops_the_step(world):
    from jobs.config.yaml_files import ConfigError

    with pytest.raises(ConfigError, match="unknown column 'email'"):
        world({"a": "email is not null"}, profiles_people=customers("c1"))


def test_evidence_is_valid_json_whatever_the_values(world):
    found = world({"a": "city is not null"}, profiles_people=customers("c1", city='s-Gra"ven\\hage\n'))
    assert json.loads(found[0]["evidence"]) == {"city": 's-Gra"ven\\hage '}


def test_traits_can_be_used_in_rules_and_are_kept_as_evidence(settings, rows):
    trait = {"title": "Last topic", "over": "conversations", "value": "latest(topic)", "type": "string"}
    since = {"title": "Last talk", "over": "conversations", "value": "max(day)", "type": "date"}
    rule = {**BASE, "audience": "a", "where": "last_topic = 'delivery'", "evidence": ["talked_on"]}
    loaded = settings({"audiences/a.yaml": rule, "traits.yaml": {"traits": {"last_topic": trait, "talked_on": since}}})
    lake = Lake.of(loaded)
    txn = lake.transaction("test", DAY)
    lake.replace("profiles/people", rows("profiles/people", *customers("c1", "c2")), txn)
    contract = lake.contract("profiles/traits").arrow_schema()
    told = {"customer_id": "c1", "as_of": DAY, "last_topic": "delivery", "talked_on": DAY}
    lake.replace("profiles/traits", pa.Table.from_pylist([told], contract), txn)
    membership.run(DAY, loaded)
    (row,) = lake.arrow("audiences/members", day=DAY).to_pylist()
    assert (row["customer_id"], json.loads(row["evidence"])) == (
        "c1",
        {"last_topic": "delivery", "talked_on": "2017-06-01"},
    )


def test_a_trait_that_is_named_like_a_column_of_the_view_is_refused(settings):
    trait = {"title": "t", "over": "orders", "value": "count(*)", "type": "bigint"}
    loaded = settings({"traits.yaml": {"traits": {"orders_91d": trait}}})
    assert rules.check(loaded)[0].endswith("traits.orders_91d: audience rules know another 'orders_91d'; rename it")
