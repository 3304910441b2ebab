"""### Know who is who, and keep one golden record per customer

Starts when CRM, survey, chat and web are all valid for the same day.

- **identity** links e-mail addresses, phone numbers, logins, cookies and loyalty cards to stable customer ids
  (`identity/map`; merges and splits are dated rows of `identity/events`).
- **golden_records** picks the best value of each attribute by the rules of `config/identity.yaml`, the strictest answer
  about consent, households and channels: `profiles/*`. Steps that need no identifiers read `profiles/people`.
- **traits** computes what `config/traits.yaml` declares over orders, events, conversations, ...: `profiles/traits`.

An older day than the newest one already built changes nothing backwards: tables are kept as of the newest day.
"""

from airflow.sdk import PartitionedAssetTimetable, dag, task

from dags.common import CHAT, CRM, DAG_ARGS, PROFILES, SURVEY, WEB
from dags.steps import step


@dag(
    schedule=PartitionedAssetTimetable(assets=CRM & SURVEY & CHAT & WEB),
    tags=["profiles"],
    description="Valid rows to stable customer ids, golden records and consent",
    doc_md=__doc__,
    **DAG_ARGS,
)
def build_profiles() -> None:
    @task
    def identity() -> dict:
        """Which identifiers belong to the same customer. First, because everything else is keyed by customer."""
        from jobs.identity import identity

        return step(identity.run)

    @task
    def golden_records() -> dict:
        """One row per customer, their addresses and their consent."""
        from jobs.profiles import customers

        return step(customers.run)

    @task(outlets=[PROFILES])
    def traits() -> dict:
        """Numbers and facts per customer. Last, so that whoever waits for profiles finds them all."""
        from jobs.activity import traits

        return step(traits.run)

    identity() >> golden_records() >> traits()


build_profiles()
