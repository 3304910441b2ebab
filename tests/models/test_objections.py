"""Who objects to profiling is in no training set and gets no score, whatever the kind of model (5 s of processor)."""

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.activity import objections
from jobs.config.identity import Identity
from jobs.config.traits import FEATURES
from jobs.lake.lake import Lake
from jobs.models import models, scoring, training
from jobs.models.classify import outcomes
from jobs.models.text import labelled_texts
from tests.company import MINIMAL
from tests.models.shop_rows import orders_of, people_of, table

DAY = dt.date(2017, 6, 30)
IDENTITY = MINIMAL["identity.yaml"] | {"objections": {"profiling": "profiling", "restriction": "processing"}}
MODELS = {
    "segmentation": {
        "features": ["recency_days", "orders_90d", "revenue_90d"],
        "minimum_separation": -1,
        **dict.fromkeys(["minimum_stability", "minimum_retrain_agreement", "minimum_share"], 0.0),
        **dict.fromkeys(["k_min", "k_max"], 2),
    },
    "churn": {"training_snapshots": 1, "evaluation_snapshots": 1, "active_days": 56, "minimum_auc": 0.5},
}
CARDS = [f"card{number:02d}" for number in range(40)]
OBJECTING = {"ccard00", "ccard01"}


def said(*answers):
    same = {"channel": "any", "changed_at": dt.datetime(2017, 1, 1, tzinfo=dt.UTC)}
    names = ("customer_id", "purpose", "status")
    return table("profiles/consent", [same | dict(zip(names, one, strict=True)) for one in answers])


@pytest.fixture
def shop(small_shop):
    """A shop with forty customers, of whom two object: one to profiling, one has their data restricted."""
    settings = small_shop(MODELS)
    settings = replace(settings, identity=Identity.model_validate(IDENTITY))
    lake, days = Lake.of(settings), [dt.date(2017, 1, 2) + dt.timedelta(days=n) for n in range(0, 180, 6)]
    sold = [(card, day, 20 + 40 * (number % 2)) for number, card in enumerate(CARDS) for day in days[:: 1 + number % 3]]
    answers = said(
        ("ccard00", "profiling", "withdrawn"), ("ccard01", "processing", "withdrawn"), ("ccard02", "ads", "withdrawn")
    )
    lake.append("valid/orders", orders_of(sold), lake.transaction("load", DAY))
    lake.replace("identity/map", table("identity/map", people_of(CARDS, settings)), lake.transaction("identify", DAY))
    lake.replace("profiles/consent", answers, lake.transaction("profiles", DAY))
    return settings


def test_a_segmentation_learns_from_and_places_everybody_but_those_who_object(shop):
    lake = Lake.of(shop)
    numbers = {name: [1.0, 30.0] * 20 for name in shop.models.features} | {"revenue_90d": [float(n) for n in range(40)]}
    rows = pa.table({"day": [DAY] * 40, "customer_id": [f"c{card}" for card in CARDS]} | numbers)
    lake.replace(FEATURES, rows, lake.transaction("traits", DAY), day=DAY)
    only = replace(shop, learned={"segmentation": shop.learned["segmentation"]})
    assert models.train("segmentation", DAY, only)["decision"] == "promoted"
    assert scoring.run(DAY, only)["rows"] == 38
    scored = lake.arrow("models/scores", columns=["customer_id"])["customer_id"].to_pylist()
    assert set(scored) == {f"c{card}" for card in CARDS} - OBJECTING


def test_rows_of_the_past_that_a_model_learns_from_are_not_of_people_who_object_now(shop):
    read, config = training.of_features(shop.models.features, shop.learned["churn"], shop)
    txn = training.transaction("churn", DAY, shop, read, config, models.__name__)
    found = outcomes.split(txn, DAY, shop.learned["churn"], shop)
    learned = {*found.learn["customer_id"], *found.judge["customer_id"]}
    assert "ccard02" in learned
    assert not learned & OBJECTING


def test_every_kind_of_model_begins_its_training_so():
    folder = Path(models.__file__).parent
    kinds = [folder.parents[1] / f"{name.replace('.', '/')}.py" for name in models.KINDS.values()]
    begun = {path.stem: re.findall(r"[\w.]*transaction\(", path.read_text()) for path in kinds}
    assert begun == {path.stem: ["training.transaction("] for path in kinds}


def test_no_text_is_learned_from_of_who_objects_whether_it_names_them_or_their_conversation_does(settings, rows):
    loaded = settings({"identity.yaml": IDENTITY})
    lake, noon = Lake.of(loaded), "2017-06-01T12:00:00"
    person = {"ann": "anncard", "bob": "bobcard"}
    told = {"source": "desk", "arrived": "2017-06-01", "file_id": "f"}
    texts = [("messages", "m1"), ("messages", "m2"), ("messages", "m3"), ("reviews", "v1"), ("reviews", "v2")]
    tables = {
        "identity/map": table("identity/map", people_of(person.values(), loaded)),
        "profiles/consent": said(("canncard", "profiling", "withdrawn")),
        "valid/conversations": rows(
            "valid/conversations", {**told, "conversation_id": "t1", "updated_at": noon, "loyalty_id": person["ann"]}
        ),
        "valid/messages": rows(
            "valid/messages",
            {**told, "message_id": "m1", "conversation_id": "t1", "sent_at": noon, "line": 1},
            {**told, "message_id": "m2", "sent_at": noon, "loyalty_id": person["ann"], "line": 2},
            {**told, "message_id": "m3", "sent_at": noon, "loyalty_id": person["bob"], "line": 3},
        ),
        "valid/reviews": rows(
            "valid/reviews",
            {**told, "review_id": "v1", "updated_at": noon, "loyalty_id": person["ann"], "line": 1},
            {**told, "review_id": "v2", "updated_at": noon, "line": 2},
        ),
    }
    for name, content in tables.items():
        lake.replace(name, content, lake.transaction("test", DAY, config=name))
    begun = lake.transaction("train", DAY, reads=[*tables])
    written = rows(
        "models/texts", *[{"dataset": name, "source": "desk", "reference": one, "text": "t"} for name, one in texts]
    )
    kept = labelled_texts._of_willing(written, objections.respecting(begun, DAY, loaded))
    assert sorted(row["reference"] for row in kept.collect()) == ["m3", "v2"]
