"""### See each customer's journey

Starts when the profiles of a day are built.

- **texts** reads what customers wrote in the rows that arrived: language, sentiment, intent and theme, with personal
  data masked (`models/texts`).
- **journeys** cuts web events into sessions, gathers all touchpoints in order, places each customer in one of five
  stages by the rules of `config/journey.yaml` (with history), and computes the journey KPIs.
- **traits** computes what `config/traits.yaml` declares over valid rows and journeys: `profiles/traits`, and of the
  traits that models learn from a row per customer and day, with nothing known later: `models/features`.

- **paths** counts the funnels and the ways of `config/journey.yaml` over a window of recent days: what follows what,
  where customers drop off, and which channels and campaigns led to orders.
- **journey_map** puts numbers beside what `config/journey_map.yaml` says of touchpoints, ranks opportunities, measures
  what solutions changed, and tells contradictions.

- **alerts** tells the owners of KPIs what they have to see, by the routes of `config/alerts.yaml`.

- **Reads** `valid/*`, `identity/map`. **Writes** `models/texts`, `journeys/*`, `profiles/traits` and `models/features`.
"""

from airflow.sdk import PartitionedAssetTimetable, dag, task

from dags.common import DAG_ARGS, DAILY, FEATURES, JOURNEYS, PROFILES
from dags.notices import tell_alerts
from dags.steps import step


@dag(
    schedule=PartitionedAssetTimetable(assets=PROFILES),
    tags=[DAILY, "journeys"],
    description="Sessions, touchpoints, stages and journey KPIs; every number per customer",
    doc_md=__doc__,
    **DAG_ARGS,
)
def map_journeys() -> None:
    @task
    def texts() -> dict:
        """What customers wrote in the rows that arrived: language, sentiment, intent and theme."""
        return step("texts")

    @task(outlets=[JOURNEYS])
    def journeys() -> dict:
        """Sessions, touchpoints, moments, stages and KPIs of the day."""
        return step("journeys")

    @task(outlets=[FEATURES])
    def traits() -> dict:
        """Every number per customer, as known at the end of the day, and nothing later."""
        return step("traits")

    @task
    def paths() -> dict:
        """Funnels, transitions, whole paths and attribution of the days up to this one."""
        return step("paths")

    @task
    def journey_map() -> dict:
        """The journey map: touchpoints, insights, opportunities, solutions and contradictions, with their numbers."""
        return step("map")

    @task
    def alerts() -> dict:
        """Values of KPIs that a person has to see, told by the routes of config/alerts.yaml, each once."""
        return tell_alerts()

    counted = journeys()
    texts() >> counted
    counted >> traits() >> paths() >> journey_map()
    counted >> alerts()


map_journeys()
