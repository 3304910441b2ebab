"""### Send the audiences where they have to be

Starts when the audiences of a day are there. One task per audience and destination, in the pool of its channel.

- **plan** compares members with what each destination already has, and checks consent, suppression and cooling down:
  who is added, removed, sent to, kept or skipped, and why (`activation/plans`).
- **push_...** carries the plan out. Every operation is claimed in `activation/ledger` first, so a retry sends nothing
  twice. It fails if a destination refused or lost more than the tolerance of `config/destinations.yaml`.
- **account** closes the day when every delivery is accounted for (`activation/deliveries`).

A push that is odd is held back (`config/guard_rails.yaml`); *allow_push* lets it go on. A backfill never sends.

A day older than the newest one already sent is refused, because it would overwrite newer audiences; set `allow_old` to
send it all the same. Each channel needs a pool `channel_NAME`; without it its tasks wait and the run times out.
"""

from typing import Any

from airflow.sdk import Param, PartitionedAssetTimetable, dag, task

from dags import deliveries
from dags.common import AUDIENCES, DAG_ARGS, DAILY, DAY, DELIVERIES
from dags.steps import option, published, skip, step, total

ALLOW_OLD = Param(False, type="boolean", title="Allow an old day", description="send a day older than the newest sent")


@dag(
    schedule=PartitionedAssetTimetable(assets=AUDIENCES),
    tags=[DAILY, "activation"],
    description="Members to e-mail and ads, with consent checked and every operation in a ledger",
    doc_md=__doc__,
    **DAG_ARGS | {"params": {"day": DAY, "allow_old": ALLOW_OLD}},
)
def push_audiences() -> None:
    @task
    def plan() -> dict:
        """Who is to be added, removed, sent to, kept or skipped."""
        if deliveries.is_backfill():
            skip("A backfill never sends.")
        return step("plan", allow_old=option("allow_old"))

    @task(
        map_index_template="{{ task.op_kwargs['audience'] }} to {{ task.op_kwargs['destination'] }}",
        doc_md="Carry out the plan of one audience at one destination.",
    )
    def push(audience: str, destination: str) -> dict:
        with deliveries.giving_way():
            return step("push", audience, destination, hold=False, allow_old=option("allow_old"))

    @task(outlets=[DELIVERIES], trigger_rule="none_failed")
    def account(*counts: Any) -> dict:
        """Every delivery of the day is accounted for."""
        return published(total(result for channel in counts for result in channel or []))

    planned, pushed = plan(), []
    for channel, items in deliveries.by_channel().items():
        of_channel = push.override(task_id=f"push_{channel}", pool=f"channel_{channel}").expand_kwargs(items)
        planned >> of_channel
        pushed.append(of_channel)
    account(*pushed)


push_audiences()
