"""### Let a push go on that a guard rail holds back

Started by hand, after a push stopped because its audience is out of its own history, empty, or rests on a silent source
or an old model (`activation/guard_rails` says which). Look first whether it is right.

- **allow** keeps your reason, and lets exactly what was found pass, for the push of that day alone.

Then clear the push of that day. Another number, or another day, stops again. Or: `klantreis guard allow`.
"""

from airflow.sdk import Param, dag, task

from dags.common import DAG_ARGS, SETTINGS
from dags.steps import call, option

NAMES = [sorted(SETTINGS.audiences) or [""], sorted(SETTINGS.destinations) or [""]]
PARAMS = {
    "audience": Param(NAMES[0][0], enum=NAMES[0], title="Audience"),
    "destination": Param(NAMES[1][0], enum=NAMES[1], title="Destination"),
    "because": Param("", type="string", minLength=3, title="Because", description="why it is meant"),
}


@dag(
    schedule=None,
    tags=["audiences"],
    description="A person lets one push go on that a guard rail holds back",
    doc_md=__doc__,
    **DAG_ARGS | {"params": DAG_ARGS["params"] | PARAMS},
)
def allow_push() -> None:
    @task
    def allow() -> dict:
        """What was found about that push, on that day."""
        from jobs.activation import guard_rails

        return call(guard_rails.allow, *(option(name) for name in ("audience", "destination", "because")), "Airflow")

    allow()


allow_push()
