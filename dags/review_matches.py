"""### Ask a person about records that may be one customer

Started by hand. Each pair becomes a *required action* in Airflow, likeliest first, without names or addresses: who
decides looks at the records with `klantreis review list --show-values`.

- **pairs** takes the likeliest pairs of `identity/review` that nobody has decided yet.
- **ask** waits for an answer per pair: same, different or not sure, and why. After a week it counts as not sure.
- **keep** adds the answers to `ops/decisions`. They win over every rule and probability at the next run of
  build_profiles; what they did is in `identity/decisions`. An answer that contradicts another decision is refused.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, task

from dags.asking import ask
from dags.common import DAG_ARGS
from dags.steps import call, option, skip

PAIRS = Param(20, type="integer", minimum=1, maximum=100, title="Pairs", description="how many to ask about")


@dag(
    schedule=None,
    tags=["profiles"],
    description="A person decides which records are one customer",
    doc_md=__doc__,
    **DAG_ARGS | {"params": DAG_ARGS["params"] | {"pairs": PAIRS}, "dagrun_timeout": timedelta(days=8)},
)
def review_matches() -> None:
    @task
    def pairs() -> list:
        """The pairs to ask about: ids of records, and how they agree."""
        from jobs.identity.stewards import review

        return call(review.questions, option("pairs")) or skip("no pair waits for a decision")

    @task
    def keep(asked: Any, answers: Any) -> dict:
        """Answers that are more than *not sure* become decisions."""
        from jobs.identity.stewards import review

        return call(review.keep, list(asked), list(answers))

    asked = pairs()
    keep(asked, ask(asked, ["same", "different", "not sure"]).output)


review_matches()
