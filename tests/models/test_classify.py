"""Any label: a column, a trait of later days, rows that come or not. About 20 CPU seconds, most for two data sets."""

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.model_selection import StratifiedKFold

from benchmarks import visits
from jobs.activity import traits
from jobs.activity.known_rows import Known
from jobs.config.models.classify import Classify, Label
from jobs.errors import NotTrainable
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from jobs.models import models, scoring
from jobs.models.classify import blend, classifier, classify, line, outcomes
from jobs.models.classify.outcomes import LABEL
from tests import shared_data
from tests.company import CHURN, FOR_PEOPLE
from tests.models.shop_rows import table

DAY = dt.date(2024, 1, 31)
AT = dt.datetime(2024, 1, 30, 12, tzinfo=dt.UTC)
TELCO = "churn_ibm_telco/telco_customer_churn.csv.gz"
SHOPPERS = "sessions_online_shoppers/online_shoppers_train80.csv.gz"


def told(column, kind):
    """A trait that says what an attribute of the contact says."""
    text = f"get_json_object(attributes, '$.{column}')"
    value = f"latest({text})" if kind == "string" else f"latest(try_cast({text} as {kind}))"
    return {"title": column, "over": "contacts", "value": value, "type": kind}


def company(settings, frame, label, **more):
    """Settings of a company whose contacts are the rows of `frame`, with one model, and its lake with these rows."""
    kinds = {name: "string" if frame[name].dtype == object else "double" for name in frame.columns}
    declared = {"kind": "classify", **FOR_PEOPLE, "label": label, "split": "random", **more}
    loaded = settings(
        {
            "traits.yaml": {"traits": {name: told(name, kind) for name, kind in kinds.items()}},
            "models.yaml": {"features": [name for name in kinds if name != label["trait"]]},
            "models/churn.yaml": None,
            "models/segmentation.yaml": None,
            "models/mine.yaml": declared,
        }
    )
    records = frame.astype(object).where(frame.notna(), None).to_dict("records")
    contacts = [
        {"source": "crm", "contact_id": f"k{n}", "updated_at": AT, "arrived": DAY, "attributes": json.dumps(record),
         "file_id": "f", "line": n}
        for n, record in enumerate(records)
    ]  # fmt: skip
    people = [
        {"identifier": identifier_hash("contact", f"crm:k{n}", loaded), "kind": "contact", "customer_id": f"c{n:05d}"}
        for n in range(len(records))
    ]
    lake = Lake.of(loaded)
    lake.append("valid/contacts", table("valid/contacts", contacts), lake.transaction("load", DAY))
    lake.replace("identity/map", table("identity/map", people), lake.transaction("identify", DAY))
    return loaded, lake


@pytest.fixture
def learned(model_settings, settings):
    """`learned(frame, label)`: what training on contacts with these attributes told, the settings and the lake."""
    model_settings()

    def build(frame, label, **more):
        loaded, lake = company(settings, frame, label, **more)
        traits.run(DAY, loaded)
        return models.train("mine", DAY, loaded), loaded, lake

    return build


def five_folds(loaded, lake):
    """Area under the curve of five folds, over the rows and features the model learned from and was judged on."""
    declared = loaded.learned["mine"]
    txn = lake.transaction("again", DAY, reads=["valid/contacts", "identity/map"])
    split = outcomes.split(txn, DAY, declared, loaded)
    frame = pd.concat([split.learn, split.judge], ignore_index=True)
    names, label = declared.learned_from(loaded.models), frame[LABEL].to_numpy()
    found = []
    for learn, judge in StratifiedKFold(5, shuffle=True, random_state=0).split(frame, label):
        rows, ids = frame.iloc[learn].reset_index(drop=True), frame["customer_id"].iloc[learn].to_numpy()
        model = blend.fit(rows[names], label[learn], ids, 1, declared.parameters)
        found.append(classifier.auc(label[judge], model.predict(frame.iloc[judge])))
    return float(np.mean(found))


def test_a_column_of_contracts_that_ended_is_predicted_as_well_as_published(learned):
    frame = pd.read_csv(shared_data.folder("churn_ibm_telco") / TELCO.split("/")[1])
    frame["TotalCharges"] = pd.to_numeric(frame["TotalCharges"], errors="coerce")
    frame = frame.drop(columns="customerID").rename(columns=lambda name: f"x_{name.lower()}")
    result, loaded, lake = learned(frame, {"trait": "x_churn", "values": ["Yes"]})
    assert result["decision"] == "promoted", result["reason"]
    assert result["judged_rows"] + result["learned_rows"] == 7043
    assert result["auc"] >= 0.83, "one fifth of the customers: its noise is 0.01"
    assert five_folds(loaded, lake) >= 0.851, "published: 0.843 to 0.856, by grid search"

    scored = scoring.run(DAY, loaded)["mine"]
    assert scored["scored"] == 7043
    rows = lake.arrow("models/scores", day=DAY).to_pylist()
    assert all(len(row["reasons"]) == 3 for row in rows)
    assert any("Month-to-month (raises" in reason for row in rows for reason in row["reasons"])


