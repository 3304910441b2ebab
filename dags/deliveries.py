"""Which audience goes where, by channel: each has a pool, and its deliveries are the items of one mapped task.

A task whose destination answers later gives its worker and its place in the pool to others, and looks again after a
while: that is no failure and uses up no retry. Nothing of a person is kept for it outside the ledger.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowRescheduleException

from dags.common import SETTINGS
from jobs.errors import AnswersOutstanding

log = logging.getLogger(__name__)


def by_channel(moments: bool = False) -> dict[str, list[dict[str, str]]]:
    """The configured (audience, destination) pairs; with `moments` only audiences about one, sent within the day."""
    channels: dict[str, list[dict[str, str]]] = {}
    for audience in SETTINGS.audiences.values():
        for destination in audience.send_to if audience.moment or not moments else ():
            channel = SETTINGS.destinations[destination].channel
            channels.setdefault(channel, []).append({"audience": audience.audience, "destination": destination})
    return channels


def is_backfill() -> bool:
    """Whether this run repeats the past, of which nothing is sent to anybody."""
    return bool(get_current_context()["dag_run"].run_type == "backfill")


@contextmanager
def giving_way() -> Iterator[None]:
    """A push in here that waits for an answer is done again by this task, later."""
    try:
        yield
        return
    except AnswersOutstanding as waiting:
        log.info("%s. Looking again in %.0f s.", waiting, waiting.again_in)
        again = datetime.now(UTC) + timedelta(seconds=waiting.again_in)
    raise AirflowRescheduleException(again)
