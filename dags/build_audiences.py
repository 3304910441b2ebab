"""### Decide who is in which audience

Starts when scores, journeys and profiles of a day are there.

- **Reads** profiles, stages, scores and valid rows as of the day, and the rules of `config/audiences/`.
- **Writes** `audiences/members`: who is in, in which arm (treatment or holdout), and the values the rule saw; and
  `decisions/effects`: what each audience did so far, against those held out, with an interval, and
  `decisions/experiment_results`: what experiments tell; and `decisions/context`
  for web shops, apps and chat tools.

Nobody is sent anything here: consent, suppression and cooling down are checked when the day is pushed.
"""

from airflow.sdk import PartitionedAssetTimetable, dag, task

from dags.common import AUDIENCES, DAG_ARGS, DAILY, JOURNEYS, SCORES
from dags.steps import step


@dag(
    schedule=PartitionedAssetTimetable(assets=SCORES & JOURNEYS),
    tags=[DAILY, "audiences"],
    description="Rules to members, with holdout and evidence",
    doc_md=__doc__,
    **DAG_ARGS,
)
def build_audiences() -> None:
    @task(outlets=[AUDIENCES])
    def members() -> dict:
        """Every audience of config/audiences/, for this day."""
        return step("audiences")

    @task
    def effects() -> dict:
        """What each audience did so far, against those held out (`decisions/effects`)."""
        return step("effects")

    @task
    def context() -> dict:
        """What other systems may ask of each customer, and its file, if config/context.yaml says what."""
        return step("context")

    members() >> [effects(), context()]


build_audiences()
