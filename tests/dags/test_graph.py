"""What runs when: the DAGs, their tasks, the assets that chain them, and the policy every DAG follows."""

import pytest

NIGHTLY, BY_ASSETS, WEEKLY = "CronPartitionTimetable", "PartitionedAssetTimetable", "CronTriggerTimetable"
BY_HAND = "NullTimetable"

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
        {"identity": ["golden_records"], "golden_records": ["traits"], "traits": []},
    ),
    "map_journeys": (
        BY_ASSETS,
        ["profiles"],
        ["journeys", "models/features"],
        {"journeys": ["features"], "features": []},
    ),
    "score_customers": (
        BY_ASSETS,
        ["models/features"],
        ["models/retraining_due", "models/scores"],
        {"score": [], "retraining_due": []},
    ),
    "retrain_segmentation": (
        BY_ASSETS,
        ["models/retraining_due"],
        ["models/segmentation"],
        {"train": [], "matching": []},
    ),
    "retrain_churn": (BY_ASSETS, ["models/retraining_due"], ["models/churn"], {"train": []}),
    "build_audiences": (BY_ASSETS, ["journeys", "models/scores"], ["audiences"], {"members": []}),
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
    "review_matches": (BY_HAND, [], [], {"pairs": ["ask", "keep"], "ask": ["keep"], "keep": []}),
    "maintain_lake": (WEEKLY, [], [], {"compact_and_vacuum": []}),
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
    waited_for = {asset for dag in dags.values() for asset in dag["starts_on"]}
    assert len({asset for asset, _ in makers}) == len(makers)
    assert waited_for <= {asset for asset, _ in makers}


def test_every_dag_says_what_it_does_who_owns_it_and_when_to_give_up(parse):
    for name, dag in parse()["dags"].items():
        assert dag["file"] == f"{name}.py"
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


def test_a_group_without_sources_still_lets_the_chain_run(parse):
    found = parse({"sources/desk.yaml": None})
    assert found["errors"] == {}
    assert found["dags"]["ingest_chat"]["tasks"] == INGEST_TASKS


@pytest.mark.parametrize("name", ["settings.yaml", "audiences/win_back.yaml"])
def test_a_broken_configuration_stops_all_dags_and_says_where(parse, name):
    found = parse({name: "company: [unclosed"})
    assert found["dags"] == {}
    assert all(f"{name}:1: not valid YAML" in error for error in found["errors"].values())
