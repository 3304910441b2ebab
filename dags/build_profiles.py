"""### Know who is who, and keep one golden record per customer

Starts when the sources of every group (`group:` in `config/sources/`) are valid for the same day.

- **keep_out** erases what came again of people who asked to be forgotten, before anything uses it.
- **identity** links e-mail addresses, phone numbers, logins, cookies and loyalty cards to stable customer ids
  (`identity/map`; merges and splits are dated rows of `identity/events`).
- **golden_records** picks the best value of each attribute by the rules of `config/identity.yaml`, the strictest answer
  about consent, households and channels: `profiles/*`. Steps that need no identifiers read `profiles/people`.

An older day than the newest one already built changes nothing backwards: tables are kept as of the newest day.
"""

from airflow.sdk import AssetAll, PartitionedAssetTimetable, dag, task

from dags.common import DAG_ARGS, DAILY, PROFILES, VALID
from dags.steps import step


@dag(
    schedule=PartitionedAssetTimetable(assets=AssetAll(*VALID.values())),
    tags=[DAILY, "profiles"],
    description="Valid rows to stable customer ids, golden records and consent",
    doc_md=__doc__,
    **DAG_ARGS,
)
def build_profiles() -> None:
    @task
    def keep_out() -> dict:
        """Nobody who was erased comes back with a file."""
        return step("keep_out")

    @task
    def identity() -> dict:
        """Which identifiers belong to the same customer: everything after it is keyed by customer."""
        return step("identity")

    @task(outlets=[PROFILES])
    def golden_records() -> dict:
        """One row per customer, their addresses and their consent."""
        return step("profiles")

    keep_out() >> identity() >> golden_records()


build_profiles()
