"""Which audience goes where, by channel: each has a pool, and its deliveries are the items of one mapped task."""

from __future__ import annotations

from airflow.sdk import get_current_context

from dags.common import SETTINGS


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
