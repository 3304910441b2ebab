"""How long customers stay: published numbers and the ends of a curve. Costs half a second."""

import numpy as np
import pandas as pd

from jobs.models.value import stays, survival
from tests.shared_data import folder


def test_the_curve_of_the_telco_company_is_that_of_lifelines():
    rows = pd.read_csv(next(folder("churn_ibm_telco").glob("*.csv*")))
    found = survival.curve(rows["tenure"].to_numpy(), (rows["Churn"] == "Yes").to_numpy())
    assert [round(survival.at(found, months)[0], 4) for months in (12, 24, 48)] == [0.8432, 0.7887, 0.7088]
    assert [round(end, 4) for end in survival.at(found, 24)[1:]] == [0.7783, 0.7987]


def test_who_is_still_there_is_at_risk_and_no_more():
    found = survival.curve(np.array([1, 2, 2, 3]), np.array([True, False, True, True]))
    assert found[["days", "share", "at_risk", "ended"]].round(4).values.tolist() == [
        [1, 0.75, 4, 1],
        [2, 0.5, 3, 1],
        [3, 0.0, 1, 1],
    ]
    assert survival.at(found, 0.5) == (1.0, 1.0, 1.0)
    assert survival.at(found, 99) == (0.0, 0.0, 0.0), "nobody is left"
    assert survival.median(found) == 2
    assert survival.median(survival.curve(np.array([1, 5]), np.array([False, False]))) is None


def test_the_interval_holds_the_share_and_stays_between_0_and_1():
    found = survival.curve(np.arange(40) % 13, np.arange(40) % 3 > 0)
    assert ((found["low"] <= found["share"]) & (found["share"] <= found["high"])).all()
    assert found[["low", "high"]].stack().between(0, 1).all()


def test_customers_leave_with_their_last_purchase_once_they_were_silent_for_long():
    people = pd.DataFrame(
        {
            "customer_id": ["gone", "silent", "fresh"],
            "first_ago": [400.0, 400.0, 30.0],
            "last_ago": [200.0, 179.0, 30.0],
        }
    )
    found = stays.by_part(people, {"gone": "bargain", "fresh": "bargain"}, lapsed_days=180)
    assert found[["part", "days", "share", "at_risk"]].values.tolist() == [
        ["all", 200.0, 0.5, 2],
        ["bargain", 200.0, 0.0, 1],
    ]
    nobody = stays.by_part(people.iloc[:0], {}, 180)
    assert nobody.empty
    assert stays.by_part(people.iloc[2:], {}, 180).empty, "nobody has left yet"
