"""Texts on a lake: masked and read once, learned from own labels, beside touchpoints. Costs 12 CPU seconds."""

import datetime as dt
import json
import os
import random
import subprocess
import sys

import pyarrow as pa
import pytest

from examples.retail.texts import OPINIONS
from jobs.config.yaml_files import ConfigError
from jobs.identity import identity
from jobs.journeys import journeys
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.models import models
from jobs.models.registry import Registry
from jobs.models.text import reading, text
from jobs.models.text.readers import Readers
from jobs.privacy.tables import Eraser
from tests.company import FOR_PEOPLE

TEXTS, DAYS = "models/texts", [dt.date(2017, 3, day) for day in (1, 2, 3)]
CLASSES = {"negative": "kind = 'nps' and score <= 6", "positive": "kind = 'nps' and score >= 9",
           "neutral": "kind = 'nps'"}  # fmt: skip
SENTIMENT = {
    "kind": "text", **FOR_PEOPLE, "answers": "sentiment", "in_texts": 2, "minimum_accuracy": 0.5,
    "learns_from": [{"texts": "survey_responses", "by": "response_id", "classes": CLASSES}],
}  # fmt: skip
WISH = {
    "kind": "text", **FOR_PEOPLE, "answers": "intent", "in_texts": 1,
    "learns_from": [{"texts": "messages", "labels": "conversations", "by": "conversation_id", "label": "topic"}],
}  # fmt: skip
THEMES = {"kind": "text", **FOR_PEOPLE, "answers": "theme", "themes": 2, "tones": ["negative", "neutral", "positive"]}
JOURNEY = {
    "stages": [{"stage": "awareness", "name": "seen", "when": "true"}],
    "valence": [
        {"name": "promoter", "when": "type = 'nps' and score >= 9", "valence": "positive"},
        {"name": "spoke_badly", "when": "tone = 'negative'", "valence": "negative"},
        {"name": "spoke_well", "when": "tone = 'positive'", "valence": "positive"},
        {"name": "as_expected", "when": "tone is null", "valence": "expected"},
    ],
    "touchpoints": {
        "answer": {"title": "Answer", "when": "type = 'text'", "owner": "o", "stage": "loyalty", "valence": "positive"},
    },
}


def at(day, hour=12):
    return dt.datetime.combine(day, dt.time(hour), dt.UTC)


def answer(number, day, arrived=None, **more):
    return ("survey_responses", {
        "source": "survey", "response_id": f"r{number}", "question_id": "why", "kind": "text", "updated_at": at(day),
        "answered_at": at(day), "arrived": arrived or day, "email": f"p{number}@x.nl", **more,
    })  # fmt: skip


def message(number, day, text_, hour=12, arrived=None, **more):
    return ("messages", {
        "source": "chat", "message_id": f"m{number}.{hour}", "conversation_id": f"d{number}", "sent_at": at(day, hour),
        "author": "customer", "text": text_, "arrived": arrived or day, **more,
    })  # fmt: skip


def conversation(number, day, **more):
    return ("conversations", {
        "source": "chat", "conversation_id": f"d{number}", "updated_at": at(day), "opened_at": at(day),
        "channel": "chat", "status": "open", "arrived": day, "email": f"p{number}@x.nl", **more,
    })  # fmt: skip


FEW = [
    answer(1, DAYS[0], comment="Heel fijn geholpen, bel mij op 06-12345678"),
    answer(1, DAYS[0], question_id="recommend", kind="nps", score=10.0, scale_max=10.0, comment="Slecht en te laat"),
    answer(2, DAYS[0], arrived=DAYS[1], comment="Waardeloos, mijn naam is Jan de Wit"),
    answer(2, DAYS[2], comment="Toch nog prima opgelost"),
    answer(3, DAYS[1], comment="   "),
    conversation(4, DAYS[0]),
    message(4, DAYS[0], "mijn pakket is kapot, slecht", 12),
    message(4, DAYS[0], "wat vervelend", 13, author="agent"),
    message(4, DAYS[2], "top, geweldig, bedankt!", 14),
    ("reviews", {"source": "shop", "review_id": "v1", "updated_at": at(DAYS[1]), "reviewed_at": at(DAYS[1]),
                 "rating": 1.0, "scale_max": 5.0, "title": "Terrible", "text": "broken on arrival", "arrived": DAYS[1],
                 "email": "p5@x.nl"}),
]  # fmt: skip


def deliver(lake, rows, day, since=dt.date.min):
    """Append what arrived after `since` up to `day`."""
    for dataset in sorted({name for name, _ in rows}):
        name = f"valid/{dataset}"
        schema = catalogue.get(name).arrow_schema()
        now = [{"file_id": dataset, "line": n, **row} for n, (of, row) in enumerate(rows)
               if of == dataset and since < row["arrived"] <= day]  # fmt: skip
        filled = [{field.name: row.get(field.name) for field in schema} for row in now]
        lake.append(name, pa.Table.from_pylist(filled, schema), lake.transaction("deliver", day, config=name))


