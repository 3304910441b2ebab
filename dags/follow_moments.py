"""### Act on micro-moments while they last

Starts when files land (a watcher looks every 15 seconds) and every ten minutes beside that; ends at once if nothing
landed since the last run. The day it is about is **today**, as far as it has come.

- **new_files** lists what landed; the steps of a night follow, for these rows and whom they touch, without models.
- **push_...** sends audiences about a `moment`, no others: those wait for the night. A moment that has expired, or that
  something served meanwhile, is not sent to (`moment_over` in `activation/deliveries`).
- **complete** is red if a source failed; the moments of other sources did not wait for it.

A day that has not ended is not `complete` in `journeys/kpis`. The night goes over it again: it becomes whole, and
nothing is sent twice.
"""

from airflow.sdk import Param, dag, get_current_context, task

from dags import deliveries
from dags.common import DAG_ARGS, DAY, SETTINGS
from dags.landed_files import WHEN_FILES_LAND
from dags.steps import call, skip, step

TODAY = Param(0, type="integer", title="Days back", description="0: today, as far as it has come")


@dag(
    schedule=WHEN_FILES_LAND,
    tags=["within_the_day", "activation"],
    description="From landed files to messages about moments that still last",
    doc_md=__doc__,
    **DAG_ARGS | {"params": {"day": DAY, "days_back": TODAY}},
)
def follow_moments() -> None:
    @task
    def new_files() -> dict:
        """What landed and was not loaded. Without anything the run ends here, unless the one before failed."""
        from jobs.ingest import not_loaded

        found = call(not_loaded.run)
        before = get_current_context()["ti"].get_previous_dagrun()
        if not found and (before is None or before.state != "failed"):
            skip("Nothing landed since the last run.")
        return {"files": len(found)}

    @task(map_index_template="{{ task.op_kwargs['source'] }}", doc_md="New files to raw, good rows to valid tables.")
    def load_and_validate(source: str) -> dict:
        return step("feedback", source) | step("ingest", source) | step("validate", source)

    @task(trigger_rule="none_skipped")  # a source that fails does not hold up the moments of others
    def who_is_who() -> dict:
        """Customers of the new rows, with consent."""
        return step("keep_out") | step("identity") | step("profiles")

    @task
    def journeys() -> dict:
        """What was written; visits, baskets, moments and stages; every number per customer."""
        return step("texts") | step("journeys") | step("traits")

    @task
    def plan() -> dict:
        """Who is in which audience, what other systems may ask, and what may be sent."""
        return step("audiences") | {"context": step("context")} | step("plan")

    @task(map_index_template="{{ task.op_kwargs['audience'] }}", doc_md="Send to whose moment still lasts.")
    def push(audience: str, destination: str) -> dict:
        with deliveries.giving_way():
            return step("push", audience, destination, hold=False)

    @task
    def complete() -> None:
        """Everything was loaded and sent; a run in which a source failed is red."""

    loaded, planned, closed = load_and_validate.expand(source=list(SETTINGS.sources)), plan(), complete()
    new_files() >> loaded >> who_is_who() >> journeys() >> planned
    [loaded, planned] >> closed
    for channel, items in deliveries.by_channel(moments=True).items():
        of_channel = push.override(task_id=f"push_{channel}", pool=f"channel_{channel}")
        planned >> of_channel.expand_kwargs(items) >> closed


follow_moments()
