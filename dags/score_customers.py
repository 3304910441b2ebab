"""### Score every customer, and notice when a model needs training

Starts when the features of a day are there.

- **score** gives each customer what every model of `config/models/` says, by its champion in the registry, with the
  model version and the reasons beside each score (`models/scores`).
- **retraining_due** asks for training when a model has no champion yet, was trained a week of data ago, or sees
  customers that have drifted away from those it was trained on. Otherwise it is skipped, which is the normal day.

Without a champion the first score waits, one retry a minute, for the training it asked for.
"""

from airflow.sdk import PartitionedAssetTimetable, dag, task

from dags.common import DAG_ARGS, DAILY, FEATURES, RETRAINING_DUE, SCORES
from dags.steps import call, published, skip, step


@dag(
    schedule=PartitionedAssetTimetable(assets=FEATURES),
    tags=[DAILY, "models"],
    description="What every declared model says of every customer; asks for retraining weekly and on drift",
    doc_md=__doc__,
    **DAG_ARGS,
)
def score_customers() -> None:
    @task(outlets=[SCORES])
    def score() -> dict:
        """Every declared model, by its champion."""
        return step("score")

    @task(outlets=[RETRAINING_DUE])
    def retraining_due() -> dict:
        """Which models are to be trained, and why."""
        from jobs.models import models

        due = call(models.retraining_due)
        return published({"due": due}) if due else skip("no model is due for training")

    score()
    retraining_due()


score_customers()
