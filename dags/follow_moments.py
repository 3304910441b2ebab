"""### Act on micro-moments while they last

Starts when files land (a watcher looks every 15 seconds) and every ten minutes beside that; ends at once if nothing
landed since the last run. The day it is about is **today**, as far as it has come.

- **new_files** lists what landed and was not loaded; the steps of a night follow, for these rows and whom they touch.
- **push_...** sends audiences that are about a `moment`, and no others: those wait for the night. A moment that has
  expired, or that something served meanwhile, is not sent to (`moment_over` in `activation/deliveries`).

The night goes over the same day again: it finds it done, changes nothing and sends nothing twice. Models are not asked
within the day; rules see the scores of the night before.
"""

from airflow.sdk import Asset, AssetOrTimeSchedule, AssetWatcher, CronTriggerTimetable, Param, dag, task

from dags import deliveries
from dags.common import DAG_ARGS, DAY, SETTINGS, ZONE
from dags.landed_files import LandedFiles
from dags.steps import call, skip, step

LANDED = Asset("landing", group="klantreis", watchers=[AssetWatcher("landed_files", trigger=LandedFiles())])
TODAY = Param(0, type="integer", title="Days back", description="0: today, as far as it has come")


@dag(
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("*/10 * * * *", timezone=ZONE), assets=LANDED),
    tags=["within_the_day", "activation"],
    description="From landed files to messages about moments that still last",
    doc_md=__doc__,
    **DAG_ARGS | {"params": {"day": DAY, "days_back": TODAY}},
)
def follow_moments() -> None:
    @task
    def new_files() -> dict:
        """What landed and was not loaded; without anything the run ends here."""
        from jobs.ingest import not_loaded

        found = call(not_loaded.run)
        return {"files": len(found)} if found else skip("Nothing landed since the last run.")

    @task(map_index_template="{{ task.op_kwargs['source'] }}", doc_md="New files to raw, good rows to valid tables.")
    def load_and_validate(source: str) -> dict:
        return step("ingest", source) | step("validate", source)

    @task
    def who_is_who() -> dict:
        """Customers of the new rows, and their golden records with consent."""
        return step("identity") | step("profiles")

    @task
    def journeys() -> dict:
        """Visits, baskets, moments and stages; every number per customer."""
        return step("journeys") | step("traits")

    @task
    def plan() -> dict:
        """Who is in which audience, and what may be sent to them."""
        return step("audiences") | step("plan")

    @task(
        map_index_template="{{ task.op_kwargs['audience'] }} to {{ task.op_kwargs['destination'] }}",
        doc_md="Send to whose moment still lasts.",
    )
    def push(audience: str, destination: str) -> dict:
        return step("push", audience, destination)

    planned = plan()
    new_files() >> load_and_validate.expand(source=list(SETTINGS.sources)) >> who_is_who() >> journeys() >> planned
    for channel, items in deliveries.by_channel(moments=True).items():
        of_channel = push.override(task_id=f"push_{channel}", pool=f"channel_{channel}")
        planned >> of_channel.expand_kwargs(items)


follow_moments()
