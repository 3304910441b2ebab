"""### Say what came of messages nobody knows the outcome of

Started by hand, after a push stayed red because tries are *unknown*: the process was killed between sending and
recording, or the destination broke off. Look in the log of the mail server, or at the destination, then say it here.

- **settle** writes what you say to `activation/ledger`, with your reason, for all open tries of the audience,
  destination and day. *accepted*: they arrived. *rejected*: they did not, and the next push may try again.

Then clear the push of that day: it accounts for everybody and turns green. Single tries: `klantreis ledger settle`.
"""

from airflow.sdk import Param, dag, task

from dags.common import DAG_ARGS
from dags.steps import call, option

PARAMS = {
    "audience": Param("", type="string", minLength=1, title="Audience"),
    "destination": Param("", type="string", minLength=1, title="Destination"),
    "outcome": Param("accepted", enum=["accepted", "rejected"], title="They were"),
    "because": Param("", type="string", minLength=3, title="Because", description="how you know"),
}


@dag(
    schedule=None,
    tags=["audiences"],
    description="A person says what came of tries whose outcome is not known",
    doc_md=__doc__,
    **DAG_ARGS | {"params": DAG_ARGS["params"] | PARAMS},
)
def settle_deliveries() -> None:
    @task
    def settle() -> dict:
        """All open tries of that audience, destination and day."""
        from jobs.activation import settling

        named = [option(name) for name in ("audience", "destination", "outcome", "because")]
        return call(settling.settle_delivery, *named, "Airflow")

    settle()


settle_deliveries()
