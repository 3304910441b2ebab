"""A notifier that posts what there is to tell to a webhook, such as that of a chat channel."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseNotifier

from dags.steps import airflow_connection
from jobs.config import connections


class Webhook(BaseNotifier):
    """`connection` names an Airflow connection: its host is the address of the webhook."""

    template_fields = ("subject", "text")

    def __init__(self, connection: str, subject: str = "{{ alerts.subject }}", text: str = "{{ alerts.text }}") -> None:
        super().__init__()
        self.connection, self.subject, self.text = connection, subject, text

    def notify(self, context: Any) -> None:
        """Post it; an answer other than 2xx raises."""
        from jobs.report.alerts import webhook

        connections.add_connection_source(airflow_connection)
        webhook.post(self.connection, self.subject, self.text)
