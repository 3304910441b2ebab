"""A model is a file of its kind; what is wrong in it is told with file, line and key. Under a second."""

import pytest

from jobs.config.models.kinds import KINDS
from jobs.config.models.segment import Segment
from jobs.config.yaml_files import ConfigError
from tests.company import CHURN, FOR_PEOPLE, SEGMENTATION

VALUE = {"kind": "value", **FOR_PEOPLE, "purchases": "orders_90d", "worth": "revenue"}
RECOMMEND = {"kind": "recommend", **FOR_PEOPLE, "rows_of": "lines"}


def habits(**changed):
    """The file of a model of habits with one preference."""
    return {
        "kind": "habits",
        **FOR_PEOPLE,
        "preferences": {"brand": {"rows_of": "lines", "column": "brand", **changed}},
    }


OLD = "features: [recency_days, orders_90d]\nchurn:\n  horizon_days: 28\nsegmentation:\n  features: [recency_days]\n"


def told(split="time", features=(), **label):
    """A model of what a trait says."""
    declared = {"features": list(features), "label": {"trait": "plan", **label}, "split": split}
    return {**CHURN, "active_days": None, **declared}


def problems(settings, files):
    with pytest.raises(ConfigError) as caught:
        settings(files)
    return [problem.rpartition("/config/")[2] for problem in caught.value.problems]


