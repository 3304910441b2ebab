"""The environment of processes that tests start."""

from __future__ import annotations

import os

FROM_OTHER_TESTS = ("AIRFLOW_", "AWS_", "KLANTREIS_", "MLFLOW_", "SPARK_")
"""Variables that libraries set in a process that ran other tests before."""


def outside() -> dict[str, str]:
    """The environment this process got, without what tests have added."""
    return {name: value for name, value in os.environ.items() if not name.startswith(FROM_OTHER_TESTS)}
