"""### Train the models that are due, and promote each only if it is better

Starts when `score_customers` finds training due: weekly in days of data, on drift, or when there is no champion. A
model is a file in `config/models/`; a run started by hand trains the one its parameter `model` names.

- **due** names the models to train.
- **train**, one task per model, **reads** what was known at each training day, never later.
- It **writes** the run to MLflow (parameters, metrics, plots, signature, data version), registers the model as
  `challenger`, and moves `champion` only if the challenger is better by the margin of its file;
  `models/evaluations` keeps the verdict and the reason. What matching of records learned is shown there too.
"""

from airflow.sdk import Param, PartitionedAssetTimetable, dag, task

from dags.common import DAG_ARGS, DAY, RETRAINING_DUE, SETTINGS, TRAINING
from dags.steps import call, option, step

NAMED = Param(
    None, type=["null", "string"], enum=[None, *SETTINGS.learned], title="Model", description="default: all due"
)


@dag(
    schedule=PartitionedAssetTimetable(assets=RETRAINING_DUE),
    tags=["models", TRAINING],
    description="Every declared model, evaluated on what it has not seen; champion only if better",
    doc_md=__doc__,
    **DAG_ARGS | {"params": {"day": DAY, "model": NAMED}},
)
def retrain_models() -> None:
    @task
    def due() -> list[str]:
        """Models never trained, trained a while ago, or whose customers drifted away; or the one that was asked for."""
        from jobs.models import models

        return [option("model")] if option("model") else call(models.due)

    @task(map_index_template="{{ task.op_kwargs['name'] }}", doc_md="Train, evaluate, register, promote if better.")
    def train(name: str) -> dict:
        return step("train", name)

    train.expand(name=due())


retrain_models()
