"""What every DAG shares: the day a run is about, the assets that chain the DAGs, how tasks fail.

A run is about one **day**, its partition key (`2017-12-29`): the arrival day of files, in the company's time zone.
The nightly cron takes the day that just ended. A run started by assets takes the day those assets were made for, and
starts only when all of them were made for that day. A manual run takes its partition key or its parameter `day`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, CronPartitionTimetable, Param

from dags.failing import RETRIES, say_why
from jobs.config import settings

SETTINGS = settings.load_settings()  # a broken configuration shows as import error, with file, line and remedy
ZONE = SETTINGS.general.timezone
NOT_LATE = {"run_immediately": timedelta(0)}  # a DAG switched on shortly after its hour waits for the next one
NIGHTLY = CronPartitionTimetable("0 4 * * *", timezone=ZONE, run_offset=-1, key_format="%Y-%m-%d", **NOT_LATE)

DAILY, TRAINING = "daily", "training"
"""Tags of the DAGs a day goes through, and of those that train a model when asked."""


def asset(name: str) -> Asset:
    """What one DAG makes and others wait for."""
    return Asset(name, group="klantreis")


VALID = {source.group: asset(f"valid/{source.group}") for source in SETTINGS.sources.values()}
PROFILES, JOURNEYS, FEATURES = asset("profiles"), asset("journeys"), asset("models/features")
SCORES, RETRAINING_DUE = asset("models/scores"), asset("models/retraining_due")
AUDIENCES, DELIVERIES = asset("audiences"), asset("activation/deliveries")


DEFAULT_ARGS = {
    "owner": "data-platform",
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_policy": RETRIES,
    "execution_timeout": timedelta(hours=1),
    "on_failure_callback": say_why,
    "on_retry_callback": say_why,
}


def sources_of(group: str) -> list[str]:
    """The configured sources of that group, the items a mapped ingest task runs over."""
    return [name for name, source in SETTINGS.sources.items() if source.group == group]


DAY = Param(None, type=["null", "string"], format="date", title="Day", description="default: the partition key")
DAG_ARGS: dict[str, Any] = {
    "catchup": False,
    "max_active_runs": 1,
    "dagrun_timeout": timedelta(hours=3),
    "default_args": DEFAULT_ARGS,
    "params": {"day": DAY},
}