def company(model_settings, root, learned=None):
    general = {"company": "Test", "timezone": "Europe/Amsterdam", "landing": "in", "lake": str(root)}
    own = ["recency_days", "orders_90d"]
    files = {f"models/{name}.yaml": one for name, one in (learned or {}).items()}
    files |= {"settings.yaml": general, "journey.yaml": JOURNEY}
    found = model_settings({"features": own, "segmentation": {"features": own}}, files)
    return found, Lake.of(found)


def said(lake):
    rows = lake.arrow(TEXTS).to_pylist()
    return {(row["reference"], row["written_at"].day): row for row in rows}


def test_each_text_is_masked_and_read_once_by_what_comes_with_klantreis(model_settings, tmp_path):
    settings, lake = company(model_settings, tmp_path / "lake")
    assert reading.run(DAYS[0], settings) == {"texts": 0}, "a company without texts has none to read"
    deliver(lake, FEW, DAYS[1])
    assert reading.run(DAYS[1], settings) == {"texts": 5, "read_by": "lexicon", "negative": 4, "positive": 1}
    found = said(lake)
    assert {key: (row["text"], row["language"], row["tone"]) for key, row in found.items()} == {
        ("r1:why", 1): ("Heel fijn geholpen, bel mij op [phone]", "nl", "positive"),
        ("r1:recommend", 1): ("Slecht en te laat", "nl", "negative"),
        ("r2:why", 1): ("Waardeloos, mijn naam is [name]", "nl", "negative"),
        ("m4.12", 1): ("mijn pakket is kapot, slecht", "nl", "negative"),
        ("v1", 2): ("Terrible. broken on arrival", "en", "negative"),
    }
    assert found["m4.12", 1]["thread"] == "d4"
    version = lake.version(TEXTS)
    assert reading.run(DAYS[1], settings)["texts"] == 0
    assert lake.version(TEXTS) == version, "a rerun writes nothing"
    deliver(lake, FEW, DAYS[2], DAYS[1])
    assert reading.run(DAYS[2], settings)["texts"] == 2
    assert said(lake)["r2:why", 3]["tone"] == "positive"

    lines = pa.table({"file_id": [found["m4.12", 1]["file_id"]], "line": [found["m4.12", 1]["line"]]})
    erased = dict(Eraser(lake, settings, "request").lines(lines))
    assert (erased["valid/messages"], erased[TEXTS]) == (1, 1)
    assert reading.run(DAYS[2] + dt.timedelta(days=1), settings)["texts"] == 0
    assert ("m4.12", 1) not in said(lake), "what is erased with its line is not read again"


@pytest.mark.usefixtures("going_on")
def test_touchpoints_carry_what_was_said_there_and_days_one_by_one_are_as_all_at_once(model_settings, tmp_path):
    hashes = []
    for way, days in (("daily", DAYS), ("at_once", DAYS[-1:])):
        settings, lake = company(model_settings, tmp_path / way)
        for previous, day in zip([dt.date.min, *days], days, strict=False):
            deliver(lake, FEW, day, previous)
            reading.run(day, settings)
            identity.run(day, settings)
            journeys.run(day, settings)
        hashes.append({name: lake.content_hash(name) for name in (TEXTS, "journeys/touchpoints")})
    assert hashes[0] == hashes[1]
    found = {row["reference"]: (row["type"], row["tone"], row["valence"]) for row in
             lake.arrow("journeys/touchpoints").to_pylist()}  # fmt: skip
    assert found == {
        "r1:why": ("text", "positive", "positive"),
        "r1:recommend": ("nps", "negative", "positive"),  # what was rated goes before what was written
        "r2:why": ("text", "positive", "positive"),  # as corrected
        "r3:why": ("text", None, "positive"),  # nothing tells, so as the catalogue expects
        "d4": ("conversation", "neutral", "neutral"),  # began badly and ended well
        "v1": ("review", "negative", "negative"),
    }


def many(number, seed=1):
    """Surveys with a score beside the comment, and chats with a topic, of one day."""
    chance = random.Random(seed)
    scores = {"positive": (9, 10), "neutral": (7, 8), "negative": (0, 6)}
    rows = []
    for n in range(number):
        mood = chance.choice(sorted(scores))
        rows.append(answer(n, DAYS[0], comment=" ".join(chance.sample(OPINIONS["nl"][mood], 2))))
        score = float(chance.randint(*scores[mood]))
        rows.append(answer(n, DAYS[0], question_id="recommend", kind="nps", score=score, scale_max=10.0))
        topic = chance.choice(("refund", "delivery"))
        asked = {"refund": "ik wil mijn geld terug van de factuur", "delivery": "waar blijft mijn pakket"}[topic]
        rows += [conversation(n, DAYS[0], topic=topic), message(n, DAYS[0], f"{asked} nummer {n}")]
        rows.append(message(n, DAYS[0], "bedankt", 13))
    return rows


