"""What runs when: the DAGs, their tasks, the assets that chain them, and the policy every DAG follows."""

import ast
import inspect
from pathlib import Path

import pytest

from jobs import pipeline
from jobs.cli.local import airflow_client, stack
from tests.dags.small_configuration import audience, source

NIGHTLY, BY_ASSETS, WEEKLY = "CronPartitionTimetable", "PartitionedAssetTimetable", "CronTriggerTimetable"
BY_HAND, WHEN_FILES_LAND = "NullTimetable", "AssetOrTimeSchedule"

DAGS = Path(__file__).resolve().parents[2] / "dags"
INGEST_TASKS = {"load_and_validate": ["publish"], "publish": []}
GRAPH = {
    "ingest_crm": (NIGHTLY, [], ["valid/crm"], INGEST_TASKS),
    "ingest_survey": (NIGHTLY, [], ["valid/survey"], INGEST_TASKS),
    "ingest_chat": (NIGHTLY, [], ["valid/chat"], INGEST_TASKS),
    "ingest_web": (NIGHTLY, [], ["valid/web"], INGEST_TASKS),
    "build_profiles": (
        BY_ASSETS,
        ["valid/chat", "valid/crm", "valid/survey", "valid/web"],
        ["profiles"],
        {"keep_out": ["identity"], "identity": ["golden_records"], "golden_records": []},
    ),
    "map_journeys": (
        BY_ASSETS,
        ["profiles"],
        ["journeys", "models/features"],
        {
            "texts": ["journeys"],
            "journeys": ["alerts", "traits"],
            "alerts": [],
            "traits": ["paths"],
            "paths": ["journey_map"],
            "journey_map": [],
        },
    ),
    "score_customers": (
        BY_ASSETS,
        ["models/features"],
        ["models/retraining_due", "models/scores"],
        {"score": [], "retraining_due": []},
    ),
    "retrain_models": (BY_ASSETS, ["models/retraining_due"], [], {"due": ["train"], "train": []}),
    "build_audiences": (
        BY_ASSETS,
        ["journeys", "models/scores"],
        ["audiences"],
        {"members": ["context", "effects"], "context": [], "effects": []},
    ),
    "push_audiences": (
        BY_ASSETS,
        ["audiences"],
        ["activation/deliveries"],
        {
            "plan": ["push_ads", "push_email"],
            "push_email": ["account"],
            "push_ads": ["account"],
            "account": [],
        },
    ),
    "replay_quarantine": (
        BY_HAND,
        [],
        ["valid/chat", "valid/crm", "valid/survey", "valid/web"],
        {
            "replay": ["account", "publish_chat", "publish_crm", "publish_survey", "publish_web"],
            **{f"publish_{group}": [] for group in ("crm", "survey", "chat", "web")},
            "account": [],
        },
    ),
    "approve_actions": (BY_HAND, [], [], {"waiting": ["ask", "keep"], "ask": ["keep"], "keep": []}),
    "approve_models": (BY_HAND, [], [], {"waiting": ["ask", "keep"], "ask": ["keep"], "keep": []}),
    "review_matches": (BY_HAND, [], [], {"pairs": ["ask", "keep"], "ask": ["keep"], "keep": []}),
    "follow_moments": (
        WHEN_FILES_LAND,
        ["landing"],
        [],
        {
            "complete": [],
            "new_files": ["load_and_validate"],
            "load_and_validate": ["complete", "who_is_who"],
            "who_is_who": ["journeys"],
            "journeys": ["plan"],
            "plan": ["complete"],  # no audience of this company is about a moment
        },
    ),
    "erase_customers": (BY_HAND, [], [], {"people": ["ask"], "ask": ["erase"], "erase": []}),
    "tell_alerts": (BY_HAND, [], [], {"tell": []}),  # this company has no routes
    "allow_push": (BY_HAND, [], [], {"allow": []}),
    "settle_deliveries": (BY_HAND, [], [], {"settle": []}),
    "maintain_lake": (WEEKLY, [], [], {"forget_old_days": ["compact_and_vacuum"], "compact_and_vacuum": []}),
}


def test_the_graph_is_the_one_that_is_documented(parse):
    found = parse()
    assert found["errors"] == {}
    graph = {
        name: (dag["schedule"], dag["starts_on"], dag["updates"], dag["tasks"]) for name, dag in found["dags"].items()
    }
    assert graph == GRAPH


def test_every_asset_a_dag_waits_for_is_made_by_exactly_one_other_dag_that_runs_by_itself(parse):
    dags = {name: dag for name, dag in parse()["dags"].items() if dag["schedule"] != BY_HAND}
    makers = [(asset, name) for name, dag in dags.items() for asset in dag["updates"]]
    waited_for = {asset for dag in dags.values() for asset in dag["starts_on"]} - {"landing"}  # a watcher tells of it
    assert len({asset for asset, _ in makers}) == len(makers)
    assert waited_for <= {asset for asset, _ in makers}


def test_every_dag_says_what_it_does_who_owns_it_and_when_to_give_up(parse):
    for name, dag in parse()["dags"].items():
        assert dag["file"] == ("ingest_sources.py" if name.startswith("ingest_") else f"{name}.py")
        assert dag["doc"].startswith("### "), name
        assert len(dag["description"]) > 20, name
        assert dag["tags"], name
        assert all(dag["task_docs"].values()), name
        assert dag["owners"] == ["data-platform"], name
        assert dag["retries"] == [3], name
        assert max(dag["timeouts"]) < dag["run_timeout"], name
        assert dag["tells_why"], name
        assert dag["max_active_runs"] == 1, name
        assert not dag["catchup"], name
        assert "day" in dag["params"], name


