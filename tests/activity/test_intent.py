"""Purchase intent: points of a visit for its signs, declared by people and told in words; how well they sort visits."""

import pandas as pd
import pytest
from pydantic import ValidationError

from jobs.activity.intent import with_intent
from jobs.config.journey.intent import Intent
from tests import shared_data

SIGNS = {
    "basket": {"when": "carts > 0", "points": 40, "says": "put something in the basket"},
    "stayed": {"when": "seconds >= 180", "points": 10, "says": "stayed three minutes"},
    "by_mail": {"when": "channel = 'email'", "points": 15, "says": "came by an e-mail"},
    "left": {"when": "events = 1", "points": -20, "says": "left at once"},
}
INTENT = Intent.model_validate({"signs": SIGNS, "bands": {"high": 50, "medium": 15}})


def visit(name, began, ended, **more):
    return {"session_id": name, "started_at": f"2017-03-01 {began}", "ended_at": f"2017-03-01 {ended}", **more}


def test_a_visit_has_the_points_of_its_signs_their_band_and_each_sign_in_words(rows, expect):
    visits = rows(
        "journeys/sessions",
        visit("keen", "10:00", "10:03", carts=2, channel="direct", events=9),
        visit("mailed", "10:00", "10:02:59", carts=0, channel="email", events=2),
        visit("away", "10:00", "10:00", carts=0, channel=None, events=1),
    ).drop("intent", "intent_band", "intent_signs")
    expect(
        with_intent(visits, INTENT).orderBy("session_id"),
        "session_id intent intent_band intent_signs",
        ("away", -20, "low", "[left at once: -20]"),
        ("keen", 50, "high", "[put something in the basket: +40, stayed three minutes: +10]"),
        ("mailed", 15, "medium", "[came by an e-mail: +15]"),
    )
    assert set(with_intent(visits, INTENT).columns) - set(visits.columns) == {"intent", "intent_band", "intent_signs"}
    expect(with_intent(visits.limit(1), None), "intent intent_band intent_signs", (None, None, None))


SHOPPERS = {
    "worth": {"when": "PageValues > 0", "points": 50, "says": "saw pages that others order from"},
    "worth_much": {"when": "PageValues > 10", "points": 10, "says": "saw pages that many order from"},
    "november": {"when": "Month = 'Nov'", "points": 10, "says": "came in November"},
    "goes_on": {"when": "ExitRates < 0.02", "points": 10, "says": "saw pages that few leave from"},
    "leaves": {"when": "ExitRates > 0.06", "points": -10, "says": "saw pages that many leave from"},
    "compares": {"when": "ProductRelated >= 20", "points": 10, "says": "looked at twenty products"},
    "new": {"when": "VisitorType = 'New_Visitor'", "points": 10, "says": "was here for the first time"},
}


def test_points_written_by_hand_order_published_visits_nearly_as_well_as_what_is_learned(spark):
    file = shared_data.folder("sessions_online_shoppers") / "online_shoppers_train80.csv.gz"
    asked = ["PageValues", "Month", "ExitRates", "ProductRelated", "VisitorType", "Revenue"]
    frame = pd.read_csv(file)[asked].assign(started_at=pd.Timestamp(0), ended_at=pd.Timestamp(0))
    intent = Intent.model_validate({"signs": SHOPPERS})
    found = with_intent(spark.createDataFrame(frame), intent).select("intent", "intent_band", "Revenue").toPandas()
    ranks, ordered = found["intent"].rank(), found["Revenue"].astype(bool)
    buyers, others = ordered.sum(), (~ordered).sum()
    auc = (ranks[ordered].sum() - buyers * (buyers + 1) / 2) / (buyers * others)
    assert auc >= 0.885, "a model that learned from four fifths of these visits reaches 0.92"
    shares = found.groupby("intent_band")["Revenue"].mean()
    assert shares["high"] > 0.5 > 0.2 > shares["medium"] > shares["low"]


@pytest.mark.parametrize(
    ("signs", "bands", "told"),
    [
        ({"basket": {**SIGNS["basket"], "points": 0}}, {"high": 50}, "a sign of 0 points changes nothing"),
        (SIGNS, {"high": 50, "medium": 50}, "two bands begin at the same points"),
        (SIGNS, {"low": 15}, "low is what visits with fewer points than all bands are called"),
        ({}, {"high": 50}, "at least 1 item"),
    ],
)
def test_points_and_bands_that_tell_nothing_are_refused(signs, bands, told):
    with pytest.raises(ValidationError, match=told):
        Intent.model_validate({"signs": signs, "bands": bands})