@pytest.fixture
def learned(model_settings, tmp_path):
    """A company with models of texts, of which the texts of a day are read."""
    settings, lake = company(model_settings, tmp_path / "lake", {"mood": SENTIMENT, "wish": WISH, "themes": THEMES})
    deliver(lake, many(200), DAYS[0])
    reading.run(DAYS[0], settings)
    return settings, lake


def test_models_learn_from_scores_and_topics_beside_the_texts_and_read_what_comes_after(learned, tmp_path):
    settings, lake = learned
    results = {name: models.train(name, DAYS[0], settings) for name in ("mood", "wish", "themes")}
    assert {name: one["decision"] for name, one in results.items()} == dict.fromkeys(results, "promoted"), results
    assert results["mood"]["accuracy"] >= 0.9
    assert results["mood"]["gain_over_the_lexicon"] > 0
    assert results["wish"]["accuracy"] == 1.0
    assert models.train("mood", DAYS[0], settings) == results["mood"], "the same again changes nothing"
    assert len(Registry(settings).versions("mood")) == 1

    deliver(lake, [answer("x", DAYS[1], comment="De app loopt steeds vast bij het afrekenen, ik bel 06-12345678"),
                   message("y", DAYS[1], "waar blijft het pakket")], DAYS[1], DAYS[0])  # fmt: skip
    assert reading.run(DAYS[1], settings)["read_by"] == "mood 1, themes 1, wish 1"
    found = said(lake)
    assert (found["rx:why", 2]["tone"], found["my.12", 2]["intent"]) == ("negative", "delivery")
    assert "pakket" in found["my.12", 2]["theme"]
    assert found["rx:why", 2]["model_version"] == "mood 1, themes 1, wish 1"
    assert found["r1:why", 1]["model_version"] == "lexicon", "what was read stays as it was read"

    version = Registry(settings).champion("mood")
    files = Registry(settings).files(version)
    assert not [name for name in files if name.endswith((".pkl", ".pickle", ".joblib"))]
    assert not [name for name, data in files.items() if b"12345678" in data], "no personal data in the registry"
    folder = next(path.parent for path in (tmp_path / "mlruns" / "artifacts" / "mood").rglob("MLmodel"))
    code = """
import json, sys
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
print(json.dumps(model.predict(pd.DataFrame({"text": json.loads(sys.argv[2])})).tolist()))
import jobs
assert jobs.__file__.startswith(sys.argv[1]), jobs.__file__
"""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    asked = json.dumps(["De bezorging was veel te laat en niemand belde", "Fijne winkel met een ruim assortiment"])
    told = subprocess.run([sys.executable, "-I", "-c", code, str(folder), asked], cwd=tmp_path, env=environment,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout.splitlines()[-1]) == ["negative", "positive"]


def test_too_few_labelled_texts_are_told_and_are_no_failure(model_settings, tmp_path):
    settings, lake = company(model_settings, tmp_path / "lake", {"mood": SENTIMENT})
    deliver(lake, FEW, DAYS[1])
    reading.run(DAYS[1], settings)
    result = models.train("mood", DAYS[1], settings)
    assert result["decision"] == "waiting"
    assert "about 100 are needed" in result["reason"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"learns_from": []}, r"mood\.yaml.*say which texts have labels"),
        ({"answers": "theme"}, r"mood\.yaml.*themes are found without labels"),
        ({"learns_from": [{"texts": "revieuws", "label": "rating"}], "answers": "intent"},
         r"mood\.yaml:\d+: learns_from\.0\.texts: there are no texts in 'revieuws'.*reviews"),
        ({"learns_from": [{"texts": "reviews", "classes": {"bad": "true"}}]}, r"'bad' is no class of sentiment"),
        ({"learns_from": [{"texts": "reviews", "classes": {"negative": "ratin <= 2"}}]},
         r"mood\.yaml:\d+: learns_from\.0\.classes\.negative: .*ratin.*rating"),
        ({"learns_from": [{"texts": "messages", "labels": "conversations", "label": "topic"}], "answers": "intent"},
         r"labels: say in `by` which column"),
        ({"learns_from": [{"texts": "reviews", "classes": {"negative": "true"}, "label": "rating"}]}, "say either"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_file_of_a_model_of_texts_is_told_with_its_place(settings, change, told):
    with pytest.raises(ConfigError, match=told):
        settings({"models/mood.yaml": {**SENTIMENT, **change}})


def test_a_language_that_nobody_can_tell_is_told(settings, tmp_path):
    general = {"company": "T", "landing": "in", "lake": str(tmp_path / "l"), "languages": ["nl", "qq"]}
    with pytest.raises(ConfigError, match=r"settings\.yaml:\d+: languages: nobody here can tell 'qq'"):
        Readers.of(settings({"settings.yaml": general}))


def test_no_model_of_texts_scores_a_customer(learned):
    settings, _ = learned
    assert text.score(models.Asked("mood", DAYS[0], None, None, None, None, settings)).rows.empty