def test_the_purpose_of_a_visit_to_buy_is_predicted_by_the_same_kind(learned):
    frame = pd.read_csv(shared_data.folder("sessions_online_shoppers") / SHOPPERS.split("/")[1])
    codes = ["TrafficType", "Weekend", "Revenue"]
    frame = (
        frame.drop(columns=["row_id", *visits.LEFT_OUT])
        .astype(dict.fromkeys(codes, str))
        .rename(columns=lambda c: f"x_{c.lower()}")
    )
    label = {"trait": "x_revenue", "values": ["True"], "others": ["False"]}
    result, _, _ = learned(frame, label, parameters=visits.PARAMETERS)
    assert result["decision"] == "promoted", result["reason"]
    assert result["auc"] >= 0.92
    assert result["judged_rows"] >= 1800


def people(count=400, seed=0):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"size": random.normal(size=count), "plan": random.choice(["basic", "full", "trial"], count)})
    risk = 1 / (1 + np.exp(-(1.5 * frame["size"] + 2 * (frame["plan"] == "trial") - 1)))
    return frame.assign(left=np.where(random.random(count) < risk, "gone", "here"))


GONE = {"trait": "left", "values": ["gone"]}


def test_a_category_never_seen_is_scored_as_one_of_which_nothing_is_known(learned):
    result, loaded, lake = learned(people(), GONE)
    assert result["decision"] == "promoted", result["reason"]
    features = lake.arrow("models/features", day=DAY).to_pandas()
    new = features.assign(plan=["platinum" if n % 2 else None for n in range(len(features))], size=0.5)
    schema = lake.contract("models/features").arrow_schema()
    later = DAY + dt.timedelta(days=1)
    rows = pa.Table.from_pandas(new.assign(day=later), schema, preserve_index=False)
    lake.replace("models/features", rows, lake.transaction("features", later), day=later)
    scored = scoring.run(later, loaded)["mine"]
    assert scored["scored"] == 400
    assert len(set(lake.arrow("models/scores", day=later)["score"].to_pylist())) == 1
    assert "plan" in scored["worst"], "and is noticed: nobody had that plan"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (
            {"left": "here"},
            r"of the rows to learn from, 0 rows have the outcome and 3\d\d have not; at least 10 of each",
        ),
        ({"left": None}, "0 rows have the outcome and 0 have not"),
        ({"size": 1.0, "plan": None}, "every feature is constant or empty"),
    ],
)
def test_what_cannot_be_learned_waits_with_the_reason_and_the_day_goes_on(learned, changed, reason):
    result, loaded, _ = learned(people().assign(**changed).astype({"left": object, "plan": object}), GONE)
    assert result["decision"] == "waiting"
    assert pd.Series([result["reason"]]).str.contains(reason).all(), result["reason"]
    assert scoring.run(DAY, loaded)["mine"] == {"scored": 0, "reason": f"{DAY}: {result['reason']}"}


def test_ten_customers_are_too_few_and_nobody_at_all_is_no_error(learned):
    result, _, _ = learned(people(10), GONE)
    assert "at least 10 of each are needed" in result["reason"]
    assert result["reason"].endswith("Until then each day tries again")


def outcomes_of(told_values, **label):
    found = outcomes.outcomes(pd.Series(told_values, dtype=object), Label(trait="x", **label))
    return [None if np.isnan(one) else int(one) for one in found]


def test_values_of_a_label_are_the_outcome_or_not_and_whoever_has_none_is_left_out():
    assert outcomes_of(["Yes", "No", None], values=["Yes"]) == [1, 0, None]
    assert outcomes_of(["gone", "here", "asleep"], values=["gone"], others=["here"]) == [1, 0, None]
    assert outcomes_of([2.0, 0.0, 1.0], values=[2, 1], others=[0]) == [1, 0, 1]
    assert outcomes_of([1.0, 0.0, None], values=[True]) == [1, 0, None]


