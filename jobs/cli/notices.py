"""Warnings of a run, collected while it goes on and told once: by kind, with a count and the newest of each."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from jobs.plain_text import harmless

SHOWN = 3
"""So many of one kind are told in full; of more, the count and the newest."""


class Notices(logging.Handler):
    """Takes the warnings of the jobs. Two are of one kind if the code says so (`rule`), or if one line wrote both."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._found: dict[str, list[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        kind = getattr(record, "rule", None) or f"{record.name}:{record.lineno}"
        self._found.setdefault(kind, []).append(harmless(record.getMessage()))

    def lines(self) -> list[str]:
        """What to tell, kinds in the order in which each was first seen; the same text twice is told once."""
        told = []
        for messages in self._found.values():
            distinct = list(dict.fromkeys(messages))
            if len(distinct) <= SHOWN:
                told += distinct
            else:
                told.append(f"{distinct[-1]} (and {len(distinct) - 1} more of this kind)")
        return told


@contextmanager
def collected() -> Iterator[Notices]:
    """While inside, warnings of `jobs` are kept instead of printed. Other handlers, such as a log file's, see them."""
    log, notices = logging.getLogger("jobs"), Notices()
    log.addHandler(notices)  # a logger with a handler no longer prints by Python's handler of last resort
    try:
        yield notices
    finally:
        log.removeHandler(notices)
