"""### Train the churn model, and promote it only if it is better

Starts when `score_customers` finds training due: weekly in days of data, on drift, or when there is no champion.

- **Reads** features, journeys and orders known at each training day, never later.
- **Writes** the run to MLflow (parameters, metrics, plots, signature, data version), registers the model as
  `challenger`, and moves `champion` only if the challenger is better by the margin of `config/models.yaml`;
  `models/evaluations` keeps the verdict and the reason.
"""

from airflow.sdk import PartitionedAssetTimetable, dag, task

from dags.common import DAG_ARGS, RETRAINING_DUE, TRAINING, asset
from dags.steps import step


@dag(
    schedule=PartitionedAssetTimetable(assets=RETRAINING_DUE),
    tags=["models", TRAINING],
    description="Risk of leaving, evaluated on a later period; champion only if better",
    doc_md=__doc__,
    **DAG_ARGS,
)
def retrain_churn() -> None:
    @task(outlets=[asset("models/churn")])
    def train() -> dict:
        """Train, evaluate on a later period, register, and promote if better."""
        return step("train", "churn")

    train()


retrain_churn()
