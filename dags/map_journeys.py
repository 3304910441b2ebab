"""### See each customer's journey

Starts when the profiles of a day are built.

- **journeys** cuts web events into sessions, gathers all touchpoints in order, places each customer in one of five
  stages by the rules of `config/journey.yaml` (with history), and computes the journey KPIs.
- **features** describes each customer as known at the end of the day, for the models.

- **Reads** `valid/*`, `identity/map`. **Writes** `journeys/*` and `models/features`.
"""

from airflow.sdk import PartitionedAssetTimetable, dag, task

from dags.common import DAG_ARGS, DAILY, FEATURES, JOURNEYS, PROFILES
from dags.steps import step


@dag(
    schedule=PartitionedAssetTimetable(assets=PROFILES),
    tags=[DAILY, "journeys"],
    description="Sessions, touchpoints, stages and journey KPIs; features for the models",
    doc_md=__doc__,
    **DAG_ARGS,
)
def map_journeys() -> None:
    @task(outlets=[JOURNEYS])
    def journeys() -> dict:
        """Sessions, touchpoints, moments, stages and KPIs of the day."""
        return step("journeys")

    @task(outlets=[FEATURES])
    def features() -> dict:
        """What was known about each customer at the end of the day, and nothing later."""
        return step("features")

    journeys() >> features()


map_journeys()
