"""### Try rows in quarantine again, after the configuration, a rule or the landed file was corrected

Started by hand, for rows of one source that arrived on one day. The other parameters narrow them down; with `dry_run`
the log says what would happen and nothing changes.

- **replay** takes the rows from their raw table, unreadable lines and files from where they landed. A row that keeps
  the rules now reaches its valid table once, as of the day it arrived. A stopped batch is judged again as a whole;
  `accept` lets it pass in spite of one critical rule, `because` says why. All is kept in `quarantine/replays`.
- **publish_...** updates the asset of the source's group for that day, so that what waits for it starts. It fails as
  long as a dataset of the group is stopped on that day.
- **account** fails if a row was refused again: the log says which rule and why.
"""

from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from dags.common import DAG_ARGS, SETTINGS, VALID, sources_of
from dags.steps import call, option, published, skip

DATASETS = sorted({name for source in SETTINGS.sources.values() for name in source.datasets})


def _text(title: str, description: str) -> Param:
    return Param(None, type=["null", "string"], title=title, description=description)


PARAMS = {
    "source": Param(type="string", enum=sorted(SETTINGS.sources) or [""], title="Source"),
    "day": Param(type="string", format="date", title="Day", description="the day the rows arrived"),
    "dataset": Param(None, enum=[None, *DATASETS], title="Dataset", description="default: all of the source"),
    "rule": _text("Rule", "only rows that broke this rule, such as email:regex"),
    "path": _text("File", "only files whose path contains this"),
    "dry_run": Param(False, type="boolean", title="Dry run", description="say what would happen, change nothing"),
    "accept": _text("Accept", "let a stopped batch pass in spite of this critical rule"),
    "because": _text("Because", "why it is right after all; needed with Accept"),
}


@dag(
    schedule=None,
    tags=["ingest", "quarantine"],
    description="Rows in quarantine are tried again; good ones reach their valid tables",
    doc_md=__doc__,
    **DAG_ARGS | {"params": PARAMS},
)
def replay_quarantine() -> None:
    @task
    def replay() -> dict:
        """Good rows to the valid tables, the others stay where they are."""
        from jobs.validate.replay import replay

        by = get_current_context()["dag_run"].triggering_user_name or "airflow"
        return call(replay.run_day, {name: option(name) for name in PARAMS}, by=by)

    def publish(group: str) -> dict:
        from jobs.validate import step

        if SETTINGS.sources[option("source")].group != group or option("dry_run"):
            skip(f"nothing of the group {group} is to be published")
        for source in sources_of(group):
            call(step.run, source)
        return published({})

    @task
    def account(found: Any) -> None:
        """Every row that was tried is where it belongs."""
        from jobs.validate.replay import replay

        replay.refuse(found)

    found = replay()
    for group, asset in VALID.items():
        doc = f"The sources of the group {group} are in: what waits for them may start."
        found >> task(task_id=f"publish_{group}", outlets=[asset], doc_md=doc)(publish)(group)
    account(found)


replay_quarantine()