def test_a_parse_loads_nothing_heavy_opens_no_connection_and_takes_under_two_seconds_of_work_per_file(parse):
    found = parse()
    heavy = {
        "pyspark",
        "pandas",
        "pyarrow",
        "deltalake",
        "mlflow",
        "great_expectations",
        "pysail",
        "lightgbm",
        "duckdb",
    }
    assert not heavy & set(found["loaded"])
    assert found["connections"] == []
    assert max(found["seconds"].values()) < 2


def test_a_delivery_task_waits_in_the_pool_of_its_channel(parse):
    pools = parse()["dags"]["push_audiences"]["pools"]
    assert (pools["push_email"], pools["push_ads"]) == ("channel_email", "channel_ads")


def test_groups_are_free_words_each_with_a_dag_that_profiles_wait_for(parse):
    found = parse({"sources/desk.yaml": None, "sources/till.yaml": source("till", "stores")})
    assert found["errors"] == {}
    groups = {name for name in found["dags"] if name.startswith("ingest_")}
    assert groups == {"ingest_crm", "ingest_survey", "ingest_web", "ingest_stores"}
    assert found["dags"]["ingest_stores"]["tasks"] == INGEST_TASKS
    assert found["dags"]["build_profiles"]["starts_on"] == ["valid/crm", "valid/stores", "valid/survey", "valid/web"]
    assert "publish_stores" in found["dags"]["replay_quarantine"]["tasks"]


def test_a_company_of_one_group_has_one_dag_that_begins_the_day(parse):
    found = parse({f"sources/{name}.yaml": None for name in ("poll", "desk", "site")})
    assert found["errors"] == {}
    assert found["dags"]["build_profiles"]["starts_on"] == ["valid/crm"]


def steps_of(file):
    """The steps a file of dags/ names, in its order: `step("score")` is score."""
    calls = [node for node in ast.walk(ast.parse((DAGS / file).read_text())) if isinstance(node, ast.Call)]
    named = [node for node in calls if getattr(node.func, "id", "") == "step"]
    return [node.args[0].value for node in sorted(named, key=lambda node: (node.lineno, node.col_offset))]


def test_the_dags_of_a_day_do_the_steps_of_the_pipeline_in_its_order(parse):
    waiting = {name: dag for name, dag in parse()["dags"].items() if "daily" in dag["tags"]}
    made, files = set(), {}
    while waiting:
        ready = [name for name, dag in waiting.items() if set(dag["starts_on"]) <= made]
        assert ready, f"nothing makes what these wait for: {sorted(waiting)}"
        files |= {waiting[name]["file"]: None for name in sorted(ready)}
        made |= {asset for name in ready for asset in waiting.pop(name)["updates"]}
    steps = [step for file in files for step in steps_of(file)]
    assert steps == [name for name in pipeline.STEP_NAMES if name != "train"], "models are trained when one is due"


def test_a_run_within_the_day_does_the_same_steps_in_the_same_order_and_pushes_what_is_about_a_moment(parse):
    steps = steps_of("follow_moments.py")
    assert steps == [name for name in pipeline.STEP_NAMES if name in steps]
    assert set(pipeline.STEP_NAMES) - set(steps) == {"paths", "map", "train", "score", "effects"}
    about_one = {**audience("now", "marketing", {"newsletter": {"template": "now"}}), "moment": "buy"}
    followed = parse({"audiences/now.yaml": about_one})["dags"]["follow_moments"]
    assert followed["tasks"]["plan"] == ["complete", "push_email"]
    assert followed["pools"]["push_email"] == "channel_email"


def test_the_local_stack_finds_the_dags_of_a_day_and_of_the_models_by_their_tags(parse):
    dags = parse()["dags"]
    tagged = {tag: {name for name, dag in dags.items() if tag in dag["tags"]} for tag in ("daily", "ingest")}
    assert (airflow_client.DAILY, airflow_client.NIGHTLY, airflow_client.TRAINING) == ("daily", "ingest", "training")
    assert tagged["daily"] & tagged["ingest"] == {n for n, dag in dags.items() if dag["schedule"] == NIGHTLY}
    with_a_dag = {path.name for path in DAGS.glob("*.py")} - stack.NO_DAGS
    assert with_a_dag == {dag["file"] for dag in dags.values()}


def test_one_dag_trains_every_declared_model(parse):
    training = {name: dag for name, dag in parse()["dags"].items() if "training" in dag["tags"]}
    assert set(training) == {"retrain_models"}
    assert steps_of(training["retrain_models"]["file"]) == ["train"]


def test_every_step_is_a_function_of_its_part_the_day_and_the_configuration():
    for step in pipeline.STEPS:
        parameters = inspect.signature(step.function).parameters.values()
        needed = [one.name for one in parameters if one.default is one.empty]
        parts = {"feedback": 1, "ingest": 1, "validate": 1, "train": 1, "push": 2}.get(step.name, 0)
        assert (len(needed[:-2]), needed[-2:]) == (parts, ["day", "settings"]), step.name


@pytest.mark.parametrize("name", ["settings.yaml", "audiences/win_back.yaml"])
def test_a_broken_configuration_stops_all_dags_and_says_where(parse, name):
    found = parse({name: "company: [unclosed"})
    assert found["dags"] == {}
    assert all(f"{name}:1: not valid YAML" in error for error in found["errors"].values())