def test_a_label_of_three_values_asks_which_of_them_mean_no_and_names_none_of_the_data():
    with pytest.raises(NotTrainable, match=r"'x' has 2 values besides gone; say in `label.others`") as told_why:
        outcomes_of(["gone", "here", "ann@example.com"], values=["gone"])
    assert "ann@" not in str(told_why.value)


def order(day, customer="anna"):
    return {"order_id": f"{customer}{day}", "loyalty_id": customer, "ordered_at": f"{day} 10:00:00", "total": 20}


def labels(shop_tables, small_shop, orders, **declared):
    loaded = small_shop()
    mine = Classify(**{**CHURN, "active_days": None, **declared})
    known = Known(*shop_tables(loaded, orders), [dt.date(2017, 6, 30)], loaded)
    rows = outcomes.labelled(known, replace(known, days=[dt.date(2017, 12, 31)]), mine).collect()
    return {row["customer_id"]: row[LABEL] for row in rows}


def test_a_purchase_to_come_is_the_other_way_round_than_churn(shop_tables, small_shop):
    orders = [order("2017-06-01"), order("2017-07-10"), order("2017-06-01", "bob")]
    label = {"rows_of": "recency_days", "within_days": 28}
    assert labels(shop_tables, small_shop, orders, label=label) == {"anna": 1, "bob": 0}
    churned = {**label, "happens": False}
    assert labels(shop_tables, small_shop, orders, label=churned) == {"anna": 0, "bob": 1}


def test_each_customer_has_the_horizon_of_its_own_rhythm_up_to_the_longest(shop_tables, small_shop):
    weekly = [order(f"2017-06-{day:02d}") for day in (1, 8, 15, 22, 29)] + [order("2017-07-20")]
    rare = [order(day, "bob") for day in ("2017-04-10", "2017-05-20", "2017-07-20")]
    once = [order("2017-06-20", "carl"), order("2017-07-20", "carl")]
    label = {"rows_of": "recency_days", "happens": False, "within_days": 60, "within": "gap_days"}
    found = labels(shop_tables, small_shop, [*weekly, *rare, *once], label=label)
    assert found == {"anna": 1, "bob": 0, "carl": 1}, "days between orders: 5.6, 20 and 0, at least a day"


def test_rows_of_whom_a_model_is_about():
    frame = pd.DataFrame({"recency": [5.0, 50.0, None], "prospect": [0.0, 0.0, 1.0]})
    assert outcomes.about(frame, "prospect")["prospect"].tolist() == [1.0]
    assert len(outcomes.about(frame, None)) == 3


def test_a_rule_of_one_number_goes_the_way_it_did_before_and_places_who_has_none():
    learned, label = pd.Series([1.0, 2.0, 3.0, 4.0, None, None]), np.array([1, 1, 0, 0, 0, 0])
    order_of = classifier.by_one_feature(learned, label, pd.Series([1.0, 5.0, None]))
    assert order_of.argsort().tolist() == [2, 1, 0]
    assert classifier.by_one_feature(learned, 1 - label, pd.Series([1.0, None])).argsort().tolist() == [0, 1]


def test_a_category_of_few_customers_is_not_kept_in_a_model():
    frame = people(200).drop(columns="left")
    frame.loc[0, "plan"] = "ann@example.com"
    model = blend.fit(frame, (np.arange(200) % 2), np.arange(200), 1)
    assert "ann@" not in model.booster.model_to_string() + str(
        line.learn(classifier.shared(frame), np.arange(200) % 2, 1)
    )
    assert classify.band(np.array([0.5]), {"low": 0.0}) == ["low"]


def test_a_trait_is_asked_days_later_and_whoever_is_so_already_cannot_become_so(shop_tables, small_shop):
    loaded = small_shop()
    label = {"trait": "orders_28d", "values": [0], "others": [1, 2], "within_days": 28}
    mine = Classify(**{**CHURN, "active_days": None, "label": label})
    orders = [order(day, who) for who, days in {
        "stops": ["2017-06-20"],
        "goes_on": ["2017-06-20", "2017-07-20"],
        "had_stopped": ["2017-05-01"],
        "comes_often": ["2017-06-20", "2017-07-18", "2017-07-19", "2017-07-20"],
    }.items() for day in days]  # fmt: skip
    known = Known(*shop_tables(loaded, orders), [dt.date(2017, 6, 30)], loaded)
    found = outcomes.known_outcomes(outcomes.frame_of(outcomes.told_on(known, known, mine)), mine.label)
    assert dict(zip(found["customer_id"], found[LABEL], strict=True)) == {"stops": 1, "goes_on": 0}
    assert not {outcomes.TOLD, outcomes.BEFORE} & set(found.columns)
