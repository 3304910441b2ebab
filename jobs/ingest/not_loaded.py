"""Which files landed and wait to be loaded: what a run within the day starts for."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date

from jobs.config.settings import Settings
from jobs.config.sources.source import Source
from jobs.errors import StepFailed
from jobs.ingest.landing.landing import Landing
from jobs.ingest.ledger import Ledger
from jobs.ingest.lookups import has_states, inputs
from jobs.lake.lake import Lake

log = logging.getLogger(__name__)


def run(day: date, settings: Settings) -> list[str]:
    """Complete files up to `day` that no run has loaded, by path below the landing root. Reads `ops/files` only.

    A source that cannot be listed is told and left to its own step, which fails: others need not wait for it.
    """
    lake = Lake.of(settings)
    found: set[str] = set()
    for name, source in settings.sources.items():
        try:
            found |= set(_of_source(name, source, day, settings, lake))
        except StepFailed as error:
            log.warning("%s", error)
    return sorted(found)


def _of_source(name: str, source: Source, day: date, settings: Settings, lake: Lake) -> Iterator[str]:
    landing, ledger = Landing(name, settings), Ledger(lake, name)
    for dataset, configured in inputs(source).items():
        landed = landing.files(configured.files, day, configured.ready)
        new, _ = ledger.new_files(dataset, landing, landed, has_states(dataset, configured))
        yield from (one.file.path for one in new)
