"""### Tell people what went wrong

Looks every ten minutes for what `config/alerts.yaml` has routes for: deliveries that are not whole, pushes that are
held back, unusually much in quarantine, silent sources, breaches of KPIs, drift, and models that were refused.

- **tell** hands what is new to the notifier of each route, in one notice. Every alert is told once per route, and no
  route is used more often than its `every_hours` says (`ops/alerts_told`).

Without routes it runs by hand only, and tells nobody.
"""

from airflow.sdk import CronTriggerTimetable, Param, dag, task

from dags.common import DAG_ARGS, DAY, SETTINGS, ZONE
from dags.notices import tell_alerts as tell_all

TODAY = Param(0, type="integer", title="Days back", description="0: what was found up to today")


@dag(
    schedule=CronTriggerTimetable("*/10 * * * *", timezone=ZONE) if SETTINGS.alerts.routes else None,
    tags=["alerts"],
    description="Failed deliveries, held back pushes, silence, breaches and the like reach a person",
    doc_md=__doc__,
    **DAG_ARGS | {"params": {"day": DAY, "days_back": TODAY}},
)
def tell_alerts() -> None:
    @task
    def tell() -> dict:
        """Every route, each alert once."""
        return tell_all()

    tell()


tell_alerts()