def test_several_models_of_one_kind_are_told_apart_by_their_files(settings):
    found = settings({"models/rhythm.yaml": {**SEGMENTATION, "title": "Rhythm", "k_max": 4}}).learned
    assert {name: one.kind for name, one in found.items()} == {
        "churn": "classify",
        "rhythm": "segment",
        "segmentation": "segment",
    }
    assert isinstance(found["rhythm"], Segment)
    assert (found["rhythm"].k_max, found["segmentation"].k_max) == (4, 8)


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ({**CHURN, "kind": "clasify"}, "kind: unknown kind 'clasify'; did you mean 'classify'?"),
        ({**CHURN, "horizon": 3}, "unknown key 'horizon'"),
        ({**CHURN, "owner": None}, "owner: is empty; write a value, or take the key away"),
        ({**CHURN, "features": ["recency"]}, "unknown feature 'recency'; did you mean 'recency_days'?; name it in"),
        ({**CHURN, "baseline": "orders"}, "baseline: unknown feature 'orders'"),
        ({**CHURN, "label": {"rows_of": "orders"}}, "label.rows_of: unknown trait 'orders'"),
        ({**CHURN, "label": {"rows_of": "twice"}}, "label.rows_of: trait 'twice' has no rows: name one with `over`"),
        ({**CHURN, "label": {}}, "label: say either `rows_of`, what happens or not, or `trait`"),
        ({**CHURN, "label": {"trait": "plan"}}, "label: values: name the values of the trait that are the outcome"),
        (told(values=["a"]), "label: say after how many days the trait is asked, `within_days`, or that there is no"),
        (told(values=["a"], within_days=7, split="random"), "split: `random` is for a `trait` of the day itself"),
        (told(values=["a"], others=["a"], within_days=7), "label.others: 'a' is among `values` too"),
        (told(values=[1], within_days=7), "label.values.0: 1 is no string, the type of 'plan'"),
        (
            told(values=["a"], split="random"),
            "label.trait: feature 'plan' is the label itself: the model would know the answer. Name `features` without",
        ),
        (
            told(values=["a"], split="random", features=["recency_days", "planned"]),
            "features.1: feature 'planned' is computed from 'plan': the model would know the answer",
        ),
        ({**CHURN, "among": "orders_90d"}, "among: trait 'orders_90d' is a bigint; it must be a boolean"),
        ({**CHURN, "baseline": "plan"}, "baseline: trait 'plan' is a string; it must be a bigint"),
        ({**SEGMENTATION, "features": ["plan"]}, "features.0: trait 'plan' is a string; segments are found in numbers"),
        ({**CHURN, "bands": {"high": 0.5}}, "bands: one band must start at 0"),
        ({**VALUE, "purchases": "orders"}, "purchases: unknown trait 'orders'; did you mean 'orders_90d'?"),
        ({**VALUE, "purchases": "twice"}, "purchases: trait 'twice' has no rows: name one with `over`"),
        ({**VALUE, "worth": "orders_90d"}, "worth: trait 'orders_90d' adds nothing up: name one whose value is sum("),
        ({**VALUE, "survival_by": "segments"}, "survival_by: unknown model 'segments'; did you mean 'segmentation'?"),
        ({**VALUE, "bands": {"top": 0.5}}, "bands: are shares of customers from 0 to below 1"),
        ({**VALUE, "features": ["recency"]}, "features.0: unknown feature 'recency'"),
        ({**RECOMMEND, "rows_of": "line"}, "rows_of: unknown trait 'line'; did you mean 'lines'?"),
        (
            {**RECOMMEND, "rows_of": "orders_90d"},
            "rows_of: trait 'orders_90d' is over orders; items are in order_lines",
        ),
        ({**RECOMMEND, "purpose": "market"}, "purpose: unknown purpose 'market'; did you mean 'marketing'?"),
        ({**RECOMMEND, "ridge": [0]}, "ridge: name the weights to try, none below 0, and of ridge above 0"),
        (habits(rows_of="line"), "preferences.brand.rows_of: unknown trait 'line'; did you mean 'lines'?"),
        (habits(sensitive=True), "purpose: what is sensitive is computed only of customers who said yes"),
        (habits(sensitive=True, purpose="care"), "preferences.brand.purpose: unknown purpose 'care'"),
        (
            {"kind": "habits", **FOR_PEOPLE, "recurring": {"dieet": {"rows_of": "lines", "column": "brand"}}},
            "recurring.dieet: may tell of health, diet, religion or the like: say sensitive: true and the purpose",
        ),
        ({"kind": "habits", **FOR_PEOPLE}, "preferences and recurring: name at least one"),
        ({**SEGMENTATION, "words": {"recency": {"high": "a", "low": "b"}}}, "words.recency: unknown feature 'recency'"),
    ],
)
def test_what_is_wrong_in_the_file_of_a_model_is_told_with_file_line_and_key(settings, file, problem):
    traits = settings().traits
    named = {name: trait.model_dump(exclude_none=True) for name, trait in traits.items()}
    named["revenue"] = {"title": "t", "over": "orders", "value": "sum(total)", "type": "decimal(18,2)"}
    named["lines"] = {"title": "t", "over": "order_lines", "value": "count(*)", "type": "bigint"}
    named["twice"] = {"title": "t", "value": "orders_90d * 2", "type": "bigint"}
    named["plan"] = {"title": "t", "over": "contacts", "value": "latest(gender)", "type": "string"}
    named["planned"] = {"title": "t", "value": "plan is not null", "type": "boolean"}
    shared = {"features": [name for name in named if name != "twice"]}
    found = problems(settings, {"traits.yaml": {"traits": named}, "models.yaml": shared, "models/mine.yaml": file})
    assert all(one.startswith("models/mine.yaml:") for one in found)
    assert problem in found[0] or problem in found[-1]


@pytest.mark.parametrize("name", ["Churn", "churn-risk", "1st", "matching"])
def test_the_name_of_a_model_is_one_that_a_column_can_have_and_that_is_free(settings, name):
    [found] = problems(settings, {f"models/{name}.yaml": CHURN})
    assert found.startswith(f"models/{name}.yaml: the name of a model is that of its file")


def test_models_in_the_shared_file_are_sent_to_files_of_their_own_in_one_message(settings):
    [found] = problems(settings, {"models.yaml": OLD})
    assert found.startswith("models.yaml:2: churn: each model is a file of its own now")
    assert "models/churn.yaml, with `kind: classify`" in found
    assert "models/segmentation.yaml, with `kind: segment`" in found


def test_a_company_may_have_no_models_at_all(settings, config):
    folder = config()
    for file in (folder / "models").glob("*.yaml"):
        file.unlink()
    from jobs.config.settings import load_settings

    assert load_settings(folder).learned == {}
    assert set(KINDS) >= {"classify", "segment"}
