"""Notices files that land, so that a run within the day starts at once instead of at its next turn.

Runs in the triggerer of Airflow for as long as a DAG waits for it; nothing heavy is imported before it looks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import Asset, AssetOrTimeSchedule, AssetWatcher, CronTriggerTimetable
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from dags.common import ZONE

log = logging.getLogger(__name__)


class LandedFiles(BaseEventTrigger):
    """Fires when files have landed that were not there at the last look and no run has loaded."""

    def __init__(self, seconds: float = 15) -> None:
        super().__init__()
        self.seconds = seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How Airflow hands it to the triggerer."""
        return "dags.landed_files.LandedFiles", {"seconds": self.seconds}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, tell, wait; a landing that cannot be listed is told in the log and looked at again."""
        told: set[str] = set()
        while True:
            try:
                found = set(await asyncio.to_thread(waiting_files))
            except Exception as error:  # whatever is wrong now may be mended later; the cron goes on beside this
                log.error("The landing files could not be looked at: %s", error)
                found = told
            if found - told:
                yield TriggerEvent({"files": len(found)})
            told = found
            await asyncio.sleep(self.seconds)


def waiting_files() -> list[str]:
    """Files that landed up to today and are not loaded."""
    from jobs.config.settings import load_settings
    from jobs.ingest import not_loaded

    settings = load_settings()
    return not_loaded.run(datetime.now(ZoneInfo(settings.general.timezone)).date(), settings)


LANDED = Asset("landing", group="klantreis", watchers=[AssetWatcher("landed_files", trigger=LandedFiles())])
WHEN_FILES_LAND = AssetOrTimeSchedule(timetable=CronTriggerTimetable("*/10 * * * *", timezone=ZONE), assets=LANDED)
"""At once, and every ten minutes should the watcher not run."""
