"""A link "Data Docs" on every ingest task: the validation results of the source that it loaded."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin
from airflow.providers.standard.decorators.python import _PythonDecoratedOperator
from airflow.sdk import BaseOperatorLink

PAGES = "/klantreis/data-docs"
TASK = "load_and_validate"


class DataDocsLink(BaseOperatorLink):
    """Opens the page of one source. Airflow offers it for all tasks written with `@task`; others get none."""

    name = "Data Docs"
    operators = [_PythonDecoratedOperator]

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The mapped ingest tasks are named after their source as soon as they start, whatever becomes of them."""
        if operator.task_id != TASK:
            return ""
        source = _name_of(ti_key)
        return f"{PAGES}/{source}.html" if source else ""


def _name_of(ti_key: Any) -> str | None:
    """The name that a mapped task instance got; read where Airflow shows it, in the API server."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        instance = session.scalar(
            select(TaskInstance).where(
                TaskInstance.dag_id == ti_key.dag_id,
                TaskInstance.task_id == ti_key.task_id,
                TaskInstance.run_id == ti_key.run_id,
                TaskInstance.map_index == ti_key.map_index,
            )
        )
        return instance.rendered_map_index if instance else None


class DataDocs(AirflowPlugin):
    """Adds the link to the tasks of the ingest DAGs."""

    name = "klantreis_data_docs"
    operator_extra_links = [DataDocsLink()]
