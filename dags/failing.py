"""What happens when a task fails: whether it is tried again, and where it says why."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from jobs import errors
from jobs.config import yaml_files

log = logging.getLogger(__name__)
WHY, LONGEST = "why", 3_000
STOPS = [errors.DataStopped, errors.RowsRefused, errors.StaleDay, errors.NotTrainable, errors.DecisionRefused]
DECIDED = [*STOPS, errors.HeldBack, errors.ContentNotApproved, yaml_files.ConfigError]  # the same data, the same answer
BUGS = [AssertionError, AttributeError, ImportError, LookupError, NameError, TypeError]
RETRIES = ExceptionRetryPolicy(
    [
        RetryRule([*DECIDED, *BUGS], RetryAction.FAIL, reason="trying again cannot help"),
        RetryRule(errors.ModelRefused, RetryAction.RETRY, timedelta(minutes=1), "waiting for a champion to be trained"),
    ]
)


def say_why(context: Any) -> None:
    """Make the reason the last line of the log, under the traceback, and leave it for the page "Customer journey".

    Only what Klantreis says itself is left there: the words of other errors may repeat values of rows.
    """
    task, error = context["task_instance"], context.get("exception")
    log.error("%s failed: %r", task.task_id, error)
    ours = isinstance(error, errors.StepFailed | yaml_files.ConfigError)
    task.xcom_push(key=WHY, value={"kind": type(error).__name__, "why": str(error)[:LONGEST] if ours else ""})
